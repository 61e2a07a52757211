package expr

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
	"time"

	celast "github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
)

// validate finds what is of the right type and must fail all the same, or can never hold.
func (b *Builder) validate(pos *positions, a *celast.AST) []Issue {
	var out []Issue
	add := func(e celast.Expr, message, hint string) {
		i := Issue{Message: message, Hint: hint}
		i.Offset, i.End = pos.extent(e)
		out = append(out, i)
	}
	celast.PreOrderVisit(a.Expr(), celast.NewExprVisitor(func(e celast.Expr) {
		if e.Kind() != celast.CallKind {
			return
		}
		c := e.AsCall()
		args := c.Args()
		switch name := c.FunctionName(); name {
		case operators.Equals, operators.NotEquals:
			for i, arg := range args {
				other := args[1-i]
				if isNull(arg) && !isNull(other) && !mayBeNull(a, other) {
					message, hint := nullWords(pos, other)
					add(e, message, hint)
				}
			}
		case "duration", "timestamp":
			if text, ok := b.constantText(args[0]); ok {
				if message, hint := timeFault(name, text); message != "" {
					add(e, message, hint)
				}
			}
		case "lists.range":
			if n, ok := b.number(args[0]); !ok || n > maxRange {
				add(args[0], "lists.range takes a constant", fmt.Sprintf("at most %d", maxRange))
			}
		case "matches":
			pattern := args[len(args)-1]
			if text, ok := b.constantText(pattern); ok {
				if message := patternFault(text); message != "" {
					add(pattern, message, "")
				}
			}
		case "regex.extract", "regex.extractAll", "regex.replace":
			if text, ok := b.constantText(args[1]); ok {
				if message := patternFault(text); message != "" {
					add(args[1], message, "")
				} else if re, err := regexp.Compile(text); err == nil && name != "regex.replace" && re.NumSubexp() > 1 {
					add(args[1], fmt.Sprintf("%s takes a pattern with at most one group", name), "write (?:…) for groups that are not extracted")
				}
			}
		}
	}))
	return out
}

// maxRange is the longest list that lists.range may make: a record must not tell how long.
const maxRange = 10_000

func isNull(e celast.Expr) bool {
	return e.Kind() == celast.LiteralKind && e.AsLiteral() == types.NullValue
}

func mayBeNull(a *celast.AST, e celast.Expr) bool { return a.GetType(e.ID()).Kind() == types.DynKind }

// constantText is a text that does not depend on the record.
func (b *Builder) constantText(e celast.Expr) (string, bool) {
	switch e.Kind() {
	case celast.LiteralKind:
		s, ok := e.AsLiteral().(types.String)
		return string(s), ok
	case celast.SelectKind:
		s, ok := b.names.param(e.AsSelect()).(types.String)
		return string(s), ok
	}
	return "", false
}

var days = regexp.MustCompile(`^([0-9]+)(d|w)$`)

// timeFault says why a text is no duration or time; "" if it is one.
func timeFault(name, text string) (string, string) {
	if name == "timestamp" {
		if _, err := time.Parse(time.RFC3339Nano, text); err != nil {
			return fmt.Sprintf("%q is no time", text), "write it as 2026-01-31T12:00:00Z"
		}
		return "", ""
	}
	if _, err := time.ParseDuration(text); err == nil {
		return "", ""
	}
	hint := "write it as 90s, 10m or 24h"
	if m := days.FindStringSubmatch(text); m != nil {
		n, err := time.ParseDuration(m[1] + "h")
		if hours := int64(n.Hours()); err == nil && hours < 100_000 {
			if m[2] == "w" {
				hours *= 7
			}
			hint = fmt.Sprintf("a duration in an expression knows h, m and s: write '%dh'", 24*hours)
		}
	}
	return fmt.Sprintf("%q is no duration", text), hint
}

// patternFault says why a text is no regular expression; "" if it is one.
func patternFault(text string) string {
	_, err := regexp.Compile(text)
	if err == nil {
		return ""
	}
	var e *syntax.Error
	if errors.As(err, &e) {
		return fmt.Sprintf("%q is no regular expression: %s: %s", text, strings.TrimPrefix(e.Code.String(), "error parsing regexp: "), e.Expr)
	}
	return fmt.Sprintf("%q is no regular expression: %v", text, err)
}
