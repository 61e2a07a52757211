package expr

import (
	"fmt"
	"slices"
	"strings"

	celast "github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
)

// overloadWords says why an operator or function does not take what it was given. The types are as cel-go lists them:
// (a, b), or of a method target.(a, b).
func (b *Builder) overloadWords(s *scope, pos *positions, node celast.Expr, fn, applied string) (string, string) {
	c := node.AsCall()
	args := c.Args()
	given := splitTypes(applied)
	if c.IsMemberFunction() && len(given) == len(args)+1 {
		args = append([]celast.Expr{c.Target()}, args...)
	}
	if len(given) != len(args) {
		return fmt.Sprintf("%s can't be used with %s", operatorWord(fn), wordsOf(given)), ""
	}
	switch fn {
	case operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals:
		return compareWords(pos, fn, args, given)
	case operators.LogicalAnd, operators.LogicalOr, operators.LogicalNot:
		return boolWords(pos, args, given)
	case operators.Conditional:
		if given[0] != "bool" {
			return fmt.Sprintf("%s is %s: before ? stands a condition", pos.text(args[0]), celTypeWord(given[0])), ""
		}
		return fmt.Sprintf("both sides of : must be of one type: here are %s", wordsOf(given[1:])), ""
	case operators.Add, operators.Subtract, operators.Multiply, operators.Divide, operators.Modulo:
		return arithmeticWords(pos, fn, args, given)
	case operators.In:
		return inWords(pos, args, given)
	case operators.Index:
		return fmt.Sprintf("%s is %s, which can't be indexed by %s", pos.text(args[0]), celTypeWord(given[0]), celTypeWord(given[1])), ""
	}
	return b.callWords(pos, c, fn, args, given)
}

// splitTypes cuts `a.(b, list(c))` into its types.
func splitTypes(s string) []string {
	var out []string
	if i := strings.Index(s, ".("); i > 0 {
		out, s = append(out, s[:i]), s[i+1:]
	}
	s = strings.TrimSuffix(strings.TrimPrefix(s, "("), ")")
	depth, start := 0, 0
	for i := range len(s) {
		switch s[i] {
		case '(':
			depth++
		case ')':
			depth--
		case ',':
			if depth == 0 {
				out = append(out, strings.TrimSpace(s[start:i]))
				start = i + 1
			}
		}
	}
	if rest := strings.TrimSpace(s[start:]); rest != "" {
		out = append(out, rest)
	}
	return out
}

func wordsOf(given []string) string {
	words := make([]string, len(given))
	for i, g := range given {
		words[i] = celTypeWord(g)
	}
	if len(words) == 0 {
		return "nothing"
	}
	return strings.Join(words, " and ")
}

func operatorWord(fn string) string {
	if op, ok := operators.FindReverse(fn); ok && op != "" {
		return op
	}
	return fn
}

func literal(e celast.Expr) (string, bool) {
	if e.Kind() != celast.LiteralKind {
		return "", false
	}
	return fmt.Sprint(e.AsLiteral().Value()), true
}

func compareWords(pos *positions, fn string, args []celast.Expr, given []string) (string, string) {
	for i := range args {
		x, y, t, u := args[i], args[1-i], given[i], given[1-i]
		lit, isLit := literal(y)
		is := fmt.Sprintf("%s is %s", nameIn(pos, x), celTypeWord(t))
		switch {
		case u == "null" || u == "null_type":
			return nullWords(pos, x)
		case t == "string" && (u == "int" || u == "double" || u == "uint") && isLit:
			return is, fmt.Sprintf("write '%s'", lit)
		case t == "string" && u == "bool" && isLit:
			return is, fmt.Sprintf("write on(%s), which knows True, Enabled, 1 and Yes", pos.text(x))
		case (t == "int" || t == "double") && u == "string" && isLit:
			return is, fmt.Sprintf("write %s without quotes", lit)
		case t == "int" && u == "double":
			if isLit && !strings.Contains(lit, ".") {
				return is, "write " + lit
			}
			return is, fmt.Sprintf("write double(%s): == does not compare int with double", pos.text(x))
		case t == "bool" && u == "string" && isLit:
			return is, fmt.Sprintf("write %s or !%s", pos.text(x), pos.text(x))
		case t == "@severity" && u == "string":
			return is, "write info, low, medium, high or critical, without quotes"
		case strings.HasPrefix(t, "list(") && !strings.HasPrefix(u, "list("):
			return is, fmt.Sprintf("write %s in %s", pos.text(y), pos.text(x))
		case t == "@texts" || t == "@prefixes":
			return is, fmt.Sprintf("write %s in %s", pos.text(y), pos.text(x))
		case t == "@severity" && u == "@severity":
			return "severities have no <", fmt.Sprintf("write atLeast(%s, %s)", pos.text(args[0]), pos.text(args[1]))
		}
	}
	return fmt.Sprintf("%s is %s and %s is %s: they can't be compared by %s", nameIn(pos, args[0]), celTypeWord(given[0]),
		nameIn(pos, args[1]), celTypeWord(given[1]), operatorWord(fn)), ""
}

