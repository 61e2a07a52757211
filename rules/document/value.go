package document

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// Value is a value in a YAML document, with its place. The zero value is no value.
type Value struct {
	doc  *doc
	node *yaml.Node
}

// Exists says whether there is a value at all.
func (v Value) Exists() bool { return v.node != nil }

// File is the name of the file.
func (v Value) File() string {
	if v.doc == nil {
		return ""
	}
	return v.doc.file.name
}

func (v Value) line(n int) string {
	if v.doc == nil {
		return ""
	}
	return v.doc.file.line(n)
}

// start is the byte offset of the value in its file.
func (v Value) start() int { return v.doc.file.offset(v.node.Line+v.doc.shift, v.node.Column) }

// Place is the line and the column of the character at byte offset of the decoded text; of the value's beginning for an
// offset of 0 or below that has no text.
func (v Value) Place(offset int) (line, col int) {
	if v.doc == nil {
		return 0, 0
	}
	if offset >= 0 && v.IsScalar() && v.node.Value != "" {
		if o, ok := locate(v.doc.file.text, v.start(), v.node, offset); ok {
			return v.doc.file.place(o)
		}
	}
	return v.doc.file.place(v.start())
}

// Begin is the line and the column of the value's first character: of its quote or `|`, if it has one.
func (v Value) Begin() (line, col int) {
	if v.doc == nil {
		return 0, 0
	}
	return v.doc.file.place(v.start())
}

// IsScalar says whether v is a single value, no list and no mapping.
func (v Value) IsScalar() bool { return v.node != nil && v.node.Kind == yaml.ScalarNode }

// IsList says whether v is a list.
func (v Value) IsList() bool { return v.node != nil && v.node.Kind == yaml.SequenceNode }

// IsMapping says whether v is a mapping.
func (v Value) IsMapping() bool { return v.node != nil && v.node.Kind == yaml.MappingNode }

// IsNull says whether v is written as null, ~ or nothing at all.
func (v Value) IsNull() bool { return v.IsScalar() && v.node.Tag == "!!null" }

// IsText says whether v is text: quoted, a block, or plain and neither a number, a bool, a date nor null.
func (v Value) IsText() bool { return v.IsScalar() && v.node.Tag == "!!str" }

// Is says whether v is a single value of a YAML type, such as "!!int".
func (v Value) Is(tag string) bool { return v.IsScalar() && v.node.Tag == tag }

// Scalar is a single value's text as decoded, whatever its type.
func (v Value) Scalar() string {
	if !v.IsScalar() {
		return ""
	}
	return v.node.Value
}

// IsLiteral says whether v is a `|` block, which keeps lines and blanks as they are.
func (v Value) IsLiteral() bool { return v.IsScalar() && v.node.Style&yaml.LiteralStyle != 0 }

// IsPlain says whether v is a single value without quotes, no block.
func (v Value) IsPlain() bool {
	const marked = yaml.LiteralStyle | yaml.FoldedStyle | yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle
	return v.IsScalar() && v.node.Style&marked == 0
}

// InBraces says whether v, a list or mapping, is written with brackets or braces.
func (v Value) InBraces() bool { return v.node != nil && v.node.Style&yaml.FlowStyle != 0 }

// Comment says whether a YAML comment ended v, a plain value.
func (v Value) Comment() bool {
	if !v.IsPlain() {
		return false
	}
	text := v.doc.file.text
	end, ok := locate(text, v.start(), v.node, len(v.node.Value))
	return ok && strings.HasPrefix(strings.TrimLeft(text[end:], " \t"), "#")
}

// colon says whether a colon follows v, a key. None does where a comma inside braces made a key of the rest of a value.
func (v Value) colon() bool {
	text := v.doc.file.text
	end, ok := locate(text, v.start(), v.node, len(v.node.Value))
	if ok && end < len(text) && (text[end] == '\'' || text[end] == '"') {
		end++
	}
	return ok && strings.HasPrefix(strings.TrimLeft(text[end:], " \t\r\n"), ":")
}

// Text is the document that v, its mapping, is, as it stands in the file.
func (v Value) Text() string {
	if v.doc == nil {
		return ""
	}
	return v.doc.file.text[v.doc.start:v.doc.end]
}

// Decode decodes v into a Go value.
func (v Value) Decode(into any) error { return v.node.Decode(into) }

// Items is the elements of a list.
func (v Value) Items() []Value {
	if !v.IsList() {
		return nil
	}
	vs := make([]Value, len(v.node.Content))
	for i, n := range v.node.Content {
		vs[i] = Value{doc: v.doc, node: n}
	}
	return vs
}

// Entry is one key of a mapping with its value.
type Entry struct{ Key, Value Value }

// Entries is the keys of a mapping with their values, in the order of the file.
func (v Value) Entries() []Entry {
	if !v.IsMapping() {
		return nil
	}
	es := make([]Entry, 0, len(v.node.Content)/2)
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		es = append(es, Entry{Key: Value{doc: v.doc, node: v.node.Content[i]}, Value: Value{doc: v.doc, node: v.node.Content[i+1]}})
	}
	return es
}

// What says what kind of value v is, for messages.
func (v Value) What() string {
	switch {
	case !v.Exists():
		return "nothing"
	case v.IsList():
		return "a list"
	case v.IsMapping():
		return "a mapping"
	}
	switch v.node.Tag {
	case "!!null":
		return "empty"
	case "!!int", "!!float":
		return "a number"
	case "!!bool":
		return "a bool"
	case "!!timestamp":
		return "a date"
	default:
		return "text"
	}
}

// FirstLine is the first line of a text, for messages.
func FirstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}
