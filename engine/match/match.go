// Package match finds the rules that a record fulfils, and makes their hits. It holds no state but counts: what a record
// yields depends on the record, the rules, the lists and the places alone.
//
// Rules are indexed by operation, so that a record which no rule wants costs next to nothing. Each rule's condition is cut
// at its top-level &&; parts that several rules share are evaluated once a record, the cheap ones first.
package match

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"detect/internal/record"
	"detect/rules"
	"detect/rules/expr"
	"detect/rules/hit"
)

// Matcher is a set of rules, indexed. It is immutable and for any number of goroutines.
type Matcher struct {
	world    *expr.World
	rules    []*rules.Rule
	exact    map[string][]int // by folded operation
	prefixes []prefix
	any      []int
	clock    func() int64
}

// prefix is what operations of some rules begin with.
type prefix struct {
	text  string // folded
	rules []int
}

// New indexes the rules that were compiled in a world. Disabled rules are left out, and rules that have no Matching, which
// are not over records.
func New(w *expr.World, rs []*rules.Rule) *Matcher {
	m := &Matcher{world: w, rules: rs, exact: make(map[string][]int)}
	prefixes := make(map[string][]int)
	for i, r := range rs {
		if r.Status == rules.Disabled || r.Matching == nil {
			continue
		}
		for _, op := range r.Matching.Operations {
			op = strings.TrimSpace(op)
			if before, ok := strings.CutSuffix(op, "*"); ok {
				key := record.OperationKey(before)
				prefixes[key] = append(prefixes[key], i)
			} else if strings.EqualFold(op, "any") {
				m.any = append(m.any, i)
			} else {
				key := record.OperationKey(op)
				m.exact[key] = append(m.exact[key], i)
			}
		}
	}
	for text, rs := range prefixes {
		m.prefixes = append(m.prefixes, prefix{text, rs})
	}
	slices.SortFunc(m.prefixes, func(a, b prefix) int { return cmp.Compare(a.text, b.text) })
	return m
}

// Measure makes workers that are made later measure how long rules take, by a clock in nanoseconds, on one record in 64.
func (m *Matcher) Measure(clock func() int64) { m.clock = clock }

// measureEvery is of how many records one is measured.
const measureEvery = 64

