package email

import (
	"encoding/json"
	"fmt"
	"mime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"detect/engine"
	"detect/internal/secret"
	"detect/notify"
	"detect/notify/notifytest"
	"detect/rules/hit"
)

func TestCheck(t *testing.T) {
	good := Config{To: []string{"a@contoso.example"}, From: "d@contoso.example", SMTP: SMTP{Host: "smtp.contoso.example"}}
	change := func(f func(*Config)) Config {
		c := good
		f(&c)
		return c
	}
	for _, c := range []struct {
		config Config
		want   []string // the path and the beginning of each message
	}{
		{good, nil},
		{change(func(c *Config) {
			c.SMTP.TLS, c.SMTP.Port, c.SMTP.Username, c.SMTP.Password = Implicit, 4650, "u", secret.Of("p")
		}), nil},
		{change(func(c *Config) {
			c.SMTP = SMTP{Host: "::1", TLS: NoTLS, Username: "u", Password: secret.Of("p")}
		}), nil},
		{Config{}, []string{"to: there is nobody", "from: there is no sender", "smtp.host: there is no server"}},
		{change(func(c *Config) {
			c.To = []string{"a@contoso.example", "nobody", "A <a@contoso.example>", "ä@contoso.example"}
		}),
			[]string{`to.1: "nobody" is no`, "to.2: a@contoso.example stands", "to.3: an address of other letters"}},
		{change(func(c *Config) { c.From = "d@contoso.example\r\nBcc: x@evil.example" }), []string{"from: "}},
		{change(func(c *Config) { c.SMTP.TLS, c.SMTP.Username, c.SMTP.Password = NoTLS, "u", secret.Of("p") }), []string{"smtp.tls: without TLS no password"}},
		{change(func(c *Config) { c.SMTP.TLS = "ssl" }), []string{"smtp.tls: tls is starttls"}},
		{change(func(c *Config) { c.SMTP.Host, c.SMTP.Port = "smtp.contoso.example:587", 70000 }), []string{"smtp.host: ", "smtp.port: "}},
		{change(func(c *Config) { c.SMTP.Password = secret.Of("p") }), []string{"smtp.password: "}},
		{change(func(c *Config) { c.SMTP.Username = "u" }), []string{"smtp.username: "}},
		{change(func(c *Config) { c.SMTP.Hello = "a b" }), []string{"smtp.hello: "}},
	} {
		list := c.config.Check()
		if len(list) != len(c.want) {
			t.Errorf("%+v: %v", c.config, list)
			continue
		}
		for i, p := range list {
			if got := strings.Join(p.Path, ".") + ": " + p.Message; !strings.HasPrefix(got, c.want[i]) {
				t.Errorf("problem %d is %q, not %q", i+1, got, c.want[i])
			}
		}
		if _, err := New("x", c.config); (err != nil) != (len(list) > 0) {
			t.Errorf("%v, and New says %v", list, err)
		}
	}
}

func TestPorts(t *testing.T) {
	for want, s := range map[int]SMTP{587: {}, 465: {TLS: Implicit}, 25: {TLS: NoTLS}, 2525: {TLS: NoTLS, Port: 2525}} {
		if got := s.port(); got != want {
			t.Errorf("the port of %+v is %d", s, got)
		}
	}
}

// changed is a message about an alert whose last mail was a minute ago.
func changed(reasons ...engine.Reason) *notify.Message {
	m := notifytest.Grown()
	m.Alert.Severity, m.Changes = hit.Medium, nil
	for i, r := range reasons {
		m.Changes = append(m.Changes, notify.Change{Revision: i + 2, Reason: r, Severity: hit.Medium})
	}
	m.Receipt, _ = json.Marshal(receipt{First: "x@y", Severity: hit.Medium, At: m.Now - 60*1e6})
	return m
}

