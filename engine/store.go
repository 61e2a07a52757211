package engine

import (
	"context"

	"detect/rules/hit"
)

// Timeline names the state of one entity under one version of a rule.
type Timeline struct {
	Rule    string // rule id
	Version string // the rule's version
	Key     string // hit.EncodeKey of the entity
}

// Cell is the part of a timeline's hits whose times lie in one cell.
type Cell struct {
	Start int64  // microseconds
	Data  []byte // nil: the cell is gone
}

// Saved is a timeline as it is stored.
type Saved struct {
	Head  []byte // decided-up-to, carry, open episode
	Cells []Cell // by Start
}

// TimelineWrite changes a stored timeline: its head is replaced and the given cells are replaced or removed; other
// cells stay. A nil Head removes the whole timeline.
type TimelineWrite struct {
	Timeline
	Head  []byte
	Cells []Cell
	Due   int64 // when the timeline must be looked at again though nothing arrives: microseconds of min(F, T); math.MaxInt64: never
}

// Seen is an identity that was accepted, with the digest of one variant of it.
type Seen struct {
	Time    int64  // of the record, microseconds
	ID      hit.ID // identity
	Variant uint64 // digest of its content
	Arrived int64  // by the wall clock of the source, microseconds; it is forgotten 10 days later
}

// Position is how far a source was read.
type Position struct {
	Source string
	Data   []byte
}

// Clocks are the engine's view of time, kept over restarts.
type Clocks struct {
	Frontier   int64            // F; math.MinInt64 before anything is decided
	Absence    int64            // T
	Watermarks map[string]int64 // by stream
}

// Commit is one batch's outcome. It is stored whole or not at all.
type Commit struct {
	Positions []Position
	Seen      []Seen
	Timelines []TimelineWrite
	Alerts    []*Alert // new or revised; each with its latest revision, which is appended to the alert's history
	Clocks    *Clocks  // nil: unchanged
	Counts    Counts   // to be added to the totals
}

// Counts is what became of the records read. Read = Accepted + Duplicate + Rejected.
type Counts struct {
	Read, Accepted, Duplicate, Rejected, Late, Differing int64
}

// Store is what the engine keeps its state in. Only the engine's own goroutine calls it.
type Store interface {
	// Load is a timeline's stored state; ok says whether there is one.
	Load(ctx context.Context, t Timeline) (s Saved, ok bool, err error)
	// Due is the timelines whose Due lies at or before t, in the order of (Due, Rule, Version, Key), at most limit.
	Due(ctx context.Context, t int64, limit int) ([]Timeline, error)
	// Variants is the variants known of each identity, in the order asked.
	Variants(ctx context.Context, ids []Seen) ([][]uint64, error)
	// Alerts is the alerts of one timeline that are not final, and those of it that cover or touch [from, to].
	Alerts(ctx context.Context, t Timeline, from, to int64) ([]*Alert, error)
	// Commit stores one batch's outcome in one transaction.
	Commit(ctx context.Context, c *Commit) error
}
