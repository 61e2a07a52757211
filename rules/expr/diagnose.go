package expr

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/google/cel-go/cel"
	celast "github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"

	"detect/internal/record"
)

// typeWord names a type for a person.
func typeWord(t *types.Type) string { return celTypeWord(cel.FormatCELType(t)) }

// typeWords are the names of types in messages, by cel-go's names.
var typeWords = map[string]string{
	"string": "text", "dyn": "untyped", "double": "double", "google.protobuf.Timestamp": "a time", "timestamp": "a time",
	"google.protobuf.Duration": "a duration", "duration": "a duration", "null": "null", "null_type": "null",
	"@record": "the record", "@actor": "the actor", "@org": "org", "@lists": "lists", "@networks": "lists.networks",
	"@texts": "a list of lists.NAME", "@prefixes": "a list of lists.networks.NAME", "@severity": "a severity",
	"@place": "a place", "@namevalue": "a {Name, Value}", "@modification": "a modification", "@inboxrule": "an inbox rule",
}

// celTypeWord names a type by cel-go's name of it.
func celTypeWord(name string) string {
	if inner, ok := strings.CutPrefix(name, "list("); ok {
		return "a list of " + strings.TrimPrefix(strings.TrimPrefix(celTypeWord(strings.TrimSuffix(inner, ")")), "a "), "an ")
	}
	if w, ok := typeWords[name]; ok {
		return w
	}
	if inner, ok := strings.CutPrefix(name, "wrapper("); ok {
		return celTypeWord(strings.TrimSuffix(inner, ")"))
	}
	if inner, ok := strings.CutPrefix(name, "optional_type("); ok {
		return "an optional " + celTypeWord(strings.TrimSuffix(inner, ")"))
	}
	if strings.HasPrefix(name, "@params") {
		return "the parameters"
	}
	if strings.HasPrefix(name, "@hit") {
		return "a hit"
	}
	if strings.HasPrefix(name, "@") {
		return "an object " + strings.TrimPrefix(name, "@")
	}
	return name
}

var (
	undeclared = regexp.MustCompile(`^undeclared reference to '(.*)' \(in container '.*'\)$`)
	undefined  = regexp.MustCompile(`^undefined field '(.*)'$`)
	noOverload = regexp.MustCompile(`^found no matching overload for '(.*)' applied to '(.*)'$`)
	noFields   = regexp.MustCompile(`^type '(.*)' does not support field selection$`)
	noRange    = regexp.MustCompile(`^expression of type '(.*)' cannot be range of a comprehension`)
	mismatch   = regexp.MustCompile(`^expected type '(.*)' but found '(.*)'$`)
)

// checkIssues are the type errors of an expression, in the order of the text.
func (b *Builder) checkIssues(s *scope, src string, pos *positions, iss *cel.Issues) []Issue {
	var out []Issue
	for _, e := range iss.Errors() {
		i := b.checkIssue(s, pos, pos.nodes[e.ExprID], e)
		if !slices.Contains(out, i) {
			out = append(out, i)
		}
	}
	slices.SortStableFunc(out, func(x, y Issue) int { return x.Offset - y.Offset })
	return b.withoutEcho(pos, out, iss)
}

// withoutEcho leaves out what follows from an unknown function alone: the variables that a macro of another name would
// have brought in.
func (b *Builder) withoutEcho(pos *positions, issues []Issue, iss *cel.Issues) []Issue {
	for _, e := range iss.Errors() {
		node := pos.nodes[e.ExprID]
		if undeclared.MatchString(e.Message) && node != nil && node.Kind() == celast.CallKind {
			start, end := pos.extent(node)
			_, name := pos.callee(node)
			issues = slices.DeleteFunc(issues, func(i Issue) bool {
				return i.Offset >= max(start, name) && i.Offset < end && strings.HasPrefix(i.Message, "there is no ")
			})
		}
	}
	return issues
}

func (b *Builder) checkIssue(s *scope, pos *positions, node celast.Expr, e *cel.Error) Issue {
	at := locationOffset(pos.src, e.Location)
	i := Issue{Offset: at, End: tokenEnd(pos.src, at), Message: e.Message}
	if node == nil {
		if i.Offset == 0 {
			i.End = len(pos.src)
		}
		return i
	}
	if m := undeclared.FindStringSubmatch(e.Message); m != nil {
		return b.unknownName(s, pos, node, m[1])
	}
	if m := undefined.FindStringSubmatch(e.Message); m != nil && node.Kind() == celast.SelectKind {
		return b.unknownField(s, pos, node)
	}
	i.Offset, i.End = pos.extent(node)
	if m := noOverload.FindStringSubmatch(e.Message); m != nil && node.Kind() == celast.CallKind {
		i.Message, i.Hint = b.overloadWords(s, pos, node, m[1], m[2])
		return i
	}
	if m := noFields.FindStringSubmatch(e.Message); m != nil {
		what := "this"
		if node.Kind() == celast.SelectKind {
			what = pos.text(node.AsSelect().Operand())
			i.Offset, i.End = pos.field(node)
		}
		i.Message = fmt.Sprintf("%s is %s: it has no fields", what, celTypeWord(m[1]))
		return i
	}
	if m := noRange.FindStringSubmatch(e.Message); m != nil {
		i.Message = fmt.Sprintf("%s is %s, not a list to walk over", pos.text(node), celTypeWord(m[1]))
		return i
	}
	if m := mismatch.FindStringSubmatch(e.Message); m != nil {
		i.Message = fmt.Sprintf("%s is %s, and %s is needed here", pos.text(node), celTypeWord(m[2]), celTypeWord(m[1]))
		if m[1] == "bool" {
			i.Message, i.Hint = boolWords(pos, []celast.Expr{node}, []string{m[2]})
		}
	}
	return i
}

