package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync"
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
// 100,000).
var benchLog = sync.OnceValues(func() (string, error) {
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

// eachRecord decodes the log on one goroutine.
func eachRecord(b *testing.B, log string, f func(*record.Record)) (records int64) {
	b.Helper()
	var d source.Decoder
	files := source.Files{Paths: []string{log}}
	err := files.Run(context.Background(), func(batch *source.Batch) error {
		defer batch.Release()
		for _, raw := range batch.Records {
			err := d.Decode(raw, func(r *record.Record, _ source.Origin) error {
				records++
				f(r)
				return nil
			}, func(r source.Reject) { b.Error(r.Reason) })
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return records
}

// BenchmarkDecode reads and decodes a log on one core.
func BenchmarkDecode(b *testing.B) {
	_, log := benchFile(b)
	b.ReportAllocs()
	var records int64
	for b.Loop() {
		records += eachRecord(b, log, func(*record.Record) {})
	}
	b.ReportMetric(float64(records)/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkMatch reads, decodes and matches a log on one core.
func BenchmarkMatch(b *testing.B) {
	_, log := benchFile(b)
	set, faults := rules.Load(rules.Options{Geo: simulate.Geo{}, Domains: []string{"contoso.example"}})
	if len(faults) > 0 {
		b.Fatal(faults)
	}
	worker := match.New(set.World, set.Rules).NewWorker()
	var hits []*hit.Hit
	b.ReportAllocs()
	var records int64
	for b.Loop() {
		records += eachRecord(b, log, func(r *record.Record) {
			_, _ = r.Identity(), r.Content()
			hits = worker.Match(r, hits[:0])
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
