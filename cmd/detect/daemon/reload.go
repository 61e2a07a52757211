package daemon

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"detect/notify"
	"detect/notify/escape"
)

// reload loads everything anew and has it take over, or leaves everything as it is.
func (d *Daemon) reload(ctx context.Context, watch *watcher) {
	next, err := d.Load(ctx)
	if err != nil {
		d.refuse(err)
		return
	}
	old := d.setup.Load()
	if fault := fixed(old, next); fault != "" {
		next.close()
		d.refuse(errors.New(fault))
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(d.hard, cancel)() // the sequencer may have ended

	streams, fresh, gone := d.exchange(next)
	for _, st := range gone {
		st.stop()
	}
	for _, st := range gone {
		select {
		case <-st.ended:
		case <-ctx.Done():
			return // the end comes before the reload
		}
	}
	if err := d.pipeline.swap(ctx, newGeneration(next, streams)); err != nil {
		return // either the daemon is to end or its sequencer has, with its own error
	}
	d.streamsMu.Lock()
	d.streams = streams
	d.streamsMu.Unlock()
	d.setup.Store(next)
	d.relay(next)
	old.close()
	watch.files(next.Watch)
	d.openFresh(ctx, fresh)
	d.refused = nil
	d.metrics.reloaded(true)
	d.Log.Info("rules and configuration were loaded anew", "rules", len(next.Rules.Rules), "sources", len(next.Sources), "channels", len(next.Channels))
	signal(d.ended) // a source that is gone may have been the last that was read
}

// openFresh starts sources, as soon as the store says how far they were read.
func (d *Daemon) openFresh(ctx context.Context, fresh pairs) {
	for wait := firstPause; ; wait = min(2*wait, longPause) {
		err := d.open(d.hard, fresh.sources, fresh.streams)
		if err == nil {
			return
		}
		d.say(notify.Notice{Level: notify.Trouble, Text: fmt.Sprintf("New sources are not read yet: %v.", err)})
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

// pairs are sources with their streams.
type pairs struct {
	sources []Source
	streams []*stream
}

// exchange says which streams a setup has: those that go on, those that are fresh, and which are gone.
func (d *Daemon) exchange(next *Setup) (streams []*stream, fresh pairs, gone []*stream) {
	left := slices.Clone(d.streams)
	for _, s := range next.Sources {
		i := slices.IndexFunc(left, func(st *stream) bool { return st.name == s.Name && st.key == s.Key })
		if i >= 0 {
			streams = append(streams, left[i])
			left = slices.Delete(left, i, i+1)
			continue
		}
		st := newStream(s)
		streams = append(streams, st)
		fresh.sources, fresh.streams = append(fresh.sources, s), append(fresh.streams, st)
	}
	return streams, fresh, left
}

// relay has the channels of another setup take over. Two dispatchers at once would tell everything twice, so that one
// ends before the other starts.
func (d *Daemon) relay(next *Setup) {
	out := d.newOutlet(next)
	old := d.outlet.Swap(out)
	old.stop()
	d.retire(old)
	out.start(d.base, d.outletFailed)
	out.dispatcher.Wake()
}

func (s *Setup) close() {
	if s.Close != nil {
		s.Close()
	}
}

// fixed says what of a setup would need another start.
func fixed(old, next *Setup) string {
	for _, name := range slices.Sorted(maps.Keys(next.Fixed)) {
		if was, is := old.Fixed[name], next.Fixed[name]; was != is {
			return fmt.Sprintf("%s was %q and is %q now: that needs a restart of detect", name, was, is)
		}
	}
	return ""
}

// refuse says why a reload does not take effect: in the log each time, to people once for each fault.
func (d *Daemon) refuse(err error) {
	d.metrics.reloaded(false)
	faults := Faults{err.Error()}
	errors.As(err, &faults)
	news := []string{}
	for _, f := range faults {
		f, _, _ = strings.Cut(f, "\n")
		d.Log.Error("fault in what was to be loaded anew", "fault", escape.Terminal(f))
		if !d.refused[f] {
			news = append(news, f)
		}
	}
	d.Log.Error("rules and configuration stay as they were", "faults", len(faults))
	if len(news) == 0 {
		return
	}
	if d.refused == nil {
		d.refused = map[string]bool{}
	}
	text := fmt.Sprintf("Rules and configuration stay as they were: what was written now has %d faults. The first: %s", len(faults), news[0])
	if len(faults) == 1 {
		text = "Rules and configuration stay as they were, because of what was written now: " + news[0]
	}
	for _, f := range news {
		d.refused[f] = true
	}
	d.say(notify.Notice{Level: notify.Trouble, Text: escape.Cut(text, 1500), Hint: "detect check --config shows all of them"})
}
