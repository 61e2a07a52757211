package engine_test

import (
	"context"
	"testing"

	"detect/engine"
)

func TestLateRecords(t *testing.T) {
	rs := append(one(t, "match"), one(t, "count")...)
	rs[1].Index = 1
	r := start(t, rs, live)
	r.batch(1000, record(rs, 200, 1, "a", 1), record(rs, 250, 2, "a", 1))
	// F is 150. The first is not late, the second opens an alert, the third joins it, though the fourth is a repeat.
	r.want(r.batch(1000, record(rs, 150, 3, "a", 1)), `open opened 150..150 n=1 "1 record"`)
	r.want(r.batch(1000, record(rs, 100, 4, "a", 1)), `open opened 100..100 n=1 "1 record, arrived late" final late`)
	if r.counts.Late != 1 || r.counts.Accepted != 1 {
		t.Errorf("counts %+v", r.counts)
	}
	r.want(r.batch(1000, record(rs, 97, 5, "a", 3), record(rs, 97, 5, "a", 3)), `open grew 97..100 n=2 "1 -> 2 records, 0 s -> 3 s, low -> high, arrived late" final late`)
	// One that is too late for its timeline but near an alert that can still grow is kept beside its fold.
	r.want(r.batch(1000, record(rs, 149, 6, "a", 4)), `open grew 149..150 n=2 "1 -> 2 records, 0 s -> 1 s, low -> critical"`)
	r.want(r.batch(1000, record(rs, 152, 7, "a", 1)), `open grew 149..152 n=3 "2 -> 3 records, 1 s -> 3 s"`)
	got := r.batch(1000, record(rs, 500, 8, "a", 1))
	r.want(got[:1], `open final 149..152 n=3 "" final`)
	r.want(r.batch(1000, record(rs, 153, 9, "a", 1)), `open grew 149..153 n=4 "3 -> 4 records, 3 s -> 4 s, arrived late" final`)
	for _, a := range r.store.Standing() {
		if a.Rule == "count" {
			t.Errorf("late records made a window fire: %s", told([]*engine.Alert{a}))
		}
	}
}

// What the alert counts beyond the late hits that it remembers stays counted: over a restart, and when it is final.
func TestManyLateRecordsAreCounted(t *testing.T) {
	rs := one(t, "match")
	r := start(t, rs, live)
	r.batch(1000, record(rs, 250, 1, "a", 1), record(rs, 152, 2, "a", 1))
	const n = 1030
	for i := range n {
		r.batch(1000, record(rs, 149, 10+i, "a", 1))
		if i == n-3 {
			e, err := engine.New(context.Background(), rs, r.store, live)
			if err != nil {
				t.Fatal(err)
			}
			r.e = e
		}
	}
	check := func(count int64, first int64) {
		t.Helper()
		a := r.store.Standing()[0]
		if a.Count != count || !a.Approximate || a.First != first*second || a.Last != 152*second {
			t.Errorf("%s, approximate %v", told([]*engine.Alert{a}), a.Approximate)
		}
	}
	check(n+1, 149)
	r.batch(1000, record(rs, 148, 5000, "a", 1))
	check(n+2, 148)
	r.batch(1000, record(rs, 500, 5001, "a", 1))
	check(n+2, 148)
	r.batch(1000, record(rs, 151, 5002, "a", 1))
	check(n+3, 148)
}

func TestLateRecordsStayWithMergedAlerts(t *testing.T) {
	rs := one(t, "match")
	r := start(t, rs, live)
	r.batch(1000, record(rs, 250, 1, "a", 1), record(rs, 156, 2, "a", 1))
	r.batch(1000, record(rs, 150, 3, "a", 1))
	r.want(r.batch(1000, record(rs, 149, 4, "a", 1)), `open grew 149..150 n=2 "1 -> 2 records, 0 s -> 1 s"`)
	r.batch(1000, record(rs, 153, 5, "a", 1))
	if got := r.store.Standing(); len(got) != 2 || got[0].Count != 4 || got[0].First != 149*second {
		t.Errorf("merged: %s", told(got))
	}
}

func TestLateVariantOfAKnownRecordAddsNothing(t *testing.T) {
	rs := one(t, "match")
	r := start(t, rs, live)
	r.batch(1000, record(rs, 250, 1, "a", 1))
	r.batch(1000, record(rs, 100, 4, "a", 1))
	other := record(rs, 100, 4, "b", 1)
	other.Content, other.Hits[0].Rank.Size = 77, 5
	r.want(r.batch(1000, other))
	if r.counts.Differing != 1 {
		t.Errorf("counts %+v", r.counts)
	}
}

func TestLateRecordJoinsTheEarliestOfSeveral(t *testing.T) {
	rs := one(t, "match")
	r := start(t, rs, live)
	r.batch(1000, record(rs, 250, 1, "a", 1))
	r.batch(1000, record(rs, 96, 2, "a", 1))
	r.batch(1000, record(rs, 90, 3, "a", 1))
	r.want(r.batch(1000, record(rs, 93, 4, "a", 1)), `open grew 90..93 n=2 "1 -> 2 records, 0 s -> 3 s, arrived late" final late`)
}

// A record that comes again after its identity was forgotten raises nothing new where an old alert covers its time.
func TestForgottenRepeatRaisesNothing(t *testing.T) {
	rs := one(t, "match")
	r := start(t, rs, live)
	r.batch(1000, record(rs, 10, 1, "a", 1), record(rs, 12, 2, "a", 1))
	const days = 86400
	r.batch(30*days, record(rs, 20*days, 3, "a", 1))
	again := record(rs, 12, 4, "a", 1)
	again.Arrived = 20 * days * second
	r.want(r.batch(30*days, again))
	other := record(rs, 500, 5, "a", 1)
	other.Arrived = 20 * days * second
	r.want(r.batch(30*days, other), `open opened 500..500 n=1 "1 record, arrived late" final late`)
}
