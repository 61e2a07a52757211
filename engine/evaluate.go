package engine

import (
	"slices"
	"sort"

	"detect/rules"
	"detect/rules/hit"
)

// evaluate brings the flags up to date: those of hits at or after the earliest change, and for conditions that wait for
// the absence clock those that it has passed since. Hits before are not looked at again, because a window ends, and a
// pair ends, at the hit that has the flag.
func (t *timeline) evaluate(absence int64) {
	waits := t.rule.Kind == rules.Window && !t.rule.Rising
	if waits && absence > t.evaled {
		t.clean = min(t.clean, t.evaled+1)
	}
	t.evaled = max(t.evaled, absence)
	from := len(t.hits)
	if from > 0 && t.clean <= t.hits[from-1].Time {
		from = sort.Search(from, func(i int) bool { return t.hits[i].Time >= t.clean })
	}
	clean := t.clean
	t.clean = never
	if from == len(t.hits) || t.rule.Kind == rules.Match {
		return
	}
	v, at := t.hits, []int(nil)
	if t.hidden > 0 {
		v, at = t.visible()
	}
	first := sort.Search(len(v), func(i int) bool { return v[i].Time >= clean })
	on := func(k int) *uint8 {
		if at != nil {
			k = at[k]
		}
		return &t.flags[k]
	}
	if t.rule.Kind == rules.Neighbours {
		t.evaluatePairs(v, first, on)
		return
	}
	for i := from; i < len(t.flags); i++ {
		t.flags[i] = 0
	}
	if t.rule.Thresholds != nil {
		t.evaluateThresholds(v, first, at == nil, on)
	} else {
		t.evaluateWindows(v, first, on)
	}
}

// visible is the hits that no exception hides, and their indexes.
func (t *timeline) visible() (v []*hit.Hit, at []int) {
	for i, h := range t.hits {
		if !h.Hidden {
			v, at = append(v, h), append(at, i)
		}
	}
	return v, at
}

// evaluatePairs compares each hit of v from first on with the one before it.
func (t *timeline) evaluatePairs(v []*hit.Hit, first int, on func(int) *uint8) {
	changed := int64(0)
	if first < len(v) {
		changed = v[first].Time
	}
	for k := first; k < len(v); k++ {
		if t.faults.oneSided && v[k].Time != changed {
			continue
		}
		*on(k) = 0
		if k == 0 || v[k].Time-v[k-1].Time >= t.rule.Within {
			continue
		}
		ok, err := t.rule.Pair(pairOf(t.key, v[k-1], v[k]))
		if t.stats.failed(err); ok && err == nil {
			*on(k) = fires
		}
	}
}

// windows calls f with each window v[lo:hi] that ends at a time of v[first:], those after the absence clock left out if
// the rule waits for it. The hits from k on have the time that it ends at.
func (t *timeline) windows(v []*hit.Hit, first int, f func(lo, k, hi int)) {
	lo := first
	if first < len(v) {
		lo = after(v, v[first].Time-t.rule.Within)
	}
	for k := first; k < len(v); {
		end := v[k].Time
		if !t.rule.Rising && end > t.evaled {
			return
		}
		hi := k + 1
		for hi < len(v) && v[hi].Time == end && !t.faults.perHit {
			hi++
		}
		for v[lo].Time <= end-t.rule.Within {
			lo++
		}
		from := lo
		if t.faults.strictEdge {
			from = after(v, end-t.rule.Within-1)
		}
		f(from, k, hi)
		k = hi
	}
}

// evaluateWindows asks the rule about each window.
func (t *timeline) evaluateWindows(v []*hit.Hit, first int, on func(int) *uint8) {
	t.windows(v, first, func(lo, k, hi int) {
		ok, err := t.rule.Having(&hit.Window{Key: t.key, Hits: v[lo:hi:hi]})
		if t.stats.failed(err); ok && err == nil {
			for ; k < hi; k++ {
				*on(k) = fires
			}
		}
	})
}

// evaluateThresholds counts instead, from window to window, and only where there are hits enough. The counter is kept
// for the next time if lasting, that is if v is all hits.
func (t *timeline) evaluateThresholds(v []*hit.Hit, first int, lasting bool, on func(int) *uint8) {
	c := t.window
	if !lasting {
		c = nil
	}
	t.windows(v, first, func(lo, k, hi int) {
		if hi-lo < t.least {
			return
		}
		if c == nil || lo < c.lo {
			c = newCounter(t.rule)
		}
		if c.slide(t.rule, v, lo, hi); c.reached(t.rule) {
			for ; k < hi; k++ {
				*on(k) = fires
			}
		}
	})
	if t.window = nil; lasting {
		t.window = c
	}
}

// marks appends the marks in (from, to] to dst. The flags are up to date.
func (t *timeline) marks(dst []mark, from, to int64) []mark {
	begin, end := after(t.hits, from), len(t.hits)
	if to != never {
		end = after(t.hits, plus(to, t.fwd))
	}
	n := len(dst)
	switch t.rule.Kind {
	case rules.Match:
		for _, h := range t.hits[begin:max(begin, end)] {
			if !h.Hidden && h.Time <= to {
				dst = append(dst, mark{hit: h})
			}
		}
		return dst
	case rules.Window:
		next := int64(never) // the time of the nearest window that fires
		for i := end - 1; i >= begin; i-- {
			h := t.hits[i]
			if t.flags[i]&fires != 0 {
				next = h.Time
			}
			if !h.Hidden && h.Time <= to && next != never && next-h.Time < t.rule.Within {
				dst = append(dst, mark{hit: h})
			}
		}
	case rules.Neighbours:
		next := false // whether the pair with the next visible hit fires
		for i := end - 1; i >= begin; i-- {
			h := t.hits[i]
			if h.Hidden {
				continue
			}
			own := t.flags[i]&fires != 0
			if h.Time <= to && (own || next) {
				m := mark{hit: h}
				if prev := t.before(i); own && prev != nil {
					m.pair = pairOf(t.key, prev, h)
				}
				dst = append(dst, m)
			}
			next = own
		}
	}
	slices.Reverse(dst[n:])
	return dst
}

// before is the visible hit before the i-th, nil if there is none.
func (t *timeline) before(i int) *hit.Hit {
	for i--; i >= 0; i-- {
		if !t.hits[i].Hidden {
			return t.hits[i]
		}
	}
	return nil
}
