package enginetest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"detect/engine"
)

// Opener opens the store that a run uses. It is called again, in the same run, when the engine is opened anew; what was
// committed before must be there.
type Opener func() (engine.Store, error)

// InMemory opens a store in memory, the same one each time.
func InMemory() Opener {
	s := NewStore()
	return func() (engine.Store, error) { return s, nil }
}

// Violation is a run that breaks a promise.
type Violation struct{ Text string }

func (v *Violation) Error() string { return v.Text }

func violated(format string, args ...any) error { return &Violation{fmt.Sprintf(format, args...)} }

// Result is what a run told.
type Result struct {
	Counts  engine.Counts
	Pending []engine.Pending
	alerts  map[string]*engine.Alert
}

// Standing is the alerts that stand, sorted.
func (r *Result) Standing() []*engine.Alert {
	var out []*engine.Alert
	for _, a := range r.alerts {
		if a.Status.Standing() {
			out = append(out, a)
		}
	}
	slices.SortFunc(out, engine.CompareAlerts)
	return out
}

// follow notes what a batch told, and checks that final alerts stay as they are, that ids are never used twice, and that
// of merged alerts the one opened first stays.
func (r *Result) follow(o *engine.Outcome) error {
	for _, a := range o.Revised {
		old := r.alerts[a.ID]
		switch {
		case old == nil && a.Revision != 1 && a.Reason != engine.Finished:
			return violated("alert %s begins with revision %d", a.ID, a.Revision)
		case old != nil && a.Reason == engine.Opened:
			return violated("alert %s was opened twice", a.ID)
		case old != nil && old.Final:
			return violated("final alert %s was revised: %v, %s", a.ID, a.Reason, a.Note)
		case old != nil && a.Revision <= old.Revision:
			return violated("alert %s: revision %d after %d", a.ID, a.Revision, old.Revision)
		}
	}
	for _, a := range o.Revised {
		r.alerts[a.ID] = a
	}
	for _, a := range o.Revised {
		if a.Status != engine.Merged || a.Reason != engine.MergedAway {
			continue
		}
		if into := r.alerts[a.Into]; into == nil || into.Opening >= a.Opening {
			return violated("alert %s was merged into %s, which was not opened before it", a.ID, a.Into)
		}
	}
	return nil
}

// Live runs the history as it arrived.
func (h *History) Live(ctx context.Context, open Opener) (*Result, error) {
	r := &Result{alerts: map[string]*engine.Alert{}}
	var e *engine.Engine
	for i := range h.Batches {
		if e == nil || h.Restarts[i] {
			st, err := open()
			if err != nil {
				return nil, err
			}
			if e, err = engine.New(ctx, h.Rules, st, h.Config); err != nil {
				return nil, err
			}
		}
		b := h.Batches[i]
		o, err := e.Process(ctx, &b)
		if err != nil {
			return nil, err
		}
		add(&r.Counts, o.Counts)
		if err := r.follow(o); err != nil {
			return nil, err
		}
		if i == h.Probe && h.Config.DueLimit == 0 {
			want := engine.Spec(h.Rules, h.Arrived(i+1), h.Config, e.Clocks().Absence)
			if err := Compare(want, r.Standing()); err != nil {
				return nil, fmt.Errorf("after batch %d: %w", i, err)
			}
		}
	}
	o, pending, err := e.Finish(ctx)
	if err != nil {
		return nil, err
	}
	r.Pending = pending
	return r, r.follow(o)
}

// logged is a store that notes which alerts were committed.
type logged struct {
	engine.Store
	alerts []*engine.Alert
}

func (l *logged) Commit(ctx context.Context, c *engine.Commit) error {
	l.alerts = append(l.alerts, c.Alerts...)
	return l.Store.Commit(ctx, c)
}

