package rules

import (
	"fmt"
	"strings"
	"time"

	"detect/rules/document"
)

// Defaults of an alert's times, in microseconds.
const (
	defaultQuiet   = int64(time.Hour / time.Microsecond)
	defaultLongest = 7 * 24 * int64(time.Hour/time.Microsecond)
)

// timing reads what makes the rule's kind, and its times.
func (rd reader) timing() {
	s := rd.s
	s.having, s.neighbours = rd.m.Get("having"), rd.m.Get("neighbours")
	withinValue := rd.m.Get("within")
	within, ok := rd.Duration(withinValue, "within")
	if ok && within <= 0 {
		rd.Add(withinValue, 0, "within must be longer than nothing", "")
	}
	s.within = within
	havingKey, neighboursKey := rd.m.Entry("having").Key, rd.m.Entry("neighbours").Key
	switch {
	case s.having.Exists() && s.neighbours.Exists():
		rd.Add(neighboursKey, 0, "a rule is of one kind: it has having (a window) or neighbours, not both", "")
		s.kind = Neighbours
	case s.having.Exists():
		s.kind = Window
	case s.neighbours.Exists():
		s.kind = Neighbours
	case withinValue.Exists() && !s.later:
		rd.Add(rd.m.Entry("within").Key, 0, "within is of windows and neighbours, and this rule has neither",
			"say with having when the window fires, such as `having: count >= 10`")
	}
	if !withinValue.Exists() && !s.later {
		switch s.kind {
		case Window:
			rd.Add(havingKey, 0, "having needs within: how long the window is", "")
		case Neighbours:
			rd.Add(neighboursKey, 0, "neighbours needs within: the greatest gap that is compared", "")
		}
	}
	rd.gaps()
}

// gaps reads quiet and longest.
func (rd reader) gaps() {
	s := rd.s
	s.quiet = max(s.within, defaultQuiet)
	if v := rd.m.Get("quiet"); v.Exists() {
		if q, ok := rd.Duration(v, "quiet"); ok {
			s.quiet = q
			if q < s.within {
				rd.Add(v, 0, "quiet is less than within: an alert could end while its window is still open", "leave it out, or make it at least within")
				s.quiet = s.within
			}
		}
	}
	s.longest = max(defaultLongest, s.quiet)
	if v := rd.m.Get("longest"); v.Exists() {
		if l, ok := rd.Duration(v, "longest"); ok {
			if l <= 0 {
				rd.Add(v, 0, "longest must be longer than nothing", "")
			}
			s.longest = l
		}
	}
}

func (rd reader) alert() {
	v := rd.m.Get("alert")
	if !v.Exists() {
		return
	}
	m, ok := rd.Mapping(v, document.Keys{What: "alert", Known: []string{"title", "respond"}})
	if !ok {
		return
	}
	if t := m.Get("title"); t.Exists() {
		if _, ok := rd.Line(t, "the alert's title"); ok {
			rd.s.alertTitle = t
		}
	}
	if t := m.Get("respond"); t.Exists() {
		if _, ok := rd.Text(t, "the alert's respond"); ok {
			rd.s.respond = t
		}
	}
}

// readExceptions reads a list of exceptions.
func readExceptions(r *document.Report, v document.Value) []exception {
	if !v.Exists() {
		return nil
	}
	if !v.IsList() {
		r.Addf(v, "except must be a list of exceptions, and this is %s", v.What())
		return nil
	}
	var es []exception
	names := map[string]bool{}
	for _, item := range v.Items() {
		e, ok := readException(r, item)
		if !ok {
			continue
		}
		if names[e.Name] {
			r.Addf(item, "two exceptions are called %q", e.Name)
			continue
		}
		names[e.Name] = true
		es = append(es, e)
	}
	return es
}

func readException(r *document.Report, v document.Value) (exception, bool) {
	m, ok := r.Mapping(v, document.Keys{What: "an exception", Known: []string{"name", "when", "reason", "owner", "expires"}})
	if !ok || !r.Require(m, "an exception", "name", "when", "reason", "owner") {
		return exception{}, false
	}
	e := exception{when: m.Get("when")}
	var okName, okReason, okOwner bool
	e.Name, okName = r.Line(m.Get("name"), "the exception's name")
	e.Reason, okReason = r.Text(m.Get("reason"), "the exception's reason")
	e.Owner, okOwner = r.Line(m.Get("owner"), "the exception's owner")
	e.Line, _ = v.Place(0)
	e.File = v.File()
	if x := m.Get("expires"); x.Exists() {
		day, err := time.Parse(time.DateOnly, x.Scalar())
		if err != nil {
			r.Add(x, 0, "expires must be a day, such as 2027-06-30", "")
			return e, false
		}
		e.Until = day.AddDate(0, 0, 1).UnixMicro() // the end of that day
		e.Expires = x.Scalar()
	}
	return e, okName && okReason && okOwner
}

// expression is the text of an expression. ok is false if there is none, or if its YAML is at fault.
func expression(r *document.Report, v document.Value, what string) (src string, ok bool) {
	switch {
	case !v.Exists() || r.Broken(v):
		return "", false
	case v.IsNull() || v.IsText() && onlyComments(v.Scalar()):
		r.Add(v, 0, what+" is empty", "write the expression, or leave the key out")
		return "", false
	case !v.IsScalar():
		hint := ""
		if v.InBraces() {
			hint = "an expression that begins with [ or { must be quoted"
		}
		r.Add(v, 0, fmt.Sprintf("%s must be an expression, and this is %s", what, v.What()), hint)
		return "", false
	}
	return v.Scalar(), true
}

// onlyComments says whether an expression has nothing but CEL's comments.
func onlyComments(src string) bool {
	for line := range strings.Lines(src) {
		if !blank(line) && !strings.HasPrefix(strings.TrimSpace(line), "//") {
			return false
		}
	}
	return true
}

func blank(s string) bool { return strings.TrimSpace(s) == "" }