func nullWords(pos *positions, x celast.Expr) (string, string) {
	if x.Kind() == celast.SelectKind {
		return fmt.Sprintf("%s is never null", nameIn(pos, x)), fmt.Sprintf("write has(%s) to ask whether it is there", pos.text(x))
	}
	return fmt.Sprintf("%s is never null", nameIn(pos, x)), ""
}

// nameIn is the short name of a field or variable, else what was written.
func nameIn(pos *positions, e celast.Expr) string {
	if e.Kind() == celast.SelectKind || e.Kind() == celast.IdentKind {
		return nameOf(e)
	}
	return pos.text(e)
}

func boolWords(pos *positions, args []celast.Expr, given []string) (string, string) {
	for i, a := range args {
		hint := ""
		switch g := given[i]; {
		case g == "bool" || g == "dyn":
			continue
		case g == "string":
			hint = fmt.Sprintf("compare it, as in %s != ''", pos.text(a))
		case g == "int" || g == "double":
			hint = fmt.Sprintf("compare it, as in %s > 0", pos.text(a))
		case strings.HasPrefix(g, "list("):
			hint = fmt.Sprintf("ask for its size, as in %s.size() > 0", pos.text(a))
		}
		return fmt.Sprintf("%s is %s, neither true nor false", nameIn(pos, a), celTypeWord(given[i])), hint
	}
	return fmt.Sprintf("&&, || and ! take what is true or false, and not %s", wordsOf(given)), ""
}

func arithmeticWords(pos *positions, fn string, args []celast.Expr, given []string) (string, string) {
	op := operatorWord(fn)
	if len(args) == 2 {
		for i := range args {
			if given[i] == "int" && given[1-i] == "double" {
				message := fmt.Sprintf("%s is int and %s is double: %s does not mix them", nameIn(pos, args[i]), nameIn(pos, args[1-i]), op)
				if lit, ok := literal(args[i]); ok {
					return message, fmt.Sprintf("write %s.0", lit)
				}
				return message, fmt.Sprintf("write double(%s)", pos.text(args[i]))
			}
			if op == "+" && given[i] == "string" && given[1-i] != "string" {
				return fmt.Sprintf("%s is %s: it can't be put behind text", nameIn(pos, args[1-i]), celTypeWord(given[1-i])),
					fmt.Sprintf("write string(%s)", pos.text(args[1-i]))
			}
		}
	}
	return fmt.Sprintf("%s can't be used with %s", op, wordsOf(given)), ""
}

func inWords(pos *positions, args []celast.Expr, given []string) (string, string) {
	x, l := args[0], args[1]
	switch {
	case given[1] == "string":
		return fmt.Sprintf("%s is text, not a list", nameIn(pos, l)), fmt.Sprintf("write %s.contains(%s)", pos.text(l), pos.text(x))
	case strings.HasPrefix(given[0], "list("):
		return fmt.Sprintf("%s is %s: in takes one value", nameIn(pos, x), celTypeWord(given[0])),
			fmt.Sprintf("write %s.exists(x, x in %s)", pos.text(x), pos.text(l))
	case given[1] == "@texts" || given[1] == "@prefixes":
		return fmt.Sprintf("%s is %s: lists hold text", nameIn(pos, x), celTypeWord(given[0])), fmt.Sprintf("write string(%s)", pos.text(x))
	case strings.HasPrefix(given[1], "list("):
		return fmt.Sprintf("%s is %s, and %s is %s", nameIn(pos, x), celTypeWord(given[0]), nameIn(pos, l), celTypeWord(given[1])), ""
	}
	return fmt.Sprintf("%s is %s, not a list", nameIn(pos, l), celTypeWord(given[1])), ""
}

// callWords is about a function given what it does not take: which it takes.
func (b *Builder) callWords(pos *positions, c celast.CallExpr, fn string, args []celast.Expr, given []string) (string, string) {
	decl, ok := b.world.hitsEnv.Functions()[fn]
	if !ok {
		return fmt.Sprintf("%s can't be used with %s", fn, wordsOf(given)), ""
	}
	var takes []string
	member := false
	for _, o := range decl.OverloadDecls() {
		var words []string
		for _, a := range o.ArgTypes() {
			words = append(words, typeWord(a))
		}
		form := fmt.Sprintf("%s(%s)", fn, strings.Join(words, ", "))
		if o.IsMemberFunction() && len(words) > 0 {
			form = fmt.Sprintf("%s.%s(%s)", strings.TrimPrefix(words[0], "a "), fn, strings.Join(words[1:], ", "))
		}
		member = member || o.IsMemberFunction()
		if form = strings.ReplaceAll(form, "a list of A", "a list"); !slices.Contains(takes, form) {
			takes = append(takes, form)
		}
	}
	message := fmt.Sprintf("%s can't be used with %s", fn, wordsOf(given))
	if !c.IsMemberFunction() && member && len(args) > 0 && given[0] != "" {
		return message, fmt.Sprintf("write x.%s(…): it stands behind a dot", fn)
	}
	if len(takes) > 4 {
		takes = append(takes[:4], "…")
	}
	return message, "it is " + strings.Join(takes, " or ")
}

// unknownType stands for what failed to compile.
var unknownType = types.DynType
