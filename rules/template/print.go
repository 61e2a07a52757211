package template

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"detect/internal/geo"
	"detect/rules/hit"
)

// Dash is printed for what is empty.
const Dash = "-"

// How much of a value and of a list is printed.
const (
	maxValue  = 200 // characters of one value
	maxColumn = 5   // distinct values of a captured list
	maxList   = 10  // elements of any other list
)

// Print is v, which an expression of a title gave, for a person.
func Print(v any) string {
	switch v := v.(type) {
	case string:
		return cut(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case int:
		return strconv.Itoa(v)
	case float64:
		return Double(v)
	case bool:
		return strconv.FormatBool(v)
	case time.Time:
		return Time(v)
	case time.Duration:
		return Duration(v)
	case geo.Place:
		return Place(v)
	case hit.Severity:
		return v.String()
	case []string:
		return list(v, cut)
	case []int64:
		return list(v, func(n int64) string { return strconv.FormatInt(n, 10) })
	case *hit.Column:
		return Column(v)
	case nil:
		return Dash
	default:
		return cut(fmt.Sprint(v))
	}
}

// cut is s, a dash if it is empty, shortened on a character's boundary if it is long.
func cut(s string) string {
	if strings.TrimSpace(s) == "" {
		return Dash
	}
	if len(s) <= maxValue {
		return s
	}
	n := 0
	for i := range s {
		if n++; n > maxValue {
			return s[:i] + "..."
		}
	}
	return s
}

func list[T any](l []T, text func(T) string) string {
	if len(l) == 0 {
		return Dash
	}
	parts := make([]string, 0, maxList+1)
	for _, x := range l[:min(len(l), maxList)] {
		parts = append(parts, text(x))
	}
	s := strings.Join(parts, ", ")
	if n := len(l) - maxList; n > 0 {
		s += fmt.Sprintf(" + %d more", n)
	}
	return s
}

// Column is a captured list: its first five distinct values in the order of the marks, and how many more there are.
func Column(c *hit.Column) string {
	if c == nil {
		return Dash
	}
	var shown []hit.Value
	add := func(v hit.Value) {
		same := func(w hit.Value) bool { return hit.CompareValues(v, w) == 0 }
		if len(shown) < maxColumn && !slices.ContainsFunc(shown, same) {
			shown = append(shown, v)
		}
	}
	for _, v := range c.Bare {
		v.Each(add)
	}
	for _, n := range c.Counts { // values that only later marks have
		add(n.Value)
	}
	if len(shown) == 0 {
		return Dash
	}
	parts := make([]string, len(shown))
	for i, v := range shown {
		parts[i] = Value(v)
	}
	s := strings.Join(parts, ", ")
	if n := c.Distinct - int64(len(shown)); n > 0 {
		about := ""
		if c.Approximate {
			about = "about "
		}
		s += fmt.Sprintf(" + %s%d more", about, n)
	}
	return s
}

// Value is one captured value for a person.
func Value(v hit.Value) string {
	switch v.Kind {
	case hit.None:
		return Dash
	case hit.Text:
		return cut(v.Str)
	case hit.Double:
		return Double(v.Float())
	case hit.Bool:
		return strconv.FormatBool(v.Bool())
	case hit.Time:
		return Time(time.UnixMicro(v.Num).UTC())
	case hit.Duration:
		return Duration(time.Duration(v.Num) * time.Microsecond)
	case hit.Place:
		return Place(v.Place())
	case hit.Texts:
		return list(v.Texts(), cut)
	case hit.Ints:
		return list(v.Ints(), func(n int64) string { return strconv.FormatInt(n, 10) })
	default:
		return strconv.FormatInt(v.Num, 10)
	}
}

// Double has at most one decimal.
func Double(f float64) string {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return Dash
	}
	s := strings.TrimSuffix(strconv.FormatFloat(f, 'f', 1, 64), ".0")
	if s == "-0" {
		return "0"
	}
	return s
}

// Time is a time in UTC, to the second if it is not a whole minute.
func Time(t time.Time) string {
	t = t.UTC()
	if t.Second() == 0 && t.Nanosecond() == 0 {
		return t.Format("2006-01-02 15:04 UTC")
	}
	return t.Format("2006-01-02 15:04:05 UTC")
}

// Duration is a duration in the unit that suits it: 45 s, 9 min, 3 h, 2 d, rounded; in a greater unit from two of it on,
// or if it is a whole number of it.
func Duration(d time.Duration) string {
	sign := ""
	if d < 0 {
		sign, d = "-", -max(d, -math.MaxInt64)
	}
	for _, u := range []struct {
		name string
		unit time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"min", time.Minute}} {
		if d >= 2*u.unit || d > 0 && d%u.unit == 0 {
			return fmt.Sprintf("%s%d %s", sign, d.Round(u.unit)/u.unit, u.name)
		}
	}
	return sign + Double(d.Seconds()) + " s"
}

// Place is a city with its country, or a country alone and that no more is known.
func Place(p geo.Place) string {
	switch {
	case !p.Known:
		return Dash
	case p.CountryOnly:
		return cut(p.Country) + " (country level)"
	case p.City != "" && p.Country != "":
		return cut(p.City) + ", " + cut(p.Country)
	case p.City != "" || p.Country != "":
		return cut(p.City + p.Country)
	default:
		return fmt.Sprintf("%.1f, %.1f", p.Lat, p.Lon)
	}
}

// MaxTitle is the greatest length of a title, in characters.
const MaxTitle = 500

// Title shortens a finished title to MaxTitle.
func Title(s string) string {
	if utf8.RuneCountInString(s) <= MaxTitle {
		return s
	}
	r := []rune(s)
	return string(r[:MaxTitle-3]) + "..."
}

// Grouped is a number with its thousands set apart: 12,345.
func Grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}
