// Package engine turns hits into alerts: timelines, episodes, reconciliation. It knows event time only; the present is
// never asked for.
package engine

import (
	"detect/rules/hit"
)

// Status is where an alert stands.
type Status uint8

// The statuses of an alert. Merged and Withdrawn alerts do not stand.
const (
	Open Status = iota
	Acknowledged
	Closed
	Merged
	Withdrawn
)

func (s Status) String() string {
	return [...]string{"open", "acknowledged", "closed", "merged", "withdrawn"}[s]
}

// Standing says whether an alert of this status stands.
func (s Status) Standing() bool { return s < Merged }

// Reason is why an alert was revised.
type Reason uint8

// The reasons of a revision.
const (
	Opened     Reason = iota // the alert is new
	Grew                     // more marks, later or earlier ones
	Shrank                   // fewer marks
	Changed                  // same marks, but title, severity or values changed
	MergedIn                 // another alert was merged into it
	MergedAway               // it was merged into another: Into
	Gone                     // withdrawn: what made it no longer holds
	Revived                  // it was merged or withdrawn and stands again
	Finished                 // nothing else changed, but nothing can change it any more
	Moved                    // withdrawn and opened elsewhere in one commit: the withdrawn one names the other in Into, that one this in From
)

func (r Reason) String() string {
	return [...]string{"opened", "grew", "shrank", "changed", "merged", "merged away", "withdrawn", "revived", "final", "moved"}[r]
}

// Alert is an episode that was ever seen, in its latest revision.
type Alert struct {
	ID       string // hex digest of (rule, key, naming mark)
	Rule     string
	Version  string // of the rule that raised it
	Key      string
	By       []string // the names of the key's parts
	Title    string
	Respond  string // PowerShell commands, may be empty
	Severity hit.Severity
	Attack   []string // technique ids
	Tactics  []string
	Risk     int
	Status   Status
	Staged   bool
	Late     bool // raised by a record too late for windows

	First, Last int64 // of its marks, microseconds
	Count       int64
	Values      []Values // of each capture, in the rule's order
	Records     []string // Ids of the records that made it, in event-time order, at most 1,000
	Approximate bool     // Count is a lower bound, or a number of distinct values an estimate

	Naming   Mark   // the first mark when it was opened
	Opening  int64  // sequence number of its opening in its timeline, to tell which of two alerts was opened first
	Into     string // id of the alert that it was merged into, or that a withdrawn one moved to
	From     string // id of the withdrawn alert that moved here
	Final    bool   // nothing can change it any more
	Revision int    // 1 for the first
	Reason   Reason // of this revision
	Note     string // what changed, in numbers, for a person
	Revised  int64  // when what it shows was last revised, by the wall clock of the source (the newest Item.Arrived), microseconds
	State    []byte // what the engine must remember of it; opaque to all others; nil: nothing
}

// Values is the distinct values of one capture, as text, sorted.
type Values struct {
	Name   string
	Values []string
}

// Mark names a hit.
type Mark struct {
	Time int64
	ID   hit.ID
}
