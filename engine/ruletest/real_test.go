package ruletest_test

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"detect/engine/match"
	"detect/internal/record"
	"detect/rules"
)

// realData is the folder of records that others wrote, beside the repository; the test is skipped without it.
func realData(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join("..", "..", "..", "shared", "data", name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no real records: %v", err)
	}
	return path
}

func readLines(t *testing.T, path string) [][]byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	s.Buffer(nil, record.MaxSize)
	var lines [][]byte
	for s.Scan() {
		lines = append(lines, slices.Clone(s.Bytes()))
	}
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	return lines
}

// fired is the ids of the records that each match rule of the pack hits in a tenant with those domains.
func fired(t *testing.T, domains []string, lines ...[]byte) map[string][]string {
	t.Helper()
	set, faults := rules.Load(rules.Options{Domains: domains})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	w := match.New(set.World, set.Rules).NewWorker()
	ids := map[string][]string{}
	var r record.Record
	for _, line := range lines {
		if err := r.Parse(line); err != nil {
			t.Fatal(err)
		}
		for _, h := range w.Match(&r, nil) {
			if rule := set.Rules[h.Rule]; rule.Kind == rules.Match {
				ids[rule.ID] = append(ids[rule.ID], h.RecordID)
			}
		}
	}
	for i, s := range w.Stats() {
		if s.Errors > 0 {
			t.Errorf("%s: %d evaluation errors, the first: %s", set.Rules[i].ID, s.Errors, s.FirstError)
		}
	}
	return ids
}

// TestRealVerdicts compares the verdict on each of twelve records with the one that their authors gave.
func TestRealVerdicts(t *testing.T) {
	text, err := os.ReadFile(realData(t, "panther_tests.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Rule     string `json:"rule_id"`
		Test     string
		Expected bool
		Log      json.RawMessage
	}
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	lines := readLines(t, realData(t, "panther.ndjson"))
	ours := map[string]string{
		"Microsoft365.Exchange.External.Forwarding": "exchange-external-forwarding", "Microsoft365.MFA.Disabled": "entra-mfa-disabled",
	}
	n := 0
	for i, c := range cases {
		rule, ok := ours[c.Rule]
		if !ok {
			continue
		}
		n++
		var r record.Record
		if err := r.Parse(lines[i]); err != nil {
			t.Fatal(err)
		}
		var domains []string
		for _, d := range []string{r.Text(record.FOrganizationName), record.Domain(r.User())} {
			if d != "" {
				domains = append(domains, d)
			}
		}
		if got := len(fired(t, domains, lines[i])[rule]) > 0; got != c.Expected {
			t.Errorf("line %d, %s: alert %v, want %v (domains %s)", i+1, c.Test, got, c.Expected, strings.Join(domains, " "))
		}
	}
	if n != 12 {
		t.Errorf("%d cases, want 12", n)
	}
}

// TestRealAttack looks for the staged attack in a tenant's log: of three inbox rules the malicious one alone hides mail.
func TestRealAttack(t *testing.T) {
	text, err := os.ReadFile(realData(t, "sentinel_training_truth.json"))
	if err != nil {
		t.Fatal(err)
	}
	var truth struct {
		Rules []string `json:"malicious_inbox_rule_custom"`
	}
	if err := json.Unmarshal(text, &truth); err != nil {
		t.Fatal(err)
	}
	ids := fired(t, nil, readLines(t, realData(t, "sentinel_training.ndjson"))...)
	if got := ids["exchange-hiding-inbox-rule"]; !slices.Equal(got, truth.Rules) {
		t.Errorf("hiding rules %v, want %v", got, truth.Rules)
	}
	if got := ids["sharepoint-anonymous-link"]; !slices.Equal(got, []string{"51bc597a-c8cf-41d1-ac7f-08d90a5418fc"}) {
		t.Errorf("links for anyone %v", got)
	}
	for rule, got := range ids {
		if rule != "exchange-hiding-inbox-rule" && rule != "sharepoint-anonymous-link" {
			t.Errorf("%s fires too: %v", rule, got)
		}
	}
}
