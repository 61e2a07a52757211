package ruletest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"detect/engine"
	"detect/rules"
	"detect/rules/hit"
	"detect/rules/template"
)

// difference says what of the alerts is not as expected; empty if all is. The lists are in the order of `first`.
func difference(want []rules.Expected, got []*engine.Alert) string {
	if len(want) != len(got) {
		return fmt.Sprintf("expected %s, and there are %s:\n%s", alerts(len(want)), alerts(len(got)), describeAll(got))
	}
	var lines []string
	for i, w := range want {
		if d := differences(w, got[i]); len(d) > 0 {
			lines = append(lines, fmt.Sprintf("alert %d: %s", i+1, strings.Join(d, "; ")))
		}
	}
	if len(lines) == 0 {
		return ""
	}
	return strings.Join(lines, "\n") + "\nthe alerts are:\n" + describeAll(got)
}

func alerts(n int) string {
	switch n {
	case 0:
		return "no alert"
	case 1:
		return "1 alert"
	}
	return fmt.Sprintf("%d alerts", n)
}

// differences compares what the test names.
func differences(w rules.Expected, a *engine.Alert) (ds []string) {
	note := func(what string, want, got any) {
		ds = append(ds, fmt.Sprintf("%s is %v, expected %v", what, got, want))
	}
	by := entity(a)
	for _, name := range slices.Sorted(maps.Keys(w.By)) {
		switch got, ok := by[name]; {
		case !ok:
			ds = append(ds, fmt.Sprintf("the rule has no %s in by", name))
		case got != w.By[name]:
			note(name, w.By[name], got)
		}
	}
	compare(note, "count", w.Count, a.Count)
	compare(note, "severity", w.Severity, a.Severity)
	compare(note, "title", w.Title, a.Title)
	compare(note, "respond", w.Respond, a.Respond)
	compare(note, "risk", w.Risk, int64(a.Risk))
	compare(note, "approximate", w.Approximate, a.Approximate)
	compare(note, "late", w.Late, a.Late)
	if w.First != nil && *w.First != a.First-rules.TestStart {
		note("first", since(*w.First+rules.TestStart), since(a.First))
	}
	if w.Last != nil && *w.Last != a.Last-rules.TestStart {
		note("last", since(*w.Last+rules.TestStart), since(a.Last))
	}
	for _, name := range slices.Sorted(maps.Keys(w.Values)) {
		want := slices.Sorted(slices.Values(w.Values[name]))
		i := slices.IndexFunc(a.Values, func(v engine.Values) bool { return v.Name == name })
		if i < 0 {
			ds = append(ds, fmt.Sprintf("the rule captures no %s", name))
		} else if !slices.Equal(want, a.Values[i].Values) {
			note(name, list(want), list(a.Values[i].Values))
		}
	}
	return ds
}

func compare[T comparable](note func(string, any, any), what string, want *T, got T) {
	if want != nil && *want != got {
		note(what, *want, got)
	}
}

// entity is the alert's entity by the names of its parts.
func entity(a *engine.Alert) map[string]string {
	by := map[string]string{}
	for i, v := range hit.DecodeKey(a.Key) {
		if i < len(a.By) {
			by[a.By[i]] = v
		}
	}
	return by
}

func list(l []string) string {
	const most = 8
	if len(l) <= most {
		return "[" + strings.Join(l, ", ") + "]"
	}
	return fmt.Sprintf("[%s and %d more]", strings.Join(l[:most], ", "), len(l)-most)
}

// since is a time as tests write it: from the test's start.
func since(us int64) string {
	return (time.Duration(us-rules.TestStart) * time.Microsecond).String()
}

// describeAll is all that two runs must agree in, of each alert a line.
func describeAll(as []*engine.Alert) string {
	if len(as) == 0 {
		return "  none"
	}
	lines := make([]string, len(as))
	for i, a := range as {
		lines[i] = "  " + describe(a)
	}
	return strings.Join(lines, "\n")
}

func describe(a *engine.Alert) string {
	var b strings.Builder
	parts := hit.DecodeKey(a.Key)
	for i, name := range a.By {
		if i < len(parts) {
			fmt.Fprintf(&b, "%s=%s ", name, parts[i])
		}
	}
	fmt.Fprintf(&b, "%s, count %d, from %s to %s, %q", a.Severity, a.Count, since(a.First), since(a.Last), template.Title(a.Title))
	for _, v := range a.Values {
		fmt.Fprintf(&b, ", %s %s", v.Name, list(v.Values))
	}
	if a.Approximate {
		b.WriteString(", approximate")
	}
	if a.Late {
		b.WriteString(", late")
	}
	return b.String()
}
