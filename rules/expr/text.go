package expr

import (
	"encoding/xml"
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

// quotePS is s as a PowerShell string in single quotes. PowerShell takes five characters for a single quote; control
// characters and line separators, which could end the line, are left out. All else stays, also what does not show: without
// it the command would name another object.
func quotePS(s string) string {
	var b strings.Builder
	b.Grow(len(s) + 2)
	b.WriteByte('\'')
	for _, r := range s {
		switch {
		case r == '\'' || r >= 0x2018 && r <= 0x201B:
			b.WriteRune(r)
			b.WriteRune(r)
		case unicode.IsControl(r), r == 0x2028, r == 0x2029, r == utf8.RuneError:
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('\'')
	return b.String()
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