func TestPlan(t *testing.T) {
	raised := changed(engine.Grew)
	raised.Changes[0].Severity = hit.High
	fell := changed(engine.Changed)
	fell.Changes[0].Severity = hit.Low
	between := changed(engine.Grew, engine.Shrank) // higher, and back again
	between.Changes[0].Severity = hit.Critical
	never := notifytest.Withdrawn()
	never.Sent, never.SentAt = 0, 0
	skipped := notifytest.Withdrawn()
	skipped.Changes[0].Reason = engine.Finished
	moved := notifytest.Withdrawn() // once more, after it was skipped
	moved.Changes[0].Reason, moved.SentAt = engine.Moved, 0
	open := notifytest.Withdrawn()
	open.Sent, open.Uncertain = 0, true
	for _, c := range []struct {
		name string
		m    *notify.Message
		want string
	}{
		{"opened", notifytest.Opened(), "now"},
		{"grew", changed(engine.Grew), "later"},
		{"changed", changed(engine.Changed), "later"},
		{"grew and is final", changed(engine.Grew, engine.Finished), "later"},
		{"shrank", changed(engine.Shrank), "later"},
		{"final", changed(engine.Finished), "skip"},
		{"merged", changed(engine.Grew, engine.MergedIn), "now"},
		{"merged away", changed(engine.MergedAway), "now"},
		{"withdrawn", changed(engine.Gone), "now"},
		{"moved", changed(engine.Moved), "now"},
		{"revived", changed(engine.Revived), "now"},
		{"higher", raised, "now"},
		{"lower", fell, "later"},
		{"higher for a while", between, "now"},
		{"withdrawn before the first mail", never, "skip"},
		{"final after it was skipped", skipped, "skip"},
		{"moved after it was skipped", moved, "skip"},
		{"withdrawn, and a mail may be out", open, "now"},
	} {
		p := (&Channel{}).Plan(c.m)
		got := "now"
		switch {
		case p.Skip:
			got = "skip"
		case !p.At.IsZero():
			got = "later"
			if want := time.UnixMicro(c.m.Now).Add(14 * time.Minute); !p.At.Equal(want) {
				t.Errorf("%s: at %s, not %s", c.name, p.At, want)
			}
		}
		if got != c.want || p.Why == "" {
			t.Errorf("%s: %+v, not %s", c.name, p, c.want)
		}
	}
}

// TestThread follows one alert from its first mail on.
func TestThread(t *testing.T) {
	s := startServer(t, setup{})
	ch := s.channel(t, nil)
	var kept []byte
	send := func(m *notify.Message) map[string]string {
		t.Helper()
		m.Receipt = kept
		var err error
		if kept, err = ch.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		got := s.got()
		h, _ := parse(t, got[len(got)-1].data)
		head := map[string]string{}
		for _, name := range []string{"Message-Id", "In-Reply-To", "References", "Subject", "Importance"} {
			head[name], _ = (&mime.WordDecoder{}).DecodeHeader(h.Get(name))
		}
		return head
	}
	first := send(notifytest.Opened())
	if first["In-Reply-To"] != "" || !strings.HasPrefix(first["Subject"], "[MEDIUM] mei.adams@contoso.example downloaded 60 files") {
		t.Errorf("the first mail: %v", first)
	}
	raised := send(notifytest.Grown())
	if raised["In-Reply-To"] != first["Message-Id"] || raised["References"] != first["References"]+" "+first["Message-Id"] || !strings.HasPrefix(raised["Subject"], "[HIGH] mei.adams@contoso.example downloaded 512 files") {
		t.Errorf("the severity rose: %v", raised)
	}
	m := notifytest.Merged()
	critical := *m.Alert
	critical.Severity, critical.Status, critical.Reason = hit.Critical, engine.Open, engine.Grew
	m.Alert = &critical
	if h := send(m); h["Importance"] != "high" || !strings.HasPrefix(h["Subject"], "[CRITICAL]") {
		t.Errorf("critical: %v", h)
	}
	m = notifytest.Withdrawn()
	withdrawn := *m.Alert
	withdrawn.Revision, withdrawn.Severity = 4, hit.Critical
	m.Alert = &withdrawn
	h := send(m)
	if h["In-Reply-To"] != first["Message-Id"] || !strings.HasPrefix(h["Subject"], "Re: [CRITICAL] mei.adams") || h["Importance"] != "" {
		t.Errorf("withdrawn: %v", h)
	}
	if again := send(m); again["Message-Id"] != h["Message-Id"] {
		t.Errorf("the same revision again: %s is not %s", again["Message-Id"], h["Message-Id"])
	}
	ids := map[string]bool{first["Message-Id"]: true, raised["Message-Id"]: true, h["Message-Id"]: true}
	if len(ids) != 3 {
		t.Errorf("revisions share an id: %v", ids)
	}
}

// TestIdsTellApart is what a mail's id depends on.
func TestIdsTellApart(t *testing.T) {
	ch := quietChannel(t)
	other := quietChannel(t)
	other.name = "soc"
	later := notifytest.Opened()
	later.Detected++
	later.Now += 1e9
	same := notifytest.Opened()
	same.Now, same.Uncertain, same.Via = same.Now+5e6, true, "soc"
	id := ch.mailID(notifytest.Opened())
	if ch.mailID(same) != id {
		t.Error("a repeated mail has another id")
	}
	for i, x := range []string{ch.mailID(later), ch.mailID(notifytest.Grown()), other.mailID(notifytest.Opened()), ch.threadID(notifytest.Opened())} {
		if x == id {
			t.Errorf("id %d is that of another mail", i)
		}
	}
}

