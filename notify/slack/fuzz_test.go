package slack

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"detect/engine"
	"detect/notify"
	"detect/notify/notifytest"
	"detect/notify/slack/scripted"
	"detect/rules/hit"
)

// FuzzMessage sends alerts made of any text to the scripted Slack, which checks limits, structure and that nothing is live.
func FuzzMessage(f *testing.F) {
	for name, m := range notifytest.Hostile() {
		if len(m.Alert.Title) < 5000 {
			f.Add(m.Alert.Title, name, uint8(3), 4)
		}
	}
	f.Add("https://evil.example &amp; <!here> _a_ :x: www.evil.com", "*", uint8(0), 300)
	f.Fuzz(func(t *testing.T, text, other string, severity uint8, times int) {
		m := notifytest.Filled(text)
		a := m.Alert
		a.Severity, a.Status = hit.Severity(severity%8), engine.Status(severity/8%5)
		a.ID = other + a.ID
		a.Attack = append(a.Attack, other)
		a.Rule = other
		for range min(max(times, 0), 300) {
			a.Values = append(a.Values, engine.Values{Name: other, Values: []string{text, other}})
			a.Records = append(a.Records, other)
			a.Respond += "\n" + other + text
		}
		s := scripted.New()
		s.Pace(0, 0)
		for _, config := range []func(*Config){func(*Config) {}, byWebhook} {
			c, _ := open(t, s, config, func(cfg *Config) { cfg.Pace = 1 })
			receipt := send(t, c, m)
			next := *m
			next.Sent, next.Receipt = 1, receipt
			next.Changes = []notify.Change{{Revision: 2, Reason: engine.MergedIn, Note: other + text, Severity: hit.Critical, Title: text}}
			send(t, c, &next)
			if err := c.Tell(t.Context(), &notify.Notice{Text: text, Hint: other, Host: text}); err != nil {
				t.Fatal(err)
			}
		}
		for _, one := range s.Messages() {
			if one.Thread == "" && len(one.Blocks) == 0 {
				t.Error("a message was refused its layout")
			}
		}
		for _, v := range s.Violations() {
			t.Error(v)
		}
	})
}

// FuzzAnswer gives any answer to any call, and any receipt: nothing panics, and no error holds a secret.
func FuzzAnswer(f *testing.F) {
	f.Add(200, `{"ok":true,"channel":"C0ALERTS01","ts":"1.2"}`, "", `{"channel":"C0ALERTS01","ts":"1.2"}`)
	f.Add(200, `{"ok":true,"messages":[{"ts":"1.2","metadata":{"event_type":"detect_alert","event_payload":{"alert":"1a2b3c4d5e6f708192a3b4c5d6e7f809","kind":"alert","for":"soc","revision":1e300}}}]}`, "", "")
	f.Add(200, `{"ok":false,"error":"xoxb-scripted-0123456789-secret"}`, "", `{"ts":1}`)
	f.Add(200, `{"ok":false}`, "", "null")
	f.Add(429, "", "-9223372036854775808", "{}")
	f.Add(403, "invalid_token", "9e9", "\x00")
	f.Add(307, "<html>", "x", "")
	f.Fuzz(func(t *testing.T, status int, body, after, receipt string) {
		if status < 200 || status > 599 {
			return
		}
		carrier := roundTrip(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: status, Header: http.Header{"Retry-After": {after}}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
		})
		for _, config := range []func(*Config){func(*Config) {}, byWebhook} {
			c, _ := open(t, scripted.New(), config, func(cfg *Config) { cfg.Transport, cfg.Pace = carrier, 1 })
			for _, uncertain := range []bool{false, true} {
				m := notifytest.Grown()
				m.Receipt, m.Uncertain = []byte(receipt), uncertain
				c.Plan(m)
				_, err := c.Send(t.Context(), m)
				if err != nil && (strings.Contains(err.Error(), scripted.Token) || strings.Contains(err.Error(), scripted.WebhookPath)) {
					t.Errorf("the error holds a secret: %v", err)
				}
				var wait *notify.RetryAfter
				if errors.As(err, &wait) && (wait.After < time.Second || wait.After > time.Hour) {
					t.Errorf("it would wait %s", wait.After)
				}
			}
		}
	})
}

func FuzzCut(f *testing.F) {
	f.Add("ééé", 4, "detect alerts show 1a2b3c4d")
	f.Add(strings.Repeat("👨\u200d👩\u200d", 40), 50, "")
	f.Add("e\u0301\u0302\u0303", 2, "x")
	f.Fuzz(func(t *testing.T, s string, limit int, where string) {
		if limit < 1 || limit > 1<<16 || !utf8.ValidString(s) || !utf8.ValidString(where) {
			return
		}
		out := cut(s, limit, where)
		if length(out) > limit {
			t.Fatalf("cut(%q, %d) has %d", s, limit, length(out))
		}
		if !utf8.ValidString(out) {
			t.Fatalf("cut(%q, %d) = %q", s, limit, out)
		}
		if length(s) <= limit && out != s {
			t.Fatalf("cut(%q, %d) = %q, though it fits", s, limit, out)
		}
	})
}

func TestCutSaysHowMuchIsMissing(t *testing.T) {
	where := "detect alerts show 1a2b3c4d"
	f := func(s string, limit int, where, want string) {
		t.Helper()
		if got := cut(s, limit, where); got != want {
			t.Errorf("cut(%.20q, %d) = %q, want %q", s, limit, got, want)
		}
	}
	f("short", 5, where, "short")
	f("longer", 5, "", "long…")
	f(strings.Repeat("x", 300), 60, where, "xxxxx… 295 more characters: detect alerts show 1a2b3c4d"[:0]+strings.Repeat("x", 10)+"… 290 more characters: detect alerts show 1a2b3c4d")
	f("ab👩🏽\u200d🚀cd", 4, "", "ab…") // an astronaut is not cut in two
	f("e\u0301e\u0301e\u0301", 4, "", "e\u0301…")
}

func TestMarkupLeavesNothingForSlackToRead(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		if got := markup(in); got != want {
			t.Errorf("markup(%q) = %q, want %q", in, got, want)
		}
	}
	f("<!channel> & <@U1|x>", "&lt;!channel&gt; &amp; &lt;@U1|x&gt;")
	f("*b* ~s~ `c` _i_ a_b", "∗b∗ ∼s∼ ˋcˋ ＿i＿ a_b")
	f("at 08:00:00, User: x", "at 08:00:00, User: x")
	f("a :fire: 1:+1:", "a ∶fire: 1∶+1:")
	f("mei@contoso.example", "mei@contoso.example")
}
