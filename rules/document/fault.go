package document

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"
)

// Fault is something wrong in a rule file, at one character of it. It is an error; Error is its one line, Detail shows
// the place as well.
type Fault struct {
	File    string
	Line    int    // from 1; 0 if the fault belongs to the whole file
	Col     int    // in characters, from 1
	Rule    string // id of the rule; empty if it has none, or if the fault belongs to no rule
	Message string
	Hint    string // what to do about it; empty if the message says it all
	Source  string // the line in the file, without its line break
}

// Error is `file:line:col: rule "id": message`.
func (f Fault) Error() string {
	var b strings.Builder
	b.WriteString(f.File)
	if f.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", f.Line, f.Col)
	}
	b.WriteString(": ")
	if f.Rule != "" {
		fmt.Fprintf(&b, "rule %q: ", f.Rule)
	}
	b.WriteString(f.Message)
	return b.String()
}

// Detail is Error, the line with a caret under the character, and the hint. It has no line break at its end.
func (f Fault) Detail() string {
	var b strings.Builder
	b.WriteString(f.Error())
	if f.Line > 0 && f.Source != "" {
		source, col := clip(visible(f.Source), f.Col)
		number := fmt.Sprintf("%5d", f.Line)
		fmt.Fprintf(&b, "\n%s | %s\n%s | %s^", number, source, strings.Repeat(" ", len(number)), under(source, col))
	}
	if f.Hint != "" {
		b.WriteString("\n        hint: " + f.Hint)
	}
	return b.String()
}

// The columns of a long line that Detail shows around the fault.
const clipBefore, clipAfter = 100, 60

// visible is a line with a mark in place of every character that would not show as one.
func visible(line string) string {
	return strings.Map(func(r rune) rune {
		if r != '\t' && !unicode.IsPrint(r) {
			return utf8.RuneError
		}
		return r
	}, line)
}

// clip cuts a long line around col, so that the caret stays in sight.
func clip(line string, col int) (string, int) {
	r := []rune(line)
	from, to := 0, len(r)
	if col-1 > clipBefore {
		from = col - 1 - clipBefore
	}
	to = min(to, max(col-1, 0)+clipAfter)
	from = min(from, to)
	out, shift := string(r[from:to]), from
	if from > 0 {
		out, shift = "..."+out, from-3
	}
	if to < len(r) {
		out += "..."
	}
	return out, col - shift
}

// under is the blank text as wide as the first col-1 characters of line: tabs stay tabs, wide characters count twice.
func under(line string, col int) string {
	var b strings.Builder
	n := 1
	for _, r := range line {
		if n >= col {
			break
		}
		n++
		if r == '\t' {
			b.WriteByte('\t')
			continue
		}
		b.WriteString(strings.Repeat(" ", runewidth.RuneWidth(r)))
	}
	for ; n < col; n++ {
		b.WriteByte(' ')
	}
	return b.String()
}

// Faults is every fault of a load, in the order of the files. As an error it is all of them, one a line.
type Faults []Fault

// Error is the faults' lines.
func (fs Faults) Error() string {
	lines := make([]string, len(fs))
	for i, f := range fs {
		lines[i] = f.Error()
	}
	return strings.Join(lines, "\n")
}

// Detail is the faults with their places and hints.
func (fs Faults) Detail() string {
	parts := make([]string, len(fs))
	for i, f := range fs {
		parts[i] = f.Detail()
	}
	return strings.Join(parts, "\n")
}

// Sort puts the faults of each file in the order of their places, and drops repetitions. The order of files stays.
func (fs Faults) Sort() Faults {
	order := map[string]int{}
	for _, f := range fs {
		if _, ok := order[f.File]; !ok {
			order[f.File] = len(order)
		}
	}
	slices.SortStableFunc(fs, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(order[a.File], order[b.File]), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
	return slices.Compact(fs)
}

// Report collects faults while one rule is read.
type Report struct {
	Rule   string // its id, once it is known
	Faults Faults
	broken map[Value]bool
}

// Add notes a fault at byte offset of v's decoded text, or at v's beginning if offset is 0 or below.
func (r *Report) Add(v Value, offset int, message, hint string) {
	line, col := v.Place(offset)
	r.Faults = append(r.Faults, Fault{File: v.File(), Line: line, Col: col, Rule: r.Rule, Message: message, Hint: hint,
		Source: v.line(line)})
}

// Addf notes a fault at v's beginning, without a hint.
func (r *Report) Addf(v Value, format string, args ...any) {
	r.Add(v, 0, fmt.Sprintf(format, args...), "")
}

// Break marks v as cut short by the syntax around it: whatever else is wrong with it follows from that.
func (r *Report) Break(v Value) {
	if r.broken == nil {
		r.broken = map[Value]bool{}
	}
	r.broken[v] = true
}

// Broken says whether v was marked by Break.
func (r *Report) Broken(v Value) bool { return r.broken[v] }
