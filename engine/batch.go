package engine

import (
	"detect/rules/hit"
)

// Item is one decoded record as the engine sees it: what it is, when it happened, and what matched it.
type Item struct {
	Time    int64      // of the record, microseconds UTC
	ID      hit.ID     // its identity
	Stream  string     // what delivered it
	Content uint64     // digest of its content: copies of one identity with another content are variants
	Arrived int64      // when the source received it, by the source's wall clock, microseconds
	Future  bool       // dated after the wall clock at its arrival: moves no watermark
	Hits    []*hit.Hit // one for each rule and entity that it matched; kept by the engine
}

// Batch is what is processed and committed at once.
type Batch struct {
	Items     []Item
	Rejected  int64            // how many more were read that are no usable records
	Rejects   []Reject         // the places and reasons of those, as far as they are to be kept
	Positions []Position       // how far the sources were read with this batch
	ReadTo    map[string]int64 // by stream: the event time up to which its listing was read to its end with this batch
	Absence   int64            // T, the absence clock; a smaller one than before changes nothing
}

// Reject is something that was read and is no usable record: where it stood, and why it was refused. The engine hands it
// on to the store.
type Reject struct {
	Source string // the stream that delivered it
	File   string
	Line   int64 // from 1; 0 if unknown
	Offset int64 // -1 if unknown
	Reason string
}

// Outcome is what became of a batch.
type Outcome struct {
	Counts Counts

	// Revised are the alerts that were opened or revised, each once, in its latest revision, which must not be changed.
	// An alert that is Final in it is in no later Outcome, unless a late record joins it.
	Revised []*Alert

	// More says that further timelines are due: processing another batch, an empty one will do, goes on with them.
	More bool
}
