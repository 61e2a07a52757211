package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"detect/engine"
	"detect/engine/match"
	"detect/engine/sorting"
	"detect/internal/record"
	"detect/internal/source"
	"detect/internal/store"
	"detect/rules"
	"detect/rules/hit"
)

// keptRejects is how many rejected records are kept with place and reason; all are counted.
const keptRejects = 10_000

// replayBatch is how many records are processed and committed at once.
const replayBatch = 20_000

// replay runs historical records through the rules: read and match on all cores, sort, then the same engine that runs live,
// with lateness 0.
type replay struct {
	set      *rules.Set
	files    *source.Files
	lateness int64     // as configured, microseconds: it decides the length of cells, and with it what is kept under a flood
	hold     int64     // microseconds
	until    int64     // records after it are not read and it is the absence clock; microseconds, math.MaxInt64: none
	now      time.Time // the wall clock at the start: what is dated after it is from the future
	tmp      string    // folder for what does not fit in memory

	read atomic.Int64 // records read so far, for progress

	mu       sync.Mutex
	rejects  []source.Reject
	rejected int64
	warnings []source.Warning
	stats    []match.RuleStats
}

// outcome is what a replay found.
type outcome struct {
	counts   engine.Counts
	sorted   sorting.Stats
	alerts   []*engine.Alert // standing, or all of them if asked for
	pending  []engine.Pending
	rejects  []source.Reject
	warnings []source.Warning
	rules    []match.RuleStats
	engine   []engine.RuleStats
}

// run replays everything. all says that merged and withdrawn alerts are wanted too.
func (r *replay) run(ctx context.Context, all bool) (*outcome, error) {
	dir, err := os.MkdirTemp(r.tmp, "detect-test-")
	if err != nil {
		return nil, ioError(fmt.Errorf("make a folder for temporary files: %w", err))
	}
	defer os.RemoveAll(dir)
	sorter := &sorting.Sorter{Dir: dir, Stream: "replay", Arrived: r.now.UnixMicro()}
	defer sorter.Close()
	if err := r.match(ctx, sorter); err != nil {
		return nil, err
	}
	if err := sorter.Finish(ctx); err != nil {
		return nil, ioError(err)
	}
	st, err := store.Open(ctx, store.Options{Path: filepath.Join(dir, "replay.db"), Ephemeral: true})
	if err != nil {
		return nil, ioError(err)
	}
	defer st.Close()
	return r.process(ctx, sorter, st, all)
}

// match reads, decodes and matches on all cores, and gives the hits to the sorter.
func (r *replay) match(ctx context.Context, sorter *sorting.Sorter) error {
	matcher := match.New(r.set.World, r.set.Rules)
	matcher.Measure(func() int64 { return int64(time.Since(r.now)) })
	r.stats = make([]match.RuleStats, len(r.set.Rules))
	workers := runtime.GOMAXPROCS(0)
	batches := make(chan *source.Batch, workers)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(batches)
		return r.files.Run(ctx, func(b *source.Batch) error {
			select {
			case batches <- b:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	})
	for range workers {
		w := &replayWorker{replay: r, match: matcher.NewWorker(), sorted: sorter.NewBuffer()}
		group.Go(func() error {
			defer w.finish()
			for b := range batches {
				err := w.batch(b)
				b.Release()
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// replayWorker decodes and matches on one core.
type replayWorker struct {
	*replay
	match   *match.Worker
	sorted  *sorting.Buffer
	decoder source.Decoder
	item    engine.Item
	hits    []*hit.Hit
}

func (w *replayWorker) batch(b *source.Batch) error {
	for _, reject := range b.Rejects {
		w.reject(reject)
	}
	if len(b.Warnings) > 0 {
		w.mu.Lock()
		w.warnings = append(w.warnings, b.Warnings...)
		w.mu.Unlock()
	}
	for i := range b.Records {
		if err := w.decoder.Decode(b.Records[i], w.record, w.reject); err != nil {
			return err
		}
	}
	w.read.Add(int64(len(b.Records)))
	return nil
}

// record takes one decoded record.
func (w *replayWorker) record(rec *record.Record, _ source.Origin) error {
	t, _ := rec.Time()
	if t > w.until {
		return nil
	}
	w.hits = w.match.Match(rec, w.hits[:0])
	w.item = engine.Item{
		Time: t, ID: hit.ID(rec.Identity()), Content: rec.Content(), Future: t > w.now.UnixMicro(), Hits: w.hits,
	}
	if err := w.sorted.Add(&w.item); err != nil {
		return ioError(err)
	}
	return nil
}

func (r *replay) reject(reject source.Reject) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rejected++
	if len(r.rejects) < keptRejects {
		r.rejects = append(r.rejects, reject)
	}
}

func (w *replayWorker) finish() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, s := range w.match.Stats() {
		w.stats[i].Add(s)
	}
}

// process runs the sorted records through the engine.
func (r *replay) process(ctx context.Context, sorter *sorting.Sorter, st *store.Store, all bool) (*outcome, error) {
	absence := r.until
	if absence == math.MaxInt64 {
		absence = sorter.Stats().NewestPast
	}
	eng, err := engine.New(ctx, r.set.Rules, st, engine.Config{
		CellLateness: r.lateness, Hold: r.hold, Distinct: true, Deferred: true,
	})
	if err != nil {
		return nil, err
	}
	out := &outcome{}
	add := func(done *engine.Outcome, err error) error {
		if err != nil {
			return ioError(fmt.Errorf("process records: %w", err))
		}
		out.counts.Accepted += done.Counts.Accepted
		out.counts.Late += done.Counts.Late
		return nil
	}
	items := make([]engine.Item, replayBatch)
	for {
		n, err := sorter.Next(items)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, ioError(err)
		}
		if err := add(eng.Process(ctx, &engine.Batch{Items: items[:n], Absence: absence})); err != nil {
			return nil, err
		}
	}
	done, pending, err := eng.Finish(ctx)
	if err := add(done, err); err != nil {
		return nil, err
	}
	out.pending = pending
	out.sorted = sorter.Stats()
	out.counts.Duplicate, out.counts.Differing, out.counts.Rejected = out.sorted.Duplicate, out.sorted.Differing, r.rejected
	out.counts.Read = out.counts.Accepted + out.counts.Duplicate + out.counts.Rejected
	if out.alerts, err = st.List(ctx, store.Query{All: all}); err != nil {
		return nil, ioError(err)
	}
	out.rejects, out.warnings, out.rules, out.engine = r.rejects, r.warnings, r.stats, eng.Stats()
	slices.SortStableFunc(out.rejects, func(a, b source.Reject) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.Line, b.Line))
	})
	return out, nil
}
