package expr

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/cel-go/cel"
	celast "github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"github.com/google/cel-go/ext"

	"detect/rules/hit"
)

// AlertView is an alert as the conditions of routes see it. Times are microseconds, UTC.
type AlertView struct {
	Rule, Title, Status       string
	Severity                  hit.Severity
	By                        map[string]string
	First, Last               int64
	Count                     int64
	Values                    map[string][]string
	Attack, Tactics           []string
	Risk                      int
	Late, Approximate, Staged bool
}

// AlertFields are the fields of `alert` in a route's condition, sorted.
func AlertFields() []string { return slices.Clone(alertSchema().names) }

// routedType is the type of `alert` in a route.
var routedType = types.NewObjectType("@alert")

// routed is `alert`.
type routed struct {
	object
	view *AlertView
}

func (r *routed) Value() any                  { return r }
func (r *routed) Equal(other ref.Val) ref.Val { return types.Bool(other == ref.Val(r)) }

func alertSchema() *schema {
	field := func(t *types.Type, f func(*AlertView) ref.Val) member {
		return member{typ: t, get: func(target any) (any, error) {
			r, ok := target.(*routed)
			if !ok {
				return nil, errNoRecord
			}
			return f(r.view), nil
		}}
	}
	text := func(f func(*AlertView) string) member {
		return field(cel.StringType, func(a *AlertView) ref.Val { return types.String(f(a)) })
	}
	flag := func(f func(*AlertView) bool) member {
		return field(cel.BoolType, func(a *AlertView) ref.Val { return types.Bool(f(a)) })
	}
	native := types.DefaultTypeAdapter.NativeToValue
	return newSchema(routedType, map[string]member{
		"rule":        text(func(a *AlertView) string { return a.Rule }),
		"title":       text(func(a *AlertView) string { return a.Title }),
		"status":      text(func(a *AlertView) string { return a.Status }),
		"severity":    field(severityType, func(a *AlertView) ref.Val { return severityValue(a.Severity) }),
		"by":          field(types.NewMapType(cel.StringType, cel.StringType), func(a *AlertView) ref.Val { return native(a.By) }),
		"values":      field(types.NewMapType(cel.StringType, textList), func(a *AlertView) ref.Val { return native(a.Values) }),
		"first":       field(cel.TimestampType, func(a *AlertView) ref.Val { return timeValue(a.First) }),
		"last":        field(cel.TimestampType, func(a *AlertView) ref.Val { return timeValue(a.Last) }),
		"count":       field(cel.IntType, func(a *AlertView) ref.Val { return types.Int(a.Count) }),
		"risk":        field(cel.IntType, func(a *AlertView) ref.Val { return types.Int(a.Risk) }),
		"attack":      field(textList, func(a *AlertView) ref.Val { return textsValue(a.Attack) }),
		"tactics":     field(textList, func(a *AlertView) ref.Val { return textsValue(a.Tactics) }),
		"late":        flag(func(a *AlertView) bool { return a.Late }),
		"approximate": flag(func(a *AlertView) bool { return a.Approximate }),
		"staged":      flag(func(a *AlertView) bool { return a.Staged }),
	})
}

// routeCompiler makes the environment of routes. It has what rules have over texts and lists of them, and no record.
func routeCompiler() (*Builder, *scope, error) {
	p, err := newProvider(nil)
	if err != nil {
		return nil, nil, err
	}
	s := alertSchema()
	p.schemas[s.typ.TypeName()] = s
	opts := []cel.EnvOption{
		cel.OptionalTypes(),
		ext.Strings(), ext.Lists(), ext.Sets(), ext.Math(), ext.Regex(),
		cel.CrossTypeNumericComparisons(true),
		cel.CustomTypeAdapter(p.Registry), cel.CustomTypeProvider(p),
		cel.ParserExpressionSizeLimit(maxSource), cel.ParserRecursionLimit(100),
		cel.Variable("alert", routedType),
		cel.Function(atNameName,
			cel.Overload("text_at_name", []*cel.Type{types.NewMapType(cel.StringType, cel.StringType), cel.StringType}, cel.StringType,
				cel.BinaryBinding(func(m, k ref.Val) ref.Val { return atName(m, k, types.String("")) })),
			cel.Overload("texts_at_name", []*cel.Type{types.NewMapType(cel.StringType, textList), cel.StringType}, textList,
				cel.BinaryBinding(func(m, k ref.Val) ref.Val { return atName(m, k, textsValue(nil)) }))),
	}
	for level, name := range hit.SeverityNames {
		opts = append(opts, cel.Constant(name, severityType, severityValue(hit.Severity(level))))
	}
	opts = append(opts, tickFunctions()...)
	opts = append(opts, textFunctions()...)
	env, err := cel.NewEnv(opts...)
	if err != nil {
		return nil, nil, err
	}
	b := &Builder{world: &World{provider: p, hitsEnv: env}, names: &names{}}
	return b, &scope{"when", env, map[string]*types.Type{"alert": routedType}}, nil
}

