// Package rules loads, checks and compiles the rule format, and holds the shipped pack.
//
// A rule is written in YAML with CEL expressions. Everything about it is checked when it is loaded; what is left is
// immutable and safe for use by any number of goroutines.
package rules

import (
	"detect/rules/expr"
	"detect/rules/hit"
)

// Kind is what makes a rule's hits an alert.
type Kind uint8

// The kinds of rule.
const (
	Match      Kind = iota // every hit is a mark
	Window                 // `within` with `having`: hits of one entity, counted over time
	Neighbours             // `neighbours`: two adjacent hits of one entity
)

func (k Kind) String() string { return [...]string{"match", "window", "neighbours"}[k] }

// Status is whether a rule's alerts are sent.
type Status uint8

// The statuses of a rule.
const (
	Stable   Status = iota // its alerts are sent
	Staged                 // its alerts are stored and counted, and not sent
	Disabled               // it does not run
)

func (s Status) String() string { return [...]string{"stable", "staged", "disabled"}[s] }

// Capture is a named value that a hit carries.
type Capture struct {
	Name string
	Kind hit.Kind
}

// Exception hides hits from a rule.
type Exception struct {
	Name, Reason, Owner string
	Expires             string // the last day, as written; empty: no end
	Until               int64  // records dated at or after this are not hidden, microseconds: the end of that day, UTC; 0: no end
	File                string // where it was written
	Line                int
}

// Technique is one ATT&CK technique under a tactic.
type Technique struct {
	Tactic string // short name, such as "defense-evasion"
	ID     string // such as "T1564.008"
}

// Rule is a compiled rule. The functions are never nil where their comment does not say so, may be called from any
// goroutine, and depend on their arguments alone. An error of theirs is an evaluation error: it is counted and shown,
// and the condition counts as not fulfilled.
type Rule struct {
	Index   int    // in its Set
	ID      string // unique in its Set
	Version string // digest of what decides when it fires: state belongs to (ID, Version)
	File    string // where it was written
	Line    int

	Title, Description string // what the rule is called
	AlertTitle         string // the template of its alerts' titles as written; empty: the rule's title and the entity
	Severity           string // as written: a name or an expression
	References         []string
	FalsePositives     []string
	Attack             []Technique
	Risk               int // 0-100; of a rule whose severity is an expression and that sets none, the risk of a medium one
	Status             Status
	Operations         []string // as written

	Kind       Kind
	By         []string // names of the entity's parts; empty: the whole tenant
	Captures   []Capture
	Exceptions []Exception
	Tests      []Test         // those of the document that the rule was read from
	Matching   *expr.Matching // makes hits of records

	Within  int64 // microseconds; 0 for match rules
	Quiet   int64 // the gap that ends an alert, microseconds, at least Within
	Longest int64 // the longest that an alert lasts before a new one begins, microseconds

	// Having says whether a window fires. Rising says that it can only go from false to true as hits are added, so that
	// it may be acted on at once. Thresholds, if not nil, is the same condition as a conjunction of thresholds, for
	// incremental evaluation. Window rules only.
	Having     func(*hit.Window) (bool, error)
	Rising     bool
	Why        string // a sentence that tells why it is rising, or what keeps it from it
	Thresholds []Threshold

	// Pair says whether two adjacent hits are marks. Neighbours rules only.
	Pair func(*hit.Pair) (bool, error)

	// SumBy lists the sums that the view of this rule's alerts must hold: of column X, the greatest value for each
	// distinct value of column K, added up.
	SumBy []SumBy

	// Describe makes an alert's title, severity and response commands from what it shows. On an error the title is
	// still usable: it says what could not be evaluated.
	Describe func(*hit.View) (Description, error)

	recipe *spec // what it was compiled from
}

// SumBy names two captures by their index.
type SumBy = expr.SumBy

// Threshold is `count >= N` (Column < 0) or `distinct(column) >= N`.
type Threshold = expr.Threshold

// Description is what an alert says of itself.
type Description struct {
	Title    string
	Severity hit.Severity
	Risk     int    // 0-100
	Respond  string // PowerShell, one command a line; may be empty
}
