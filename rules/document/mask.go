package document

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Mask makes faults fit to be shown though the file holds secrets: in the lines that they quote, every character of the
// hidden values is a *, and so is every repetition of such a value, quoted or not, in messages and hints.
func Mask(faults Faults, hidden []Value) Faults {
	var spans []span
	var words []string
	for _, v := range hidden {
		for _, s := range v.scalars(nil) {
			spans = append(spans, s.extent())
			if word := strings.TrimSpace(s.node.Value); utf8.RuneCountInString(word) >= 3 {
				quoted := strconv.Quote(word)
				words = append(words, word, quoted[1:len(quoted)-1])
			}
		}
	}
	out := make(Faults, len(faults))
	for i, f := range faults {
		for _, s := range spans {
			f.Source = s.cover(f)
		}
		for _, w := range words {
			f.Message = strings.ReplaceAll(f.Message, w, stars(w))
			f.Hint = strings.ReplaceAll(f.Hint, w, stars(w))
		}
		out[i] = f
	}
	return out
}

func stars(s string) string { return strings.Repeat("*", min(utf8.RuneCountInString(s), 8)) }

// scalars appends the single values under v, those of keys excepted.
func (v Value) scalars(list []Value) []Value {
	if v.IsScalar() {
		return append(list, v)
	}
	for _, e := range v.Entries() {
		list = e.Value.scalars(list)
	}
	for _, item := range v.Items() {
		list = item.scalars(list)
	}
	return list
}

// span is from one place of a file up to another, which is not part of it. A toCol of 0 is the end of the line.
type span struct {
	file                     string
	from, fromCol, to, toCol int
}

// extent is where a single value stands in its file.
func (v Value) extent() span {
	s := span{file: v.File()}
	s.from, s.fromCol = v.Begin()
	s.to, s.toCol = s.from, 0
	if n := len(v.node.Value); n > 0 {
		if o, ok := locate(v.doc.file.text, v.start(), v.node, n); ok {
			s.to, s.toCol = v.doc.file.place(o)
			return s
		}
		s.to = s.from + strings.Count(v.node.Value, "\n") + 1
	}
	return s
}

// cover is the line that f quotes with the part of it that is in s covered.
func (s span) cover(f Fault) string {
	if f.File != s.file || f.Line < s.from || f.Line > s.to {
		return f.Source
	}
	from, to := 1, utf8.RuneCountInString(f.Source)+1
	if f.Line == s.from {
		from = s.fromCol
	}
	if f.Line == s.to && s.toCol > 0 {
		to = s.toCol
	}
	var b strings.Builder
	col := 0
	for _, r := range f.Source {
		if col++; col >= from && col < to && r != ' ' && r != '\t' {
			r = '*'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// Lines is the first and the last line of a value.
func (v Value) Lines() (first, last int) {
	first, _ = v.Begin()
	last = first
	for _, s := range v.scalars(nil) {
		last = max(last, s.extent().to)
	}
	return first, last
}
