package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"detect/engine/ruletest"
	"detect/notify/escape"
	"detect/rules"
)

// checkReport is what `detect check --format json` prints.
type checkReport struct {
	Files    int          `json:"files"`
	Rules    int          `json:"rules"`
	Faults   []checkFault `json:"faults"`
	Warnings []checkFault `json:"warnings"`
	Tests    int          `json:"tests"`
	Failed   []failedTest `json:"failed"`

	Configuration *configSummary `json:"configuration,omitempty"` // if --config was given and it has no faults
}

type checkFault struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Col     int    `json:"col"`
	Rule    string `json:"rule,omitempty"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	Info    bool   `json:"info,omitempty"` // worth knowing, and nothing to change
}

type failedTest struct {
	Rule    string `json:"rule"`
	Test    string `json:"test"`
	File    string `json:"file"`
	Line    int    `json:"line"`
	Failure string `json:"failure"`
}

func newCheckFault(f rules.Fault, info bool) checkFault {
	return checkFault{f.File, f.Line, f.Col, f.Rule, f.Message, f.Hint, info}
}

func newCheck(s *streams) *cobra.Command {
	var (
		o        common
		noTests  bool
		warnings bool
	)
	cmd := &cobra.Command{
		Use:   "check [PATH ...]",
		Short: "Compile and lint rules, run the tests that stand beside them, verify a configuration",
		Long: `check compiles rules and shows every fault of every file at its character, points at what their author may not have
meant, and runs the tests that stand beside the rules: each as written, shuffled, doubled, one record at a time, in one
batch and replayed, all of which must agree.

PATH is a rule file or a folder of them; without PATH, and without rules in the configuration, the shipped pack is
checked. Rules that override or stand beside shipped ones are checked with "detect check pack my-rules/".

With --config the configuration is verified for "detect run" as well: its keys, secrets, sources, channels and routes. What
it does is told in words. Nothing is connected to, and no secret is shown.

  detect check --config /etc/detect/detect.yaml

Exit status: 1 a test failed; 2 a fault in a rule or in the configuration.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			checked, err := loadChecked(&o, args, cmd.Flags().Changed("config"))
			if err != nil {
				return err
			}
			defer checked.close()
			set, faults, found := checked.set, checked.faults, checked.found
			var results []ruletest.Result
			if !noTests {
				if results, err = ruletest.All(cmd.Context(), set); err != nil {
					return err
				}
			}
			switch o.format {
			case "text":
				err = checkText(s, &o, checked, results)
			case "json":
				report := newCheckReport(set, faults, found, results)
				report.Configuration = checked.config
				err = writeJSON(s.out, report)
			default:
				return usageError(fmt.Errorf("--format is text or json, not %q", o.format))
			}
			if err != nil {
				return err
			}
			return checkVerdict(checked, results, warnings)
		},
	}
	o.bindRules(cmd)
	o.bindOutput(cmd, "text or json")
	cmd.Flags().BoolVar(&noTests, "no-tests", false, "do not run the rules' tests")
	cmd.Flags().BoolVar(&warnings, "strict", false, "exit with 1 on a warning too")
	return cmd
}

// checkedRules is what `detect check` looked at.
type checkedRules struct {
	set    *rules.Set
	faults rules.Faults
	found  []rules.Warning
	whole  bool           // the configuration was verified for the daemon
	config *configSummary // what it does; nil if it has faults
	close  func()
}

// loadChecked loads the configuration, which it verifies if whole, and the rules. What keeps it from looking at anything
// is an error.
func loadChecked(o *common, args []string, whole bool) (*checkedRules, error) {
	read := loadConfig
	if whole {
		read = readConfig
	}
	cfg, err := read(o.config)
	if err != nil {
		return nil, err
	}
	c := &checkedRules{whole: whole, set: &rules.Set{}, close: func() {}}
	var warnings rules.Faults
	if whole {
		c.faults, warnings, c.config = cfg.checkWhole()
		for _, w := range warnings {
			c.found = append(c.found, rules.Warning{Fault: w})
		}
	}
	if err := c.loadRules(cfg, o, append(args, o.rules...)); err != nil {
		c.close()
		if !whole {
			return nil, err
		}
		var wrong *configError
		if errors.As(err, &wrong) {
			c.faults = append(c.faults, wrong.faults...)
		} else {
			c.faults = append(c.faults, rules.Fault{File: cfg.path, Message: err.Error()})
		}
	}
	return c, nil
}

