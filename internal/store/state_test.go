package store

import (
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"detect/engine"
	"detect/rules/hit"
)

// dump is all that a store holds but for wall-clock times, as text.
func dump(t *testing.T, s *Store) string {
	t.Helper()
	var tables []string
	name := func(rows *sql.Rows) error {
		var name string
		err := rows.Scan(&name)
		tables = append(tables, name)
		return err
	}
	if err := s.query(t.Context(), "dump", "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name", name); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, table := range tables {
		var lines []string
		err := s.query(t.Context(), "dump", "SELECT * FROM "+table, func(rows *sql.Rows) error {
			columns, err := rows.Columns()
			if err != nil {
				return err
			}
			values := make([]any, len(columns))
			for i := range values {
				values[i] = new(any)
			}
			err = rows.Scan(values...)
			line := table
			for i, c := range columns {
				if c != "created" && c != "queued" {
					line += fmt.Sprintf(" %s=%v", c, *values[i].(*any))
				}
			}
			lines = append(lines, line)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(lines)
		b.WriteString(strings.Join(lines, "\n") + "\n")
	}
	return b.String()
}

func TestForgetForgetsByArrival(t *testing.T) {
	s := open(t, Options{Path: filepath.Join(t.TempDir(), "detect.db")})
	defer s.Close()
	const n = 45_000 // more than two pieces
	c := new(engine.Commit)
	for i := range int64(n) {
		// Dates have nothing to do with arrivals, and some are negative or very far.
		c.Seen = append(c.Seen, engine.Seen{Time: (i*7919)%n - n/2, ID: hit.ID{byte(i), byte(i >> 8)}, Variant: uint64(i), Arrived: i})
	}
	c.Seen = append(c.Seen, engine.Seen{Time: -1 << 63, ID: hit.ID{}, Arrived: 5}, engine.Seen{Time: 1<<63 - 1, ID: hit.ID{15: 255}, Arrived: n})
	if err := s.Commit(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct{ before, want int64 }{{0, 0}, {30_000, 30_001}, {30_000, 0}, {1 << 40, n + 1 - 30_000}} {
		got, err := s.Forget(t.Context(), step.before)
		if err != nil || got != step.want {
			t.Fatalf("before %d: forgot %d, want %d: %v", step.before, got, step.want, err)
		}
		known, err := s.Variants(t.Context(), c.Seen)
		if err != nil {
			t.Fatal(err)
		}
		for i, id := range c.Seen {
			if (known[i] != nil) != (id.Arrived >= step.before) {
				t.Fatalf("before %d: what arrived at %d is known as %v", step.before, id.Arrived, known[i])
			}
		}
	}
}

func TestRemoveRulesLeavesTheirAlerts(t *testing.T) {
	s := open(t, Options{Path: filepath.Join(t.TempDir(), "detect.db")})
	defer s.Close()
	c := new(engine.Commit)
	for _, line := range lines {
		c.Timelines = append(c.Timelines, engine.TimelineWrite{Timeline: line, Head: []byte("h"), Cells: []engine.Cell{{Data: []byte("c")}}})
	}
	c.Alerts = []*engine.Alert{{ID: "x", Rule: "a", Version: "1", Key: lines[0].Key, Revision: 1}}
	if err := s.Commit(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	n, err := s.RemoveRules(t.Context(), []RuleVersion{{"a", "2"}, {"b", "9"}})
	if err != nil || n != 3 {
		t.Fatalf("%d, %v", n, err)
	}
	for _, line := range lines {
		if _, ok, err := s.Load(t.Context(), line); err != nil || ok != (line.Rule == "a" && line.Version == "2") {
			t.Errorf("%+v: %v, %v", line, ok, err)
		}
	}
	if alerts, err := s.Alerts(t.Context(), lines[0], 1, 0); err != nil || len(alerts) != 1 {
		t.Errorf("%v, %v", alerts, err)
	}
	if err := s.Commit(t.Context(), &engine.Commit{Timelines: c.Timelines}); err != nil { // the rules come back
		t.Fatal(err)
	}
	if _, ok, err := s.Load(t.Context(), lines[3]); err != nil || !ok {
		t.Errorf("%v, %v", ok, err)
	}
}

func TestAnAnalystsStatusOutlastsRevisions(t *testing.T) {
	s := open(t, Options{Path: filepath.Join(t.TempDir(), "detect.db")})
	defer s.Close()
	for _, c := range []struct{ stored, revised, want engine.Status }{
		{engine.Acknowledged, engine.Open, engine.Acknowledged},
		{engine.Closed, engine.Open, engine.Closed},
		{engine.Closed, engine.Withdrawn, engine.Withdrawn},
		{engine.Withdrawn, engine.Open, engine.Open},
		{engine.Merged, engine.Open, engine.Open},
	} {
		id := fmt.Sprint(c.stored, c.revised)
		for i, status := range []engine.Status{c.stored, c.revised} {
			a := &engine.Alert{ID: id, Rule: "r", Status: status, Revision: i + 1}
			if err := s.Commit(t.Context(), &engine.Commit{Alerts: []*engine.Alert{a}}); err != nil {
				t.Fatal(err)
			}
		}
		if a, err := s.Find(t.Context(), id); err != nil || a.Status != c.want {
			t.Errorf("%v revised as %v: %v, %v", c.stored, c.revised, a.Status, err)
		}
	}
}

func TestAnEphemeralStoreKeepsAlertsAndStateAlone(t *testing.T) {
	s := open(t, Options{Path: filepath.Join(t.TempDir(), "detect.db"), Ephemeral: true})
	defer s.Close()
	for n := range int64(3) {
		commit(t, s, n+1)
	}
	a, err := s.Find(t.Context(), "a1")
	if err != nil || a.Revision != 3 {
		t.Fatalf("%+v, %v", a, err)
	}
	revisions, err1 := s.Revisions(t.Context(), "a1")
	outbox, err2 := s.Outbox(t.Context(), 0, 10)
	known, err3 := s.Variants(t.Context(), some(1).Seen)
	if err := errors.Join(err1, err2, err3); err != nil || len(revisions)+len(outbox) > 0 || len(known) != 1 || known[0] != nil {
		t.Fatalf("%v, %v, %v, %v", revisions, outbox, known, err)
	}
	if saved, ok, err := s.Load(t.Context(), some(1).Timelines[0].Timeline); err != nil || !ok || len(saved.Cells) != 3 {
		t.Fatalf("%+v, %v, %v", saved, ok, err)
	}
	err = s.Each(t.Context(), Query{}, func(*engine.Alert) error { return s.Commit(t.Context(), some(9)) })
	if err != nil {
		t.Fatal(err)
	}
	if n, batches, err := s.Totals(t.Context()); err != nil || n.Read != 4 || batches != 4 {
		t.Fatalf("%+v, %d, %v", n, batches, err)
	}
}

func TestFindTakesAPrefix(t *testing.T) {
	s := open(t, Options{Path: filepath.Join(t.TempDir(), "detect.db")})
	defer s.Close()
	c := new(engine.Commit)
	for _, id := range []string{"ab12", "ab13", "ab", "b_1", "b%2", "bx1"} {
		c.Alerts = append(c.Alerts, &engine.Alert{ID: id, Rule: "r", Revision: 1})
	}
	if err := s.Commit(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	for prefix, want := range map[string]string{"ab12": "ab12", "ab": "ab", "b_": "b_1", "b%": "b%2", "bx": "bx1"} {
		if a, err := s.Find(t.Context(), prefix); err != nil || a.ID != want {
			t.Errorf("%s: %v, %v", prefix, a, err)
		}
	}
	for prefix, want := range map[string]error{"ab1": ErrManyAlerts, "": ErrNoAlert, "c": ErrNoAlert, "AB": ErrNoAlert, "%": ErrNoAlert} {
		if _, err := s.Find(t.Context(), prefix); !errors.Is(err, want) {
			t.Errorf("%q: %v", prefix, err)
		}
	}
}
