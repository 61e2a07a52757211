package slack

import (
	"fmt"
	"strconv"
	"strings"

	api "github.com/slack-go/slack"

	"detect/engine"
	"detect/notify"
	"detect/notify/escape"
	"detect/rules/hit"
)

// Slack's limits, in characters (https://docs.slack.dev/reference/block-kit/blocks). For rich text none is documented; all
// texts of one message together may have about 12,000, structure included, so each part is kept to a share of that.
const (
	headerLimit   = 150
	titleLimit    = 600
	labelLimit    = 60
	valueLimit    = 160
	factLimit     = 500
	factsLimit    = 20
	whyLimit      = 900
	changeLimit   = 300
	changesLimit  = 8
	commandLimit  = 1800
	markLimit     = 400
	marksLimit    = 5
	evidenceLimit = 10
	contextLimit  = 300
)

// marker is what stands before the severity's word, so that a channel can be scanned: colour and word say the same.
func marker(c *notify.Card) string {
	if !c.Status.Standing() {
		return "⚪"
	}
	switch c.Severity {
	case hit.Critical:
		return "🟣"
	case hit.High:
		return "🔴"
	case hit.Medium:
		return "🟠"
	case hit.Low:
		return "🟡"
	}
	return "🔵"
}

// severityWord is the severity as it begins a header.
func severityWord(s hit.Severity) string {
	name := s.String()
	return strings.ToUpper(name[:1]) + name[1:]
}

// show is the command that prints the whole of it.
func show(c *notify.Card) string { return "detect alerts show " + short(c.ID) }

// short is as much of an alert's id as people use.
func short(id string) string { return escape.Cut(escape.Terminal(id[:min(len(id), 8)]), 40) }

// blocks lays a card out. Texts are plain text or rich text throughout, never mrkdwn: in neither does Slack look for
// mentions, links or formatting, so nothing that a record holds can be any. notes are said first.
func blocks(c *notify.Card, notes []string) []api.Block {
	where := show(c)
	out := []api.Block{header(c)}
	top := api.NewRichTextSection()
	add := func(text string, style *api.RichTextSectionTextStyle) {
		top.Elements = append(top.Elements, api.NewRichTextSectionTextElement(text, style))
	}
	if title := line(c.Title); length(headline(c, title)) > headerLimit {
		add(cut(title, titleLimit, where)+"\n", nil)
	}
	for i, f := range c.Facts {
		if i == factsLimit {
			add(fmt.Sprintf("… %d more: %s\n", len(c.Facts)-i, where), nil)
			break
		}
		add(cut(line(f.Label), labelLimit, "")+"  ", bold)
		add(cut(values(f), factLimit, where)+"\n", nil)
	}
	var body []api.RichTextElement
	if quoted := warnings(c, notes); quoted != nil {
		body = append(body, quoted)
	}
	if len(top.Elements) > 0 {
		trim(top)
		body = append(body, top)
	}
	body = append(body, changes("What changed", c.Changes, where)...)
	if len(body) > 0 {
		out = append(out, api.NewRichTextBlock("", body...))
	}
	if more := reasons(c, where); len(more) > 0 {
		out = append(out, api.NewRichTextBlock("", more...))
	}
	return append(out, footer(c))
}

var (
	bold   = &api.RichTextSectionTextStyle{Bold: true}
	italic = &api.RichTextSectionTextStyle{Italic: true}
	coded  = &api.RichTextSectionTextStyle{Code: true}
)

// headline is the text of a header before it is cut.
func headline(c *notify.Card, title string) string {
	said := marker(c) + " " + severityWord(c.Severity)
	if c.State != "" {
		said = marker(c) + " " + upper(line(c.State)) + " · " + severityWord(c.Severity)
	}
	return said + " · " + title
}

func header(c *notify.Card) *api.HeaderBlock {
	title := line(c.Title)
	if strings.TrimSpace(title) == "" {
		title = line(c.Rule)
	}
	return api.NewHeaderBlock(plain(cut(headline(c, title), headerLimit, "")))
}

// plain is a text without markup; :names: of emoji in it stay as they are.
func plain(text string) *api.TextBlockObject {
	emoji := false
	if text == "" {
		text = " "
	}
	return &api.TextBlockObject{Type: api.PlainTextType, Text: text, Emoji: &emoji}
}

// upper is s with its first letter, if it is one of ASCII, as a capital.
func upper(s string) string {
	if s != "" && s[0] >= 'a' && s[0] <= 'z' {
		return string(s[0]-'a'+'A') + s[1:]
	}
	return s
}

// values are a fact's values on one line.
func values(f notify.Fact) string {
	var b strings.Builder
	for i, v := range f.Values {
		if i > 0 {
			b.WriteString(", ")
		}
		if i == 20 {
			fmt.Fprintf(&b, "and %d more", len(f.Values)-i+f.More)
			return b.String()
		}
		b.WriteString(cut(line(v), valueLimit, ""))
	}
	switch {
	case f.More > 0:
		fmt.Fprintf(&b, " and %d more", f.More)
	case len(f.Values) == 0:
		b.WriteString("none")
	}
	return b.String()
}

