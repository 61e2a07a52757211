package notify

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"detect/engine"
	"detect/notify/escape"
	"detect/rules/hit"
	"detect/rules/template"
)

// Card is a message as people read it, the same on every channel: what the renderings have in common. All of its texts are
// plain: whatever comes from a record is in them as it was, and each rendering escapes it for its place.
type Card struct {
	ID       string // of the alert, whole
	Rule     string
	Title    string
	Severity hit.Severity
	Status   engine.Status
	Revision int

	// State is empty for an alert that is news, else a few words for what became of it: "withdrawn", "merged into 1a2b3c4d", "moved".
	State string
	// Facts are who, what, where, when, how many, in the order in which they are read.
	Facts []Fact
	// Why says what the rule looks for and why that matters, in sentences.
	Why string
	// Changes say what changed since the channel was last told, a line each, oldest first; empty for the first message.
	Changes []string
	// Respond is PowerShell, a command a line; empty for an alert that does not stand.
	Respond string
	// Evidence is the ids of the records that made it, the first few; Records says how many there are.
	Evidence []string
	Records  int
	// Attack is ATT&CK techniques such as T1114.003, References are addresses of the rule's own documentation.
	Attack, References []string
	// FalsePositives is what may look like this and be harmless.
	FalsePositives []string
	// Marks are what must be known to read it rightly: "approximate: ...", "late: ...", "sent here because soc could not be reached: ...".
	Marks []string
	// Delays are the times between what happened and this message, such as "happened 08:00:00 UTC, available and detected 64 min later".
	Delays string
}

// Fact is one line of a card.
type Fact struct {
	Label  string
	Values []string // distinct, in the order to be shown; the first few of them
	More   int      // how many more there are
	Short  bool     // that two such facts fit beside each other
}

// How much of a rule and of its answer a message shows.
const (
	shownWhy        = 1200 // bytes
	shownListed     = 3    // references, things that look like it
	shownListedText = 300  // bytes of one
	shownAttack     = 10
	shownRespond    = 8 << 10 // bytes, in whole lines
)

// NewCard makes the card of a message. It depends on m alone, and what it shows is bounded whatever the alert holds.
func NewCard(m *Message) *Card {
	a := m.Alert
	c := &Card{
		ID: a.ID, Rule: a.Rule, Title: escape.Cut(strings.TrimSpace(a.Title), shownTitle), Severity: a.Severity, Status: a.Status,
		Revision: a.Revision, State: state(a), Facts: facts(a), Changes: changes(m), Respond: wholeLines(a.Respond, shownRespond),
		Records: len(a.Records), Attack: slices.Clone(a.Attack[:min(len(a.Attack), shownAttack)]), Marks: marks(m), Delays: delays(m),
	}
	if c.Records >= 1000 && a.Count > int64(c.Records) { // no more are kept
		c.Records = int(a.Count)
	}
	if !a.Status.Standing() { // nobody should lock an account for it
		c.Respond = ""
	}
	for _, id := range a.Records[:min(len(a.Records), shownRecords)] {
		c.Evidence = append(c.Evidence, escape.Cut(id, shownValue))
	}
	if r := m.Rule; r != nil {
		c.Title = cmp.Or(c.Title, escape.Cut(r.Title, shownTitle))
		c.Why = escape.Cut(strings.Join(strings.Fields(r.Description), " "), shownWhy)
		c.References = listed(r.References)
		c.FalsePositives = listed(r.FalsePositives)
	}
	c.Title = cmp.Or(c.Title, a.Rule, "alert "+short(a.ID))
	return c
}

// listed is the first few texts that are not empty.
func listed(list []string) []string {
	var out []string
	for _, s := range list {
		if s = strings.TrimSpace(s); s != "" && len(out) < shownListed {
			out = append(out, escape.Cut(s, shownListedText))
		}
	}
	return out
}

// wholeLines is as many lines as fit. A command that is cut would do something else: it is left out, and a comment says so.
func wholeLines(text string, limit int) string {
	text = strings.TrimRight(text, " \t\r\n")
	if len(text) <= limit {
		return text
	}
	end := max(strings.LastIndexByte(text[:limit+1], '\n'), 0)
	kept := strings.TrimRight(text[:end], " \t\r\n")
	left := counted(int64(strings.Count(strings.TrimLeft(text[end:], "\n"), "\n")+1), "more line")
	if kept != "" {
		kept += "\n"
	}
	return kept + "# " + left + ": detect alerts show"
}

// Text is the card as plain text of at most limit bytes, in lines. Whatever would not be seen in it is shown escaped.
// Addresses are as they are: what goes where addresses become links needs escape.Defang.
func Text(c *Card, limit int) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	head := "[" + strings.ToUpper(c.Severity.String()) + "] " + escape.Terminal(c.Title)
	if c.State != "" {
		head += " (" + escape.Terminal(c.State) + ")"
	}
	line("%s", head)
	for _, m := range c.Marks {
		line("! %s", escape.Terminal(m))
	}
	if len(c.Changes) > 0 {
		line("\nWhat changed:")
		for _, change := range c.Changes {
			line("- %s", escape.Terminal(change))
		}
	}
	b.WriteByte('\n')
	for _, f := range c.Facts {
		line("%s:%s", escape.Terminal(f.Label), f.text())
	}
	if c.Why != "" {
		line("\nWhy: %s", escape.Terminal(c.Why))
	}
	for i, s := range c.FalsePositives {
		if i == 0 {
			line("May be harmless:")
		}
		line("- %s", escape.Terminal(s))
	}
	if c.Respond != "" {
		line("\nRespond:\n%s", escape.Lines(c.Respond))
	}
	if len(c.Evidence) > 0 {
		line("\nRecords:%s", Fact{Values: c.Evidence, More: c.Records - len(c.Evidence)}.text())
	}
	line("Rule: %s", escape.Terminal(strings.Join(append([]string{c.Rule}, c.Attack...), ", ")))
	for _, s := range c.References {
		line("See: %s", escape.Terminal(s))
	}
	line("Alert: %s, revision %d", escape.Terminal(c.ID), c.Revision)
	if c.Delays != "" {
		line("Delays: %s", c.Delays)
	}
	return clip(strings.TrimRight(b.String(), "\n"), limit, c.ID)
}

// text is a fact's values behind its label: on the same line, or each on its own if they are long.
func (f Fact) text() string {
	const wide = 90
	list, length, between := make([]string, len(f.Values)), 0, ", "
	for i, v := range f.Values {
		list[i] = escape.Terminal(v)
		if length += len(list[i]); strings.Contains(v, ",") {
			between = "; "
		}
	}
	if f.More > 0 {
		list = append(list, "and "+template.Grouped(int64(f.More))+" more")
	}
	if length > wide && len(list) > 1 {
		return "\n  " + strings.Join(list, "\n  ")
	}
	return " " + strings.Join(list, between)
}

// clip cuts text to limit bytes and says where the rest is.
func clip(text string, limit int, id string) string {
	if len(text) <= limit {
		return text
	}
	more := "\nThe rest: detect alerts show " + escape.Terminal(short(id))
	if limit <= 2*len(more) {
		return escape.Cut(text, limit)
	}
	return escape.Cut(text, limit-len(more)) + more
}
