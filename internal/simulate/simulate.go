// Package simulate makes an hour, or years, of audit records of a tenant that does not exist: people with offices,
// devices, working hours, trips and habits, the noise that Microsoft's own services make, and attacks on demand, each
// with the truth about what a rule must find and what it must leave alone. The same configuration gives the same bytes
// everywhere. All names, addresses and domains are reserved for examples or belong to Microsoft.
package simulate

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"
)

// Config says which tenant and how much of its life to make.
type Config struct {
	// Seed chooses the tenant and everything that happens in it.
	Seed uint64
	// Start is the time of the first records; zero is Monday 2026-03-02 00:00 UTC. Fractions of a second are cut.
	Start time.Time
	// Duration is how much of its life; zero is 7 days, or what Records takes at a natural pace if that is set.
	Duration time.Duration
	// Users is how many people and guests; zero is 200. At least 40.
	Users int
	// Records is about how many records to make, within a tenth from ten thousand on; zero is a natural pace, some 30 a
	// user and working day.
	Records int
	// Attacks are names of Attacks(), or "all" for those that fit into Duration. A name given twice is done twice. None:
	// an ordinary tenant.
	Attacks []string
	// Domain is the tenant's mail domain; "" is contoso.example. Its first label names the onmicrosoft domain and the sites.
	Domain string
	// NoShared leaves out the shared mailboxes, whose delegates a rule about opening the mailboxes of others may report.
	NoShared bool
}

// Disorder is the greatest distance in event time between a record and a younger one written before it.
const Disorder = 9 * time.Second

// generator makes one stream of records.
type generator struct {
	cfg        Config
	start, end int64 // seconds since 1970; end is not reached
	emit       func([]byte) error
	l          line
	tenant     tenant
	pace       int64 // 2^16 at a natural pace
	queue      queue
	actors     []actor
	noise      dice
	err        error
	truth      Truth
	typos      [offices]limiter
}

// actor is somebody who acts again and again. act does what is due at t and says when the next thing is; a time that is
// not before the end of the simulation is never due.
type actor interface {
	act(g *generator, t int64) int64
}

// Generate makes the records and hands each to emit as one line of JSON without its newline, valid until emit returns.
// They are in order of time but for Disorder. An error of emit ends it.
func Generate(cfg Config, emit func(line []byte) error) (Truth, error) {
	if err := cfg.fill(); err != nil {
		return Truth{}, err
	}
	g := &generator{cfg: cfg, start: cfg.Start.Unix(), emit: emit}
	g.end = g.start + int64(cfg.Duration/time.Second)
	g.noise = newDice(cfg.Seed, 1)
	g.l.b = make([]byte, 0, 64<<10)
	g.tenant = newTenant(cfg)
	g.pace = g.tenant.pace(cfg, g.start, g.end)
	g.truth = Truth{Seed: cfg.Seed, Start: cfg.Start.UTC(), End: cfg.Start.Add(cfg.Duration).UTC(), Domains: g.tenant.domains()}
	for _, m := range g.tenant.shared {
		g.truth.Shared = append(g.truth.Shared, m.address)
	}
	if err := g.stageAttacks(); err != nil {
		return Truth{}, err
	}
	g.add(newServices(g), g.start)
	for i := range g.tenant.people {
		p := &g.tenant.people[i]
		g.add(p, p.nextSession(g, g.start))
	}
	if err := g.run(); err != nil {
		return Truth{}, err
	}
	g.truth.settle()
	return g.truth, nil
}

// Write generates to w, a line for each record.
func Write(w io.Writer, cfg Config) (Truth, error) {
	out := bufio.NewWriterSize(w, 1<<20)
	t, err := Generate(cfg, func(line []byte) error {
		if _, err := out.Write(line); err != nil {
			return err
		}
		return out.WriteByte('\n')
	})
	if err != nil {
		return t, err
	}
	if err := out.Flush(); err != nil {
		return t, fmt.Errorf("write records: %w", err)
	}
	return t, nil
}

