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

	// Due and DueAbsence say when the timeline must be looked at again though nothing arrives: as soon as min(F, T)
	// reaches Due, or T alone reaches DueAbsence. Microseconds; math.MaxInt64: never.
	Due, DueAbsence int64
}

// Seen is an identity that was accepted, with the digest of one variant of it.
type Seen struct {
	Time    int64  // of the record, microseconds
	ID      hit.ID // identity
	Variant uint64 // digest of its content
	Arrived int64  // by the wall clock of the source, microseconds; it is forgotten 10 days later
}

// Position is how far a source was read. A nil Data forgets it.
type Position struct {
	Source string
	Data   []byte
}

// Clocks are the engine's view of time, kept over restarts. Microseconds; math.MinInt64 before anything is known.
type Clocks struct {
	Frontier   int64            // F
	Absence    int64            // T
	Watermarks map[string]int64 // by stream
}

// Commit is one batch's outcome. It is stored whole or not at all. What it holds is not changed after it was handed over,
// and must not be changed by the store.
type Commit struct {
	Positions []Position
	Seen      []Seen
	Timelines []TimelineWrite // at most one for each timeline

	// Alerts are new or revised, at most one entry for each, with its latest revision, which is appended to the alert's
	// history. The engine says whether an alert stands; which of the standing statuses it has belongs to the analyst:
	// Open on an alert that is stored as Acknowledged or Closed leaves that status as it is.
	Alerts []*Alert

	Rejects []Reject // what was read and refused, to be kept for a person to see

	Clocks *Clocks // nil: unchanged
	Counts Counts  // to be added to the totals
}

// Counts is what became of the records read. Read = Accepted + Duplicate + Rejected.
type Counts struct {
	Read, Accepted, Duplicate, Rejected, Late, Differing int64
}

// Store is what the engine keeps its state in. Only the engine's own goroutine calls it.
//
// After an error the engine must not be used any more; a new one, opened on the same store, goes on from the last commit.
type Store interface {
	// Clocks is what the last commit with Clocks stored; ok says whether there was one.
	Clocks(ctx context.Context) (c Clocks, ok bool, err error)
	// Load is a timeline's stored state; ok says whether there is one.
	Load(ctx context.Context, t Timeline) (s Saved, ok bool, err error)
	// Due is the timelines whose Due is at most f or whose DueAbsence is at most t, at most limit of them, in an order
	// that depends on what is stored alone.
	Due(ctx context.Context, f, t int64, limit int) ([]Timeline, error)
	// Variants is the variants known of each identity (Time and ID are what it is asked by), in the order asked; nil for
	// one that is not known.
	Variants(ctx context.Context, ids []Seen) ([][]uint64, error)
	// Alerts is the alerts of one timeline that are not final, whatever their status, and all those of it that touch
	// [from, to], in the order of (Opening, ID). from > to: only those that are not final.
	Alerts(ctx context.Context, t Timeline, from, to int64) ([]*Alert, error)
	// Commit stores one batch's outcome in one transaction.
	Commit(ctx context.Context, c *Commit) error
}
