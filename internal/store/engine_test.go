package store

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"detect/engine"
	"detect/engine/enginetest"
)

// reopener opens one file again and again, as restarts do; the last one opened is *s.
func reopener(s **Store, opts Options) enginetest.Opener {
	return func() (engine.Store, error) {
		if *s != nil {
			if err := (*s).Close(); err != nil {
				return nil, err
			}
		}
		var err error
		*s, err = Open(context.Background(), opts)
		return *s, err
	}
}

// TestRestartsChangeNothing runs histories live, the store's file closed and opened at every restart, and holds what was
// told and what is stored to the specification.
func TestRestartsChangeNothing(t *testing.T) {
	dir := t.TempDir()
	n, restarts, alerts := 0, 0, 0
	check(t, 15, func(t *rapid.T) {
		n++
		h := enginetest.Draw(t)
		var s *Store
		defer func() { _ = s.Close() }()
		opts := Options{Path: filepath.Join(dir, fmt.Sprint("live", n, ".db"))}
		told, err := h.CheckLive(context.Background(), reopener(&s, opts))
		if err != nil {
			t.Fatal(err)
		}
		for _, restart := range h.Restarts {
			if restart {
				restarts++
			}
		}
		alerts += len(told.Standing())
		compareStored(t, s, told)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = open(t, opts)
		compareStored(t, s, told)
	})
	if restarts == 0 || alerts == 0 {
		t.Fatalf("%d restarts and %d alerts show nothing", restarts, alerts)
	}
}

// TestReplayThroughAnEphemeralStore replays histories with so small a cache that timelines go through the file.
func TestReplayThroughAnEphemeralStore(t *testing.T) {
	dir := t.TempDir()
	n := 0
	check(t, 15, func(t *rapid.T) {
		n++
		h := enginetest.Draw(t)
		var s *Store
		defer func() { _ = s.Close() }()
		cfg := h.Config
		cfg.Streams, cfg.CacheBytes, cfg.Deferred = nil, 1+rapid.IntRange(0, 3000).Draw(t, "cache"), rapid.Bool().Draw(t, "deferred")
		opts := Options{Path: filepath.Join(dir, fmt.Sprint("replay", n, ".db")), Ephemeral: true}
		told, err := h.CheckReplay(context.Background(), reopener(&s, opts), cfg, rapid.IntRange(1, 9).Draw(t, "batch"))
		if err != nil {
			t.Fatal(err)
		}
		compareStored(t, s, told)
	})
}

// compareStored holds what is stored to what was told.
func compareStored(t *rapid.T, s *Store, told *enginetest.Result) {
	stored, err := s.List(context.Background(), Query{})
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(stored, engine.CompareAlerts)
	if err := enginetest.Compare(told.Standing(), stored); err != nil {
		t.Fatalf("stored against told: %v", err)
	}
	counts, _, err := s.Totals(context.Background())
	if err != nil || counts != told.Counts {
		t.Fatalf("counts %+v, told %+v, %v", counts, told.Counts, err)
	}
	if s.opts.Ephemeral {
		return
	}
	outbox, err := s.Outbox(context.Background(), 0, 1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	last := map[string]int{}
	for _, o := range outbox {
		if o.Revision <= last[o.Alert] {
			t.Fatalf("outbox: revision %d of alert %s after %d", o.Revision, o.Alert, last[o.Alert])
		}
		last[o.Alert] = o.Revision
	}
	for _, a := range stored {
		if last[a.ID] != a.Revision && !a.Staged {
			t.Fatalf("outbox: alert %s is told up to revision %d of %d", a.ID, last[a.ID], a.Revision)
		}
		history, err := s.Revisions(context.Background(), a.ID)
		if err != nil || len(history) == 0 || history[len(history)-1].Alert.Revision != a.Revision {
			t.Fatalf("history of alert %s, revision %d: %+v, %v", a.ID, a.Revision, history, err)
		}
	}
}
