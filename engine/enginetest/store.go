package enginetest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"detect/engine"
	"detect/rules/hit"
)

// Store is an engine.Store in memory. It keeps copies, so that whatever is opened on it later sees what was committed
// and nothing else.
type Store struct {
	clocks    *engine.Clocks
	timelines map[engine.Timeline]*row
	variants  map[variantKey][]uint64
	alerts    map[string]*engine.Alert
	Positions map[string]string
	Counts    engine.Counts
	Commits   int
	Cells     int // cells written
}

type row struct {
	head  []byte
	cells map[int64][]byte
	due   [2]int64
}

type variantKey struct {
	time int64
	id   hit.ID
}

// NewStore is an empty store.
func NewStore() *Store {
	return &Store{timelines: map[engine.Timeline]*row{}, variants: map[variantKey][]uint64{},
		alerts: map[string]*engine.Alert{}, Positions: map[string]string{}}
}

// Clocks is what the last commit with clocks stored.
func (s *Store) Clocks(context.Context) (engine.Clocks, bool, error) {
	if s.clocks == nil {
		return engine.Clocks{}, false, nil
	}
	c := *s.clocks
	c.Watermarks = maps.Clone(c.Watermarks)
	return c, true, nil
}

// Load is a timeline's stored state.
func (s *Store) Load(_ context.Context, t engine.Timeline) (engine.Saved, bool, error) {
	r := s.timelines[t]
	if r == nil {
		return engine.Saved{}, false, nil
	}
	saved := engine.Saved{Head: slices.Clone(r.head)}
	for _, start := range slices.Sorted(maps.Keys(r.cells)) {
		saved.Cells = append(saved.Cells, engine.Cell{Start: start, Data: slices.Clone(r.cells[start])})
	}
	return saved, true, nil
}

// Due is the timelines that are due.
func (s *Store) Due(_ context.Context, f, t int64, limit int) ([]engine.Timeline, error) {
	var due []engine.Timeline
	for name, r := range s.timelines {
		if r.due[0] <= f || r.due[1] <= t {
			due = append(due, name)
		}
	}
	slices.SortFunc(due, func(a, b engine.Timeline) int {
		return cmp.Or(cmp.Compare(s.timelines[a].due[0], s.timelines[b].due[0]), strings.Compare(a.Rule, b.Rule),
			strings.Compare(a.Version, b.Version), strings.Compare(a.Key, b.Key))
	})
	return due[:min(len(due), limit)], nil
}

// Variants is the variants known of each identity.
func (s *Store) Variants(_ context.Context, ids []engine.Seen) ([][]uint64, error) {
	out := make([][]uint64, len(ids))
	for i, id := range ids {
		out[i] = slices.Clone(s.variants[variantKey{id.Time, id.ID}])
	}
	return out, nil
}

// Alerts is the alerts of a timeline that are not final, and those that touch [from, to].
func (s *Store) Alerts(_ context.Context, t engine.Timeline, from, to int64) ([]*engine.Alert, error) {
	var out []*engine.Alert
	for _, a := range s.alerts {
		if a.Rule == t.Rule && a.Version == t.Version && a.Key == t.Key &&
			(!a.Final || from <= to && a.First <= to && from <= a.Last) {
			out = append(out, copied(a))
		}
	}
	slices.SortFunc(out, func(a, b *engine.Alert) int {
		return cmp.Or(cmp.Compare(a.Opening, b.Opening), strings.Compare(a.ID, b.ID))
	})
	return out, nil
}

// Commit stores one batch's outcome.
func (s *Store) Commit(_ context.Context, c *engine.Commit) error {
	s.Commits++
	written := map[engine.Timeline]bool{}
	for _, w := range c.Timelines {
		if written[w.Timeline] {
			return fmt.Errorf("timeline %q twice in one commit", w.Timeline)
		}
		written[w.Timeline] = true
		if w.Head == nil {
			delete(s.timelines, w.Timeline)
			continue
		}
		r := s.timelines[w.Timeline]
		if r == nil {
			r = &row{cells: map[int64][]byte{}}
			s.timelines[w.Timeline] = r
		}
		r.head, r.due = slices.Clone(w.Head), [2]int64{w.Due, w.DueAbsence}
		for _, cell := range w.Cells {
			s.Cells++
			if delete(r.cells, cell.Start); cell.Data != nil {
				r.cells[cell.Start] = slices.Clone(cell.Data)
			}
		}
	}
	for _, x := range c.Seen {
		k := variantKey{x.Time, x.ID}
		s.variants[k] = append(s.variants[k], x.Variant)
	}
	told := map[string]bool{}
	for _, a := range c.Alerts {
		if old := s.alerts[a.ID]; told[a.ID] || old != nil && (old.Revision >= a.Revision || a.Reason == engine.Opened) {
			return fmt.Errorf("alert %s: revision %d, %v, of %+v", a.ID, a.Revision, a.Reason, old)
		}
		told[a.ID] = true
		s.alerts[a.ID] = copied(a)
	}
	for _, p := range c.Positions {
		s.Positions[p.Source] = string(p.Data)
	}
	if c.Clocks != nil {
		clocks := *c.Clocks
		clocks.Watermarks = maps.Clone(clocks.Watermarks)
		s.clocks = &clocks
	}
	add(&s.Counts, c.Counts)
	return nil
}

func add(to *engine.Counts, c engine.Counts) {
	to.Read += c.Read
	to.Accepted += c.Accepted
	to.Duplicate += c.Duplicate
	to.Rejected += c.Rejected
	to.Late += c.Late
	to.Differing += c.Differing
}

func copied(a *engine.Alert) *engine.Alert {
	c := *a
	c.Records, c.Values, c.State = slices.Clone(a.Records), slices.Clone(a.Values), slices.Clone(a.State)
	return &c
}

// Standing is the stored alerts that stand.
func (s *Store) Standing() []*engine.Alert {
	var out []*engine.Alert
	for _, a := range s.alerts {
		if a.Status.Standing() {
			out = append(out, a)
		}
	}
	slices.SortFunc(out, engine.CompareAlerts)
	return out
}

// Timelines is how many timelines are stored.
func (s *Store) Timelines() int { return len(s.timelines) }

// Bytes is how many bytes the stored timelines take.
func (s *Store) Bytes() (n int) {
	for _, r := range s.timelines {
		n += len(r.head)
		for _, c := range r.cells {
			n += len(c)
		}
	}
	return n
}
