package engine

import (
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"detect/internal/geo"
	"detect/rules"
	"detect/rules/hit"
)

// everyKind is a rule with a capture of every kind.
func everyKind() *rules.Rule {
	r := &rules.Rule{ID: "r", Kind: rules.Neighbours, SumBy: []rules.SumBy{{X: 1, K: 0}, {X: 2, K: 5}}}
	for _, k := range []hit.Kind{hit.Text, hit.Int, hit.Double, hit.Bool, hit.Duration, hit.Texts, hit.Ints, hit.Place, hit.Time} {
		r.Captures = append(r.Captures, rules.Capture{Name: k.String(), Kind: k})
	}
	return r
}

// drawMarks draws marks whose values are of up to the given number of different ones.
func drawMarks(t *rapid.T, different int) (ms []mark) {
	n := rapid.SampledFrom([]int{1, 2, 5, 15, 16, 17, 18, 40, 40, 50, 60, 70, 90, 100, 101, 102, 110, 120, 130, 140, 150, 200, 300, 2600}).Draw(t, "marks")
	x := rapid.Uint64().Draw(t, "seed")
	roll := func(n int) int {
		x = x*6364136223846793005 + 1442695040888963407
		return int((x >> 33) % uint64(n))
	}
	text := func() string {
		return "value " + string(rune('a'+roll(different)%7)) + string(rune(0x4e00+roll(different)))
	}
	var prev *hit.Hit
	for i := range n {
		h := &hit.Hit{Time: int64(i/2) * second, ID: hit.ID{byte(i), byte(i >> 8)}, RecordID: text(), Severity: hit.Severity(roll(5)),
			Rank: hit.Rank{Digest: x}}
		d := []float64{0, math.Copysign(0, -1), math.NaN(), 1.5, float64(roll(different))}[roll(5)]
		h.Values = []hit.Value{hit.OfText(text()), hit.OfInt(int64(roll(different)) - 3), hit.OfDouble(d), hit.OfBool(roll(2) == 1),
			hit.OfDuration(int64(roll(different))), hit.OfTexts([]string{text(), text()}[:roll(3)]),
			hit.OfInts([]int64{1, int64(roll(different))}[:roll(3)]),
			hit.OfPlace(geo.Place{Known: true, City: text(), Lat: float64(roll(3))}), hit.OfTime(int64(roll(different)))}
		if roll(9) == 0 {
			h.Values[roll(len(h.Values))] = hit.Value{} // a capture without a value
		}
		m := mark{hit: h}
		if prev != nil && roll(3) == 0 {
			m.pair = pairOf("key", prev, h)
		}
		ms = append(ms, m)
		prev = h
	}
	return ms
}

var sameValues = cmp.Options{
	cmp.Comparer(func(a, b hit.Value) bool { return hit.CompareValues(a, b) == 0 }),
	cmpopts.EquateNaNs(), cmpopts.EquateEmpty(),
}

// A fold shows what the naive view shows, also if it was stored, read and copied in between.
func TestFoldShowsWhatTheNaiveViewShows(t *testing.T) {
	r := everyKind()
	rapid.Check(t, func(t *rapid.T) {
		ms := drawMarks(t, rapid.SampledFrom([]int{2, 30, 5000}).Draw(t, "different"))
		cut := rapid.IntRange(0, len(ms)).Draw(t, "cut")
		var f fold
		for i, m := range ms {
			if i == cut {
				rd := hit.NewReader(appendFold(nil, &f))
				if f = foldOf(r, rd); rd.Err() != nil || rd.Len() != 0 {
					t.Fatalf("read a fold: %v, %d bytes left", rd.Err(), rd.Len())
				}
				c := f.clone()
				for _, m := range ms[:min(len(ms), 20)] {
					c.add(r, m) // must not change f
				}
			}
			f.add(r, m)
		}
		s := f.summary(r)
		got := f.view(r, "key", s, false)
		want, records := naiveView(r, "key", ms, false)
		if d := cmp.Diff(want, got, sameValues); d != "" {
			t.Fatal(d)
		}
		if !slices.Equal(records, s.records) {
			t.Fatalf("records %q, want %q", s.records, records)
		}
	})
}

func TestEstimateOfDistinctValuesIsNear(t *testing.T) {
	for _, n := range []int{1001, 5000, 100_000} {
		var y tally
		for i := range n {
			y.add(hit.OfInt(int64(i)*7919), 0)
			y.add(hit.OfInt(int64(i)*7919), 0)
		}
		got := y.distinct()
		if d := math.Abs(float64(got)-float64(n)) / float64(n); d > 0.1 {
			t.Errorf("%d distinct values are estimated as %d", n, got)
		}
		if len(y.list) != maxDistinct || y.list[0].n != 2 {
			t.Errorf("%d values are kept, the first counted %d times", len(y.list), y.list[0].n)
		}
	}
}

// State that was damaged is refused, and never makes the engine panic or run away.
func FuzzState(f *testing.F) {
	r := everyKind()
	var fd fold
	for i := range 30 {
		fd.add(r, mark{hit: &hit.Hit{Time: int64(i), Values: []hit.Value{hit.OfText("a"), hit.OfInt(int64(i))}}})
	}
	t := newTimeline(&lane{rule: r, length: second, room: maxCell, faults: &faults{}, stats: &RuleStats{}}, "key")
	t.insert(&hit.Hit{Time: 5, Values: []hit.Value{hit.OfText("a")}})
	t.acc = &episode{fold: fd}
	f.Add(t.appendHead(nil), t.appendOpen(nil), appendHits([]byte{codecVersion}, t.hits))
	f.Fuzz(func(_ *testing.T, head, open, hits []byte) {
		t := newTimeline(t.lane, "key")
		_, _ = t.load(Saved{Head: head, Cells: []Cell{{Start: accStart, Data: open}, {Start: 0, Data: hits}}})
		_ = (&told{Alert: &Alert{State: hits}}).readExtras()
		_, _ = readFold(r, open)
	})
}

func TestEstimateIsNeverNegative(t *testing.T) {
	for _, d := range []uint64{0, 1, 100, 998, 999, 1 << 20, 1 << 63, math.MaxUint64} {
		if n := estimate(d); n < maxDistinct-1 {
			t.Errorf("estimate of %d: %d", d, n)
		}
	}
}
