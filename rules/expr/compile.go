package expr

import (
	"errors"
	"fmt"
	"strings"

	"github.com/google/cel-go/cel"
	celast "github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
)

// names is what the variables of one rule stand for.
type names struct {
	params   ref.Val
	lets     map[string]*let
	captures map[string]int // index in the order of the rule
}

// let is a named part of rules. Equal lets of different rules are one.
type let struct {
	slot  int
	canon string
	code  *code
}

// code is a compiled expression.
type code struct {
	prg   cel.Program
	names *names
	typ   *types.Type
	ast   *celast.AST
}

// eval evaluates over a record.
func (c *code) eval(f *Frame) (ref.Val, error) {
	names, left := f.names, f.budget.left
	f.names, f.budget.left = c.names, MaxSteps
	v, _, err := c.prg.Eval(f)
	if f.budget.spent() {
		v, err = nil, errTooManySteps
	}
	f.names, f.budget.left = names, left
	return v, err
}

var errNotBool = errors.New("the result is neither true nor false")

// truthOf is a result as a bool.
func truthOf(v ref.Val, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	b, ok := v.(types.Bool)
	if !ok {
		return false, errNotBool
	}
	return bool(b), nil
}

// scope is where an expression stands.
type scope struct {
	name string // the key of rules, for messages
	env  *cel.Env
	vars map[string]*types.Type // all but constants and functions
}

// with is the scope with one more variable, or with one of another type.
func (s *scope) with(name string, t *types.Type) (*scope, error) {
	env, err := s.env.Extend(cel.Variable(name, t))
	if err != nil {
		return nil, err
	}
	vars := make(map[string]*types.Type, len(s.vars)+1)
	for n, v := range s.vars {
		vars[n] = v
	}
	vars[name] = t
	return &scope{s.name, env, vars}, nil
}

// withAll is the scope with more variables.
func (s *scope) withAll(name string, more map[string]*types.Type) (*scope, error) {
	vars := make(map[string]*types.Type, len(s.vars)+len(more))
	for n, v := range s.vars {
		vars[n] = v
	}
	opts := make([]cel.EnvOption, 0, len(more))
	for n, t := range more {
		vars[n] = t
		opts = append(opts, cel.Variable(n, t))
	}
	env, err := s.env.Extend(opts...)
	if err != nil {
		return nil, err
	}
	return &scope{name, env, vars}, nil
}

// checked parses and checks an expression. The tree that it returns has selections from untyped values replaced by calls
// that pass on null.
func (b *Builder) checked(s *scope, src string) (*celast.AST, []Issue) {
	if strings.TrimSpace(src) == "" {
		return nil, []Issue{{Message: "the expression is empty", Hint: "leave the key out, or write an expression"}}
	}
	parsed, iss := s.env.Parse(src)
	if iss.Err() != nil {
		return nil, syntaxIssues(src, iss)
	}
	pos := newPositions(src, parsed.NativeRep())
	checked, iss := s.env.Check(parsed)
	if iss.Err() != nil {
		return nil, b.checkIssues(s, src, pos, iss)
	}
	a := checked.NativeRep()
	if issues := b.validate(pos, a); len(issues) > 0 {
		return nil, issues
	}
	rewriteRaw(a)
	rewriteLoops(a)
	return a, nil
}

// plan makes an expression, or a part of one, ready for evaluation.
func plan(env *cel.Env, a *celast.AST, n *names) (*code, error) {
	prg, err := env.PlanProgram(a, cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		return nil, err
	}
	return &code{prg, n, a.GetType(a.Expr().ID()), a}, nil
}

// compile checks an expression for a type, and makes it ready. A nil want takes any type.
func (b *Builder) compile(s *scope, src string, want *types.Type) (*code, []Issue) {
	a, issues := b.checked(s, src)
	if len(issues) > 0 {
		return nil, issues
	}
	if want != nil {
		if t := a.GetType(a.Expr().ID()); !t.IsExactType(want) {
			return nil, []Issue{wrongResult(src, s.name, t, want)}
		}
	}
	c, err := plan(s.env, a, b.names)
	if err != nil {
		return nil, []Issue{{End: len(src), Message: "the expression can't be planned: " + err.Error()}}
	}
	return c, nil
}

func wrongResult(src, scope string, got, want *types.Type) Issue {
	i := Issue{End: len(src), Message: fmt.Sprintf("%s must be %s, and this is %s", scope, typeWord(want), typeWord(got))}
	start := len(src) - len(strings.TrimLeft(src, " \t\r\n"))
	i.Offset = start
	i.End = max(start, len(strings.TrimRight(src, " \t\r\n")))
	text := strings.TrimSpace(src)
	switch {
	case want == cel.BoolType && got.Kind() == types.DynKind:
		i.Hint = "compare it, as in " + short(text) + " == true"
	case want == cel.BoolType && got.Kind() == types.StringKind:
		i.Hint = "compare it, as in " + short(text) + " != ''"
	case want == cel.BoolType && got.Kind() == types.IntKind:
		i.Hint = "compare it, as in " + short(text) + " > 0"
	case want == cel.BoolType && got.Kind() == types.ListKind:
		i.Hint = "ask for its size, as in " + short(text) + ".size() > 0"
	case want == severityType && got.Kind() == types.StringKind:
		i.Hint = "write info, low, medium, high or critical, without quotes"
	}
	return i
}

// short is a text that fits in a hint.
func short(s string) string {
	if r := []rune(s); len(r) > 40 {
		return "(…)"
	}
	return s
}

// rewriteRaw turns selections from and indexing of untyped values into calls for which what is absent is null.
func rewriteRaw(a *celast.AST) {
	fac := celast.NewExprFactory()
	next := celast.MaxID(a)
	dyn := func(e celast.Expr) bool { return a.GetType(e.ID()).Kind() == types.DynKind }
	celast.PostOrderVisit(a.Expr(), celast.NewExprVisitor(func(e celast.Expr) {
		switch e.Kind() {
		case celast.SelectKind:
			sel := e.AsSelect()
			if !dyn(sel.Operand()) {
				return
			}
			name := rawSelectName
			if sel.IsTestOnly() {
				name = rawHasName
			}
			next++
			field := fac.NewLiteral(next, types.String(sel.FieldName()))
			a.SetType(next, types.StringType)
			e.SetKindCase(fac.NewCall(e.ID(), name, sel.Operand(), field))
			a.SetReference(e.ID(), celast.NewFunctionReference(name))
		case celast.CallKind:
			c := e.AsCall()
			if c.FunctionName() != operators.Index || len(c.Args()) != 2 || !dyn(c.Args()[0]) {
				return
			}
			e.SetKindCase(fac.NewCall(e.ID(), rawSelectName, c.Args()...))
			a.SetReference(e.ID(), celast.NewFunctionReference(rawSelectName))
		}
	}))
}

// part is a sub-expression of a checked expression as one of its own.
func part(a *celast.AST, e celast.Expr) *celast.AST {
	return celast.NewCheckedAST(celast.NewAST(e, a.SourceInfo()), a.TypeMap(), a.ReferenceMap())
}

// conjuncts are what top-level && joins.
func conjunctsOf(e celast.Expr, into []celast.Expr) []celast.Expr {
	if e.Kind() == celast.CallKind && e.AsCall().FunctionName() == operators.LogicalAnd {
		for _, arg := range e.AsCall().Args() {
			into = conjunctsOf(arg, into)
		}
		return into
	}
	return append(into, e)
}
