package sorting

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"detect/engine"
	"detect/rules/hit"
)

// check tries a property with n random cases, or as many as DETECT_CHECKS says.
func check(t *testing.T, n int, property func(*rapid.T)) {
	t.Helper()
	if more := os.Getenv("DETECT_CHECKS"); more != "" {
		if _, err := fmt.Sscan(more, &n); err != nil {
			t.Fatal(err)
		}
	}
	if err := flag.Set("rapid.checks", strconv.Itoa(n)); err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, property)
}

// drain reads all of a finished sorter, size items at a time.
func drain(s *Sorter, size int) (items []engine.Item, err error) {
	buf := make([]engine.Item, size)
	for {
		n, err := s.Next(buf)
		items = append(items, buf[:n]...)
		if errors.Is(err, io.EOF) {
			return items, nil
		}
		if err != nil {
			return items, err
		}
	}
}

// naive is what a Sorter shall yield: sorted by (time, identity), copies resolved.
func naive(items []engine.Item) (out []engine.Item, st Stats) {
	st = Stats{Items: int64(len(items)), Oldest: math.MaxInt64, Newest: math.MinInt64, NewestPast: math.MinInt64}
	items = slices.Clone(items)
	slices.SortStableFunc(items, func(a, b engine.Item) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), a.ID.Compare(b.ID), cmp.Compare(a.Content, b.Content))
	})
	var contents map[uint64]bool
	for _, it := range items {
		st.Oldest, st.Newest = min(st.Oldest, it.Time), max(st.Newest, it.Time)
		if !it.Future {
			st.NewestPast = max(st.NewestPast, it.Time)
		}
		if n := len(out); n > 0 && out[n-1].Time == it.Time && out[n-1].ID == it.ID {
			st.Duplicate++
			if !contents[it.Content] {
				contents[it.Content] = true
				st.Differing++
				out[n-1].Hits = append(slices.Clip(out[n-1].Hits), it.Hits...)
			}
			continue
		}
		contents = map[uint64]bool{it.Content: true}
		out = append(out, it)
	}
	return out, st
}

// randomItem is an item from a small world, so that copies and variants are common. What it hits is a function of its
// time, identity and content.
func randomItem(t *rapid.T, future int64) engine.Item {
	it := engine.Item{
		Time:    int64(rapid.IntRange(-20, 20).Draw(t, "time")) * 1_000_000,
		Content: uint64(rapid.IntRange(0, 3).Draw(t, "content")) * 0x4000_0000_0000_0000,
	}
	it.ID[0] = byte(rapid.IntRange(0, 3).Draw(t, "id"))
	it.ID[15] = byte(rapid.IntRange(0, 1).Draw(t, "id end"))
	it.Future = it.Time > future
	it.Hits = hitsFor(&it)
	return it
}

// hitsFor is none for most items, and up to three.
func hitsFor(it *engine.Item) []*hit.Hit {
	seed := uint64(it.Time/1_000_000+100)*31 + uint64(it.ID[0])*7 + uint64(it.ID[15]) + it.Content>>60
	var hits []*hit.Hit
	for i := range max(int(seed%7)-3, 0) {
		hits = append(hits, &hit.Hit{
			Rule: i, Key: hit.EncodeKey("user", strconv.Itoa(int(seed%5))), Time: it.Time, ID: it.ID,
			RecordID: fmt.Sprint("r", seed), Rank: hit.Rank{Whole: seed%2 == 0, Size: int64(seed), Digest: it.Content},
			Hidden: seed%3 == 0, Severity: hit.Severity(seed % 5),
			Values: []hit.Value{hit.OfText(fmt.Sprint("v", it.Content)), hit.OfInt(int64(seed)), {}},
		})
	}
	return hits
}

