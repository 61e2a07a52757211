//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/emersion/go-sasl"
	smtpd "github.com/emersion/go-smtp"

	"detect/notify/slack/scripted"
)

// The secrets of TestNoSecretIsShown beside those of the scripted Slack, by the variables that hold them. Each has what
// quoting, escaping or cutting would change.
var secretSettings = map[string]string{
	"SLACK_APP_TOKEN": "xapp-1-A0S3CRETAPP-7-deadbeef",
	"SMTP_PASSWORD":   `hunter&"two" <three>=`,
	"HOOK_PATH":       "t0k3n-in-the-address",
	"HOOK_SECRET":     "key of the signature, % and all",
	"HOOK_AUTH":       "Bearer s3cr3t-b3ar3r",
}

// outputs is all that leaves the program, by where it was seen.
type outputs struct {
	mu   sync.Mutex
	seen map[string][]byte
}

func (o *outputs) add(where string, data []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen[where] = append(append(o.seen[where], data...), '\n')
}

// check looks for every secret in every spelling in all that was seen.
func (o *outputs) check(t *testing.T) {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	secrets := map[string]string{"token": scripted.Token, "Slack's webhook": filepath.Base(scripted.WebhookPath)}
	for name, value := range secretSettings {
		secrets[name] = strings.TrimPrefix(value, "Bearer ")
	}
	for name, value := range secrets {
		quoted, _ := json.Marshal(value)
		spellings := []string{
			value, strings.Trim(string(quoted), `"`), fmt.Sprintf("%q", value), url.QueryEscape(value), url.PathEscape(value),
			base64.StdEncoding.EncodeToString([]byte(value)), fmt.Sprintf("%x", value),
		}
		for where, data := range o.seen {
			for _, s := range spellings {
				if at := bytes.Index(data, []byte(s)); at >= 0 {
					t.Errorf("%s is in %s: %.300q", name, where, data[max(0, at-100):])
					break
				}
			}
		}
	}
}

// confidants are the servers that are told secrets. A rude one refuses all that it is sent, and repeats the secrets in
// its answers.
type confidants struct {
	t    *testing.T
	rude bool
	out  *outputs

	slack          *scripted.Server
	slackAt, hook  *httptest.Server
	mail           *smtpd.Server
	mailAt         net.Listener
	mailConnection sync.WaitGroup
}

func newConfidants(t *testing.T, rude bool, out *outputs) *confidants {
	t.Helper()
	c := &confidants{t: t, rude: rude, out: out, slack: scripted.New()}
	c.slack.Pace(0, 1)
	c.slackAt = httptest.NewServer(http.HandlerFunc(c.serveSlack))
	t.Cleanup(c.slackAt.Close)
	c.hook = httptest.NewServer(http.HandlerFunc(c.serveHook))
	t.Cleanup(c.hook.Close)
	c.mail = smtpd.NewServer(c)
	c.mail.AllowInsecureAuth, c.mail.ErrorLog = true, log.New(io.Discard, "", 0)
	var err error
	if c.mailAt, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	c.mailConnection.Go(func() { _ = c.mail.Serve(c.mailAt) })
	t.Cleanup(func() {
		_ = c.mail.Close()
		_ = c.mailAt.Close()
		c.mailConnection.Wait()
	})
	return c
}

