package daemon

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"detect/engine"
	"detect/internal/source"
	"detect/internal/store"
	"detect/notify"
)

// watched is a store that notes what is committed, and fails when it is told to.
type watched struct {
	engine.Store
	mu      sync.Mutex
	commits []commitNote
	fail    func(n int) error // of the nth attempt
	tries   int
}

type commitNote struct {
	at    time.Time
	read  int64
	clock int64 // the absence clock; 0: unchanged
}

func (w *watched) Commit(ctx context.Context, c *engine.Commit) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tries++
	if w.fail != nil {
		if err := w.fail(w.tries); err != nil {
			return err
		}
	}
	note := commitNote{at: time.Now(), read: c.Counts.Read}
	if c.Clocks != nil {
		note.clock = c.Clocks.Absence
	}
	if err := w.Store.Commit(ctx, c); err != nil {
		return err
	}
	w.commits = append(w.commits, note)
	return nil
}

// reads is the records of each commit that has any.
func (w *watched) reads() (list []int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.commits {
		if c.read > 0 {
			list = append(list, c.read)
		}
	}
	return list
}

// plainRecord is a record that no rule matches, at a time of the wall clock.
func plainRecord(id int, at time.Time) []byte {
	return fmt.Appendf(nil, `{"Id":"00000000-0000-0000-0000-%012d","CreationTime":%q,"Operation":"PageViewed","RecordType":4,"UserId":"ann@contoso.example","UserType":0,"Workload":"SharePoint"}`,
		id, at.UTC().Format("2006-01-02T15:04:05"))
}

// TestCommitWhenIdle: what comes alone is committed at once.
func TestCommitWhenIdle(t *testing.T) {
	set := loadRules(t, nil)
	synctest.Test(t, func(t *testing.T) {
		st := openStore(t)
		w := &watched{}
		emitted := []time.Time{}
		f := feed{"a", func(ctx context.Context, _ int, emit func(*source.Batch) error) error {
			for i := range 5 {
				time.Sleep(time.Second)
				emitted = append(emitted, time.Now())
				if err := emit(batchOf("a", [][]byte{plainRecord(i, time.Now())}, i+1, false)); err != nil {
					return err
				}
			}
			return nil
		}}
		d := &Daemon{Setup: setup(set, f.source("")), Store: st, Log: new(logs).logger(), wrap: func(s engine.Store) engine.Store { w.Store = s; return w }}
		if err := d.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		i := 0
		for _, c := range w.commits {
			if c.read == 0 {
				continue
			}
			if c.read != 1 || !c.at.Equal(emitted[i]) {
				t.Errorf("commit %d: %d records at %s, read at %s", i, c.read, c.at, emitted[i])
			}
			i++
		}
		if i != 5 {
			t.Errorf("%d commits", i)
		}
	})
}

// TestCommitInTime: what is matched while more waits is committed 20 ms after the first of it.
func TestCommitInTime(t *testing.T) {
	set := loadRules(t, nil)
	synctest.Test(t, func(t *testing.T) {
		w := &watched{Store: openStore(t)}
		st1 := newStream(Source{Name: "a"})
		gen := newGeneration(setup(set), []*stream{st1})
		d := &Daemon{Log: new(logs).logger(), metrics: newMetrics("", "")}
		p := newPipeline(gen, 2)
		s := &sequencer{p: p, store: w, log: d.Log, say: func(notify.Notice) {}, wake: func() {}, metrics: d.metrics, state: newState(), told: newQuota(d.Log), gen: gen, retired: ruleCounts{}}
		start := time.Now()
		for i := range 8 { // each is matched 6 ms after the one before
			u := &unit{stream: st1, gen: gen, raw: batchOf("a", [][]byte{plainRecord(i, start)}, i+1, true), arrived: start.UnixMicro(), ready: make(chan struct{})}
			(&worker{p: p}).do(u)
			time.AfterFunc(time.Duration(i)*6*time.Millisecond, func() { close(u.ready) })
			p.slots <- struct{}{}
			p.order <- u
		}
		p.close()
		if err := s.run(context.Background()); err != nil {
			t.Fatal(err)
		}
		if got := w.reads(); !slices.Equal(got, []int64{5, 3}) { // at 24 ms, since the one that is waited for belongs to it, and at 42 ms
			t.Errorf("commits of %v records", got)
		}
	})
}

// TestAbsenceClock: T stays behind the wall clock by what is configured, stands still while a stream is behind, and moves
// on without records.
func TestAbsenceClock(t *testing.T) {
	set := loadRules(t, nil)
	synctest.Test(t, func(t *testing.T) {
		st, w := openStore(t), &watched{}
		start := time.Now()
		old := start.Add(-48 * time.Hour)
		f := feed{"a", func(ctx context.Context, _ int, emit func(*source.Batch) error) error {
			_ = emit(batchOf("a", [][]byte{plainRecord(1, old)}, 1, true))
			time.Sleep(10 * time.Minute)
			_ = emit(batchOf("a", [][]byte{plainRecord(2, old.Add(time.Hour))}, 2, true))
			time.Sleep(10 * time.Minute)
			_ = emit(batchOf("a", nil, 2, false))
			time.Sleep(10 * time.Minute)
			return nil
		}}
		d := &Daemon{Setup: setup(set, f.source("")), Store: st, Log: new(logs).logger(), wrap: func(s engine.Store) engine.Store { w.Store = s; return w }}
		if err := d.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		var last int64
		for _, c := range w.commits {
			if c.clock == 0 || c.clock < 0 {
				continue
			}
			last = c.clock
			after := c.at.Sub(start)
			limit := c.at.Add(-2 * time.Hour)
			if after < 20*time.Minute {
				limit = old.Add(time.Hour).Add(-2 * time.Hour)
			}
			if clock := time.UnixMicro(c.clock); clock.After(limit) {
				t.Errorf("after %s the absence clock says %s, later than %s", after, clock, limit)
			}
		}
		if end := start.Add(28*time.Minute - 2*time.Hour).UnixMicro(); last < end {
			t.Errorf("it came to %s only", time.UnixMicro(last))
		}
		if n := len(w.commits); n > 40 {
			t.Errorf("%d commits in half an hour without records", n)
		}
	})
}

