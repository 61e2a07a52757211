package email

import (
	"encoding/json"
	"flag"
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

var update = flag.Bool("update", false, "write the golden files anew")

// forwarding is an alert of one record, with several commands.
func forwarding() *notify.Message {
	first := time.Date(2026, 3, 3, 10, 4, 12, 0, time.UTC).UnixMicro()
	a := &engine.Alert{
		ID: "c0ffee12d5e6f708192a3b4c5d6e7f80", Rule: "exchange-external-forwarding", Version: "v1",
		Key: hit.EncodeKey("mei.adams@contoso.example"), By: []string{"user"},
		Title: "mei.adams@contoso.example sends mail of mei.adams@contoso.example on to mei.adams.77@mail.example (by inbox rule), set up from 203.0.113.36",
		Respond: "Get-InboxRule -Mailbox 'mei.adams@contoso.example' -IncludeHidden | Format-List Name,Enabled,ForwardTo,ForwardAsAttachmentTo,RedirectTo,DeleteMessage\n" +
			"Remove-InboxRule -Mailbox 'mei.adams@contoso.example' -Identity '..'\n" +
			"Get-MessageTraceV2 -RecipientAddress 'mei.adams.77@mail.example' -StartDate (Get-Date).AddDays(-10) -EndDate (Get-Date)\n" +
			"Revoke-MgUserSignInSession -UserId 'mei.adams@contoso.example'",
		Severity: hit.High, Attack: []string{"T1114.003", "T1020"}, Tactics: []string{"collection", "exfiltration"}, Risk: 73,
		First: first, Last: first, Count: 1,
		Values: []engine.Values{
			{Name: "destination", Values: []string{"mei.adams.77@mail.example"}}, {Name: "ip", Values: []string{"203.0.113.36"}},
			{Name: "mailbox", Values: []string{"mei.adams@contoso.example"}}, {Name: "means", Values: []string{"inbox rule"}},
			{Name: "rule_name", Values: []string{".."}},
		},
		Records: []string{"62608f82-170b-4951-88ae-e7c8413459c5"}, Revision: 1, Reason: engine.Opened, Note: "1 record",
	}
	rule := &rules.Rule{
		ID: a.Rule, Title: "Mail is sent on to an address outside the organisation",
		Description: "Somebody set up a mailbox, or an inbox rule in it, so that its mail goes to an address that is not one of yours. This is the first thing " +
			"that many do who have taken over a mailbox: they keep reading after the password was changed. Ask the mailbox's owner whether they know of it; " +
			"if they do not, take the account for stolen.",
		References: []string{"https://attack.mitre.org/techniques/T1114/003/", "https://learn.microsoft.com/en-us/defender-office-365/outbound-spam-policies-external-email-forwarding"},
		FalsePositives: []string{
			"A migration or a leaver, set up for many mailboxes by an administrator",
			"A ticket system, a mail archive or a second domain of your own; add them to the list partner_domains or to org.domains",
		},
	}
	m := &notify.Message{Alert: a, Rule: rule, Detected: first + 68*60*1e6, Now: first + 68*60*1e6 + 3e6}
	m.Changes = []notify.Change{{Revision: 1, Reason: a.Reason, Note: a.Note, Severity: a.Severity, Title: a.Title, Count: 1, At: m.Detected}}
	return m
}

// hostile is an alert of an attacker who knows who will read it, approximate and late.
func hostile() *notify.Message {
	m := forwarding()
	a := *m.Alert
	a.ID, a.Title = "bad0bad0d5e6f708192a3b4c5d6e7f80", "mei.adams@contoso.example made the rule \"Invoice\u202efdp.exe\r\nBcc: all@contoso.example\" <b>URGENT</b> see https://login.evil.example/reset?u=mei =?utf-8?q?x?="
	a.Approximate, a.Late, a.Count = true, true, 1024
	a.Last = a.First + 26*3600*1e6
	a.Values = []engine.Values{
		{Name: "destination", Values: []string{"<script>alert(1)</script>@evil.example", "</td><img src=//evil.example/x.png>", "\" onmouseover=\"x", "d@evil.example", "e@evil.example", "f@evil.example"}},
		{Name: "rule_name", Values: []string{"\u200b", "www.evil.example", "", "{{.Title}}", "Z\u0301\u0302\u0303\u0304\u0305\u0306\u0307algo"}},
		{Name: "ip", Values: []string{"203.0.113.36"}},
	}
	a.Respond = "Remove-InboxRule -Mailbox 'mei.adams@contoso.example' -Identity 'https://login.evil.example/fix'\nRevoke-MgUserSignInSession -UserId 'mei.adams@contoso.example'"
	m.Alert = &a
	m.Changes[0].Title, m.Changes[0].Count = a.Title, a.Count
	m.Via, m.ViaReason = "soc", "channel_not_found"
	return m
}

// goldens are the five mails that are looked at, each as the last of its thread.
func goldens() map[string][]*notify.Message {
	return map[string][]*notify.Message{
		"opened":    {forwarding()},
		"grown":     {notifytest.Opened(), notifytest.Grown()},
		"merged":    {notifytest.Grown(), notifytest.Merged()},
		"withdrawn": {notifytest.Grown(), notifytest.Withdrawn()},
		"hostile":   {hostile()},
	}
}

// renderThread is the last mail of a thread, as Send would send it.
func renderThread(t *testing.T, c *Channel, thread []*notify.Message) []byte {
	t.Helper()
	var kept, data []byte
	for _, m := range thread {
		m.Receipt = kept
		next := c.receipt(m)
		var err error
		if data, err = c.compose(c.head(m, next), newLetter(notify.NewCard(m))); err != nil {
			t.Fatal(err)
		}
		if kept, err = json.Marshal(next); err != nil {
			t.Fatal(err)
		}
	}
	return data
}

func quietChannel(t *testing.T) *Channel {
	t.Helper()
	return (&server{addr: "127.0.0.1:25"}).channel(t, nil)
}

// TestGoldenMails keeps five mails as they were when people last looked at them: the head, the text and the page. With
// MAIL_PAGES the pages are written there, to be looked at in a browser.
func TestGoldenMails(t *testing.T) {
	for name, thread := range goldens() {
		t.Run(name, func(t *testing.T) {
			data := renderThread(t, quietChannel(t), thread)
			for _, wrong := range inspect(data) {
				t.Error(wrong)
			}
			_, parts := parse(t, data)
			head, _, _ := strings.Cut(string(data), "\r\n\r\n")
			compare(t, name+".txt", strings.ReplaceAll(head, "\r\n", "\n")+"\n\n"+parts["text/plain"])
			compare(t, name+".html", strings.NewReplacer("<div", "\n<div", "<t", "\n<t", "</table", "\n</table", "</body", "\n</body").Replace(parts["text/html"])+"\n")
			if dir := os.Getenv("MAIL_PAGES"); dir != "" {
				if err := os.WriteFile(filepath.Join(dir, name+".html"), []byte(parts["text/html"]), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func compare(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-update writes it anew):\n%s", path, diff)
	}
}

// TestTextAndPageSayTheSame compares the words of both parts of each golden mail.
func TestTextAndPageSayTheSame(t *testing.T) {
	for name, thread := range goldens() {
		_, parts := parse(t, renderThread(t, quietChannel(t), thread))
		_, page, _ := strings.Cut(parts["text/html"], "<table") // after the preview, which repeats
		page = "<table" + page
		page = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&", "&#34;", `"`, "&#39;", "'", "&#43;", "+", "&bull;", "").Replace(tag.ReplaceAllString(page, " "))
		words := func(s string) string {
			return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(" \n-!:,", r) }), " ")
		}
		if diff := cmp.Diff(words(parts["text/plain"]), words(page)); diff != "" {
			t.Errorf("%s (-text +page):\n%s", name, diff)
		}
	}
}