// atNameName is the function that a selection from a map of texts is turned into.
const atNameName = "@at"

// atName is what a map holds under a name, or nothing of that type.
func atName(m, name, nothing ref.Val) ref.Val {
	mapped, ok := m.(traits.Mapper)
	if !ok {
		return types.MaybeNoSuchOverloadErr(m)
	}
	if v, found := mapped.Find(name); found {
		return v
	}
	return nothing
}

// rewriteNames turns selections from and indexing of maps by text into calls for which what is absent is the empty text or
// the empty list: alerts of other rules have other names, and a route must not fail over them.
func rewriteNames(a *celast.AST) {
	fac := celast.NewExprFactory()
	next := celast.MaxID(a)
	overload := func(e celast.Expr) string {
		t := a.GetType(e.ID())
		if t.Kind() != types.MapKind || !t.Parameters()[0].IsExactType(cel.StringType) {
			return ""
		}
		switch v := t.Parameters()[1]; {
		case v.IsExactType(cel.StringType):
			return "text_at_name"
		case v.IsExactType(textList):
			return "texts_at_name"
		}
		return ""
	}
	celast.PostOrderVisit(a.Expr(), celast.NewExprVisitor(func(e celast.Expr) {
		switch e.Kind() {
		case celast.SelectKind:
			sel := e.AsSelect()
			o := overload(sel.Operand())
			if o == "" || sel.IsTestOnly() {
				return
			}
			next++
			name := fac.NewLiteral(next, types.String(sel.FieldName()))
			a.SetType(next, types.StringType)
			e.SetKindCase(fac.NewCall(e.ID(), atNameName, sel.Operand(), name))
			a.SetReference(e.ID(), celast.NewFunctionReference(o))
		case celast.CallKind:
			c := e.AsCall()
			if c.FunctionName() != operators.Index || len(c.Args()) != 2 {
				return
			}
			if o := overload(c.Args()[0]); o != "" {
				e.SetKindCase(fac.NewCall(e.ID(), atNameName, c.Args()...))
				a.SetReference(e.ID(), celast.NewFunctionReference(o))
			}
		}
	}))
}

var errRouteTooLong = errors.New("the expression takes too many steps over the values of this alert")

// routeSteps is how many steps a condition may take over the values of one alert.
const routeSteps = 1_000_000

// routeActivation is the variables of a route's condition.
type routeActivation struct {
	alert  ref.Val
	budget *budget
}

func (r *routeActivation) ResolveName(name string) (any, bool) {
	switch strings.TrimPrefix(name, ".") {
	case "alert":
		return r.alert, true
	case budgetName:
		return r.budget, true
	}
	return nil, false
}

func (r *routeActivation) Parent() cel.Activation { return nil }

// Route compiles the condition of a route: a bool over `alert`, with the functions and severities of rules. What it
// returns is for any goroutine and depends on its argument alone.
func Route(src string) (func(*AlertView) (bool, error), []Issue) {
	b, s, err := routeCompiler()
	if err != nil {
		return nil, []Issue{{End: len(src), Message: "the environment of routes can't be made: " + err.Error()}}
	}
	a, issues := b.checked(s, src)
	if len(issues) > 0 {
		return nil, routeHints(issues, b.world.provider)
	}
	if t := a.GetType(a.Expr().ID()); !t.IsExactType(cel.BoolType) {
		return nil, []Issue{wrongResult(src, s.name, t, cel.BoolType)}
	}
	rewriteNames(a)
	c, err := plan(s.env, a, b.names)
	if err != nil {
		return nil, []Issue{{End: len(src), Message: "the expression can't be planned: " + err.Error()}}
	}
	return func(v *AlertView) (bool, error) {
		vars := &routeActivation{&routed{object{routedType}, v}, newBudget()}
		vars.budget.left = routeSteps
		out, _, err := c.prg.Eval(vars)
		if vars.budget.spent() {
			return false, errRouteTooLong
		}
		return truthOf(out, err)
	}, nil
}

// routeHints says for a name that stands alone that it is a field of the alert.
func routeHints(issues []Issue, p *provider) []Issue {
	fields := p.schema(routedType.TypeName()).names
	for i := range issues {
		name, isName := strings.CutPrefix(issues[i].Message, "there is no ")
		name, isVariable := strings.CutSuffix(name, " in when")
		if !isName || !isVariable {
			continue
		}
		issues[i].Hint = ""
		if slices.Contains(fields, name) {
			issues[i].Hint = "write alert." + name
		} else if near := Nearest(name, append([]string{"alert"}, hit.SeverityNames[:]...)); near != "" {
			issues[i].Hint = fmt.Sprintf("did you mean %s?", near)
		} else if near := Nearest(name, fields); near != "" {
			issues[i].Hint = fmt.Sprintf("did you mean alert.%s?", near)
		}
	}
	return issues
}
