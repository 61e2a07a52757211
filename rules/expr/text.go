package expr

import (
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
)

// Functions over text.

// isOn says whether a setting is switched on.
func isOn(s string) bool {
	switch Fold(strings.TrimSpace(s)) {
	case "true", "enabled", "on", "1", "yes", "$true":
		return true
	}
	return false
}

// xmlText is the text of the first element of that name in an XML fragment, which needs no root; "" if there is none.
func xmlText(fragment, tag string) string {
	d := xml.NewDecoder(strings.NewReader(fragment))
	d.Strict = false
	var text strings.Builder
	for depth := 0; ; {
		t, err := d.Token()
		if err != nil {
			return strings.TrimSpace(text.String())
		}
		switch t := t.(type) {
		case xml.StartElement:
			if depth > 0 || t.Name.Local == tag {
				depth++
			}
		case xml.EndElement:
			if depth > 0 {
				if depth--; depth == 0 {
					return strings.TrimSpace(text.String())
				}
			}
		case xml.CharData:
			if depth > 0 {
				text.Write(t)
			}
		}
	}
}

// quotePS is s as a PowerShell value: a string in single quotes, in which PowerShell takes five characters for a quote.
// What does not show, or could end the line, stands beside it by its number, as in ('a'+[char]0x200b+'b'): it is seen, it
// survives being copied, and the command names the object that the record named and no other.
func quotePS(s string) string {
	var b strings.Builder
	b.Grow(len(s) + 2)
	open, joined := false, false // inside quotes; something stands by its number
	begin := func(quoted bool) {
		switch {
		case open && quoted:
			return
		case open:
			b.WriteByte('\'')
		}
		if b.Len() > 0 {
			b.WriteByte('+')
		}
		if open = quoted; quoted {
			b.WriteByte('\'')
		}
	}
	marks := 0
	for _, r := range s {
		if r < utf8.RuneSelf || !unicode.IsMark(r) {
			marks = 0
		} else {
			marks++
		}
		switch {
		case r == utf8.RuneError: // what it was is not known
			continue
		case marks <= shownMarks && shows(r):
			begin(true)
			if r == '\'' || r >= 0x2018 && r <= 0x201B {
				b.WriteRune(r)
			}
			b.WriteRune(r)
			continue
		case b.Len() == 0: // what is added to a text is a text, and nothing else is
			begin(true)
		}
		begin(false)
		joined = true
		if r < 0x10000 {
			fmt.Fprintf(&b, "[char]0x%04x", r)
		} else {
			fmt.Fprintf(&b, "[char]::ConvertFromUtf32(0x%x)", r)
		}
	}
	if b.Len() == 0 {
		return "''"
	}
	if open {
		b.WriteByte('\'')
	}
	if joined {
		return "(" + b.String() + ")"
	}
	return b.String()
}

// shownMarks is how many marks in a row a character may have before the further ones stand by their numbers: stacks of
// them draw over other lines.
const shownMarks = 3

// shows says whether a rune is seen for what it is. Blanks but the common one, fillers and variation selectors are not.
func shows(r rune) bool {
	switch {
	case r == 0x115f, r == 0x1160, r == 0x3164, r == 0xffa0, r == 0x2800, r == 0x034f, r >= 0xfe00 && r <= 0xfe0f, r >= 0xe0100 && r <= 0xe01ef:
		return false
	}
	return unicode.IsPrint(r) // no control, format character, blank, unassigned number
}

// psValue is a text, an int or a list of either for a PowerShell command; "" if there is nothing in it.
func psValue(v ref.Val) ref.Val {
	var parts []string
	add := func(v ref.Val) {
		switch v := v.(type) {
		case types.String:
			if q := quotePS(string(v)); q != "''" {
				parts = append(parts, q)
			}
		case types.Int:
			parts = append(parts, quotePS(strconv.FormatInt(int64(v), 10)))
		}
	}
	if l, ok := v.(traits.Lister); ok {
		for it := l.Iterator(); it.HasNext() == types.True; {
			add(it.Next())
		}
	} else {
		add(v)
	}
	return types.String(strings.Join(parts, ","))
}

// isText says whether two texts, or a text and one of a list, are equal letter case aside.
func isText(v, other ref.Val) ref.Val {
	s := string(v.(types.String))
	switch o := other.(type) {
	case types.String:
		return types.Bool(strings.EqualFold(s, string(o)))
	case traits.Lister:
		for it := o.Iterator(); it.HasNext() == types.True; {
			if e, ok := it.Next().(types.String); ok && strings.EqualFold(s, string(e)) {
				return types.True
			}
		}
		return types.False
	}
	return types.MaybeNoSuchOverloadErr(other)
}

// listOf is a set given as a constant list of texts, or as lists.NAME.
func listOf(v ref.Val) *List {
	if s, ok := v.(*setVal); ok {
		return s.list
	}
	l := &List{}
	if lister, ok := v.(traits.Lister); ok {
		for it := lister.Iterator(); it.HasNext() == types.True; {
			if s, ok := it.Next().(types.String); ok && s != "" {
				l.entries = append(l.entries, Fold(string(s)))
			}
		}
	}
	return l
}

func mentions(v, list ref.Val) ref.Val {
	return types.Bool(listOf(list).MentionedIn(string(v.(types.String))))
}

func hasWord(v, list ref.Val) ref.Val {
	return types.Bool(listOf(list).WordIn(string(v.(types.String))))
}
