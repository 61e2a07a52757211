package match

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"detect/internal/geo"
	"detect/internal/record"
	"detect/rules"
	"detect/rules/expr"
	"detect/rules/hit"
)

type places map[string]geo.Place

func (p places) Place(a netip.Addr) geo.Place               { return p[a.String()] }
func (p places) ASN(netip.Addr) (number uint32, net string) { return 0, "" }

func world(t testing.TB) *expr.World {
	t.Helper()
	clients, _ := expr.NewList("sync_clients", []string{"onedrive"})
	w, err := expr.NewWorld([]string{"contoso.example"}, []*expr.List{clients}, places{"192.0.2.1": {Known: true, Country: "DE"}})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// spec is a rule in short.
type spec struct {
	operations []string
	let        [][2]string
	match      string
	capture    [][2]string
	by         []string
	except     []string
	until      int64 // of every exception
	severity   string
	neighbours string
	status     rules.Status
}

func compile(t testing.TB, w *expr.World, specs ...spec) []*rules.Rule {
	t.Helper()
	var rs []*rules.Rule
	for i, s := range specs {
		b, issues := expr.NewBuilder(w, nil)
		check := func(src string, issues []expr.Issue) {
			for _, i := range issues {
				t.Fatalf("%s: %s", src, i)
			}
		}
		check("params", issues)
		for _, l := range s.let {
			check(l[1], b.Let(l[0], l[1]))
		}
		if s.match != "" {
			check(s.match, b.Match(s.match))
		}
		for _, c := range s.capture {
			_, issues := b.Capture(c[0], c[1])
			check(c[1], issues)
		}
		for _, name := range s.by {
			check(name, b.By(name))
		}
		for _, e := range s.except {
			check(e, b.Except(e, s.until))
		}
		if s.neighbours != "" {
			_, issues := b.Neighbours(s.neighbours)
			check(s.neighbours, issues)
		}
		if s.severity != "" {
			_, issues := b.HitSeverity(s.severity)
			check(s.severity, issues)
		}
		rs = append(rs, &rules.Rule{Index: i, ID: fmt.Sprint("r", i), Status: s.status, Matching: b.Matching(s.operations)})
	}
	return rs
}

func parse(t testing.TB, json string) *record.Record {
	t.Helper()
	r := new(record.Record)
	if err := r.Parse([]byte(json)); err != nil {
		t.Fatal(err)
	}
	return r
}

func rec(operation, user, more string) string {
	return fmt.Sprintf(`{"Id":"id-1","CreationTime":"2026-03-01T10:00:00","Operation":%q,"UserId":%q%s}`, operation, user, more)
}

// told is a hit in short: rule, key, hidden, severity, captures.
func told(hits []*hit.Hit) string {
	var out []string
	for _, h := range hits {
		s := fmt.Sprintf("%d/%s", h.Rule, strings.Join(hit.DecodeKey(h.Key), "+"))
		if h.Hidden {
			s += "/hidden"
		}
		if h.Severity != hit.Info {
			s += "/" + h.Severity.String()
		}
		for _, v := range h.Values {
			s += "/" + v.Str + strings.Join(v.Texts(), "|")
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

func TestOperations(t *testing.T) {
	w := world(t)
	m := New(w, compile(t, w,
		spec{operations: []string{"New-InboxRule", "set-inboxrule"}}, spec{operations: []string{"New-*", "Add member to role."}}, spec{operations: []string{"any"}},
		spec{operations: []string{"New-InboxRule", "New-*", "any"}}, spec{operations: []string{"any"}, status: rules.Disabled}, spec{operations: []string{"New-InboxRule"}, status: rules.Staged}))
	for operation, want := range map[string][]int{
		"New-InboxRule": {0, 1, 2, 3, 5}, " new-inboxRULE. ": {0, 1, 2, 3, 5}, "New\u2013InboxRule": {0, 1, 2, 3, 5}, "Set-InboxRule": {0, 2, 3}, "New-Mailbox": {1, 2, 3},
		"Add member to role": {1, 2, 3}, "Add member to role.": {1, 2, 3}, "X": {2, 3}, "": {2, 3},
	} {
		if got := m.lookup(record.OperationKey(operation)); !slices.Equal(got, want) {
			t.Errorf("%q: rules %v, want %v", operation, got, want)
		}
		worker := m.NewWorker()
		var got []int
		for _, h := range worker.Match(parse(t, rec(operation, "ann", "")), nil) {
			got = append(got, h.Rule)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: hits of %v, want %v", operation, got, want)
		}
	}
	none := New(w, compile(t, w, spec{operations: []string{"New-*"}}))
	if none.Wants("Set-Mailbox") || !none.Wants("new-mailbox") {
		t.Error("wants the wrong operations")
	}
}

func TestHits(t *testing.T) {
	w := world(t)
	for _, tc := range []struct {
		name string
		spec
		record string
		want   string
		stats  RuleStats
	}{
		{"no condition", spec{by: []string{"user"}}, rec("X", "Ann", ""), "0/ann", RuleStats{Evaluated: 1, Matched: 1}},
		{"whole tenant", spec{}, rec("X", "Ann", ""), "0/", RuleStats{Evaluated: 1, Matched: 1}},
		{"false", spec{match: "record.UserId == 'Bob'"}, rec("X", "Ann", ""), "", RuleStats{Evaluated: 1}},
		{"captures", spec{match: "record.UserId == 'Ann'", capture: [][2]string{{"file", "record.ObjectId"}}, by: []string{"file"}},
			rec("X", "Ann", `,"ObjectId":"f1"`), "0/f1/f1", RuleStats{Evaluated: 1, Matched: 1}},
		{"no entity", spec{by: []string{"user", "session"}}, rec("X", "Ann", ""), "", RuleStats{Evaluated: 1, NoEntity: 1}},
		{"a list in by", spec{capture: [][2]string{{"who", "['b', 'a', '', 'b']"}}, by: []string{"who", "user"}}, rec("X", "Ann", ""),
			"0/b+ann/b 0/a+ann/a", RuleStats{Evaluated: 1, Matched: 1}},
		{"an empty list in by", spec{capture: [][2]string{{"who", "record.subjects()"}}, by: []string{"who"}}, rec("X", "Ann", ""), "", RuleStats{Evaluated: 1, NoEntity: 1}},
		{"exceptions: the first that holds", spec{by: []string{"user"}, except: []string{"user == 'bob'", "user == 'ann'", "true"}}, rec("X", "Ann", ""), "0/ann/hidden",
			RuleStats{Evaluated: 1, Matched: 1, Suppressed: []int64{0, 1, 0}}},
		{"an exception that has ended", spec{by: []string{"user"}, except: []string{"true"}, until: 1}, rec("X", "Ann", ""), "0/ann", RuleStats{Evaluated: 1, Matched: 1, Suppressed: []int64{0}}},
		{"an exception counts each entity", spec{capture: [][2]string{{"who", "['b', 'a']"}}, by: []string{"who"}, except: []string{"true"}}, rec("X", "Ann", ""),
			"0/b/hidden/b 0/a/hidden/a", RuleStats{Evaluated: 1, Matched: 1, Suppressed: []int64{2}}},
		{"severity of a hit", spec{by: []string{"user"}, severity: "user == 'ann' ? critical : low"}, rec("X", "Ann", ""), "0/ann/critical", RuleStats{Evaluated: 1, Matched: 1}},
		{"constant severity", spec{by: []string{"user"}, severity: "high"}, rec("X", "Ann", ""), "0/ann/high", RuleStats{Evaluated: 1, Matched: 1}},
		{"an error is no match", spec{match: "int(record.UserId) > 3"}, rec("X", "Ann", ""), "", RuleStats{Evaluated: 1, Errors: 1}},
		{"false wins over an error", spec{match: "int(record.UserId) > 3 && record.UserId == 'x'"}, rec("X", "Ann", ""), "", RuleStats{Evaluated: 1}},
		{"an error wins over true", spec{match: "int(record.UserId) > 3 && record.UserId == 'Ann'"}, rec("X", "Ann", ""), "", RuleStats{Evaluated: 1, Errors: 1}},
		{"a capture's error", spec{capture: [][2]string{{"n", "int(record.UserId)"}}}, rec("X", "Ann", ""), "", RuleStats{Evaluated: 1, Errors: 1}},
		{"an exception's error hides nothing", spec{by: []string{"user"}, except: []string{"int(user) > 3", "false"}}, rec("X", "Ann", ""), "0/ann", RuleStats{Evaluated: 1, Matched: 1, Errors: 1, Suppressed: []int64{0, 0}}},
		{"a severity's error", spec{by: []string{"user"}, severity: "int(user) > 3 ? high : low"}, rec("X", "Ann", ""), "0/ann/medium", RuleStats{Evaluated: 1, Matched: 1, Errors: 1}},
		{"an unknown place that is compared", spec{capture: [][2]string{{"place", "actor.place"}}, by: []string{"user"}, neighbours: "km(prev.place, place) > 1.0"},
			rec("X", "Ann", `,"ClientIP":"192.0.2.99"`), "", RuleStats{Evaluated: 1, NoPlace: 1}},
		{"a known place that is compared", spec{capture: [][2]string{{"place", "actor.place"}}, by: []string{"user"}, neighbours: "km(prev.place, place) > 1.0"},
			rec("X", "Ann", `,"ClientIP":"192.0.2.1"`), "0/ann/", RuleStats{Evaluated: 1, Matched: 1}},
		{"a place that is not compared", spec{capture: [][2]string{{"place", "actor.place"}}, by: []string{"user"}, neighbours: "gap > duration('1s')"},
			rec("X", "Ann", `,"ClientIP":"192.0.2.99"`), "0/ann/", RuleStats{Evaluated: 1, Matched: 1}},
		{"no time", spec{by: []string{"user"}}, `{"Operation":"X","UserId":"ann"}`, "", RuleStats{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.operations = []string{"X"}
			worker := New(w, compile(t, w, tc.spec)).NewWorker()
			if got := told(worker.Match(parse(t, tc.record), nil)); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
			got := worker.Stats()[0]
			if (got.FirstError != "") != (tc.stats.Errors > 0) || got.FirstError != "" && got.ErrorRecord != "id-1" {
				t.Errorf("first error %q of %q", got.FirstError, got.ErrorRecord)
			}
			got.FirstError, got.ErrorRecord = "", ""
			if fmt.Sprint(got) != fmt.Sprint(tc.stats) {
				t.Errorf("stats %+v, want %+v", got, tc.stats)
			}
		})
	}
}

// A hit carries its record's identity, time and rank, and owns its values.
func TestHitIsOfItsRecord(t *testing.T) {
	w := world(t)
	worker := New(w, compile(t, w, spec{operations: []string{"X"}, capture: [][2]string{{"user", "record.UserId"}}, by: []string{"user"}})).NewWorker()
	first := parse(t, rec("X", "ann", ""))
	hits := worker.Match(first, nil)
	second := parse(t, rec("X", "bob", ""))
	hits = worker.Match(second, hits)
	if told(hits) != "0/ann/ann 0/bob/bob" {
		t.Fatalf("got %s", told(hits))
	}
	h := hits[0]
	if us, _ := first.Time(); h.Time != us || h.ID != hit.ID(first.Identity()) || h.RecordID != "id-1" || h.Rank.Size != first.Variant().Size || !h.Rank.Whole {
		t.Errorf("got %+v", h)
	}
	if hits[1].ID == h.ID {
		t.Error("two records have one identity")
	}
}

func TestStatsAddUp(t *testing.T) {
	a := RuleStats{Evaluated: 1, Matched: 2, NoEntity: 3, NoPlace: 4, Errors: 5, Suppressed: []int64{1}, Nanoseconds: 7}
	a.Add(RuleStats{Evaluated: 1, Matched: 1, NoEntity: 1, NoPlace: 1, Errors: 1, FirstError: "x", ErrorRecord: "y", Suppressed: []int64{1, 1}, Nanoseconds: 8})
	if want := (RuleStats{2, 3, 4, 5, 6, "x", "y", []int64{2, 1}, 15}); fmt.Sprint(a) != fmt.Sprint(want) {
		t.Errorf("got %+v", a)
	}
}

// One record in 64 is measured, and stands for all of them.
func TestMeasure(t *testing.T) {
	w := world(t)
	m := New(w, compile(t, w, spec{operations: []string{"UserLoggedIn"}}))
	now := int64(0)
	m.Measure(func() int64 { now += 5; return now })
	worker, signIn := m.NewWorker(), parse(t, rec("UserLoggedIn", "ann@contoso.example", ""))
	for range 2*measureEvery + 1 { // three are measured
		worker.Match(signIn, nil)
	}
	if got := worker.Stats()[0].Nanoseconds; got != 5*(2*measureEvery+1) {
		t.Errorf("%d ns for records of 5 ns each, want %d", got, 5*(2*measureEvery+1))
	}
}

// What operations records name is up to their writers: a worker's memory of them is bounded.
func TestManyOperations(t *testing.T) {
	w := world(t)
	worker := New(w, compile(t, w, spec{operations: []string{"X"}, by: []string{"user"}})).NewWorker()
	for i := range 3 * maxOperations {
		worker.Match(parse(t, rec(fmt.Sprint("op", i), "ann", "")), nil)
	}
	if len(worker.byOp) > maxOperations {
		t.Errorf("%d operations remembered", len(worker.byOp))
	}
	if got := told(worker.Match(parse(t, rec("X", "ann", "")), nil)); got != "0/ann" {
		t.Errorf("got %s", got)
	}
}

// A record with very many recipients makes hits for the first of them alone, each with its own recipient and not with
// all, and that is told.
func TestLongListInBy(t *testing.T) {
	w := world(t)
	rs := compile(t, w, spec{operations: []string{"Send"}, capture: [][2]string{{"to", "record.recipients()"}}, by: []string{"to"}})
	var to []string
	for i := range expr.MaxElements + 500 {
		to = append(to, fmt.Sprintf("%q", fmt.Sprintf("user%06d@contoso.example", i)))
	}
	rec := new(record.Record)
	if err := rec.Parse([]byte(`{"Id":"1","Operation":"Send","CreationTime":"2026-01-01T00:00:00","ExchangeMetaData":{"To":[` + strings.Join(to, ",") + `]}}`)); err != nil {
		t.Fatal(err)
	}
	worker := New(w, rs).NewWorker()
	hits := worker.Match(rec, nil)
	if len(hits) != expr.MaxElements {
		t.Fatalf("%d hits", len(hits))
	}
	for _, h := range hits {
		if key := hit.DecodeKey(h.Key); !slices.Equal(h.Values[0].Texts(), key) {
			t.Fatalf("%q has %q", key, h.Values[0].Texts())
		}
	}
	s := worker.Stats()[0]
	if s.Matched != 1 || s.Errors != 1 || !strings.Contains(s.FirstError, "capture to: 1000 of 1500 elements kept") {
		t.Errorf("%+v", s)
	}
}
