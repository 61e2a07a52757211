package rules

import (
	"fmt"
	"strings"
	"time"

	"detect/rules/template"
)

// Source is the rule's document as it stands in its file, without overrides.
func (r *Rule) Source() string { return strings.Trim(r.recipe.at.Text(), "\n") + "\n" }

// Fires says in words when the rule fires.
func (r *Rule) Fires() string {
	span := template.Duration(time.Duration(r.Within) * time.Microsecond)
	switch r.Kind {
	case Window:
		when := "at once"
		if !r.Rising {
			when = "when the absence clock has passed the window"
		}
		s := fmt.Sprintf("window of %s, decided %s", span, when)
		if r.Why != "" {
			s += " (" + r.Why + ")"
		}
		return s
	case Neighbours:
		return "two neighbouring hits at most " + span + " apart"
	default:
		return "every hit"
	}
}

// Entity says what an alert is about.
func (r *Rule) Entity() string {
	if len(r.By) == 0 {
		return "the whole tenant"
	}
	return strings.Join(r.By, ", ")
}

// Captured is the captures with their types.
func (r *Rule) Captured() string {
	if len(r.Captures) == 0 {
		return "nothing"
	}
	parts := make([]string, len(r.Captures))
	for i, c := range r.Captures {
		parts[i] = c.Name + " (" + c.Kind.String() + ")"
	}
	return strings.Join(parts, ", ")
}

// Summary is what checking a rule tells of it, in lines without a break at the end.
func (r *Rule) Summary() string {
	lines := []string{
		fmt.Sprintf("%s: %s, %s", r.ID, r.Kind, r.Status),
		"  fires: " + r.Fires(),
		"  about: " + r.Entity(),
		"  captures: " + r.Captured(),
	}
	if r.Quiet != defaultQuiet || r.Longest != defaultLongest {
		lines = append(lines, fmt.Sprintf("  an alert ends after %s of quiet and lasts %s at most",
			template.Duration(time.Duration(r.Quiet)*time.Microsecond), template.Duration(time.Duration(r.Longest)*time.Microsecond)))
	}
	for _, e := range r.Exceptions {
		until := ""
		if e.Expires != "" {
			until = " until " + e.Expires
		}
		lines = append(lines, fmt.Sprintf("  exception %s%s: %s (%s)", e.Name, until, e.Reason, e.Owner))
	}
	return strings.Join(lines, "\n")
}
