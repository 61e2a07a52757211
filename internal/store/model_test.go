package store

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"detect/engine"
	"detect/rules/hit"
)

// check tries a property with n random cases, or as many as DETECT_CHECKS says.
func check(t *testing.T, n int, property func(*rapid.T)) {
	t.Helper()
	if more := os.Getenv("DETECT_CHECKS"); more != "" {
		if _, err := fmt.Sscan(more, &n); err != nil {
			t.Fatal(err)
		}
	}
	if err := flag.Set("rapid.checks", strconv.Itoa(n)); err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, property)
}

// model is what a store shall hold, in maps.
type model struct {
	heads     map[engine.Timeline]engine.TimelineWrite // without Cells
	cells     map[engine.Timeline]map[int64]string
	seen      map[engine.Seen]int64 // without Arrived: when it arrived last
	alerts    map[string]*engine.Alert
	revisions map[string][]*engine.Alert
	outbox    []Outgoing
	rejects   []engine.Reject
	positions map[string]string
	clocks    *engine.Clocks
	counts    engine.Counts
	batches   int64
}

func newModel() *model {
	return &model{
		heads: map[engine.Timeline]engine.TimelineWrite{}, cells: map[engine.Timeline]map[int64]string{},
		seen: map[engine.Seen]int64{}, alerts: map[string]*engine.Alert{}, revisions: map[string][]*engine.Alert{},
		positions: map[string]string{},
	}
}

func (m *model) commit(c *engine.Commit) {
	for _, w := range c.Timelines {
		if w.Head == nil {
			delete(m.heads, w.Timeline)
			delete(m.cells, w.Timeline)
			continue
		}
		if m.cells[w.Timeline] == nil {
			m.cells[w.Timeline] = map[int64]string{}
		}
		for _, cell := range w.Cells {
			if cell.Data == nil {
				delete(m.cells[w.Timeline], cell.Start)
			} else {
				m.cells[w.Timeline][cell.Start] = string(cell.Data)
			}
		}
		w.Cells = nil
		m.heads[w.Timeline] = w
	}
	for _, s := range c.Seen {
		arrived := s.Arrived
		s.Arrived = 0
		if was, ok := m.seen[s]; !ok || arrived > was {
			m.seen[s] = arrived
		}
	}
	for _, a := range c.Alerts {
		m.revisions[a.ID] = append(m.revisions[a.ID], a)
		if !a.Staged {
			m.outbox = append(m.outbox, Outgoing{N: int64(len(m.outbox)) + 1, Alert: a.ID, Revision: a.Revision})
		}
		m.alerts[a.ID] = a
	}
	for _, p := range c.Positions {
		if m.positions[p.Source] = string(p.Data); p.Data == nil {
			delete(m.positions, p.Source)
		}
	}
	m.rejects = append(m.rejects, c.Rejects...)
	if c.Clocks != nil {
		m.clocks = c.Clocks
	}
	n := &m.counts
	n.Read, n.Accepted, n.Duplicate = n.Read+c.Counts.Read, n.Accepted+c.Counts.Accepted, n.Duplicate+c.Counts.Duplicate
	n.Rejected, n.Late, n.Differing = n.Rejected+c.Counts.Rejected, n.Late+c.Counts.Late, n.Differing+c.Counts.Differing
	m.batches++
}

// due is the timelines due at (f, t), in the order of a store whose rules were made in the order of made.
func (m *model) due(f, t int64, made []RuleVersion) (list []engine.Timeline) {
	order := func(due func(engine.TimelineWrite) int64) func(a, b engine.Timeline) int {
		return func(a, b engine.Timeline) int {
			return cmp.Or(cmp.Compare(due(m.heads[a]), due(m.heads[b])),
				cmp.Compare(slices.Index(made, RuleVersion{a.Rule, a.Version}), slices.Index(made, RuleVersion{b.Rule, b.Version})),
				cmp.Compare(a.Key, b.Key))
		}
	}
	var first, second []engine.Timeline
	for line, w := range m.heads {
		if w.Due <= f && w.Due < math.MaxInt64 {
			first = append(first, line)
		} else if w.DueAbsence <= t && w.DueAbsence < math.MaxInt64 {
			second = append(second, line)
		}
	}
	slices.SortFunc(first, order(func(w engine.TimelineWrite) int64 { return w.Due }))
	slices.SortFunc(second, order(func(w engine.TimelineWrite) int64 { return w.DueAbsence }))
	return append(first, second...)
}

