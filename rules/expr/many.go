package expr

import (
	"fmt"
	"slices"

	"github.com/google/cel-go/cel"
	celast "github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"

	"detect/rules/hit"
)

// Having compiles the condition on a window.
func (b *Builder) Having(src string) (Having, []Issue) {
	s, cast, err := b.windowScope()
	if err != nil {
		return Having{}, []Issue{{Message: err.Error()}}
	}
	c, issues := b.compile(s, src, cel.BoolType)
	if c == nil {
		return Having{}, issues
	}
	if issues := b.sumByIssues(src, c, false); len(issues) > 0 {
		return Having{}, issues
	}
	h, issues := b.analyse(src, c)
	if len(issues) > 0 {
		return Having{}, issues
	}
	w := b.world
	h.Eval = func(win *hit.Window) (bool, error) {
		return truthOf(c.on(&stage{world: w, cast: cast, scene: scene{hits: win.Hits}, key: win.Key}))
	}
	if h.Thresholds != nil {
		h.Eval = meets(h.Thresholds)
	}
	return h, nil
}

// meets is a conjunction of thresholds without cel-go.
func meets(ts []Threshold) func(*hit.Window) (bool, error) {
	return func(w *hit.Window) (bool, error) {
		for _, t := range ts {
			if t.Column < 0 {
				if int64(len(w.Hits)) < t.N {
					return false, nil
				}
				continue
			}
			if t.N <= 0 {
				continue
			}
			s := scene{hits: w.Hits}
			if !s.reaches(t.Column, t.N) {
				return false, nil
			}
		}
		return true, nil
	}
}

// reaches says whether a column has at least n distinct values.
func (s *scene) reaches(column int, n int64) bool {
	texts, others := make(map[string]struct{}), make(map[hit.Value]struct{})
	var encoded []byte
	for _, h := range s.hits {
		if column >= len(h.Values) {
			continue
		}
		h.Values[column].Each(func(v hit.Value) {
			switch v.Kind {
			case hit.Text:
				texts[v.Str] = struct{}{}
			case hit.Place:
				encoded = hit.AppendValue(encoded[:0], v)
				others[hit.Value{Kind: v.Kind, Str: string(encoded)}] = struct{}{}
			default:
				others[v] = struct{}{}
			}
		})
		if int64(len(texts)+len(others)) >= n {
			return true
		}
	}
	return false
}

// Neighbours compiles the condition on two adjacent hits. The function is for any goroutine. A hit without a known place
// for a capture that the condition uses is no hit: Matching sees to that.
func (b *Builder) Neighbours(src string) (func(*hit.Pair) (bool, error), []Issue) {
	b.paired = true
	s, cast, err := b.pairScope()
	if err != nil {
		return nil, []Issue{{Message: err.Error()}}
	}
	c, issues := b.compile(s, src, cel.BoolType)
	if c == nil {
		return nil, issues
	}
	b.places = b.usedPlaces(c.ast.Expr())
	w := b.world
	return func(p *hit.Pair) (bool, error) {
		return truthOf(c.on(&stage{world: w, cast: cast, pair: p, key: p.Key}))
	}, nil
}

// usedPlaces are the captured places that an expression over a pair uses, as its own or as those of prev.
func (b *Builder) usedPlaces(e celast.Expr) []int {
	var used []int
	add := func(name string) {
		if i, ok := b.names.captures[name]; ok && b.kinds[i] == hit.Place && !slices.Contains(used, i) {
			used = append(used, i)
		}
	}
	celast.PreOrderVisit(e, celast.NewExprVisitor(func(e celast.Expr) {
		switch e.Kind() {
		case celast.IdentKind:
			add(e.AsIdent())
		case celast.SelectKind:
			if op := e.AsSelect().Operand(); op.Kind() == celast.IdentKind && op.AsIdent() == "prev" {
				add(e.AsSelect().FieldName())
			}
		}
	}))
	slices.Sort(used)
	return used
}

// AlertSeverity compiles the severity of an alert, for every kind but match.
func (b *Builder) AlertSeverity(src string) (Severity, []Issue) {
	c, cast, issues := b.alertCode("severity", src, severityType)
	if len(issues) > 0 {
		return Severity{}, issues
	}
	if level, ok := constantSeverity(c.ast.Expr()); ok {
		return Severity{Constant: true, Level: level, Eval: func(*hit.View) (hit.Severity, error) { return level, nil }}, nil
	}
	return Severity{Eval: func(v *hit.View) (hit.Severity, error) {
		out, err := b.world.overAlert(c, cast, b.sumBy, v)
		if err != nil {
			return hit.Info, err
		}
		s, ok := out.(severityVal)
		if !ok {
			return hit.Info, fmt.Errorf("got %s instead of a severity", valueWord(out))
		}
		return s.level, nil
	}}, nil
}

func (b *Builder) alertCode(key, src string, want *types.Type) (*code, *cast, []Issue) {
	s, cast, err := b.alertScope(key)
	if err != nil {
		return nil, nil, []Issue{{Message: err.Error()}}
	}
	c, issues := b.compile(s, src, want)
	if c == nil {
		return nil, nil, issues
	}
	return c, cast, b.sumByIssues(src, c, true)
}

// overAlert evaluates over an alert's view, whose SumBy is in the order of sums.
func (w *World) overAlert(c *code, cast *cast, sums []SumBy, v *hit.View) (ref.Val, error) {
	return c.on(&stage{world: w, cast: cast, scene: scene{view: v, sumBy: sums}, key: v.Key, pair: v.Pair})
}

