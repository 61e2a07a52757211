package expr

import (
	"fmt"
	"math"

	celast "github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"

	"detect/rules/hit"
)

// analyse tells whether a condition on a window is rising, and which thresholds it is made of.
func (b *Builder) analyse(src string, c *code) (Having, []Issue) {
	h := Having{}
	a := &analysis{b: b, pos: newPositions(src, c.ast)}
	e := c.ast.Expr()
	h.Rising = a.rising(e)
	if h.Rising {
		h.Why = "rising: more records can only make it true, so it fires at once"
	} else {
		h.Why = fmt.Sprintf("not rising: more records may make %s false again, so it is decided once all records of that time must have arrived", a.blame)
	}
	if ts, ok := a.thresholds(e, nil); ok {
		h.Thresholds = ts
	}
	return h, a.issues
}

type analysis struct {
	b      *Builder
	pos    *positions
	blame  string // what keeps the condition from being rising
	issues []Issue
}

func (a *analysis) fails(e celast.Expr) bool {
	if a.blame == "" {
		a.blame = a.pos.text(e)
	}
	return false
}

// rising says whether a condition can only go from false to true as hits are added.
func (a *analysis) rising(e celast.Expr) bool {
	switch e.Kind() {
	case celast.LiteralKind:
		return true
	case celast.CallKind:
	default:
		return a.fails(e)
	}
	c := e.AsCall()
	switch c.FunctionName() {
	case operators.LogicalAnd, operators.LogicalOr:
		all := true
		for _, arg := range c.Args() {
			all = a.rising(arg) && all // the faults of every part are wanted
		}
		return all
	}
	k, ok := a.comparison(e)
	if !ok {
		return a.fails(e)
	}
	grows := k.op == operators.GreaterEquals || k.op == operators.Greater
	switch k.what {
	case "count", "distinct":
		if grows {
			a.checkReachable(e, k)
			return true
		}
	case "sum":
		if grows && a.b.neverNegative(k.column) {
			return true
		}
	case "max":
		// The greatest value grows, but of an empty column it is 0: a list may have been empty up to now.
		if grows && (a.b.scalar(k.column) || !k.holds(0)) && a.b.numeric(k.column) {
			return true
		}
	case "min":
		falls := k.op == operators.LessEquals || k.op == operators.Less
		if falls && (a.b.scalar(k.column) || !k.holds(0)) && a.b.numeric(k.column) {
			return true
		}
	}
	return a.fails(e)
}

// comparison is `count >= n`, `distinct(x) >= n` and the like, turned so that the constant stands right.
type comparison struct {
	what   string
	column int // -1: count
	op     string
	n      float64
}

// holds says whether the comparison holds for a value.
func (k comparison) holds(value float64) bool {
	switch k.op {
	case operators.Less:
		return value < k.n
	case operators.LessEquals:
		return value <= k.n
	case operators.Greater:
		return value > k.n
	default:
		return value >= k.n
	}
}

var turned = map[string]string{
	operators.Less: operators.Greater, operators.LessEquals: operators.GreaterEquals,
	operators.Greater: operators.Less, operators.GreaterEquals: operators.LessEquals,
}

func (a *analysis) comparison(e celast.Expr) (comparison, bool) {
	k := comparison{column: -1}
	if e.Kind() != celast.CallKind || turned[e.AsCall().FunctionName()] == "" {
		return k, false
	}
	k.op = e.AsCall().FunctionName()
	left, right := e.AsCall().Args()[0], e.AsCall().Args()[1]
	n, ok := a.b.number(right)
	if !ok {
		if n, ok = a.b.number(left); !ok {
			return k, false
		}
		left, k.op = right, turned[k.op]
	}
	k.n = n
	switch left.Kind() {
	case celast.IdentKind:
		k.what = left.AsIdent()
		return k, k.what == "count"
	case celast.CallKind:
		c := left.AsCall()
		if k.what = c.FunctionName(); c.IsMemberFunction() || len(c.Args()) != 1 {
			return k, false
		}
		k.column, ok = a.b.column(c.Args()[0])
		return k, ok
	}
	return k, false
}

