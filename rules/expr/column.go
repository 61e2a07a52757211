package expr

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"

	"detect/rules/hit"
)

// columnVal is a capture over many hits: a list of its elements, behind which the functions over columns find more than
// the list shows.
type columnVal struct {
	traits.Lister
	index  int
	values []hit.Value // the elements, in event-time order
	col    *hit.Column // over an alert: exact where values are only the first; nil over a window
	scene  *scene      // where it was found
}

// scene is what the columns of one evaluation are taken from: the hits of a window, or an alert's view.
type scene struct {
	hits  []*hit.Hit
	view  *hit.View
	sumBy []SumBy // the order of view.SumBy
}

// MaxColumn is the greatest number of elements of one column of a window. A condition on more can't be evaluated.
const MaxColumn = 200_000

var errColumn = fmt.Errorf("the window has more than %d values of one capture", MaxColumn)

// column is a capture over the scene's hits.
func (s *scene) column(i int, kind hit.Kind) ref.Val {
	c := &columnVal{index: i, scene: s}
	if s.view != nil {
		if i >= len(s.view.Columns) {
			c.col = &hit.Column{Kind: kind.Element()}
		} else {
			c.col = &s.view.Columns[i]
		}
		c.values = c.col.Bare
	} else {
		n := 0
		for _, h := range s.hits {
			if i < len(h.Values) {
				n += h.Values[i].Len()
			}
		}
		if n > MaxColumn {
			return types.WrapErr(errColumn)
		}
		c.values = make([]hit.Value, 0, n)
		for _, h := range s.hits {
			if i < len(h.Values) {
				h.Values[i].Each(func(v hit.Value) { c.values = append(c.values, v) })
			}
		}
	}
	vals := make([]ref.Val, len(c.values))
	for j, v := range c.values {
		vals[j] = celValue(v)
	}
	c.Lister = types.NewRefValList(types.DefaultTypeAdapter, vals)
	return c
}

// elements is the elements of any list, with the column behind it if there is one.
func elements(v ref.Val) ([]hit.Value, *hit.Column) {
	if c, ok := v.(*columnVal); ok {
		return c.values, c.col
	}
	l, ok := v.(traits.Lister)
	if !ok {
		return nil, nil
	}
	var vals []hit.Value
	for it := l.Iterator(); it.HasNext() == types.True; {
		if e, ok := hitValue(it.Next()); ok {
			vals = append(vals, e)
		}
	}
	return vals, nil
}

// counts is the distinct values with how often they occur, sorted by value.
func counts(vals []hit.Value) []hit.Count {
	sorted := slices.Clone(vals)
	slices.SortFunc(sorted, hit.CompareValues)
	var out []hit.Count
	for _, v := range sorted {
		if n := len(out); n > 0 && hit.CompareValues(out[n-1].Value, v) == 0 {
			out[n-1].N++
		} else {
			out = append(out, hit.Count{Value: v, N: 1})
		}
	}
	return out
}

func columnCounts(v ref.Val) []hit.Count {
	vals, col := elements(v)
	if col != nil {
		return col.Counts
	}
	return counts(vals)
}

func distinctOf(v ref.Val) ref.Val {
	vals, col := elements(v)
	if col != nil {
		return types.Int(col.Distinct)
	}
	return types.Int(len(counts(vals)))
}

func valuesOf(v ref.Val) ref.Val {
	cs := columnCounts(v)
	vals := make([]ref.Val, len(cs))
	for i, c := range cs {
		vals[i] = celValue(c.Value)
	}
	return types.NewRefValList(types.DefaultTypeAdapter, vals)
}

// topOf is the n most frequent values; of those that are equally frequent the least first.
func topOf(v, n ref.Val) ref.Val {
	cs := slices.Clone(columnCounts(v))
	slices.SortStableFunc(cs, func(a, b hit.Count) int { return cmp.Compare(b.N, a.N) })
	k := min(max(int64(n.(types.Int)), 0), int64(len(cs)))
	vals := make([]ref.Val, k)
	for i := range vals {
		vals[i] = celValue(cs[i].Value)
	}
	return types.NewRefValList(types.DefaultTypeAdapter, vals)
}

// amount is a value as a number: of a duration its microseconds.
func amount(v hit.Value) float64 { return v.Float() }

// ofAmount is a number as a value of that kind.
func ofAmount(f float64, k hit.Kind) ref.Val {
	switch k {
	case hit.Int:
		return types.Int(whole(f))
	case hit.Duration:
		return durationValue(whole(f))
	default:
		return types.Double(f)
	}
}

// whole is the int64 nearest to f.
func whole(f float64) int64 {
	switch {
	case f >= math.MaxInt64:
		return math.MaxInt64
	case f <= math.MinInt64:
		return math.MinInt64
	case f != f:
		return 0
	}
	return int64(math.Round(f))
}

func sumOf(v ref.Val, k hit.Kind) ref.Val {
	vals, col := elements(v)
	if col != nil {
		return ofAmount(col.Sum, k)
	}
	var sum float64
	for _, e := range vals {
		sum += amount(e)
	}
	return ofAmount(sum, k)
}

// zero is the value of an empty column of that kind.
func zero(k hit.Kind) ref.Val {
	if k == hit.Time {
		return timeValue(0)
	}
	return celValue(hit.Value{Kind: k})
}