func TestSubjects(t *testing.T) {
	long := strings.Repeat("👨\u200d👩\u200d👧", 200)
	for in, want := range map[string]string{
		"plain":                                 "[LOW] plain",
		"a\r\nBcc: x@evil.example\r\n\r\nbody":  "[LOW] a Bcc: x@evil.example body",
		"  many\t \u00a0 blanks  ":              `[LOW] many \xa0 blanks`,
		"=?utf-8?b?4oCu?=":                      `[LOW] =\x3futf-8?b?4oCu?=`,
		"see http://evil.example/\u202efdp":     `[LOW] see hxxp://evil[.]example/\u202efdp`,
		strings.Repeat("x", 144):                "[LOW] " + strings.Repeat("x", 144),
		strings.Repeat("x", 145):                "[LOW] " + strings.Repeat("x", 143) + "…",
		strings.Repeat("é", 144):                "[LOW] " + strings.Repeat("é", 144),
		strings.Repeat("e\u0301", 145) + "tail": "[LOW] " + strings.Repeat("e\u0301", 143) + "…",
	} {
		if diff := cmp.Diff(want, subject(hit.Low, in)); diff != "" {
			t.Errorf("subject(%q):\n%s", in, diff)
		}
	}
	if got := subject(hit.Low, long); len(got) > 700 || !strings.HasSuffix(got, "…") {
		t.Errorf("a subject of %d bytes", len(got))
	}
}

func TestTell(t *testing.T) {
	s := startServer(t, setup{})
	ch := s.channel(t, nil)
	for _, n := range notifytest.Notices() {
		if err := ch.Tell(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	for _, wrong := range violations(s.got()) {
		t.Error(wrong)
	}
	h, parts := parse(t, s.got()[0].data)
	if got := h.Get("Subject"); got != "detect on siem1: information: detect was started" {
		t.Errorf("the subject is %q", got)
	}
	if !strings.Contains(parts["text/plain"], "INFORMATION: detect was started") || !strings.Contains(parts["text/html"], "detect was started") {
		t.Errorf("the text is %s", parts["text/plain"])
	}
}

// TestCutMailsSaySo is that a mail that can't hold all says where all is.
func TestCutMailsSaySo(t *testing.T) {
	for name, m := range map[string]*notify.Message{"values": notifytest.Filled(strings.Repeat("long ", 1<<18)), "commands": notifytest.Opened()} {
		if name == "commands" {
			a := *m.Alert
			a.Respond = strings.Repeat("Remove-Item 'x'\n", 10_000)
			m.Alert = &a
		}
		_, parts := parse(t, renderThread(t, quietChannel(t), []*notify.Message{m}))
		for kind, text := range parts {
			if !strings.Contains(text, "detect alerts show 1a2b3c4d shows all of it") {
				t.Errorf("%s: the part %s does not say that it is cut", name, kind)
			}
		}
	}
}

func FuzzMail(f *testing.F) {
	f.Add("title", "file", 3, int64(0), uint8(0))
	f.Add("\r\nBcc: x@evil.example\r\n\r\n<script>=?utf-8?q?x?= https://evil.example", "</td>", 2000, int64(-1)<<63, uint8(200))
	f.Fuzz(func(t *testing.T, text, name string, n int, at int64, severity uint8) {
		m := notifytest.Filled(text)
		m.Alert.By = []string{name, "mailbox"}
		m.Alert.Values[0].Name, m.Alert.Rule, m.Alert.Into = name, name, text
		m.Alert.Severity, m.Alert.Status = hit.Severity(severity), engine.Status(severity%5)
		for i := range min(max(n, 0), 50) {
			m.Alert.Values[0].Values = append(m.Alert.Values[0].Values, fmt.Sprint(text, i))
		}
		m.Alert.First, m.Detected, m.Now = at, at, at
		data := renderThread(t, quietChannel(t), []*notify.Message{m})
		for _, wrong := range inspect(data) {
			t.Error(wrong)
		}
		l := newLetter(notify.NewCard(m))
		l.mark(text)
		data, err := quietChannel(t).compose(&head{id: strings.Repeat("0", 32) + "@x", subject: noticeSubject(&notify.Notice{Text: text, Host: name}), references: []string{"x@y"}}, l)
		if err != nil {
			t.Fatal(err)
		}
		for _, wrong := range inspect(data) {
			t.Error("with a mark: ", wrong)
		}
	})
}
