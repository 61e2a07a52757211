package expr

import (
	"math"
	"regexp"
	"strings"

	celast "github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"

	"detect/internal/record"
)

// Simple conditions over the record and the actor are compiled to Go functions. All of them are total: what could be an
// error stays with cel-go, and so the outcome is the same as cel-go's whatever the record.

type (
	boolFunc func(*Frame) bool
	textFunc func(*Frame) string
	intFunc  func(*Frame) int64
)

// native compiles conditions of one rule.
type native struct {
	world *World
	names *names
	depth int
}

// truth compiles a condition; nil if it is not simple.
func (n *native) truth(e celast.Expr) boolFunc {
	switch e.Kind() {
	case celast.LiteralKind:
		if b, ok := e.AsLiteral().(types.Bool); ok {
			return func(*Frame) bool { return bool(b) }
		}
	case celast.IdentKind:
		if in, let := n.inside(e); let != nil {
			return in.truth(let)
		}
	case celast.SelectKind:
		return n.flag(e.AsSelect())
	case celast.CallKind:
		return n.call(e.AsCall())
	}
	return nil
}

// inside is the expression of a let, with what compiles it.
func (n *native) inside(e celast.Expr) (*native, celast.Expr) {
	l := n.names.lets[e.AsIdent()]
	if l == nil || n.depth > 20 {
		return nil, nil
	}
	return &native{n.world, l.code.names, n.depth + 1}, l.code.ast.Expr()
}

// flag is has(record.X), record.X, actor.x or params.x of type bool.
func (n *native) flag(s celast.SelectExpr) boolFunc {
	if f, ok := fieldOf(s); ok {
		if s.IsTestOnly() {
			return func(fr *Frame) bool { return fr.rec.Has(f) }
		}
		if f.Type() == record.TypeBool {
			return func(fr *Frame) bool { return fr.rec.Bool(f) }
		}
		return nil
	}
	if s.IsTestOnly() {
		return nil
	}
	if op := s.Operand(); op.Kind() == celast.SelectKind && op.AsSelect().FieldName() == "place" && s.FieldName() == "known" &&
		isIdent(op.AsSelect().Operand(), "actor") {
		return func(fr *Frame) bool { return fr.where().Known }
	}
	if isIdent(s.Operand(), "actor") {
		if f := actorFlags[s.FieldName()]; f != nil {
			return func(fr *Frame) bool { return f(fr.rec) }
		}
	}
	if b, ok := n.names.param(s).(types.Bool); ok {
		return func(*Frame) bool { return bool(b) }
	}
	return nil
}

func isIdent(e celast.Expr, name string) bool {
	return e.Kind() == celast.IdentKind && e.AsIdent() == name
}

// fieldOf is the field that record.X reads.
func fieldOf(s celast.SelectExpr) (record.Field, bool) {
	if !isIdent(s.Operand(), "record") {
		return 0, false
	}
	return record.Lookup(s.FieldName())
}

func (n *native) call(c celast.CallExpr) boolFunc {
	args := c.Args()
	if c.IsMemberFunction() {
		return n.method(c, args)
	}
	switch c.FunctionName() {
	case operators.LogicalNot:
		if f := n.truth(args[0]); f != nil {
			return func(fr *Frame) bool { return !f(fr) }
		}
	case operators.LogicalAnd, operators.LogicalOr:
		return n.join(c.FunctionName() == operators.LogicalAnd, args)
	case operators.Equals:
		return n.equal(args[0], args[1])
	case operators.NotEquals:
		if f := n.equal(args[0], args[1]); f != nil {
			return func(fr *Frame) bool { return !f(fr) }
		}
	case operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals:
		return n.compare(c.FunctionName(), args[0], args[1])
	case operators.In:
		return n.in(args[0], args[1])
	}
	return nil
}

