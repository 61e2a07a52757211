package template

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"detect/internal/geo"
	"detect/rules/hit"
)

func TestParse(t *testing.T) {
	f := func(s, want string) {
		t.Helper()
		parts, err := Parse(s)
		if err != nil {
			t.Fatalf("%s: %v", s, err)
		}
		var b strings.Builder
		for _, p := range parts {
			if s[p.Offset:p.Offset+len(p.Text)] != p.Text {
				t.Errorf("%s: %q is not at %d", s, p.Text, p.Offset)
			}
			if p.Expr {
				b.WriteString("<" + p.Text + ">")
			} else {
				b.WriteString(p.Text)
			}
		}
		if b.String() != want {
			t.Errorf("%s: %s, want %s", s, b.String(), want)
		}
	}
	f("", "")
	f("plain", "plain")
	f("{{a}} b {{c}}", "<a> b <c>")
	f("{{ '}}' + \"}}\" }}x", "< '}}' + \"}}\" >x")
	f("{{ {'a': {'b': 1}}.size() }}", "< {'a': {'b': 1}}.size() >")
	f(`{{ r'\' + 'x\'}}' }}`, `< r'\' + 'x\'}}' >`)
	f("{{ '''it's }}''' }}", "< '''it's }}''' >")
	f("@{a=@{b=1}}", "@{a=@{b=1}}")
	f("@{a={{ps(x)}}}", "@{a=<ps(x)>}")
}

func TestParseFaults(t *testing.T) {
	f := func(s string, offset int, message string) {
		t.Helper()
		_, err := Parse(s)
		if err == nil || err.Offset != offset || err.Message != message {
			t.Errorf("%s: %+v", s, err)
		}
	}
	f("a {{b", 2, "{{ without }}")
	f("a {{'b}}", 2, "{{ without }}")
	f("a {{ {b }}", 2, "{{ without }}")
	f("a {{ }}", 2, "{{ }} is empty")
}

func TestCommands(t *testing.T) {
	f := func(s, message string) {
		t.Helper()
		parts, err := Parse(s)
		if err == nil {
			err = Commands(parts)
		}
		got := ""
		if err != nil {
			got = err.Message
		}
		if got != message {
			t.Errorf("%s: %q, want %q", s, got, message)
		}
	}
	f("Get-X -A {{ps(a)}} -B:{{ps(b)}} | Where-Object { $_.X -eq {{ps(c)}} }", "")
	f("Get-X -A 'it''s' -B \"a`\"b\" {{ps(c)}}", "")
	f("# it's for {{ps(a)}}\nGet-X {{ps(a)}}", "")
	f("@{a={{ps(x)}}}", "")
	f("Get-X '{{ps(a)}}'", "a value inside a PowerShell text")
	f("Get-X \"{{ps(a)}}\"", "a value inside a PowerShell text")
	f("Get-X \u2018{{ps(a)}}\u2019", "a value inside a PowerShell text")
	f("Get-X \u201c{{ps(a)}}", "a value inside a PowerShell text")
	f("Get-X \"it`\" {{ps(a)}}", "a value inside a PowerShell text")
	f("Get-X `\" {{ps(a)}}", "")
	f("<# {{ps(a)}} #>", "a value inside a PowerShell block comment")
	f("<# x #> {{ps(a)}}", "")
	f("Get-X `{{ps(a)}}", "\"`\" right before a value")
	f("Get-X @{{ps(a)}}", "\"@\" right before a value")
	f("Get-X {{ps(a)}}{{ps(b)}}", `"'" right before a value`)
	f("Get-X {{ps(a)}}'b'", "a quote right after a value")
	f("Get-X 'a\n{{ps(a)}}'", "a PowerShell text must end on its line")
	f("Get-X 'a", "a PowerShell text must end on its line")
	f("cmd --% {{ps(a)}}", "--% ends PowerShell's quoting")
}

// Whatever a template holds, checking it ends; what passes leaves the value outside every PowerShell text, as a plain
// reading of the line, character by character, sees it.
func FuzzTemplate(f *testing.F) {
	f.Add("a {{b}} c")
	f.Add("Get-X 'it''s' \"a`\"\" # {{ps(x)}}\n<# #> {{ {'a':'}}'} }}")
	f.Fuzz(func(t *testing.T, s string) {
		parts, err := Parse(s)
		if err != nil {
			if err.Offset < 0 || err.Offset > len(s) {
				t.Fatal(err)
			}
			return
		}
		if err := Commands(parts); err != nil && (err.Offset < 0 || err.Offset > len(s)) {
			t.Fatal(err)
		}
		if at := Comment(s); at > len(s) {
			t.Fatalf("comment of %q at %d", s, at)
		}
		Open(s)
		if once := Squeeze(s); len(once) > len(s) {
			t.Fatalf("%q grew to %q", s, once)
		}
	})
}