func (c *checkedRules) loadRules(cfg *config, o *common, paths []string) error {
	places, err := cfg.openPlaces()
	if err != nil {
		return err
	}
	c.close = func() { _ = places.Close() }
	options, err := ruleOptions(cfg, places, paths)
	if err != nil {
		return err
	}
	set, faults := rules.Load(options)
	if len(o.ruleIDs) > 0 && len(faults) == 0 {
		if set, err = set.Only(o.ruleIDs...); err != nil {
			return usageError(err)
		}
	}
	c.set, c.faults, c.found = set, append(c.faults, faults...), append(c.found, rules.Lint(set, time.Now())...)
	return nil
}

func newCheckReport(set *rules.Set, faults rules.Faults, found []rules.Warning, results []ruletest.Result) checkReport {
	r := checkReport{
		Files: set.Files, Rules: len(set.Rules) + len(set.Disabled), Tests: len(results),
		Faults: []checkFault{}, Warnings: []checkFault{}, Failed: []failedTest{},
	}
	for _, f := range faults {
		r.Faults = append(r.Faults, newCheckFault(f, false))
	}
	for _, w := range found {
		r.Warnings = append(r.Warnings, newCheckFault(w.Fault, w.Info))
	}
	for _, t := range results {
		if t.Failure != "" {
			r.Failed = append(r.Failed, failedTest{t.Rule, t.Test, t.File, t.Line, t.Failure})
		}
	}
	return r
}

// checkText prints faults and failures for a person; --verbose adds what was understood of each rule, and every test.
func checkText(s *streams, o *common, c *checkedRules, results []ruletest.Result) error {
	set, faults, found := c.set, c.faults, c.found
	sc := newScreen(s.out)
	for _, f := range faults {
		fmt.Fprintf(s.out, "%s %s\n", sc.paint(boldRed, "fault:"), shownFault(f))
	}
	warnings := 0
	for _, w := range found {
		if !w.Info {
			warnings++
			fmt.Fprintf(s.out, "%s %s\n", sc.paint(yellow, "warning:"), shownFault(w.Fault))
		} else if o.verbose {
			fmt.Fprintf(s.out, "%s %s\n", sc.paint(cyan, "note:"), shownFault(w.Fault))
		}
	}
	if o.verbose {
		for _, list := range [][]*rules.Rule{set.Rules, set.Disabled} {
			for _, r := range list {
				fmt.Fprintln(s.out, escape.Lines(r.Summary()))
			}
		}
	}
	failed := 0
	for _, t := range results {
		if t.Failure != "" {
			failed++
		}
		if t.Failure != "" || o.verbose {
			fmt.Fprintln(s.out, escape.Lines(t.String()))
		}
	}
	if o.quiet {
		return nil
	}
	if c.config != nil {
		c.config.writeText(s.out, sc)
	}
	verdict := fmt.Sprintf("%s in %s: %s, %s, %s", plural(len(set.Rules)+len(set.Disabled), "rule"), plural(set.Files, "file"),
		plural(len(faults), "fault"), plural(warnings, "warning"), plural(len(results), "test"))
	if failed > 0 {
		verdict += fmt.Sprintf(", %d failed", failed)
	}
	if _, err := fmt.Fprintln(s.out, verdict); err != nil {
		return ioError(fmt.Errorf("write output: %w", err))
	}
	return nil
}

func checkVerdict(c *checkedRules, results []ruletest.Result, strict bool) error {
	if n := plural(len(c.faults), "fault"); len(c.faults) > 0 && c.whole {
		return usageError(fmt.Errorf("%s in the configuration and the rules", n))
	} else if len(c.faults) > 0 {
		return usageError(fmt.Errorf("%s in the rules", n))
	}
	failed := 0
	for _, t := range results {
		if t.Failure != "" {
			failed++
		}
	}
	if failed > 0 {
		return &exitError{exitFailed, fmt.Errorf("%s failed", plural(failed, "test"))}
	}
	if strict {
		for _, w := range c.found {
			if !w.Info {
				return &exitError{exitFailed, fmt.Errorf("there are warnings")}
			}
		}
	}
	return nil
}
