package engine

import (
	"context"
	"fmt"
	"slices"

	"detect/rules"
	"detect/rules/hit"
)

// Pending is an entity of which a rule can't say yet whether it fires: its condition waits for the absence clock, and
// has hits after it.
type Pending struct {
	Rule  string
	By    []string // the names of the key's parts
	Key   string
	Since int64 // the first of the hits, microseconds
	Hits  int
}

// flushEvery is how many alerts Finish collects before it commits them.
const flushEvery = 8192

// flush commits what the batch came to. If it may wait and there is nothing to store but counts and clocks, these are
// left to a later one.
func (e *Engine) flush(ctx context.Context, b *Batch, wait bool) error {
	e.disown()
	if wait && len(e.commit.Timelines)+len(e.alerts)+len(b.Positions)+len(b.Rejects) == 0 {
		return nil
	}
	c := e.commit
	c.Positions, c.Rejects, c.Alerts, c.Counts = b.Positions, b.Rejects, e.alerts, e.counts
	if e.clocks.moved {
		c.Clocks = e.clocks.snapshot()
	}
	e.commit, e.alerts, e.counts, e.clocks.moved = &Commit{}, nil, Counts{}, false
	if err := e.store.Commit(ctx, c); err != nil {
		return fmt.Errorf("commit a batch: %w", err)
	}
	return nil
}

// Finish goes through all that is due, tells the alerts that a deferred run has not told yet because they are not final,
// and says what is undecided at the absence clock. Revised of its Outcome are the alerts revised, in many commits; after
// a deferred run it is nil, as they may be more than the memory holds: the store has them. After a deferred run's Finish
// the engine takes no further batch, and the store holds no timelines.
func (e *Engine) Finish(ctx context.Context) (*Outcome, []Pending, error) {
	if e.done != nil {
		return nil, nil, e.done
	}
	var out *Outcome
	var pending []Pending
	var err error
	if e.cfg.Deferred {
		out, pending, err = e.finishDeferred(ctx)
		e.done = ErrFinished
	} else {
		out, pending, err = e.finishLive(ctx)
	}
	if err != nil {
		e.done = fmt.Errorf("finish after an error: %w", err)
		return nil, nil, err
	}
	slices.SortFunc(out.Revised, CompareAlerts)
	slices.SortFunc(pending, func(a, b Pending) int {
		if a.Rule != b.Rule {
			if a.Rule < b.Rule {
				return -1
			}
			return 1
		}
		return hit.CompareKeys(a.Key, b.Key)
	})
	return out, pending, nil
}

func (e *Engine) finishLive(ctx context.Context) (*Outcome, []Pending, error) {
	out := &Outcome{}
	latest := map[string]*Alert{}
	for more := true; more; {
		o, err := e.process(ctx, &Batch{Absence: e.clocks.absence})
		if err != nil {
			return nil, nil, err
		}
		for _, a := range o.Revised {
			latest[a.ID] = a
		}
		more = o.More
	}
	for _, a := range latest {
		out.Revised = append(out.Revised, a)
	}
	var pending []Pending
	for t := e.cache.newest; t != nil; t = t.older {
		pending = t.appendPending(pending)
	}
	if !e.stored {
		return out, pending, nil
	}
	waiting, err := e.store.Due(ctx, -never-1, never-1, never)
	if err != nil {
		return nil, nil, err
	}
	for _, name := range waiting {
		l := e.byName[[2]string{name.Rule, name.Version}]
		if l == nil || e.cache.timelines[entity{l.index, name.Key}] != nil {
			continue
		}
		t := newTimeline(l, name.Key)
		if err := e.fetch(ctx, t); err != nil {
			return nil, nil, err
		}
		t.evaled = e.clocks.absence
		pending = t.appendPending(pending)
	}
	return out, pending, nil
}

func (e *Engine) finishDeferred(ctx context.Context) (*Outcome, []Pending, error) {
	out := &Outcome{}
	var pending []Pending
	tell := func(t *timeline) {
		t.discard = true
		e.step(t, true)
		pending = t.appendPending(pending)
		e.forget(t)
	}
	commit := func() error {
		return e.flush(ctx, &Batch{}, false)
	}
	for e.cache.oldest != nil {
		if tell(e.cache.oldest); len(e.alerts) >= flushEvery {
			if err := commit(); err != nil {
				return nil, nil, err
			}
		}
	}
	for e.stored {
		due, err := e.store.Due(ctx, never-1, never-1, e.cfg.dueLimit())
		if err != nil {
			return nil, nil, err
		}
		for _, name := range due {
			e.commit.Timelines = append(e.commit.Timelines, TimelineWrite{Timeline: name})
			l := e.byName[[2]string{name.Rule, name.Version}]
			if l == nil {
				continue
			}
			t := newTimeline(l, name.Key)
			if err := e.fetch(ctx, t); err != nil {
				return nil, nil, err
			}
			t.saved = false // its removal is in the commit
			e.cache.add(t)
			tell(t)
		}
		e.fetched = nil
		if err := commit(); err != nil {
			return nil, nil, err
		}
		if len(due) == 0 {
			break
		}
	}
	return out, pending, commit()
}

// appendPending appends what can't be said of t yet.
func (t *timeline) appendPending(to []Pending) []Pending {
	if t.rule.Kind != rules.Window || t.rule.Rising {
		return to
	}
	p := Pending{Rule: t.rule.ID, By: t.rule.By, Key: t.key}
	for _, h := range t.hits[after(t.hits, t.evaled):] {
		if h.Hidden {
			continue
		}
		if p.Hits == 0 {
			p.Since = h.Time
		}
		p.Hits++
	}
	if p.Hits == 0 {
		return to
	}
	return append(to, p)
}
