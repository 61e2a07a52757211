package sorting

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"strconv"
	"testing"

	"detect/engine"
	"detect/rules/hit"
)

// benchItem makes the i-th of many items, shuffled or nearly sorted, one in 20 with a hit.
func benchItem(it *engine.Item, i int, shuffled bool, hits []*hit.Hit) {
	n := uint64(i) * 0x9E3779B97F4A7C15
	*it = engine.Item{Time: 1_700_000_000_000_000 + int64(i)*1_000_000 + int64(n>>58), Content: n}
	if shuffled {
		it.Time = 1_700_000_000_000_000 + int64(n>>34)*1000
	}
	binary.BigEndian.PutUint64(it.ID[:], n*0xD6E8FEB86659FD93)
	if i%20 == 0 {
		hits[0].Time, hits[0].ID = it.Time, it.ID
		it.Hits = hits
	}
}

// sortMany sorts n items through two buffers and reads them in batches.
func sortMany(b testing.TB, s *Sorter, n int, shuffled bool) {
	hits := []*hit.Hit{{Rule: 3, Key: hit.EncodeKey("user@contoso.example"), RecordID: "8b1a9953-c461-4f5f-9d7a-0d1b5a0a1c11",
		Values: []hit.Value{hit.OfText("203.0.113.7"), hit.OfText("a file of some name.docx")}}}
	var it engine.Item
	w := s.NewBuffer()
	for i := range n {
		benchItem(&it, i, shuffled, hits)
		if err := w.Add(&it); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Finish(b.Context()); err != nil {
		b.Fatal(err)
	}
	got, err := 0, error(nil)
	for buf := make([]engine.Item, 4096); err == nil; {
		var k int
		k, err = s.Next(buf)
		got += k
	}
	if got != n {
		b.Fatalf("%d of %d items: %v", got, n, err)
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkSorter(b *testing.B) {
	for _, c := range []struct {
		name     string
		memory   int64
		shuffled bool
	}{{"memory", 1 << 30, true}, {"memory-nearly-sorted", 1 << 30, false}, {"disk", 4 << 20, true}, {"disk-nearly-sorted", 4 << 20, false}} {
		b.Run(c.name, func(b *testing.B) {
			const n = 500_000
			b.ReportAllocs()
			for b.Loop() {
				sortMany(b, &Sorter{Dir: b.TempDir(), Memory: c.memory}, n, c.shuffled)
			}
			b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds(), "items/s")
		})
	}
}

// Filling is what a worker pays for a record that no rule wants.
func BenchmarkAdd(b *testing.B) {
	s := &Sorter{Dir: b.TempDir()}
	defer s.Close()
	w := s.NewBuffer()
	var it engine.Item
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		benchItem(&it, 20*i+1, true, nil)
		if err := w.Add(&it); err != nil {
			b.Fatal(err)
		}
	}
}

// TestMemoryStaysWhenItemsMultiply runs as a benchmark of memory: DETECT_MEMORY names how many million items to sort, and
// the peak of resident memory is printed.
func TestMemoryStaysWhenItemsMultiply(t *testing.T) {
	millions, err := strconv.Atoi(os.Getenv("DETECT_MEMORY"))
	if err != nil {
		t.Skip("DETECT_MEMORY is not set")
	}
	sortMany(t, &Sorter{Dir: t.TempDir()}, millions*1_000_000, true)
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip(err)
	}
	for line := range bytes.Lines(status) {
		if bytes.HasPrefix(line, []byte("VmHWM")) {
			fmt.Printf("%d million items: %s", millions, line)
		}
	}
}
