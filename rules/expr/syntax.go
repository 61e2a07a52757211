package expr

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/google/cel-go/cel"
)

// Reserved are the words that CEL keeps for itself: no let, capture or parameter can be named like one.
var Reserved = []string{"as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let",
	"loop", "namespace", "null", "package", "return", "true", "var", "void", "while"}

func reserved(name string) bool {
	for _, w := range Reserved {
		if w == name {
			return true
		}
	}
	return false
}

var quoted = regexp.MustCompile(`'((?s:.*?))'(?: expecting|$| at)`)

// syntaxIssues is the first syntax error of an expression: the others mostly follow from it.
func syntaxIssues(src string, iss *cel.Issues) []Issue {
	errs := iss.Errors()
	if len(errs) == 0 {
		return []Issue{{End: len(src), Message: "the expression can't be read: " + iss.Err().Error()}}
	}
	first, at := errs[0], len(src)+1
	for _, e := range errs { // the first in the text; a stray sign stands before what it disturbs
		if o := locationOffset(src, e.Location); o < at && e.Location != nil && e.Location.Line() > 0 {
			first, at = e, o
		}
	}
	if at > len(src) {
		at = 0
	}
	message := strings.TrimPrefix(first.Message, "Syntax error: ")
	i := Issue{Offset: at, End: tokenEnd(src, at)}
	i.Message, i.Hint = syntaxWords(src, at, message)
	return []Issue{i}
}

// wordOperators are what people write for CEL's operators.
var wordOperators = map[string]string{"and": "&&", "or": "||", "not": "!", "is": "==", "eq": "==", "ne": "!=", "xor": "!="}

// syntaxWords says what is wrong at an offset.
func syntaxWords(src string, at int, message string) (string, string) {
	token := src[at:tokenEnd(src, at)]
	before := lastWord(src[:at])
	for _, w := range []string{token, before} {
		if op, ok := wordOperators[strings.ToLower(w)]; ok {
			return fmt.Sprintf("%q is no operator", w), fmt.Sprintf("write %s for %s", op, strings.ToLower(w))
		}
	}
	if word, ok := strings.CutPrefix(message, "reserved identifier: "); ok {
		return fmt.Sprintf("%s is a reserved word", word), "choose another name"
	}
	rest := src[at:]
	switch {
	case strings.Contains(message, "recursion") || strings.Contains(message, "limit"):
		return "the expression is too long or too deeply nested", ""
	case strings.HasPrefix(rest, "=") && !strings.HasPrefix(rest, "=="):
		return "a single = does nothing", "write == to compare"
	case strings.HasPrefix(rest, "<>"), strings.HasPrefix(rest, ">") && strings.HasSuffix(src[:at], "<"):
		return "<> is no operator", "write != for not equal"
	case strings.HasPrefix(rest, "&"):
		return "a single & does nothing", "write && for and"
	case strings.HasPrefix(rest, "|"):
		return "a single | does nothing", "write || for or"
	case strings.ContainsAny(firstRune(rest), "\u2018\u2019\u201c\u201d\u00ab\u00bb\u201e\u201a`"):
		return "a typographic quote does not begin a text", "write ' or \""
	case strings.HasPrefix(rest, "'"), strings.HasPrefix(rest, "\""):
		if strings.Contains(message, "token recognition") {
			return "the text that begins here is not closed, or holds an escape that does not exist",
				`close it with the same quote on the same line; write \\ for a backslash`
		}
	case strings.HasPrefix(rest, "!") && strings.Contains(message, "token recognition"):
		return "! stands before what it denies", ""
	case reserved(token):
		return fmt.Sprintf("%s is a reserved word", token), "choose another name"
	case strings.TrimSpace(rest) == "":
		return "the expression ends too early", unclosed(src)
	}
	if strings.Contains(message, "token recognition error") {
		return fmt.Sprintf("%q does not belong here", firstRune(rest)), ""
	}
	if token == ")" || token == "]" || token == "}" {
		return fmt.Sprintf("%q does not close anything, or something is missing before it", token), ""
	}
	if m := quoted.FindStringSubmatch(message); m != nil || token != "" {
		return fmt.Sprintf("%q does not belong here", token), unclosed(src)
	}
	return message, ""
}

func firstRune(s string) string {
	for _, r := range s {
		return string(r)
	}
	return ""
}

// lastWord is the last word of s.
func lastWord(s string) string {
	s = strings.TrimRight(s, " \t\r\n")
	i := len(s)
	for i > 0 && wordPart(rune(s[i-1])) {
		i--
	}
	return s[i:]
}

// unclosed says which bracket is open at the end, as a hint.
func unclosed(src string) string {
	var open []byte
	for at := 0; at < len(src); at = max(tokenEnd(src, at), at+1) {
		switch c := src[at]; c {
		case '(', '[', '{':
			open = append(open, c)
		case ')', ']', '}':
			if len(open) > 0 {
				open = open[:len(open)-1]
			}
		}
	}
	if len(open) == 0 {
		return ""
	}
	return fmt.Sprintf("a %q is not closed", string(open[len(open)-1]))
}
