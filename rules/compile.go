package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"detect/rules/document"
	"detect/rules/expr"
	"detect/rules/hit"
	"detect/rules/template"
)

// compiler compiles the expressions of one rule.
type compiler struct {
	*document.Report
	s    *spec
	b    *expr.Builder
	rule *Rule

	untyped  bool // a let is at fault: what is made of it has no type, and that is no fault of its own
	nameless bool // a capture's name is at fault: what sees all captures can't be checked
}

// compile makes a rule of what was read. It notes every fault in r; the rule is for use only if there is none.
func (s *spec) compile(w *expr.World, r *document.Report) *Rule {
	line, _ := s.at.Place(0)
	c := compiler{Report: r, s: s, rule: &Rule{
		ID: s.id, File: s.at.File(), Line: line, Title: s.title, Description: s.description,
		AlertTitle: strings.TrimRight(s.alertTitle.Scalar(), "\n"), Severity: strings.TrimSpace(s.severity.Scalar()),
		References: s.references, FalsePositives: s.falsePos, Attack: s.attack, Status: s.status, Operations: s.operations,
		Kind: s.kind, By: s.by, Tests: s.tests, Within: s.within, Quiet: s.quiet, Longest: s.longest, recipe: s,
	}}
	if s.later {
		return c.rule // its expressions belong to a kind that is not there
	}
	var issues []expr.Issue
	c.b, issues = expr.NewBuilder(w, s.constants)
	for _, i := range issues {
		at := s.at
		for _, p := range s.params {
			if p.name == i.Name {
				at = p.key
			}
		}
		r.Add(at, 0, i.Message, i.Hint)
	}
	c.record()
	if c.nameless {
		return c.rule
	}
	c.kind()
	severity, constant := c.severity()
	describe := c.describe(severity, constant)
	c.rule.SumBy = c.b.SumBy()
	c.rule.Version = s.version(c.rule.SumBy)
	c.rule.Describe = describe
	if len(r.Faults) == 0 {
		c.rule.Matching = c.b.Matching(s.operations)
	}
	return c.rule
}

// record compiles what looks at records.
func (c *compiler) record() {
	for _, l := range c.s.let {
		if src, ok := c.expression(l.value, "let "+l.name); ok {
			issues := c.b.Let(l.name, src)
			c.named(l, src, issues)
			c.untyped = c.untyped || len(issues) > 0
		}
	}
	if src, ok := c.expression(c.s.match, "match"); ok {
		c.issues(c.s.match, 0, src, c.b.Match(src))
	}
	for _, n := range c.s.capture {
		capture := Capture{Name: n.name}
		if slices.ContainsFunc(c.s.let, func(l named) bool { return l.name == n.name }) {
			c.Add(n.key, 0, fmt.Sprintf("%q is a let already", n.name), "expressions that see both could not tell which is meant: rename one")
			c.nameless = true
			c.rule.Captures = append(c.rule.Captures, capture)
			continue
		}
		if src, ok := c.expression(n.value, "capture "+n.name); ok {
			kind, issues := c.b.Capture(n.name, src)
			capture.Kind = kind
			c.named(n, src, issues)
			for _, i := range issues {
				c.nameless = c.nameless || i.Name != ""
			}
		}
		c.rule.Captures = append(c.rule.Captures, capture)
	}
	if c.nameless {
		return
	}
	c.by()
	for _, e := range c.s.except {
		if src, ok := c.expression(e.when, "when"); ok {
			c.issues(e.when, 0, src, c.b.Except(src, e.Until))
		}
		c.rule.Exceptions = append(c.rule.Exceptions, e.Exception)
	}
}

func (c *compiler) by() {
	for i, name := range c.s.by {
		for _, issue := range c.b.By(name) {
			if strings.ContainsAny(name, "(,)") {
				issue.Hint = "by holds names of captures and of entities: capture the expression first"
			}
			c.Add(c.s.byPlaces[i], 0, issue.Message, issue.Hint)
		}
	}
}

// kind compiles what makes marks of hits.
func (c *compiler) kind() {
	if src, ok := c.expression(c.s.having, "having"); ok {
		having, issues := c.b.Having(src)
		c.issues(c.s.having, 0, src, issues)
		c.rule.Having, c.rule.Rising, c.rule.Why, c.rule.Thresholds = having.Eval, having.Rising, having.Why, having.Thresholds
		if m := neverEmpty.FindStringIndex(mask(src)); m != nil {
			c.Add(c.s.having, m[0], "a window without hits is never looked at: `count == 0` needs a schedule, which this version does not run", "")
		}
	}
	if src, ok := c.expression(c.s.neighbours, "neighbours"); ok {
		pair, issues := c.b.Neighbours(src)
		c.issues(c.s.neighbours, 0, src, issues)
		c.rule.Pair = pair
	}
}

// neverEmpty finds conditions that only a window without hits fulfils.
var neverEmpty = regexp.MustCompile(`\bcount\s*(==\s*0|<\s*1|<=\s*0)\b`)

