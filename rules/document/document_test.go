package document

import (
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"
)

// Every byte of a decoded scalar is found at the character it was written as.
func TestLocate(t *testing.T) {
	f := func(name, text string) {
		t.Helper()
		docs, faults := Parse("f.yaml", []byte(text))
		if len(faults) > 0 || len(docs) != 1 {
			t.Fatalf("%s: %v", name, faults)
		}
		v := docs[0].Entries()[0].Value
		s := v.Scalar()
		for i := range len(s) {
			o, ok := locate(text, v.start(), v.node, i)
			if !ok {
				t.Fatalf("%s: byte %d of %q is not found", name, i, s)
			}
			if s[i] > ' ' && s[i] < 0x7f && text[o] != '\\' && text[o] != s[i] {
				t.Errorf("%s: byte %d of %q is found at %q", name, i, s, text[o:])
			}
		}
	}
	f("plain", "a: b c d\n")
	f("plain, folded", "a: b\n  c   \n\n\n    d e\n")
	f("plain, CRLF", "a: b\r\n  c\r\n\r\n  d\r\n")
	f("single quotes", "a: 'it''s\n\n  so'\n")
	f("double quotes", "a: \"x\\ty\\u00e9z\\x41\\U0001F600 \\\"q\\\" \\\\ é\n  next\"\n")
	f("escaped line break", "a: \"one\\\n   two\\\n\n\n   three\"\n")
	f("literal", "a: |\n  b ? c\n    : d   // x\n\n  e\n")
	f("literal, keep", "a: |+\n  b\n\n\n")
	f("literal, blank lines first", "a: |\n\n\n  b\n  c")
	f("literal, digit", "a: |2\n    b\n   c\n")
	f("literal, comment", "a: |  # not 3 of these\n   b\n   c\n")
	f("literal, CRLF", "a: |\r\n  b\r\n  c\r\n")
	f("folded", "a: >-\n  b\n  c\n\n  d\n    e\n    f\n\n  g\n")
	f("folded, wide", "a: >\n  \U0001F600 é\n  ü\n")
}

// Whatever the style and the text, a byte is found at its own character or not at all, and in a text that the library
// itself wrote it is always found.
func TestLocateAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringMatching(`[a-z:#'"\\\n é|>-]{1,40}`).Draw(t, "text")
		style := rapid.SampledFrom([]yaml.Style{0, yaml.LiteralStyle, yaml.FoldedStyle, yaml.SingleQuotedStyle, yaml.DoubleQuotedStyle}).Draw(t, "style")
		b, err := yaml.Marshal(map[string]*yaml.Node{"a": {Kind: yaml.ScalarNode, Tag: "!!str", Value: s, Style: style}})
		if err != nil {
			t.Skip(err)
		}
		docs, _ := Parse("f", b)
		if len(docs) != 1 {
			return
		}
		v := docs[0].Entries()[0].Value
		for i := range len(v.Scalar()) {
			o, ok := locate(string(b), v.start(), v.node, i)
			if !ok {
				t.Fatalf("%q: byte %d of %q is not found", b, i, v.Scalar())
			}
			if c := v.Scalar()[i]; c > ' ' && c < 0x7f && b[o] != '\\' && b[o] != c {
				t.Fatalf("%q: byte %d of %q is found at %q", b, i, v.Scalar(), b[o:])
			}
		}
	})
}

func TestDocumentsAreCutApart(t *testing.T) {
	docs, faults := Parse("f.yaml", []byte("# head\n---\na: 1\n---\nb: [\n---\nc: 3\n...\n---\n- x\n--- # empty\n"))
	if len(docs) != 2 || docs[1].Entries()[0].Key.Scalar() != "c" {
		t.Fatalf("documents: %d", len(docs))
	}
	if line, col := docs[1].Place(0); line != 7 || col != 1 {
		t.Errorf("c is at %d:%d", line, col)
	}
	want := "f.yaml:5:4: the braces or brackets are not closed, or their content is more than a simple text\n" +
		"f.yaml:10:1: a document must be a mapping of keys to values, such as `id: my-rule`"
	if got := faults.Error(); got != want {
		t.Errorf("faults:\n%s\nwant:\n%s", got, want)
	}
}

