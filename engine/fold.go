package engine

import (
	"math"
	"slices"
	"unsafe"

	"detect/rules"
	"detect/rules/hit"
)

// The bounds of what an alert shows.
const (
	maxBare    = 100  // marks whose values a bare list holds
	maxRecords = 1000 // ids of records
	maxSets    = 20   // distinct sets of captured values
)

// fold is what an alert shows, made of its marks one by one, in their order. As long as there are few it is the marks
// themselves; afterwards it is sums, and its size is bounded.
type fold struct {
	count       int64
	naming      Mark  // of the first mark
	first, last int64 // the least and the greatest time
	print       uint64
	pair        *hit.Pair  // the first
	few         []*hit.Hit // all marks, as long as stats is nil
	fewBytes    int        // memory that they hold
	stats       *stats
}

// stats is the part of a fold that summarises.
type stats struct {
	severity hit.Severity
	records  []string
	columns  []column
	sums     []tally // one for each of the rule's SumBy
	sets     [][]hit.Value
	marks    int64
	bytes    int
}

type column struct {
	kind                  hit.Kind
	bare                  []hit.Value
	n                     int64
	sum                   float64
	min, max, first, last hit.Value
	values                tally
}

// valueSize is the bytes of a value without its text.
const valueSize = int(unsafe.Sizeof(hit.Value{}))

// maxFew is how many marks a fold keeps as they are.
const maxFew = 16

// add folds one more mark.
func (f *fold) add(r *rules.Rule, m mark) {
	h := m.hit
	if f.count == 0 {
		f.naming, f.first, f.last = markOf(h), h.Time, h.Time
	}
	f.count++
	f.first, f.last = min(f.first, h.Time), max(f.last, h.Time)
	f.print = printOf(f.print, h)
	if m.pair != nil && f.pair == nil {
		f.pair = m.pair
		f.print = printOf(f.print, m.pair.Prev)
	}
	if f.stats == nil {
		if len(f.few) < maxFew {
			f.few = append(f.few, h)
			f.fewBytes += h.Size()
			return
		}
		f.stats = newStats(r)
		for _, x := range f.few {
			f.stats.add(r, x)
		}
		f.few, f.fewBytes = nil, 0
	}
	f.stats.add(r, h)
}

// printOf folds a hit into a digest of all hits so far: two folds of one rule with equal digests show the same.
func printOf(p uint64, h *hit.Hit) uint64 {
	for _, x := range [...]uint64{le64(h.ID[:8]), le64(h.ID[8:]), uint64(h.Time), h.Rank.Digest} {
		p = spread(p ^ x)
	}
	return p
}