// expression is the text of an expression whose YAML is right.
func (c *compiler) expression(v document.Value, what string) (string, bool) {
	src, ok := expression(c.Report, v, what)
	if !ok {
		return "", false
	}
	if i := template.Comment(src); i >= 0 && !v.IsLiteral() {
		c.Add(v, i, "a // comment here eats what follows it", "write the expression as a `|` block, or use a YAML comment (#) after it")
		return "", false
	}
	return src, true
}

// issues notes an expression's issues at their characters; src is the part of v's text from byte base on.
func (c *compiler) issues(v document.Value, base int, src string, issues []expr.Issue) {
	for _, i := range issues {
		if c.untyped && strings.Contains(i.Message, "untyped") {
			continue
		}
		hint := i.Hint
		if v.Comment() && template.Open(src) {
			hint = "` #` began a YAML comment inside the text: quote the whole expression, or write it as a `|` block"
		}
		c.Add(v, base+min(max(i.Offset, 0), len(src)), i.Message, hint)
	}
}

// named notes the issues of a named expression; those of the name itself at the name.
func (c *compiler) named(n named, src string, issues []expr.Issue) {
	for _, i := range issues {
		if i.Name != "" {
			c.Add(n.key, 0, i.Message, i.Hint)
			continue
		}
		c.issues(n.value, 0, src, []expr.Issue{i})
	}
}

// severity compiles the severity. The function is what an alert's is; nil for rules whose hits have theirs. constant is
// whether it is a name.
func (c *compiler) severity() (eval func(*hit.View) (hit.Severity, error), constant *hit.Severity) {
	v := c.s.severity
	src, ok := c.expression(v, "the severity")
	if !ok {
		return nil, nil
	}
	var (
		s      expr.Severity
		issues []expr.Issue
	)
	if c.s.kind == Match {
		s, issues = c.b.HitSeverity(src)
	} else {
		s, issues = c.b.AlertSeverity(src)
	}
	if name := strings.TrimSpace(src); len(issues) > 0 && namePattern.MatchString(name) {
		hint := ""
		if near := document.Nearest(name, hit.SeverityNames[:]); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		c.Add(v, 0, fmt.Sprintf("%q is no severity: they are %s", name, strings.Join(hit.SeverityNames[:], ", ")), hint)
		return nil, nil
	}
	c.issues(v, 0, src, issues)
	if s.Constant {
		return nil, &s.Level
	}
	return s.Eval, nil
}

// Risks by severity, where a rule sets none.
var risks = [...]int{hit.Info: 1, hit.Low: 5, hit.Medium: 20, hit.High: 40, hit.Critical: 70}

// describe compiles the alert's templates. Alert-scope severity that is no constant is eval, if not nil.
func (c *compiler) describe(eval func(*hit.View) (hit.Severity, error), constant *hit.Severity) func(*hit.View) (Description, error) {
	d := &describer{title: c.template(c.s.alertTitle, false), respond: c.template(c.s.respond, true), severity: eval, constant: constant, risk: c.s.risk}
	if !c.s.alertTitle.Exists() {
		d.title = c.defaultTitle()
	}
	c.rule.Risk = c.s.risk
	if c.rule.Risk < 0 {
		c.rule.Risk = risks[hit.Medium]
		if constant != nil {
			c.rule.Risk = risks[*constant]
		}
	}
	return d.describe
}

// defaultTitle is the rule's title with the entity behind it.
func (c *compiler) defaultTitle() []segment {
	segments := []segment{{text: c.s.title}}
	for i, name := range c.s.by {
		sep := ", "
		if i == 0 {
			sep = ": "
		}
		if value, issues := c.b.Alert(name); len(issues) == 0 {
			segments = append(segments, segment{text: sep}, segment{value: value.Eval})
		}
	}
	return segments
}

// template compiles the expressions of a template.
func (c *compiler) template(v document.Value, commands bool) []segment {
	if !v.Exists() {
		return nil
	}
	text := strings.TrimRight(v.Scalar(), "\n")
	parts, err := template.Parse(text)
	if err == nil && commands {
		err = template.Commands(parts)
	}
	if err != nil {
		c.Add(v, err.Offset, err.Message, err.Hint)
		return nil
	}
	var segments []segment
	for _, p := range parts {
		if !p.Expr {
			segments = append(segments, segment{text: p.Text})
			continue
		}
		if i := template.Comment(p.Text); i >= 0 {
			c.Add(v, p.Offset+i, "a // comment inside {{ }} eats what follows it", "leave it out")
			continue
		}
		value, issues := c.b.Alert(p.Text)
		c.issues(v, p.Offset, p.Text, issues)
		if len(issues) == 0 && commands && !value.PS {
			lead := len(p.Text) - len(strings.TrimLeft(p.Text, " \n"))
			c.Add(v, p.Offset+lead, "what stands in {{ }} of respond must be ps(...)", "names in records are an attacker's: ps(...) makes one quoted text of a value")
		}
		segments = append(segments, segment{value: value.Eval})
	}
	return segments
}