// unknownName is about a variable or function that is not there.
func (b *Builder) unknownName(s *scope, pos *positions, node celast.Expr, name string) Issue {
	if node.Kind() == celast.CallKind {
		i := Issue{Message: fmt.Sprintf("there is no function %s", name)}
		i.Offset, i.End = pos.callee(node)
		if n := Nearest(name, b.functionNames()); n != "" {
			i.Hint = fmt.Sprintf("did you mean %s?", n)
		}
		return i
	}
	i := Issue{Message: fmt.Sprintf("there is no %s in %s", name, s.name)}
	i.Offset, i.End = pos.extent(node)
	known := make([]string, 0, len(s.vars)+8)
	for v := range s.vars {
		known = append(known, v)
	}
	switch where := whereKnown[name]; {
	case fieldNamed(name) && s.vars["record"] != nil:
		i.Hint = fmt.Sprintf("write record.%s", name)
	case name == "record" || name == "actor" || name == "raw":
		i.Hint = "what is needed of the record must be captured"
	case where != "":
		i.Hint = fmt.Sprintf("it is known in %s only", where)
	default:
		if n := Nearest(name, known); n != "" {
			i.Hint = fmt.Sprintf("did you mean %s?", n)
		} else if strings.EqualFold(name, "true") || strings.EqualFold(name, "false") {
			i.Hint = "write " + strings.ToLower(name)
		} else if strings.EqualFold(name, "none") || strings.EqualFold(name, "nil") {
			i.Hint = "use has(record.X) to ask whether a field is there"
		}
	}
	return i
}

func fieldNamed(name string) bool { _, ok := record.Lookup(name); return ok }

// whereKnown tells in which keys a variable is known that is not known everywhere.
var whereKnown = map[string]string{
	"prev": "neighbours, and in the alert of such a rule", "cur": "the alert of a rule with neighbours",
	"gap": "neighbours, and in the alert of such a rule", "hits": "having", "count": "having and alert",
	"span": "having and alert",
}

// unknownField is about a field that an object does not have.
func (b *Builder) unknownField(s *scope, pos *positions, node celast.Expr) Issue {
	sel := node.AsSelect()
	name := sel.FieldName()
	i := Issue{}
	i.Offset, i.End = pos.field(node)
	sc := b.world.provider.schemaOf(b.typeOf(s, pos, sel.Operand()))
	switch {
	case sc == nil:
		i.Message = fmt.Sprintf("%s has no field %s", pos.text(sel.Operand()), name)
	case sc.typ == recordType:
		i.Message = fmt.Sprintf("records have no known field %s", name)
		i.Hint = fmt.Sprintf("raw.%s reads any field, untyped", name)
	case sc.typ == listsType:
		i.Message = fmt.Sprintf("there is no list %s", name)
	case sc.typ == networksType:
		i.Message = fmt.Sprintf("there is no list networks.%s", name)
	case strings.HasPrefix(sc.typ.TypeName(), "@params"):
		i.Message = fmt.Sprintf("there is no parameter %s", name)
		i.Hint = "write it in params"
	default:
		i.Message = fmt.Sprintf("%s has no field %s", pos.text(sel.Operand()), name)
	}
	if sc != nil {
		if n := Nearest(name, sc.names); n != "" {
			i.Hint = fmt.Sprintf("did you mean %s?", n)
		} else if len(sc.names) > 0 && len(sc.names) <= 12 && i.Hint == "" {
			i.Hint = "it has " + strings.Join(sc.names, ", ")
		}
	}
	return i
}

// typeOf is the type of a part of an expression that did not check, as far as it can be told.
func (b *Builder) typeOf(s *scope, pos *positions, e celast.Expr) *types.Type {
	switch e.Kind() {
	case celast.IdentKind:
		if t := s.vars[strings.TrimPrefix(e.AsIdent(), ".")]; t != nil {
			return t
		}
		for _, n := range pos.nodes { // a variable of a walk over a list
			if n.Kind() == celast.ComprehensionKind && n.AsComprehension().IterVar() == e.AsIdent() {
				if t := b.typeOf(s, pos, n.AsComprehension().IterRange()); t != nil && t.Kind() == types.ListKind {
					return t.Parameters()[0]
				}
			}
		}
	case celast.SelectKind:
		t := b.typeOf(s, pos, e.AsSelect().Operand())
		if t == nil {
			return nil
		}
		if f, ok := b.world.provider.FindStructFieldType(t.TypeName(), e.AsSelect().FieldName()); ok {
			return f.Type
		}
	case celast.CallKind:
		fn, ok := s.env.Functions()[e.AsCall().FunctionName()]
		if ok && len(fn.OverloadDecls()) == 1 {
			return fn.OverloadDecls()[0].ResultType()
		}
	}
	return nil
}

func (p *provider) schemaOf(t *types.Type) *schema {
	if t == nil {
		return nil
	}
	return p.schema(t.TypeName())
}

// functionNames are the functions and macros that can be written.
func (b *Builder) functionNames() []string {
	names := []string{"has", "all", "exists", "exists_one", "filter", "map"}
	for n := range b.world.hitsEnv.Functions() {
		if wordStart(n) {
			names = append(names, n)
		}
	}
	return names
}
