package engine

import (
	"detect/rules"
)

// episode is a run of marks without a gap above the rule's quiet time, and not longer than its longest: what an alert is
// about.
type episode struct {
	fold
	final bool     // no mark can join or leave any more
	rest  bool     // hits that were only counted may belong to it
	names []string // ids of the alerts whose naming mark is a decided mark of it
}

// joins says whether a mark at t, no earlier than the last one, belongs to e.
func (e *episode) joins(r *rules.Rule, t int64) bool {
	return t-e.last <= r.Quiet && t-e.first < r.Longest
}

// over says whether no mark later than decided can join e any more.
func (e *episode) over(r *rules.Rule, decided int64) bool {
	return decided-e.last >= r.Quiet || decided+1-e.first >= r.Longest
}

// spans says whether e's extent and [from, to] have a point in common.
func (e *episode) spans(from, to int64) bool { return e.first <= to && from <= e.last }

// episodes is the left fold of marks: each joins the episode before or begins another. It starts from open, which may be
// nil and is changed.
func episodes(r *rules.Rule, open *episode, ms []mark) []*episode {
	var es []*episode
	if open != nil {
		es = append(es, open)
	}
	for _, m := range ms {
		if n := len(es); n == 0 || !es[n-1].joins(r, m.hit.Time) {
			es = append(es, &episode{})
		}
		es[len(es)-1].add(r, m)
	}
	return es
}

// clone is an episode that can go on without changing e.
func (e *episode) clone() *episode {
	return &episode{fold: e.fold.clone(), final: e.final, rest: e.rest, names: e.names}
}
