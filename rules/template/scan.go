// Package template reads the texts of alerts: literal text with expressions in {{ }}, commands in which every value is
// quoted, and how values are printed for people. It knows nothing of what the expressions mean.
package template

import (
	"strings"
	"unicode/utf8"
)

// Part is a piece of a template: literal text, or an expression.
type Part struct {
	Text   string // literal text, or the expression between {{ and }}
	Expr   bool
	Offset int // of Text, in bytes, in the template
}

// Error is a fault of a template.
type Error struct {
	Offset        int // in bytes
	Message, Hint string
}

// Parse cuts a template into its parts. The end of an expression is the first }} that stands neither in one of its
// quoted texts nor in its own braces.
func Parse(s string) ([]Part, *Error) {
	var parts []Part
	for at := 0; at < len(s); {
		open := strings.Index(s[at:], "{{")
		if open < 0 {
			return append(parts, Part{Text: s[at:], Offset: at}), nil
		}
		open += at
		if open > at {
			parts = append(parts, Part{Text: s[at:open], Offset: at})
		}
		n, ok := exprEnd(s[open+2:])
		if !ok {
			return nil, &Error{Offset: open, Message: "{{ without }}", Hint: "an expression ends with }} outside its quotes and braces"}
		}
		src := s[open+2 : open+2+n]
		if strings.TrimSpace(src) == "" {
			return nil, &Error{Offset: open, Message: "{{ }} is empty"}
		}
		parts = append(parts, Part{Text: src, Expr: true, Offset: open + 2})
		at = open + 2 + n + 2
	}
	return parts, nil
}

// exprEnd is where in s the }} of an expression is.
func exprEnd(s string) (int, bool) {
	depth := 0
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == '\'' || c == '"':
			n, ok := Quoted(s, i)
			if !ok {
				return 0, false
			}
			i += n
			continue
		case c == '{':
			depth++
		case c == '}' && depth > 0:
			depth--
		case c == '}' && strings.HasPrefix(s[i:], "}}"):
			return i, true
		}
		i++
	}
	return 0, false
}

// Quoted is the length of the CEL text whose opening quote is at i: three quotes of a kind, or one; backslashes escape
// but in raw texts, which have an r before the quote. ok is false if the text is not closed.
func Quoted(s string, i int) (n int, ok bool) {
	quote := s[i : i+1]
	if three := strings.Repeat(quote, 3); strings.HasPrefix(s[i:], three) {
		quote = three
	}
	raw := rawBefore(s, i)
	for p := i + len(quote); p < len(s); {
		switch {
		case !raw && s[p] == '\\':
			p += 2
		case strings.HasPrefix(s[p:], quote):
			return p + len(quote) - i, true
		case s[p] == '\n' && len(quote) == 1:
			return 0, false
		default:
			p++
		}
	}
	return 0, false
}

// rawBefore says whether an r or R that marks a raw text, perhaps with the b of bytes, stands before i.
func rawBefore(s string, i int) bool {
	start := i
	for start > 0 && isWord(s[start-1]) {
		start--
	}
	switch strings.ToLower(s[start:i]) {
	case "r", "br", "rb":
		return true
	}
	return false
}

func isWord(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c >= utf8.RuneSelf
}

// Comment is where the first // outside quoted texts is in an expression; -1 if there is none.
func Comment(s string) int {
	for i := 0; i < len(s); {
		switch {
		case s[i] == '\'' || s[i] == '"':
			n, ok := Quoted(s, i)
			if !ok {
				return -1
			}
			i += n
			continue
		case strings.HasPrefix(s[i:], "//"):
			return i
		}
		i++
	}
	return -1
}

// Open says whether a quoted text of the expression is not closed.
func Open(s string) bool {
	for i := 0; i < len(s); {
		switch {
		case s[i] == '\'' || s[i] == '"':
			n, ok := Quoted(s, i)
			if !ok {
				return true
			}
			i += n
			continue
		case strings.HasPrefix(s[i:], "//"):
			if n := strings.IndexByte(s[i:], '\n'); n >= 0 {
				i += n
				continue
			}
			return false
		}
		i++
	}
	return false
}

// Squeeze is an expression without its comments and without the blanks that mean nothing: two expressions that differ in
// layout only become the same text.
func Squeeze(s string) string {
	var b strings.Builder
	blank := false
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f':
			blank = true
			i++
			continue
		case strings.HasPrefix(s[i:], "//"):
			n := strings.IndexByte(s[i:], '\n')
			if n < 0 {
				n = len(s) - i
			}
			blank = true
			i += n
			continue
		}
		n := 1
		if c == '\'' || c == '"' {
			if q, ok := Quoted(s, i); ok {
				n = q
			}
		}
		if blank && b.Len() > 0 && (isWord(c) || c == '\'' || c == '"') && isWord(last(&b)) {
			b.WriteByte(' ')
		}
		blank = false
		b.WriteString(s[i : i+n])
		i += n
	}
	return b.String()
}

func last(b *strings.Builder) byte { s := b.String(); return s[len(s)-1] }
