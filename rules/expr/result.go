package expr

import "detect/rules/hit"

// Having is a compiled condition on a window.
type Having struct {
	Eval       func(*hit.Window) (bool, error) // for any goroutine
	Rising     bool                            // it can only go from false to true as hits are added
	Why        string                          // a sentence that tells why it is rising, or what keeps it from it
	Thresholds []Threshold                     // the same condition as a conjunction of thresholds; nil if it is none
}

// Threshold is `count >= N` (Column < 0) or `distinct(column) >= N`.
type Threshold struct {
	Column int // index of the capture
	N      int64
}

// MaxThreshold is the greatest count that a window can be asked to reach: more hits of one entity are not kept.
const MaxThreshold = 1024

// SumBy names two captures by their index: of column X, the greatest value for each distinct value of column K, added up.
type SumBy struct{ X, K int }

// Severity is a compiled severity.
type Severity struct {
	Constant bool                                  // it depends on nothing
	Level    hit.Severity                          // if Constant
	Eval     func(*hit.View) (hit.Severity, error) // of AlertSeverity only; nil otherwise
}

// AlertExpr is a compiled part of a template.
type AlertExpr struct {
	// Eval is, by the expression's type: string, int64, float64, bool, time.Time (UTC), time.Duration, geo.Place,
	// hit.Severity, []string, []int64, []any of
	// these, or *hit.Column where the expression is the bare name of a captured list.
	Eval func(*hit.View) (any, error)
	// PS says that the whole expression is ps(...). Its text is then empty if what it quotes is empty.
	PS bool
	// Text says that Eval can give nothing but text, so that it may stand where no formatting is wanted.
	Text bool
}
