// Package ruletest runs the tests that stand beside rules, with the engine that runs in production.
//
// Every test is run in several orders of arrival: as written, shuffled, doubled, one record at a time, in one batch, and
// as a replay of the sorted records. Alerts are a function of the set of records, so all must agree, and then they must
// be what the test expects.
package ruletest

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"

	"detect/engine"
	"detect/engine/match"
	"detect/internal/record"
	"detect/rules"
	"detect/rules/expr"
)

// Result is what became of one test.
type Result struct {
	Rule    string
	Test    string
	File    string
	Line    int
	Failure string // what was not as expected, in lines; empty: the test passed
}

// String is the result in words: one line if the test passed.
func (r Result) String() string {
	if r.Failure == "" {
		return fmt.Sprintf("ok    %s: %s", r.Rule, r.Test)
	}
	return fmt.Sprintf("FAIL  %s: %s (%s:%d)\n      %s", r.Rule, r.Test, r.File, r.Line, strings.ReplaceAll(r.Failure, "\n", "\n      "))
}

// All runs every test of a set, in its order. Only a cancelled context is an error.
func All(ctx context.Context, s *rules.Set) ([]Result, error) {
	var rs []Result
	for _, c := range s.Cases {
		for _, t := range c.Tests {
			if err := ctx.Err(); err != nil {
				return rs, err
			}
			rs = append(rs, Run(ctx, c, t))
		}
	}
	return rs, ctx.Err()
}

// Run runs one test in all orders.
func Run(ctx context.Context, c rules.Case, t rules.Test) Result {
	res := Result{Rule: c.Rule.ID, Test: t.Name, File: t.File, Line: t.Line}
	fail := func(err error) Result {
		res.Failure = err.Error()
		return res
	}
	rule, world, err := c.Compile(t.Given)
	if err != nil {
		return fail(err)
	}
	s, err := prepare(rule, world, t)
	if err != nil {
		return fail(err)
	}
	var first []*engine.Alert
	for i, o := range orders(t.Name) {
		alerts, err := s.run(ctx, o)
		if err != nil {
			return fail(fmt.Errorf("%s: %w", o.name, err))
		}
		if i == 0 {
			first = alerts
			if d := difference(t.Alerts, alerts); d != "" {
				return fail(fmt.Errorf("%s: %s", o.name, d))
			}
			continue
		}
		if was, is := describeAll(first), describeAll(alerts); was != is {
			return fail(fmt.Errorf("the alerts depend on the order of arrival\nas written:\n%s\n%s:\n%s", was, o.name, is))
		}
	}
	return res
}

// delivery is a record of the test with when it arrives.
type delivery struct {
	item    engine.Item
	arrives int64
}

// scene is a test ready to be run.
type scene struct {
	rule     *rules.Rule
	arriving []delivery // in the order of arrival
	until    int64      // the absence clock at the end
	lateness int64
}

const day = 24 * 3600 * 1_000_000

// prepare makes the test's records, and matches them.
func prepare(rule *rules.Rule, world *expr.World, t rules.Test) (*scene, error) {
	worker := match.New(world, []*rules.Rule{rule}).NewWorker()
	s := &scene{rule: rule, until: rules.TestStart}
	oldest := rules.TestStart
	number := 0
	for _, r := range t.Records {
		for k := range r.Repeat {
			d, err := makeRecord(r, number, int64(k))
			if err != nil {
				return nil, fmt.Errorf("record %d: %w", number+1, err)
			}
			var rec record.Record
			if err := parse(&rec, d); err != nil {
				return nil, fmt.Errorf("record %d: %w", number+1, err)
			}
			at, _ := rec.Time()
			s.until, oldest = max(s.until, at), min(oldest, at)
			arrives := rules.TestStart + r.Arrives + int64(k)*r.Every
			s.arriving = append(s.arriving, delivery{arrives: arrives, item: engine.Item{
				Time: at, ID: [16]byte(rec.Identity()), Stream: "test", Content: rec.Content(), Arrived: arrives,
				Hits: worker.Match(&rec, nil),
			}})
			number++
		}
	}
	if st := worker.Stats()[0]; st.Errors > 0 {
		return nil, fmt.Errorf("an expression could not be evaluated for %d records, the first %s: %s", st.Errors, st.ErrorRecord, st.FirstError)
	}
	// The tests ask what a set of records comes to, in any order of arrival: none is late.
	s.lateness = max(3*day, s.until-oldest+day)
	if t.Until >= 0 {
		s.until = rules.TestStart + t.Until
	}
	slices.SortStableFunc(s.arriving, func(a, b delivery) int { return int(min(max(a.arrives-b.arrives, -1), 1)) })
	return s, nil
}

