package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
)

// expectation is a file of expected alerts, of the same shape as the JSON report. Each alert in it is compared on the keys
// that it names.
type expectation struct {
	Alerts []map[string]any `json:"alerts"`
}

func readExpectation(path string) (*expectation, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, usageError(fmt.Errorf("read expected alerts: %w", err))
	}
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(data, &keys); err != nil {
		return nil, usageError(fmt.Errorf("%s: %w", path, err))
	}
	if _, ok := keys["alerts"]; !ok {
		return nil, usageError(fmt.Errorf(`%s: there is no "alerts" list to compare with`, path))
	}
	var e expectation
	if err := json.Unmarshal(data, &e); err != nil {
		return nil, usageError(fmt.Errorf("%s: %w", path, err))
	}
	return &e, nil
}

// compare is what differs, a line each: alerts that were expected and are not there, and such as were not expected.
func (e *expectation) compare(alerts []alertReport) ([]string, error) {
	data, err := json.Marshal(alerts)
	if err != nil {
		return nil, err
	}
	var got []map[string]any
	if err := json.Unmarshal(data, &got); err != nil {
		return nil, err
	}
	used := make([]bool, len(got))
	var diff []string
	wanted := slices.Clone(e.Alerts) // the most exact first, so that a vague one does not take its match
	slices.SortStableFunc(wanted, func(a, b map[string]any) int { return cmp.Compare(len(b), len(a)) })
	for _, want := range wanted {
		found := false
		for i := range got {
			if !used[i] && covers(got[i], want) {
				used[i], found = true, true
				break
			}
		}
		if !found {
			line, err := json.Marshal(want)
			if err != nil {
				return nil, err
			}
			diff = append(diff, "expected, not found: "+string(line))
		}
	}
	for i, a := range alerts {
		if !used[i] {
			var by []string
			for _, p := range a.by {
				by = append(by, p.Name+"="+p.Value)
			}
			diff = append(diff, fmt.Sprintf("found, not expected: %s %s %s count %d, first %s",
				a.Rule, a.Severity, strings.Join(by, " "), a.Count, a.First.Format("2006-01-02T15:04:05Z")))
		}
	}
	return diff, nil
}

// covers says whether got has everything that want names: the same scalars and lists, and of objects the keys that want
// has.
func covers(got, want any) bool {
	w, ok := want.(map[string]any)
	if !ok {
		return reflect.DeepEqual(got, want)
	}
	g, ok := got.(map[string]any)
	if !ok {
		return false
	}
	for key, value := range w {
		if v, ok := g[key]; !ok || !covers(v, value) {
			return false
		}
	}
	return true
}
