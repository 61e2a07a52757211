package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"detect/engine/match"
	"detect/internal/record"
	"detect/internal/simulate"
	"detect/internal/source"
	"detect/rules"
	"detect/rules/hit"
)

// benchLog is the folder of a simulated tenant, made once; DETECT_BENCH_RECORDS says how many records it has (default
// 100,000), or DETECT_BENCH_LOG names such a folder.
var benchLog = sync.OnceValues(func() (string, error) {
	if dir := os.Getenv("DETECT_BENCH_LOG"); dir != "" {
		return dir, nil
	}
	n := 100_000
	if s := os.Getenv("DETECT_BENCH_RECORDS"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			return "", err
		}
	}
	dir, err := os.MkdirTemp("", "detect-bench-")
	if err != nil {
		return "", err
	}
	_, err = simulateTo(dir, simulate.Config{Seed: 42, Records: n, Users: 5000, Attacks: []string{"all"}}, true)
	return dir, err
})

func benchFile(b *testing.B) (dir, log string) {
	b.Helper()
	dir, err := benchLog()
	if err != nil {
		b.Fatal(err)
	}
	return dir, filepath.Join(dir, "records.ndjson")
}

// decodeAll reads and decodes the log on all cores; worker makes what takes the records on one of them.
func decodeAll(b *testing.B, log string, worker func() func(*record.Record)) (records int64) {
	b.Helper()
	batches := make(chan *source.Batch, 4)
	var group sync.WaitGroup
	var total atomic.Int64
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			var d source.Decoder
			f := worker()
			for batch := range batches {
				for _, raw := range batch.Records {
					err := d.Decode(raw, func(r *record.Record, _ source.Origin) error {
						f(r)
						return nil
					}, func(r source.Reject) { b.Error(r.Reason) })
					if err != nil {
						b.Error(err)
					}
				}
				total.Add(int64(len(batch.Records)))
				batch.Release()
			}
		})
	}
	files := source.Files{Paths: []string{log}}
	err := files.Run(context.Background(), func(batch *source.Batch) error {
		batches <- batch
		return nil
	})
	close(batches)
	group.Wait()
	if err != nil {
		b.Fatal(err)
	}
	return total.Load()
}

// BenchmarkDecode reads and decodes a log on all cores, identity and content included.
func BenchmarkDecode(b *testing.B) {
	_, log := benchFile(b)
	b.ReportAllocs()
	var records int64
	for b.Loop() {
		records += decodeAll(b, log, func() func(*record.Record) {
			return func(r *record.Record) { _, _ = r.Identity(), r.Content() }
		})
	}
	b.ReportMetric(float64(records)/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkMatch reads, decodes and matches a log with the shipped rules on all cores.
func BenchmarkMatch(b *testing.B) {
	_, log := benchFile(b)
	set, faults := rules.Load(rules.Options{Geo: simulate.Geo{}, Domains: []string{"contoso.example"}})
	if len(faults) > 0 {
		b.Fatal(faults)
	}
	matcher := match.New(set.World, set.Rules)
	b.ReportAllocs()
	var records int64
	for b.Loop() {
		records += decodeAll(b, log, func() func(*record.Record) {
			worker, hits := matcher.NewWorker(), []*hit.Hit(nil)
			return func(r *record.Record) {
				_, _ = r.Identity(), r.Content()
				hits = worker.Match(r, hits[:0])
			}
		})
	}
	b.ReportMetric(float64(records)/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkReplay is the whole of `detect test` on all cores.
func BenchmarkReplay(b *testing.B) {
	dir, log := benchFile(b)
	b.ReportAllocs()
	o := testOptions{common: common{config: filepath.Join(dir, "detect.yaml"), format: "json", quiet: true}, tmp: b.TempDir()}
	info, err := os.Stat(log)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(info.Size())
	start := time.Now()
	n := 0
	for b.Loop() {
		if err := runTest(context.Background(), &streams{out: io.Discard, err: io.Discard}, o, []string{log}); err != nil {
			b.Fatal(err)
		}
		n++
	}
	b.ReportMetric(time.Since(start).Seconds()/float64(n), "s/replay")
}
