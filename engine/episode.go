package engine

import (
	"slices"

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

// prospect is the episodes as they are if nothing more arrives: the open one and those of undecided marks. It is kept from
// one batch to the next, so that only marks that are new at its end must be folded.
type prospect struct {
	marks []mark     // undecided ones, in their order
	eps   []*episode // from the open one on
	stale bool       // it must be made anew
}

// decided tells the prospect that its first mark was decided to be m.
func (p *prospect) decided(m mark) {
	if len(p.marks) == 0 || !p.marks[0].equal(m) {
		p.stale = true
		return
	}
	p.marks = p.marks[1:]
}

// closed tells the prospect that its first episode was closed.
func (p *prospect) closed() {
	if len(p.eps) == 0 {
		p.stale = true
		return
	}
	p.eps = p.eps[1:]
}

// equal says whether two marks are the same hits, in memory.
func (m mark) equal(n mark) bool {
	return m.hit == n.hit && (m.pair == nil) == (n.pair == nil) && (m.pair == nil || m.pair.Prev == n.pair.Prev)
}

// foresee brings the prospect up to date. last says that the timeline is not used any more afterwards.
func (t *timeline) foresee(last bool) {
	p := &t.prov
	ms := t.marks(nil, t.decided, never)
	n := len(p.marks)
	if p.stale || n > len(ms) || !slices.EqualFunc(p.marks, ms[:n], mark.equal) || len(p.eps) == 0 {
		n, p.eps = 0, nil
		if t.acc != nil {
			open := t.acc
			if !last {
				open = open.clone()
			}
			p.eps = []*episode{open}
		}
	}
	if len(p.eps) == 0 {
		p.eps = episodes(t.rule, nil, ms[n:])
	} else {
		end := len(p.eps) - 1
		p.eps = append(p.eps[:end:end], episodes(t.rule, p.eps[end], ms[n:])...)
	}
	for i, e := range p.eps {
		rest, names := t.blurred(e.first, e.last), []string(nil)
		if i == 0 && t.acc != nil {
			rest, names = rest || t.acc.rest, t.acc.names
		}
		e.rest, e.names = rest, names
	}
	p.marks, p.stale = ms, false
}