// fill adds items to s through the given number of goroutines, and finishes.
func fill(s *Sorter, items []engine.Item, workers int) error {
	errs := make([]error, workers)
	var wg sync.WaitGroup
	for w := range workers {
		b := s.NewBuffer()
		wg.Go(func() {
			for i := w; i < len(items) && errs[w] == nil; i += workers {
				errs[w] = b.Add(&items[i])
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return s.Finish(context.Background())
}

func TestSorterYieldsWhatSortingAndDroppingCopiesYields(t *testing.T) {
	dir := t.TempDir()
	check(t, 100, func(t *rapid.T) {
		future := int64(rapid.IntRange(-30, 30).Draw(t, "now")) * 1_000_000
		// Many more items than are drawn one by one: a block is large.
		some := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) engine.Item { return randomItem(t, future) }), 0, 60).Draw(t, "items")
		items := slices.Repeat(some, rapid.SampledFrom([]int{1, 1, 200, 900}).Draw(t, "repeat"))
		for i := range items { // most of the repeated ones become records of their own
			if i >= len(some) && i%5 != 0 {
				items[i].ID[8], items[i].ID[9], items[i].ID[10] = byte(i), byte(i>>8), byte(i>>16)
				items[i].Hits = hitsFor(&items[i])
			}
		}
		s := &Sorter{
			Dir:    dir,
			Memory: int64(rapid.SampledFrom([]int{1, 1, 500_000, 0}).Draw(t, "memory")),
			FanIn:  rapid.SampledFrom([]int{2, 3, 0}).Draw(t, "fan-in"),
			Stream: "s", Arrived: 42,
		}
		defer s.Close()
		if err := fill(s, items, rapid.IntRange(1, 3).Draw(t, "workers")); err != nil {
			t.Fatal(err)
		}
		want, wantStats := naive(items)
		for i := range want {
			want[i].Stream, want[i].Arrived = "s", 42
		}
		before := s.Stats()
		got, err := drain(s, rapid.SampledFrom([]int{1, 7, 1000}).Draw(t, "batch"))
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(want, got) { // much faster than the difference
			t.Fatalf("items (-want +got):\n%s", gocmp.Diff(want, got))
		}
		st := s.Stats()
		st.Runs, st.Spilled = 0, 0
		if st != wantStats {
			t.Fatalf("stats %+v, want %+v", st, wantStats)
		}
		if before.Items != st.Items || before.Oldest != st.Oldest || before.Newest != st.Newest || before.NewestPast != st.NewestPast {
			t.Fatalf("before merging %+v, after it %+v", before, st)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	})
	assertEmpty(t, dir)
}

func assertEmpty(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Fatalf("left behind: %v, %v", left, err)
	}
}

// make100k is more items than some small memories hold: 100,000 of them, in no order, half of them with a hit.
func make100k() []engine.Item {
	items := make([]engine.Item, 100_000)
	for i := range items {
		n := uint64(i) * 0x9E3779B97F4A7C15
		items[i] = engine.Item{Time: int64(n >> 40), ID: hit.ID{byte(n >> 8), byte(n >> 16), byte(n >> 24)}, Content: n}
		if i%2 == 0 {
			items[i].Hits = []*hit.Hit{{Rule: 1, Key: "k", Time: items[i].Time, ID: items[i].ID, RecordID: "r"}}
		}
	}
	return items
}

func TestSorterLeavesTheDiskAloneWhileItemsFit(t *testing.T) {
	s := &Sorter{Dir: "/nowhere/at/all"}
	defer s.Close()
	items := make100k()
	if err := fill(s, items, 2); err != nil {
		t.Fatal(err)
	}
	got, err := drain(s, 1000)
	if err != nil || len(got) != len(items) {
		t.Fatalf("%d items, %v", len(got), err)
	}
	if st := s.Stats(); st.Runs != 0 || st.Spilled != 0 {
		t.Fatalf("%+v", st)
	}
}

func TestSorterFilesArePrivateAndGoOnClose(t *testing.T) {
	dir := t.TempDir()
	s := &Sorter{Dir: dir, Memory: 1, FanIn: 4}
	if err := fill(s, make100k(), 2); err != nil {
		t.Fatal(err)
	}
	if len(s.runs) == 0 || len(s.runs) > 4 {
		t.Fatalf("%d runs open", len(s.runs))
	}
	for _, r := range s.runs {
		if info, err := r.file.Stat(); err != nil || info.Mode().Perm() != 0o600 {
			t.Fatalf("mode %v, %v", info.Mode(), err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Next(make([]engine.Item, 1)); !errors.Is(err, ErrState) {
		t.Fatalf("after Close: %v", err)
	}
	assertEmpty(t, dir)
}

func TestSorterTellsWhatTheDiskRefuses(t *testing.T) {
	items := make100k()
	s := &Sorter{Dir: "/nowhere/at/all", Memory: 1}
	defer s.Close()
	b := s.NewBuffer()
	var err error
	for i := 0; i < len(items) && err == nil; i++ {
		err = b.Add(&items[i])
	}
	if !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("Add: %v", err)
	}
	if again := s.Finish(t.Context()); !errors.Is(again, os.ErrNotExist) {
		t.Fatalf("Finish: %v", again)
	}
	full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	w := &runWriter{run: &run{file: full}, buf: make([]byte, frameHeader)}
	m, _ := newMerger([]source{{block: &block{entries: []entry{{time: 1}, {time: 2}}}}})
	if err := s.copy(t.Context(), w, m); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("full disk: %v", err)
	}
}

func TestSorterTellsDamagedRuns(t *testing.T) {
	items := make100k()
	for name, damage := range map[string]func(*os.File, int64) error{
		"a byte changed": func(f *os.File, size int64) error { _, err := f.WriteAt([]byte{0xA5, 0x5A}, size/2); return err },
		"cut":            func(f *os.File, size int64) error { return f.Truncate(size - 1) },
		"cut at a frame": func(f *os.File, _ int64) error { return f.Truncate(0) },
		"a wild length":  func(f *os.File, _ int64) error { _, err := f.WriteAt([]byte{255, 255, 255, 255}, 0); return err },
	} {
		s := &Sorter{Dir: t.TempDir(), Memory: 1, FanIn: 1000}
		b := s.NewBuffer()
		for i := range items {
			if err := b.Add(&items[i]); err != nil {
				t.Fatal(err)
			}
		}
		r := s.runs[3]
		if err := damage(r.file, r.size); err != nil {
			t.Fatal(err)
		}
		err := s.Finish(t.Context())
		if err == nil {
			_, err = drain(s, 100)
		}
		if !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestSorterRefusesWhatComesAfterTheEnd(t *testing.T) {
	s := &Sorter{}
	defer s.Close()
	b := s.NewBuffer()
	if _, err := s.Next(make([]engine.Item, 1)); !errors.Is(err, ErrState) {
		t.Errorf("Next before Finish: %v", err)
	}
	if err := b.Add(&engine.Item{Time: 1}); err != nil {
		t.Fatal(err)
	}
	if err := s.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, b := range []*Buffer{b, s.NewBuffer()} {
		if err := b.Add(&engine.Item{Time: 2}); !errors.Is(err, ErrState) {
			t.Errorf("Add after Finish: %v", err)
		}
	}
	if err := s.Finish(t.Context()); !errors.Is(err, ErrState) {
		t.Errorf("Finish again: %v", err)
	}
	if got, err := drain(s, 5); len(got) != 1 || err != nil {
		t.Errorf("%v, %v", got, err)
	}
}

func TestManyVariantsOfOneRecordAreThinnedToTheirBest(t *testing.T) {
	s := &Sorter{Dir: t.TempDir(), Memory: 1}
	defer s.Close()
	b := s.NewBuffer()
	const variants = 20_000
	for i := range variants {
		n := (i * 7919) % variants
		it := engine.Item{Time: 5, Content: uint64(n), Hits: []*hit.Hit{
			{Rule: n % 2, Key: strconv.Itoa(n % 3), Rank: hit.Rank{Size: int64(n), Digest: uint64(n)}},
		}}
		if err := b.Add(&it); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, err := drain(s, 5)
	if err != nil || len(got) != 1 {
		t.Fatalf("%d items, %v", len(got), err)
	}
	if n := len(got[0].Hits); n > 2*manyHits {
		t.Errorf("%d hits", n)
	}
	best := map[string]int64{}
	for _, h := range got[0].Hits {
		best[fmt.Sprint(h.Rule, h.Key)] = max(best[fmt.Sprint(h.Rule, h.Key)], h.Rank.Size)
	}
	for n := variants - 6; n < variants; n++ {
		if at := fmt.Sprint(n%2, strconv.Itoa(n%3)); best[at] != int64(n) {
			t.Errorf("best of %s is %d, want %d", at, best[at], n)
		}
	}
	if st := s.Stats(); st.Duplicate != variants-1 || st.Differing != variants-1 {
		t.Errorf("%+v", st)
	}
}

// FuzzRun reads anything as a run whose frames are well formed.
func FuzzRun(f *testing.F) {
	var b block
	b.add(&engine.Item{Time: -5, Hits: []*hit.Hit{{Rule: 3, Key: "k", Values: []hit.Value{hit.OfText("v")}}}})
	w := runWriter{buf: make([]byte, frameHeader)}
	_ = w.add(&b.entries[0], b.hitsOf(&b.entries[0]))
	f.Add(w.buf[frameHeader:])
	f.Add([]byte{2, 0, 1, 2, 3})
	f.Fuzz(func(t *testing.T, payload []byte) {
		r := &runReader{run: &run{file: os.Stdin}, rest: payload}
		for len(r.rest) > 0 {
			var e entry
			hits, err := r.next(&e)
			if err != nil {
				return
			}
			if _, err := decodeHits(nil, hits); err != nil && !errors.Is(err, hit.ErrCorrupt) {
				t.Fatal(err)
			}
		}
	})
}

func TestHitsTooLargeAreRefused(t *testing.T) {
	defer func(n int64) { maxHits = n }(maxHits)
	maxHits = 500
	b := newBlock()
	small := engine.Item{Time: 1, Hits: []*hit.Hit{{Key: "a"}}}
	large := engine.Item{Time: 2, Hits: []*hit.Hit{{Key: strings.Repeat("k", 600)}}}
	for _, it := range []engine.Item{small, large, small} {
		if _, err := b.add(&it); errors.Is(err, errHits) != (it.Time == 2) {
			t.Fatalf("item %d: %v", it.Time, err)
		}
	}
	if len(b.entries) != 2 || len(b.hitsOf(&b.entries[1])) != len(b.hitsOf(&b.entries[0])) {
		t.Errorf("%d entries", len(b.entries))
	}
}
