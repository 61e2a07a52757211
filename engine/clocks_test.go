package engine_test

import (
	"context"
	"math"
	"testing"

	"pgregory.net/rapid"

	"detect/engine"
	"detect/engine/enginetest"
)

// at is a record of a stream that matches nothing, at some second.
func at(stream string, n int64) engine.Item {
	return engine.Item{Time: n * second, Stream: stream, Content: uint64(n), Arrived: n * second}
}

// frontier processes items with an engine on a store, and is where the frontier is then, seconds.
func frontier(t *testing.T, st engine.Store, cfg engine.Config, items ...engine.Item) int64 {
	t.Helper()
	e, err := engine.New(t.Context(), nil, st, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Process(t.Context(), &engine.Batch{Items: items}); err != nil {
		t.Fatal(err)
	}
	if f := e.Clocks().Frontier; f != math.MinInt64 {
		return f / second
	}
	return math.MinInt64
}

func TestTheFrontierWaitsForEachStreamThatIsConfigured(t *testing.T) {
	cfg := func(streams ...string) engine.Config {
		return engine.Config{Lateness: 10 * second, Hold: 1000 * second, Streams: streams}
	}
	st := enginetest.NewStore()
	for _, step := range []struct {
		what string
		cfg  engine.Config
		item engine.Item
		want int64
	}{
		{"the other stream delivered nothing yet", cfg("a", "b"), at("a", 500), -510}, // but for hold: 500 - 10 - 1000
		{"hold lets go of it in part", cfg("a", "b"), at("a", 1600), 590},
		{"both delivered", cfg("a", "b"), at("b", 1500), 1490},
		{"b is behind", cfg("a", "b"), at("a", 2000), 1490},
		{"b was taken out: what is stored of it holds nothing", cfg("a"), at("a", 2001), 1991},
		{"c is new and delivered nothing: it holds, and nothing goes back", cfg("a", "c"), at("a", 2900), 1991},
		{"hold is over for c", cfg("a", "c"), at("a", 3100), 2090},
		{"b comes back, far behind: its old watermark is forgotten, so is not taken up", cfg("a", "b"), at("a", 3200), 2190},
		{"b delivers what is old", cfg("a", "b"), at("b", 100), 2190},
		{"a stream that is not listed holds too once it delivered", cfg("a"), at("d", 3000), 2990},
		{"and is forgotten with the next start", cfg("a"), at("a", 3300), 3290},
		{"another that is not listed", cfg("a"), at("e", 3350), 3290},
		{"without a list what is stored is taken up", cfg(), at("a", 9000), 7990},
	} {
		if got := frontier(t, st, step.cfg, step.item); got != step.want {
			t.Errorf("%s: F is %d, want %d", step.what, got, step.want)
		}
	}
}

// TestTheFrontierNeverGoesBack starts engines with any streams on one store, whatever these deliver.
func TestTheFrontierNeverGoesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		st := enginetest.NewStore()
		names := []string{"a", "b", "c"}
		last := engine.Clocks{Frontier: math.MinInt64, Absence: math.MinInt64}
		newest := map[string]int64{}
		for range rapid.IntRange(1, 6).Draw(t, "starts") {
			cfg := engine.Config{Lateness: 10 * second, Hold: 50 * second}
			if rapid.Bool().Draw(t, "listed") {
				cfg.Streams = rapid.SliceOfDistinct(rapid.SampledFrom(names), rapid.ID).Draw(t, "streams")
			}
			e, err := engine.New(context.Background(), nil, st, cfg)
			if err != nil {
				t.Fatal(err)
			}
			for range rapid.IntRange(0, 5).Draw(t, "batches") {
				b := &engine.Batch{Absence: rapid.Int64Range(0, 200).Draw(t, "absence") * second}
				stream, n := rapid.SampledFrom(names).Draw(t, "stream"), rapid.Int64Range(0, 300).Draw(t, "time")
				if rapid.Bool().Draw(t, "listing") {
					b.ReadTo = map[string]int64{stream: n * second}
				} else {
					b.Items = []engine.Item{at(stream, n)}
				}
				if _, err := e.Process(context.Background(), b); err != nil {
					t.Fatal(err)
				}
				newest[stream] = max(newest[stream], n*second)
				now := e.Clocks()
				if now.Frontier < last.Frontier || now.Absence < last.Absence {
					t.Fatalf("from %+v back to %+v", last, now)
				}
				if now.Frontier > max(newest["a"], newest["b"], newest["c"])-cfg.Lateness {
					t.Fatalf("F is %d, what was delivered ends at %v", now.Frontier, newest)
				}
				last = now
			}
		}
	})
}
