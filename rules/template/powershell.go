package template

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Commands checks a template of PowerShell commands: what stands in {{ }} must be outside PowerShell's own texts and
// block comments, and a text must end on the line that it begins on, for a line is left out if one of its values is
// empty. Values are quoted by ps(...), so that they are data wherever else they stand.
func Commands(parts []Part) *Error {
	w := psWalk{}
	for _, p := range parts {
		if p.Expr {
			switch {
			case w.line: // a value has no line break: it ends no comment
			case w.quote != 0:
				return &Error{Offset: p.Offset, Message: "a value inside a PowerShell text", Hint: "ps(...) brings its own quotes: close the text before it"}
			case w.block:
				return &Error{Offset: p.Offset, Message: "a value inside a PowerShell block comment", Hint: "use # at the beginning of the line"}
			case w.before != 0 && !strings.ContainsRune(" \t\n(,=;:|&{[", w.before):
				return &Error{Offset: p.Offset, Message: fmt.Sprintf("%q right before a value", string(w.before)),
					Hint: "the value's own quote would belong to it: put a blank between them"}
			}
			w.before, w.value = value, true
			continue
		}
		if err := w.literal(p); err != nil {
			return err
		}
	}
	return w.end()
}

// psWalk follows PowerShell's quoting.
type psWalk struct {
	quote  rune // ' or " inside such a text
	at     int  // where it began
	line   bool // in a # comment
	block  bool // in a <# #> comment
	before rune // the character before; 0 at the beginning
	value  bool // a value stands right before
}

// value stands for the closing quote of a value as the character before.
const value = '\''

func (w *psWalk) end() *Error {
	if w.quote != 0 {
		return &Error{Offset: w.at, Message: "a PowerShell text must end on its line", Hint: "a quote inside a text is doubled"}
	}
	return nil
}

// PowerShell takes curly quotes for straight ones.
func psQuote(r rune) rune {
	switch r {
	case '\'', '\u2018', '\u2019', '\u201a', '\u201b':
		return '\''
	case '"', '\u201c', '\u201d', '\u201e':
		return '"'
	}
	return 0
}

func (w *psWalk) literal(p Part) *Error {
	for i := 0; i < len(p.Text); {
		r, n := utf8.DecodeRuneInString(p.Text[i:])
		rest := p.Text[i:]
		q := psQuote(r)
		if w.value && !w.line && (q != 0 || r == '`') {
			return &Error{Offset: p.Offset + i, Message: "a quote right after a value", Hint: "put a blank between them"}
		}
		w.value = false
		switch {
		case r == '\n':
			if err := w.end(); err != nil {
				return err
			}
			w.line = false
		case w.line:
		case w.block:
			if strings.HasPrefix(rest, "#>") {
				w.block = false
				n = 2
			}
		case w.quote == 0 && r == '`' || w.quote == '"' && r == '`':
			if _, next := utf8.DecodeRuneInString(p.Text[i+1:]); next > 0 && p.Text[i+1] != '\n' {
				n += next // the character after a backtick means itself
			}
		case w.quote != 0:
			if q == w.quote {
				if next, size := utf8.DecodeRuneInString(p.Text[i+n:]); psQuote(next) == q {
					n += size // doubled
				} else {
					w.quote = 0
				}
			}
		case q != 0:
			w.quote, w.at = q, p.Offset+i
		case strings.HasPrefix(rest, "--%"):
			return &Error{Offset: p.Offset + i, Message: "--% ends PowerShell's quoting", Hint: "leave it out"}
		case strings.HasPrefix(rest, "<#"):
			w.block = true
			n = 2
		case r == '#' && (w.before == 0 || strings.ContainsRune(" \t\n;|&(){}", w.before)):
			w.line = true
		}
		w.before = r
		i += n
	}
	return nil
}
