package engine

import (
	"fmt"
	"slices"
	"strings"

	"detect/rules"
	"detect/rules/hit"
)

// show writes into a what an alert of rule r shows: v, and the ids of the records. An evaluation error leaves what the
// rule could still say.
func show(r *rules.Rule, a *Alert, v *hit.View, records []string) error {
	d, err := r.Describe(v)
	a.Title, a.Severity, a.Respond, a.Risk = d.Title, d.Severity, d.Respond, d.Risk
	a.First, a.Last, a.Count, a.Approximate = v.First, v.Last, v.Count, v.Approximate
	a.Records = slices.Clip(records)
	a.Values = make([]Values, len(v.Columns))
	for i, c := range v.Columns {
		texts := make([]string, len(c.Counts))
		for j, n := range c.Counts {
			texts[j] = n.Value.String()
		}
		slices.Sort(texts)
		a.Values[i] = Values{Name: r.Captures[i].Name, Values: slices.Compact(texts)}
	}
	return err
}

// raise is an alert of rule r with all that doesn't depend on its marks.
func raise(r *rules.Rule, key string) *Alert {
	a := &Alert{Rule: r.ID, Version: r.Version, Key: key, By: r.By, Risk: r.Risk, Staged: r.Status == rules.Staged}
	for _, t := range r.Attack {
		a.Attack = append(a.Attack, t.ID)
		if !slices.Contains(a.Tactics, t.Tactic) {
			a.Tactics = append(a.Tactics, t.Tactic)
		}
	}
	return a
}

// SameContent says whether two revisions show the same: all but status, revision and what they are called.
func SameContent(a, b *Alert) bool {
	return a.Rule == b.Rule && a.Key == b.Key && a.First == b.First && a.Last == b.Last && a.Count == b.Count &&
		a.Severity == b.Severity && a.Title == b.Title && a.Respond == b.Respond && a.Approximate == b.Approximate &&
		a.Late == b.Late && slices.Equal(a.Records, b.Records) &&
		slices.EqualFunc(a.Values, b.Values, func(x, y Values) bool {
			return x.Name == y.Name && slices.Equal(x.Values, y.Values)
		})
}

// CompareAlerts orders alerts by their first mark, then rule, then key, then id.
func CompareAlerts(a, b *Alert) int {
	switch {
	case a.First != b.First:
		if a.First < b.First {
			return -1
		}
		return 1
	case a.Rule != b.Rule:
		return strings.Compare(a.Rule, b.Rule)
	case a.Key != b.Key:
		return strings.Compare(a.Key, b.Key)
	default:
		return strings.Compare(a.ID, b.ID)
	}
}

// note says in numbers what changed between two revisions of an alert.
func note(was, is *Alert) string {
	var parts []string
	if was.Count != is.Count {
		parts = append(parts, fmt.Sprintf("%d -> %s", was.Count, records(is.Count)))
	}
	if a, b := span(was), span(is); a != b {
		parts = append(parts, fmt.Sprintf("%s -> %s", a, b))
	}
	if d := (is.First - was.First) / second; d != 0 && len(parts) == 0 {
		if d < 0 {
			parts = append(parts, seconds(-d)+" earlier")
		} else {
			parts = append(parts, seconds(d)+" later")
		}
	}
	if was.Severity != is.Severity {
		parts = append(parts, fmt.Sprintf("%s -> %s", was.Severity, is.Severity))
	}
	return strings.Join(parts, ", ")
}

func records(n int64) string {
	if n == 1 {
		return "1 record"
	}
	return fmt.Sprintf("%d records", n)
}

// span is how long an alert lasts.
func span(a *Alert) string { return seconds((a.Last - a.First) / second) }

// seconds is a length of time in its greatest unit.
func seconds(s int64) string {
	switch {
	case s < 120:
		return fmt.Sprintf("%d s", s)
	case s < 2*3600:
		return fmt.Sprintf("%d min", s/60)
	case s < 2*86400:
		return fmt.Sprintf("%d h", s/3600)
	default:
		return fmt.Sprintf("%d d", s/86400)
	}
}