func (c *confidants) serveSlack(w http.ResponseWriter, r *http.Request) {
	switch {
	case !c.rude:
		c.slack.ServeHTTP(w, r)
	case r.URL.Path == scripted.WebhookPath:
		http.Error(w, "no_service at "+r.URL.Path, http.StatusNotFound)
	default:
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"ok": false, "error": "invalid_auth", "response_metadata": {"messages": ["%s"]}, "warning": "%[1]s"}`, r.Header.Get("Authorization")+scripted.Token)
	}
}

func (c *confidants) serveHook(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil || r.Header.Get("Authorization") != secretSettings["HOOK_AUTH"] || r.URL.Path != "/"+secretSettings["HOOK_PATH"] {
		c.t.Errorf("the webhook was sent %s %q, %v", r.URL, r.Header, err)
	}
	c.out.add("the webhook's body", body)
	c.out.add("the webhook's headers", []byte(r.Header.Get("X-Detect-Signature")+r.Header.Get("User-Agent")+r.Header.Get("Idempotency-Key")))
	if c.rude {
		w.Header().Set("Location", r.URL.String())
		http.Error(w, fmt.Sprint(r.URL, r.Header, secretSettings["HOOK_SECRET"]), http.StatusForbidden)
	}
}

// NewSession, with what follows, makes it a mail server.
func (c *confidants) NewSession(*smtpd.Conn) (smtpd.Session, error) { return mailSession{c}, nil }

type mailSession struct{ *confidants }

func (mailSession) Reset()                                {}
func (mailSession) Logout() error                         { return nil }
func (mailSession) AuthMechanisms() []string              { return []string{sasl.Plain} }
func (mailSession) Mail(string, *smtpd.MailOptions) error { return nil }
func (mailSession) Rcpt(string, *smtpd.RcptOptions) error { return nil }

func (s mailSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != "detect" || password != secretSettings["SMTP_PASSWORD"] {
			s.t.Errorf("%s came with the password %s", user, password)
		}
		if s.rude {
			return &smtpd.SMTPError{Code: 535, EnhancedCode: smtpd.EnhancedCode{5, 7, 8}, Message: "no " + user + " with " + password + " " + base64.StdEncoding.EncodeToString([]byte(password))}
		}
		return nil
	}), nil
}

func (s mailSession) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	s.out.add("a mail", b)
	return err
}

// config is a configuration with a channel of every kind. The secrets are named, or stand in it.
func (c *confidants) config(named bool) string {
	host, port, _ := net.SplitHostPort(c.mailAt.Addr().String())
	text := fmt.Sprintf(`
org: {domains: [contoso.example]}
sources: [{follow: {path: in}}]
metrics: {address: 127.0.0.1:0}
channels:
  bot: {slack: {token: {env: SLACK_BOT_TOKEN}, app_token: {env: SLACK_APP_TOKEN}, channel: "%s", api: "%s/api/", pace: 1ms}}
  hook: {slack: {webhook: {env: SLACK_WEBHOOK}, pace: 1ms}}
  mail: {email: {to: [soc@contoso.example], from: d@contoso.example, smtp: {host: %s, port: %s, tls: none, username: detect, password: {env: SMTP_PASSWORD}}}}
  siem: {webhook: {url: {env: HOOK_URL}, secret: {env: HOOK_SECRET}, headers: {Authorization: {env: HOOK_AUTH}}}}
fallback: mail
ops: [bot, hook, mail, siem]
`, scripted.ChannelName, c.slackAt.URL, host, port)
	if named {
		return text
	}
	return regexp.MustCompile(`\{env: (\w+)\}`).ReplaceAllStringFunc(text, func(s string) string {
		value, _ := json.Marshal(os.Getenv(s[len("{env: ") : len(s)-1]))
		return string(value)
	})
}

// TestNoSecretIsShown runs the daemon with a channel of every kind, once with servers that take what they get and once with
// servers that refuse it and repeat the secrets in their answers, and looks for the secrets in all that comes out: logs,
// printed alerts, metrics and health, what the servers were sent, the files that are left, faults of configurations
// that can't be loaded, and the stacks of a process that is made to die.
func TestNoSecretIsShown(t *testing.T) {
	for _, c := range []struct {
		name        string
		rude, named bool
		log         []string
		seen        string
	}{
		{"all is well", false, true, []string{"-v"}, `msg=told .* channel=(\w+)`},
		{"nothing works", true, false, []string{"-v", "--log-format", "json"}, `"msg":"(?:a message was refused for good|a message did not get through)".*"channel":"(\w+)"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := &outputs{seen: map[string][]byte{}}
			servers := newConfidants(t, c.rude, out)
			for name, value := range secretSettings {
				t.Setenv(name, value)
			}
			t.Setenv("SLACK_BOT_TOKEN", scripted.Token)
			t.Setenv("SLACK_WEBHOOK", servers.slackAt.URL+scripted.WebhookPath)
			t.Setenv("HOOK_URL", servers.hook.URL+"/"+secretSettings["HOOK_PATH"])
			dir := t.TempDir()
			config := filepath.Join(dir, "detect.yaml")
			good := servers.config(c.named)
			write(t, config, []byte(good))
			write(t, filepath.Join(dir, "in", "a.ndjson"), []byte(forwarding(1, "ann@contoso.example")+forwarding(2, "bob@contoso.example")+"{\n"))

			p := start(t, append([]string{"run", "--config", config}, c.log...)...)
			address := p.until(p.errs, `detect runs.*metrics"?[=:]"?([\d.:]+)`)[1]
			for left := map[string]bool{"bot": true, "hook": true, "mail": true, "siem": true}; len(left) > 0; {
				delete(left, p.until(p.errs, c.seen)[1])
			}
			for _, path := range []string{"metrics", "healthz", "readyz", "nowhere"} {
				out.add("/"+path, []byte(fetch(t, "http://"+address+"/"+path)))
			}
			if !c.named {
				p.misconfigure(config, good, out)
			}
			if err := p.cmd.Process.Signal(syscall.SIGQUIT); err != nil {
				t.Fatal(err)
			}
			_, rest := p.end()
			if !strings.Contains(rest, "goroutine ") {
				t.Errorf("no stacks: %s", rest)
			}
			out.add("the log", append(p.logs.Bytes(), rest...))

			showAll(t, out, config)
			keep(t, out, dir)
			sent, err := json.Marshal([]any{servers.slack.Messages(), servers.slack.Calls()})
			if err != nil {
				t.Fatal(err)
			}
			out.add("what Slack has", sent)
			if !c.rude && (len(out.seen["a mail"]) == 0 || len(out.seen["the webhook's body"]) == 0 || len(servers.slack.Messages()) < 2) {
				t.Error("not every channel was told")
			}
			out.check(t)
		})
	}
}