// lines are the timelines of a small world, with keys that are no text.
var lines = []engine.Timeline{
	{Rule: "a", Version: "1", Key: hit.EncodeKey("x")}, {Rule: "a", Version: "2", Key: hit.EncodeKey("x")},
	{Rule: "a", Version: "2", Key: ""}, {Rule: "b", Version: "1", Key: "\x01\xff"}, {Rule: "b", Version: "1", Key: "\x01\x00"},
}

// randomCommit changes anything of a small world.
func randomCommit(t *rapid.T, m *model) *engine.Commit {
	small := rapid.Int64Range(-5, 20)
	data := rapid.SampledFrom([][]byte{nil, {}, {0}, []byte("data")})
	due := rapid.SampledFrom([]int64{-3, 0, 5, 10, math.MaxInt64})
	c := &engine.Commit{Counts: engine.Counts{Read: small.Draw(t, "read"), Accepted: 1, Duplicate: 2, Rejected: 3, Late: 4, Differing: 5}}
	for _, line := range lines {
		if rapid.Bool().Draw(t, "write") {
			w := engine.TimelineWrite{Timeline: line, Head: data.Draw(t, "head"), Due: due.Draw(t, "due"), DueAbsence: due.Draw(t, "due absence")}
			for _, start := range rapid.SliceOfNDistinct(small, 0, 3, rapid.ID).Draw(t, "cells") {
				w.Cells = append(w.Cells, engine.Cell{Start: start, Data: data.Draw(t, "cell")})
			}
			c.Timelines = append(c.Timelines, w)
		}
		if rapid.Bool().Draw(t, "alert") {
			id := fmt.Sprintf("%x%d", line.Rule+line.Version+line.Key, rapid.IntRange(0, 1).Draw(t, "id"))
			c.Alerts = append(c.Alerts, randomAlert(t, id, line, len(m.revisions[id])+1))
		}
	}
	for range rapid.IntRange(0, 4).Draw(t, "seen") {
		c.Seen = append(c.Seen, engine.Seen{
			Time: small.Draw(t, "time"), ID: hit.ID{byte(rapid.IntRange(0, 2).Draw(t, "id")), 15: 1},
			Variant: rapid.SampledFrom([]uint64{0, 1, math.MaxUint64}).Draw(t, "variant"), Arrived: small.Draw(t, "arrived"),
		})
	}
	if rapid.Bool().Draw(t, "clocks") {
		c.Clocks = &engine.Clocks{Frontier: math.MinInt64, Absence: small.Draw(t, "absence"), Watermarks: map[string]int64{}}
		for _, stream := range rapid.SliceOfDistinct(rapid.SampledFrom([]string{"", "s", "t"}), rapid.ID).Draw(t, "streams") {
			c.Clocks.Watermarks[stream] = small.Draw(t, "watermark")
		}
	}
	if rapid.Bool().Draw(t, "position") {
		c.Positions = []engine.Position{{Source: rapid.SampledFrom([]string{"", "file", "api"}).Draw(t, "source"), Data: data.Draw(t, "position of it")}}
	}
	for range rapid.IntRange(0, 2).Draw(t, "rejects") {
		c.Rejects = append(c.Rejects, engine.Reject{Source: "s", File: "f", Line: small.Draw(t, "line"), Offset: small.Draw(t, "offset"), Reason: "no JSON"})
	}
	return c
}

