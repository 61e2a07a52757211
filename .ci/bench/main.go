// Command bench measures the replay of a large log beside two yardsticks in the same rounds: decoding it with encoding/json into maps
// and nothing else, and validating it with sonic and scanning its top level once. Single figures of a shared machine move;
// ratios within one round say more, so the medians of interleaved rounds are printed.
//
//	bench -detect BINARY -parts TEST-BINARY [-records N] [-rounds N]
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// outcome is one timed run.
type outcome struct {
	Records int64
	Seconds float64 // of the work itself
	peak    int64   // bytes of memory at the most
}

func main() {
	if len(os.Args) == 4 && os.Args[1] == "yardstick" {
		if err := yardstick(os.Args[2], os.Args[3]); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	if len(os.Args) == 5 && os.Args[1] == "shuffle" {
		if err := shuffle(os.Args[2], os.Args[3], os.Args[4]); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	binary := flag.String("detect", "", "the detect `binary` to measure")
	parts := flag.String("parts", "", "the test `binary` of cmd/detect, to measure decoding and matching alone")
	records := flag.Int("records", 1_000_000, "how many records to simulate")
	rounds := flag.Int("rounds", 5, "interleaved rounds")
	shuffled := flag.Bool("memory", true, "also replay shuffled logs of one and four times the records, for peak memory")
	flag.Parse()
	if err := run(*binary, *parts, *records, *rounds, *shuffled); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(binary, parts string, records, rounds int, memory bool) error {
	if binary == "" || parts == "" {
		return errors.New("-detect and -parts are required")
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "detect-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	tenant := filepath.Join(dir, "tenant")
	if err := simulate(binary, tenant, records, 1); err != nil {
		return err
	}
	file, config := filepath.Join(tenant, "records.ndjson"), filepath.Join(tenant, "detect.yaml")
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	fmt.Printf("machine: %s, %d CPUs, %s; log: %.1f MB\n", cpu(), runtime.NumCPU(), runtime.Version(), float64(info.Size())/1e6)

	runs := []struct {
		name string
		f    func() (outcome, error)
	}{
		{"encoding/json into a map, nothing else", func() (outcome, error) { return child(self, "yardstick", "map", file) }},
		{"sonic.Valid and one top-level scan", func() (outcome, error) { return child(self, "yardstick", "scan", file) }},
		{"detect: decode", func() (outcome, error) { return part(parts, "Decode", tenant) }},
		{"detect: decode, match", func() (outcome, error) { return part(parts, "Match", tenant) }},
		{"detect test: the whole replay", func() (outcome, error) { return replay(binary, file, config, 0) }},
		{"detect test: the same on one core", func() (outcome, error) { return replay(binary, file, config, 1) }},
		{"detect run: a followed folder, durable", func() (outcome, error) { return part(parts, "Run", tenant) }},
	}
	results := make([][]outcome, len(runs))
	for range rounds {
		for i, r := range runs {
			o, err := r.f()
			if err != nil {
				return fmt.Errorf("%s: %w", r.name, err)
			}
			results[i] = append(results[i], o)
		}
	}
	fmt.Printf("%d interleaved rounds, medians:\n", rounds)
	fmt.Printf("%-40s %12s %24s %9s %16s %16s\n", "", "records/s", "(least to most)", "peak MB", "speed vs map", "time vs scan")
	for i, r := range runs {
		var rates, peaks, toMap, toScan []float64
		for round, o := range results[i] {
			rates = append(rates, float64(o.Records)/o.Seconds)
			peaks = append(peaks, float64(o.peak)/1e6)
			toMap = append(toMap, results[0][round].Seconds/o.Seconds)
			toScan = append(toScan, o.Seconds/results[1][round].Seconds)
		}
		slices.Sort(rates)
		fmt.Printf("%-40s %12.0f %24s %9.0f %15.2fx %15.2fx\n", r.name, median(rates),
			fmt.Sprintf("(%.0f to %.0f)", rates[0], rates[len(rates)-1]), median(peaks), median(toMap), median(toScan))
	}
	if err := latency(parts); err != nil {
		return err
	}
	if memory {
		return shuffledMemory(self, binary, dir, records)
	}
	return nil
}

// latency prints how long a record takes from its writing into a followed file to the commit of what came of it, at a
// thousand records a second.
func latency(parts string) error {
	figures, _, err := benchmark(parts, "Latency", "30000x")
	if err != nil {
		return err
	}
	fmt.Printf("detect run at %.0f records/s, from the file's write to the commit: median %.1f ms, 99th percentile %.1f ms, most %.1f ms\n",
		figures["records/s"], figures["ms-median"], figures["ms-p99"], figures["ms-max"])
	return nil
}

// shuffledMemory prints how the peak memory of a replay grows from one to four times as many shuffled records.
func shuffledMemory(self, binary, dir string, records int) error {
	var peaks [2]float64
	for i, n := range []int{records, 4 * records} {
		ordered, file := filepath.Join(dir, "ordered.ndjson"), filepath.Join(dir, "shuffled.ndjson")
		if err := simulate(binary, ordered, n, uint64(i+2)); err != nil {
			return err
		}
		// In a process of its own: a child's peak memory counts that of its parent when it was started.
		if out, err := exec.Command(self, "shuffle", ordered, file, dir).CombinedOutput(); err != nil {
			return fmt.Errorf("shuffle: %w: %s", err, out)
		}
		o, err := replay(binary, file, "", 0)
		if err != nil {
			return err
		}
		peaks[i] = float64(o.peak) / 1e6
		fmt.Printf("shuffled, %d records: %.0f records/s, peak %.0f MB\n", n, float64(o.Records)/o.Seconds, peaks[i])
		if err := os.Remove(file); err != nil {
			return err
		}
	}
	fmt.Printf("peak memory of four times the shuffled records: %.2fx\n", peaks[1]/peaks[0])
	return nil
}

func simulate(binary, file string, records int, seed uint64) error {
	cmd := exec.Command(binary, "simulate", "--seed", fmt.Sprint(seed), "--records", fmt.Sprint(records),
		"--users", "5000", "--attack", "all", "--out", file, "--quiet")
	cmd.Stderr = os.Stderr
	return cmd.Run()
}

func child(binary string, args ...string) (outcome, error) {
	cmd := exec.Command(binary, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return outcome{}, err
	}
	var o outcome
	if err := json.Unmarshal(out, &o); err != nil {
		return outcome{}, err
	}
	o.peak = cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss * 1024
	return o, nil
}

// part runs one benchmark of cmd/detect on the log of a tenant.
func part(binary, name, tenant string) (outcome, error) {
	figures, peak, err := benchmark(binary, name, "1x", "DETECT_BENCH_LOG="+tenant)
	if err != nil {
		return outcome{}, err
	}
	seconds := figures["ns/op"] / 1e9
	if mb := figures["MB-peak"]; mb > 0 { // of a process that it started
		peak = int64(mb * 1e6)
	}
	return outcome{Records: int64(figures["records/s"] * seconds), Seconds: seconds, peak: peak}, nil
}

// benchmark runs one benchmark of a test's binary and gives its figures by unit, and the peak memory in bytes.
func benchmark(binary, name, times string, env ...string) (figures map[string]float64, peak int64, err error) {
	cmd := exec.Command(binary, "-test.run", "^$", "-test.bench", "^Benchmark"+name+"$", "-test.benchtime", times)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, 0, fmt.Errorf("%w: %s", err, out)
	}
	figures = map[string]float64{}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark"+name) {
			continue
		}
		for i := 2; i+1 < len(fields); i += 2 { // after the name and the number of operations: figure, unit, ...
			if figures[fields[i+1]], err = strconv.ParseFloat(fields[i], 64); err != nil {
				return nil, 0, err
			}
		}
	}
	if len(figures) == 0 {
		return nil, 0, fmt.Errorf("no figures in %s", out)
	}
	return figures, cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss * 1024, nil
}

// replay times the whole process, its start included.
func replay(binary, file, config string, cores int) (outcome, error) {
	args := []string{"test", "--quiet", "--format", "json"}
	if config != "" {
		args = append(args, "--config", config)
	}
	cmd := exec.Command(binary, append(args, file)...)
	cmd.Stderr = os.Stderr
	if cores > 0 {
		cmd.Env = append(os.Environ(), fmt.Sprintf("GOMAXPROCS=%d", cores))
	}
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return outcome{}, err
	}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return outcome{}, err
	}
	var report struct {
		Records struct{ Read int64 }
	}
	decodeErr := json.NewDecoder(pipe).Decode(&report)
	_, _ = io.Copy(io.Discard, pipe)
	if err := cmd.Wait(); err != nil {
		return outcome{}, err
	}
	if decodeErr != nil {
		return outcome{}, decodeErr
	}
	return outcome{
		Records: report.Records.Read, Seconds: time.Since(start).Seconds(),
		peak: cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss * 1024,
	}, nil
}

func median(list []float64) float64 {
	list = slices.Clone(list)
	slices.Sort(list)
	return list[len(list)/2]
}

func cpu() string {
	data, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	for line := range strings.SplitSeq(string(data), "\n") {
		if name, ok := strings.CutPrefix(line, "model name"); ok {
			return strings.TrimSpace(strings.TrimLeft(name, " \t:"))
		}
	}
	return runtime.GOARCH
}
