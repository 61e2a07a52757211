package slack

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"html"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"detect/engine"
	"detect/notify"
	"detect/notify/notifytest"
	"detect/rules"
	"detect/rules/hit"
)

var update = flag.Bool("update", false, "write the golden files")

// forwarding is an alert of one record, with several commands.
func forwarding() *notify.Message {
	at := time.Date(2026, 3, 3, 2, 41, 7, 0, time.UTC).UnixMicro()
	a := &engine.Alert{
		ID: "c0ffee12d5e6f708192a3b4c5d6e7f80", Rule: "exchange-external-forwarding", Version: "v1",
		Key: hit.EncodeKey("ann.lee@contoso.example"), By: []string{"user"},
		Title: "ann.lee@contoso.example sends mail of ann.lee@contoso.example on to drop.box@evil.example (by inbox rule), set up from 198.51.100.23",
		Respond: "Get-InboxRule -Mailbox 'ann.lee@contoso.example' -IncludeHidden | Format-List Name,Enabled,ForwardTo,ForwardAsAttachmentTo,RedirectTo,DeleteMessage\n" +
			"Disable-InboxRule -Mailbox 'ann.lee@contoso.example' -Identity '.' -Confirm:$false\n" +
			"Get-MessageTraceV2 -RecipientAddress 'drop.box@evil.example' -StartDate (Get-Date).AddDays(-10) -EndDate (Get-Date)\n" +
			"Revoke-MgUserSignInSession -UserId 'ann.lee@contoso.example'\n",
		Severity: hit.High, Attack: []string{"T1114.003", "T1020"}, Risk: 70, First: at, Last: at, Count: 1,
		Values: []engine.Values{
			{Name: "destination", Values: []string{"drop.box@evil.example"}}, {Name: "mailbox", Values: []string{"ann.lee@contoso.example"}},
			{Name: "means", Values: []string{"inbox rule"}}, {Name: "rule_name", Values: []string{"."}}, {Name: "ip", Values: []string{"198.51.100.23"}},
		},
		Records: []string{"5b5a1c1e-0d6f-4b57-8f7a-08dc3a1b2c3d"}, Revision: 1, Reason: engine.Opened, Note: "1 record",
	}
	rule := &rules.Rule{ID: a.Rule, Title: "Mail is sent on to an address outside the organisation",
		Description: "Somebody set up a mailbox, or an inbox rule in it, so that its mail goes to an address that is not one of yours. This is the first thing that many do who have " +
			"taken over a mailbox: they keep reading after the password was changed. Ask the mailbox's owner whether they know of it; if they do not, take the account for stolen.",
		References:     []string{"https://attack.mitre.org/techniques/T1114/003/"},
		FalsePositives: []string{"A migration or a leaver, set up for many mailboxes by an administrator", "A ticket system, a mail archive or a second domain of your own"}}
	m := &notify.Message{Alert: a, Rule: rule, Detected: at + 52*60*1e6, Now: at + 52*60*1e6 + 3e6}
	m.Changes = []notify.Change{{Revision: 1, Reason: a.Reason, Note: a.Note, Severity: a.Severity, Title: a.Title, Count: 1, At: m.Detected}}
	return m
}

// hostile is an alert whose count is a lower bound, raised late, made of what attackers write, sent here instead of elsewhere.
func hostile() *notify.Message {
	m := notifytest.Filled("<!channel> *urgent* <https://evil.example/login|sign in> ```x``` \u202egpj.exe & :fire: @here\r\nhttps://evil.example")
	a := m.Alert
	a.ID, a.Severity, a.Approximate, a.Late = "0badcafe92a3b4c5d6e7f8091a2b3c4d", hit.Critical, true, true
	m.Via, m.ViaReason = "oncall", "oncall could not be reached since 03:10 UTC"
	return m
}

// samples are five alerts of different kinds.
func samples() map[string]*notify.Message {
	return map[string]*notify.Message{
		"opened": forwarding(), "grown": notifytest.Grown(), "merged": notifytest.Merged(), "withdrawn": notifytest.Withdrawn(), "hostile": hostile(),
	}
}

// TestGolden holds messages to files. Those are to be read: they are what people get.
func TestGolden(t *testing.T) {
	c := &Channel{name: "soc"}
	for name, m := range samples() {
		t.Run(name, func(t *testing.T) {
			said := c.alertMessage(m)
			var b bytes.Buffer
			enc := json.NewEncoder(&b)
			enc.SetEscapeHTML(false)
			enc.SetIndent("", " ")
			if err := enc.Encode(map[string]any{"blocks": said.blocks, "text": strings.Split(said.text, "\n"), "whole": strings.Split(said.whole, "\n"), "metadata": said.meta}); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", name+".json")
			if *update {
				if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(b.String(), "\n")); diff != "" {
				t.Errorf("differs from %s (-want +got):\n%s", file, diff)
			}
		})
	}
}

