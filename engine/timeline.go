package engine

import (
	"math"
	"slices"
	"sort"

	"detect/rules"
	"detect/rules/hit"
)

// Flags of a hit in a timeline.
const (
	fires = 1 << iota // window rules: the window that ends at its time fires. Neighbours rules: the pair of it and the visible hit before it does
)

// timeline is the state of one entity under one rule.
type timeline struct {
	*lane
	key string

	decided int64      // D: marks up to it are folded
	hits    []*hit.Hit // sorted; those at or before decided - back are dropped
	flags   []uint8    // of the hits; right for those before clean
	clean   int64      // flags are right for hits before it
	hidden  int        // how many of the hits are hidden
	window  *counter   // of a rule with thresholds; nil: to be made
	cells   []cell     // by start
	rests   int        // how many of the cells have a rest
	removed []int64    // starts of stored cells that are to be removed
	acc     *episode   // the open episode of decided marks; nil: none
	prov    prospect   // the open episode and those of undecided marks
	discard bool       // it is told for the last time
	alerts  []*told    // of the open and the undecided episodes, and dead ones that may revive
	taken   []Mark     // naming marks after decided of alerts that are final
	opened  int64      // alerts opened so far
	late    []*Alert   // final alerts that late records joined since the last commit
	evaled  int64      // T when the flags were made

	accDirty, accSaved bool // the stored open episode differs; there is one
	saved              bool // there is a stored head
	dirty              bool // differs from what is stored
	anew               bool // alerts must be described anew though the digests of their folds are the same
	queued             bool // among those to be looked at in this batch

	bytes        int       // memory, about
	hitBytes     int       // of the hits
	dueF, dueT   int64     // when it is due
	inF, inT     int       // its places in the agendas
	newer, older *timeline // in the cache's order of use
}

// lane is what the timelines of one rule have in common.
type lane struct {
	rule      *rules.Rule
	index     int
	back, fwd int64
	length    int64 // of a cell
	room      int64 // hits that a cell keeps
	lateness  int64
	least     int // no window of fewer hits can fire; rules with thresholds only
	faults    *faults
	stats     *RuleStats
}

// told is an alert that can change, or that is dead and may revive, with what the engine knows of it apart.
type told struct {
	*Alert
	extras []*hit.Hit // hits that came too late for the timeline
	more   overflow   // those of them that are only counted
	print  uint64     // of the fold that it was last described from
	blur   bool       // as it was last described
}

// overflow is late hits that an alert counts and doesn't remember.
type overflow struct {
	n           int64
	first, last int64 // their least and greatest time; meaningless if n is 0
}

func (o *overflow) add(p overflow) {
	switch {
	case p.n == 0:
		return
	case o.n == 0:
		*o = p
		return
	}
	o.n, o.first, o.last = o.n+p.n, min(o.first, p.first), max(o.last, p.last)
}

func newTimeline(l *lane, key string) *timeline {
	return &timeline{lane: l, key: key, decided: math.MinInt64, clean: math.MaxInt64, evaled: math.MinInt64,
		dueF: never, dueT: never}
}

// insert adds a hit that lies after what is decided.
func (t *timeline) insert(h *hit.Hit) {
	i := len(t.hits)
	if i > 0 && hit.Compare(t.hits[i-1], h) >= 0 {
		i = sort.Search(len(t.hits), func(j int) bool { return hit.Compare(t.hits[j], h) >= 0 })
		if t.hits[i].Time == h.Time && t.hits[i].ID == h.ID && !t.faults.countDuplicates {
			t.replace(i, h)
			return
		}
	}
	c := t.cell(h.Time)
	if c.n >= t.room {
		last := after(t.hits, c.start+t.length-1) - 1
		if last < 0 || t.hits[last].Time < c.start || hit.Compare(t.hits[last], h) <= 0 {
			t.spill(c, h.Time)
			return
		}
		t.spill(c, t.hits[last].Time)
		t.account(t.hits[last], -1)
		t.hits, t.flags = slices.Delete(t.hits, last, last+1), slices.Delete(t.flags, last, last+1)
	} else {
		c.n++
	}
	c.dirty = true
	if i == len(t.hits) {
		t.hits, t.flags = append(t.hits, h), append(t.flags, 0)
	} else {
		t.hits, t.flags = slices.Insert(t.hits, i, h), slices.Insert(t.flags, i, 0)
	}
	t.account(h, 1)
	t.touch(h.Time)
}

// spill counts a hit at time at that doesn't fit in its cell.
func (t *timeline) spill(c *cell, at int64) {
	if c.rest == 0 {
		t.rests++
	}
	if c.rest == 0 || at < c.over {
		c.over = at
	}
	c.rest++
	t.dirty = true
}

// replace puts another variant of a hit in its place, if it outranks it.
func (t *timeline) replace(i int, h *hit.Hit) {
	if t.faults.forgetVariants || !h.Outranks(t.hits[i]) {
		return
	}
	t.anew = t.anew || h.Rank == t.hits[i].Rank
	t.account(t.hits[i], -1)
	t.account(h, 1)
	t.hits[i] = h
	t.cell(h.Time).dirty = true
	t.touch(h.Time)
}

// account adds a hit's memory, or with n = -1 takes it off.
func (t *timeline) account(h *hit.Hit, n int) {
	t.hitBytes += n * (h.Size() + 9)
	if h.Hidden {
		t.hidden += n
	}
}

