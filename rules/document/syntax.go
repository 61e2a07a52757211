package document

import (
	"regexp"
	"sort"
	"strings"
	"unicode/utf8"
)

var linePrefix = regexp.MustCompile(`^yaml: (?:line \d+: )?`)

// errorOffset finds where in b the error with that message is. The library tells a line at best, and often the line
// before or the beginning of what surrounds the error. It reads from left to right, so the shortest beginning of b that
// has the error ends where the error is: first to the line, then to the character.
func errorOffset(b []byte, message string) int {
	kind := errorKind(message)
	fails := func(n int) bool {
		_, err := unmarshal(b[:n])
		return err != nil && errorKind(err.Error()) == kind
	}
	var ends []int
	for i, c := range b {
		if c == '\n' {
			ends = append(ends, i+1)
		}
	}
	if len(ends) == 0 || ends[len(ends)-1] < len(b) {
		ends = append(ends, len(b))
	}
	k := sort.Search(len(ends), func(i int) bool { return fails(ends[i]) })
	if k == len(ends) {
		k--
	}
	start := 0
	if k > 0 {
		start = ends[k-1]
	}
	line := string(b[start:ends[k]])
	n := sort.Search(len(line), func(i int) bool { return fails(start + i + 1) })
	if n == len(line) || line[n] == '\n' || line[n] == '\r' {
		n = len(line) - len(strings.TrimLeft(line, " \t"))
		if strings.TrimSpace(line) == "" {
			n = 0
		}
	}
	for n > 0 && !utf8.RuneStart(line[n]) {
		n--
	}
	return start + n
}

// errorKind is a message without its place, and one word for all that brackets and braces that are not closed can lead to.
func errorKind(message string) string {
	message = linePrefix.ReplaceAllString(message, "")
	if strings.Contains(message, "did not find expected ',' or") || strings.Contains(message, "expected node content") {
		return "brackets"
	}
	return message
}

var (
	tagInValue   = regexp.MustCompile(`(?:[:-]|[\[{,])\s+!\S|[\[{,]!`)
	flowBrackets = regexp.MustCompile(`[\[{]`)
	braces       = regexp.MustCompile(`(?:^|[:,{\[-])\s*\{\{`)
)

// tagAt is where in a line a value begins with `!`; -1 if none does.
func tagAt(line string) int {
	m := tagInValue.FindStringIndex(line)
	if m == nil {
		return -1
	}
	return m[0] + strings.IndexByte(line[m[0]:], '!')
}

// culpritAt is where in the line of an error that is seldom noticed before the end of the value its cause is; -1 if it is
// no such line.
func culpritAt(line string) int {
	if n := tagAt(line); n >= 0 {
		return n
	}
	if m := braces.FindStringIndex(line); m != nil {
		return m[1] - 2
	}
	return -1
}

// explain puts the library's message in words for an analyst, with what to do about it. rest is the text from the error
// on, source the whole line.
func explain(message, rest, source string) (string, string) {
	message = linePrefix.ReplaceAllString(message, "")
	quote := "quote the whole value, or write it as a `|` block"
	has := func(part string) bool { return strings.Contains(message, part) }
	if tagAt(source) >= 0 {
		return "`!` begins a YAML tag here", "quote an expression that begins with `!`, or write it as a `|` block"
	}
	if braces.MatchString(source) {
		return "a text that begins with `{{` must be quoted", `write "{{...}} ..."`
	}
	switch {
	case has("mapping values are not allowed"):
		return "`:` followed by a blank makes a key of what stands before it", quote + "; of a key of its own, check the indentation"
	case errorKind(message) == "brackets":
		if flowBrackets.MatchString(source) {
			return "the braces or brackets are not closed, or their content is more than a simple text", "quote expressions inside braces"
		}
		return "braces or brackets are not closed", "quote expressions inside braces"
	case has("cannot start any token"):
		r, _ := utf8.DecodeRuneInString(rest)
		if r == '\t' {
			return "a tab cannot indent YAML", "use blanks"
		}
		return "an unquoted text cannot begin with `" + string(r) + "`", quote
	case has("violates indentation"):
		return "a tab cannot indent YAML", "use blanks"
	case has("did not find expected alphabetic or numeric character") && strings.HasPrefix(strings.TrimSpace(source), "&&"):
		return "`&&` at the beginning of a line is no YAML", "indent the lines of a block as its first line"
	case has("did not find expected alphabetic or numeric character"):
		return "`*` and `&` begin YAML aliases and anchors; the rule format has none", "quote a text that begins with * or &"
	case has("unexpected end of stream"), has("unexpected document indicator"):
		return "the quoted text is not closed", "close the quote; inside single quotes a quote is written twice: ''"
	case has("unknown escape character"):
		return `unknown escape after \ in double quotes`, `write \\ for one backslash, or use single quotes or a | block, which know no escapes`
	case has("did not find expected key"):
		return "a key was expected here", "check the indentation and that the quoted text before it is complete"
	case has("did not find expected '-' indicator"):
		return "a list and keys are mixed at one indentation", ""
	case has("unknown anchor"):
		return "`*` begins a YAML alias here; the rule format has none", "quote the text that begins with *"
	case has("mapping keys are not allowed"):
		return "`?` followed by a blank begins a key of YAML here", quote
	case has("expected comment or line break"):
		return "`|` or `>` begins a block here, and more follows on its line",
			"if ` #` on the line before ended the text as a comment: " + quote
	case has("could not find expected ':'"):
		return "a key without `:`", "write `key: value`, and indent the lines of a longer text"
	case has("<document start>"), has("incompatible YAML document"), has("directive"):
		return "YAML directives (lines that begin with %) have no use here", "take the line out"
	}
	return message, ""
}
