// Package enginetest holds what the tests of the engine and of its stores have in common: rules of every kind written in
// Go, random histories with delays, repeats, cuts and restarts, a store in memory, and the checks that hold for every
// run.
package enginetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"detect/rules"
	"detect/rules/hit"
)

// Second is the unit of the histories' times, microseconds.
const Second = 1_000_000

// Within is the window of most of the rules, and Lateness the histories' lateness: four times as much.
const (
	Within   = 8 * Second
	Lateness = 4 * Within
)

// The captures of every rule, by their index.
const (
	word = iota
	number
	words
)

var errOdd = errors.New("an odd number can't be compared")

// Rules is rules of every kind, with thresholds and without, rising and not.
func Rules() []*rules.Rule {
	window := func(id string, having func(*hit.Window) (bool, error)) *rules.Rule {
		return &rules.Rule{ID: id, Kind: rules.Window, Within: Within, Quiet: Within, Longest: 60 * Second, Having: having}
	}
	counted := func(id string, th ...rules.Threshold) *rules.Rule {
		r := window(id, thresholds(th))
		r.Rising, r.Thresholds = true, th
		return r
	}
	rs := []*rules.Rule{
		{ID: "match", Kind: rules.Match, Quiet: 3 * Second, Longest: 20 * Second},
		{ID: "match-long", Kind: rules.Match, Quiet: 25 * Second, Longest: 25 * Second},
		counted("count", rules.Threshold{Column: -1, N: 3}),
		counted("distinct", rules.Threshold{Column: word, N: 3}, rules.Threshold{Column: -1, N: 3}),
		counted("distinct-list", rules.Threshold{Column: words, N: 4}),
		window("exactly-three", func(w *hit.Window) (bool, error) { return len(w.Hits) == 3, nil }),
		window("few", func(w *hit.Window) (bool, error) { return len(w.Hits) >= 2 && sum(w) <= 3, nil }),
		window("last-is-greatest", func(w *hit.Window) (bool, error) {
			last := w.Hits[len(w.Hits)-1].Values[number].Num
			if last == 3 {
				return false, errOdd
			}
			return len(w.Hits) > 1 && last >= sum(w)-last, nil
		}),
		window("sum", func(w *hit.Window) (bool, error) { return sum(w) >= 6, nil }),
		{ID: "other-word", Kind: rules.Neighbours, Within: Within, Quiet: Within, Longest: 40 * Second,
			Pair: func(p *hit.Pair) (bool, error) {
				return p.Prev.Values[word].Str < p.Cur.Values[word].Str && p.Gap > 2*Second, nil
			}},
		{ID: "grows", Kind: rules.Neighbours, Within: Within / 2, Quiet: 3 * Within, Longest: 3 * Within,
			Pair: func(p *hit.Pair) (bool, error) {
				if p.Cur.Values[number].Num == 3 {
					return false, errOdd
				}
				return p.Cur.Values[number].Num > p.Prev.Values[number].Num, nil
			}},
	}
	rs[8].Rising = true
	rs[6].Within, rs[6].Quiet, rs[6].Longest = Within/2, Within, 10*Second
	for i, r := range rs {
		r.Index, r.Version, r.By = i, "v1", []string{"user"}
		r.Captures = []rules.Capture{{Name: "word", Kind: hit.Text}, {Name: "number", Kind: hit.Int}, {Name: "words", Kind: hit.Texts}}
		r.SumBy = []rules.SumBy{{X: number, K: word}}
		r.Attack = []rules.Technique{{Tactic: "impact", ID: "T1486"}}
		r.Describe = describe
	}
	return rs
}

// thresholds is the condition that they stand for, in the plainest code.
func thresholds(th []rules.Threshold) func(*hit.Window) (bool, error) {
	return func(w *hit.Window) (bool, error) {
		for _, x := range th {
			n := int64(len(w.Hits))
			if x.Column >= 0 {
				different := map[string]bool{}
				for _, h := range w.Hits {
					h.Values[x.Column].Each(func(v hit.Value) { different[v.String()] = true })
				}
				n = int64(len(different))
			}
			if n < x.N {
				return false, nil
			}
		}
		return true, nil
	}
}

func sum(w *hit.Window) (n int64) {
	for _, h := range w.Hits {
		n += h.Values[number].Num
	}
	return n
}

// describe writes all that a view says into the title, so that comparing titles compares views.
func describe(v *hit.View) (rules.Description, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "%q %d in %d-%d, by word %v", v.Key, v.Count, v.First, v.Last, v.SumBy)
	for _, c := range v.Columns {
		fmt.Fprintf(&b, "; %v of %d: %d different, sum %v, %v to %v, %v to %v, counts", c.Kind, c.Len, c.Distinct, c.Sum, c.Min, c.Max, c.First, c.Last)
		for _, n := range c.Counts {
			fmt.Fprintf(&b, " %v*%d", n.Value, n.N)
		}
		fmt.Fprintf(&b, ", %v", c.Bare)
	}
	if v.Pair != nil {
		fmt.Fprintf(&b, "; pair %v %v %d %q", v.Pair.Prev.Values, v.Pair.Cur.Values, v.Pair.Gap, v.Pair.Key)
	}
	fmt.Fprintf(&b, "; sets %v, approximate %v", v.Sets, v.Approximate)
	sev := max(v.Severity, hit.Severity(min(v.Count/10, 4)))
	d := rules.Description{Title: b.String(), Severity: sev, Respond: fmt.Sprintf("Get-Mailbox %d", v.Count)}
	if v.Count == 7 {
		return d, errOdd
	}
	return d, nil
}

// event is what a record of a history says.
type event struct {
	time   int64
	id     byte
	user   string
	word   string
	number int64
	words  []string
	which  uint16 // the rules that match it
	hidden uint16 // the rules that an exception hides it from
	rank   hit.Rank
	digest uint64 // of its content: of variants it may be equal, and so may the rank
}

// hits are the hits of the event under the rules rs.
func (e *event) hits(rs []*rules.Rule) (hs []*hit.Hit) {
	for i, r := range rs {
		if e.which>>i&1 == 0 {
			continue
		}
		h := &hit.Hit{Rule: i, Key: hit.EncodeKey(e.user), Time: e.time, ID: e.identity(), RecordID: fmt.Sprintf("r%d", e.id),
			Rank: e.rank, Hidden: e.hidden>>i&1 == 1,
			Values: []hit.Value{word: hit.OfText(e.word), number: hit.OfInt(e.number), words: hit.OfTexts(slices.Clone(e.words))}}
		if r.Kind == rules.Match {
			h.Severity = hit.Severity(e.number)
		}
		hs = append(hs, h)
	}
	return hs
}

func (e *event) identity() hit.ID { return hit.ID{0: e.id, 15: byte(e.time / Second)} }
