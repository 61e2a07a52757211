package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"detect/notify/escape"
	"detect/rules"
	"detect/rules/hit"
)

func newRules(s *streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rules",
		Short: "The rules: list them, show one",
	}
	cmd.AddCommand(newRulesList(s), newRulesShow(s))
	return cmd
}

// ruleEntry is one rule of `detect rules list --format json`.
type ruleEntry struct {
	ID        string   `json:"id"`
	Title     string   `json:"title"`
	Kind      string   `json:"kind"`
	Status    string   `json:"status"`
	Severity  string   `json:"severity"` // as written: a name or an expression
	By        []string `json:"by"`
	Attack    []string `json:"attack"`
	Version   string   `json:"version"`
	File      string   `json:"file"`
	Exception []string `json:"exceptions"`
}

func newRulesList(s *streams) *cobra.Command {
	var o common
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the rules",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			set, err := o.load(s)
			if err != nil {
				return err
			}
			entries := make([]ruleEntry, 0, len(set.Rules)+len(set.Disabled))
			for _, r := range slices.Concat(set.Rules, set.Disabled) {
				entries = append(entries, newRuleEntry(r))
			}
			switch o.format {
			case "text":
				return listRules(newScreen(s.out), entries, o.verbose)
			case "json":
				return writeJSON(s.out, map[string]any{"rules": entries})
			default:
				return usageError(fmt.Errorf("--format is text or json, not %q", o.format))
			}
		},
	}
	o.bindRules(cmd)
	o.bindOutput(cmd, "text or json")
	return cmd
}

// load loads the rules that the flags name, without places.
func (c *common) load(s *streams) (*rules.Set, error) {
	cfg, err := loadConfig(c.config)
	if err != nil {
		return nil, err
	}
	return loadRules(s, cfg, nil, c)
}

func newRuleEntry(r *rules.Rule) ruleEntry {
	e := ruleEntry{
		ID: r.ID, Title: r.Title, Kind: r.Kind.String(), Status: r.Status.String(), Severity: r.Severity, By: r.By,
		Attack: []string{}, Version: r.Version, File: r.File, Exception: []string{},
	}
	for _, t := range r.Attack {
		e.Attack = append(e.Attack, t.ID)
	}
	for _, x := range r.Exceptions {
		e.Exception = append(e.Exception, x.Name)
	}
	return e
}

func listRules(s *screen, entries []ruleEntry, verbose bool) error {
	widths := [3]int{}
	for _, e := range entries {
		for i, text := range []string{e.ID, e.shownSeverity(), e.Kind} {
			widths[i] = max(widths[i], columns(text))
		}
	}
	var b strings.Builder
	for _, e := range entries {
		severity := e.shownSeverity()
		fmt.Fprintf(&b, "%s  %s  %s  ", s.paint(bold, pad(e.ID, widths[0])),
			s.paint(severityStyle[severity[strings.LastIndexByte(severity, ' ')+1:]], pad(severity, widths[1])), pad(e.Kind, widths[2]))
		room := s.width - widths[0] - widths[1] - widths[2] - 6
		title := escape.Terminal(e.Title)
		if e.Status != "stable" {
			title += " (" + e.Status + ")"
		}
		for i, line := range wrap(title, room) {
			if i > 0 {
				b.WriteString(strings.Repeat(" ", s.width-room))
			}
			b.WriteString(line + "\n")
		}
		if verbose {
			fmt.Fprintf(&b, "    %s · by %s · %s\n", strings.Join(e.Attack, ", "), strings.Join(e.By, ", "), escape.Terminal(e.File))
		}
	}
	fmt.Fprintf(&b, "\n%s\n", plural(len(entries), "rule"))
	if _, err := s.w.Write([]byte(b.String())); err != nil {
		return ioError(fmt.Errorf("write output: %w", err))
	}
	return nil
}

// shownSeverity is the severity's name, or the least and the greatest that an expression names.
func (e *ruleEntry) shownSeverity() string {
	var named []string
	for _, name := range hit.SeverityNames {
		if regexp.MustCompile(`\b` + name + `\b`).MatchString(e.Severity) {
			named = append(named, name)
		}
	}
	switch len(named) {
	case 0:
		return "varies"
	case 1:
		return named[0]
	default:
		return named[0] + " to " + named[len(named)-1]
	}
}

func newRulesShow(s *streams) *cobra.Command {
	var o common
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show one rule: its text, and what was understood of it",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			set, err := o.load(s)
			if err != nil {
				return err
			}
			if set, err = set.Only(args[0]); err != nil {
				return usageError(err)
			}
			r := slices.Concat(set.Rules, set.Disabled)[0]
			if _, err := fmt.Fprintf(s.out, "# %s:%d, version %s\n%s\n%s\n", escape.Terminal(r.File), r.Line, r.Version, comment(escape.Lines(r.Summary())), r.Source()); err != nil {
				return ioError(fmt.Errorf("write output: %w", err))
			}
			return nil
		},
	}
	o.bindRules(cmd)
	return cmd
}

// comment makes lines a YAML comment.
func comment(text string) string {
	return "# " + strings.ReplaceAll(text, "\n", "\n# ")
}
