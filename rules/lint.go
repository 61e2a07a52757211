package rules

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"detect/rules/document"
	"detect/rules/template"
)

// Warning is something in a rule that loads and runs, and that its author may not have meant.
type Warning struct {
	Fault
	Info bool // it is worth knowing, and nothing to change
}

// Lint looks for what a careful reader would ask about. now is when it looks, for exceptions that have expired; it is
// the caller's clock.
func Lint(s *Set, now time.Time) []Warning {
	var ws []Warning
	for _, r := range slices.Concat(s.Rules, s.Disabled) {
		l := linter{s: r.recipe, r: r, report: &document.Report{Rule: r.ID}}
		l.texts()
		l.unused()
		l.comparisons()
		l.scope()
		l.expired(now)
		l.coverage()
		warnings := l.report.Faults
		l.report.Faults = nil
		l.nature()
		l.untold()
		for _, f := range warnings {
			ws = append(ws, Warning{Fault: f})
		}
		for _, f := range l.report.Faults {
			ws = append(ws, Warning{Fault: f, Info: true})
		}
	}
	slices.SortStableFunc(ws, func(a, b Warning) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
	return ws
}

type linter struct {
	s      *spec
	r      *Rule
	report *document.Report
}

func (l linter) texts() {
	missing := func(what, why string) {
		l.report.Add(l.s.at, 0, "the rule has no "+what, why)
	}
	if l.s.description == "" {
		missing("description", "say what an analyst should understand and check first")
	}
	if len(l.s.attack) == 0 {
		missing("attack", "name the ATT&CK technique, such as T1114.003")
	}
	if len(l.s.falsePos) == 0 {
		missing("false_positives", "say what harmless activity looks the same")
	}
}

// coverage asks for a test that fires and for one that does not.
func (l linter) coverage() {
	if len(l.s.tests) == 0 {
		l.report.Add(l.s.at, 0, "the rule has no tests", "write one that fires and a near miss that does not")
		return
	}
	fires := slices.ContainsFunc(l.s.tests, func(t Test) bool { return len(t.Alerts) > 0 })
	quiet := slices.ContainsFunc(l.s.tests, func(t Test) bool { return len(t.Alerts) == 0 })
	if !fires {
		l.report.Add(l.s.at, 0, "no test of the rule expects an alert", "")
	}
	if !quiet {
		l.report.Add(l.s.at, 0, "no test of the rule is a near miss, which expects no alert", "")
	}
}

// expressions is every expression of the rule with its place, templates as a whole.
func (l linter) expressions() []document.Value {
	s := l.s
	var vs []document.Value
	for _, n := range slices.Concat(s.let, s.capture) {
		vs = append(vs, n.value)
	}
	for _, e := range s.except {
		vs = append(vs, e.when)
	}
	vs = append(vs, s.match, s.having, s.neighbours, s.severity, s.alertTitle, s.respond)
	return slices.DeleteFunc(vs, func(v document.Value) bool { return !v.Exists() })
}

// mask is an expression with its texts and comments blanked but for their quotes, byte for byte in place.
func mask(src string) string {
	b := []byte(src)
	for i := 0; i < len(src); {
		n := 1
		switch {
		case src[i] == '\'' || src[i] == '"':
			if q, ok := template.Quoted(src, i); ok {
				for k := i + 1; k < i+q-1; k++ {
					b[k] = ' '
				}
				n = q
			}
		case strings.HasPrefix(src[i:], "//"):
			for n = 0; i+n < len(src) && src[i+n] != '\n'; n++ {
				b[i+n] = ' '
			}
		}
		i += n
	}
	return string(b)
}

// unused finds params and lets that nothing names.
func (l linter) unused() {
	for _, p := range l.s.params {
		if !l.uses(`params\.` + p.name) {
			l.report.Addf(p.key, "the param %q is not used", p.name)
		}
	}
	for _, p := range l.s.let {
		if !l.uses(p.name) {
			l.report.Addf(p.key, "let %q is not used", p.name)
		}
	}
}

// untold finds captures that nothing names: they are seen among the alert's values only.
func (l linter) untold() {
	for _, p := range l.s.capture {
		if !l.uses(p.name) && !slices.Contains(l.s.by, p.name) && l.s.alertTitle.Exists() {
			l.report.Add(p.key, 0, fmt.Sprintf("the capture %q is not used", p.name), "name it in the alert's title, or leave it out; the alert shows it among its values either way")
		}
	}
}

// uses says whether any expression names what the pattern matches.
func (l linter) uses(name string) bool {
	var all strings.Builder
	for _, v := range l.expressions() {
		if v == l.s.alertTitle || v == l.s.respond {
			parts, _ := template.Parse(v.Scalar())
			for _, p := range parts {
				if p.Expr {
					all.WriteString(mask(p.Text) + "\n")
				}
			}
			continue
		}
		all.WriteString(mask(v.Scalar()) + "\n")
	}
	text := all.String()
	found, _ := regexp.MatchString(`(^|[^A-Za-z0-9_.])(params\.|prev\.|cur\.)?`+name+`($|[^A-Za-z0-9_])`, text)
	return found
}

var (
	compared = regexp.MustCompile(`\b(record\.[A-Za-z]+|record\.(?:param|ext|property|device)\('[^']*'\)|actor\.[a-z]+)\s*(==|!=)\s*(['"])`)
	lowered  = map[string]bool{"actor.user": true}
	// exact are fields whose letter case is always the same: identifiers that Microsoft's own services write.
	exact = map[string]bool{"record.Workload": true, "actor.country": true, "actor.ip": true, "record.ErrorNumber": true}
)

// comparisons finds texts compared as written.
func (l linter) comparisons() {
	for _, v := range l.expressions() {
		src := v.Scalar()
		masked := mask(src)
		for _, m := range compared.FindAllStringSubmatchIndex(masked, -1) {
			field, op, quote := src[m[2]:m[3]], src[m[4]:m[5]], m[6]
			n, ok := template.Quoted(src, quote)
			if !ok {
				continue
			}
			literal := src[quote+1 : quote+n-1]
			folded := strings.ToLower(literal)
			switch {
			case lowered[field] && folded != literal:
				l.report.Add(v, m[2], fmt.Sprintf("%s is lower case: it never equals %s", field, src[quote:quote+n]), "write it in lower case")
			case lowered[field] || exact[field] || folded == strings.ToUpper(literal):
			default:
				not := ""
				if op == "!=" {
					not = "!"
				}
				l.report.Add(v, m[2], fmt.Sprintf("%s %s compares letter case, which differs from record to record", field, op),
					fmt.Sprintf("write %s%s.is(%s)", not, field, src[quote:quote+n]))
			}
		}
	}
}

// scope finds rules that look at more than they may mean to.
func (l linter) scope() {
	s := l.s
	if slices.Contains(s.operations, "any") && !s.match.Exists() {
		l.report.Add(s.opPlaces[0], 0, "operations: any without match: every record is a hit", "")
	}
	if !s.byGiven {
		l.report.Add(s.at, 0, "the rule has no by: its alerts are about the whole tenant", "write `by: [user]`, or `by: []` if that is meant")
	}
	if s.longest < s.within {
		l.report.Add(s.at, 0, "longest is less than within: an alert is cut while its window is open", "")
	}
}

func (l linter) expired(now time.Time) {
	for _, e := range l.s.except {
		if e.Until > 0 && e.Until <= now.UnixMicro() {
			l.report.Add(e.when, 0, fmt.Sprintf("the exception %q expired on %s", e.Name, e.Expires), "take it out, or ask "+e.Owner+" whether it is still needed")
		}
	}
}

// nature says what kind of condition the rule has, where that decides when it can fire.
func (l linter) nature() {
	if l.s.kind == Window && !l.r.Rising {
		l.report.Add(l.s.having, 0, "having can go back to false, so it is decided only once the absence clock has passed the window: "+l.r.Why, "")
	}
}
