package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"detect/notify/escape"
	"detect/rules/template"
)

// The most that the text report shows of long lists; the JSON form has them whole.
const (
	shownValues  = 5
	shownRecords = 3
	shownRejects = 10

	longestTitle = 2000 // bytes
)

var severityStyle = map[string]style{
	"critical": critical, "high": boldRed, "medium": yellow, "low": cyan, "info": dim,
}

// writeText prints the report for a person: the alerts in the order of time, a summary by rule, and what became of the
// records.
func (r *report) writeText(s *screen, verbose, quiet bool) error {
	var b strings.Builder
	if !quiet {
		fmt.Fprintf(&b, "%s\n\n", r.headline(s))
	}
	for i := range r.Alerts {
		r.Alerts[i].writeText(&b, s, verbose)
		b.WriteByte('\n')
	}
	if len(r.Alerts) == 0 {
		b.WriteString("No alerts.\n\n")
	}
	if !quiet {
		r.writeRules(&b, s, verbose)
	}
	r.writePending(&b, s)
	if !quiet {
		r.writeRecords(&b, s)
	}
	r.writeRejected(&b, s, verbose)
	if _, err := s.w.Write([]byte(b.String())); err != nil {
		return ioError(fmt.Errorf("write output: %w", err))
	}
	return nil
}

func (r *report) headline(s *screen) string {
	counts := map[string]int{}
	for _, a := range r.Alerts {
		counts[a.Severity]++
	}
	var parts []string
	for _, name := range []string{"critical", "high", "medium", "low", "info"} {
		if counts[name] > 0 {
			parts = append(parts, s.paint(severityStyle[name], fmt.Sprintf("%d %s", counts[name], name)))
		}
	}
	line := s.paint(bold, plural(len(r.Alerts), "alert"))
	if len(parts) > 0 {
		line += " (" + strings.Join(parts, ", ") + ")"
	}
	line += " in " + escape.Terminal(r.source)
	if r.Span.First != nil {
		line += ", " + spanText(*r.Span.First, *r.Span.Last)
	}
	return line
}

func spanText(first, last time.Time) string {
	const day, clock = "2006-01-02", "15:04"
	if first.Format(day) == last.Format(day) {
		return first.Format(day) + " " + first.Format(clock) + " to " + last.Format(clock) + " UTC"
	}
	return first.Format(day) + " to " + last.Format(day)
}

// alertIndent is what stands before the facts of an alert.
const alertIndent = "          "

// writeText prints one alert: how bad, when and what in the first lines, then who, where and how many, then the evidence.
func (a *alertReport) writeText(b *strings.Builder, s *screen, verbose bool) {
	a.writeHead(b, s)
	a.writeFacts(&factRows{b: b, s: s, width: a.labelWidth()}, verbose)
}

// writeHead prints how bad it is, when it began and what it is.
func (a *alertReport) writeHead(b *strings.Builder, s *screen) {
	title := wrap(escape.Terminal(escape.Cut(a.Title, longestTitle)), s.width-len(alertIndent)-20)
	if len(title) == 0 {
		title = []string{a.Rule}
	}
	label := s.paint(severityStyle[a.Severity], pad(strings.ToUpper(a.Severity), 8))
	fmt.Fprintf(b, "%s  %s  %s\n", label, s.paint(dim, a.First.Format("2006-01-02 15:04:05")), s.paint(bold, title[0]))
	for _, line := range title[1:] {
		fmt.Fprintf(b, "%s%s%s\n", alertIndent, strings.Repeat(" ", 21), s.paint(bold, line))
	}
}

// factRows prints names with texts beside them.
type factRows struct {
	b     *strings.Builder
	s     *screen
	width int // columns of the names
}

// row prints one fact, wrapped.
func (w *factRows) row(name, text string) {
	for i, line := range wrap(text, w.s.width-len(alertIndent)-w.width-2) {
		if i > 0 {
			name = ""
		}
		w.line(name, plain, line)
	}
}

// line prints one fact as it is, in a style.
func (w *factRows) line(name string, st style, text string) {
	fmt.Fprintf(w.b, "%s%s  %s\n", alertIndent, w.s.paint(dim, pad(name, w.width)), w.s.paint(st, text))
}

