package daemon

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"detect/engine"
	"detect/internal/source"
	"detect/rules"
)

// reloading has a daemon reload while lines stream in, each second another setup; next is given how many there were.
func reloading(t *testing.T, lines [][]byte, first *Setup, out *outbox, next func(n int) (*Setup, error)) (*Daemon, *logs) {
	t.Helper()
	hup, log := make(chan os.Signal, 1), &logs{}
	var n atomic.Int64
	d := &Daemon{Setup: first.with(t, out), Store: openStore(t), Log: log.logger(), Reload: hup,
		Load: func(context.Context) (*Setup, error) {
			s, err := next(int(n.Add(1)))
			if s != nil {
				s.with(t, out)
			}
			return s, err
		}}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := d.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	for range 20 {
		time.Sleep(time.Second)
		hup <- os.Interrupt
	}
	time.Sleep(time.Duration(len(lines)) * time.Millisecond)
	cancel()
	<-ended
	return d, log
}

// slowly delivers lines, some each ten milliseconds, from where it was committed, until it is ended.
func slowly(name string, lines [][]byte, opened *atomic.Int64) feed {
	return feed{name, func(ctx context.Context, from int, emit func(*source.Batch) error) error {
		opened.Add(1)
		for from < len(lines) {
			to := min(len(lines), from+3)
			if err := emit(batchOf(name, lines[from:to], to, to < len(lines))); err != nil {
				return err
			}
			from = to
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(10 * time.Millisecond):
			}
		}
		<-ctx.Done()
		return ctx.Err()
	}}
}

// TestReload: however often rules are loaded anew, with faults or without, and sources opened anew, no record is lost or
// read twice, and the alerts are those of a run without.
func TestReload(t *testing.T) {
	lines, domains := tenant(t, 7, 5000)
	set := loadRules(t, domains)
	want := replayed(t, set, lines)
	sets := []*rules.Set{loadRules(t, domains), loadRules(t, domains)}
	now := time.Now()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(now))
		var opened atomic.Int64
		src := slowly("a", lines, &opened)
		out, closed := newOutbox(), atomic.Int64{}
		out.slow = 100 * time.Millisecond
		count := func(s *Setup) *Setup {
			s.Close = func() { closed.Add(1) }
			return s
		}
		d, log := reloading(t, lines, count(setup(set, src.source("1"))), out, func(n int) (*Setup, error) {
			switch {
			case n%5 == 0:
				return nil, Faults{"rules/a.yaml:3:7: no such field\n  3 | match: x", "rules/b.yaml:1:1: no id"}
			case n%5 == 1:
				return nil, errors.New("the file is gone")
			case n%5 == 2: // read anew
				return count(setup(sets[n%2], src.source(strings.Repeat("x", n)))), nil
			}
			return count(setup(sets[n%2], Source{Name: "a", Key: keyOf(n), Open: src.source("").Open})), nil
		})
		if n := totals(t, d.Store); n.Read != int64(len(lines)) || n.Duplicate > 0 {
			t.Errorf("%+v of %d records", n, len(lines))
		}
		same(t, want, standing(t, d.Store))
		for _, a := range standing(t, d.Store) {
			if out.told[a.ID] != a.Revision {
				t.Errorf("told revision %d of %d of %s", out.told[a.ID], a.Revision, a.Title)
			}
		}
		if out.several {
			t.Error("two messages were under way to one channel at once")
		}
		if opened.Load() < 4 {
			t.Errorf("the source was opened %d times", opened.Load())
		}
		if closed.Load() != 13 { // the first, and those of 12 reloads
			t.Errorf("%d setups were closed", closed.Load())
		}
		text := log.String()
		for want, times := range map[string]int{"rules/a.yaml:3:7: no such field": 4, "the file is gone": 4, "loaded anew\" rules": 12} {
			if n := strings.Count(text, "fault="+`"`+want) + strings.Count(text, "msg=\"rules and configuration were "+want); n != times {
				t.Errorf("the log says %d times, not %d: %s", n, times, want)
			}
		}
		if n := strings.Count(out.said(), "because of what was written now: the file is gone"); n == 0 {
			t.Errorf("nobody was told of the fault: %s", out.said())
		}
	})
}