// order is a way for records to arrive.
type order struct {
	name    string
	arrange func([]delivery) []delivery
	batch   func() int // the size of the next batch
	clock   bool       // the absence clock follows the arrivals; else it stands until the end
	replay  bool       // sorted, without lateness
}

func orders(seed string) []order {
	h := fnv.New64a()
	h.Write([]byte(seed))
	random := rand.New(rand.NewPCG(h.Sum64(), 1))
	same := func(ds []delivery) []delivery { return ds }
	all := func() int { return 1 << 30 }
	return []order{
		{name: "as written", arrange: same, batch: func() int { return 16 }, clock: true},
		{name: "shuffled", arrange: func(ds []delivery) []delivery {
			random.Shuffle(len(ds), func(i, j int) { ds[i], ds[j] = ds[j], ds[i] })
			return ds
		}, batch: func() int { return 1 + random.IntN(8) }},
		{name: "doubled", arrange: func(ds []delivery) []delivery {
			var twice []delivery
			for _, d := range ds {
				twice = append(twice, d, d)
			}
			return append(twice, ds...)
		}, batch: func() int { return 5 }},
		{name: "one record at a time", arrange: same, batch: func() int { return 1 }, clock: true},
		{name: "in one batch", arrange: same, batch: all},
		{name: "replayed", arrange: func(ds []delivery) []delivery {
			slices.SortStableFunc(ds, func(a, b delivery) int {
				if a.item.Time != b.item.Time {
					return int(min(max(a.item.Time-b.item.Time, -1), 1))
				}
				return a.item.ID.Compare(b.item.ID)
			})
			return ds
		}, batch: func() int { return 7 }, replay: true},
	}
}

// run is the standing alerts after the records came in an order.
func (s *scene) run(ctx context.Context, o order) ([]*engine.Alert, error) {
	cfg := engine.Config{Lateness: s.lateness, CellLateness: 3 * day, Deferred: o.replay}
	if o.replay {
		cfg.Lateness = 0
	}
	st := newMemory()
	e, err := engine.New(ctx, []*rules.Rule{s.rule}, st, cfg)
	if err != nil {
		return nil, err
	}
	ds := o.arrange(slices.Clone(s.arriving))
	absence := rules.TestStart
	if o.replay {
		absence = s.until
	}
	for len(ds) > 0 {
		n := min(o.batch(), len(ds))
		b := &engine.Batch{Absence: absence}
		for _, d := range ds[:n] {
			b.Items = append(b.Items, d.item)
			if o.clock {
				absence = min(s.until, d.arrives)
			}
		}
		b.Absence = absence
		ds = ds[n:]
		if _, err := e.Process(ctx, b); err != nil {
			return nil, err
		}
	}
	for more := true; more; {
		out, err := e.Process(ctx, &engine.Batch{Absence: s.until})
		if err != nil {
			return nil, err
		}
		more = out.More
	}
	if _, _, err := e.Finish(ctx); err != nil {
		return nil, err
	}
	if stats := e.Stats()[0]; stats.Errors > 0 {
		return nil, fmt.Errorf("an expression could not be evaluated %d times: %s", stats.Errors, stats.FirstError)
	}
	return st.standing(), nil
}
