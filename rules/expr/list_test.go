package expr

import (
	"errors"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"pgregory.net/rapid"

	"detect/notify/escape"
	"detect/rules/hit"
)

func TestNewList(t *testing.T) {
	l, errs := NewList("words", []string{"A", "a", " ", "b", ""})
	if l.Len() != 2 || len(errs) != 2 || errs[0].Index != 2 || errs[1].Index != 4 {
		t.Errorf("%d entries, %v", l.Len(), errs)
	}
	n, errs := NewList("networks.x", []string{"192.0.2.0/24", " 192.0.2.9/24", "2001:db8::1", "::ffff:10.0.0.0/104", "nonsense", "1.2.3.4/99", "fe80::1%eth0"})
	if n.Len() != 3 || len(errs) != 3 || errs[0].Index != 4 {
		t.Errorf("%d networks, %v", n.Len(), errs)
	}
	for s, want := range map[string]bool{"192.0.2.255": true, "192.0.3.0": false, "2001:db8::1": true, "2001:db8::2": false, "10.255.0.1": true, "::ffff:10.1.2.3": true, "": false, "x": false} {
		if n.Has(s) != want {
			t.Errorf("%q: %v", s, !want)
		}
	}
	if n.Contains(netip.Addr{}) || !n.Contains(netip.MustParseAddr("::ffff:192.0.2.1")) {
		t.Error("Contains")
	}
}

// The prefix look-up against a walk over all prefixes.
func TestPrefixes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		addr := rapid.Custom(func(t *rapid.T) netip.Addr {
			if rapid.Bool().Draw(t, "v6") {
				return netip.AddrFrom16([16]byte{0x20, byte(rapid.IntRange(0, 3).Draw(t, "a")), 15: byte(rapid.IntRange(0, 3).Draw(t, "b"))})
			}
			return netip.AddrFrom4([4]byte{10, byte(rapid.IntRange(0, 3).Draw(t, "a")), 0, byte(rapid.IntRange(0, 3).Draw(t, "b"))})
		})
		var all []netip.Prefix
		var entries []string
		for range rapid.IntRange(0, 6).Draw(t, "n") {
			a := addr.Draw(t, "net")
			p, _ := a.Prefix(rapid.IntRange(0, a.BitLen()).Draw(t, "bits"))
			all, entries = append(all, p), append(entries, p.String())
		}
		l, errs := NewList("networks.x", entries)
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		a := addr.Draw(t, "addr")
		want := false
		for _, p := range all {
			want = want || p.Contains(a)
		}
		if l.Contains(a) != want || l.Has(a.String()) != want {
			t.Fatalf("%v in %v: want %v", a, entries, want)
		}
	})
}

func TestWords(t *testing.T) {
	for _, tc := range []struct {
		text, word string
		want       bool
	}{
		{"an invoice.", "invoice", true}, {"invoices", "invoice", false}, {"xinvoice invoice", "invoice", true}, {"Überweisung", "überweisung", true},
		{"äber", "ber", false}, {"aa aaa", "aa", true}, {"aaa", "aa", false}, {"x2 2", "2", true}, {"pay-now", "pay", true}, {"", "a", false}, {"a\xff", "a", true},
	} {
		l, _ := NewList("l", []string{tc.word})
		if got := l.WordIn(tc.text); got != tc.want {
			t.Errorf("%q in %q: %v", tc.word, tc.text, got)
		}
	}
}

// Two texts have one fold iff strings.EqualFold takes them for equal.
func FuzzFold(f *testing.F) {
	f.Add("Straße", "STRASSE")
	f.Add("\u212a", "k")
	f.Add("ſ", "S")
	f.Add("a\xff", "A\xfe")
	f.Fuzz(func(t *testing.T, a, b string) {
		if (Fold(a) == Fold(b)) != strings.EqualFold(a, b) {
			t.Errorf("%q and %q: folds %q and %q, equal %v", a, b, Fold(a), Fold(b), strings.EqualFold(a, b))
		}
		if Fold(Fold(a)) != Fold(a) {
			t.Errorf("%q: folding twice differs", a)
		}
		if l, _ := NewList("l", []string{b}); strings.TrimSpace(b) != "" {
			if l.WordIn(a) && !l.MentionedIn(a) {
				t.Errorf("%q is a word in %q and not mentioned", b, a)
			}
		}
	})
}

// What ps quotes stays the name that it is, and shows all that is in it.
func TestQuotePSKeepsNames(t *testing.T) {
	for s, want := range map[string]string{
		"\u200bInvoice\u202efdp\ufeff\u00ad": "(''+[char]0x200b+'Invoice'+[char]0x202e+'fdp'+[char]0xfeff+[char]0x00ad)",
		"it's \u2018\u201b":                  "'it''s \u2018\u2018\u201b\u201b'",
		"a\r\n\x1b\u0085\u2028b":             "('a'+[char]0x000d+[char]0x000a+[char]0x001b+[char]0x0085+[char]0x2028+'b')",
		"tag\U000e0041":                      "('tag'+[char]::ConvertFromUtf32(0xe0041))",
		"e\u0301\u0301\u0301\u0301":          "('e\u0301\u0301\u0301'+[char]0x0301)",
		"[char]0x41'+'":                      "'[char]0x41''+'''",
		"\xff":                               "''",
		"":                                   "''",
	} {
		if got := quotePS(s); got != want {
			t.Errorf("quotePS(%q) = %q, want %q", s, got, want)
		}
	}
}

