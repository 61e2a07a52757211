package engine

import (
	"detect/rules"
)

// maxCell is C: how many hits of one timeline are kept for each cell. The rest is counted.
const maxCell = 1024

// cellLength is the length of the cells of a timeline, microseconds: a 64th of what is kept, in whole seconds.
func cellLength(lateness, back, fwd int64) int64 {
	n := (lateness + back + fwd + 64*second - 1) / (64 * second)
	return max(n, 1) * second
}

// cellStart is the start of the cell that t lies in. Cells are aligned to 1970.
func cellStart(t, length int64) int64 {
	n := t / length
	if t%length < 0 {
		n--
	}
	return n * length
}

// cell counts the hits of one stretch of a timeline: the earliest by (time, identity) are kept, the rest is counted.
type cell struct {
	start int64
	n     int64 // hits that were kept, at most maxCell; those that were dropped since as decided are counted on
	rest  int64 // hits that were not
	over  int64 // the time of the earliest of the rest
	dirty bool  // its hits differ from what is stored
	saved bool  // it is stored
}

// blurs says whether the rest of c may belong to an episode of rule r with marks from first to last: whether it lies, or
// may lie, where a mark would join the episode.
func (c *cell) blurs(length int64, r *rules.Rule, first, last int64) bool {
	return c.rest > 0 && c.over <= min(last+r.Quiet, plus(first, r.Longest-1)) && first-r.Quiet < c.start+length
}
