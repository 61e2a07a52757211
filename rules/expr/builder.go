package expr

import (
	"detect/rules/hit"
)

// Builder compiles the expressions of one rule. The package comment tells the order of its methods.
type Builder struct {
	world *World
}

// NewBuilder begins a rule. The values of params are string, int64, int, float64, bool, or []any of all strings or of all
// ints; anything else is an issue with the parameter's Name.
func NewBuilder(w *World, params map[string]any) (*Builder, []Issue) { return &Builder{world: w}, nil }

// Let names a part, to be evaluated when it is first used, at most once a record. It may have any type.
func (b *Builder) Let(name, src string) []Issue { return nil }

// Match compiles the condition on a record. A rule without one matches every record of its operations.
func (b *Builder) Match(src string) []Issue { return nil }

// Capture compiles a captured value and tells its kind (hit.None if it has a fault).
func (b *Builder) Capture(name, src string) (hit.Kind, []Issue) { return hit.None, nil }

// By adds a part to the entity: a capture's name, or one of EntityNames.
func (b *Builder) By(name string) []Issue { return nil }

// Except adds an exception, which hides hits dated before until (microseconds; 0: no end).
func (b *Builder) Except(src string, until int64) []Issue { return nil }

// Having compiles the condition on a window.
func (b *Builder) Having(src string) (Having, []Issue) { return Having{}, nil }

// Neighbours compiles the condition on two adjacent hits. The function is for any goroutine.
func (b *Builder) Neighbours(src string) (func(*hit.Pair) (bool, error), []Issue) { return nil, nil }

// HitSeverity compiles the severity of each hit, for match rules. Matching holds it.
func (b *Builder) HitSeverity(src string) (Severity, []Issue) { return Severity{}, nil }

// AlertSeverity compiles the severity of an alert, for every other kind.
func (b *Builder) AlertSeverity(src string) (Severity, []Issue) { return Severity{}, nil }

// Alert compiles what stands in one {{ }} of a title or a response.
func (b *Builder) Alert(src string) (AlertExpr, []Issue) { return AlertExpr{}, nil }

// SumBy is the sums that views of this rule's alerts must hold, for the sumBy of the expressions compiled so far.
func (b *Builder) SumBy() []SumBy { return nil }

// Matching is what matching records against this rule needs. Operations are as written in the rule: a name, a prefix
// ending in `*`, or `any`.
func (b *Builder) Matching(operations []string) *Matching { return nil }