// Text helpers survive whatever a record holds.
func FuzzText(f *testing.F) {
	f.Add("<Type>Edit</Type>", "Type")
	f.Add("it's \u2019\u202e\n", "x")
	f.Add(strings.Repeat("ü", 3000), "<a")
	f.Fuzz(func(t *testing.T, s, tag string) {
		xmlText(s, tag)
		domainOf(s)
		isOn(s)
		q := quotePS(s)
		if shown := escape.Calm(escape.Terminal(q)); shown != q {
			t.Fatalf("%q is quoted as %q, and shown as %q", s, q, shown)
		}
		if name := unquotePS(t, q); name != strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\ufffd", "") {
			t.Fatalf("%q is quoted as %q, which is %q", s, q, name)
		}
		c := CutText(s)
		if len(c) > MaxText+len(CutMark) || utf8.ValidString(s) && !utf8.ValidString(c) || len(s) <= MaxText && c != s {
			t.Fatalf("cut %d bytes to %d", len(s), len(c))
		}
		if v := cleanText(s); !utf8.ValidString(v) {
			t.Fatalf("%q is not valid", v)
		}
	})
}

func TestCapturedListIsBounded(t *testing.T) {
	long := strings.Repeat("x", MaxText)
	for _, tc := range []struct {
		list  ref.Val
		kind  hit.Kind
		kept  int
		fault string
	}{
		{types.NewStringList(types.DefaultTypeAdapter, make([]string, MaxElements)), hit.Texts, MaxElements, ""},
		{types.NewStringList(types.DefaultTypeAdapter, make([]string, MaxElements+1)), hit.Texts, MaxElements, "1000 of 1001 elements"},
		{types.NewStringList(types.DefaultTypeAdapter, slices.Repeat([]string{long}, 16)), hit.Texts, 16, ""},
		{types.NewStringList(types.DefaultTypeAdapter, slices.Repeat([]string{long}, 20)), hit.Texts, 16, "16 of 20 elements"},
		{types.NewDynamicList(types.DefaultTypeAdapter, make([]int64, 1500)), hit.Ints, MaxElements, "1000 of 1500 elements"},
	} {
		v, err := captureValue(tc.list, tc.kind)
		kept := 0
		v.Each(func(e hit.Value) {
			if e.Str != CutMark {
				kept++
			}
		})
		if kept != tc.kept || tc.fault == "" && err != nil || tc.fault != "" && (!errors.Is(err, ErrCut) || !strings.Contains(err.Error(), tc.fault)) {
			t.Errorf("%d kept, %v; want %d, %q", kept, err, tc.kept, tc.fault)
		}
		if l := v.Texts(); tc.fault != "" && tc.kind == hit.Texts && l[len(l)-1] != CutMark {
			t.Errorf("the cut is not marked")
		}
	}
}

func TestCapturedNumberIsPlain(t *testing.T) {
	v, err := captureValue(types.Double(math.Copysign(0, -1)), hit.Double)
	if err != nil || v != hit.OfDouble(0) {
		t.Errorf("minus zero is %+v, %v", v, err)
	}
	for _, f := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		if v, err := captureValue(types.Double(f), hit.Double); err == nil {
			t.Errorf("%v is %+v", f, v)
		}
	}
}

// unquotePS is the text that PowerShell makes of a quoted one.
func unquotePS(t *testing.T, q string) string {
	var b strings.Builder
	rest, inside := strings.CutPrefix(q, "(")
	if inside {
		rest = strings.TrimSuffix(rest, ")")
	}
	for first := true; rest != ""; first = false {
		if number, ok := strings.CutPrefix(rest, "[char]"); ok && !first {
			number = strings.TrimPrefix(number, "::ConvertFromUtf32(")
			end := strings.IndexAny(number+"+", "+)")
			r, err := strconv.ParseInt(number[:end], 0, 32)
			if err != nil {
				t.Fatalf("%q: %v", q, err)
			}
			b.WriteRune(rune(r))
			rest = strings.TrimPrefix(number[end:], ")")
		} else {
			rest = unquoted(t, q, rest, &b)
		}
		rest = strings.TrimPrefix(rest, "+")
	}
	return b.String()
}

// unquoted writes what is between the quotes that rest begins with, and gives what follows them.
func unquoted(t *testing.T, q, rest string, b *strings.Builder) string {
	rest, ok := strings.CutPrefix(rest, "'")
	for ok {
		r, size := utf8.DecodeRuneInString(rest)
		if rest = rest[size:]; size == 0 {
			break
		}
		if r == '\'' || r >= 0x2018 && r <= 0x201B {
			next, size := utf8.DecodeRuneInString(rest)
			if next != r { // not doubled: it ends here
				return rest
			}
			rest = rest[size:]
		}
		b.WriteRune(r)
	}
	t.Fatalf("%q can't be read at %q", q, rest)
	return ""
}
