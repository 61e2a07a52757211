package expr

import (
	"fmt"
	"regexp"
	"slices"
	"sort"

	"github.com/google/cel-go/cel"
	celast "github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"

	"detect/rules/hit"
)

// Builder compiles the expressions of one rule. The package comment tells the order of its methods.
type Builder struct {
	world  *World
	names  *names
	params *schema
	record *scope // grows with each let
	kinds  []hit.Kind
	by     []byPart
	paired bool // neighbours
	sumBy  []SumBy

	conjuncts  []*Conjunct
	captures   []*code
	exceptions []exception
	severity   *code
	level      hit.Severity // if severity is nil
	places     []int        // captures whose place must be known

	hits *scope // scope hit, made when first needed
}

// paramsVal is `params`.
type paramsVal struct {
	object
	vals map[string]ref.Val
}

func (p *paramsVal) Value() any                  { return p }
func (p *paramsVal) Equal(other ref.Val) ref.Val { return types.Bool(other == ref.Val(p)) }

// NewBuilder begins a rule. The values of params are string, int64, int, float64, bool, or []any of all strings or of all
// ints; anything else is an issue with the parameter's Name.
func NewBuilder(w *World, params map[string]any) (*Builder, []Issue) {
	b := &Builder{world: w}
	p := &paramsVal{vals: make(map[string]ref.Val, len(params))}
	b.names = &names{params: p, lets: make(map[string]*let), captures: make(map[string]int)}
	members := make(map[string]member, len(params))
	var issues []Issue
	for _, name := range sortedKeys(params) {
		v, t, err := paramValue(params[name])
		if err == nil {
			err = checkName(name)
		}
		if err != nil {
			issues = append(issues, Issue{Name: name, Message: fmt.Sprintf("parameter %s: %v", name, err)})
			v, t = types.NullValue, unknownType
		}
		p.vals[name] = v
		members[name] = member{typ: t, get: func(target any) (any, error) {
			if p, ok := target.(*paramsVal); ok && p.vals[name] != nil {
				return p.vals[name], nil
			}
			return nil, errNoRecord
		}}
	}
	b.params = w.provider.add("params", members)
	p.object = object{b.params.typ}
	base := &scope{"match", w.recordEnv, map[string]*types.Type{
		"record": recordType, "actor": actorType, "raw": cel.DynType, "org": orgType, "lists": listsType,
	}}
	record, err := base.with("params", b.params.typ)
	if err != nil { // can't be: the names are fixed
		return b, append(issues, Issue{Message: err.Error()})
	}
	b.record = record
	return b, issues
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

func paramValue(v any) (ref.Val, *types.Type, error) {
	switch v := v.(type) {
	case string:
		return types.String(v), cel.StringType, nil
	case int:
		return types.Int(v), cel.IntType, nil
	case int64:
		return types.Int(v), cel.IntType, nil
	case float64:
		return types.Double(v), cel.DoubleType, nil
	case bool:
		return types.Bool(v), cel.BoolType, nil
	case []any:
		return listParam(v)
	case []string:
		return textsValue(v), textList, nil
	}
	return nil, nil, fmt.Errorf("it must be text, a number, true or false, or a list of texts or of ints")
}

func listParam(l []any) (ref.Val, *types.Type, error) {
	vals := make([]ref.Val, 0, len(l))
	for _, e := range l {
		v, _, err := paramValue(e)
		if err != nil || v.Type() != types.StringType && v.Type() != types.IntType || len(vals) > 0 && v.Type() != vals[0].Type() {
			return nil, nil, fmt.Errorf("a list must hold texts only, or ints only")
		}
		vals = append(vals, v)
	}
	t := textList
	if len(vals) > 0 && vals[0].Type() == types.IntType {
		t = intList
	}
	return types.NewRefValList(types.DefaultTypeAdapter, vals), t, nil
}

var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// variables are the names that mean something in some scope, or will for kinds of rule to come.
var variables = []string{"record", "raw", "actor", "org", "lists", "params", "alert", "prev", "cur", "gap", "hits", "count",
	"first", "last", "span", "value", "mean", "stddev", "now", "seen", "longest"}

// checkName says why a let, capture or parameter can't have that name.
func checkName(name string) error {
	switch {
	case !identifier.MatchString(name):
		return fmt.Errorf("%q is no name: a name is letters, digits and _, and does not begin with a digit", name)
	case reserved(name):
		return fmt.Errorf("%s is a reserved word of CEL: choose another name", name)
	}
	return nil
}

// checkVariable says why a let or capture can't have that name.
func checkVariable(name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	if slices.Contains(variables, name) || slices.Contains(hit.SeverityNames[:], name) {
		return fmt.Errorf("%s already means something in expressions: choose another name", name)
	}
	return nil
}

func nameIssue(name string, err error) []Issue {
	return []Issue{{Name: name, Message: err.Error()}}
}

// Let names a part, to be evaluated when it is first used, at most once a record. It may have any type. An issue about
// the name itself has it as Name.
func (b *Builder) Let(name, src string) []Issue {
	if err := checkVariable(name); err != nil {
		return nameIssue(name, err)
	}
	if b.record.vars[name] != nil {
		return nameIssue(name, fmt.Errorf("there are two lets named %s", name))
	}
	c, issues := b.compile(b.record.named("let"), src, nil)
	t := unknownType
	if c != nil {
		t = c.typ
		l := b.world.let(b.names.canonical(c.ast.Expr()), c)
		b.names.lets[name] = l
	}
	s, err := b.record.with(name, t)
	if err != nil {
		return append(issues, Issue{Name: name, Message: err.Error()})
	}
	b.record = s
	return issues
}

// named is the scope under another key's name.
func (s *scope) named(key string) *scope { return &scope{key, s.env, s.vars} }

// let is the one let of that meaning.
func (w *World) let(canon string, c *code) *let {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := w.lets[canon]
	if l == nil {
		l = &let{slot: len(w.lets), canon: canon, code: c}
		w.lets[canon] = l
	}
	return l
}

// Match compiles the condition on a record. A rule without one matches every record of its operations.
func (b *Builder) Match(src string) []Issue {
	s := b.record.named("match")
	a, issues := b.checked(s, src)
	if len(issues) > 0 {
		return issues
	}
	if t := a.GetType(a.Expr().ID()); !t.IsExactType(cel.BoolType) {
		return []Issue{wrongResult(src, "match", t, cel.BoolType)}
	}
	for _, e := range conjunctsOf(a.Expr(), nil) {
		c, err := b.conjunct(s, a, e)
		if err != nil {
			return []Issue{{End: len(src), Message: "the expression can't be planned: " + err.Error()}}
		}
		b.conjuncts = append(b.conjuncts, c)
	}
	return nil
}

// Capture compiles a captured value and tells its kind (hit.None if it has a fault).
func (b *Builder) Capture(name, src string) (hit.Kind, []Issue) {
	var issues []Issue
	kind := hit.None
	if err := checkVariable(name); err != nil {
		issues = nameIssue(name, err)
	} else if _, twice := b.names.captures[name]; twice {
		issues = nameIssue(name, fmt.Errorf("there are two captures named %s", name))
	}
	c, faults := b.compile(b.record.named("capture"), src, nil)
	if c != nil {
		if kind = typeKind(c.typ); kind == hit.None {
			i := wrongResult(src, "capture", c.typ, cel.StringType)
			i.Message = fmt.Sprintf("%s can't be captured: a capture is text, int, double, bool, time, duration, place, or a list of text or int",
				typeWord(c.typ))
			if c.typ.Kind() == types.DynKind {
				i.Message, i.Hint = "what is untyped can't be captured", "say what it is, as in string(…) or int(…)"
			}
			faults = append(faults, i)
		}
	}
	issues = append(issues, faults...)
	if len(issues) > 0 {
		kind = hit.None
	}
	b.names.captures[name] = len(b.kinds)
	b.kinds = append(b.kinds, kind)
	b.captures = append(b.captures, c)
	return kind, issues
}

// byPart is one part of an entity.
type byPart struct {
	name    string
	capture int // index, -1 for a built-in entity
	entity  func(*Frame) string
	kind    hit.Kind
}

// By adds a part to the entity: a capture's name, or one of EntityNames. Its issues have the Name.
func (b *Builder) By(name string) []Issue {
	p := byPart{name: name, capture: -1, kind: hit.Text}
	if slices.ContainsFunc(b.by, func(p byPart) bool { return p.name == name }) {
		return nameIssue(name, fmt.Errorf("%s stands twice in by", name))
	}
	if i, ok := b.names.captures[name]; ok {
		p.capture, p.kind = i, b.kinds[i]
		switch p.kind.Element() {
		case hit.None, hit.Text, hit.Int, hit.Bool:
		default:
			return nameIssue(name, fmt.Errorf("%s is %s: an entity is made of text, int, bool or a list of text or int", name, typeWord(kindType(p.kind))))
		}
		for _, q := range b.by {
			if p.kind != p.kind.Element() && q.kind != q.kind.Element() {
				return nameIssue(name, fmt.Errorf("%s and %s are both lists: by takes at most one", q.name, name))
			}
		}
	} else if e, ok := entities[name]; ok {
		p.entity = e
	} else {
		known := append(slices.Clone(EntityNames), sortedKeys(b.names.captures)...)
		i := Issue{Name: name, Message: fmt.Sprintf("by: %s is neither a capture nor a built-in entity", name)}
		if n := Nearest(name, known); n != "" {
			i.Hint = fmt.Sprintf("did you mean %s?", n)
		}
		return []Issue{i}
	}
	b.by = append(b.by, p)
	return nil
}

type exception struct {
	code  *code
	until int64
}

// Except adds an exception, which hides hits dated before until (microseconds; 0: no end).
func (b *Builder) Except(src string, until int64) []Issue {
	s, err := b.hit("except")
	if err != nil {
		return []Issue{{Message: err.Error()}}
	}
	c, issues := b.compile(s, src, cel.BoolType)
	b.exceptions = append(b.exceptions, exception{c, until})
	return issues
}

func (b *Builder) hit(key string) (*scope, error) {
	if b.hits == nil {
		s, err := b.hitScope(key)
		if err != nil {
			return nil, err
		}
		b.hits = s
	}
	return b.hits.named(key), nil
}

// HitSeverity compiles the severity of each hit, for match rules. Matching holds it.
func (b *Builder) HitSeverity(src string) (Severity, []Issue) {
	s, err := b.hit("severity")
	if err != nil {
		return Severity{}, []Issue{{Message: err.Error()}}
	}
	c, issues := b.compile(s, src, severityType)
	if c == nil {
		return Severity{}, issues
	}
	if level, ok := constantSeverity(c.ast.Expr()); ok {
		b.level, b.severity = level, nil
		return Severity{Constant: true, Level: level}, nil
	}
	b.severity = c
	return Severity{}, nil
}

// constantSeverity is the severity that an expression names.
func constantSeverity(e celast.Expr) (hit.Severity, bool) {
	if e.Kind() != celast.IdentKind {
		return 0, false
	}
	return hit.ParseSeverity(e.AsIdent())
}

// SumBy is the sums that views of this rule's alerts must hold, for the sumBy of the expressions compiled so far.
func (b *Builder) SumBy() []SumBy { return slices.Clone(b.sumBy) }
