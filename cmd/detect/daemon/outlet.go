package daemon

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"detect/notify"
)

// outlet is what brings alerts and notices to people, for one setup.
type outlet struct {
	dispatcher *notify.Dispatcher
	ops        *notify.Ops

	end   context.CancelFunc
	group sync.WaitGroup
}

// newOutlet makes the outlet of a setup. Notices may be said before it starts.
func (d *Daemon) newOutlet(s *Setup) *outlet {
	o := &outlet{}
	told := map[string]notify.Channel{}
	for _, name := range s.Ops {
		if c := s.Channels[name]; c != nil {
			told[name] = c
		}
	}
	o.ops = &notify.Ops{Channels: told, Host: host(), Log: d.Log}
	o.dispatcher = &notify.Dispatcher{
		Outbox: d.Store, Channels: s.Channels, Router: s.Router, Fallback: s.Fallback, Rules: s.Rules.Rule, Log: d.Log, Say: o.ops.Say,
		Observe: d.metrics.sent,
	}
	return o
}

// start runs it until stop.
func (o *outlet) start(ctx context.Context, failed func(error)) {
	ctx, o.end = context.WithCancel(ctx)
	o.group.Go(func() { _ = o.ops.Run(ctx) })
	o.group.Go(func() {
		if err := o.dispatcher.Run(ctx); err != nil {
			failed(err)
		}
	})
}

// stop ends it and waits for a message that is under way.
func (o *outlet) stop() {
	o.end()
	o.group.Wait()
}

// deliver ends the outlet once what is due was delivered: all of it if the sources are at their end, else what can be
// delivered within Drain.
func (d *Daemon) deliver(ctx context.Context, complete bool) error {
	o := d.outlet.Load()
	o.stop()
	limit := d.Drain
	if limit <= 0 {
		limit = defaultDrain
	}
	var drain context.Context
	var cancel context.CancelFunc
	if complete {
		drain, cancel = context.WithCancel(ctx) // no hurry, unless somebody says so
	} else {
		drain, cancel = context.WithTimeout(context.WithoutCancel(ctx), limit)
	}
	defer cancel()
	failure := o.dispatcher.Drain(drain)
	if drain.Err() != nil {
		failure = nil // what is left is told below
	}
	look, done := context.WithTimeout(context.WithoutCancel(ctx), collectTimeout)
	defer done()
	backlog, err := d.Store.Backlog(look)
	if err != nil {
		return errors.Join(failure, fmt.Errorf("look for what was not delivered: %w", err))
	}
	waiting := int64(0)
	for _, b := range backlog {
		if !b.Retired { // its alerts went where the routes lead now
			waiting += b.Pending + b.Failed
		}
	}
	switch {
	case failure != nil:
		return fmt.Errorf("deliver alerts: %w", failure)
	case waiting == 0:
	case d.Temporary:
		return fmt.Errorf("%w: %d deliveries", ErrUndelivered, waiting)
	default:
		d.Log.Info("what was not delivered is delivered after the next start", "deliveries", waiting)
	}
	return nil
}

const defaultDrain = 10 * time.Second

// outletFailed is told when alerts are delivered no more though the daemon goes on.
func (d *Daemon) outletFailed(err error) {
	d.say(notify.Notice{Level: notify.Trouble, Text: fmt.Sprintf("Alerts are delivered no more: %v.", err), Hint: "start detect anew: what is stored is delivered then"})
}

// delivered is what became of the messages to each channel since the start of the process.
func (d *Daemon) delivered(ctx context.Context) ([]notify.ChannelStats, error) {
	list, err := d.outlet.Load().dispatcher.Stats(ctx)
	d.formerMu.Lock()
	defer d.formerMu.Unlock()
	for i := range list {
		was := d.former[list[i].Channel]
		list[i].Sent += was.Sent
		list[i].Skipped += was.Skipped
		list[i].Retried += was.Retried
		list[i].Failed += was.Failed
		list[i].StoodIn += was.StoodIn
	}
	return list, err
}

// retire keeps what an outlet counted that is over.
func (d *Daemon) retire(o *outlet) {
	list, _ := o.dispatcher.Stats(d.base) // the store's part of it is looked up anew
	d.formerMu.Lock()
	defer d.formerMu.Unlock()
	for _, s := range list {
		was := d.former[s.Channel]
		was.Sent += s.Sent
		was.Skipped += s.Skipped
		was.Retried += s.Retried
		was.Failed += s.Failed
		was.StoodIn += s.StoodIn
		d.former[s.Channel] = was
	}
}