func TestStoreHoldsWhatWasCommitted(t *testing.T) {
	dir := t.TempDir()
	n := 0
	check(t, 25, func(t *rapid.T) {
		n++
		opts := Options{Path: filepath.Join(dir, fmt.Sprint(n, ".db")), Full: rapid.Bool().Draw(t, "full")}
		s := open(t, opts)
		defer func() { _ = s.Close() }()
		m := newModel()
		var made []RuleVersion
		for range rapid.IntRange(1, 6).Draw(t, "batches") {
			c := randomCommit(t, m)
			for _, w := range c.Timelines {
				made = append(made, RuleVersion{w.Rule, w.Version})
			}
			for _, a := range c.Alerts {
				made = append(made, RuleVersion{a.Rule, a.Version})
			}
			if err := s.Commit(context.Background(), c); err != nil {
				t.Fatal(err)
			}
			m.commit(c)
			if rapid.Bool().Draw(t, "reopen") {
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				s = open(t, opts)
			}
			compareState(t, s, m, made)
			compareAlertsOf(t, s, m)
		}
	})
}

type fataler interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

func open(t fataler, opts Options) *Store {
	t.Helper()
	s, err := Open(context.Background(), opts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// must compares what a store says with what the model says.
func must[T any](t fataler, what string, want, got T, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if d := gocmp.Diff(want, got); d != "" {
		t.Fatalf("%s (-want +got):\n%s", what, d)
	}
}

func compareState(t *rapid.T, s *Store, m *model, made []RuleVersion) {
	ctx := context.Background()
	for _, line := range lines {
		var want engine.Saved
		w, wantOK := m.heads[line]
		if wantOK {
			want.Head = w.Head
			for _, start := range slices.Sorted(maps.Keys(m.cells[line])) {
				want.Cells = append(want.Cells, engine.Cell{Start: start, Data: []byte(m.cells[line][start])})
			}
		}
		got, ok, err := s.Load(ctx, line)
		must(t, "timeline", want, got, err)
		must(t, "there is a timeline", wantOK, ok, nil)
	}
	for _, at := range [][2]int64{{0, 0}, {5, 0}, {-10, 10}, {math.MaxInt64, math.MaxInt64}, {math.MinInt64, math.MaxInt64}} {
		want := m.due(at[0], at[1], made)
		got, err := s.Due(ctx, at[0], at[1], 100)
		must(t, "due", want, got, err)
		got, err = s.Due(ctx, at[0], at[1], 2)
		must(t, "two due", want[:min(2, len(want))], got, err)
	}
	var ids []engine.Seen
	var variants [][]uint64
	for id := range byte(4) {
		for at := range int64(26) {
			var of []uint64
			for _, v := range []uint64{math.MaxUint64, 0, 1} { // in the order of signed integers
				if _, ok := m.seen[engine.Seen{Time: at - 5, ID: hit.ID{id, 15: 1}, Variant: v}]; ok {
					of = append(of, v)
				}
			}
			ids, variants = append(ids, engine.Seen{Time: at - 5, ID: hit.ID{id, 15: 1}}), append(variants, of)
		}
	}
	known, err := s.Variants(ctx, ids)
	must(t, "variants", variants, known, err)
	clocks, ok, err := s.Clocks(ctx)
	must(t, "there are clocks", m.clocks != nil, ok, err)
	if ok {
		must(t, "clocks", *m.clocks, clocks, nil)
	}
	positions := map[string]string{}
	list, err := s.Positions(ctx)
	for _, p := range list {
		positions[p.Source] = string(p.Data)
	}
	must(t, "positions", m.positions, positions, err)
	var rejects []engine.Reject
	newest, err := s.Rejects(ctx, 1000)
	for _, r := range newest {
		rejects = append(rejects, r.Reject)
	}
	slices.Reverse(rejects)
	must(t, "rejects", m.rejects, rejects, err)
	counts, batches, err := s.Totals(ctx)
	must(t, "counts", m.counts, counts, err)
	must(t, "batches", m.batches, batches, nil)
}

func compareAlertsOf(t *rapid.T, s *Store, m *model) {
	ctx := context.Background()
	for _, line := range lines {
		for _, span := range [][2]int64{{3, 8}, {1, 0}} {
			var want []*engine.Alert
			for _, a := range m.alerts {
				touches := span[0] <= span[1] && a.First <= span[1] && a.Last >= span[0]
				if a.Rule == line.Rule && a.Version == line.Version && a.Key == line.Key && (!a.Final || touches) {
					want = append(want, a)
				}
			}
			slices.SortFunc(want, func(a, b *engine.Alert) int {
				return cmp.Or(cmp.Compare(a.Opening, b.Opening), cmp.Compare(a.ID, b.ID))
			})
			got, err := s.Alerts(ctx, line, span[0], span[1])
			must(t, "alerts of a timeline", want, got, err)
		}
	}
	inOrder := func(keep func(*engine.Alert) bool) (list []*engine.Alert) {
		for _, a := range m.alerts {
			if keep(a) {
				list = append(list, a)
			}
		}
		slices.SortFunc(list, func(a, b *engine.Alert) int {
			return cmp.Or(cmp.Compare(a.First, b.First), cmp.Compare(a.Rule, b.Rule), hit.CompareKeys(a.Key, b.Key), cmp.Compare(a.ID, b.ID))
		})
		return list
	}
	for _, q := range []Query{{}, {All: true}, {Severity: hit.High}, {Since: 9}, {Rules: []string{"b"}}, {Rules: []string{"a", "b"}, All: true},
		{Until: 9}, {Statuses: []engine.Status{engine.Merged, engine.Open}}, {Entity: "X", All: true}, {Entity: "nobody"}, {Live: true, Newest: true, Limit: 2},
		{Newest: true, All: true}, {Limit: 1, Entity: "x"}} {
		want := inOrder(func(a *engine.Alert) bool {
			byStatus := q.All || a.Status.Standing()
			if len(q.Statuses) > 0 {
				byStatus = slices.Contains(q.Statuses, a.Status)
			}
			return byStatus && a.Severity >= q.Severity && (q.Since == 0 || a.Last >= q.Since) && (q.Until == 0 || a.First <= q.Until) &&
				(len(q.Rules) == 0 || slices.Contains(q.Rules, a.Rule)) && (!q.Live || !a.Staged) &&
				(q.Entity == "" || slices.Contains(hit.DecodeKey(a.Key), strings.ToLower(q.Entity)))
		})
		if q.Newest {
			slices.SortStableFunc(want, func(a, b *engine.Alert) int { return cmp.Compare(b.First, a.First) })
		}
		if q.Limit > 0 {
			want = want[:min(q.Limit, len(want))]
		}
		got, err := s.List(ctx, q)
		must(t, fmt.Sprintf("alerts of %+v", q), want, got, err)
	}
	for id, revisions := range m.revisions {
		a, err := s.Find(ctx, id)
		must(t, "alert", m.alerts[id], a, err)
		got, err := s.Revisions(ctx, id)
		if err != nil || len(got) != len(revisions) {
			t.Fatalf("%d revisions, want %d: %v", len(got), len(revisions), err)
		}
		for i, r := range got {
			want := *revisions[i]
			want.State = nil
			if r.Abridged != (len(want.Records) > 100) {
				t.Fatalf("abridged: %v with %d records", r.Abridged, len(want.Records))
			}
			if r.Abridged {
				want.Records, want.Values, want.Respond = nil, nil, ""
			}
			must(t, "revision", &want, r.Alert, nil)
		}
	}
	outbox, err := s.Outbox(ctx, 0, 1000)
	for i := range outbox {
		outbox[i].Created = 0
	}
	must(t, "outbox", m.outbox, outbox, err)
}
