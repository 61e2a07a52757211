package engine

import (
	"detect/rules"
	"detect/rules/hit"
)

// counter holds what the thresholds of a rule need of one window, and slides along the hits of a timeline.
type counter struct {
	lo, hi  int   // the window: indexes of visible hits
	newest  int64 // the time of the last one
	columns []map[valueKey]int32
}

func newCounter(r *rules.Rule) *counter {
	c := &counter{columns: make([]map[valueKey]int32, len(r.Thresholds))}
	for i, th := range r.Thresholds {
		if th.Column >= 0 {
			c.columns[i] = map[valueKey]int32{}
		}
	}
	return c
}

// slide moves the window to v[lo:hi], which doesn't begin before it.
func (c *counter) slide(r *rules.Rule, v []*hit.Hit, lo, hi int) {
	if lo >= c.hi {
		for _, m := range c.columns {
			clear(m)
		}
		c.lo, c.hi = lo, lo
	}
	for ; c.hi < hi; c.hi++ {
		c.count(r, v[c.hi], 1)
	}
	for ; c.lo < lo; c.lo++ {
		c.count(r, v[c.lo], -1)
	}
	c.newest = v[hi-1].Time
}

func (c *counter) count(r *rules.Rule, h *hit.Hit, n int32) {
	for i, th := range r.Thresholds {
		if th.Column < 0 || th.Column >= len(h.Values) {
			continue
		}
		m := c.columns[i]
		h.Values[th.Column].Each(func(v hit.Value) {
			k := keyOf(v)
			if m[k] += n; m[k] == 0 {
				delete(m, k)
			}
		})
	}
}

// reached says whether the window reaches every threshold.
func (c *counter) reached(r *rules.Rule) bool {
	for i, th := range r.Thresholds {
		if th.Column < 0 && int64(c.hi-c.lo) < th.N || th.Column >= 0 && int64(len(c.columns[i])) < th.N {
			return false
		}
	}
	return true
}

// dropped tells the counter that the first k hits are gone. It is false if they were part of its window.
func (c *counter) dropped(k int) bool {
	if c == nil {
		return true
	}
	c.lo, c.hi = c.lo-k, c.hi-k
	return c.lo >= 0
}

// size is about how many bytes of memory the counter takes.
func (c *counter) size() int {
	if c == nil {
		return 0
	}
	n := 64
	for _, m := range c.columns {
		n += 96 * len(m)
	}
	return n
}

// leastHits is the least number of hits that a window of the rule must have to fire: what its thresholds say of single
// values, of which a hit has at most one.
func leastHits(r *rules.Rule) int {
	least := int64(1)
	for _, th := range r.Thresholds {
		if th.Column < 0 {
			least = max(least, th.N)
		} else if k := r.Captures[th.Column].Kind; k == k.Element() {
			least = max(least, th.N)
		}
	}
	return int(min(least, 1<<30))
}