// sumByIssues finds sumBy of what is no capture, and notes what views must add up.
func (b *Builder) sumByIssues(src string, c *code, note bool) []Issue {
	var issues []Issue
	pos := newPositions(src, c.ast)
	celast.PreOrderVisit(c.ast.Expr(), celast.NewExprVisitor(func(e celast.Expr) {
		if e.Kind() != celast.CallKind || e.AsCall().FunctionName() != "sumBy" {
			return
		}
		var at [2]int
		for i, arg := range e.AsCall().Args() {
			column, ok := b.column(arg)
			if !ok {
				issue := Issue{Message: "sumBy takes the names of two captures", Hint: "capture what is to be added up"}
				issue.Offset, issue.End = pos.extent(arg)
				issues = append(issues, issue)
				return
			}
			at[i] = column
		}
		if s := (SumBy{at[0], at[1]}); note && !slices.Contains(b.sumBy, s) {
			b.sumBy = append(b.sumBy, s)
		}
	}))
	return issues
}

// column is the capture that an expression over many hits is the bare name of.
func (b *Builder) column(e celast.Expr) (int, bool) {
	if e.Kind() != celast.IdentKind {
		return 0, false
	}
	for _, p := range b.by {
		if p.name == e.AsIdent() {
			return 0, false
		}
	}
	i, ok := b.names.captures[e.AsIdent()]
	return i, ok
}

// Alert compiles what stands in one {{ }} of a title or a response.
func (b *Builder) Alert(src string) (AlertExpr, []Issue) {
	c, cast, issues := b.alertCode("alert", src, nil)
	if len(issues) > 0 {
		return AlertExpr{}, issues
	}
	e := c.ast.Expr()
	out := AlertExpr{Text: c.typ.IsExactType(cel.StringType)}
	out.PS = e.Kind() == celast.CallKind && e.AsCall().FunctionName() == "ps"
	w, sums := b.world, func() []SumBy { return b.sumBy }
	if i, ok := b.column(e); ok {
		kind := b.kinds[i].Element()
		out.Eval = func(v *hit.View) (any, error) {
			if i >= len(v.Columns) {
				return &hit.Column{Kind: kind}, nil
			}
			return &v.Columns[i], nil
		}
		return out, nil
	}
	if !showable(c.typ) {
		i := wrongResult(src, "alert", c.typ, cel.StringType)
		i.Message, i.Hint = fmt.Sprintf("%s can't be shown", typeWord(c.typ)), ""
		if c.typ.Kind() == types.DynKind {
			i.Hint = "say what it is, as in string(…)"
		}
		return AlertExpr{}, []Issue{i}
	}
	out.Eval = func(v *hit.View) (any, error) {
		got, err := w.overAlert(c, cast, sums(), v)
		if err != nil {
			return nil, err
		}
		return goValue(got, c.typ)
	}
	return out, nil
}

// showable says whether a template can show values of that type.
func showable(t *types.Type) bool {
	return typeKind(t) != hit.None || t.IsExactType(severityType) || t.IsExactType(placeList) ||
		t.IsExactType(cel.ListType(cel.DoubleType)) || t.IsExactType(cel.ListType(cel.TimestampType)) ||
		t.IsExactType(cel.ListType(cel.DurationType))
}

// goValue is a result as a template shows it.
func goValue(v ref.Val, t *types.Type) (any, error) {
	switch v := v.(type) {
	case types.String:
		return string(v), nil
	case types.Int:
		return int64(v), nil
	case types.Double:
		return float64(v), nil
	case types.Bool:
		return bool(v), nil
	case types.Timestamp:
		return v.Time.UTC(), nil
	case types.Duration:
		return v.Duration, nil
	case placeVal:
		return *v.place, nil
	case severityVal:
		return v.level, nil
	case traits.Lister:
		return goList(v, t)
	}
	return nil, fmt.Errorf("%s can't be shown", valueWord(v))
}

func goList(l traits.Lister, t *types.Type) (any, error) {
	if t.IsExactType(intList) {
		c, err := captureList(l, hit.Ints)
		return c.Ints(), err
	}
	if t.IsExactType(textList) {
		c, err := captureList(l, hit.Texts)
		return c.Texts(), err
	}
	var out []any
	for it := l.Iterator(); it.HasNext() == types.True; {
		v, err := goValue(it.Next(), cel.DynType)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// OneSet is a view of v in which every column holds the values of one of v.Sets alone, for the response commands.
func OneSet(v *hit.View, set []hit.Value) *hit.View {
	one := *v
	one.Columns = make([]hit.Column, len(v.Columns))
	one.Sets = [][]hit.Value{set}
	for i := range one.Columns {
		one.Columns[i].Kind = v.Columns[i].Kind
		if i < len(set) {
			set[i].Each(func(e hit.Value) { one.Columns[i].Bare = append(one.Columns[i].Bare, e) })
			fillColumn(&one.Columns[i])
		}
	}
	return &one
}

// fillColumn computes a column's sums from its bare values.
func fillColumn(c *hit.Column) {
	c.Len = int64(len(c.Bare))
	if c.Len == 0 {
		return
	}
	c.First, c.Last = c.Bare[0], c.Bare[c.Len-1]
	c.Min, c.Max = slices.MinFunc(c.Bare, hit.CompareValues), slices.MaxFunc(c.Bare, hit.CompareValues)
	c.Counts = counts(c.Bare)
	c.Distinct = int64(len(c.Counts))
	if slices.Contains(addable, c.Kind) {
		for _, v := range c.Bare {
			c.Sum += amount(v)
		}
	}
}
