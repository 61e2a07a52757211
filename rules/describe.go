package rules

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"detect/rules/expr"
	"detect/rules/hit"
	"detect/rules/template"
)

// segment is a compiled part of a template: a text, or a value.
type segment struct {
	text  string
	value func(*hit.View) (any, error)
}

// describer makes an alert's words of what it shows.
type describer struct {
	title, respond []segment
	severity       func(*hit.View) (hit.Severity, error) // nil: constant, or that of the hits
	constant       *hit.Severity
	risk           int // -1: by severity
}

// unknownValue stands in a title for what could not be evaluated.
const unknownValue = "?"

func (d *describer) describe(v *hit.View) (Description, error) {
	var errs []error
	out := Description{Severity: v.Severity}
	switch {
	case d.constant != nil:
		out.Severity = *d.constant
	case d.severity != nil:
		s, err := d.severity(v)
		if err != nil {
			errs = append(errs, fmt.Errorf("evaluate severity: %w", err))
			s = hit.Medium
		}
		out.Severity = s
	}
	if out.Risk = d.risk; out.Risk < 0 && int(out.Severity) < len(risks) {
		out.Risk = risks[out.Severity]
	}
	title, err := d.render(v)
	if err != nil {
		errs = append(errs, fmt.Errorf("evaluate title: %w", err))
	}
	out.Title = title
	if out.Respond, err = d.commands(v); err != nil {
		errs = append(errs, fmt.Errorf("evaluate respond: %w", err))
	}
	return out, errors.Join(errs...)
}

func (d *describer) render(v *hit.View) (string, error) {
	var (
		b     strings.Builder
		first error
	)
	for _, s := range d.title {
		if s.value == nil {
			b.WriteString(s.text)
			continue
		}
		x, err := s.value(v)
		if err != nil {
			first = errors.Join(first, err)
			b.WriteString(unknownValue)
			continue
		}
		b.WriteString(template.Print(x))
	}
	return template.Title(b.String()), first
}

// commands renders the response once for each distinct set of captured values. A line one of whose values is empty or
// cannot be evaluated is left out, and so is a rendering that another one equals.
func (d *describer) commands(v *hit.View) (string, error) {
	if len(d.respond) == 0 {
		return "", nil
	}
	var (
		blocks []string
		first  error
	)
	for _, set := range v.Sets {
		block, err := d.block(expr.OneSet(v, set))
		first = errors.Join(first, err)
		if block != "" && !slices.Contains(blocks, block) {
			blocks = append(blocks, block)
		}
	}
	return strings.Join(blocks, "\n"), first
}

func (d *describer) block(v *hit.View) (string, error) {
	var (
		lines []string
		line  strings.Builder
		drop  bool
		first error
	)
	end := func() {
		if !drop {
			lines = append(lines, strings.TrimRight(line.String(), " \t\r"))
		}
		line.Reset()
		drop = false
	}
	for _, s := range d.respond {
		if s.value != nil {
			x, err := s.value(v)
			text, _ := x.(string)
			first = errors.Join(first, err)
			drop = drop || err != nil || text == ""
			line.WriteString(text)
			continue
		}
		for rest := s.text; ; {
			before, after, more := strings.Cut(rest, "\n")
			line.WriteString(before)
			if !more {
				break
			}
			end()
			rest = after
		}
	}
	end()
	return strings.Trim(strings.Join(lines, "\n"), "\n"), first
}
