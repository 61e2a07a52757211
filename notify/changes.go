package notify

import (
	"fmt"
	"slices"
	"strings"

	"detect/engine"
	"detect/notify/escape"
	"detect/rules/hit"
)

// changes says what became of the alert since the channel was last told, a line for each step. Growth on growth is one step.
func changes(m *Message) []string {
	if m.Sent == 0 {
		return nil
	}
	var lines []string
	for i := 0; i < len(m.Changes); {
		c := &m.Changes[i]
		steps := parseNote(c.Note)
		next := i + 1
		for c.Reason == engine.Grew && next < len(m.Changes) && m.Changes[next].Reason == engine.Grew {
			more := parseNote(m.Changes[next].Note)
			if !steps.join(more) {
				break
			}
			next++
		}
		if line := sentence(m.Alert, c, steps.String()); line != "" {
			lines = append(lines, escape.Cut(line, shownLine))
		}
		i = next
	}
	if left := len(lines) - shownChanges; left > 0 {
		lines = append([]string{counted(int64(left+1), "earlier change")}, lines[left+1:]...)
	}
	return lines
}

// sentence says what one revision did; what is the change in numbers, which may be empty. Nothing is said of a revision
// that changed nothing to be seen.
func sentence(a *engine.Alert, c *Change, what string) string {
	with := func(text string) string {
		if what == "" {
			return text
		}
		return text + ": " + what
	}
	either := func(text string) string {
		if what == "" {
			return text
		}
		return what
	}
	switch c.Reason {
	case engine.Opened:
		return with("opened")
	case engine.Grew:
		return either("more records belong to it")
	case engine.Shrank:
		return with("fewer records belong to it")
	case engine.Changed:
		return either("what it shows has changed")
	case engine.MergedIn:
		return with("merged: another alert is one with this now")
	case engine.MergedAway:
		return "merged: it is part of " + short(a.Into) + " now"
	case engine.Gone:
		return with("withdrawn: with what arrived since, the rule does not hold any more")
	case engine.Revived:
		return with("it stands again")
	case engine.Moved:
		if c.Status.Standing() {
			return with("moved: it replaces " + short(a.From))
		}
		return "moved: " + short(a.Into) + " replaces it"
	case engine.Finished:
		return ""
	default:
		return what
	}
}

// steps is a revision's note: what went from where to where, and what else is said.
type steps struct {
	pairs []step
	rest  []string
}

// step is one number or word that changed.
type step struct{ kind, from, to string }

// parseNote takes a note apart: "12 -> 31 records, 8 min -> 31 min, medium -> high, arrived late".
func parseNote(note string) steps {
	var s steps
	if note == "" {
		return s
	}
	for _, part := range strings.Split(note, ", ") {
		from, to, ok := strings.Cut(part, " -> ")
		if !ok {
			s.rest = append(s.rest, part)
			continue
		}
		p := step{"span", from, to}
		if _, isLevel := hit.ParseSeverity(to); isLevel {
			p.kind = "severity"
		} else if strings.HasSuffix(to, " record") || strings.HasSuffix(to, " records") {
			p.kind = "records"
		}
		s.pairs = append(s.pairs, p)
	}
	return s
}

// join makes s the way through both, and says whether they fit together.
func (s *steps) join(next steps) bool {
	for _, p := range next.pairs {
		if i := slices.IndexFunc(s.pairs, func(q step) bool { return q.kind == p.kind }); i >= 0 && bare(s.pairs[i].to) != bare(p.from) {
			return false
		}
	}
	for _, p := range next.pairs {
		if i := slices.IndexFunc(s.pairs, func(q step) bool { return q.kind == p.kind }); i >= 0 {
			s.pairs[i].to = p.to
		} else {
			s.pairs = append(s.pairs, p)
		}
	}
	for _, r := range next.rest {
		if !slices.Contains(s.rest, r) {
			s.rest = append(s.rest, r)
		}
	}
	return true
}

// bare is a number of records without the word.
func bare(s string) string { return strings.TrimSuffix(strings.TrimSuffix(s, "s"), " record") }

func (s steps) String() string {
	var parts []string
	for _, p := range s.pairs {
		text := p.from + " → " + p.to
		switch p.kind {
		case "severity":
			text = "severity " + text
		case "span":
			text = "lasting " + text
		}
		parts = append(parts, text)
	}
	return strings.Join(append(parts, s.rest...), ", ")
}

// state is what became of an alert, in a few words; empty for one that is news.
func state(a *engine.Alert) string {
	switch a.Status {
	case engine.Merged:
		return "merged into " + short(a.Into)
	case engine.Withdrawn:
		if a.Into != "" {
			return "moved to " + short(a.Into)
		}
		return "withdrawn"
	case engine.Acknowledged, engine.Closed:
		return a.Status.String()
	}
	if a.From != "" {
		return "replaces " + short(a.From)
	}
	return ""
}

// marks are what must be known to read the alert rightly.
func marks(m *Message) []string {
	var list []string
	add := func(on bool, format string, args ...any) {
		if on {
			list = append(list, escape.Cut(fmt.Sprintf(format, args...), shownLine))
		}
	}
	a := m.Alert
	add(a.Approximate, "approximate: there was more than can be counted exactly; the numbers are at least what is shown")
	add(a.Late, "late: the record that raised it arrived after its time had been decided")
	add(a.Staged, "staged: its rule is being tried out")
	add(m.Rule == nil && a.Rule != "", "its rule is not loaded any more")
	add(m.Abridged, "abridged: this revision is an old one, and its values, records and commands are not kept")
	if m.ViaReason != "" {
		add(m.Via != "", "sent here in place of %s: %s", m.Via, m.ViaReason)
	} else {
		add(m.Via != "", "sent here in place of %s", m.Via)
	}
	return list
}
