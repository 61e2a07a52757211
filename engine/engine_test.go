package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"detect/engine"
	"detect/engine/enginetest"
	"detect/rules"
	"detect/rules/hit"
)

const second = enginetest.Second

// one is a rule of enginetest's, alone.
func one(t testing.TB, id string) []*rules.Rule {
	for _, r := range enginetest.Rules() {
		if r.ID == id {
			r.Index = 0
			return []*rules.Rule{r}
		}
	}
	t.Fatalf("no rule %q", id)
	return nil
}

// record is a record that every rule matches for ann, at a time in seconds.
func record(rs []*rules.Rule, at int64, id int, word string, number int64) engine.Item {
	it := engine.Item{Time: at * second, ID: hit.ID{byte(id), byte(id >> 8), byte(id >> 16)}, Stream: "a", Content: uint64(id) + 1, Arrived: at * second}
	for i := range rs {
		it.Hits = append(it.Hits, &hit.Hit{Rule: i, Key: hit.EncodeKey("ann"), Time: it.Time, ID: it.ID, RecordID: fmt.Sprintf("r%d", id),
			Severity: hit.Severity(number), Rank: hit.Rank{Digest: it.Content},
			Values: []hit.Value{hit.OfText(word), hit.OfInt(number), hit.OfTexts([]string{word})}})
	}
	return it
}

// run is an engine, its store, and all that it told.
type run struct {
	t      *testing.T
	e      *engine.Engine
	store  *enginetest.Store
	rs     []*rules.Rule
	counts engine.Counts
}

