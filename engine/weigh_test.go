package engine_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"detect/engine"
	"detect/rules"
	"detect/rules/hit"
)

// nothing is a store that keeps nothing, so that the memory that is measured is the engine's.
type nothing struct{}

func (nothing) Clocks(context.Context) (engine.Clocks, bool, error) {
	return engine.Clocks{}, false, nil
}
func (nothing) Load(context.Context, engine.Timeline) (engine.Saved, bool, error) {
	return engine.Saved{}, false, nil
}
func (nothing) Due(context.Context, int64, int64, int) ([]engine.Timeline, error) { return nil, nil }
func (nothing) Variants(_ context.Context, ids []engine.Seen) ([][]uint64, error) {
	return make([][]uint64, len(ids)), nil
}
func (nothing) Alerts(context.Context, engine.Timeline, int64, int64) ([]*engine.Alert, error) {
	return nil, nil
}
func (nothing) Commit(context.Context, *engine.Commit) error { return nil }

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestTimelinesAreWeighed compares the memory that timelines are counted with with what they take.
func TestTimelinesAreWeighed(t *testing.T) {
	long := strings.Repeat("x", 300)
	for _, c := range []struct {
		name            string
		rule            string
		timelines, hits int
		gap             int64 // seconds between the hits of one
		text            string
		deferred        bool
	}{
		{"one hit below the threshold", "count", 8000, 1, 0, "w", false},
		{"one hit below the threshold, in a replay", "count", 8000, 1, 0, "w", true},
		{"one hit, long text", "distinct", 5000, 1, 0, long, false},
		{"hits far apart", "count", 3000, 10, 40_000, "w", false},
		{"hits close together", "count", 2000, 19, 1, "w", false},
		{"distinct values", "distinct", 2000, 19, 1, "w", false},
		{"pairs", "other-word", 5000, 4, 1000, "w", false},
		{"an alert each", "match", 5000, 1, 0, "w", false},
		{"an alert each, in a replay", "match", 5000, 1, 0, "w", true},
		{"an alert of few", "match", 2000, 10, 1, "w", false},
		{"an alert of many", "match", 100, 100, 1, "w", false},
		{"an alert of many long ones", "match", 60, 120, 1, long, false},
		{"an alert of a window", "count", 200, 60, 1, "w", false},
		{"an alert of distinct values", "distinct", 200, 60, 1, "w", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			rs := quickly(c.rule)
			e, err := engine.New(t.Context(), rs, nothing{}, engine.Config{Lateness: 72 * 3600 * second, Distinct: true, Deferred: c.deferred, CacheBytes: 1 << 40})
			if err != nil {
				t.Fatal(err)
			}
			before := heap()
			for n := range c.hits {
				for from := 0; from < c.timelines; from += 1000 {
					feed(t, e, rs, n, from, min(from+1000, c.timelines), c.gap, c.text)
				}
			}
			took := heap() - before
			counted, timelines := e.CacheBytes()
			if timelines != c.timelines {
				t.Fatalf("%d timelines", timelines)
			}
			ratio := float64(counted) / float64(took)
			t.Logf("a timeline takes %d bytes and counts for %d: %.2f", took/int64(timelines), counted/timelines, ratio)
			if ratio < 0.75 || ratio > 1.25 {
				t.Errorf("a timeline takes %d bytes and counts for %d", took/int64(timelines), counted/timelines)
			}
			runtime.KeepAlive(e)
		})
	}
}

// feed gives each of some timelines its nth hit.
func feed(t *testing.T, e *engine.Engine, rs []*rules.Rule, n, from, to int, gap int64, text string) {
	t.Helper()
	b := &engine.Batch{Absence: 1 << 60}
	for i := from; i < to; i++ {
		when := (1_700_000_000 + int64(n)*gap) * second
		id := hit.ID{byte(i), byte(i >> 8), byte(i >> 16), byte(n), byte(n >> 8)}
		h := &hit.Hit{Key: hit.EncodeKey(fmt.Sprintf("user%d@contoso.example", i)), Time: when, ID: id, RecordID: fmt.Sprintf("%032d%04d", i, n),
			Values: []hit.Value{hit.OfText(fmt.Sprintf("%s%d", text, n)), hit.OfInt(int64(n % 4)), hit.OfTexts(nil)}}
		b.Items = append(b.Items, engine.Item{Time: when, ID: id, Content: uint64(n), Arrived: when, Stream: "s", Hits: []*hit.Hit{h}})
	}
	if _, err := e.Process(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}