// warnings are what must be known to read the rest rightly, as a quotation before it; nil if there is nothing.
func warnings(c *notify.Card, notes []string) api.RichTextElement {
	var said []string
	for _, text := range append(append([]string(nil), notes...), c.Marks...) {
		if len(said) == marksLimit {
			break
		}
		if text = upper(cut(line(text), markLimit, show(c))); text != "" {
			said = append(said, text)
		}
	}
	if len(said) == 0 {
		return nil
	}
	return &api.RichTextQuote{Type: api.RTEQuote, Elements: []api.RichTextSectionElement{
		api.NewRichTextSectionTextElement(strings.Join(said, "\n"), nil),
	}}
}

// changes are a heading and a list; nothing without a change. Of many the last are shown.
func changes(heading string, all []string, where string) []api.RichTextElement {
	if len(all) == 0 {
		return nil
	}
	if n := len(all) - changesLimit; n > 0 {
		all = append([]string{fmt.Sprintf("%d earlier: %s", n, where)}, all[n:]...)
	}
	list := api.NewRichTextList(api.RTEListBullet, 0)
	for _, text := range all {
		list.Elements = append(list.Elements, said(cut(line(text), changeLimit, where), nil))
	}
	if heading == "" {
		return []api.RichTextElement{list}
	}
	return []api.RichTextElement{said("\n"+heading, bold), list}
}

// said is a section of one text.
func said(text string, style *api.RichTextSectionTextStyle) *api.RichTextSection {
	if text == "" {
		text = " "
	}
	return api.NewRichTextSection(api.NewRichTextSectionTextElement(text, style))
}

// trim takes the line end off the end of a section.
func trim(s *api.RichTextSection) {
	last := s.Elements[len(s.Elements)-1].(*api.RichTextSectionTextElement)
	last.Text = strings.TrimSuffix(last.Text, "\n")
	if last.Text == "" {
		last.Text = " "
	}
}

// reasons are why it matters, what to do about it, and what shows that it happened.
func reasons(c *notify.Card, where string) []api.RichTextElement {
	var out []api.RichTextElement
	if why := strings.TrimSpace(lines(c.Why)); why != "" {
		out = append(out, heading("Why"), said(cut(why, whyLimit, where), nil))
	}
	if len(c.FalsePositives) > 0 {
		out = append(out, changes("May be harmless", c.FalsePositives, where)...)
	}
	if respond := strings.Trim(verbatim(c.Respond), "\n"); strings.TrimSpace(respond) != "" {
		out = append(out, heading("Respond (PowerShell)"), &api.RichTextPreformatted{
			Type: api.RTEPreformatted,
			Elements: []api.RichTextSectionElement{
				api.NewRichTextSectionTextElement(cutCommands(respond, where), nil),
			},
		})
	}
	if len(c.Evidence) > 0 || c.Records > 0 {
		out = append(out, evidence(c, where))
	}
	return out
}

func heading(text string) *api.RichTextSection { return said(text, bold) }

// cutCommands cuts between commands, not inside one: half a command must not be run.
func cutCommands(s string, where string) string {
	if length(s) <= commandLimit {
		return s
	}
	kept, all := 0, strings.Split(s, "\n")
	used := 0
	for _, one := range all {
		if used+length(one)+1 > commandLimit-100 {
			break
		}
		used += length(one) + 1
		kept++
	}
	return strings.Join(append(all[:kept:kept], fmt.Sprintf("# … %d more lines: %s", len(all)-kept, where)), "\n")
}

// evidence are the ids of records, to be searched for, and how to see all.
func evidence(c *notify.Card, where string) *api.RichTextSection {
	s := api.NewRichTextSection(api.NewRichTextSectionTextElement("Evidence", bold))
	add := func(text string, style *api.RichTextSectionTextStyle) {
		s.Elements = append(s.Elements, api.NewRichTextSectionTextElement(text, style))
	}
	records := max(c.Records, len(c.Evidence))
	word := " records"
	if records == 1 {
		word = " record"
	}
	add("  "+strconv.Itoa(records)+word+"\n", nil)
	n := min(len(c.Evidence), evidenceLimit)
	for _, id := range c.Evidence[:n] {
		if id = cut(escape.Terminal(bounds(id)), 80, ""); id == "" {
			continue
		}
		add(id, coded)
		add("\n", nil)
	}
	if records > n {
		add(fmt.Sprintf("and %d more: ", records-n), nil)
	} else {
		add("All of it: ", nil)
	}
	add(where, coded)
	return s
}

// footer is the small print: rule, id, techniques, delays, and links to the rule's own references, which are not of any record.
func footer(c *notify.Card) *api.ContextBlock {
	var parts []string
	add := func(text string) {
		if text != "" {
			parts = append(parts, text)
		}
	}
	add(line(c.Rule))
	add("alert " + short(c.ID))
	if c.Revision > 1 {
		add("revision " + strconv.Itoa(c.Revision))
	}
	if c.Status == engine.Acknowledged || c.Status == engine.Closed {
		add(c.Status.String())
	}
	add(line(strings.Join(c.Attack[:min(len(c.Attack), 10)], ", ")))
	elements := []api.MixedElement{plain(cut(strings.Join(parts, " · "), contextLimit, ""))}
	if c.Delays != "" {
		elements = append(elements, plain(cut(line(c.Delays), contextLimit, "")))
	}
	return api.NewContextBlock("", elements...)
}