func minOf(v ref.Val, k hit.Kind) ref.Val {
	vals, col := elements(v)
	if col != nil {
		return orZero(col.Min, k)
	}
	if len(vals) == 0 {
		return zero(k)
	}
	return celValue(slices.MinFunc(vals, hit.CompareValues))
}

func maxOf(v ref.Val, k hit.Kind) ref.Val {
	vals, col := elements(v)
	if col != nil {
		return orZero(col.Max, k)
	}
	if len(vals) == 0 {
		return zero(k)
	}
	return celValue(slices.MaxFunc(vals, hit.CompareValues))
}

func firstOf(v ref.Val, k hit.Kind) ref.Val {
	vals, col := elements(v)
	if col != nil {
		return orZero(col.First, k)
	}
	if len(vals) == 0 {
		return zero(k)
	}
	return celValue(vals[0])
}

func lastOf(v ref.Val, k hit.Kind) ref.Val {
	vals, col := elements(v)
	if col != nil {
		return orZero(col.Last, k)
	}
	if len(vals) == 0 {
		return zero(k)
	}
	return celValue(vals[len(vals)-1])
}

func orZero(v hit.Value, k hit.Kind) ref.Val {
	if v.Kind == hit.None {
		return zero(k)
	}
	return celValue(v)
}

var errSumBy = errors.New("sumBy takes two captures")

// sumByOf is the greatest x of each distinct k, added up.
func sumByOf(x, k ref.Val, kind hit.Kind) ref.Val {
	cx, ok := x.(*columnVal)
	ck, ok2 := k.(*columnVal)
	if !ok || !ok2 || cx.scene != ck.scene {
		return types.WrapErr(errSumBy)
	}
	s := cx.scene
	if s.view != nil {
		i := slices.Index(s.sumBy, SumBy{cx.index, ck.index})
		if i < 0 || i >= len(s.view.SumBy) {
			return types.WrapErr(errSumBy)
		}
		return ofAmount(s.view.SumBy[i], kind)
	}
	type most struct {
		k hit.Value
		x float64
	}
	var found []most
	for _, h := range s.hits {
		if cx.index >= len(h.Values) || ck.index >= len(h.Values) {
			continue
		}
		x, any := 0.0, false // the greatest of the hit's is enough: a list times a list would be very many
		h.Values[cx.index].Each(func(v hit.Value) {
			if n := amount(v); !any || n > x {
				x, any = n, true
			}
		})
		if any {
			h.Values[ck.index].Each(func(k hit.Value) { found = append(found, most{k, x}) })
		}
	}
	slices.SortFunc(found, func(a, b most) int {
		return cmp.Or(hit.CompareValues(a.k, b.k), -cmp.Compare(a.x, b.x))
	})
	var sum float64
	for i, m := range found {
		if i == 0 || hit.CompareValues(found[i-1].k, m.k) != 0 {
			sum += m.x
		}
	}
	return ofAmount(sum, kind)
}

// columnFunctions are the functions over captured lists, and over any other list.
func columnFunctions() []cel.EnvOption {
	a := cel.TypeParamType("A")
	list := cel.ListType(a)
	name := map[hit.Kind]string{hit.Text: "text", hit.Int: "int", hit.Double: "double", hit.Bool: "bool",
		hit.Time: "time", hit.Duration: "duration", hit.Place: "place"}
	perKind := func(fn string, kinds []hit.Kind, f func(ref.Val, hit.Kind) ref.Val) cel.EnvOption {
		var overloads []cel.FunctionOpt
		for _, k := range kinds {
			overloads = append(overloads, cel.Overload(fn+"_list_"+name[k], []*cel.Type{cel.ListType(kindType(k))}, kindType(k),
				cel.UnaryBinding(func(v ref.Val) ref.Val { return f(v, k) })))
		}
		return cel.Function(fn, overloads...)
	}
	b := cel.ListType(cel.TypeParamType("B"))
	var sumBys []cel.FunctionOpt
	for _, k := range addable {
		sumBys = append(sumBys, cel.Overload("sumBy_list_"+name[k], []*cel.Type{cel.ListType(kindType(k)), b}, kindType(k),
			cel.BinaryBinding(func(x, by ref.Val) ref.Val { return sumByOf(x, by, k) })))
	}
	all := []hit.Kind{hit.Text, hit.Int, hit.Double, hit.Bool, hit.Time, hit.Duration, hit.Place}
	return []cel.EnvOption{
		cel.Function("distinct", cel.Overload("distinct_of_list", []*cel.Type{list}, cel.IntType, cel.UnaryBinding(distinctOf))),
		cel.Function("values", cel.Overload("values_of_list", []*cel.Type{list}, list, cel.UnaryBinding(valuesOf))),
		cel.Function("top", cel.Overload("top_of_list", []*cel.Type{list, cel.IntType}, list, cel.BinaryBinding(topOf))),
		perKind("sum", addable, sumOf),
		perKind("min", ordered, minOf),
		perKind("max", ordered, maxOf),
		perKind("first", all, firstOf),
		perKind("last", all, lastOf),
		cel.Function("sumBy", sumBys...),
	}
}

var (
	addable = []hit.Kind{hit.Int, hit.Double, hit.Duration}
	ordered = []hit.Kind{hit.Int, hit.Double, hit.Duration, hit.Time, hit.Text}
)