func TestExpressionScanning(t *testing.T) {
	if n := Comment("a == 'http://x' // c"); n != 16 {
		t.Errorf("comment at %d", n)
	}
	if Comment(`r'\' + "//"`) != -1 {
		t.Error("a comment inside a text")
	}
	for s, open := range map[string]bool{"r == 'a": true, "a // it's\n": false, `'\''`: false, `r'\'`: false, `"""a"b"""`: false, `'a`: true} {
		if Open(s) != open {
			t.Errorf("%s: open is not %v", s, open)
		}
	}
	same := []string{"a && b", "a&&b", "a // x\n  &&\tb", "\n a\n && b\n"}
	for _, s := range same {
		if got := Squeeze(s); got != "a&&b" {
			t.Errorf("%q: %q", s, got)
		}
	}
	for _, s := range []string{"a in b", "x == 'a  b'", "1 in r'x'", "a.is(b) in c"} {
		if got := Squeeze(s); Squeeze(got) != got || strings.Contains(s, " in ") != strings.Contains(got, "in") {
			t.Errorf("%q: %q", s, got)
		}
	}
	if Squeeze("a in b") == Squeeze("ain b") || Squeeze("'a b'") == Squeeze("'ab'") || Squeeze("a in 'b'") == Squeeze("a inb") {
		t.Error("different expressions became the same")
	}
}

func TestPrint(t *testing.T) {
	f := func(v any, want string) {
		t.Helper()
		if got := Print(v); got != want {
			t.Errorf("%v: %s, want %s", v, got, want)
		}
	}
	f("", "-")
	f("x", "x")
	f(int64(60), "60")
	f(2.0, "2")
	f(2.25, "2.2")
	f(-0.01, "0")
	f([]string{}, "-")
	f([]string{"a", "b"}, "a, b")
	f(8*time.Minute+51*time.Second, "9 min")
	f(45*time.Second, "45 s")
	f(60*time.Second, "1 min")
	f(90*time.Minute, "90 min")
	f(3*time.Hour, "3 h")
	f(48*time.Hour, "2 d")
	f(36*time.Hour, "36 h")
	f(time.Duration(0), "0 s")
	f(time.Duration(1<<63-1), "106751 d")
	f(time.Duration(-1<<63), "-106751 d")
	f(1500*time.Millisecond, "1.5 s")
	f(time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC), "2026-03-01 08:00 UTC")
	f(geo.Place{}, "-")
	f(geo.Place{Known: true, City: "Berlin", Country: "DE"}, "Berlin, DE")
	f(geo.Place{Known: true, Country: "DE", CountryOnly: true}, "DE (country level)")
	f(hit.High, "high")
	f((*hit.Column)(nil), "-")
	f(&hit.Column{}, "-")

	texts := func(l ...string) (vs []hit.Value) {
		for _, s := range l {
			vs = append(vs, hit.OfText(s))
		}
		return vs
	}
	f(&hit.Column{Bare: texts("c", "a", "c", ""), Distinct: 3}, "c, a, -")
	f(&hit.Column{Bare: texts("g", "f", "e", "d", "c", "b", "a"), Distinct: 60}, "g, f, e, d, c + 55 more")
	f(&hit.Column{Bare: texts("g", "g"), Counts: []hit.Count{{Value: hit.OfText("a")}, {Value: hit.OfText("g")}}, Distinct: 2}, "g, a")
	f(&hit.Column{Bare: texts("1", "2", "3", "4", "5"), Distinct: 2000, Approximate: true}, "1, 2, 3, 4, 5 + about 1995 more")
	f(&hit.Column{Bare: []hit.Value{hit.OfTexts([]string{"x", "y"}), hit.OfTexts([]string{"y", "z"})}, Distinct: 3}, "x, y, z")
}

func TestPrintIsBoundedText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "s")
		long := strings.Repeat(s, 300)
		got := Print(long)
		if utf8.ValidString(s) && !utf8.ValidString(got) || utf8.RuneCountInString(got) > maxValue+3 {
			t.Fatalf("%q", got)
		}
		if n := utf8.RuneCountInString(Title(long)); n > MaxTitle {
			t.Fatalf("a title of %d characters", n)
		}
	})
}
