package email

import (
	"fmt"
	"html/template"
	"regexp"
	"slices"
	"strings"
	"time"

	"detect/notify"
	"detect/notify/escape"
	"detect/rules/hit"
)

// The most of each kind that a mail shows, so that none is larger than 256 KiB whatever a record holds: HTML writes a byte
// in five at most, quoted-printable in three more, and the text stands there twice.
const (
	budget      = 20 << 10 // bytes of text in all, once it is made harmless
	longTitle   = 1 << 10  // bytes, like those that follow
	longValue   = 500
	longRespond = 6 << 10
	longWhy     = 3 << 10
	longLine    = 800
	manyFacts   = 30
	manyValues  = 10
	manyLines   = 12
	manyRecords = 10
)

// letter is what a mail says, in the order in which it is read: the text and the HTML are both made of it, so that neither
// says what the other does not. All its texts are harmless already: nothing hidden, no address to follow, no line ends but in Respond.
type letter struct {
	Label   string       // the severity in capitals, or the level of a notice
	Colour  template.CSS // of the label
	State   string       // what became of the alert; empty: it stands
	Title   string
	Preview string // what an inbox shows after the subject

	Marks   []string
	Changes []string
	Facts   []fact
	Why     []string // paragraphs
	Respond string   // lines
	Altered bool     // Respond holds an address that was made harmless
	Benign  []string
	Records string
	Attack  []link
	Sources []link // the rule's own documentation
	Footer  []string
	Cut     string // where to read what is not in the mail; empty: nothing is cut

	left int
	cut  bool
}

// fact is one labelled line, or several: long values have a line each.
type fact struct {
	Label string
	Lines []string
}

// link is a text that leads to an address of the rule's author; To is empty if it is no address that may be followed.
type link struct{ Text, To string }

// colours are those of severities, each legible under white letters, on light and on dark ground.
var colours = [...]template.CSS{hit.Info: "#5b6472", hit.Low: "#2563a8", hit.Medium: "#a15c00", hit.High: "#c2410c", hit.Critical: "#b1122b"}

// gone is the colour of an alert that stands no more.
const gone template.CSS = "#5b6472"

// newLetter is what a mail says of an alert.
func newLetter(c *notify.Card) *letter {
	l := &letter{left: budget, Label: strings.ToUpper(c.Severity.String()), Colour: gone}
	if int(c.Severity) < len(colours) && c.Status.Standing() {
		l.Colour = colours[c.Severity]
	}
	l.Title = l.text(c.Title, longTitle)
	if l.Title == "" {
		l.Title = l.text(c.Rule, longTitle)
	}
	l.State = l.text(c.State, longLine)
	l.Marks = l.texts(c.Marks, manyLines, longLine)
	l.Changes = l.latest(c.Changes)
	for _, f := range c.Facts[:min(len(c.Facts), manyFacts)] {
		l.fact(f)
	}
	l.cut = l.cut || len(c.Facts) > manyFacts
	if c.Status.Standing() { // of what stands no more nobody need know what to do
		l.advice(c)
	}
	l.records(c)
	for _, id := range c.Attack[:min(len(c.Attack), manyLines)] {
		l.link(&l.Attack, id, technique(id))
	}
	l.footer(c)
	l.preview()
	return l
}

// advice is what to do, and what to read for it.
func (l *letter) advice(c *notify.Card) {
	l.Respond, l.Altered = l.commands(c.Respond)
	for _, p := range strings.Split(strings.TrimSpace(c.Why), "\n\n") {
		if s := l.text(strings.Join(strings.Fields(p), " "), longWhy); s != "" {
			l.Why = append(l.Why, s)
		}
	}
	l.Benign = l.texts(c.FalsePositives, manyLines, longLine)
	for _, address := range c.References[:min(len(c.References), manyLines)] {
		l.link(&l.Sources, address, followed(address))
	}
}

// text is s made harmless, at most limit bytes of it, and no more than is left.
func (l *letter) text(s string, limit int) string {
	shown := strings.TrimSpace(show(s, limit))
	limit = min(limit, l.left)
	if len(shown) > limit || len(s) > 4*limit+1024 {
		l.cut = l.cut || s != ""
		shown = escape.Cut(shown, limit)
	}
	l.left -= len(shown)
	return shown
}

// show is s on one line without anything that hides, draws over other text or may be followed. What is much longer than
// limit bytes is cut before it is looked at.
func show(s string, limit int) string {
	return escape.Defang(escape.Calm(escape.Terminal(oneLine(escape.Cut(s, 4*limit+1024)))))
}

// oneLine joins lines.
func oneLine(s string) string {
	if !strings.ContainsAny(s, "\r\n\t") {
		return s
	}
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' || r == '\t' }), " ")
}

// texts are the first many of a list.
func (l *letter) texts(list []string, many, limit int) []string {
	var shown []string
	for _, s := range list {
		if s = l.text(s, limit); s == "" {
			continue
		}
		if shown = append(shown, s); len(shown) == many && len(list) > many {
			l.cut = true
			break
		}
	}
	return shown
}

// latest are the last changes: the newest matter most.
func (l *letter) latest(list []string) []string {
	if n := len(list) - manyLines; n > 0 {
		list = append([]string{fmt.Sprintf("%d earlier changes", n)}, list[n:]...)
		return l.texts(list, manyLines+1, longLine)
	}
	return l.texts(list, manyLines, longLine)
}