// TestAbsenceAfterSleep: when the program stood still, readers look for what arrived meanwhile before the clock moves on.
func TestAbsenceAfterSleep(t *testing.T) {
	set := loadRules(t, nil)
	synctest.Test(t, func(t *testing.T) {
		var woke time.Time
		w := &watched{fail: func(n int) error {
			if n == 3 {
				time.Sleep(5 * time.Hour)
				woke = time.Now()
			}
			return nil
		}}
		start := time.Now()
		f := feed{"a", func(ctx context.Context, _ int, emit func(*source.Batch) error) error {
			_ = emit(batchOf("a", [][]byte{plainRecord(1, start)}, 1, false))
			time.Sleep(10 * time.Hour)
			return nil
		}}
		d := &Daemon{Setup: setup(set, f.source("")), Store: openStore(t), Log: new(logs).logger(), wrap: func(s engine.Store) engine.Store { w.Store = s; return w }}
		if err := d.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		moved, slow := false, true
		for _, c := range w.commits {
			switch {
			case c.at.Before(woke):
			case slow: // the commit itself that took so long
				slow = false
			default:
				moved = true
				if after := c.at.Sub(woke); after < idleTick/2 {
					t.Errorf("the absence clock moved on to %s only %s after the program went on", time.UnixMicro(c.clock), after)
				}
			}
		}
		if !moved {
			t.Error("the absence clock did not move on")
		}
	})
}

// TestFullDisk: while nothing can be stored nothing is read and nothing is lost, and people are told once.
func TestFullDisk(t *testing.T) {
	lines, domains := tenant(t, 5, 3000)
	set := loadRules(t, domains)
	want := replayed(t, set, lines)
	now := time.Now()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(now)) // a bubble begins in the year 2000, before the records
		st, out, log := openStore(t), newOutbox(), &logs{}
		full := fmt.Errorf("commit batch to it: %w", store.ErrFull)
		var d *Daemon
		w := &watched{fail: func(n int) error {
			if n > 5 && n < 20 || n == 22 {
				if n == 10 {
					if err := d.ready(); err == nil || !strings.Contains(err.Error(), "no space left") {
						t.Errorf("ready: %v", err)
					}
					if err := d.state.healthy(); err != nil {
						t.Errorf("healthy: %v", err)
					}
				}
				return full
			}
			return nil
		}}
		f := replaying("a", lines, func() int { return 50 }, true)
		d = &Daemon{Setup: setup(set, f.source("")).with(t, out), Store: st, Log: log.logger(), wrap: func(s engine.Store) engine.Store { w.Store = s; return w }}
		ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
		defer cancel()
		if err := d.Run(ctx); err != nil {
			t.Fatal(err)
		}
		same(t, want, standing(t, st))
		if n := totals(t, st); n.Read != int64(len(lines)) || n.Duplicate > 0 {
			t.Errorf("%+v of %d records", n, len(lines))
		}
		said := out.said()
		if n := strings.Count(said, "some on its file system.\n"); n != 1 { // the second pause, within the hour, is summed up
			t.Errorf("said %d times that it pauses: %s", n, said)
		}
		if !strings.Contains(said, "Reading goes on") {
			t.Errorf("not said that it goes on: %s", said)
		}
	})
}

// TestEndWhileFull: one who wants it to end need not wait for space on the disk.
func TestEndWhileFull(t *testing.T) {
	lines, domains := tenant(t, 5, 1500)
	set := loadRules(t, domains)
	synctest.Test(t, func(t *testing.T) {
		w := &watched{fail: func(n int) error {
			if n > 2 {
				return store.ErrFull
			}
			return nil
		}}
		f := replaying("a", lines, func() int { return 10 }, true)
		d := &Daemon{Setup: setup(set, f.source("")), Store: openStore(t), Log: new(logs).logger(), wrap: func(s engine.Store) engine.Store { w.Store = s; return w }}
		ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
		defer cancel()
		if err := d.Run(ctx); !errors.Is(err, store.ErrFull) {
			t.Errorf("ended with %v", err)
		}
	})
}

// TestDamaged: what won't pass ends the daemon.
func TestDamaged(t *testing.T) {
	set := loadRules(t, nil)
	synctest.Test(t, func(t *testing.T) {
		w := &watched{fail: func(n int) error {
			if n > 1 {
				return &store.RowError{Table: "cells", Row: "1", Err: errors.New("cut")}
			}
			return nil
		}}
		f := replaying("a", [][]byte{plainRecord(1, time.Now())}, func() int { return 1 }, true)
		d := &Daemon{Setup: setup(set, f.source("")), Store: openStore(t), Log: new(logs).logger(), wrap: func(s engine.Store) engine.Store { w.Store = s; return w }}
		if err := d.Run(context.Background()); !errors.Is(err, store.ErrDamaged) {
			t.Errorf("ended with %v", err)
		}
	})
}
