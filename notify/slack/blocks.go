package slack

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	api "github.com/slack-go/slack"

	"detect/engine"
	"detect/notify"
	"detect/notify/escape"
	"detect/rules/hit"
)

// Slack's limit of a header, in characters (https://docs.slack.dev/reference/block-kit/blocks/header-block), and how long
// the parts of a message are at most: nobody reads more on a phone, and there is a command that shows all.
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
	harmlessLimit = 3
	evidenceLimit = 5
	contextLimit  = 300
)

// allLimit is how long all texts of a message together may be, with elementCost for each element. No limit of rich text
// is documented, but messages of 11,341 characters were refused (https://github.com/slackapi/bolt-js/issues/2867).
const (
	allLimit    = 8500
	elementCost = 40
)

// blocks lays a card out, shorter and shorter until Slack takes it. notes are said first.
func blocks(c *notify.Card, notes []string) []api.Block {
	for share := 1; ; share *= 2 {
		l := &layout{Card: c, where: show(c), share: share}
		if out := l.blocks(notes); l.used <= allLimit || share > 16 {
			return out
		}
	}
}

// layout lays one card out. All texts are plain text or rich text, never mrkdwn: in neither does Slack look for mentions,
// links or formatting, so nothing that a record holds can be any.
type layout struct {
	*notify.Card
	where string // the command that shows all
	share int    // each part is cut to one of so many shares of its limit
	used  int    // of allLimit
}

var (
	bold   = &api.RichTextSectionTextStyle{Bold: true}
	italic = &api.RichTextSectionTextStyle{Italic: true}
	coded  = &api.RichTextSectionTextStyle{Code: true}
)

func (l *layout) blocks(notes []string) []api.Block {
	out := []api.Block{l.header()}
	parts := [][]api.RichTextElement{l.warnings(notes), l.list("What changed", l.Changes), l.facts()}
	if l.Status.Standing() { // else there is nothing to do about it
		parts = append(parts, l.why(), l.respond())
	}
	for _, part := range append(parts, l.evidence()) {
		if len(part) > 0 {
			out = append(out, api.NewRichTextBlock("", part...))
		}
	}
	return append(out, l.footer())
}

// cut is cut for this layout's share.
func (l *layout) cut(s string, limit int) string { return cut(s, limit/l.share, l.where) }

// text is a piece of rich text; Slack takes none that is empty.
func (l *layout) text(s string, style *api.RichTextSectionTextStyle) *api.RichTextSectionTextElement {
	if s == "" {
		s = " "
	}
	l.used += length(s) + elementCost
	return api.NewRichTextSectionTextElement(s, style)
}

// plain is a text without markup; :names: of emoji in it stay as they are.
func (l *layout) plain(s string) *api.TextBlockObject {
	emoji := false
	if s == "" {
		s = " "
	}
	l.used += length(s) + elementCost
	return &api.TextBlockObject{Type: api.PlainTextType, Text: s, Emoji: &emoji}
}

func (l *layout) section(s string, style *api.RichTextSectionTextStyle) *api.RichTextSection {
	return api.NewRichTextSection(l.text(s, style))
}

// marker is what stands before the severity's word, so that a channel can be scanned: colour and word say the same.
func marker(c *notify.Card) string {
	if !c.Status.Standing() {
		return "⚪"
	}
	switch c.Severity {
	case hit.Critical:
		return "🔴"
	case hit.High:
		return "🟠"
	case hit.Medium:
		return "🟡"
	}
	return "🔵"
}

// show is the command that prints the whole of it.
func show(c *notify.Card) string { return "detect alerts show " + short(c.ID) }

// short is as much of an alert's id as people use.
func short(id string) string { return escape.Cut(escape.Terminal(id[:min(len(id), 8)]), 40) }

// title is the card's, on one line; never empty.
func title(c *notify.Card) string {
	for _, s := range []string{c.Title, c.Rule} {
		if s = strings.TrimSpace(line(s)); s != "" {
			return s
		}
	}
	return "(no title)"
}

// headline is the text of a header before it is cut.
func headline(c *notify.Card) string {
	var b strings.Builder
	b.WriteString(marker(c) + " ")
	if c.State != "" {
		b.WriteString(upper(cut(line(c.State), 40, "")) + " · ")
	}
	b.WriteString(upper(c.Severity.String()) + " · " + title(c))
	return b.String()
}

func (l *layout) header() *api.HeaderBlock {
	return api.NewHeaderBlock(l.plain(cut(headline(l.Card), headerLimit, "")))
}

// upper is s with its first letter, if it is one of ASCII, as a capital.
func upper(s string) string {
	if s != "" && s[0] >= 'a' && s[0] <= 'z' {
		return string(s[0]-'a'+'A') + s[1:]
	}
	return s
}

// facts are who, what, where, when and how many, a line each; before them the title, if it is too long for the header.
func (l *layout) facts() []api.RichTextElement {
	s := api.NewRichTextSection()
	add := func(text string, style *api.RichTextSectionTextStyle) {
		s.Elements = append(s.Elements, l.text(text, style))
	}
	if length(headline(l.Card)) > headerLimit {
		add(l.cut(title(l.Card), titleLimit), nil)
	}
	for i, f := range l.Facts {
		end := "\n"
		if len(s.Elements) == 0 {
			end = ""
		}
		if i == factsLimit {
			add(fmt.Sprintf("\n… %d more: %s", len(l.Facts)-i, l.where), nil)
			break
		}
		add(end+cut(line(f.Label), labelLimit, "")+":", bold)
		add(" "+l.cut(values(f), factLimit), nil)
	}
	if len(s.Elements) == 0 {
		return nil
	}
	return []api.RichTextElement{s}
}

