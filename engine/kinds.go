package engine

import (
	"slices"
	"sort"

	"detect/rules"
	"detect/rules/hit"
)

// second is the clock's granularity: the records' times have whole seconds.
const second = 1_000_000

// reach is how far around a hit a kind looks to say whether it is a mark: hits in [x - back, x + fwd], microseconds.
func reach(r *rules.Rule) (back, fwd int64) {
	switch r.Kind {
	case rules.Window, rules.Neighbours:
		return r.Within, r.Within
	default:
		return 0, 0
	}
}

// mark is a hit that makes an alert. pair is the pair that fired with it as the later hit; neighbours rules only.
type mark struct {
	hit  *hit.Hit
	pair *hit.Pair
}

// marks is the specification: which of the hits hs of one rule and key, sorted by (time, identity), are marks, if the
// absence clock shows t. It is the plainest code that says so; what the engine runs is held to it by the tests.
// Evaluation errors count as not fulfilled.
func marks(r *rules.Rule, key string, hs []*hit.Hit, t int64) []mark {
	v := visible(hs)
	var ms []mark
	switch r.Kind {
	case rules.Match:
		for _, x := range v {
			ms = append(ms, mark{hit: x})
		}
	case rules.Window:
		fires := map[int64]bool{}
		for _, h := range v {
			if _, done := fires[h.Time]; !done && (r.Rising || h.Time <= t) {
				ok, err := r.Having(&hit.Window{Key: key, Hits: between(v, h.Time-r.Within, h.Time)})
				fires[h.Time] = ok && err == nil
			}
		}
		for _, x := range v {
			if slices.ContainsFunc(v, func(h *hit.Hit) bool {
				return h.Time >= x.Time && h.Time < x.Time+r.Within && fires[h.Time]
			}) {
				ms = append(ms, mark{hit: x})
			}
		}
	case rules.Neighbours:
		for i, x := range v {
			var before, after *hit.Pair
			if i > 0 {
				before = firing(r, key, v[i-1], x)
			}
			if i+1 < len(v) {
				after = firing(r, key, x, v[i+1])
			}
			if before != nil || after != nil {
				ms = append(ms, mark{hit: x, pair: before})
			}
		}
	}
	return ms
}

// firing is the pair of two adjacent hits if the rule fires for it, else nil.
func firing(r *rules.Rule, key string, a, b *hit.Hit) *hit.Pair {
	if b.Time-a.Time >= r.Within {
		return nil
	}
	p := pairOf(key, a, b)
	if ok, err := r.Pair(p); !ok || err != nil {
		return nil
	}
	return p
}

func pairOf(key string, a, b *hit.Hit) *hit.Pair {
	return &hit.Pair{Key: key, Prev: a, Cur: b, Gap: b.Time - a.Time + second}
}

// visible is the hits that no exception hides. It is hs itself if none is hidden.
func visible(hs []*hit.Hit) []*hit.Hit {
	if !slices.ContainsFunc(hs, func(h *hit.Hit) bool { return h.Hidden }) {
		return hs
	}
	v := make([]*hit.Hit, 0, len(hs))
	for _, h := range hs {
		if !h.Hidden {
			v = append(v, h)
		}
	}
	return v
}

// between is the hits in (from, to] of sorted ones.
func between(hs []*hit.Hit, from, to int64) []*hit.Hit {
	return hs[after(hs, from):after(hs, to)]
}

// after is the index of the first hit later than t.
func after(hs []*hit.Hit, t int64) int {
	return sort.Search(len(hs), func(i int) bool { return hs[i].Time > t })
}

// markOf names the hit.
func markOf(h *hit.Hit) Mark { return Mark{Time: h.Time, ID: h.ID} }
