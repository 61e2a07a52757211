package slack

import (
	"fmt"
	"strings"
	"time"

	api "github.com/slack-go/slack"

	"detect/engine"
	"detect/notify"
	"detect/rules/hit"
)

// The lengths of plain texts. Slack asks for 4,000 characters at most (https://docs.slack.dev/reference/methods/chat.postMessage);
// each becomes longer when it is escaped.
const (
	textLimit  = 700
	wholeLimit = 3000
	sentLimit  = 3900
)

// alertMessage is the message of an alert, notes said first.
func (c *Channel) alertMessage(m *notify.Message, notes ...string) *content {
	card := notify.NewCard(m)
	return &content{
		blocks: blocks(card, notes),
		text:   fallback(card, notes, textLimit),
		whole:  fallback(card, notes, wholeLimit),
		meta:   c.metadata(m, kindAlert),
		about:  "alert " + m.Alert.ID,
	}
}

// replyMessage says in the thread of an alert's message what changed.
func (c *Channel) replyMessage(m *notify.Message, worth []string) *content {
	where := "detect alerts show " + short(m.Alert.ID)
	l := &layout{where: where, share: 1}
	text := sent(lines(strings.Join(worth, "\n")), wholeLimit, where)
	return &content{
		blocks: []api.Block{api.NewRichTextBlock("", l.list("", worth)...)},
		text:   text,
		whole:  text,
		meta:   c.metadata(m, kindReply),
		about:  "a change of alert " + m.Alert.ID,
	}
}

// noticeMessage is what the program has to say of itself.
func noticeMessage(n *notify.Notice) *content {
	mark := "🔴"
	switch n.Level {
	case notify.Information:
		mark = "⚪"
	case notify.Warning:
		mark = "🟡"
	}
	l := &layout{share: 1}
	head, body := "detect: "+n.Level.String(), cut(lines(n.Text), whyLimit, "")
	if strings.TrimSpace(body) == "" {
		body = "(nothing said)"
	}
	section := l.section(body, nil)
	text := head + ": " + body
	if hint := cut(lines(n.Hint), whyLimit, ""); hint != "" {
		section.Elements = append(section.Elements, l.text("\n"+hint, italic))
		text += "\n" + hint
	}
	var footing []string
	if host := cut(line(n.Host), 100, ""); host != "" {
		footing = append(footing, host)
	}
	if !n.At.IsZero() {
		footing = append(footing, n.At.UTC().Format(time.DateTime)+" UTC")
	}
	out := []api.Block{api.NewHeaderBlock(l.plain(mark + " " + head)), api.NewRichTextBlock("", section)}
	if len(footing) > 0 {
		out = append(out, api.NewContextBlock("", l.plain(strings.Join(footing, " · "))))
	}
	flat := sent(text, wholeLimit, "")
	return &content{blocks: out, text: flat, whole: flat, about: "a notice"}
}

// notable are the changes after the revision said that people should not miss, a line each: the severity rose (told is
// what they were told last), or the alert was merged, withdrawn, moved, or stands again. Of many the last are named.
func notable(m *notify.Message, told hit.Severity, said int) []string {
	type rise struct{ from, to hit.Severity }
	var worth []notify.Change
	var rises []rise
	for i := range m.Changes {
		ch := &m.Changes[i]
		step := rise{told, ch.Severity}
		told = ch.Severity
		switch {
		case ch.Revision <= said:
			continue
		case step.to > step.from:
		case ch.Reason == engine.MergedIn, ch.Reason == engine.MergedAway, ch.Reason == engine.Gone, ch.Reason == engine.Revived, ch.Reason == engine.Moved:
		default:
			continue
		}
		worth, rises = append(worth, *ch), append(rises, step)
	}
	first := max(0, len(worth)-changesLimit)
	var out []string
	for i, ch := range worth[first:] {
		one := *m
		one.Changes, one.Sent = []notify.Change{ch}, max(m.Sent, 1)
		text := strings.Join(notify.NewCard(&one).Changes, ". ")
		if step := rises[first+i]; step.to > step.from && !strings.Contains(text, "severity") {
			text = strings.TrimSuffix(fmt.Sprintf("severity %s → %s. %s", step.from, step.to, upper(text)), ". ")
		}
		if text == "" {
			text = ch.Reason.String()
		}
		out = append(out, text)
	}
	return out
}

// fallback is a card as plain text. Its beginning is what a phone shows before it is unlocked.
func fallback(c *notify.Card, notes []string, limit int) string {
	var b strings.Builder
	b.WriteString(cut(headline(c), titleLimit, ""))
	one := func(text string) {
		if text = strings.TrimSpace(text); text != "" {
			b.WriteString("\n" + text)
		}
	}
	for _, list := range [][]string{notes, c.Marks, c.Changes} {
		for _, text := range list[:min(len(list), changesLimit)] {
			one(upper(cut(line(text), changeLimit, "")))
		}
	}
	for i, f := range c.Facts {
		if i == factsLimit {
			break
		}
		one(cut(line(f.Label), labelLimit, "") + ": " + cut(values(f), factLimit, ""))
	}
	if c.Status.Standing() {
		one(cut(lines(c.Why), whyLimit, ""))
		one(cutCommands(strings.Trim(lines(c.Respond), "\n"), commandLimit, show(c)))
	}
	one(show(c))
	return sent(b.String(), limit, show(c))
}

// sent is a text of at most limit characters as it is sent: escaped, and within Slack's limit even then.
func sent(text string, limit int, where string) string {
	for {
		out := markup(cut(text, limit, where))
		if length(out) <= sentLimit || limit < 100 {
			return out
		}
		limit = limit * 2 / 3
	}
}
