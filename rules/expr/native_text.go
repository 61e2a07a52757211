package expr

import (
	celast "github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"

	"detect/internal/record"
)

// text compiles an expression of type text.
func (n *native) text(e celast.Expr) textFunc {
	if s, ok := n.constantText(e); ok {
		return func(*Frame) string { return s }
	}
	switch e.Kind() {
	case celast.IdentKind:
		if in, let := n.inside(e); let != nil {
			return in.text(let)
		}
	case celast.SelectKind:
		s := e.AsSelect()
		if s.IsTestOnly() {
			return nil
		}
		if f, ok := fieldOf(s); ok && f.Type() == record.TypeText {
			return func(fr *Frame) string { return fr.rec.Text(f) }
		}
		if isIdent(s.Operand(), "actor") {
			switch name := s.FieldName(); name {
			case "ip":
				return (*Frame).ip
			case "country":
				return func(fr *Frame) string { return fr.where().Country }
			case "network":
				return func(fr *Frame) string { _, s := fr.asn(); return s }
			default:
				if f := actorTexts[name]; f != nil {
					return func(fr *Frame) string { return f(fr.rec) }
				}
			}
		}
	case celast.CallKind:
		return n.textCall(e.AsCall())
	}
	return nil
}

// textCall is a method of record that gives text.
func (n *native) textCall(c celast.CallExpr) textFunc {
	if !c.IsMemberFunction() || !isIdent(c.Target(), "record") {
		return nil
	}
	if len(c.Args()) == 1 {
		name, ok := n.constantText(c.Args()[0])
		if !ok {
			return nil
		}
		switch c.FunctionName() {
		case "param":
			return func(fr *Frame) string { return fr.rec.Param(name) }
		case "ext":
			return func(fr *Frame) string { return fr.rec.Ext(name) }
		case "property":
			return func(fr *Frame) string { return fr.rec.Property(name) }
		case "device":
			return func(fr *Frame) string { return fr.rec.Device(name) }
		}
		return nil
	}
	switch c.FunctionName() {
	case "mailbox":
		return func(fr *Frame) string { return fr.rec.Mailbox() }
	case "owner":
		return func(fr *Frame) string { return fr.rec.Owner() }
	case "target":
		return func(fr *Frame) string { return fr.rec.Target() }
	}
	return nil
}

// constant is a literal or a parameter, nil for anything else.
func (n *native) constant(e celast.Expr) ref.Val {
	switch e.Kind() {
	case celast.LiteralKind:
		return e.AsLiteral()
	case celast.SelectKind:
		if !e.AsSelect().IsTestOnly() {
			return n.names.param(e.AsSelect())
		}
	case celast.CallKind: // -1 is a literal already; this is -params.x
		return nil
	}
	return nil
}

func (n *native) constantText(e celast.Expr) (string, bool) {
	s, ok := n.constant(e).(types.String)
	return string(s), ok
}

// constantTexts is a constant list of texts.
func (n *native) constantTexts(e celast.Expr) ([]string, bool) {
	var out []string
	if e.Kind() == celast.ListKind {
		for _, el := range e.AsList().Elements() {
			s, ok := n.constantText(el)
			if !ok || len(e.AsList().OptionalIndices()) > 0 {
				return nil, false
			}
			out = append(out, s)
		}
		return out, true
	}
	l, ok := n.constant(e).(traits.Lister)
	if !ok {
		return nil, false
	}
	for it := l.Iterator(); it.HasNext() == types.True; {
		s, ok := it.Next().(types.String)
		if !ok {
			return nil, false
		}
		out = append(out, string(s))
	}
	return out, true
}
