package daemon

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"detect/engine"
	"detect/engine/enginetest"
	"detect/engine/match"
	"detect/internal/record"
	"detect/internal/source"
	"detect/internal/store"
	"detect/rules"
	"detect/rules/hit"
)

// replayed is what a replay of lines finds: records sorted, one engine, lateness 0.
func replayed(t testing.TB, set *rules.Set, lines [][]byte) []*engine.Alert {
	t.Helper()
	ctx := context.Background()
	worker, now := match.New(set.World, set.Rules).NewWorker(), time.Now().UnixMicro()
	var decoder source.Decoder
	var items []engine.Item
	for _, line := range lines {
		err := decoder.Decode(source.Raw{JSON: line}, func(r *record.Record, _ source.Origin) error {
			at, _ := r.Time()
			items = append(items, engine.Item{Time: at, ID: hit.ID(r.Identity()), Content: r.Content(), Stream: "replay", Arrived: now, Hits: worker.Match(r, nil)})
			return nil
		}, func(source.Reject) {})
		if err != nil {
			t.Fatal(err)
		}
	}
	slices.SortStableFunc(items, func(a, b engine.Item) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), slices.Compare(a.ID[:], b.ID[:]))
	})
	st, err := store.Open(ctx, store.Options{Path: filepath.Join(t.TempDir(), "replay.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	e, err := engine.New(ctx, set.Rules, st, engine.Config{CellLateness: microseconds(72 * time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Process(ctx, &engine.Batch{Items: items, Absence: now - microseconds(2*time.Hour)}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := e.Finish(ctx); err != nil {
		t.Fatal(err)
	}
	return standing(t, st)
}

// errKilled stands for the death of the process at a commit.
var errKilled = fmt.Errorf("killed: %w", store.ErrClosed)

// mortal is a store that dies at a commit, before it or after it.
type mortal struct {
	engine.Store
	left  atomic.Int64 // commits until then
	after bool
}

func (m *mortal) Commit(ctx context.Context, c *engine.Commit) error {
	if m.left.Add(-1) >= 0 {
		return m.Store.Commit(ctx, c)
	}
	if m.after {
		if err := m.Store.Commit(ctx, c); err != nil {
			return err
		}
	}
	return errKilled
}

// TestAnyWay reads the same records as two streams in batches of any size, by any number of workers, through kills at any
// commit and orderly stops: the alerts are those of a replay, everybody was told of each, and every record was counted.
func TestAnyWay(t *testing.T) {
	cases := "12"
	if more := os.Getenv("DETECT_CHECKS"); more != "" {
		cases = more
	}
	if err := flag.Set("rapid.checks", cases); err != nil {
		t.Fatal(err)
	}
	lines, domains := tenant(t, 3, 2500)
	set := loadRules(t, domains)
	want := replayed(t, set, lines)
	if len(want) < 10 {
		t.Fatalf("only %d alerts", len(want))
	}
	rapid.Check(t, func(rt *rapid.T) {
		var parts [2][][]byte
		share := rapid.IntRange(0, 4).Draw(rt, "share")
		for i, line := range lines {
			parts[index(i%5 < share)] = append(parts[index(i%5 < share)], line)
		}
		size := rapid.SampledFrom([]int{1, 7, 100, 1000}).Draw(rt, "batch")
		sizes := func() int { return size }
		out := newOutbox()
		st, err := store.Open(context.Background(), store.Options{Path: filepath.Join(t.TempDir(), "detect.db")})
		if err != nil {
			rt.Fatal(err)
		}
		defer func() { st.Close() }()
		for life := 0; ; life++ {
			feeds := []Source{replaying("a", parts[0], sizes, false).source(""), replaying("b", parts[1], sizes, false).source("")}
			d := &Daemon{Setup: setup(set, feeds...).with(t, out), Store: st, Log: new(logs).logger(), Workers: rapid.IntRange(1, 4).Draw(rt, "workers")}
			ctx, stop := context.WithCancel(context.Background())
			if life < 4 && rapid.Bool().Draw(rt, "dies") {
				left, orderly := rapid.Int64Range(0, 12).Draw(rt, "commits"), rapid.Bool().Draw(rt, "orderly")
				m := &mortal{after: rapid.Bool().Draw(rt, "after")}
				m.left.Store(left)
				d.wrap = func(s engine.Store) engine.Store {
					m.Store = s
					if orderly {
						return &stopping{Store: s, left: left, stop: stop}
					}
					return m
				}
				err = d.Run(ctx)
				stop()
				if err != nil && !errors.Is(err, errKilled) {
					rt.Fatal(err)
				}
				continue
			}
			err = d.Run(ctx)
			stop()
			if err != nil {
				rt.Fatal(err)
			}
			break
		}
		got := standing(t, st)
		if err := enginetest.Compare(want, got); err != nil {
			rt.Fatal(err)
		}
		n := totals(t, st)
		if n.Read != int64(len(lines)) || n.Accepted+n.Duplicate+n.Rejected != n.Read {
			rt.Fatalf("%+v of %d records", n, len(lines))
		}
		for _, a := range got {
			if out.told[a.ID] != a.Revision {
				rt.Fatalf("the channel was told revision %d of %d of %s", out.told[a.ID], a.Revision, a.Title)
			}
		}
	})
}

func index(b bool) int {
	if b {
		return 1
	}
	return 0
}

// stopping asks the daemon to end after some commits.
type stopping struct {
	engine.Store
	left int64
	stop func()
}

func (s *stopping) Commit(ctx context.Context, c *engine.Commit) error {
	if s.left--; s.left < 0 {
		s.stop()
	}
	return s.Store.Commit(ctx, c)
}
