package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"detect/internal/simulate"
)

// BenchmarkLatency writes simulated records under attack into a followed file, a thousand a second, and measures from the
// write of each to the commit of the transaction that holds it and the alerts that it raised. An operation is one record.
func BenchmarkLatency(b *testing.B) {
	const rate = 1000
	dir := filepath.Join(b.TempDir(), "tenant")
	if _, err := simulateTo(dir, simulate.Config{Seed: 3, Records: 20_000, Attacks: []string{"all"}}, false); err != nil {
		b.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "records.ndjson"))
	if err != nil {
		b.Fatal(err)
	}
	lines := bytes.SplitAfter(bytes.TrimSuffix(data, []byte("\n")), []byte("\n"))
	config, spool := tenantConfig(b, dir, "")
	file, err := os.Create(filepath.Join(spool, "audit.ndjson"))
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	d := startDaemon(b, "run", "--config", config, "-v")
	written := make([]time.Time, b.N+1) // when each record was
	put := func(i int) {
		written[i] = time.Now()
		if _, err := file.Write(lines[i%len(lines)]); err != nil {
			b.Fatal(err)
		}
	}
	put(0)
	if !d.until(1) { // it runs
		b.Fatalf("the daemon ended by itself:\n%s", d.log)
	}

	b.ResetTimer()
	begun := time.Now()
	tick := time.NewTicker(time.Millisecond)
	for i := 0; i < b.N; <-tick.C {
		for ; i < b.N && time.Since(begun) > time.Duration(i)*time.Second/rate; i++ {
			put(i + 1)
		}
	}
	tick.Stop()
	delays := make([]float64, 0, b.N) // milliseconds
	for len(delays) < b.N {
		c, ok := <-d.commits
		if !ok {
			b.Fatalf("the daemon ended by itself:\n%s", d.log)
		}
		for range c.read {
			delays = append(delays, float64(c.at.Sub(written[len(delays)+1]).Microseconds())/1e3)
		}
	}
	b.StopTimer()
	if err := d.end(syscall.SIGTERM); err != nil {
		b.Fatalf("%v:\n%s", err, d.log)
	}
	slices.Sort(delays)
	b.ReportMetric(delays[len(delays)/2], "ms-median")
	b.ReportMetric(delays[len(delays)*99/100], "ms-p99")
	b.ReportMetric(delays[len(delays)-1], "ms-max")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkRun has the daemon read the log from a followed folder, with all that it keeps committed to the disk, from its
// start to the commit of the last record. An operation is the whole log.
func BenchmarkRun(b *testing.B) {
	tenant, log := benchFile(b)
	settings, err := os.ReadFile(filepath.Join(tenant, "detect.yaml"))
	if err != nil {
		b.Fatal(err)
	}
	places, err := os.ReadFile(filepath.Join(tenant, "places.csv"))
	if err != nil {
		b.Fatal(err)
	}
	lines, err := countLines(log)
	if err != nil {
		b.Fatal(err)
	}
	peak := int64(0)
	for b.Loop() {
		dir := b.TempDir()
		for name, data := range map[string][]byte{"detect.yaml": settings, "places.csv": places} {
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
				b.Fatal(err)
			}
		}
		config, spool := tenantConfig(b, dir, "")
		if err := os.Symlink(log, filepath.Join(spool, "records.ndjson")); err != nil {
			b.Fatal(err)
		}
		d := startDaemon(b, "run", "--config", config, "-v")
		if !d.until(lines) {
			b.Fatalf("the daemon ended by itself:\n%s", d.log)
		}
		if err := d.end(syscall.SIGKILL); err == nil {
			b.Fatal("a killed process ended well")
		}
		peak = max(peak, d.cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss*1024)
	}
	b.ReportMetric(float64(lines)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(float64(peak)/1e6, "MB-peak")
}

func countLines(path string) (int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	n, buf := int64(0), make([]byte, 1<<20)
	for {
		m, err := f.Read(buf)
		n += int64(bytes.Count(buf[:m], []byte("\n")))
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}