func TestSyntaxFaultsAreAtTheirCharacter(t *testing.T) {
	f := func(text, place string) {
		t.Helper()
		_, faults := Parse("f", []byte(text))
		if len(faults) != 1 {
			t.Fatalf("%q: %v", text, faults)
		}
		if got := faults[0].Error(); !strings.HasPrefix(got, place) {
			t.Errorf("%q: %s, want it at %s", text, got, place)
		}
	}
	f("a: 1\nmatch: a ? b : c\nd: 2\n", "f:2:14: `:` followed")
	f("a: 1\nm: {when: user in ['a', 'b']}\nd: 2\n", "f:2:4: the braces")
	f("a: 1\nx: @y\n", "f:2:4: an unquoted text cannot begin with `@`")
	f("a: 1\n\tx: y\n", "f:2:1: a tab")
	f("a: 1\nx: \"y\nz: 2\n", "f:2:4: the quoted text is not closed")
	f("a: 1\nx: \"\\q\"\n", "f:2:5: unknown escape")
	f("a: 1\nmatch: !a && b\n", "f:2:8: `!` begins")
	f("a: 1\nmatch: !a\n", "f:2:8: `!a` is a YAML tag")
	f("a: 1\nt:\n  title: {{user}} did it\n", "f:3:10: a text that begins with `{{` must be quoted")
	f("a: 1\nm: |\n   a\n  && b\n", "f:4:3: `&&` at the beginning")
	f("a: &x 1\n", "f:1:4: `&x` is a YAML anchor")
	f("%YAML 1.2\n---\na: 1\n", "f:1:9: YAML directives")
	f("a: \x01\n", "f:1:4: the character U+0001")
	f("a: x\u2028b: y\n", "f:1:5: the character U+2028")
	f("a: b\rc\n", "f:1:5: the character U+000D")
	f("a: \xff\n", "f:1:4: the file is not UTF-8")
	f("a:\n  b: 1\n c: 2\n", "f:3:2: a key was expected")
}

func TestDetail(t *testing.T) {
	f := Fault{File: "f", Line: 3, Col: 4, Rule: "r", Message: "m", Hint: "h", Source: "\té日x"}
	want := "f:3:4: rule \"r\": m\n    3 | \té日x\n      | \t   ^\n        hint: h"
	if got := f.Detail(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	f.Col, f.Source = 1000, strings.Repeat("x", 5000)
	if got := f.Detail(); len(got) > 700 {
		t.Errorf("a long line is shown in %d bytes", len(got))
	}
}

func TestParseDuration(t *testing.T) {
	f := func(s string, want int64, ok bool) {
		t.Helper()
		if got, gotOK := ParseDuration(s); gotOK != ok || ok && got != want {
			t.Errorf("%s: %d, %v", s, got, gotOK)
		}
	}
	f("90s", 90_000_000, true)
	f("1h30m", 5400_000_000, true)
	f("30d", 30*86400_000_000, true)
	f("500ms", 500_000, true)
	f("1w2d", 9*86400_000_000, true)
	f("0", 0, true)
	f("0s", 0, true)
	f("", 0, false)
	f("10", 0, false)
	f("m", 0, false)
	f("1.5h", 0, false)
	f("1m1h", 0, false)
	f("1m1m", 0, false)
	f("-1h", 0, false)
	f("99999999999999999999d", 0, false)
	f("11y", 0, false)
	f("3654d", 0, false)
}

func TestNearest(t *testing.T) {
	names := []string{"match", "capture", "within", "title"}
	for s, want := range map[string]string{"mach": "match", "captrue": "capture", "wihtin": "within", "zzz": "", "Title": "title"} {
		if got := Nearest(s, names); got != want {
			t.Errorf("%s: %q, want %q", s, got, want)
		}
	}
}

// Whatever a file holds, reading it ends, and every fault has a place in the file.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"a: b", "a: !x y", "a: |\n b\n---\n- {c: \"d\\u00e9\"}", "a: >2-\n    x\n\n  y", "%a\n...", "a: 'b''\n\n c'"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<12 {
			return
		}
		docs, faults := Parse("f", b)
		for _, x := range faults {
			if x.Line < 0 || x.Line > 1+strings.Count(string(b), "\n") || x.Detail() == "" {
				t.Fatalf("%+v", x)
			}
		}
		var visit func(Value)
		visit = func(v Value) {
			for i := range min(len(v.Scalar())+1, 200) {
				v.Place(i)
			}
			for _, e := range v.Entries() {
				visit(e.Key)
				visit(e.Value)
			}
			for _, e := range v.Items() {
				visit(e)
			}
		}
		for _, d := range docs {
			visit(d)
		}
	})
}
