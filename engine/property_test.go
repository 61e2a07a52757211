package engine_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"detect/engine"
	"detect/engine/enginetest"
)

// TestMain sets how many cases each property is checked on: DETECT_CHECKS of the environment, or -rapid.checks, or a
// number that keeps the package's tests to seconds.
func TestMain(m *testing.M) {
	flag.Parse()
	set := false
	flag.Visit(func(f *flag.Flag) { set = set || f.Name == "rapid.checks" })
	if !set {
		_ = flag.Set("rapid.checks", strconv.Itoa(checks(300)))
	}
	os.Exit(m.Run())
}

func checks(otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv("DETECT_CHECKS")); err == nil && n > 0 {
		return n
	}
	return otherwise
}

// check runs a history in all ways that must agree.
func check(h *enginetest.History, knobs uint64) error {
	ctx := context.Background()
	if _, err := h.CheckLive(ctx, enginetest.InMemory()); err != nil {
		return err
	}
	cfg := h.Config // with its room and its faults
	cfg.Streams, cfg.CacheBytes = nil, 0
	if knobs&1 == 0 {
		cfg.CacheBytes = 2000
	}
	cfg.Deferred = knobs&2 == 0
	n := int(knobs>>2&7) + 1
	if _, err := h.CheckReplay(ctx, enginetest.InMemory(), cfg, n); err != nil {
		return fmt.Errorf("in batches of %d, deferred %v, cache %d: %w", n, cfg.Deferred, cfg.CacheBytes, err)
	}
	return nil
}

func drawKnobs(t *rapid.T, h *enginetest.History) uint64 {
	knobs := rapid.Uint64().Draw(t, "replay")
	if room := int64(knobs >> 5 & 7); room < 4 {
		h.Config = h.Config.WithRoom(room + 1)
	}
	return knobs
}

func TestSpecificationEqualsLiveEqualsReplay(t *testing.T) {
	_ = checks(0) // what TestMain reads of the environment does not count for the cache of test results
	rapid.Check(t, func(t *rapid.T) {
		h := enginetest.Draw(t)
		if err := check(h, drawKnobs(t, h)); err != nil {
			t.Fatal(err)
		}
	})
}

// TestMutants switches on one mistake at a time: the property above must notice each.
func TestMutants(t *testing.T) {
	for _, name := range engine.Faults() {
		t.Run(name, func(t *testing.T) {
			for seed := range 3000 {
				if err := mutant(name, seed); err != nil {
					t.Logf("noticed by history %d: %.300s", seed, err)
					return
				}
			}
			t.Errorf("not noticed in 3,000 histories")
		})
	}
}

func mutant(name string, seed int) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errors.New("panic")
		}
	}()
	gen := rapid.Custom(func(t *rapid.T) error {
		h := enginetest.Draw(t)
		knobs := drawKnobs(t, h)
		h.Config = h.Config.WithFault(name)
		return check(h, knobs)
	})
	return gen.Example(seed)
}
