package ruletest

import (
	"cmp"
	"context"
	"slices"

	"detect/engine"
	"detect/rules/hit"
)

// memory is a store for the length of one run.
type memory struct {
	clocks    engine.Clocks
	known     bool
	timelines map[engine.Timeline]*saved
	variants  map[identity][]uint64
	alerts    map[string]*engine.Alert
}

type saved struct {
	head            []byte
	cells           map[int64][]byte
	due, dueAbsence int64
}

type identity struct {
	time int64
	id   hit.ID
}

func newMemory() *memory {
	return &memory{timelines: map[engine.Timeline]*saved{}, variants: map[identity][]uint64{}, alerts: map[string]*engine.Alert{}}
}

func (m *memory) Clocks(context.Context) (engine.Clocks, bool, error) { return m.clocks, m.known, nil }

func (m *memory) Load(_ context.Context, t engine.Timeline) (engine.Saved, bool, error) {
	s, ok := m.timelines[t]
	if !ok {
		return engine.Saved{}, false, nil
	}
	out := engine.Saved{Head: s.head}
	for start, data := range s.cells {
		out.Cells = append(out.Cells, engine.Cell{Start: start, Data: data})
	}
	slices.SortFunc(out.Cells, func(a, b engine.Cell) int { return cmp.Compare(a.Start, b.Start) })
	return out, true, nil
}

func (m *memory) Due(_ context.Context, f, t int64, limit int) ([]engine.Timeline, error) {
	var due []engine.Timeline
	for name, s := range m.timelines {
		if s.due <= f || s.dueAbsence <= t {
			due = append(due, name)
		}
	}
	slices.SortFunc(due, func(a, b engine.Timeline) int {
		return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Version, b.Version), cmp.Compare(a.Key, b.Key))
	})
	return due[:min(len(due), limit)], nil
}

func (m *memory) Variants(_ context.Context, ids []engine.Seen) ([][]uint64, error) {
	out := make([][]uint64, len(ids))
	for i, s := range ids {
		out[i] = m.variants[identity{s.Time, s.ID}]
	}
	return out, nil
}

func (m *memory) Alerts(_ context.Context, t engine.Timeline, from, to int64) ([]*engine.Alert, error) {
	var out []*engine.Alert
	for _, a := range m.alerts {
		same := a.Rule == t.Rule && a.Version == t.Version && a.Key == t.Key
		if same && (!a.Final || from <= to && a.First <= to && a.Last >= from) {
			out = append(out, a)
		}
	}
	slices.SortFunc(out, func(a, b *engine.Alert) int {
		return cmp.Or(cmp.Compare(a.Opening, b.Opening), cmp.Compare(a.ID, b.ID))
	})
	return out, nil
}

func (m *memory) Commit(_ context.Context, c *engine.Commit) error {
	for _, s := range c.Seen {
		k := identity{s.Time, s.ID}
		m.variants[k] = append(slices.Clip(m.variants[k]), s.Variant)
	}
	for _, w := range c.Timelines {
		if w.Head == nil {
			delete(m.timelines, w.Timeline)
			continue
		}
		s := m.timelines[w.Timeline]
		if s == nil {
			s = &saved{cells: map[int64][]byte{}}
			m.timelines[w.Timeline] = s
		}
		s.head, s.due, s.dueAbsence = w.Head, w.Due, w.DueAbsence
		for _, cell := range w.Cells {
			if cell.Data == nil {
				delete(s.cells, cell.Start)
			} else {
				s.cells[cell.Start] = cell.Data
			}
		}
	}
	for _, a := range c.Alerts {
		m.alerts[a.ID] = a
	}
	if c.Clocks != nil {
		m.clocks, m.known = *c.Clocks, true
	}
	return nil
}

// standing is the alerts that stand, in the order of their first marks.
func (m *memory) standing() []*engine.Alert {
	var out []*engine.Alert
	for _, a := range m.alerts {
		if a.Status.Standing() {
			out = append(out, a)
		}
	}
	slices.SortFunc(out, engine.CompareAlerts)
	return out
}
