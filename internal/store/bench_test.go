package store

import (
	"fmt"
	"path/filepath"
	"testing"

	"detect/engine"
	"detect/rules/hit"
)

// batch is n timelines with a cell each, of 50,000 in all.
func batch(n, round int) *engine.Commit {
	c := new(engine.Commit)
	head, cell := make([]byte, 60), make([]byte, 400)
	for i := range n {
		key := (round*n + i) * 7919 % 50_000
		c.Timelines = append(c.Timelines, engine.TimelineWrite{
			Timeline: engine.Timeline{Rule: fmt.Sprint("rule", key%10), Version: "1", Key: hit.EncodeKey(fmt.Sprintf("user%d@contoso.example", key))},
			Head:     head, Due: int64(round), DueAbsence: int64(round),
			Cells: []engine.Cell{{Start: int64(round / 10), Data: cell}},
		})
	}
	return c
}

func BenchmarkCommit(b *testing.B) {
	for _, ephemeral := range []bool{false, true} {
		for _, n := range []int{1000, 10_000} {
			b.Run(fmt.Sprintf("timelines=%d/ephemeral=%v", n, ephemeral), func(b *testing.B) {
				s, err := Open(b.Context(), Options{Path: filepath.Join(b.TempDir(), "detect.db"), Ephemeral: ephemeral})
				if err != nil {
					b.Fatal(err)
				}
				defer s.Close()
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					if err := s.Commit(b.Context(), batch(n, i)); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "timelines/s")
			})
		}
	}
}

func BenchmarkSeen(b *testing.B) {
	s, err := Open(b.Context(), Options{Path: filepath.Join(b.TempDir(), "detect.db")})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	const n = 1000
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		c := new(engine.Commit)
		for j := range n {
			c.Seen = append(c.Seen, engine.Seen{Time: int64(i*n + j), ID: hit.ID{byte(j * 31), byte(i)}, Variant: uint64(j), Arrived: int64(i)})
		}
		if _, err := s.Variants(b.Context(), c.Seen); err != nil {
			b.Fatal(err)
		}
		if err := s.Commit(b.Context(), c); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "records/s")
}

func BenchmarkLoad(b *testing.B) {
	s, err := Open(b.Context(), Options{Path: filepath.Join(b.TempDir(), "detect.db")})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	c := batch(10_000, 0)
	if err := s.Commit(b.Context(), c); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, ok, err := s.Load(b.Context(), c.Timelines[i%10_000].Timeline); err != nil || !ok {
			b.Fatal(ok, err)
		}
	}
}

func BenchmarkAlertsOfNothing(b *testing.B) {
	s, err := Open(b.Context(), Options{Path: filepath.Join(b.TempDir(), "detect.db")})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	c := batch(10_000, 0)
	if err := s.Commit(b.Context(), c); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := s.Alerts(b.Context(), c.Timelines[i%10_000].Timeline, 0, 1); err != nil {
			b.Fatal(err)
		}
	}
}