// Replay runs the history's records sorted, in batches of n, as cfg says; its lateness is 0, and the cells are those of
// the live run.
func (h *History) Replay(ctx context.Context, open Opener, cfg engine.Config, n int) (*Result, error) {
	r := &Result{alerts: map[string]*engine.Alert{}}
	st, err := open()
	if err != nil {
		return nil, err
	}
	cfg.Lateness, cfg.CellLateness, cfg.Distinct = 0, h.Config.CellLateness, true
	log := &logged{Store: st}
	e, err := engine.New(ctx, h.Rules, log, cfg)
	if err != nil {
		return nil, err
	}
	for items := range slices.Chunk(h.Sorted(), n) {
		o, err := e.Process(ctx, &engine.Batch{Items: items, Absence: h.Absence})
		if err != nil {
			return nil, err
		}
		add(&r.Counts, o.Counts)
		if err := r.follow(o); err != nil {
			return nil, err
		}
	}
	log.alerts = nil
	o, pending, err := e.Finish(ctx)
	if err != nil {
		return nil, err
	}
	if r.Pending = pending; cfg.Deferred {
		if _, err := e.Process(ctx, &engine.Batch{}); !errors.Is(err, engine.ErrFinished) {
			return nil, violated("a batch after the end of a deferred run: %v", err)
		}
		if o.Revised != nil {
			return nil, violated("a deferred run holds %d alerts in memory", len(o.Revised))
		}
		o.Revised = log.alerts
	}
	return r, r.follow(o)
}

// Compare says where two lists of alerts, both sorted, differ in what they show.
func Compare(want, got []*engine.Alert) error {
	for i := range max(len(want), len(got)) {
		switch {
		case i >= len(want):
			return violated("%d alerts instead of %d, one more: %s", len(got), len(want), Describe(got[i]))
		case i >= len(got):
			return violated("%d alerts instead of %d, missing: %s", len(got), len(want), Describe(want[i]))
		case !engine.SameContent(want[i], got[i]):
			return violated("alert %d of %d is\n%s instead of\n%s", i, len(want), Describe(got[i]), Describe(want[i]))
		}
	}
	return nil
}

// Describe is an alert on a few lines.
func Describe(a *engine.Alert) string {
	return fmt.Sprintf("%s %q %d..%d count %d %v approximate %v final %v records %v values %v\n  %s\n", a.Rule, a.Key,
		a.First/Second, a.Last/Second, a.Count, a.Severity, a.Approximate, a.Final, a.Records, a.Values, a.Title)
}

// CheckLive runs the history live on the stores that open opens and checks all that holds for it.
func (h *History) CheckLive(ctx context.Context, open Opener) (*Result, error) {
	r, err := h.Live(ctx, open)
	if err != nil {
		return nil, fmt.Errorf("live: %w", err)
	}
	if err := Compare(engine.Spec(h.Rules, h.Records, h.Config, h.Absence), r.Standing()); err != nil {
		return nil, fmt.Errorf("live against the specification: %w", err)
	}
	c := r.Counts
	if c.Read != c.Accepted+c.Duplicate+c.Rejected || c.Accepted != int64(h.Identities) || c.Late != 0 ||
		c.Differing != int64(h.Contents-h.Identities) {
		return nil, violated("live: counts %+v of %d records, %d identities", c, len(h.Records), h.Identities)
	}
	return r, nil
}

// CheckReplay replays the history's records sorted and checks all that holds for it.
func (h *History) CheckReplay(ctx context.Context, open Opener, cfg engine.Config, n int) (*Result, error) {
	r, err := h.Replay(ctx, open, cfg, n)
	if err != nil {
		return nil, fmt.Errorf("replay: %w", err)
	}
	if err := Compare(engine.Spec(h.Rules, h.Records, h.Config, h.Absence), r.Standing()); err != nil {
		return nil, fmt.Errorf("replay against the specification: %w", err)
	}
	if c := r.Counts; c.Accepted != int64(h.Identities) || c.Late != 0 {
		return nil, violated("replay: counts %+v of %d records, %d identities", c, len(h.Records), h.Identities)
	}
	return r, nil
}
