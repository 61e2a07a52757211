package document

import (
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// locate finds the byte of text that the byte at offset of n's decoded value comes from; start is where n begins. Its
// walk over the text is held to the decoded value byte by byte, so it is either right or not ok.
func locate(text string, start int, n *yaml.Node, offset int) (int, bool) {
	w := walk{src: text, p: start, val: n.Value, want: min(max(offset, 0), len(n.Value))}
	switch {
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return w.block()
	case n.Style&yaml.DoubleQuotedStyle != 0:
		w.p++
		return w.flow('"')
	case n.Style&yaml.SingleQuotedStyle != 0:
		w.p++
		return w.flow('\'')
	default:
		return w.flow(0)
	}
}

// walk goes over a scalar's source and its decoded value at once.
type walk struct {
	src  string
	p    int // in src
	val  string
	i    int // in val
	want int // the byte of val that is looked for

	escaped bool // an escaped line break stands before p: of the line breaks after it none is lost
}

// found says whether the byte looked for lies in the next n bytes of val.
func (w *walk) found(n int) bool { return w.want >= w.i && w.want < w.i+n }

// lineBreak is the length of the line break at p of src, 0 if there is none.
func (w *walk) lineBreak(p int) int {
	switch {
	case strings.HasPrefix(w.src[p:], "\r\n"):
		return 2
	case strings.HasPrefix(w.src[p:], "\n"):
		return 1
	}
	return 0
}

func (w *walk) blanks(p int) int {
	for p < len(w.src) && (w.src[p] == ' ' || w.src[p] == '\t') {
		p++
	}
	return p
}

// flow walks plain and quoted scalars, whose lines are joined by a blank.
func (w *walk) flow(quote byte) (int, bool) {
	for w.i < len(w.val) {
		if w.p >= len(w.src) {
			return 0, false
		}
		if q := w.blanks(w.p); q < len(w.src) && w.lineBreak(q) > 0 {
			if at, ok := w.fold(q); ok {
				return at, true
			}
			continue
		}
		size, decoded, ok := w.char(quote)
		if !ok || !strings.HasPrefix(w.val[w.i:], decoded) {
			return 0, false
		}
		if w.found(len(decoded)) {
			return w.p, true
		}
		w.p += size
		w.i += len(decoded)
		w.escaped = w.escaped && decoded == ""
	}
	return w.p, w.want >= len(w.val)
}

// char is the next character of a plain or quoted scalar: how long it is in src and what it becomes.
func (w *walk) char(quote byte) (size int, decoded string, ok bool) {
	switch c := w.src[w.p]; {
	case quote == '\'' && c == '\'':
		return 2, "'", strings.HasPrefix(w.src[w.p:], "''")
	case quote == '"' && c == '"':
		return 0, "", false
	case quote == '"' && c == '\\':
		return w.escape()
	}
	_, n := utf8.DecodeRuneInString(w.src[w.p:])
	return n, w.src[w.p : w.p+n], true
}

var simpleEscapes = map[byte]string{
	'0': "\x00", 'a': "\a", 'b': "\b", 't': "\t", '\t': "\t", 'n': "\n", 'v': "\v", 'f': "\f", 'r': "\r", 'e': "\x1b",
	' ': " ", '"': `"`, '/': "/", '\\': `\`, 'N': "\u0085", '_': "\u00a0", 'L': "\u2028", 'P': "\u2029", '\'': "'",
}

// escape is the escape in double quotes at p.
func (w *walk) escape() (size int, decoded string, ok bool) {
	if w.p+1 >= len(w.src) {
		return 0, "", false
	}
	c := w.src[w.p+1]
	if s, ok := simpleEscapes[c]; ok {
		return 2, s, true
	}
	digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]
	if digits > 0 {
		// What it becomes is one character; which one, the decoded value says.
		_, n := utf8.DecodeRuneInString(w.val[w.i:])
		return 2 + digits, w.val[w.i : w.i+n], n > 0
	}
	if n := w.lineBreak(w.p + 1); n > 0 { // an escaped line break is nothing at all, and so are the blanks after it
		w.escaped = true
		return w.blanks(w.p+1+n) - w.p, "", true
	}
	return 0, "", false
}

// fold walks over the line breaks from q on: one becomes a blank, each further one a line break.
func (w *walk) fold(q int) (int, bool) {
	breaks := 0
	at := q
	for q < len(w.src) {
		n := w.lineBreak(q)
		if n == 0 {
			break
		}
		breaks++
		q = w.blanks(q + n)
	}
	becomes := " "
	if breaks > 1 {
		becomes = strings.Repeat("\n", breaks-1)
	}
	if w.escaped {
		becomes = strings.Repeat("\n", breaks)
	}
	w.escaped = false
	if !strings.HasPrefix(w.val[w.i:], becomes) {
		w.p = len(w.src) // no way to go on: the walk ends without a result
		return 0, false
	}
	if w.found(len(becomes)) {
		return at, true
	}
	w.p = q
	w.i += len(becomes)
	return 0, false
}

// block walks `|` and `>` scalars.
func (w *walk) block() (int, bool) {
	indent, ok := w.header()
	if !ok {
		return 0, false
	}
	w.margin(indent)
	for w.i < len(w.val) {
		if w.p >= len(w.src) {
			return len(w.src), w.want >= w.i
		}
		n := w.lineBreak(w.p)
		if n == 0 {
			_, size := utf8.DecodeRuneInString(w.src[w.p:])
			if !strings.HasPrefix(w.val[w.i:], w.src[w.p:w.p+size]) {
				return 0, false
			}
			if w.found(size) {
				return w.p, true
			}
			w.p += size
			w.i += size
			continue
		}
		if at, ok := w.blockBreak(indent); ok {
			return at, true
		}
	}
	return w.p, w.want >= len(w.val)
}

// blockBreak walks over the line breaks at p of a block: they become as many line breaks, one fewer, or a blank; which,
// the decoded value says.
func (w *walk) blockBreak(indent int) (int, bool) {
	at, breaks := w.p, 0
	for w.p < len(w.src) {
		n := w.lineBreak(w.p)
		if n == 0 {
			break
		}
		breaks++
		w.p += n
		w.margin(indent)
	}
	become := 0
	for become < breaks && w.i+become < len(w.val) && w.val[w.i+become] == '\n' {
		become++
	}
	if become == 0 && strings.HasPrefix(w.val[w.i:], " ") {
		become = 1
	}
	if become == 0 {
		w.p = len(w.src)
		return 0, false
	}
	if w.found(become) {
		return at, true
	}
	w.i += become
	return 0, false
}

// margin skips the block's indentation at the beginning of a line.
func (w *walk) margin(indent int) {
	for k := 0; k < indent && w.p < len(w.src) && w.src[w.p] == ' '; k++ {
		w.p++
	}
}

// header goes to the first line of a block and finds its indentation: that of its first line with a text, or, if the
// header has a digit, what the decoded value says.
func (w *walk) header() (indent int, ok bool) {
	digit := false
	for w.p < len(w.src) && w.lineBreak(w.p) == 0 {
		if c := w.src[w.p]; c == '#' {
			break
		} else if c >= '1' && c <= '9' {
			digit = true
		}
		w.p++
	}
	for w.p < len(w.src) && w.lineBreak(w.p) == 0 {
		w.p++
	}
	if w.p >= len(w.src) {
		return 0, false
	}
	w.p += w.lineBreak(w.p)
	for q := w.p; q < len(w.src); {
		line := q
		for q < len(w.src) && w.src[q] == ' ' {
			q++
		}
		if n := w.lineBreak(q); q < len(w.src) && n > 0 {
			q += n
			continue
		}
		indent = q - line
		if digit {
			lead := strings.TrimLeft(w.val, "\n")
			indent -= len(lead) - len(strings.TrimLeft(lead, " "))
		}
		return max(indent, 0), true
	}
	return 0, true // blank lines alone
}