func (c *Config) fill() error {
	if c.Start.IsZero() {
		c.Start = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	}
	c.Start = time.Unix(c.Start.Unix(), 0).UTC()
	if c.Users == 0 {
		c.Users = 200
	}
	if c.Domain == "" {
		c.Domain = "contoso.example"
	}
	if c.Duration == 0 {
		c.Duration = 7 * 24 * time.Hour
		if c.Records > 0 {
			days := max(1, c.Records/(c.Users*naturalPerDay))
			c.Duration = time.Duration(days) * 24 * time.Hour
		}
	}
	switch {
	case c.Users < 40 || c.Users > 200_000:
		return fmt.Errorf("simulate a tenant of %d users: 40 to 200,000 are possible", c.Users)
	case c.Duration < time.Hour || c.Duration > 20*366*24*time.Hour:
		return fmt.Errorf("simulate %s: an hour to twenty years are possible", c.Duration)
	case c.Records < 0:
		return fmt.Errorf("simulate %d records: the number must not be negative", c.Records)
	case c.Start.Year() < 1970 || c.Start.Year() > 9900:
		return fmt.Errorf("simulate from %s: the year must be from 1970 to 9900", c.Start)
	case strings.Trim(strings.ToLower(c.Domain), "abcdefghijklmnopqrstuvwxyz0123456789-.") != "" || !strings.Contains(strings.Trim(c.Domain, "."), "."):
		return fmt.Errorf("simulate domain %q: want a name such as contoso.example", c.Domain)
	}
	c.Domain = strings.ToLower(strings.Trim(c.Domain, "."))
	return nil
}

// add lets a act for the first time at t.
func (g *generator) add(a actor, t int64) {
	g.actors = append(g.actors, a)
	g.schedule(len(g.actors)-1, t, 0)
}

// schedule queues the actor for its act at t, with a delay of what an audit feed shows; at is the present of the feed.
func (g *generator) schedule(i int, t, at int64) {
	if t >= g.end {
		return
	}
	due := t
	if g.noise.n(8) == 0 {
		due += g.noise.span(1, int64(Disorder/time.Second)-1)
	}
	g.queue.push(turn{due: max(due, at), time: t, actor: i})
}

func (g *generator) run() error {
	for len(g.queue) > 0 && g.err == nil {
		w := g.queue.pop()
		next := g.actors[w.actor].act(g, w.time)
		g.schedule(w.actor, max(next, w.time), w.due)
	}
	return g.err
}

// done hands the line that was written last to its receiver.
func (g *generator) done() {
	b := g.l.close()
	if g.err != nil {
		return
	}
	g.truth.Records++
	g.truth.Bytes += int64(len(b)) + 1
	g.err = g.emit(b)
}

// turn is an actor's place in the queue.
type turn struct {
	due, time int64
	actor     int
}

func (a turn) before(b turn) bool {
	if a.due != b.due {
		return a.due < b.due
	}
	return a.actor < b.actor
}

// queue is a binary heap of turns, the first due on top.
type queue []turn

func (q *queue) push(w turn) {
	h := append(*q, w)
	i := len(h) - 1
	for i > 0 {
		up := (i - 1) / 2
		if !w.before(h[up]) {
			break
		}
		h[i] = h[up]
		i = up
	}
	h[i] = w
	*q = h
}

func (q *queue) pop() turn {
	h := *q
	top, last := h[0], h[len(h)-1]
	h = h[:len(h)-1]
	*q = h
	if len(h) == 0 {
		return top
	}
	i := 0
	for {
		down := 2*i + 1
		if down >= len(h) {
			break
		}
		if down+1 < len(h) && h[down+1].before(h[down]) {
			down++
		}
		if !h[down].before(last) {
			break
		}
		h[i] = h[down]
		i = down
	}
	h[i] = last
	return top
}

// limiter keeps something below a number of times in any ten minutes, so that ordinary life never looks like an attack.
type limiter struct {
	recent [8]int64
	at     int
}

// allow is whether one more at t stays within len(recent) of the last ten minutes; it counts it then.
func (l *limiter) allow(t int64) bool {
	if l.recent[l.at] != 0 && t-l.recent[l.at] < 660 {
		return false
	}
	l.recent[l.at] = t
	l.at = (l.at + 1) % len(l.recent)
	return true
}
