package rules

import (
	"fmt"
	"strings"
	"time"

	"detect/rules/document"
	"detect/rules/hit"
)

// TestStart is when the clock of every test starts, in microseconds: a Monday morning.
var TestStart = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC).UnixMicro()

// readExpected reads the complete list of a test's alerts.
func readExpected(r *document.Report, v document.Value) []Expected {
	if !v.IsList() {
		r.Add(v, 0, fmt.Sprintf("alerts must be a list, and this is %s", v.What()), "write [] for none")
		return nil
	}
	keys := document.Keys{What: "an expected alert", Known: []string{"by", "count", "severity", "title", "respond", "risk",
		"first", "last", "values", "approximate", "late"}}
	es := []Expected{}
	for _, item := range v.Items() {
		m, ok := r.Mapping(item, keys)
		if !ok {
			continue
		}
		var e Expected
		e.By = readBy(r, m.Get("by"))
		if n, ok := r.Int(m.Get("count"), "count", 0, 1<<40); ok {
			e.Count = &n
		}
		if n, ok := r.Int(m.Get("risk"), "risk", 0, 100); ok {
			e.Risk = &n
		}
		if v := m.Get("severity"); v.Exists() {
			if s, ok := hit.ParseSeverity(v.Scalar()); ok {
				e.Severity = &s
			} else {
				r.Addf(v, "%q is no severity: %s", v.Scalar(), strings.Join(hit.SeverityNames[:], ", "))
			}
		}
		if s, ok := r.Line(m.Get("title"), "the title"); ok {
			e.Title = &s
		}
		if v := m.Get("respond"); v.IsScalar() {
			s := strings.TrimRight(v.Scalar(), "\n")
			e.Respond = &s
		}
		e.First, e.Last = readMoment(r, m.Get("first"), "first"), readMoment(r, m.Get("last"), "last")
		e.Values = readValues(r, m.Get("values"))
		e.Approximate, e.Late = readFlag(r, m.Get("approximate"), "approximate"), readFlag(r, m.Get("late"), "late")
		es = append(es, e)
	}
	return es
}

func readBy(r *document.Report, v document.Value) map[string]string {
	if !v.Exists() {
		return nil
	}
	m, ok := r.Mapping(v, document.Keys{What: "by"})
	if !ok {
		return nil
	}
	by := map[string]string{}
	for _, e := range m.Entries() {
		if !e.Value.IsScalar() || e.Value.IsNull() {
			r.Addf(e.Value, "a part of by must be text, and this is %s", e.Value.What())
			continue
		}
		by[e.Key.Scalar()] = e.Value.Scalar()
	}
	return by
}

// readValues reads the values of captures: a list of texts or of numbers, or one alone.
func readValues(r *document.Report, v document.Value) map[string][]string {
	if !v.Exists() {
		return nil
	}
	m, ok := r.Mapping(v, document.Keys{What: "values"})
	if !ok {
		return nil
	}
	values := map[string][]string{}
	for _, e := range m.Entries() {
		items := e.Value.Items()
		if e.Value.IsScalar() {
			items = []document.Value{e.Value}
		}
		list := []string{}
		for _, item := range items {
			if !item.IsScalar() {
				r.Addf(item, "a value must be text, and this is %s", item.What())
				continue
			}
			list = append(list, item.Scalar())
		}
		values[e.Key.Scalar()] = list
	}
	return values
}

// readMoment reads a duration from the test's start, or a time.
func readMoment(r *document.Report, v document.Value, what string) *int64 {
	if !v.Exists() {
		return nil
	}
	if us, ok := document.ParseDuration(v.Scalar()); ok {
		return &us
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", time.DateOnly} {
		if t, err := time.Parse(layout, v.Scalar()); err == nil {
			us := t.UnixMicro() - TestStart
			return &us
		}
	}
	r.Addf(v, "%s must be a duration from the test's start, such as 9m, or a time", what)
	return nil
}

func readFlag(r *document.Report, v document.Value, what string) *bool {
	if !v.Exists() {
		return nil
	}
	var b bool
	if !v.Is("!!bool") || v.Decode(&b) != nil {
		r.Addf(v, "%s must be true or false", what)
		return nil
	}
	return &b
}
