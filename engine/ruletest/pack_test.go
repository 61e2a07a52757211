package ruletest

import (
	"context"
	"testing"
	"time"

	"detect/rules"
)

// Every shipped rule loads without a fault and without a warning, has a test that fires and a near miss, and passes its
// tests in every order.
func TestShippedRules(t *testing.T) {
	set, faults := rules.Load(rules.Options{})
	if len(faults) > 0 {
		t.Fatal(faults.Detail())
	}
	for _, w := range rules.Lint(set, time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)) {
		if !w.Info {
			t.Error(w.Detail())
		}
	}
	if len(set.Rules) == 0 || len(set.Cases) != len(set.Rules)+len(set.Disabled) {
		t.Errorf("%d rules, %d with tests", len(set.Rules), len(set.Cases))
	}
	results, err := All(context.Background(), set)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if r.Failure != "" {
			t.Error(r)
		}
	}
}
