package daemon

import (
	"cmp"
	"fmt"

	"detect/engine"
	"detect/engine/match"
	"detect/rules"
)

// ruleCount is what became of the records and timelines that one rule was asked about, since the start of the process.
type ruleCount struct {
	evaluated, matched, noEntity, noPlace, errors int64
	firstError                                    string           // the text of the first error, and the record's id
	suppressed                                    map[string]int64 // by the exception's name
}

// ruleCounts is that by rule id.
type ruleCounts map[string]*ruleCount

func (c ruleCounts) of(id string) *ruleCount {
	n := c[id]
	if n == nil {
		n = &ruleCount{suppressed: map[string]int64{}}
		c[id] = n
	}
	return n
}

// addMatched adds what one worker counted for a set of rules.
func (c ruleCounts) addMatched(set *rules.Set, stats []match.RuleStats) {
	for i := range stats {
		s, rule := &stats[i], set.Rules[i]
		n := c.of(rule.ID)
		n.evaluated += s.Evaluated
		n.matched += s.Matched
		n.noEntity += s.NoEntity
		n.noPlace += s.NoPlace
		n.errors += s.Errors
		if s.FirstError != "" {
			n.firstError = cmp.Or(n.firstError, fmt.Sprintf("record %s: %s", s.ErrorRecord, s.FirstError))
		}
		for j, hidden := range s.Suppressed {
			n.suppressed[rule.Exceptions[j].Name] += hidden
		}
	}
}

// addEngine adds what an engine counted.
func (c ruleCounts) addEngine(stats []engine.RuleStats) {
	for i := range stats {
		n := c.of(stats[i].Rule)
		n.errors += stats[i].Errors
		n.firstError = cmp.Or(n.firstError, stats[i].FirstError)
	}
}

// add adds other counts.
func (c ruleCounts) add(o ruleCounts) {
	for id, s := range o {
		n := c.of(id)
		n.evaluated += s.evaluated
		n.matched += s.matched
		n.noEntity += s.noEntity
		n.noPlace += s.noPlace
		n.errors += s.errors
		n.firstError = cmp.Or(n.firstError, s.firstError)
		for name, hidden := range s.suppressed {
			n.suppressed[name] += hidden
		}
	}
}

// retire adds what was counted for a generation that is over to the pipeline's counts. w.mu is held.
func (w *worker) retire() {
	if w.match == nil {
		return
	}
	w.p.retiredMu.Lock()
	defer w.p.retiredMu.Unlock()
	w.p.retired.addMatched(w.gen.rules, w.match.Stats())
	w.gen, w.match = nil, nil
}

// counts is what all workers counted so far. It waits until each is between two batches, so that nothing is counted twice
// or not at all.
func (p *pipeline) counts() ruleCounts {
	for _, w := range p.workers {
		w.mu.Lock()
		defer w.mu.Unlock()
	}
	p.retiredMu.Lock()
	defer p.retiredMu.Unlock()
	sum := ruleCounts{}
	sum.add(p.retired)
	for _, w := range p.workers {
		if w.match != nil {
			sum.addMatched(w.gen.rules, w.match.Stats())
		}
	}
	return sum
}
