package main

import (
	"fmt"

	"detect/internal/geo"
	"detect/notify/escape"
	"detect/rules"
	"detect/rules/expr"
)

// openPlaces opens the configured databases of places, or the embedded table of countries.
func (c *config) openPlaces() (*geo.DB, error) {
	cfg := geo.Config{Cities: c.Geo.City, Networks: c.Geo.ASN}
	if c.Geo.Table != "" {
		table, err := geo.LoadTable(c.Geo.Table)
		if err != nil {
			return nil, usageError(err)
		}
		cfg.Tables = []*geo.Table{table}
	}
	db, err := geo.Open(cfg)
	if err != nil {
		return nil, usageError(err)
	}
	return db, nil
}

// ruleOptions is what rules are loaded from: the flag, else the configuration, else the pack.
func ruleOptions(cfg *config, places expr.Geo, paths []string) (rules.Options, error) {
	if len(paths) == 0 {
		paths = cfg.Rules
	}
	lists, err := cfg.lists()
	if err != nil {
		return rules.Options{}, err
	}
	return rules.Options{Paths: paths, Domains: cfg.Org.Domains, Lists: lists, Geo: places}, nil
}

// shownFault is a fault as a terminal may show it: names of files, and what a message quotes, hold no control characters.
func shownFault(f rules.Fault) string {
	f.File, f.Message, f.Hint = escape.Terminal(f.File), escape.Lines(f.Message), escape.Lines(f.Hint)
	return f.Detail()
}

// loadRules loads the rules that a command runs. With any fault it shows them all and nothing runs.
func loadRules(s *streams, cfg *config, places expr.Geo, c *common) (*rules.Set, error) {
	o, err := ruleOptions(cfg, places, c.rules)
	if err != nil {
		return nil, err
	}
	set, faults := rules.Load(o)
	if len(faults) > 0 {
		for _, f := range faults {
			fmt.Fprintln(s.err, shownFault(f))
		}
		return nil, usageError(fmt.Errorf("%s in the rules", plural(len(faults), "fault")))
	}
	if len(c.ruleIDs) > 0 {
		if set, err = set.Only(c.ruleIDs...); err != nil {
			return nil, usageError(err)
		}
	}
	return set, nil
}
