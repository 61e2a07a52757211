package notify

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"detect/engine"
	"detect/internal/store"
	"detect/notify/escape"
	"detect/rules"
)

// Dispatcher brings committed alerts to channels: each revision of an alert to each channel that it is routed to, at
// least once, in order, and mostly exactly once. A goroutine routes what is committed, and one for each channel sends, one
// message at a time.
//
// A channel that fails is left alone for a while that grows with each failure (Backoff), and then probed with one
// delivery; when that arrives, all the others follow at once. An alert that alone makes its channel fail waits by itself.
//
// The fields are set before Run and not changed after it.
type Dispatcher struct {
	Outbox   Outbox
	Channels map[string]Channel
	Router   *Router // nil: every alert goes to every channel
	Fallback string  // the channel that stands in for others that fail; empty: none

	// Rules is the rule of an id as it is loaded now, nil if there is none; a nil func knows none.
	Rules func(id string) *rules.Rule
	Log   *slog.Logger // nil: slog.Default()
	// Say is told what operators should know: that a channel is down, that it works again, that an alert was refused; nil:
	// only the log is told. It must not block.
	Say func(Notice)
	// Observe is told how long each send took and how it ended; nil: nobody is. It must not block.
	Observe func(channel string, took time.Duration, err error)

	// Timeout is how long one send may take; 0: 30 s. What the channel waits for by itself, to keep the service's pace,
	// is part of it.
	Timeout time.Duration
	// FallbackAfter is how long a delivery waits for a channel that is down before the fallback is told as well; 0: 10 min.
	FallbackAfter time.Duration
	// Grace is how long a send that is under way may go on when Run's context ends; 0: 10 s.
	Grace time.Duration

	once  sync.Once
	wake  chan struct{} // holds one
	lanes []*lane       // by name
}

// How often is looked for what nobody was woken for, and how much is routed at once.
const (
	dispatchRound = 5 * time.Second
	routeLimit    = 2000
	storeTimeout  = 10 * time.Second // of recording what happened when the context has ended already
)

func (d *Dispatcher) init() {
	d.once.Do(func() {
		d.Timeout = cmp.Or(d.Timeout, 30*time.Second)
		d.FallbackAfter = cmp.Or(d.FallbackAfter, 10*time.Minute)
		d.Grace = cmp.Or(d.Grace, 10*time.Second)
		if d.Log == nil {
			d.Log = slog.Default()
		}
		d.wake = make(chan struct{}, 1)
		for _, name := range slices.Sorted(maps.Keys(d.Channels)) {
			d.lanes = append(d.lanes, &lane{Dispatcher: d, name: name, channel: d.Channels[name], wake: make(chan struct{}, 1)})
		}
	})
}

// Wake says that something was committed. It never blocks and may be called at any time.
func (d *Dispatcher) Wake() {
	d.init()
	signal(d.wake)
}

func signal(wake chan<- struct{}) {
	select {
	case wake <- struct{}{}:
	default:
	}
}

// Run dispatches until ctx ends; a send that is under way then has the grace to come to its end. Channels that are configured
// no more are retired first, and what waited for them goes elsewhere; what was given up is tried again, since somebody may
// have changed what made it fail. Errors of the outbox are logged and what failed is tried again, but for one that says
// that the store is closed, which is returned.
func (d *Dispatcher) Run(ctx context.Context) error {
	d.init()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	sending, cancel := withGrace(ctx, d.Grace)
	defer cancel()
	d.persist(ctx, stop, "take up the channels", func() error { return d.start(ctx) })
	var group sync.WaitGroup
	group.Go(func() { d.routing(ctx, stop) })
	for _, l := range d.lanes {
		group.Go(func() { l.run(ctx, sending, stop) })
	}
	group.Wait()
	if err := context.Cause(ctx); errors.Is(err, store.ErrClosed) {
		return err
	}
	return nil
}

// start brings the outbox in line with the configuration.
func (d *Dispatcher) start(ctx context.Context) error {
	names := slices.Sorted(maps.Keys(d.Channels))
	n, err := d.Outbox.RetireChannels(ctx, names, d.Fallback)
	if err != nil {
		return err
	}
	if n > 0 {
		d.Log.Warn("alerts waited for channels that are configured no more", "alerts", n, "told", cmp.Or(d.Fallback, "whom the routes name now"))
	}
	if n, err = d.Outbox.RetryFailed(ctx, names); n > 0 {
		d.Log.Info("alerts that were given up are tried again", "deliveries", n)
	}
	return err
}

