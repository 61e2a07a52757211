package main

import (
	"io"

	"github.com/spf13/cobra"
)

// streams are the program's standard streams.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// common are the flags that most commands share.
type common struct {
	config  string
	rules   []string
	ruleIDs []string
	format  string
	quiet   bool
	verbose bool
}

func (c *common) bindRules(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&c.config, "config", "", "configuration `file` (default detect.yaml, if there is one)")
	f.StringArrayVar(&c.rules, "rules", nil, "read rules from this `folder or file` instead of the shipped pack; may be repeated; \"pack\" is the shipped one")
	f.StringArrayVar(&c.ruleIDs, "rule", nil, "only the rule with this `id`; may be repeated")
}

func (c *common) bindOutput(cmd *cobra.Command, formats string) {
	f := cmd.Flags()
	f.StringVar(&c.format, "format", "text", "output `format`: "+formats)
	f.BoolVar(&c.quiet, "quiet", false, "no progress, and no more than what was asked for")
	f.BoolVarP(&c.verbose, "verbose", "v", false, "more detail")
}

func newRoot(s *streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "detect",
		Short: "Find what attackers do in an Office 365 tenant",
		Long: `detect reads Office 365 audit records, runs rules over them and raises alerts.

Start with the embedded sample, a breach in a day of ordinary activity:

  detect test

Then give it a log of your own, as it was exported; every export format is recognised by its content:

  detect test AuditLog_2026-03-01.csv
  detect test --since 30d exports/

Then have it follow records as they arrive, tell Slack, mail or a webhook, and keep the alerts:

  detect run --config detect.yaml
  detect alerts list --config detect.yaml

Rules are YAML with CEL expressions. "detect rules list" shows the shipped ones, "detect check" compiles yours, points at
what is wrong and runs the tests that stand beside them.

Exit status: 0 done and nothing wrong; 1 a check, test or comparison failed; 2 wrong usage, configuration or rules;
3 input or output that could not be read or written in part.`,
		SilenceUsage:      true,
		SilenceErrors:     true,
		DisableAutoGenTag: true,
	}
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	root.AddCommand(newTest(s), newCheck(s), newRules(s), newAlerts(s), newRun(s), newSimulate(s), newVersion(s))
	return root
}
