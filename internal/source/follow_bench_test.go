package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

var errEnough = errors.New("enough")

// benchmarkBacklog reads a backlog of 256 MB in four files.
func benchmarkBacklog(b *testing.B, read func(dir string, emit func(*Batch) error) error) {
	dir := b.TempDir()
	text := benchText(benchRecords, "", "\n", "\n", plain)
	times := (64 << 20) / len(text)
	for i := range 4 {
		f, err := os.Create(filepath.Join(dir, fmt.Sprint(i)))
		if err != nil {
			b.Fatal(err)
		}
		_, _ = fmt.Fprintf(f, "%s\n", samples[i])
		for range times {
			_, _ = f.Write(text)
		}
		_ = f.Close()
	}
	want := 4 * (times*benchRecords + 1)
	b.SetBytes(4 * int64(times) * int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		err := read(dir, func(batch *Batch) error {
			n += len(batch.Records)
			batch.Release()
			if n == want {
				return errEnough
			}
			return nil
		})
		if !errors.Is(err, errEnough) || n != want {
			b.Fatal(n, err)
		}
	}
}

func BenchmarkBacklogFollow(b *testing.B) {
	benchmarkBacklog(b, func(dir string, emit func(*Batch) error) error {
		return (&Follow{Path: dir}).Run(context.Background(), emit)
	})
}

func BenchmarkBacklogFiles(b *testing.B) {
	benchmarkBacklog(b, func(dir string, emit func(*Batch) error) error {
		return (&Files{Paths: []string{dir}}).Run(context.Background(), emit)
	})
}

// BenchmarkScan looks through a folder of 10,000 files in which nothing changes.
func BenchmarkScan(b *testing.B) {
	dir := b.TempDir()
	for i := range 10000 {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), []byte(lines(fmt.Sprint(i))), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	w := newFollower(context.Background(), &Follow{Path: dir}, func(batch *Batch) error { batch.Release(); return nil })
	defer w.close()
	now := time.Now()
	step := func() {
		if err := w.scan(now); err != nil {
			b.Fatal(err)
		}
		for w.busy() {
			if err := w.read(now); err != nil {
				b.Fatal(err)
			}
		}
	}
	start := time.Now()
	step()
	first := time.Since(start)
	now = now.Add(time.Hour)
	step()
	b.ReportAllocs()
	for b.Loop() {
		step()
	}
	b.ReportMetric(first.Seconds(), "s/first")
}

func TestStdin(t *testing.T) {
	var records, batches int
	last := true
	s := &Stdin{In: bytes.NewReader(gzipped([]byte(lines("1", "2"))))}
	err := s.Run(t.Context(), func(b *Batch) error {
		records, last = records+len(b.Records), b.Behind
		if batches++; len(b.Records) > 0 && !b.Behind {
			t.Error("not behind with records")
		}
		b.Release()
		return nil
	})
	if err != nil || records != 2 || last {
		t.Errorf("%d records, behind %v, %v", records, last, err)
	}
	in, out := io.Pipe()
	defer out.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() { _, _ = out.Write([]byte(lines("1") + rec("2")[:100])) }()
	err = (&Stdin{In: in}).Run(ctx, func(b *Batch) error {
		if len(b.Rejects) > 0 {
			t.Errorf("rejects %v", b.Rejects)
		}
		cancel()
		b.Release()
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
