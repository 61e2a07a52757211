package engine

import (
	"cmp"
)

// Config is how an Engine runs. The zero value is a replay of sorted records that were seen once.
type Config struct {
	// Lateness is how much older a record may be than the newest that its stream delivered before it, microseconds. 0: the
	// records come in the order of time.
	Lateness int64
	// CellLateness is the lateness that the lengths of cells are taken from, so that a replay, which runs with lateness
	// 0, keeps the same hits of a flood as the engine that it stands for, microseconds; 0: Lateness, or if that is 0 too,
	// 72 hours.
	CellLateness int64
	// Hold is how far one stream may fall behind the others before they stop waiting for it, microseconds; 0: 7 days.
	Hold int64
	// Streams are known to deliver though they may not have delivered yet: nothing is decided before each of them has, or
	// Hold lets go of it. If it is not nil, a stored watermark of a stream that is not among them is forgotten, so that a
	// source that was taken out of the configuration holds nothing back.
	Streams []string

	// Distinct says that the caller has taken out repeated items and counts them itself: those with equal time, identity
	// and content. Items of one identity with another content must then follow one another; the first is counted as
	// accepted, the others as nothing.
	Distinct bool
	// Deferred says that no one waits for alerts before they are final, and that no one will go on from the stored
	// state: alerts are told when they are final and by Finish, and timelines are stored when the cache is full. The
	// final alerts are the same.
	Deferred bool

	// CacheBytes is about how much memory timelines may take, bytes; 0: 96 MiB.
	CacheBytes int
	// DueLimit is how many stored timelines that are due without a hit of their own are looked at in one batch; 0: 4096.
	DueLimit int

	cellRoom int64 // hits that a cell keeps; 0: maxCell
	faults   faults
}

const (
	hour = 3600 * second
	day  = 24 * hour

	// forgetAfter is how long a seen identity is kept after it arrived.
	forgetAfter = 10 * day
)

func (c *Config) room() int64     { return cmp.Or(c.cellRoom, maxCell) }
func (c *Config) cells() int64    { return cmp.Or(c.CellLateness, c.Lateness, 72*hour) }
func (c *Config) hold() int64     { return cmp.Or(c.Hold, 7*day) }
func (c *Config) cacheBytes() int { return cmp.Or(c.CacheBytes, 96<<20) }
func (c *Config) dueLimit() int   { return cmp.Or(c.DueLimit, 4096) }

// faults are mistakes that the tests switch on to see that their properties notice them.
type faults struct {
	halfContext     bool // keep and wait for half of what a kind looks at
	decideEarly     bool // decide up to the frontier, without what a kind looks at after a hit
	freezeFrontier  bool // decide what lies on the frontier itself
	forgetOpen      bool // forget the open episode once its hits are dropped
	futureMoves     bool // let records from the future move the watermark
	beyondAbsence   bool // decide beyond the absence clock
	byExtent        bool // reconcile by extents only
	strictEdge      bool // take a window's far edge as part of it
	oneSided        bool // compare a late hit with the hit before it only
	perHit          bool // evaluate a window after each hit, not at each time
	youngerStays    bool // of merged alerts the one opened last stays
	countDuplicates bool // do not look for repeats
	forgetVariants  bool // the first variant stays
	forgetCells     bool // count the hits of a cell anew once they are dropped
}