// TestReloadTakesEffect: what comes in after a reload meets the new rules, and what came before met the old ones.
func TestReloadTakesEffect(t *testing.T) {
	lines, domains := tenant(t, 7, 3000)
	half := len(lines) / 2
	all := loadRules(t, domains)
	few, more := []string{}, []string{}
	for i, r := range all.Rules {
		if i%3 == 1 {
			few = append(few, r.ID)
		} else {
			more = append(more, r.ID)
		}
	}
	want := append(replayed(t, loadRules(t, domains, few...), lines), replayed(t, loadRules(t, domains, more...), lines[half:])...)
	slices.SortFunc(want, engine.CompareAlerts)
	now := time.Now()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(now))
		f := feed{"a", func(ctx context.Context, from int, emit func(*source.Batch) error) error {
			for at := 0; at < len(lines); at += 50 {
				if at == half/50*50 {
					_ = emit(batchOf("a", lines[at:half], half, true))
					time.Sleep(time.Minute)
					_ = emit(batchOf("a", lines[half:at+50], at+50, true))
					continue
				}
				to := min(at+50, len(lines))
				_ = emit(batchOf("a", lines[at:to], to, to < len(lines)))
			}
			<-ctx.Done()
			return nil
		}}
		hup := make(chan os.Signal, 1)
		d := &Daemon{Setup: setup(loadRules(t, domains, few...), f.source("")), Store: openStore(t), Log: new(logs).logger(), Reload: hup,
			Load: func(context.Context) (*Setup, error) { return setup(all, f.source("")), nil }}
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		time.AfterFunc(30*time.Second, func() { hup <- os.Interrupt })
		if err := d.Run(ctx); err != nil {
			t.Fatal(err)
		}
		same(t, want, standing(t, d.Store))
	})
}

// keyOf is the key of the source that was opened last.
func keyOf(n int) string { return strings.Repeat("x", n-n%5+2-5*index(n%5 < 2)) }

// TestFixed: what needs a restart is refused with a word.
func TestFixed(t *testing.T) {
	set := loadRules(t, nil)
	synctest.Test(t, func(t *testing.T) {
		src := slowly("a", nil, new(atomic.Int64))
		first := setup(set, src.source(""))
		first.Fixed = map[string]string{"store.path": "/a.db"}
		out := newOutbox()
		reloading(t, nil, first, out, func(int) (*Setup, error) {
			s := setup(set, src.source(""))
			s.Fixed = map[string]string{"store.path": "/b.db"}
			return s, nil
		})
		if said := out.said(); !strings.Contains(said, `store.path was "/a.db" and is "/b.db" now: that needs a restart`) {
			t.Errorf("said: %s", said)
		}
	})
}

// TestSourcesComeAndGo: a source that is configured no more is read no more, and one that comes is read; when one that had
// come to its end is all that is left, the daemon ends.
func TestSourcesComeAndGo(t *testing.T) {
	lines, domains := tenant(t, 7, 1000)
	set := loadRules(t, domains)
	now := time.Now()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(now))
		a, b := slowly("a", lines[:500], new(atomic.Int64)), slowly("b", lines[500:], new(atomic.Int64))
		d, _ := reloading(t, lines, setup(set, a.source("")), newOutbox(), func(n int) (*Setup, error) {
			switch n % 3 {
			case 0:
				return setup(set, a.source("")), nil
			case 1:
				return setup(set, b.source("")), nil
			}
			return setup(set, b.source(""), a.source("")), nil
		})
		if n := totals(t, d.Store); n.Read != int64(len(lines)) || n.Duplicate > 0 {
			t.Errorf("%+v of %d records", n, len(lines))
		}
		clocks, _, err := d.Store.Clocks(context.Background())
		if err != nil || len(clocks.Watermarks) != 2 {
			t.Errorf("watermarks %v, %v", clocks.Watermarks, err)
		}
	})
}

// TestWatcher: a change is told once, when it is over.
func TestWatcher(t *testing.T) {
	dir := t.TempDir()
	file, folder := filepath.Join(dir, "detect.yaml"), filepath.Join(dir, "rules")
	write := func(path, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(file, "a")
	write(filepath.Join(folder, "a.yaml"), "a")
	synctest.Test(t, func(t *testing.T) {
		w := newWatcher(2 * time.Second)
		w.files([]string{file, folder, filepath.Join(dir, "missing.txt")})
		ctx, cancel := context.WithCancel(context.Background())
		go w.run(ctx, nil)
		changed := func(want bool) {
			t.Helper()
			time.Sleep(5 * time.Second)
			synctest.Wait()
			select {
			case <-w.changed:
				if !want {
					t.Error("a change was told that is none")
				}
			default:
				if want {
					t.Error("a change was not told")
				}
			}
		}
		changed(false)
		write(file, "ab")
		changed(true)
		changed(false)
		write(filepath.Join(folder, "sub", "b.yml"), "b")
		changed(true)
		write(filepath.Join(folder, "notes.txt"), "b")
		changed(false)
		write(filepath.Join(dir, "missing.txt"), "")
		changed(true)
		if err := os.Remove(filepath.Join(folder, "a.yaml")); err != nil {
			t.Fatal(err)
		}
		changed(true)
		for i := range 40 { // somebody is at it
			write(file, strings.Repeat("x", i+3))
			time.Sleep(200 * time.Millisecond)
		}
		select {
		case <-w.changed:
			t.Error("told while it is being written")
		default:
		}
		changed(true)
		changed(false)
		cancel()
		synctest.Wait()
	})
}