func le64(b []byte) uint64 {
	_ = b[7]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

// clone is a fold that can go on without changing f.
func (f *fold) clone() fold {
	c := *f
	c.few = slices.Clip(f.few)
	if f.stats != nil {
		c.stats = f.stats.clone()
	}
	return c
}

// size is about how many bytes of memory the fold holds; the hits of few marks are counted too.
func (f *fold) size() int {
	n := 160 + f.fewBytes
	if f.stats != nil {
		n += 200 + f.stats.bytes
		for i := range f.stats.columns {
			n += 300 + f.stats.columns[i].values.bytes
		}
		for i := range f.stats.sums {
			n += 64 + f.stats.sums[i].bytes
		}
	}
	return n
}

// own is about how many bytes of memory a fold of hits that are counted elsewhere holds: its lists, not what is in them.
func (f *fold) own() int {
	n := 160 + 8*len(f.few)
	if f.stats != nil {
		n += 200 + 16*len(f.stats.records) + 24*len(f.stats.sets)
		for i := range f.stats.columns {
			c := &f.stats.columns[i]
			n += 300 + valueSize*len(c.bare) + c.values.own()
		}
		for i := range f.stats.sums {
			n += 64 + f.stats.sums[i].own()
		}
	}
	return n
}

func newStats(r *rules.Rule) *stats {
	s := &stats{columns: make([]column, len(r.Captures)), sums: make([]tally, len(r.SumBy))}
	for i, c := range r.Captures {
		s.columns[i].kind = c.Kind.Element()
	}
	return s
}

func (s *stats) add(r *rules.Rule, h *hit.Hit) {
	s.marks++
	s.severity = max(s.severity, h.Severity)
	if len(s.records) < maxRecords {
		s.records = append(s.records, h.RecordID)
		s.bytes += 16 + len(h.RecordID)
	}
	for i := range s.columns {
		if i >= len(h.Values) {
			break
		}
		s.bytes += s.columns[i].add(h.Values[i], s.marks <= maxBare)
	}
	for i, by := range r.SumBy {
		if by.X < len(h.Values) && by.K < len(h.Values) {
			most, any := 0.0, false // the hit's greatest is enough: a list times a list would be very many
			h.Values[by.X].Each(func(x hit.Value) {
				if n := x.Float(); !math.IsNaN(n) && (!any || n > most) { // a NaN is not the greatest of anything
					most, any = n, true
				}
			})
			if any {
				h.Values[by.K].Each(func(k hit.Value) { s.sums[i].add(k, most) })
			}
		}
	}
	s.addSet(h.Values)
}

func (s *stats) addSet(set []hit.Value) {
	if len(s.sets) >= maxSets {
		return
	}
	for _, have := range s.sets {
		if slices.EqualFunc(have, set, func(a, b hit.Value) bool { return hit.CompareValues(a, b) == 0 }) {
			return
		}
	}
	s.sets = append(s.sets, set)
	s.bytes += 24 + valueSize*len(set)
}

// add adds a captured value and says about how many bytes it holds more, its tally apart.
func (c *column) add(v hit.Value, bare bool) (bytes int) {
	switch v.Kind {
	case hit.None:
		return 0
	case hit.Texts, hit.Ints:
		v.Each(func(e hit.Value) { bytes += c.addOne(e, bare) })
		return bytes
	default:
		return c.addOne(v, bare)
	}
}

func (c *column) addOne(v hit.Value, bare bool) (bytes int) {
	c.n++
	switch v.Kind {
	case hit.Int, hit.Double, hit.Duration:
		c.sum += v.Float()
	}
	if c.n == 1 {
		c.min, c.max, c.first = v, v, v
	} else if hit.CompareValues(v, c.min) < 0 {
		c.min = v
	} else if hit.CompareValues(v, c.max) > 0 {
		c.max = v
	}
	c.last = v
	if bare {
		c.bare = append(c.bare, v)
		bytes = valueSize // its text is the tally's
	}
	c.values.add(v, 0)
	return bytes
}

func (s *stats) clone() *stats {
	c := *s
	c.records = slices.Clip(s.records)
	c.sets = slices.Clip(s.sets)
	c.columns = slices.Clone(s.columns)
	for i := range c.columns {
		c.columns[i].bare = slices.Clip(c.columns[i].bare)
		c.columns[i].values = s.columns[i].values.clone()
	}
	c.sums = slices.Clone(s.sums)
	for i := range c.sums {
		c.sums[i] = s.sums[i].clone()
	}
	return &c
}

// summary is the stats of all marks, whether they are kept as they are or not.
func (f *fold) summary(r *rules.Rule) *stats {
	if f.stats != nil {
		return f.stats
	}
	s := newStats(r)
	for _, h := range f.few {
		s.add(r, h)
	}
	return s
}

// view is what the fold shows, s being its summary; rest says that hits that were only counted may belong to it.
func (f *fold) view(r *rules.Rule, key string, s *stats, rest bool) *hit.View {
	v := &hit.View{Key: key, Count: f.count, First: f.first, Last: f.last, Sets: s.sets,
		Severity: s.severity, Approximate: rest, Columns: make([]hit.Column, len(s.columns))}
	if f.pair != nil {
		v.Pair = pairOf(key, f.pair.Prev, f.pair.Cur)
	}
	for i := range s.columns {
		c := &s.columns[i]
		v.Columns[i] = hit.Column{Kind: c.kind, Bare: c.bare, Len: c.n, Counts: c.values.counts(),
			Distinct: c.values.distinct(), Sum: c.sum, Min: c.min, Max: c.max, First: c.first, Last: c.last,
			Approximate: c.values.over}
		v.Approximate = v.Approximate || c.values.over
	}
	for i := range s.sums {
		v.SumBy = append(v.SumBy, s.sums[i].sum())
		v.Approximate = v.Approximate || s.sums[i].over
	}
	return v
}