func start(t *testing.T, rs []*rules.Rule, cfg engine.Config) *run {
	st := enginetest.NewStore()
	e, err := engine.New(context.Background(), rs, st, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return &run{t: t, e: e, store: st, rs: rs}
}

// batch processes items; absence is in seconds.
func (r *run) batch(absence int64, items ...engine.Item) []*engine.Alert {
	r.t.Helper()
	o, err := r.e.Process(context.Background(), &engine.Batch{Items: items, Absence: absence * second})
	if err != nil {
		r.t.Fatal(err)
	}
	r.counts = o.Counts
	return o.Revised
}

// told is what a batch revised, one line an alert.
func told(alerts []*engine.Alert) string {
	var lines []string
	for _, a := range alerts {
		line := fmt.Sprintf("%v %v %d..%d n=%d %q", a.Status, a.Reason, a.First/second, a.Last/second, a.Count, a.Note)
		if a.Final {
			line += " final"
		}
		if a.Late {
			line += " late"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func (r *run) want(got []*engine.Alert, want ...string) {
	r.t.Helper()
	if told(got) != strings.Join(want, "\n") {
		r.t.Errorf("told\n%s\nwant\n%s", told(got), strings.Join(want, "\n"))
	}
}

var live = engine.Config{Lateness: 100 * second}

func TestAlertOpensGrowsMergesAndCloses(t *testing.T) {
	rs := one(t, "match") // quiet 3 s, longest 20 s
	r := start(t, rs, live)
	r.want(r.batch(200, record(rs, 10, 1, "a", 1)), `open opened 10..10 n=1 "1 record"`)
	r.want(r.batch(200, record(rs, 16, 2, "a", 1)), `open opened 16..16 n=1 "1 record"`)
	r.want(r.batch(200, record(rs, 18, 3, "a", 2)), `open grew 16..18 n=2 "1 -> 2 records, 0 s -> 2 s, low -> medium"`)
	first := r.store.Standing()[0].ID
	got := r.batch(200, record(rs, 13, 4, "a", 0))
	r.want(got, `open merged 10..18 n=4 "1 -> 4 records, 0 s -> 8 s, low -> medium"`, `merged merged away 16..18 n=2 ""`)
	if got[0].ID != first || got[1].Into != first {
		t.Errorf("%s was merged into %s, and %s was opened first", got[1].ID, got[1].Into, first)
	}
	r.want(r.batch(200, record(rs, 13, 4, "a", 0)))
	if r.counts.Duplicate != 1 {
		t.Errorf("counts of a repeat: %+v", r.counts)
	}
	r.want(r.batch(200, record(rs, 200, 5, "z", 0)), `open final 10..18 n=4 "" final`, `merged final 16..18 n=2 "" final`, `open opened 200..200 n=1 "1 record"`)
	if n := r.store.Timelines(); n != 1 {
		t.Errorf("%d timelines are stored", n)
	}
	r.batch(400, record(rs, 400, 6, "z", 0))
}

func TestAlertIsWithdrawnMovedAndRevived(t *testing.T) {
	rs := one(t, "exactly-three")
	three := []engine.Item{record(rs, 10, 1, "a", 1), record(rs, 11, 2, "a", 1), record(rs, 12, 3, "a", 1)}
	r := start(t, rs, live)
	r.want(r.batch(200, three...), `open opened 10..12 n=3 "3 records in 2 s"`)
	r.want(r.batch(200, record(rs, 12, 4, "a", 1), record(rs, 12, 5, "a", 1)), `withdrawn withdrawn 10..12 n=3 ""`)
	var hidden []engine.Item
	for _, id := range []int{4, 5} {
		it := record(rs, 12, id, "a", 1)
		it.Content, it.Hits[0].Rank.Size, it.Hits[0].Hidden = 99, 1, true // a fuller copy, which an exception hides
		hidden = append(hidden, it)
	}
	r.want(r.batch(200, hidden...), `open revived 10..12 n=3 ""`)
	if r.counts.Differing != 2 || r.counts.Duplicate != 2 {
		t.Errorf("counts %+v", r.counts)
	}
	r.want(r.batch(200, record(rs, 9, 6, "a", 1)), `open changed 9..11 n=3 "1 s earlier"`)

	r = start(t, rs, live)
	r.want(r.batch(200, three...), `open opened 10..12 n=3 "3 records in 2 s"`)
	got := r.batch(200, record(rs, 12, 4, "a", 1), record(rs, 12, 5, "a", 1),
		record(rs, 30, 6, "a", 1), record(rs, 31, 7, "a", 1), record(rs, 32, 8, "a", 1))
	r.want(got, `withdrawn moved 10..12 n=3 ""`, `open moved 30..32 n=3 "20 s later"`)
	if got[0].Into != got[1].ID || got[1].From != got[0].ID {
		t.Errorf("moved from %s to %s: %+v, %+v", got[0].ID, got[1].ID, got[0], got[1])
	}
}

func TestConditionThatIsNotRisingWaitsForTheAbsenceClock(t *testing.T) {
	rs := one(t, "exactly-three")
	r := start(t, rs, live)
	r.want(r.batch(11, record(rs, 10, 1, "a", 1), record(rs, 11, 2, "a", 1), record(rs, 12, 3, "a", 1)))
	_, pending, err := r.e.Finish(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if len(pending) != 1 || pending[0].Since != 12*second || pending[0].Hits != 1 || pending[0].Rule != "exactly-three" {
		t.Errorf("pending: %+v", pending)
	}
	r.want(r.batch(12), `open opened 10..12 n=3 "3 records in 2 s"`)
	if _, pending, _ = r.e.Finish(context.Background()); len(pending) != 0 {
		t.Errorf("pending: %+v", pending)
	}
}

func TestStreamsFarApartAreNotLateBelowHold(t *testing.T) {
	rs := one(t, "match")
	cfg := engine.Config{Lateness: 100 * second, Hold: 500 * second, Streams: []string{"a", "b"}}
	r := start(t, rs, cfg)
	var late int64
	var items []engine.Item
	for i := range int64(2000) {
		a, b := record(rs, 1000+i, int(i), "a", 1), record(rs, 1000+i-400, 10000+int(i), "b", 1)
		b.Stream = "b"
		if items = append(items, a, b); len(items) == 40 {
			r.batch(1000+i, items...)
			late += r.counts.Late
			items = nil
		}
	}
	if late != 0 {
		t.Errorf("%d records were late", late)
	}
	r = start(t, rs, engine.Config{Lateness: 100 * second, Hold: 200 * second, Streams: []string{"a", "b"}})
	r.batch(0, record(rs, 1000, 1, "a", 1))
	if f := r.e.Clocks().Frontier; f != 700*second {
		t.Errorf("the frontier is %d though a silent stream holds it for 200 s only", f/second)
	}
}

func TestStateIsBoundedUnderAnEndlessStream(t *testing.T) {
	for _, id := range []string{"match", "count", "exactly-three", "other-word"} {
		rs := one(t, id)
		rs[0].Longest = 500 * second
		r := start(t, rs, live)
		var before, after int
		var items []engine.Item
		for i := range int64(20_000) {
			items = append(items, record(rs, 10+i, int(i), []string{"a", "b"}[i%2], i%3))
			if len(items) < 20 {
				continue
			}
			r.batch(10+i, items...)
			items = nil
			switch {
			case i < 2000:
				before = r.store.Bytes()
			default:
				after = max(after, r.store.Bytes())
			}
		}
		if after > before+before/2 || r.store.Timelines() != 1 {
			t.Errorf("%s: %d bytes of state after 2,000 hits, %d after 20,000", id, before, after)
		}
	}
}

func TestTimesOfAllAges(t *testing.T) {
	for _, at := range []time.Time{
		time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(1969, 12, 31, 23, 59, 58, 0, time.UTC), time.Unix(0, 0),
		time.Date(2024, 2, 29, 23, 59, 59, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 50, 0, time.UTC),
	} {
		for _, cfg := range []engine.Config{live, {Distinct: true, Deferred: true}} {
			rs := one(t, "count")
			r := start(t, rs, cfg)
			from := at.Unix()
			r.batch(from+20, record(rs, from, 1, "a", 1), record(rs, from+1, 2, "a", 1), record(rs, from+2, 3, "a", 1))
			if _, _, err := r.e.Finish(context.Background()); err != nil {
				t.Fatal(err)
			}
			got := r.store.Standing()
			if len(got) != 1 || got[0].Count != 3 || got[0].First != at.Unix()*second {
				t.Errorf("%v: %s", at, told(got))
			}
		}
	}
}

func TestRecordFromTheFutureMovesNothing(t *testing.T) {
	rs := one(t, "match")
	r := start(t, rs, live)
	future := record(rs, 1_000_000, 1, "a", 1)
	future.Future = true
	r.want(r.batch(1000, future, record(rs, 1000, 2, "a", 1)), `open opened 1000..1000 n=1 "1 record"`, `open opened 1000000..1000000 n=1 "1 record"`)
	if f := r.e.Clocks().Frontier; f != 900*second {
		t.Errorf("the frontier is %d", f/second)
	}
}

func TestEvaluationErrorsAreCounted(t *testing.T) {
	rs := one(t, "grows")
	r := start(t, rs, live)
	r.batch(100, record(rs, 10, 1, "a", 1), record(rs, 11, 2, "a", 3))
	if s := r.e.Stats()[0]; s.Rule != "grows" || s.Errors != 1 || !strings.Contains(s.FirstError, "odd number") {
		t.Errorf("stats %+v", s)
	}
	rs = one(t, "match")
	r = start(t, rs, live)
	for i := range 7 {
		r.batch(100, record(rs, 10, i, "a", 1))
	}
	if s := r.e.Stats()[0]; s.Errors != 1 {
		t.Errorf("stats %+v", s)
	}
	if got := r.store.Standing(); len(got) != 1 || got[0].Title == "" {
		t.Errorf("an alert whose description fails: %s", told(got))
	}
}

// failing is a store whose commits fail.
type failing struct{ *enginetest.Store }

var errFull = errors.New("disk full")

func (failing) Commit(context.Context, *engine.Commit) error { return errFull }

func TestEngineStopsAfterAStoreError(t *testing.T) {
	rs := one(t, "match")
	e, err := engine.New(context.Background(), rs, failing{enginetest.NewStore()}, live)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := e.Process(context.Background(), &engine.Batch{Items: []engine.Item{record(rs, 1, 1, "a", 1)}}); !errors.Is(err, errFull) {
			t.Errorf("error %v", err)
		}
	}
}

// Timelines of rules that do not run any more are removed once they are due; their alerts stand.
func TestRuleThatIsGone(t *testing.T) {
	rs := one(t, "match")
	r := start(t, rs, live)
	r.batch(1000, record(rs, 10, 1, "a", 1))
	rs = one(t, "match")
	rs[0].Version = "v2"
	e, err := engine.New(context.Background(), rs, r.store, live)
	if err != nil {
		t.Fatal(err)
	}
	r.e = e
	r.batch(1000, record(rs, 11, 2, "a", 1))
	r.batch(1000, record(rs, 500, 3, "b", 1))
	versions := []string{}
	for _, a := range r.store.Standing() {
		versions = append(versions, a.Version)
	}
	if !slices.Equal(versions, []string{"v1", "v2", "v2"}) || r.store.Timelines() != 1 {
		t.Errorf("alerts of %v stand, %d timelines are stored", versions, r.store.Timelines())
	}
}

// A flood fills its cell: the earliest hits stay, the rest is counted, and the alert that it would have gone on with says
// that it is a lower bound; those before it are exact.
func TestFloodIsBoundedAndSaysSo(t *testing.T) {
	for _, cfg := range []engine.Config{{Lateness: 72 * 3600 * second}, {Distinct: true, Deferred: true}} {
		rs := one(t, "match")
		var items []engine.Item
		for i := range 3000 {
			items = append(items, record(rs, 7200+int64(i)/10, i, fmt.Sprint("file", i), 1))
		}
		r := start(t, rs, cfg)
		for part := range slices.Chunk(items, 100) {
			r.batch(20000, part...)
		}
		if _, _, err := r.e.Finish(context.Background()); err != nil {
			t.Fatal(err)
		}
		got := r.store.Standing()
		if err := enginetest.Compare(engine.Spec(rs, items, cfg, 20000*second), got); err != nil {
			t.Error(err)
		}
		var n int64
		for _, a := range got {
			n += a.Count
		}
		if last := got[len(got)-1]; n != 1024 || !last.Approximate || got[0].Approximate {
			t.Errorf("%d marks of 3,000 hits, the last alert approximate: %v, the first: %v", n, last.Approximate, got[0].Approximate)
		}
	}
}

// Two different contents may have equal digests, and equal ranks: which of them came first must not matter, and what an
// alert shows must follow.
func TestEqualDigestsHideNothing(t *testing.T) {
	rs := one(t, "match")
	for _, words := range [][2]string{{"a", "b"}, {"b", "a"}} {
		r := start(t, rs, live)
		var items []engine.Item
		for _, w := range words {
			it := record(rs, 10, 1, w, 1)
			items = append(items, it)
			r.batch(200, it)
		}
		if r.counts.Duplicate != 1 || r.counts.Differing != 0 {
			t.Errorf("counts %+v", r.counts)
		}
		if err := enginetest.Compare(engine.Spec(rs, items, live, 200*second), r.store.Standing()); err != nil {
			t.Error(err)
		}
		if got := r.store.Standing()[0].Values[0].Values; !slices.Equal(got, []string{"b"}) {
			t.Errorf("%v: the greater stays, not %v", words, got)
		}
		r = start(t, rs, live)
		bare := record(rs, 10, 1, "a", 1)
		bare.Hits = nil
		r.batch(200, bare)
		r.want(r.batch(200, record(rs, 10, 1, "a", 1)), `open opened 10..10 n=1 "1 record"`)
	}
}