// labelWidth is how wide the names of an alert's facts are.
func (a *alertReport) labelWidth() int {
	width := 11
	for _, v := range a.order {
		width = max(width, min(columns(v.Name), 16))
	}
	return width
}

// marks is what must be known to read the alert rightly.
func (a *alertReport) marks() []string {
	var marks []string
	if a.Staged {
		marks = append(marks, "staged: would not be sent")
	}
	if a.Late {
		marks = append(marks, "raised by a late record")
	}
	if a.Approximate {
		marks = append(marks, "approximate")
	}
	if a.Status != "open" {
		marks = append(marks, a.Status)
	}
	return marks
}

func (a *alertReport) writeFacts(w *factRows, verbose bool) {
	w.row("rule", strings.Join(append([]string{a.Rule + strings.Join(prefixed(", ", a.Attack), "")}, a.marks()...), " · "))
	for _, part := range a.by {
		w.row(part.Name, quoteEmpty(escape.Terminal(part.Value)))
	}
	w.row("when", a.when())
	w.row("count", a.howMany())
	shown := map[string]bool{"": true} // nothing, and what another capture says already, is left out
	for _, v := range a.order {
		text := strings.Join(v.Values, "\x00")
		if _, isKey := a.By[v.Name]; isKey || shown[text] {
			continue
		}
		shown[text] = true
		name := escape.Terminal(v.Name)
		for _, line := range listLines(v.Values, shownValues, verbose) {
			w.row(name, line)
			name = ""
		}
	}
	w.row("records", strings.Join(listItems(a.Records, shownRecords, verbose), ", "))
	if a.Respond != "" {
		for i, line := range strings.Split(strings.TrimRight(a.Respond, "\n"), "\n") {
			name := ""
			if i == 0 {
				name = "respond"
			}
			w.line(name, green, escape.Terminal(line))
		}
	}
}

func (a *alertReport) when() string {
	if a.First.Equal(a.Last) {
		return a.First.Format("2006-01-02 15:04:05 UTC")
	}
	layout := "15:04:05 UTC"
	if a.First.Format("2006-01-02") != a.Last.Format("2006-01-02") {
		layout = "2006-01-02 15:04:05 UTC"
	}
	return a.First.Format("2006-01-02 15:04:05") + " to " + a.Last.Format(layout) + " (" + template.Duration(a.Last.Sub(a.First)) + ")"
}

func (a *alertReport) howMany() string {
	text := template.Grouped(a.Count) + " hit"
	if a.Count != 1 {
		text += "s"
	}
	if a.Approximate {
		text = "at least " + text
	}
	return text
}

// listLines is the first few of a list and how many more there are: on one line, or each on its own if they are long.
func listLines(list []string, limit int, all bool) []string {
	items := listItems(list, limit, all)
	for _, item := range items {
		if columns(item) > 48 {
			return items
		}
	}
	return []string{strings.Join(items, ", ")}
}

func listItems(list []string, limit int, all bool) []string {
	if all || len(list) <= limit {
		limit = len(list)
	}
	items := make([]string, limit, limit+1)
	for i := range items {
		items[i] = quoteEmpty(escape.Terminal(shorten(list[i], all)))
	}
	if more := len(list) - limit; more > 0 {
		items = append(items, fmt.Sprintf("+ %s more", template.Grouped(int64(more))))
	}
	return items
}

// shorten cuts a long value in its middle, since addresses and paths differ at their ends.
func shorten(s string, all bool) string {
	const most, end = 76, 36
	if all || len(s) <= most {
		return s
	}
	tail := len(s) - end
	for tail < len(s) && !utf8.RuneStart(s[tail]) {
		tail++
	}
	return escape.Cut(s[:tail], most-end) + s[tail:]
}

// quoteEmpty makes a text visible that nobody would see.
func quoteEmpty(s string) string {
	if strings.TrimSpace(s) == "" || strings.TrimSpace(s) != s {
		return `"` + s + `"`
	}
	return s
}

func prefixed(prefix string, list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = prefix + s
	}
	return out
}