// lookup is the rules over an operation, by index, in the order of the set.
func (m *Matcher) lookup(operation string) []int {
	found := append(slices.Clone(m.exact[operation]), m.any...)
	for _, p := range m.prefixes {
		if strings.HasPrefix(operation, p.text) {
			found = append(found, p.rules...)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// Wants says whether any rule is over records of that operation, as it is written in records.
func (m *Matcher) Wants(operation string) bool {
	return len(m.lookup(record.OperationKey(operation))) > 0
}

// RuleStats is what became of the records that one rule was asked about.
type RuleStats struct {
	Evaluated   int64   // records of its operations
	Matched     int64   // records that made a hit, hidden ones too
	NoEntity    int64   // records that matched, but belong to no entity
	NoPlace     int64   // records that matched, but whose place, which the rule compares, is not known
	Errors      int64   // records for which an expression could not be evaluated
	FirstError  string  // the text of the first of them; empty if there is none
	ErrorRecord string  // the Id of that record
	Suppressed  []int64 // hits hidden, by exception
	Nanoseconds int64   // spent on the rule, estimated from the records that were measured; 0 if none was
}

// Add adds what another worker counted.
func (s *RuleStats) Add(o RuleStats) {
	s.Evaluated += o.Evaluated
	s.Matched += o.Matched
	s.NoEntity += o.NoEntity
	s.NoPlace += o.NoPlace
	s.Errors += o.Errors
	s.Nanoseconds += o.Nanoseconds
	if s.FirstError == "" {
		s.FirstError, s.ErrorRecord = o.FirstError, o.ErrorRecord
	}
	for len(s.Suppressed) < len(o.Suppressed) {
		s.Suppressed = append(s.Suppressed, 0)
	}
	for i, n := range o.Suppressed {
		s.Suppressed[i] += n
	}
}

// maxOperations bounds how many operations a worker remembers the rules of: operations are written by others.
const maxOperations = 4096

// Worker matches records. It is for one goroutine.
type Worker struct {
	m      *Matcher
	frame  *expr.Frame
	byOp   map[string][]int
	stats  []RuleStats
	values []hit.Value // of the rule at hand, copied into its hits
	owners []expr.Entity
	turn   int     // records that some rule is over
	timed  int     // those of them that were measured
	spent  []int64 // on the measured ones, by rule, nanoseconds
}

// NewWorker makes a worker.
func (m *Matcher) NewWorker() *Worker {
	w := &Worker{m: m, frame: m.world.NewFrame(), byOp: make(map[string][]int), stats: make([]RuleStats, len(m.rules)), spent: make([]int64, len(m.rules))}
	for i, r := range m.rules {
		if r.Matching != nil && r.Matching.Exceptions > 0 {
			w.stats[i].Suppressed = make([]int64, r.Matching.Exceptions)
		}
	}
	return w
}

// Stats is what was counted so far, by the rule's index. It must not be changed, and is valid until the next Match.
func (w *Worker) Stats() []RuleStats {
	if w.timed > 0 {
		for i, ns := range w.spent {
			w.stats[i].Nanoseconds = int64(float64(ns) * float64(w.turn) / float64(w.timed))
		}
	}
	return w.stats
}

// Match appends to dst the hits that a record makes, in the order of the rules and, within one rule, of its keys. A record
// without a time makes none.
func (w *Worker) Match(rec *record.Record, dst []*hit.Hit) []*hit.Hit {
	operation := rec.OperationKey()
	found, ok := w.byOp[operation]
	if !ok {
		if len(w.byOp) >= maxOperations {
			clear(w.byOp)
		}
		found = w.m.lookup(operation)
		w.byOp[strings.Clone(operation)] = found
	}
	if len(found) == 0 {
		return dst
	}
	at, ok := rec.Time()
	if !ok {
		return dst
	}
	w.frame.Reset(rec)
	w.turn++
	if w.m.clock != nil && w.turn%measureEvery == 1 {
		return w.measured(found, at, rec, dst)
	}
	for _, i := range found {
		dst = w.rule(i, at, rec, dst)
	}
	return dst
}

// measured is the loop of Match with a clock. What rules share counts for the first that needs it.
func (w *Worker) measured(found []int, at int64, rec *record.Record, dst []*hit.Hit) []*hit.Hit {
	w.timed++
	before := w.m.clock()
	for _, i := range found {
		dst = w.rule(i, at, rec, dst)
		now := w.m.clock()
		w.spent[i] += now - before
		before = now
	}
	return dst
}

// rule appends the hits of one rule.
func (w *Worker) rule(i int, at int64, rec *record.Record, dst []*hit.Hit) []*hit.Hit {
	m, stats := w.m.rules[i].Matching, &w.stats[i]
	stats.Evaluated++
	holds, err := m.Match(w.frame)
	if err != nil {
		stats.fail(rec, err)
	}
	if !holds {
		return dst
	}
	var known bool
	w.values, known, err = m.Captures(w.frame, w.values[:0])
	if err != nil {
		if stats.fail(rec, err); !errors.Is(err, expr.ErrCut) {
			return dst
		}
	}
	if !known {
		stats.NoPlace++
		return dst
	}
	w.owners = m.Entities(w.frame, w.values, w.owners[:0])
	if len(w.owners) == 0 {
		stats.NoEntity++
		return dst
	}
	stats.Matched++
	h := w.hit(i, at, rec)
	for _, owner := range w.owners {
		own := h
		own.Key, own.Values = owner.Key, m.Values(owner, w.values)
		dst = append(dst, &own)
	}
	clear(w.owners)
	return dst
}

// hit makes a hit that has neither key nor values yet.
func (w *Worker) hit(i int, at int64, rec *record.Record) hit.Hit {
	m, stats := w.m.rules[i].Matching, &w.stats[i]
	exception, err := m.Excepted(w.frame, at, w.values)
	if exception >= 0 {
		stats.Suppressed[exception] += int64(len(w.owners))
	}
	severity, fault := m.Severity(w.frame, w.values)
	if fault != nil {
		severity = hit.Medium // neither hidden at the end of a list nor a false alarm
	}
	if err == nil {
		err = fault
	}
	if err != nil {
		stats.fail(rec, err)
	}
	v := rec.Variant()
	return hit.Hit{
		Rule: i, Time: at, ID: hit.ID(rec.Identity()), RecordID: expr.CutText(rec.Text(record.FId)),
		Rank:   hit.Rank{Whole: v.Whole, Size: v.Size, Digest: v.Digest},
		Hidden: exception >= 0, Severity: severity,
	}
}

func (s *RuleStats) fail(rec *record.Record, err error) {
	s.Errors++
	if s.FirstError == "" {
		s.FirstError, s.ErrorRecord = err.Error(), expr.CutText(rec.Text(record.FId))
	}
}