// misconfigure writes configurations that can't be loaded beneath the daemon, and has every command read them too.
func (p *process) misconfigure(config, good string, out *outputs) {
	p.t.Helper()
	for i, bad := range badEdits(good) {
		write(p.t, config, []byte(bad))
		p.until(p.errs, "stay as they were")
		for _, args := range [][]string{{"run"}, {"check", "--no-tests"}, {"check", "--no-tests", "--format", "json"}, {"alerts", "list"}, {"test"}} {
			detect(p.t, out, fmt.Sprintf("%s of bad edit %d", args, i), append(args, "--config", config)...)
		}
	}
	write(p.t, config, []byte(good))
	p.until(p.errs, "were loaded anew")
}

// badEdits are configurations that can't be loaded, with the faults where the secrets are.
func badEdits(good string) []string {
	edit := func(pattern, with string) string { return regexp.MustCompile(pattern).ReplaceAllString(good, with) }
	return []string{
		edit(`token: `, `token:`),
		edit(`\bslack: \{`, `slack: {tokn: 1, `),
		edit(`(?m)\}\}$`, `}`),
		edit(`secret: `, `sceret: `),
		edit(`password: `, `user: `),
		edit(`\burl: `, `url: x`),
		edit(`app_token`, `token`),
		edit(`fallback: mail`, `fallback: nobody`),
	}
}

// detect runs a command in this process and keeps what it prints.
func detect(t *testing.T, out *outputs, where string, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	run(context.Background(), args, strings.NewReader(""), &stdout, &stderr)
	out.add(where, append(stdout.Bytes(), stderr.Bytes()...))
	return stdout.String()
}

// showAll prints the stored alerts in every way.
func showAll(t *testing.T, out *outputs, config string) {
	t.Helper()
	detect(t, out, "check", "check", "--no-tests", "--config", config)
	detect(t, out, "the list", "alerts", "list", "--all", "-v", "--config", config)
	var list struct{ Alerts []struct{ ID string } }
	if err := json.Unmarshal([]byte(detect(t, out, "the list as JSON", "alerts", "list", "--all", "--format", "json", "--config", config)), &list); err != nil {
		t.Fatal(err)
	}
	if len(list.Alerts) != 2 {
		t.Errorf("%d alerts are stored", len(list.Alerts))
	}
	for _, a := range list.Alerts {
		detect(t, out, "an alert", "alerts", "show", a.ID, "-v", "--config", config)
		detect(t, out, "an alert as JSON", "alerts", "show", a.ID, "--format", "json", "--config", config)
	}
}

// keep keeps what the files hold that the run left, but for the configuration.
func keep(t *testing.T, out *outputs, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "detect.db*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no store: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		out.add(filepath.Base(file), data)
	}
}