func (r *report) writeRules(b *strings.Builder, s *screen, verbose bool) {
	var list []ruleReport
	quietRules := 0
	for _, rule := range r.Rules {
		if !verbose && rule.Alerts == 0 && rule.Errors == 0 && len(rule.Suppressed) == 0 {
			quietRules++
			continue
		}
		list = append(list, rule)
	}
	slices.SortStableFunc(list, func(a, b ruleReport) int {
		return cmp.Or(cmp.Compare(b.Alerts, a.Alerts), strings.Compare(a.ID, b.ID))
	})
	if len(list) > 0 {
		width := 4
		for _, rule := range list {
			width = max(width, len(rule.ID))
		}
		fmt.Fprintf(b, "%s\n", s.paint(dim, fmt.Sprintf("%s  %7s %11s %11s %7s", pad("rule", width), "alerts", "matched", "evaluated", "errors")))
		for _, rule := range list {
			fmt.Fprintf(b, "%s  %7s %11s %11s %7s\n", pad(rule.ID, width), template.Grouped(rule.Alerts), template.Grouped(rule.Matched), template.Grouped(rule.Evaluated), template.Grouped(rule.Errors))
			for _, name := range sortedKeys(rule.Suppressed) {
				fmt.Fprintf(b, "  hidden by exception %s: %s\n", escape.Terminal(name), template.Grouped(rule.Suppressed[name]))
			}
			if rule.FirstError != "" {
				fmt.Fprintf(b, "  %s\n", s.paint(red, "first error: "+escape.Terminal(rule.FirstError)))
			}
		}
	}
	if quietRules > 0 {
		fmt.Fprintf(b, "%s\n", s.paint(dim, plural(quietRules, "more rule")+" raised nothing"))
	}
	b.WriteByte('\n')
}

func (r *report) writePending(b *strings.Builder, s *screen) {
	if len(r.Pending) == 0 {
		return
	}
	fmt.Fprintf(b, "%s\n", s.paint(bold, plural(len(r.Pending), "entity")+" not decided when the records ended:"))
	for i, p := range r.Pending {
		if i == shownRejects {
			fmt.Fprintf(b, "  + %s more\n", template.Grouped(int64(len(r.Pending)-i)))
			break
		}
		var by []string
		for _, name := range sortedKeys(p.By) {
			by = append(by, name+"="+escape.Terminal(p.By[name]))
		}
		fmt.Fprintf(b, "  %s %s since %s\n", p.Rule, strings.Join(by, " "), p.Since.Format(time.RFC3339))
	}
	b.WriteByte('\n')
}

func (r *report) writeRecords(b *strings.Builder, s *screen) {
	c := r.Records
	fmt.Fprintf(b, "%s records read: %s accepted, %s repeated", template.Grouped(c.Read), template.Grouped(c.Accepted), template.Grouped(c.Duplicate))
	if c.Differing > 0 {
		fmt.Fprintf(b, " (%s of them with other content)", template.Grouped(c.Differing))
	}
	rejected := template.Grouped(c.Rejected) + " rejected"
	if c.Rejected > 0 {
		rejected = s.paint(red, rejected)
	}
	fmt.Fprintf(b, ", %s", rejected)
	if c.Late > 0 {
		fmt.Fprintf(b, ", %s late", template.Grouped(c.Late))
	}
	fmt.Fprintf(b, " · %.2f s, %s records/s\n", r.Elapsed, template.Grouped(int64(r.Rate)))
}

func (r *report) writeRejected(b *strings.Builder, s *screen, verbose bool) {
	for _, w := range r.Warnings {
		text := w.Text
		if w.File != "" {
			text = w.File + ": " + text
		}
		fmt.Fprintf(b, "%s %s\n", s.paint(yellow, "warning:"), escape.Terminal(text))
	}
	for i, reject := range r.Rejected {
		if i == shownRejects && !verbose {
			break
		}
		place := reject.File
		if reject.Line > 0 {
			place += ":" + strconv.FormatInt(reject.Line, 10)
		}
		if reject.Offset >= 0 {
			place += fmt.Sprintf(" (byte %d)", reject.Offset)
		}
		fmt.Fprintf(b, "%s %s: %s\n", s.paint(red, "rejected:"), escape.Terminal(place), escape.Terminal(reject.Reason))
	}
	shown := int64(len(r.Rejected))
	if !verbose {
		shown = min(shown, shownRejects)
	}
	if more := r.Records.Rejected - shown; more > 0 {
		fmt.Fprintf(b, "  + %s more rejected\n", template.Grouped(more))
	}
}
