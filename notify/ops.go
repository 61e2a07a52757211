package notify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"detect/notify/escape"
)

// How notices are kept within bounds.
const (
	opsQueue  = 100              // notices that wait for one channel
	opsKinds  = 1000             // different notices that are remembered
	opsRepeat = time.Hour        // equal notices within it are told once, with a count
	opsExpiry = time.Hour        // a notice that could not be told for that long is given up
	opsPace   = time.Second      // between two notices to one channel
	opsRound  = 30 * time.Second // how often repetitions are looked at
)

// Ops tells people what the program has to say of itself: that a source can't be read, that a channel is down, that a new
// configuration was refused. It is best effort: notices are in memory alone, and the log always has them.
//
// Say may be called from anywhere at any time, before Run and after it too (then it only logs).
type Ops struct {
	Channels map[string]Channel // those that are told; none: only the log has the notices
	Host     string             // the machine's name, put into notices that name none
	Log      *slog.Logger       // nil: slog.Default()
	Timeout  time.Duration      // of one attempt; 0: 30 s
	Grace    time.Duration      // for what is still queued when Run's context ends; 0: 10 s

	once  sync.Once
	mu    sync.Mutex
	lanes map[string]*opsLane
	said  map[saying]*repeats
}

// saying is what makes notices equal.
type saying struct {
	level      Level
	text, hint string
}

// repeats is when a notice was told and how often it was said again since.
type repeats struct {
	since time.Time
	more  int
}

// opsLane is the notices that wait for one channel.
type opsLane struct {
	name    string
	channel Channel
	wake    chan struct{} // holds one
	queue   []Notice
	left    int   // notices that found the queue full
	worst   Level // of those
}

func (o *Ops) init() {
	o.once.Do(func() {
		o.lanes, o.said = make(map[string]*opsLane, len(o.Channels)), map[saying]*repeats{}
		for name, c := range o.Channels {
			o.lanes[name] = &opsLane{name: name, channel: c, wake: make(chan struct{}, 1)}
		}
		if o.Log == nil {
			o.Log = slog.Default()
		}
	})
}

// Say logs a notice and queues it for the channels. It never blocks. At and Host are filled in where they are missing.
// A notice that was said within the last hour is counted, and told again with its count when the hour is over.
func (o *Ops) Say(n Notice) {
	o.init()
	if n.At.IsZero() {
		n.At = time.Now()
	}
	n.Host = cmp.Or(n.Host, o.Host)
	level := [...]slog.Level{Information: slog.LevelInfo, Warning: slog.LevelWarn, Trouble: slog.LevelError}[n.Level]
	var attrs []any
	if n.Hint != "" {
		attrs = append(attrs, "hint", escape.Terminal(n.Hint))
	}
	o.Log.Log(context.Background(), level, escape.Terminal(n.Text), attrs...)

	o.mu.Lock()
	defer o.mu.Unlock()
	key := saying{n.Level, n.Text, n.Hint}
	if r := o.said[key]; r != nil && n.At.Sub(r.since) < opsRepeat {
		r.more++
		return
	}
	if len(o.said) >= opsKinds {
		clear(o.said)
	}
	o.said[key] = &repeats{since: n.At}
	o.queue(n)
}

// queue hands a notice to every channel. The lock is held.
func (o *Ops) queue(n Notice) {
	for _, l := range o.lanes {
		if len(l.queue) >= opsQueue {
			l.left++
			l.worst = max(l.worst, n.Level)
			continue
		}
		l.queue = append(l.queue, n)
		select {
		case l.wake <- struct{}{}:
		default:
		}
	}
}