func (n *native) join(and bool, args []celast.Expr) boolFunc {
	fs := make([]boolFunc, len(args))
	for i, a := range args {
		if fs[i] = n.truth(a); fs[i] == nil {
			return nil
		}
	}
	return func(fr *Frame) bool {
		for _, f := range fs {
			if f(fr) != and {
				return !and
			}
		}
		return and
	}
}

func (n *native) method(c celast.CallExpr, args []celast.Expr) boolFunc {
	if c.FunctionName() == "failed" && len(args) == 0 && isIdent(c.Target(), "record") {
		return func(fr *Frame) bool { return fr.rec.Failed() }
	}
	if len(args) != 1 {
		return nil
	}
	x := n.text(c.Target())
	if x == nil {
		return nil
	}
	if l := n.list(args[0]); l != nil && l.nets == nil {
		switch c.FunctionName() {
		case "mentions":
			return func(fr *Frame) bool { return l.MentionedIn(x(fr)) }
		case "hasWord":
			return func(fr *Frame) bool { return l.WordIn(x(fr)) }
		}
	}
	if set, ok := n.constantTexts(args[0]); ok && c.FunctionName() == "is" {
		return isOneOf(x, set)
	}
	s, ok := n.constantText(args[0])
	if y := n.text(args[0]); !ok && y != nil && c.FunctionName() == "is" {
		return func(fr *Frame) bool { return strings.EqualFold(x(fr), y(fr)) }
	}
	if !ok {
		return nil
	}
	switch c.FunctionName() {
	case "is":
		return func(fr *Frame) bool { return strings.EqualFold(x(fr), s) }
	case "startsWith":
		return func(fr *Frame) bool { return strings.HasPrefix(x(fr), s) }
	case "endsWith":
		return func(fr *Frame) bool { return strings.HasSuffix(x(fr), s) }
	case "contains":
		return func(fr *Frame) bool { return strings.Contains(x(fr), s) }
	case "matches":
		if re, err := regexp.Compile(s); err == nil {
			return func(fr *Frame) bool { return re.MatchString(x(fr)) }
		}
	}
	return nil
}

func isOneOf(x textFunc, set []string) boolFunc {
	return func(fr *Frame) bool {
		v := x(fr)
		for _, s := range set {
			if strings.EqualFold(v, s) {
				return true
			}
		}
		return false
	}
}

// list is lists.NAME or lists.networks.NAME.
func (n *native) list(e celast.Expr) *List {
	if e.Kind() != celast.SelectKind || e.AsSelect().IsTestOnly() {
		return nil
	}
	s := e.AsSelect()
	if isIdent(s.Operand(), "lists") {
		return n.world.lists[s.FieldName()]
	}
	if op := s.Operand(); op.Kind() == celast.SelectKind && op.AsSelect().FieldName() == "networks" &&
		isIdent(op.AsSelect().Operand(), "lists") {
		return n.world.lists[networksPrefix+s.FieldName()]
	}
	return nil
}

// int compiles an expression of type int.
func (n *native) int(e celast.Expr) intFunc {
	if i, ok := n.constant(e).(types.Int); ok {
		return func(*Frame) int64 { return int64(i) }
	}
	switch e.Kind() {
	case celast.IdentKind:
		if in, let := n.inside(e); let != nil {
			return in.int(let)
		}
	case celast.SelectKind:
		s := e.AsSelect()
		if f, ok := fieldOf(s); ok && f.Type() == record.TypeInt && !s.IsTestOnly() {
			return func(fr *Frame) int64 { return fr.rec.Int(f) }
		}
		if isIdent(s.Operand(), "actor") && s.FieldName() == "asn" && !s.IsTestOnly() {
			return func(fr *Frame) int64 { a, _ := fr.asn(); return int64(a) }
		}
	case celast.CallKind:
		if c := e.AsCall(); c.IsMemberFunction() && c.FunctionName() == "items" && isIdent(c.Target(), "record") {
			return func(fr *Frame) int64 { return fr.rec.Items() }
		}
	}
	return nil
}