// number is an expression that depends on nothing but params, as a number.
func (b *Builder) number(e celast.Expr) (float64, bool) {
	var v ref.Val
	switch e.Kind() {
	case celast.LiteralKind:
		v = e.AsLiteral()
	case celast.SelectKind:
		v = b.names.param(e.AsSelect())
	case celast.CallKind:
		return b.arithmetic(e.AsCall())
	}
	switch v := v.(type) {
	case types.Int:
		return float64(v), v > -1<<53 && v < 1<<53
	case types.Double:
		return float64(v), !math.IsNaN(float64(v))
	}
	return 0, false
}

func (b *Builder) arithmetic(c celast.CallExpr) (float64, bool) {
	args := make([]float64, len(c.Args()))
	for i, e := range c.Args() {
		n, ok := b.number(e)
		if !ok {
			return 0, false
		}
		args[i] = n
	}
	var f float64
	switch {
	case c.FunctionName() == operators.Negate && len(args) == 1:
		f = -args[0]
	case len(args) != 2:
		return 0, false
	case c.FunctionName() == operators.Add:
		f = args[0] + args[1]
	case c.FunctionName() == operators.Subtract:
		f = args[0] - args[1]
	case c.FunctionName() == operators.Multiply:
		f = args[0] * args[1]
	default: // of / and % the result depends on the type
		return 0, false
	}
	return f, !math.IsNaN(f) && math.Abs(f) < 1<<53
}

// checkReachable refuses a threshold that no window can reach.
func (a *analysis) checkReachable(e celast.Expr, k comparison) {
	n := k.n
	if k.op == operators.Greater {
		n++
	}
	if n <= MaxThreshold {
		return
	}
	i := Issue{
		Message: fmt.Sprintf("a threshold of %v is never reached: at most %d hits of one entity are kept", n, MaxThreshold),
		Hint:    "count what each record stands for, as in sum(items) with items: record.items()",
	}
	i.Offset, i.End = a.pos.extent(e)
	a.issues = append(a.issues, i)
}

// thresholds is a conjunction of `count >= n` and `distinct(x) >= n`.
func (a *analysis) thresholds(e celast.Expr, into []Threshold) ([]Threshold, bool) {
	if e.Kind() == celast.CallKind && e.AsCall().FunctionName() == operators.LogicalAnd {
		for _, arg := range e.AsCall().Args() {
			var ok bool
			if into, ok = a.thresholds(arg, into); !ok {
				return nil, false
			}
		}
		return into, true
	}
	k, ok := a.comparison(e)
	if !ok || k.what != "count" && k.what != "distinct" {
		return nil, false
	}
	n := int64(math.Ceil(k.n))
	switch k.op {
	case operators.GreaterEquals:
	case operators.Greater:
		n = int64(math.Floor(k.n)) + 1
	default:
		return nil, false
	}
	return append(into, Threshold{k.column, n}), true
}

// scalar says whether each hit has exactly one value of a capture, so that no window is without one.
func (b *Builder) scalar(column int) bool { return b.kinds[column] == b.kinds[column].Element() }

func (b *Builder) numeric(column int) bool {
	k := b.kinds[column].Element()
	return k == hit.Int || k == hit.Double
}

// neverNegative says whether no value of a capture can be below zero, as far as its expression tells.
func (b *Builder) neverNegative(column int) bool {
	c := b.captures[column]
	return c != nil && b.kinds[column] == hit.Int && b.positive(c.ast.Expr())
}

func (b *Builder) positive(e celast.Expr) bool {
	switch e.Kind() {
	case celast.LiteralKind:
		n, ok := e.AsLiteral().(types.Int)
		return ok && n >= 0
	case celast.SelectKind:
		n, ok := b.names.param(e.AsSelect()).(types.Int)
		return ok && n >= 0
	case celast.IdentKind:
		l := b.names.lets[e.AsIdent()]
		return l != nil && b.positive(l.code.ast.Expr())
	case celast.CallKind:
		c := e.AsCall()
		switch c.FunctionName() {
		case "items", "size":
			return true
		case operators.Conditional:
			return b.positive(c.Args()[1]) && b.positive(c.Args()[2])
		case operators.Add, operators.Multiply: // they do not overflow in CEL: that is an error, and no hit
			return b.positive(c.Args()[0]) && b.positive(c.Args()[1])
		}
	}
	return false
}