// TestPictures writes the samples as pages that look like Slack, for a person's eye, into the folder DETECT_PICTURES.
func TestPictures(t *testing.T) {
	dir := os.Getenv("DETECT_PICTURES")
	if dir == "" {
		t.Skip("DETECT_PICTURES names no folder")
	}
	c := &Channel{name: "soc"}
	for name, m := range samples() {
		said := c.alertMessage(m)
		raw, _ := json.Marshal(said.blocks)
		var b strings.Builder
		b.WriteString(pageHead)
		draw(&b, raw)
		if worth := notable(m, hit.Medium, m.Sent); m.Sent > 0 && len(worth) > 0 {
			b.WriteString("<div class=thread>")
			raw, _ := json.Marshal(c.replyMessage(m, worth).blocks)
			draw(&b, raw)
			b.WriteString("</div>")
		}
		if err := os.WriteFile(filepath.Join(dir, name+".html"), []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var b strings.Builder
	b.WriteString(pageHead)
	for _, n := range notifytest.Notices() {
		raw, _ := json.Marshal(noticeMessage(n).blocks)
		draw(&b, raw)
	}
	if err := os.WriteFile(filepath.Join(dir, "notices.html"), []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// pageHead looks like Slack's dark mode on a telephone.
const pageHead = `<!doctype html><meta charset=utf-8><style>
body{background:#1a1d21;color:#d1d2d3;font:15px/1.46 Lato,"DejaVu Sans",sans-serif;width:390px;margin:12px;overflow-wrap:anywhere}
h3{font-size:18px;margin:0 0 6px;color:#f0f0f0}.b{margin:0 0 10px}.s{white-space:pre-wrap}code{color:#e8912d;background:#2c2d30;border:1px solid #3c3d40;border-radius:3px;padding:1px 3px;font:12px monospace}
pre{background:#222529;border:1px solid #3c3d40;border-radius:4px;padding:8px;font:12px/1.5 monospace;white-space:pre-wrap;margin:4px 0}
blockquote{border-left:4px solid #5c5e62;margin:0;padding-left:12px;white-space:pre-wrap}ul{margin:0;padding-left:24px}.c{font-size:12px;color:#9a9b9e}.c div{margin-bottom:2px}
.thread{border-left:2px solid #35373b;margin-left:16px;padding-left:12px}</style>`

type drawn struct {
	Type     string
	Text     json.RawMessage
	Elements []drawn
	Style    json.RawMessage
}

func draw(b *strings.Builder, raw []byte) {
	var all []drawn
	_ = json.Unmarshal(raw, &all)
	for _, one := range all {
		b.WriteString("<div class=b>")
		one.draw(b)
		b.WriteString("</div>")
	}
}

func (d *drawn) draw(b *strings.Builder) {
	inner := func(open, shut string) {
		b.WriteString(open)
		for i := range d.Elements {
			d.Elements[i].draw(b)
		}
		b.WriteString(shut)
	}
	var text struct{ Text string }
	switch d.Type {
	case "header":
		_ = json.Unmarshal(d.Text, &text)
		fmt.Fprintf(b, "<h3>%s</h3>", html.EscapeString(text.Text))
	case "context":
		inner("<div class=c>", "</div>")
	case "plain_text":
		_ = json.Unmarshal(d.Text, &text.Text)
		fmt.Fprintf(b, "<div>%s</div>", html.EscapeString(text.Text))
	case "rich_text":
		inner("", "")
	case "rich_text_section":
		inner("<div class=s>", "</div>")
	case "rich_text_quote":
		inner("<blockquote>", "</blockquote>")
	case "rich_text_preformatted":
		inner("<pre>", "</pre>")
	case "rich_text_list":
		b.WriteString("<ul>")
		for i := range d.Elements {
			b.WriteString("<li>")
			d.Elements[i].draw(b)
		}
		b.WriteString("</ul>")
	case "text":
		_ = json.Unmarshal(d.Text, &text.Text)
		out := html.EscapeString(text.Text)
		for style, tag := range map[string]string{"bold": "b", "italic": "i", "code": "code"} {
			if bytes.Contains(d.Style, []byte(style)) {
				out = "<" + tag + ">" + out + "</" + tag + ">"
			}
		}
		b.WriteString(out)
	}
}