// touch notes that what a kind says of hits around time at may have changed.
func (t *timeline) touch(at int64) {
	t.clean = min(t.clean, at)
	t.dirty = true
	if t.window != nil && t.window.newest >= at {
		t.window = nil
	}
}

// cell is the cell of a time, made if need be.
func (t *timeline) cell(at int64) *cell {
	start := cellStart(at, t.length)
	i := len(t.cells)
	if i > 0 && t.cells[i-1].start >= start {
		i = t.cellFrom(start)
		if t.cells[i].start == start {
			return &t.cells[i]
		}
	}
	t.cells = slices.Insert(t.cells, i, cell{start: start})
	return &t.cells[i]
}

// cellFrom is the index of the first cell that starts at or after a time.
func (t *timeline) cellFrom(at int64) int {
	return sort.Search(len(t.cells), func(i int) bool { return t.cells[i].start >= at })
}

// drop forgets hits and cells that no undecided mark depends on.
func (t *timeline) drop() {
	horizon := minus(t.decided, t.back)
	if t.faults.halfContext {
		horizon = minus(t.decided, t.back/2)
	}
	if k := after(t.hits, horizon); k > 0 {
		for i := range k {
			t.account(t.hits[i], -1)
			t.hits[i] = nil
		}
		if t.hits, t.flags = t.hits[k:], t.flags[k:]; len(t.hits) == 0 {
			t.hits, t.flags = nil, nil
		}
		if !t.window.dropped(k) {
			t.window = nil
		}
	}
	if t.faults.forgetOpen && t.acc != nil && t.acc.last <= horizon {
		t.acc, t.accDirty, t.prov.stale = nil, true, true
	}
	keep := t.cells[:0]
	for i := range t.cells {
		c := &t.cells[i]
		if t.faults.forgetCells && c.start <= horizon {
			c.n = 0
		}
		if past := c.start+t.length-1 <= horizon; !past || t.needed(c) {
			keep = append(keep, *c)
		} else {
			t.dirty = true
			if c.rest > 0 {
				t.rests--
			}
			if c.saved {
				t.removed = append(t.removed, c.start)
			}
		}
	}
	t.cells = keep
}

// needed says whether a cell that is past must still be known: hits that it only counted may blur an alert.
func (t *timeline) needed(c *cell) bool {
	if c.rest == 0 {
		return false
	}
	reaches := c.start + t.length - 1 + t.rule.Quiet // the last time of a first mark that the rest could come before
	if t.decided < reaches {
		return true
	}
	return t.acc != nil && !t.acc.rest && t.acc.first <= reaches
}

// blurred says whether hits that were only counted may belong to an episode from first to last.
func (t *timeline) blurred(first, last int64) bool {
	if t.rests == 0 {
		return false
	}
	reach := min(last+t.rule.Quiet, plus(first, t.rule.Longest-1))
	for i := t.cellFrom(first - t.rule.Quiet - t.length + 1); i < len(t.cells) && t.cells[i].start <= reach; i++ {
		if t.cells[i].blurs(t.length, t.rule, first, last) {
			return true
		}
	}
	return false
}

// empty says whether nothing is left that the future depends on.
func (t *timeline) empty() bool {
	return len(t.hits) == 0 && t.acc == nil && len(t.cells) == 0 && len(t.alerts) == 0 && len(t.taken) == 0
}

// reckon computes when the timeline is due: the first values of min(F, T), and of T alone, at which it changes.
func (t *timeline) reckon() {
	t.dueF, t.dueT = never, never
	past := t.fwd + 1 // f - past is decided
	if i := after(t.hits, t.decided); i < len(t.hits) {
		t.dueF = t.hits[i].Time + past
	}
	if t.acc != nil {
		t.dueF = min(t.dueF, t.acc.last+t.rule.Quiet+past, plus(t.acc.first, t.rule.Longest)-1+past)
	}
	for i := range t.cells {
		end := t.cells[i].start + t.length - 1
		switch {
		case end+t.back > t.decided:
			t.dueF = min(t.dueF, end+t.back+past)
		case t.acc == nil:
			t.dueF = min(t.dueF, end+t.rule.Quiet+past)
		}
	}
	for _, a := range t.alerts {
		if a.Naming.Time > t.decided {
			t.dueF = min(t.dueF, a.Naming.Time+past)
		}
	}
	for _, m := range t.taken {
		if m.Time > t.decided {
			t.dueF = min(t.dueF, m.Time+past)
		}
	}
	if t.rule.Kind == rules.Window && !t.rule.Rising {
		if i := after(t.hits, t.evaled); i < len(t.hits) {
			t.dueT = t.hits[i].Time
		}
	}
}

// weigh is about how many bytes of memory the timeline takes, the garbage collector's slack apart.
func (t *timeline) weigh() int {
	n := 512 + len(t.key) + t.hitBytes + 56*len(t.cells) + t.window.size()
	if t.acc != nil {
		n += t.acc.size()
	}
	for _, e := range t.prov.eps {
		n += e.own() // its hits are t's, or those of the open episode
	}
	n += 16 * len(t.prov.marks)
	for _, a := range t.alerts {
		n += 600 + 40*len(a.Records) + len(a.Title) + len(a.Respond) + 200*len(a.extras)
		for _, v := range a.Values {
			n += 48 * len(v.Values)
		}
	}
	return n
}