// fact adds a fact with its first values.
func (l *letter) fact(f notify.Fact) {
	var values []string
	more := f.More
	for i, v := range f.Values {
		if i == manyValues || l.left < longValue {
			more += len(f.Values) - i
			break
		}
		s := l.text(v, longValue)
		if s == "" {
			s = "(empty)"
		}
		values = append(values, s)
	}
	if more > 0 {
		values = append(values, fmt.Sprintf("+ %d more", more))
	}
	if len(values) == 0 {
		return
	}
	if !slices.ContainsFunc(values, func(v string) bool { return len(v) > 40 || strings.Contains(v, ",") }) {
		values = []string{strings.Join(values, ", ")}
	}
	l.Facts = append(l.Facts, fact{l.text(f.Label, 60), values})
}

// scheme and www are how an address begins that a client makes a link of.
var begins = regexp.MustCompile(`(?i)[a-z][a-z0-9+.-]*://|\bwww\.`)

// commands is the response, whole lines of it, as it is to be run; altered says that there was an address in it, as a
// record can put one where the command has a name. The address stands there defanged, and its line is a comment: run as it
// is, the command would name something else.
func (l *letter) commands(s string) (shown string, altered bool) {
	limit := min(longRespond, l.left)
	var lines []string
	size := 0
	for _, raw := range strings.Split(strings.Trim(escape.Cut(s, 8*longRespond), "\r\n"), "\n") {
		text := escape.Calm(escape.Terminal(strings.TrimRight(raw, " \t\r")))
		if begins.MatchString(text) {
			text, altered = "# "+escape.Defang(text), true
		}
		if size += len(text) + 1; size > limit {
			// A command that is cut would do something else: it is left out whole.
			lines = append(lines, "# the commands that follow are too long for a mail")
			l.cut = true
			break
		}
		lines = append(lines, text)
	}
	shown = strings.Trim(strings.Join(lines, "\n"), "\n")
	l.left -= min(l.left, len(shown))
	return shown, altered
}

// records lists the evidence.
func (l *letter) records(c *notify.Card) {
	ids := l.texts(c.Evidence[:min(len(c.Evidence), manyRecords)], manyRecords, 120)
	if len(ids) == 0 {
		return
	}
	l.Records = strings.Join(ids, ", ")
	if more := c.Records - len(ids); more > 0 {
		l.Records += fmt.Sprintf(", + %d more", more)
	}
}

// link adds a text that leads somewhere.
func (l *letter) link(list *[]link, text, to string) {
	if to != "" {
		l.left -= min(l.left, len(text))
		*list = append(*list, link{text, to})
	} else if s := l.text(text, longValue); s != "" {
		*list = append(*list, link{s, ""})
	}
}

var (
	techniqueID = regexp.MustCompile(`^T[0-9]{4}(\.[0-9]{3})?$`)
	plainURL    = regexp.MustCompile(`^https://[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+(/[A-Za-z0-9/._~%+=?&;#,-]*)?$`)
)

// technique is the page of an ATT&CK technique.
func technique(id string) string {
	if !techniqueID.MatchString(id) {
		return ""
	}
	return "https://attack.mitre.org/techniques/" + strings.ReplaceAll(id, ".", "/") + "/"
}

// followed is an address of a rule's documentation, if it is one.
func followed(address string) string {
	if len(address) > 300 || !plainURL.MatchString(address) {
		return ""
	}
	return address
}

// footer says where it comes from, and how to read on.
func (l *letter) footer(c *notify.Card) {
	l.left += 2 << 10 // kept for it
	short := word(c.ID)
	short = short[:min(len(short), 8)]
	if s := l.text(c.Delays, longLine); s != "" {
		l.Footer = append(l.Footer, s)
	}
	if s := l.text(c.Rule, longLine); s != "" {
		l.Footer = append(l.Footer, "rule "+s)
	}
	if short != "" {
		l.Footer = append(l.Footer, "detect alerts show "+short)
		if l.cut {
			l.Cut = "This mail is cut: detect alerts show " + short + " shows all of it."
		}
	}
}

// preview is what stands in an inbox after the subject: what changed, else the first facts.
func (l *letter) preview() {
	var parts []string
	if l.State != "" {
		parts = append(parts, capital(l.State))
	}
	parts = append(parts, l.Changes...)
	for _, f := range l.Facts[:min(len(l.Facts), 4)] {
		parts = append(parts, f.Label+": "+f.Lines[0])
	}
	l.Preview = escape.Cut(strings.Join(parts, " · "), 240)
}

// mark adds a mark that is known only once the server was asked.
func (l *letter) mark(s string) {
	l.left += 2 << 10
	l.Marks = slices.Insert(l.Marks, 0, l.text(s, 2<<10))
}

// noticeLetter is what a mail says of a notice.
func noticeLetter(n *notify.Notice, at time.Time) *letter {
	l := &letter{left: budget, Label: strings.ToUpper(n.Level.String())}
	l.Colour = map[notify.Level]template.CSS{notify.Information: colours[hit.Low], notify.Warning: colours[hit.Medium], notify.Trouble: colours[hit.High]}[n.Level]
	if l.Title = l.text(n.Text, longRespond); l.Title == "" {
		l.Title = "(nothing said)"
	}
	if s := l.text(n.Hint, longRespond); s != "" {
		l.Why = append(l.Why, s)
	}
	from := "detect"
	if s := l.text(n.Host, longLine); s != "" {
		from += " on " + s
	}
	l.Footer = []string{from, at.UTC().Format("2006-01-02 15:04:05 UTC")}
	return l
}

// capital begins s with a capital letter.
func capital(s string) string {
	if s != "" && s[0] >= 'a' && s[0] <= 'z' {
		return string(s[0]-'a'+'A') + s[1:]
	}
	return s
}
