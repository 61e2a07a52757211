package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"detect/internal/simulate"
	"detect/internal/source"
	"detect/notify/escape"
	"detect/rules/expr"
	"detect/rules/template"
)

// testOptions are the flags of `detect test`.
type testOptions struct {
	common
	since, until string
	tmp          string
	strict, all  bool
	expect       string
}

func newTest(s *streams) *cobra.Command {
	var o testOptions
	cmd := &cobra.Command{
		Use:   "test [LOG ...]",
		Short: "Replay historical logs through the rules and report the alerts",
		Long: `test replays historical logs through the rules and reports the alerts: exactly those that the same records would
have raised live, in whatever order and however often they were exported.

LOG is a file, a folder, a glob pattern, or - for standard input. Every export format is recognised by its content:
Purview portal CSV, Search-UnifiedAuditLog CSV and JSON, Management Activity API blobs, NDJSON, Sentinel's OfficeActivity
as CSV or JSON, Graph records; plain, gzip, zstd or zip. Without LOG the embedded sample is replayed: a breach in a day
of ordinary activity.

  detect test                                 the embedded sample
  detect test AuditLog_2026-03-01.csv         one export
  detect test exports/ --since 30d            a folder; only alerts of the last 30 days
  cat *.json | detect test - --format json    for scripts
  detect test log.csv --rules my-rules --rule my-first-rule

Bad records are reported with their place and never stop the rest. What is no audit log is a warning if it was found in
a folder or a zip, and could not be read, which ends with 3, if you named it. Exit status 1: --expect found a difference; 3:
something could not be read, or --strict and a record was rejected.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runTest(cmd.Context(), s, o, args)
		},
	}
	o.bindRules(cmd)
	o.bindOutput(cmd, "text, json or ndjson (the alerts alone)")
	f := cmd.Flags()
	f.StringVar(&o.since, "since", "", "list only alerts that last until this `time` or later; what is before it is read as history")
	f.StringVar(&o.until, "until", "", "read no records after this `time`; it is the present for rules on what did not happen")
	f.StringVar(&o.tmp, "tmp", "", "`folder` for what does not fit in memory (default the system's)")
	f.BoolVar(&o.strict, "strict", false, "exit with 3 if any record was rejected")
	f.BoolVar(&o.all, "all", false, "list merged and withdrawn alerts too")
	f.StringVar(&o.expect, "expect", "", "compare the alerts with those of this JSON `file`, on the keys that it names")
	return cmd
}

func runTest(ctx context.Context, s *streams, o testOptions, logs []string) error {
	start := time.Now()
	switch o.format {
	case "text", "json", "ndjson":
	default:
		return usageError(fmt.Errorf("--format is text, json or ndjson, not %q", o.format))
	}
	since, until := int64(math.MinInt64), int64(math.MaxInt64)
	var err error
	if o.since != "" {
		if since, err = parseWhen(o.since, start); err != nil {
			return usageError(fmt.Errorf("--since: %w", err))
		}
	}
	if o.until != "" {
		if until, err = parseWhen(o.until, start); err != nil {
			return usageError(fmt.Errorf("--until: %w", err))
		}
	}
	if since > until {
		return usageError(fmt.Errorf("--since %s is later than --until %s: nothing can be between them", o.since, o.until))
	}
	var expected *expectation
	if o.expect != "" {
		if expected, err = readExpectation(o.expect); err != nil {
			return err
		}
	}
	cfg, err := loadConfig(o.config)
	if err != nil {
		return err
	}
	name := strings.Join(logs, ", ")
	files := &source.Files{Paths: logs, Stdin: s.in, Tmp: o.tmp}
	var places expr.Geo
	if len(logs) == 0 {
		log, truth, err := simulate.Sample()
		if err != nil {
			return err
		}
		name, files.Paths, files.Stdin = "the embedded sample", []string{"-"}, bytes.NewReader(log)
		cfg.Org.Domains, places = append(cfg.Org.Domains, truth.Domains...), simulate.Geo{}
	} else {
		db, err := cfg.openPlaces()
		if err != nil {
			return err
		}
		defer db.Close()
		places = db
	}
	set, err := loadRules(s, cfg, places, &o.common)
	if err != nil {
		return err
	}
	r := &replay{
		set: set, lateness: int64(cfg.Store.Lateness), hold: int64(cfg.Store.Hold),
		until: until, now: start, tmp: o.tmp,
		files: files,
	}
	stop := r.showProgress(s.err, o.quiet)
	out, err := r.run(ctx, o.all)
	stop()
	if err != nil {
		return err
	}
	rep := newReport(out, set, since)
	rep.source = name
	if len(cfg.Org.Domains) == 0 {
		rep.Warnings = append(rep.Warnings, warningReport{Text: noDomains})
	}
	rep.Elapsed = time.Since(start).Seconds()
	rep.Rate = float64(rep.Records.Read) / rep.Elapsed
	if err := rep.write(s.out, &o); err != nil {
		return err
	}
	return rep.verdict(s.err, &o, expected)
}

// noDomains is the warning for a configuration that does not say what is inside.
const noDomains = "org.domains is not configured: only the domains that a record itself shows count as inside for it; " +
	"list your own mail domains in detect.yaml"

func (r *report) write(w io.Writer, o *testOptions) error {
	switch o.format {
	case "json":
		return writeJSON(w, r)
	case "ndjson":
		return r.writeNDJSON(w)
	default:
		return r.writeText(newScreen(w), o.verbose, o.quiet)
	}
}

// verdict is the error that the exit status is made of.
func (r *report) verdict(stderr io.Writer, o *testOptions, expected *expectation) error {
	if o.format == "ndjson" { // whose output holds no word of them
		for _, w := range r.Warnings {
			fmt.Fprintf(stderr, "detect: warning: %s %s\n", escape.Terminal(w.File), escape.Terminal(w.Text))
		}
	}
	if expected != nil {
		diff, err := expected.compare(r.Alerts)
		if err != nil {
			return err
		}
		if len(diff) > 0 {
			for _, line := range diff {
				fmt.Fprintln(stderr, escape.Terminal(line))
			}
			return &exitError{exitFailed, fmt.Errorf("%s from %s", plural(len(diff), "difference"), o.expect)}
		}
	}
	if r.partial {
		return ioError(errors.New("not everything could be read"))
	}
	if o.strict && r.Records.Rejected > 0 {
		return ioError(fmt.Errorf("%s rejected", plural(int(r.Records.Rejected), "record")))
	}
	return nil
}

// showProgress tells a person at a terminal how far the reading is, until the returned function is called.
func (r *replay) showProgress(w io.Writer, quiet bool) (stop func()) {
	if _, ok := isTerminal(w); !ok || quiet {
		return func() {}
	}
	done, ended := make(chan struct{}), make(chan struct{})
	start := time.Now()
	go func() {
		defer close(ended)
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		shown := false
		for {
			select {
			case <-done:
				if shown {
					fmt.Fprint(w, "\r\x1b[K")
				}
				return
			case <-tick.C:
				n := r.read.Load()
				fmt.Fprintf(w, "\r\x1b[K%s records read, %s/s", template.Grouped(n), template.Grouped(int64(float64(n)/time.Since(start).Seconds())))
				shown = true
			}
		}
	}()
	return func() { close(done); <-ended }
}