// repeated queues what was said again within an hour that is over, or all of it at the end.
func (o *Ops) repeated(now time.Time, end bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for key, r := range o.said {
		switch {
		case !end && now.Sub(r.since) < opsRepeat:
		case r.more == 0:
			delete(o.said, key)
		default:
			o.queue(Notice{Level: key.level, Hint: key.hint, At: now, Host: o.Host,
				Text: fmt.Sprintf("%s (said %s more since %s)", key.text, times(r.more), r.since.UTC().Format("15:04 UTC"))})
			r.since, r.more = now, 0
		}
	}
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// Run tells what is said until ctx ends, then what is still queued, within the grace. It returns nil.
func (o *Ops) Run(ctx context.Context) error {
	o.init()
	sending, cancel := withGrace(ctx, cmp.Or(o.Grace, 10*time.Second))
	defer cancel()
	closing := make(chan struct{})
	var group sync.WaitGroup
	for _, l := range o.lanes {
		group.Go(func() { o.tell(ctx, sending, closing, l) })
	}
	for sleep(ctx, opsRound) {
		o.repeated(time.Now(), false)
	}
	o.repeated(time.Now(), true)
	close(closing)
	group.Wait()
	return nil
}

// tell tells one channel what is queued for it, until closing is closed and nothing is left.
func (o *Ops) tell(ctx, sending context.Context, closing <-chan struct{}, l *opsLane) {
	failures := 0
	for {
		n, ok := o.head(l)
		if !ok {
			select {
			case <-l.wake:
				continue
			case <-closing:
			}
			if n, ok = o.head(l); !ok {
				return
			}
		}
		wait, done := o.attempt(sending, l, &n, &failures)
		if done {
			o.pop(l)
		}
		if ctx.Err() == nil {
			sleep(ctx, wait)
			continue
		}
		if !done || sending.Err() != nil {
			o.mu.Lock()
			lost := len(l.queue) + l.left
			o.mu.Unlock()
			if lost > 0 {
				o.Log.Warn("notices were not told before the end", "channel", l.name, "notices", lost)
			}
			return
		}
	}
}

// attempt tells one notice. It says how long to wait then, and whether the notice is done with.
func (o *Ops) attempt(ctx context.Context, l *opsLane, n *Notice, failures *int) (wait time.Duration, done bool) {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(o.Timeout, 30*time.Second))
	defer cancel()
	err := o.send(ctx, l, n)
	if err == nil {
		*failures = 0
		return opsPace, true
	}
	var permanent *Permanent
	var after *RetryAfter
	*failures++
	wait = Backoff(*failures, seedOf(l.name))
	text := escape.Terminal(err.Error())
	switch {
	case errors.As(err, &permanent):
		o.Log.Error("a notice can't be told", "channel", l.name, "error", text)
		*failures = 0
		return opsPace, true
	case time.Since(n.At) >= opsExpiry:
		o.Log.Error("a notice was given up", "channel", l.name, "error", text, "said", n.At.UTC())
		return wait, true
	case errors.As(err, &after):
		wait = after.After
	}
	o.Log.Debug("a notice could not be told yet", "channel", l.name, "error", text, "wait", wait)
	return wait, false
}

// send has the channel tell the notice. What panics is an error.
func (o *Ops) send(ctx context.Context, l *opsLane, n *Notice) (err error) {
	defer recovered(o.Log, l.name, &err)
	return l.channel.Tell(ctx, n)
}

// head is the first notice that waits: one that sums up those that found no room, once all before them are told.
func (o *Ops) head(l *opsLane) (Notice, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(l.queue) == 0 && l.left > 0 {
		l.queue = append(l.queue, Notice{Level: l.worst, At: time.Now(), Host: o.Host,
			Text: fmt.Sprintf("... and %d more", l.left), Hint: "the log has them"})
		l.left, l.worst = 0, Information
	}
	if len(l.queue) == 0 {
		return Notice{}, false
	}
	return l.queue[0], true
}

func (o *Ops) pop(l *opsLane) {
	o.mu.Lock()
	defer o.mu.Unlock()
	l.queue = l.queue[:copy(l.queue, l.queue[1:])]
}

// seedOf makes a seed of a name (FNV-1a).
func seedOf(name string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * 1099511628211
	}
	return h
}
