package engine

import (
	"math"
	"slices"
)

const never = math.MaxInt64

// minus is a - b, stopping at the least number. b is not negative.
func minus(a, b int64) int64 {
	if a < math.MinInt64+b {
		return math.MinInt64
	}
	return a - b
}

// plus is a + b, stopping at the greatest number. b is not negative.
func plus(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// clocks knows the frontier and the absence clock.
type clocks struct {
	lateness, hold int64
	marks          map[string]*int64 // watermarks by stream
	frontier       int64             // F
	absence        int64             // T
	moved          bool              // since the last commit

	last     string // the stream of lastMark, so that a run of records of one stream looks nothing up
	lastMark *int64
}

func newClocks(cfg *Config, saved Clocks, ok bool) *clocks {
	c := &clocks{lateness: cfg.Lateness, hold: cfg.hold(), marks: map[string]*int64{}, frontier: math.MinInt64, absence: math.MinInt64}
	if ok {
		c.frontier, c.absence = saved.Frontier, saved.Absence
		for s, t := range saved.Watermarks {
			if cfg.Streams == nil || slices.Contains(cfg.Streams, s) {
				*c.mark(s) = t
			}
		}
	}
	for _, s := range cfg.Streams {
		c.mark(s)
	}
	return c
}

func (c *clocks) mark(stream string) *int64 {
	if c.lastMark != nil && c.last == stream {
		return c.lastMark
	}
	m := c.marks[stream]
	if m == nil {
		m = new(int64)
		*m = math.MinInt64
		c.marks[stream] = m
	}
	c.last, c.lastMark = stream, m
	return m
}

// saw moves a stream's watermark to t, and the frontier with it.
func (c *clocks) saw(stream string, t int64) {
	m := c.mark(stream)
	if t <= *m {
		return
	}
	*m, c.moved = t, true
	least, greatest := int64(math.MaxInt64), int64(math.MinInt64)
	for _, w := range c.marks {
		least, greatest = min(least, *w), max(greatest, *w)
	}
	c.frontier = max(c.frontier, minus(least, c.lateness), minus(minus(greatest, c.lateness), c.hold))
}

// absent moves the absence clock to t.
func (c *clocks) absent(t int64) {
	if t > c.absence {
		c.absence, c.moved = t, true
	}
}

// decidable is the time before which nothing changes any more for rules over records: min(F, T). It is an argument of
// timeline.advance, not a part of the timeline, because a rule over alerts has to wait for its inputs beyond it.
func (c *clocks) decidable() int64 { return min(c.frontier, c.absence) }

// snapshot is the clocks as they are stored.
func (c *clocks) snapshot() *Clocks {
	s := &Clocks{Frontier: c.frontier, Absence: c.absence, Watermarks: map[string]int64{}}
	for stream, t := range c.marks {
		s.Watermarks[stream] = *t
	}
	return s
}
