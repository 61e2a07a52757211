package notifytest

import (
	"fmt"
	"iter"
	"math"
	"strings"

	"detect/engine"
	"detect/notify"
	"detect/rules"
	"detect/rules/hit"
)

// nasty is text that would do something if it were not taken for data: ping, link, format, end a code block, a header, an
// element or an attribute, move a cursor, run backwards or hide.
const nasty = "<!channel> <@U012345> <https://evil.example|click> @here #general *bold* _it_ ~x~ `code` ```block``` " +
	"</pre><script>alert(1)</script><img src=x onerror=alert(1)> \"' onmouseover=x &amp; &lt; " +
	"\r\nBcc: victim@contoso.example\r\n\r\n.\r\n=?utf-8?q?x?= https://evil.example/?a=b mailto:x@evil.example www.evil.example " +
	"\x00\x07\x1b[31m\u202egpj.exe\u2066\u200b\ufeff\u00ad\U000e0041 \xff\xfe\x80 :smile: {{7*7}} ${jndi:x} %s %n"

// nastyTexts are texts of a kind each.
var nastyTexts = map[string]string{
	"markup":       nasty,
	"empty":        "",
	"blank":        " \t ",
	"megabyte":     strings.Repeat("A long title of an attacker's choice. ", 1<<20/38),
	"no spaces":    strings.Repeat("x", 100_000),
	"newlines":     strings.Repeat("\n", 10_000),
	"backticks":    strings.Repeat("`", 5000),
	"angles":       strings.Repeat("<&>", 5000),
	"marks":        "a" + strings.Repeat("\u0301", 5000),
	"joined":       strings.Repeat("\U0001f468\u200d\U0001f469\u200d", 2000),
	"right left":   strings.Repeat("\u202e", 4000) + "\u05d0\u05d1",
	"no text":      strings.Repeat("\xff\xfe\xc3", 3000),
	"wide":         strings.Repeat("\u6f22", 60_000),
	"astral":       strings.Repeat("\U0001f9e8", 30_000),
	"header":       "x\r\nX-Evil: 1\nTo: all@contoso.example\r\n\r\nbody",
	"quotes":       strings.Repeat(`\"'`, 4000),
	"single dots":  ".\r\n.\r\n.\n.",
	"template":     "{{.Alert}} {{template \"x\"}} <%= x %>",
	"percent":      strings.Repeat("%!s(MISSING)%", 500),
	"surrogates":   "\xed\xa0\x80\xed\xb0\x80",
	"tag spaces":   strings.Repeat("\U000e0020", 3000),
	"null":         strings.Repeat("\x00", 2000),
	"long name":    strings.Repeat("very-long-word-", 400) + "@evil.example",
	"slack escape": "&lt;!channel&gt; &amp;lt; <!subteam^S1> <#C1|x> <!date^1^{date}^https://evil.example|x>",
}

// Hostile is messages whose alerts hold what attackers write, in every text that comes from a record, and alerts that lack
// what others have; by a name for each.
func Hostile() iter.Seq2[string, *notify.Message] {
	return func(yield func(string, *notify.Message) bool) {
		for name, text := range nastyTexts {
			if !yield(name, Filled(text)) {
				return
			}
		}
		for name, make := range extremes {
			if !yield(name, make()) {
				return
			}
		}
	}
}

// Filled is a message whose alert has text wherever something comes from a record.
func Filled(text string) *notify.Message {
	m := Opened()
	a := m.Alert
	a.Title, a.Respond, a.Note = text, text, text
	a.Key, a.By = hit.EncodeKey(text, text), []string{"user", "mailbox"}
	for i := range a.Values {
		a.Values[i].Values = []string{text, text + "2", "third"}
	}
	a.Values = append(a.Values, engine.Values{Name: "folder", Values: []string{text}})
	a.Records = []string{text, text, "id"}
	m.Changes[0].Note, m.Changes[0].Title = text, text
	m.ViaReason = text
	return m
}

// extremes are alerts that are strange by what there is or is not.
var extremes = map[string]func() *notify.Message{
	"nothing": func() *notify.Message {
		return &notify.Message{Alert: &engine.Alert{ID: "0", Revision: 1}, Changes: []notify.Change{{Revision: 1}}}
	},
	"no rule": func() *notify.Message {
		m := Opened()
		m.Rule = nil
		return m
	},
	"no times": func() *notify.Message {
		m := Opened()
		m.Now, m.Detected, m.Alert.First, m.Alert.Last = 0, 0, 0, 0
		return m
	},
	"times beyond": func() *notify.Message {
		m := Opened()
		m.Now, m.Detected, m.Alert.First, m.Alert.Last = math.MaxInt64, math.MinInt64, math.MinInt64, math.MaxInt64
		m.Alert.Count, m.Alert.Risk = math.MinInt64, math.MinInt
		return m
	},
	"key without names": func() *notify.Message {
		m := Opened()
		m.Alert.By, m.Alert.Key = nil, "\xff\x01no key"
		return m
	},
	"ten thousand values": func() *notify.Message {
		m := Opened()
		list := make([]string, 10_000)
		for i := range list {
			list[i] = fmt.Sprintf("https://contoso.sharepoint.com/sites/Finance/Shared Documents/%d %s", i, nasty)
		}
		m.Alert.Values[0].Values = list
		m.Alert.Count = 10_000
		return m
	},
	"many captures": func() *notify.Message {
		m := Opened()
		for i := range 200 {
			m.Alert.Values = append(m.Alert.Values, engine.Values{Name: fmt.Sprintf("capture_%d", i), Values: []string{nasty, fmt.Sprint(i)}})
		}
		m.Alert.Attack = make([]string, 100)
		m.Alert.Tactics = make([]string, 100)
		return m
	},
	"thousand records": func() *notify.Message {
		m := Opened()
		m.Alert.Records = make([]string, 1000)
		for i := range m.Alert.Records {
			m.Alert.Records[i] = strings.Repeat("a", 300)
		}
		return m
	},
	"thousand changes": func() *notify.Message {
		m := Grown()
		for i := range 1000 {
			c := m.Changes[0]
			c.Revision, c.Note = i+2, nasty
			m.Changes = append(m.Changes, c)
		}
		m.Alert.Revision = 1001
		return m
	},
	"long commands": func() *notify.Message {
		m := Opened()
		m.Alert.Respond = strings.Repeat("Remove-Item -Path '"+strings.ReplaceAll(nasty, "\n", " ")+"'\n", 500)
		return m
	},
	"long rule": func() *notify.Message {
		m := Opened()
		m.Rule = &rules.Rule{ID: "r", Title: nasty, Description: strings.Repeat(nasty, 200), References: []string{nasty, "javascript:alert(1)", ""},
			FalsePositives: []string{nasty, strings.Repeat("x", 50_000), ""}}
		return m
	},
	"unknown words": func() *notify.Message {
		m := Opened()
		m.Alert.Severity = 200
		return m
	},
}
