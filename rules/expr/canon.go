package expr

import (
	"fmt"
	"strconv"
	"strings"

	celast "github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
)

// canonical writes an expression such that two expressions of any rules of one world that are written alike mean the
// same: lets and params, which are each rule's own, are replaced by what they stand for.
func (n *names) canonical(e celast.Expr) string {
	var b strings.Builder
	n.canon(&b, e, nil)
	return b.String()
}

// canon appends e to b. The names in bound are the variables of comprehensions around e.
func (n *names) canon(b *strings.Builder, e celast.Expr, bound []string) {
	switch e.Kind() {
	case celast.LiteralKind:
		canonLiteral(b, e.AsLiteral())
	case celast.IdentKind:
		n.canonIdent(b, e.AsIdent(), bound)
	case celast.SelectKind:
		n.canonSelect(b, e.AsSelect(), bound)
	case celast.CallKind:
		c := e.AsCall()
		b.WriteString(c.FunctionName())
		b.WriteByte('(')
		if c.IsMemberFunction() {
			b.WriteByte('.')
			n.canon(b, c.Target(), bound)
			b.WriteByte(';')
		}
		n.canonList(b, c.Args(), bound)
		b.WriteByte(')')
	case celast.ListKind:
		l := e.AsList()
		fmt.Fprintf(b, "[%v:", l.OptionalIndices())
		n.canonList(b, l.Elements(), bound)
		b.WriteByte(']')
	case celast.MapKind:
		b.WriteByte('{')
		for _, entry := range e.AsMap().Entries() {
			m := entry.AsMapEntry()
			n.canon(b, m.Key(), bound)
			fmt.Fprintf(b, ":%t:", m.IsOptional())
			n.canon(b, m.Value(), bound)
			b.WriteByte(',')
		}
		b.WriteByte('}')
	case celast.ComprehensionKind:
		n.canonComprehension(b, e.AsComprehension(), bound)
	default:
		fmt.Fprintf(b, "<%d:%d>", e.Kind(), e.ID())
	}
}

func (n *names) canonList(b *strings.Builder, l []celast.Expr, bound []string) {
	for _, e := range l {
		n.canon(b, e, bound)
		b.WriteByte(',')
	}
}

func (n *names) canonComprehension(b *strings.Builder, c celast.ComprehensionExpr, bound []string) {
	b.WriteString("walk(")
	n.canon(b, c.IterRange(), bound)
	inner := append(append([]string(nil), bound...), c.IterVar(), c.AccuVar())
	if c.HasIterVar2() {
		inner = append(inner, c.IterVar2())
	}
	fmt.Fprintf(b, ";%q,%q,%q;", c.IterVar(), c.IterVar2(), c.AccuVar())
	n.canon(b, c.AccuInit(), bound)
	for _, e := range []celast.Expr{c.LoopCondition(), c.LoopStep(), c.Result()} {
		b.WriteByte(';')
		n.canon(b, e, inner)
	}
	b.WriteByte(')')
}

func (n *names) canonIdent(b *strings.Builder, name string, bound []string) {
	for _, v := range bound {
		if v == name {
			b.WriteString("$" + name)
			return
		}
	}
	name = strings.TrimPrefix(name, ".")
	if l := n.lets[name]; l != nil {
		b.WriteString("<" + l.canon + ">")
		return
	}
	b.WriteString(name)
	if name == "params" { // the whole of them
		fmt.Fprintf(b, "@%p", n)
	}
}

func (n *names) canonSelect(b *strings.Builder, s celast.SelectExpr, bound []string) {
	if v := n.param(s); v != nil && !s.IsTestOnly() {
		canonLiteral(b, v)
		return
	}
	n.canon(b, s.Operand(), bound)
	b.WriteByte('.')
	if s.IsTestOnly() {
		b.WriteByte('?')
	}
	b.WriteString(s.FieldName())
}

// param is the value of params.NAME, nil for any other selection.
func (n *names) param(s celast.SelectExpr) ref.Val {
	if s.Operand().Kind() != celast.IdentKind || s.Operand().AsIdent() != "params" {
		return nil
	}
	p, ok := n.params.(*paramsVal)
	if !ok {
		return nil
	}
	return p.vals[s.FieldName()]
}

func canonLiteral(b *strings.Builder, v ref.Val) {
	switch v := v.(type) {
	case types.String:
		b.WriteString(strconv.Quote(string(v)))
	case types.Double:
		b.WriteString("d" + strconv.FormatFloat(float64(v), 'g', -1, 64))
	case types.Int:
		b.WriteString(strconv.FormatInt(int64(v), 10))
	case types.Uint:
		b.WriteString(strconv.FormatUint(uint64(v), 10) + "u")
	case types.Bytes:
		b.WriteString("b" + strconv.Quote(string(v)))
	case traits.Lister:
		b.WriteString("[[]:")
		for it := v.Iterator(); it.HasNext() == types.True; {
			canonLiteral(b, it.Next())
			b.WriteByte(',')
		}
		b.WriteByte(']')
	default:
		fmt.Fprintf(b, "%T:%v", v, v.Value())
	}
}