// values are a fact's values on one line.
func values(f notify.Fact) string {
	var b strings.Builder
	more := f.More
	for i, v := range f.Values {
		if i == factsLimit {
			more += len(f.Values) - i
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(cut(line(v), valueLimit, ""))
	}
	if more > 0 {
		fmt.Fprintf(&b, " and %d more", more)
	}
	if b.Len() == 0 {
		return "none"
	}
	return b.String()
}

// warnings are what must be known to read the rest rightly, as a quotation before it.
func (l *layout) warnings(notes []string) []api.RichTextElement {
	var said []string
	for _, text := range append(append([]string(nil), notes...), l.Marks...) {
		if len(said) < marksLimit && text != "" {
			said = append(said, upper(l.cut(line(text), markLimit)))
		}
	}
	if len(said) == 0 {
		return nil
	}
	return []api.RichTextElement{&api.RichTextQuote{Type: api.RTEQuote, Elements: []api.RichTextSectionElement{
		l.text(strings.Join(said, "\n"), nil),
	}}}
}

// list is a heading, which may be empty, and a line each; nothing without any. Of many the last are shown.
func (l *layout) list(heading string, all []string) []api.RichTextElement {
	if len(all) == 0 {
		return nil
	}
	if n := len(all) - changesLimit; n > 0 {
		all = append([]string{fmt.Sprintf("… %d earlier: %s", n, l.where)}, all[n:]...)
	}
	list := api.NewRichTextList(api.RTEListBullet, 0)
	for _, text := range all {
		list.Elements = append(list.Elements, l.section(upper(l.cut(line(text), changeLimit)), nil))
	}
	if heading == "" {
		return []api.RichTextElement{list}
	}
	return []api.RichTextElement{l.section(heading, bold), list}
}

// why is what the rule looks for and why that matters, and what may look like it.
func (l *layout) why() []api.RichTextElement {
	s := api.NewRichTextSection()
	if why := strings.TrimSpace(lines(l.Why)); why != "" {
		s.Elements = append(s.Elements, l.text("Why: ", bold), l.text(l.cut(why, whyLimit), nil))
	}
	var harmless []string
	for _, text := range l.FalsePositives[:min(len(l.FalsePositives), harmlessLimit)] {
		if text = strings.TrimSuffix(strings.TrimSpace(line(text)), "."); text != "" {
			harmless = append(harmless, l.cut(text, changeLimit))
		}
	}
	if len(harmless) > 0 {
		begin := "May be harmless: "
		if len(s.Elements) > 0 {
			begin = "\n" + begin
		}
		s.Elements = append(s.Elements, l.text(begin, bold), l.text(strings.Join(harmless, "; "), nil))
	}
	if len(s.Elements) == 0 {
		return nil
	}
	return []api.RichTextElement{s}
}

// respond is the commands, with a blank line between two, since long ones wrap.
func (l *layout) respond() []api.RichTextElement {
	respond := strings.Trim(verbatim(l.Respond), "\n")
	if strings.TrimSpace(respond) == "" {
		return nil
	}
	respond = cutCommands(respond, commandLimit/l.share, l.where)
	if all := strings.Split(respond, "\n"); len(all) <= 12 && !slices.ContainsFunc(all, func(s string) bool { return s == "" || strings.ContainsAny(s[:1], " \t{})|") }) {
		respond = strings.Join(all, "\n\n")
	}
	return []api.RichTextElement{l.section("Respond (PowerShell)", bold), &api.RichTextPreformatted{
		Type:     api.RTEPreformatted,
		Elements: []api.RichTextSectionElement{l.text(respond, nil)},
	}}
}

// cutCommands cuts between commands, not inside one: half a command must not be run.
func cutCommands(s string, limit int, where string) string {
	if length(s) <= limit {
		return s
	}
	kept, used, all := 0, 80, strings.Split(s, "\n")
	for _, one := range all {
		if used += length(one) + 1; used > limit {
			break
		}
		kept++
	}
	return strings.Join(append(all[:kept:kept], fmt.Sprintf("# … %d more lines: %s", len(all)-kept, where)), "\n")
}

// evidence are the ids of records, to be searched for, and how to see all.
func (l *layout) evidence() []api.RichTextElement {
	records := max(l.Records, len(l.Evidence))
	if records == 0 {
		return nil
	}
	s := l.section("Evidence:", bold)
	add := func(text string, style *api.RichTextSectionTextStyle) {
		s.Elements = append(s.Elements, l.text(text, style))
	}
	if records == 1 {
		add(" 1 record, shown by ", nil)
	} else {
		add(" "+strconv.Itoa(records)+" records, all shown by ", nil)
	}
	add(l.where, coded)
	for _, id := range l.Evidence[:min(len(l.Evidence), evidenceLimit)] {
		if id = strings.TrimSpace(cut(line(id), 80, "")); id != "" {
			add("\n", nil)
			add(id, coded)
		}
	}
	return []api.RichTextElement{s}
}

// footer is the small print: rule, id, techniques, delays.
func (l *layout) footer() *api.ContextBlock {
	var parts []string
	add := func(text string) {
		if text != "" {
			parts = append(parts, text)
		}
	}
	add(line(l.Rule))
	add("alert " + short(l.ID))
	if l.Revision > 1 {
		add("revision " + strconv.Itoa(l.Revision))
	}
	if l.Status == engine.Acknowledged || l.Status == engine.Closed {
		add(l.Status.String())
	}
	add(line(strings.Join(l.Attack[:min(len(l.Attack), 10)], ", ")))
	elements := []api.MixedElement{l.plain(cut(strings.Join(parts, " · "), contextLimit, ""))}
	if l.Delays != "" {
		elements = append(elements, l.plain(upper(cut(line(l.Delays), contextLimit, ""))))
	}
	return api.NewContextBlock("", elements...)
}
