package ruletest_test

import (
	"context"
	"testing"
	"time"

	"detect/engine/ruletest"
	"detect/rules"
)

// loadPack loads the shipped rules.
func loadPack(t *testing.T) *rules.Set {
	t.Helper()
	set, faults := rules.Load(rules.Options{})
	for _, f := range faults {
		t.Error(f)
	}
	if len(faults) > 0 {
		t.FailNow()
	}
	return set
}

// TestPack runs the tests of all shipped rules.
func TestPack(t *testing.T) {
	set := loadPack(t)
	if len(set.Rules) == 0 {
		t.Fatal("the pack is empty")
	}
	for _, w := range rules.Lint(set, time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)) {
		if !w.Info {
			t.Error(w)
		}
	}
	for _, c := range set.Cases {
		t.Run(c.Rule.ID, func(t *testing.T) {
			fires, silent := false, false
			for _, test := range c.Tests {
				fires, silent = fires || len(test.Alerts) > 0, silent || len(test.Alerts) == 0
				t.Run(test.Name, func(t *testing.T) {
					r := ruletest.Run(context.Background(), c, test)
					if r.Failure != "" {
						t.Errorf("%s:%d: %s", test.File, test.Line, r.Failure)
					}
				})
			}
			if !fires || !silent {
				t.Errorf("it has no test that fires, or none that must not")
			}
		})
	}
}

// TestPackSaysWhatItIs holds every shipped rule to what an analyst needs of it.
func TestPackSaysWhatItIs(t *testing.T) {
	for _, r := range loadPack(t).Rules {
		switch {
		case len(r.Description) < 100:
			t.Errorf("%s: the description is %q", r.ID, r.Description)
		case len(r.Attack) == 0:
			t.Errorf("%s: no technique", r.ID)
		case len(r.FalsePositives) == 0:
			t.Errorf("%s: no false positives", r.ID)
		}
	}
}