// persist does something in the outbox until it succeeds or ctx ends, and says whether it did. A closed store stops the
// dispatcher.
func (d *Dispatcher) persist(ctx context.Context, stop context.CancelCauseFunc, what string, f func() error) bool {
	for wait := time.Second; ; wait = min(2*wait, time.Minute) {
		err := f()
		switch {
		case err == nil:
			return true
		case errors.Is(err, store.ErrClosed):
			stop(err)
			return false
		case ctx.Err() != nil:
			return false
		}
		d.Log.Error("the store failed: can't "+what, "error", escape.Terminal(err.Error()), "wait", wait)
		if !sleep(ctx, wait) {
			return false
		}
	}
}

// routing turns what is committed into deliveries.
func (d *Dispatcher) routing(ctx context.Context, stop context.CancelCauseFunc) {
	for ctx.Err() == nil {
		d.persist(ctx, stop, "route alerts", func() error { return d.route(ctx) })
		t := time.NewTimer(dispatchRound)
		select {
		case <-d.wake:
		case <-t.C:
		case <-ctx.Done():
		}
		t.Stop()
	}
}

// route turns all that is in the outbox now into deliveries, and wakes the channels.
func (d *Dispatcher) route(ctx context.Context) error {
	for {
		rows, err := d.Outbox.Route(ctx, routeLimit, d.decide)
		if rows > 0 {
			for _, l := range d.lanes {
				signal(l.wake)
			}
		}
		if err != nil || rows < routeLimit {
			return err
		}
	}
}

// decide names the channels that an alert goes to. One that can't be read goes to the fallback, or else to every channel:
// it is told as soon as it can be read again.
func (d *Dispatcher) decide(a *engine.Alert) []string {
	switch unreadable := a.Rule == ""; {
	case unreadable && d.Fallback != "":
		return []string{d.Fallback}
	case d.Router == nil, unreadable:
		return slices.Sorted(maps.Keys(d.Channels))
	}
	decision := d.Router.Route(a)
	if decision.Err != nil {
		d.Log.Warn("a route's condition could not be evaluated and counts as holding", "alert", a.ID, "error", escape.Terminal(decision.Err.Error()))
	}
	if len(decision.Channels) == 0 {
		d.Log.Debug("nobody is told of an alert", "alert", a.ID, "rule", a.Rule, "why", decision.Why)
	}
	return decision.Channels
}

// Drain routes what is committed and sends what is due, until nothing is due or ctx ends. Channels that are down are
// left as they are. It is for after Run.
func (d *Dispatcher) Drain(ctx context.Context) error {
	d.init()
	for {
		if err := d.route(ctx); err != nil {
			return err
		}
		sent, errs := make([]int, len(d.lanes)), make([]error, len(d.lanes))
		var group sync.WaitGroup
		for i, l := range d.lanes {
			group.Go(func() { sent[i], errs[i] = l.drain(ctx) })
		}
		group.Wait()
		if err := errors.Join(errs...); err != nil || ctx.Err() != nil {
			return err
		}
		if slices.Max(append(sent, 0)) == 0 { // else one may have been asked to stand in for another
			return nil
		}
	}
}

// ChannelStats is what became of the messages to one channel since the start, and what it is behind with.
type ChannelStats struct {
	Channel, Kind string

	Sent, Skipped   int64         // messages told, and those that the channel held not worth telling
	Retried, Failed int64         // attempts that failed and are made again, and deliveries given up
	StoodIn         int64         // deliveries that the fallback was told of because the channel is down
	LastSend        time.Duration // how long the last message that was told took
	Down            time.Time     // since when every attempt fails; the zero time: it works
	Pending         int64         // alerts that it is still to be told something of
	GivenUp         int64         // alerts for which it was given up
	Oldest          time.Time     // when the oldest of the pending was committed; the zero time: none
}

// Stats is the channels' numbers, by name. With an error those of the outbox are missing.
func (d *Dispatcher) Stats(ctx context.Context) ([]ChannelStats, error) {
	d.init()
	backlog, err := d.Outbox.Backlog(ctx)
	list := make([]ChannelStats, len(d.lanes))
	for i, l := range d.lanes {
		list[i] = l.numbers()
		for _, b := range backlog {
			if b.Channel != l.name {
				continue
			}
			if list[i].Pending, list[i].GivenUp = b.Pending, b.Failed; b.Oldest != 0 {
				list[i].Oldest = time.UnixMicro(b.Oldest)
			}
		}
	}
	return list, err
}
