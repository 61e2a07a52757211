package escape

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestDefangLeavesNothingToFollow(t *testing.T) {
	for in, want := range map[string]string{
		"see https://evil.example/a.b?c=d.com now": "see hxxps://evil[.]example/a.b?c=d[.]com now",
		"HTTP://user:pw@evil.example:8080/x":       "hxxp://user:pw@evil[.]example:8080/x",
		"ftp://evil.example":                       "ftp[:]//evil[.]example",
		"www.evil.example":                         "www[.]evil[.]example",
		"WWW.evil.com2":                            "WWW[.]evil[.]com2",
		"contoso.sharepoint.com/sites/hr":          "contoso[.]sharepoint[.]com/sites/hr",
		"anna@contoso.example":                     "anna@contoso.example",
		"mailto:anna@contoso.example":              "mailto[:]anna@contoso.example",
		"invoice.pdf and Q3.report.xlsx":           "invoice.pdf and Q3.report.xlsx",
		"payload.zip":                              "payload[.]zip",
		"203.0.113.7, 10.5 MB, v1.2":               "203.0.113.7, 10.5 MB, v1.2",
		"Mail.ReadWrite by Set-Mailbox.":           "Mail.ReadWrite by Set-Mailbox.",
		`\\evil\share and C:\Users\a`:              `[\\]evil\share and C:\Users\a`,
		"пример.рф":                                "пример[.]рф",
		"08:00:00":                                 "08:00:00",
		"javascript:alert(1)":                      "javascript[:]alert(1)",
		"":                                         "",
	} {
		if got := Defang(in); got != want {
			t.Errorf("Defang(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestCalmEndsStacks(t *testing.T) {
	if got := Calm("a\u0301 b\u0301\u0301\u0301\u0301c"); got != "a\u0301 b\u0301\u0301\u0301\\u0301c" {
		t.Errorf("Calm gave %q", got)
	}
}

var live = regexp.MustCompile(`(?i)\bhttps?://|(?:^|[\s(])www\.`)

func FuzzDefang(f *testing.F) {
	f.Add("https://evil.example")
	f.Add(`a.b.c:\\x://y.z`)
	f.Fuzz(func(t *testing.T, s string) {
		s = Calm(Terminal(s))
		out := Defang(s)
		if !utf8.ValidString(out) || len(out) > 4*len(s)+16 {
			t.Fatalf("Defang(%q) = %q", s, out)
		}
		if at := live.FindString(out); strings.Contains(at, "://") {
			t.Fatalf("Defang(%q) = %q holds %q", s, out, at)
		}
	})
}
