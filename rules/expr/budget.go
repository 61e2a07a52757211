package expr

import (
	"errors"

	"github.com/google/cel-go/cel"
	celast "github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
)

// MaxSteps is how many steps an expression may take over the lists of one record, window or alert; one that takes more is
// an error. A step is one element looked at; if what is done with an element reaches beyond it, to the record or to the
// element of an outer walk, it counts as more by the size of the record, since such texts may be as long as the record.
//
// cel-go's own cost limit would do the same, but to know the cost it searches a stack that grows with every element: over
// a list of 100,000 elements, which a hostile record can hold, that takes minutes. Steps are counted in the conditions of
// loops instead, for about 0.1 µs each, and expressions without loops cost nothing.
const MaxSteps = 4_000_000

var errTooManySteps = errors.New("the expression takes too many steps over the lists of this record")

// budget is what is left of an evaluation's steps.
type budget struct {
	object
	left   int64
	weight int64 // steps of an element that reaches beyond itself
}

func (b *budget) Value() any                  { return b }
func (b *budget) Equal(other ref.Val) ref.Val { return types.Bool(other == ref.Val(b)) }

func newBudget() *budget { return &budget{object: object{budgetType}, weight: 1} }

// spent says whether the evaluation was cut short, so that its result means nothing.
func (b *budget) spent() bool { return b.left < 0 }

const (
	budgetName    = "@budget"
	tickName      = "@tick"
	heavyTickName = "@heavytick"
)

var budgetType = types.NewObjectType("@budget")

// tickFunctions take steps: as long as there are any left they pass on a loop's condition, then they end the loop. An
// error would not end it.
func tickFunctions() []cel.EnvOption {
	args := []*cel.Type{cel.DynType, cel.DynType}
	return []cel.EnvOption{
		cel.Function(tickName, cel.Overload(tickName, args, cel.DynType, cel.OverloadIsNonStrict(),
			cel.BinaryBinding(func(b, condition ref.Val) ref.Val { return tick(b, condition, false) }))),
		cel.Function(heavyTickName, cel.Overload(heavyTickName, args, cel.DynType, cel.OverloadIsNonStrict(),
			cel.BinaryBinding(func(b, condition ref.Val) ref.Val { return tick(b, condition, true) }))),
	}
}

func tick(v, condition ref.Val, heavy bool) ref.Val {
	b, ok := v.(*budget)
	if !ok {
		return condition
	}
	if heavy {
		b.left -= b.weight
	} else {
		b.left--
	}
	if b.left < 0 {
		return types.False
	}
	return condition
}

// rewriteLoops lets the loops of a checked expression take steps.
func rewriteLoops(a *celast.AST) {
	fac := celast.NewExprFactory()
	next := celast.MaxID(a)
	id := func(t *types.Type) int64 {
		next++
		a.SetType(next, t)
		return next
	}
	celast.PostOrderVisit(a.Expr(), celast.NewExprVisitor(func(e celast.Expr) {
		if e.Kind() != celast.ComprehensionKind {
			return
		}
		c := e.AsComprehension()
		name := tickName
		if reachesOut(c.LoopStep(), []string{c.IterVar(), c.IterVar2(), c.AccuVar()}) {
			name = heavyTickName
		}
		ident := fac.NewIdent(id(budgetType), budgetName)
		a.SetReference(ident.ID(), celast.NewIdentReference(budgetName, nil))
		call := fac.NewCall(id(types.DynType), name, ident, c.LoopCondition())
		a.SetReference(call.ID(), celast.NewFunctionReference(name))
		e.SetKindCase(fac.NewComprehensionTwoVar(e.ID(), c.IterRange(), c.IterVar(), c.IterVar2(), c.AccuVar(), c.AccuInit(),
			call, c.LoopStep(), c.Result()))
	}))
}

// reachesOut says whether an expression names anything but the given variables and what does not depend on the record.
func reachesOut(e celast.Expr, own []string) bool {
	switch e.Kind() {
	case celast.IdentKind:
		switch name := e.AsIdent(); name {
		case "params", "lists", "org", budgetName:
			return false
		default:
			for _, o := range own {
				if name == o {
					return false
				}
			}
			return true
		}
	case celast.SelectKind:
		return reachesOut(e.AsSelect().Operand(), own)
	case celast.CallKind:
		c := e.AsCall()
		return c.IsMemberFunction() && reachesOut(c.Target(), own) || anyReachesOut(c.Args(), own)
	case celast.ListKind:
		return anyReachesOut(e.AsList().Elements(), own)
	case celast.MapKind:
		for _, entry := range e.AsMap().Entries() {
			if m := entry.AsMapEntry(); reachesOut(m.Key(), own) || reachesOut(m.Value(), own) {
				return true
			}
		}
	case celast.ComprehensionKind:
		c := e.AsComprehension()
		inner := append(append([]string(nil), own...), c.IterVar(), c.IterVar2(), c.AccuVar())
		return reachesOut(c.IterRange(), own) || reachesOut(c.AccuInit(), own) ||
			anyReachesOut([]celast.Expr{c.LoopCondition(), c.LoopStep(), c.Result()}, inner)
	}
	return false
}

func anyReachesOut(l []celast.Expr, own []string) bool {
	for _, e := range l {
		if reachesOut(e, own) {
			return true
		}
	}
	return false
}
