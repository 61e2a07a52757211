package notify_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"detect/engine"
	"detect/internal/store"
	"detect/notify"
)

// errDead is what everything returns once the process has died.
var errDead = errors.New("the process is dead")

// mortal is an outbox whose process dies at a step: each write has a step before it takes effect and one after.
type mortal struct {
	backend
	life *life
}

// life counts a process's steps. The channels of the process share it.
type life struct {
	mu    sync.Mutex
	left  int // steps to live; negative: for ever
	dead  bool
	death context.CancelFunc
}

// step takes one, and says whether the process lives.
func (l *life) step() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.left == 0 && !l.dead {
		l.dead = true
		l.death()
	}
	l.left--
	if l.dead {
		return errDead
	}
	return nil
}

// around is a write between two steps.
func (m mortal) around(write func() error) error {
	if err := m.life.step(); err != nil {
		return err
	}
	err := write()
	if dead := m.life.step(); dead != nil {
		return dead
	}
	return err
}

func (m mortal) Route(ctx context.Context, limit int, route func(*engine.Alert) []string) (n int, err error) {
	return n, m.around(func() error { n, err = m.backend.Route(ctx, limit, route); return err })
}

func (m mortal) BeginDelivery(ctx context.Context, d *store.Delivery, revision int) error {
	return m.around(func() error { return m.backend.BeginDelivery(ctx, d, revision) })
}

func (m mortal) EndDelivery(ctx context.Context, d *store.Delivery, revision int, receipt []byte, at int64) error {
	return m.around(func() error { return m.backend.EndDelivery(ctx, d, revision, receipt, at) })
}

func (m mortal) DelayDelivery(ctx context.Context, d *store.Delivery, next int64, cause string, failed, certain bool) error {
	return m.around(func() error { return m.backend.DelayDelivery(ctx, d, next, cause, failed, certain) })
}

func (m mortal) FailDelivery(ctx context.Context, d *store.Delivery, cause, standIn string) error {
	return m.around(func() error { return m.backend.FailDelivery(ctx, d, cause, standIn) })
}

func (m mortal) StandInWaiting(ctx context.Context, channel, standIn, cause string, queued, now int64, limit int) (n int, err error) {
	return n, m.around(func() error {
		n, err = m.backend.StandInWaiting(ctx, channel, standIn, cause, queued, now, limit)
		return err
	})
}

func (m mortal) NextDelivery(ctx context.Context, channel string, now int64) (d *store.Delivery, next int64, err error) {
	if m.life.isDead() {
		return nil, 0, errDead
	}
	return m.backend.NextDelivery(ctx, channel, now)
}

func (l *life) isDead() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dead
}

// got is one message that a place of people has received.
type got struct {
	alert    string
	revision int
	at       time.Time
	m        *notify.Message
}

// place is where a channel's messages arrive. It outlives processes.
type place struct {
	mu   sync.Mutex
	got  []got
	told []notify.Notice
	// answer decides about the n-th attempt (from 0) to send a message; nil: all arrive.
	answer   func(n int, m *notify.Message) answer
	attempts int
}

// answer is what becomes of one attempt.
type answer struct {
	err     error
	arrives bool // also if there is an error
	takes   time.Duration
}

func (p *place) messages() []got {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.got)
}

// tries is how many attempts to send there were.
func (p *place) tries() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.attempts
}

// channel is a process's way to a place.
type channel struct {
	*place
	life *life
	each bool
	plan func(m *notify.Message) notify.Plan
}

func (c *channel) Kind() string       { return "test" }
func (c *channel) EachRevision() bool { return c.each }

func (c *channel) Plan(m *notify.Message) notify.Plan {
	if c.plan != nil {
		return c.plan(m)
	}
	return notify.Plan{}
}

func (c *channel) Send(ctx context.Context, m *notify.Message) ([]byte, error) {
	if c.life != nil {
		if err := c.life.step(); err != nil {
			return nil, err
		}
	}
	c.mu.Lock()
	a := answer{arrives: true}
	if c.answer != nil {
		a = c.answer(c.attempts, m)
		a.arrives = a.arrives || a.err == nil
	}
	c.attempts++
	c.mu.Unlock()
	if a.takes > 0 {
		t := time.NewTimer(a.takes)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	c.mu.Lock()
	if a.arrives {
		c.got = append(c.got, got{m.Alert.ID, m.Alert.Revision, time.Now(), m})
	}
	c.mu.Unlock()
	if c.life != nil {
		if err := c.life.step(); err != nil {
			return nil, err
		}
	}
	if a.err != nil {
		return nil, a.err
	}
	return fmt.Appendf(nil, "%s %d", m.Alert.ID, m.Alert.Revision), nil
}

func (c *channel) Tell(_ context.Context, n *notify.Notice) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.answer != nil {
		a := c.answer(c.attempts, nil)
		if c.attempts++; a.err != nil {
			return a.err
		}
	}
	c.told = append(c.told, *n)
	return nil
}
