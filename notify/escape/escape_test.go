package escape

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestTerminalShowsWhatHides(t *testing.T) {
	for in, want := range map[string]string{
		"Zahlung für Åsa, 支払い":      "Zahlung für Åsa, 支払い",
		"":                          "",
		`mailbox\.`:                 `mailbox\.`,
		"\x1b[31mred\x1b]0;t\x07":   `\x1b[31mred\x1b]0;t\x07`,
		"invoice\u202efdp.exe":      `invoice\u202efdp.exe`,
		"a\u200bb\ufeffc\u2066d":    `a\u200bb\ufeffc\u2066d`,
		"one\r\ntwo\tthree":         `one\r\ntwo\tthree`,
		"bad\xff\xc3(":              `bad\xff\xc3(`,
		"\u00a0\u3164\u2800":        `\xa0\u3164\u2800`,
		"tag\U000e0041":             `tag\U000e0041`,
		"\u009b31m":                 `\x9b31m`,
		"e\u0301 and 👩":             "e\u0301 and 👩",
		"\ufffd is a character too": "\ufffd is a character too",
	} {
		if got := Terminal(in); got != want {
			t.Errorf("Terminal(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestCutKeepsCharactersWhole(t *testing.T) {
	for _, c := range []struct {
		in    string
		limit int
		want  string
	}{
		{"short", 10, "short"},
		{"exactly10!", 10, "exactly10!"},
		{"eleven chars", 8, "eleve…"},
		{"ééééé", 7, "éé…"},
		{"ae\u0301x", 5, "ae\u0301x"},
		{"ae\u0301xyz", 5, "a…"},
		{"abc", 2, ""},
	} {
		if got := Cut(c.in, c.limit); got != c.want {
			t.Errorf("Cut(%q, %d) = %q, want %q", c.in, c.limit, got, c.want)
		}
	}
}

func FuzzTerminal(f *testing.F) {
	f.Add("plain")
	f.Add("\x1b[2J\u202e\xff")
	f.Fuzz(func(t *testing.T, s string) {
		out := Terminal(s)
		if !utf8.ValidString(out) {
			t.Fatalf("not UTF-8: %q", out)
		}
		if i := strings.IndexFunc(out, Hidden); i >= 0 {
			t.Fatalf("Terminal(%q) = %q still hides something at %d", s, out, i)
		}
	})
}

func FuzzCut(f *testing.F) {
	f.Add("ééé", 4)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		if limit < 0 || limit > 1<<16 {
			return
		}
		out := Cut(s, limit)
		if len(out) > max(limit, 0) {
			t.Fatalf("Cut(%q, %d) has %d bytes", s, limit, len(out))
		}
		if utf8.ValidString(s) && !utf8.ValidString(out) {
			t.Fatalf("Cut(%q, %d) = %q", s, limit, out)
		}
	})
}