func (n *native) equal(a, b celast.Expr) boolFunc {
	if x, y := n.text(a), n.text(b); x != nil && y != nil {
		if s, ok := n.constantText(b); ok {
			return n.textIs(a, x, s)
		}
		if s, ok := n.constantText(a); ok {
			return n.textIs(b, y, s)
		}
		return func(fr *Frame) bool { return x(fr) == y(fr) }
	}
	if x, y := n.int(a), n.int(b); x != nil && y != nil {
		return func(fr *Frame) bool { return x(fr) == y(fr) }
	}
	if x, y := n.truth(a), n.truth(b); x != nil && y != nil {
		return func(fr *Frame) bool { return x(fr) == y(fr) }
	}
	return nil
}

// textIs compares with a constant; of a field without making its text.
func (n *native) textIs(e celast.Expr, x textFunc, s string) boolFunc {
	if e.Kind() == celast.SelectKind {
		if f, ok := fieldOf(e.AsSelect()); ok {
			return func(fr *Frame) bool { return fr.rec.Is(f, s) }
		}
	}
	return func(fr *Frame) bool { return x(fr) == s }
}

func (n *native) compare(op string, a, b celast.Expr) boolFunc {
	if x, y := n.int(a), n.int(b); x != nil && y != nil {
		return ordering(op, func(fr *Frame) int {
			p, q := x(fr), y(fr)
			switch {
			case p < q:
				return -1
			case p > q:
				return 1
			}
			return 0
		})
	}
	if x, y := n.text(a), n.text(b); x != nil && y != nil {
		return ordering(op, func(fr *Frame) int { return strings.Compare(x(fr), y(fr)) })
	}
	return nil
}

func ordering(op string, cmp func(*Frame) int) boolFunc {
	switch op {
	case operators.Less:
		return func(fr *Frame) bool { return cmp(fr) < 0 }
	case operators.LessEquals:
		return func(fr *Frame) bool { return cmp(fr) <= 0 }
	case operators.Greater:
		return func(fr *Frame) bool { return cmp(fr) > 0 }
	default:
		return func(fr *Frame) bool { return cmp(fr) >= 0 }
	}
}

func (n *native) in(e, list celast.Expr) boolFunc {
	x := n.text(e)
	if l := n.list(list); l != nil && x != nil {
		if l.nets != nil && e.Kind() == celast.SelectKind && isIdent(e.AsSelect().Operand(), "actor") && e.AsSelect().FieldName() == "ip" {
			return func(fr *Frame) bool { return l.Contains(fr.rec.IP()) }
		}
		return func(fr *Frame) bool { return l.Has(x(fr)) }
	}
	if x != nil {
		if texts, ok := n.constantTexts(list); ok {
			set := make(map[string]struct{}, len(texts))
			for _, s := range texts {
				set[s] = struct{}{}
			}
			return func(fr *Frame) bool { _, ok := set[x(fr)]; return ok }
		}
		return nil
	}
	if i := n.int(e); i != nil {
		if ints, ok := n.constantInts(list); ok {
			set := make(map[int64]struct{}, len(ints))
			for _, k := range ints {
				set[k] = struct{}{}
			}
			return func(fr *Frame) bool { _, ok := set[i(fr)]; return ok }
		}
	}
	return nil
}

// constantInts is a constant list of ints; whole doubles count, as CEL compares numbers across types.
func (n *native) constantInts(e celast.Expr) ([]int64, bool) {
	if e.Kind() != celast.ListKind || len(e.AsList().OptionalIndices()) > 0 {
		return nil, false
	}
	var out []int64
	for _, el := range e.AsList().Elements() {
		switch v := n.constant(el).(type) {
		case types.Int:
			out = append(out, int64(v))
		case types.Double:
			if f := float64(v); f != math.Trunc(f) || math.Abs(f) >= 1<<53 {
				return nil, false
			}
			out = append(out, int64(v))
		default:
			return nil, false
		}
	}
	return out, true
}
