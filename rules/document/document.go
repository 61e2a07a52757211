// Package document reads YAML for the rule format: documents cut apart and decoded each by itself, values that know
// their place in the file to the character, and faults that show it.
package document

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// MaxSize is the greatest size of a file that Parse accepts, in bytes. Rule files are written by people; a larger file
// is a mistake.
const MaxSize = 1 << 20

// MaxDepth is how deep values may be nested.
const MaxDepth = 64

// file is a file's text, for finding lines.
type file struct {
	name  string
	text  string
	lines []int // byte offset of each line's beginning
}

func newFile(name string, text []byte) *file {
	f := &file{name: name, text: string(text), lines: []int{0}}
	for i := range len(f.text) {
		if f.text[i] == '\n' {
			f.lines = append(f.lines, i+1)
		}
	}
	return f
}

// line is the text of line n, from 1, without its line break.
func (f *file) line(n int) string {
	if n < 1 || n > len(f.lines) {
		return ""
	}
	rest := f.text[f.lines[n-1]:]
	if i := strings.IndexByte(rest, '\n'); i >= 0 {
		rest = rest[:i]
	}
	return strings.TrimSuffix(rest, "\r")
}

// place is the line and the column, in characters, of a byte offset.
func (f *file) place(offset int) (line, col int) {
	offset = min(max(offset, 0), len(f.text))
	lo, hi := 0, len(f.lines)
	for hi-lo > 1 {
		if mid := (lo + hi) / 2; f.lines[mid] <= offset {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo + 1, utf8.RuneCountInString(f.text[f.lines[lo]:offset]) + 1
}

// offset is the byte offset of a line and a column in characters.
func (f *file) offset(line, col int) int {
	if line < 1 || line > len(f.lines) {
		return len(f.text)
	}
	o := f.lines[line-1]
	for ; col > 1 && o < len(f.text) && f.text[o] != '\n'; col-- {
		_, n := utf8.DecodeRuneInString(f.text[o:])
		o += n
	}
	return o
}

func (f *file) fault(offset int, message, hint string) Fault {
	line, col := f.place(offset)
	return Fault{File: f.name, Line: line, Col: col, Message: message, Hint: hint, Source: f.line(line)}
}

// Parse reads the YAML documents of a file. Each is decoded by itself: what is wrong with one hides no other. Empty
// documents are left out. Tags, anchors, aliases and merge keys are faults, and so is a document that is no mapping.
func Parse(name string, text []byte) ([]Value, Faults) {
	if len(text) > MaxSize {
		return nil, Faults{{File: name, Message: fmt.Sprintf("the file is larger than %d MiB", MaxSize>>20)}}
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	f := newFile(name, text)
	if fault, ok := f.badCharacter(); ok {
		return nil, Faults{fault}
	}
	var (
		docs   []Value
		faults Faults
	)
	for _, p := range f.cut() {
		root, fault := f.decode(p)
		if fault != nil {
			faults = append(faults, *fault)
			continue
		}
		if root == nil {
			continue
		}
		v := Value{doc: &doc{file: f, shift: p.line - 1, start: p.start, end: p.end}, node: root}
		if fs := v.refuse(0); len(fs) > 0 {
			faults = append(faults, fs...)
			continue
		}
		if root.Kind != yaml.MappingNode {
			line, col := v.Place(0)
			faults = append(faults, Fault{File: name, Line: line, Col: col, Source: f.line(line),
				Message: "a document must be a mapping of keys to values, such as `id: my-rule`"})
			continue
		}
		docs = append(docs, v)
	}
	return docs, faults
}

// badCharacter finds the first character that no rule file may hold: it would be refused by YAML, or counts as a line
// break there and nowhere else, so that what a person sees is not what is read.
func (f *file) badCharacter() (Fault, bool) {
	for i, r := range f.text {
		switch {
		case r == utf8.RuneError:
			if _, n := utf8.DecodeRuneInString(f.text[i:]); n == 1 {
				return f.fault(i, "the file is not UTF-8", "save it as UTF-8"), true
			}
		case r == '\r' && strings.HasPrefix(f.text[i+1:], "\n"), r == '\n', r == '\t':
		case r < ' ', r == 0x7f, r >= 0x80 && r < 0xa0, r == 0x2028, r == 0x2029, r == 0xfeff, r == 0xfffe, r == 0xffff:
			return f.fault(i, fmt.Sprintf("the character U+%04X cannot stand in a rule file", r),
				fmt.Sprintf(`inside double quotes it is written "\u%04x"`, r)), true
		}
	}
	return Fault{}, false
}

// piece is one document's text.
type piece struct {
	line       int // its first line, from 1
	start, end int // bytes
}

// cut finds the documents: `---` at the beginning of a line begins one, `...` ends one.
func (f *file) cut() []piece {
	ps := []piece{{line: 1}}
	for i, start := range f.lines {
		l := f.line(i + 1)
		marker := strings.HasPrefix(l, "---") || strings.HasPrefix(l, "...")
		if !marker || len(l) > 3 && l[3] != ' ' && l[3] != '\t' {
			continue
		}
		ps[len(ps)-1].end = start
		ps = append(ps, piece{line: i + 1, start: start})
	}
	ps[len(ps)-1].end = len(f.text)
	return ps
}

// body is a piece's text with its marker blanked, so that columns stay.
func (f *file) body(p piece) []byte {
	b := []byte(f.text[p.start:p.end])
	if bytes.HasPrefix(b, []byte("---")) || bytes.HasPrefix(b, []byte("...")) {
		copy(b, "   ")
	}
	return b
}

// decode reads one document; its root is nil if there is none.
func (f *file) decode(p piece) (*yaml.Node, *Fault) {
	b := f.body(p)
	n, err := unmarshal(b)
	if err == nil {
		if n.Kind != yaml.DocumentNode || len(n.Content) == 0 || empty(n.Content[0]) {
			return nil, nil
		}
		return n.Content[0], nil
	}
	at := errorOffset(b, err.Error())
	if strings.Contains(err.Error(), "unknown anchor") {
		at = max(bytes.LastIndexByte(b[:min(at+1, len(b))], '*'), 0)
	}
	fault := f.fault(p.start+at, "", "")
	if n := culpritAt(fault.Source); n >= 0 {
		fault = f.fault(f.lines[fault.Line-1]+n, "", "")
	}
	fault.Message, fault.Hint = explain(err.Error(), string(b[at:]), fault.Source)
	return nil, &fault
}

func empty(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Value == "" && n.Style == 0 }

// unmarshal decodes b. A panic of the library is an error as well: whatever a file holds, the other files are read.
func unmarshal(b []byte) (n *yaml.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("yaml: %v", r)
		}
	}()
	n = &yaml.Node{}
	if err := yaml.Unmarshal(b, n); err != nil {
		return nil, err
	}
	return n, nil
}

// doc is where a value comes from.
type doc struct {
	file  *file
	shift int // lines of the file before the document's first

	start, end int // bytes of the file
}

// refuse finds what YAML allows and the rule format does not, under v.
func (v Value) refuse(depth int) (fs Faults) {
	add := func(message, hint string) {
		line, col := v.Place(0)
		fs = append(fs, Fault{File: v.File(), Line: line, Col: col, Message: message, Hint: hint, Source: v.line(line)})
	}
	n := v.node
	switch {
	case depth > MaxDepth:
		add(fmt.Sprintf("values are nested more than %d deep", MaxDepth), "")
		return fs
	case n.Kind == yaml.AliasNode:
		add(fmt.Sprintf("`*%s` is a YAML alias; the rule format has none", n.Value), "quote the text that begins with *")
	case n.Anchor != "":
		add(fmt.Sprintf("`&%s` is a YAML anchor; the rule format has none", n.Anchor), "quote the text that begins with &")
	case n.Style&yaml.TaggedStyle != 0:
		add(fmt.Sprintf("`%s` is a YAML tag, and is lost", n.Tag), "quote an expression that begins with `!`, or write it as a `|` block")
	case n.Kind == yaml.ScalarNode && n.Tag == "!!merge":
		add("`<<` is a YAML merge key; the rule format has none", "")
	}
	for _, c := range n.Content {
		fs = append(fs, Value{doc: v.doc, node: c}.refuse(depth+1)...)
	}
	return fs
}
