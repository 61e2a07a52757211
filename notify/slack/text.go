package slack

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/graphemes"

	"detect/notify/escape"
)

// longestValue bounds what is looked at of one text, in bytes, before anything is made of it: a record may hold a megabyte.
const longestValue = 16 << 10

// line is s on one line, with nothing hidden in it and nothing that a reader's client would make a link of.
func line(s string) string { return escape.Defang(escape.Calm(escape.Terminal(bounds(s)))) }

// lines is line for a text whose line ends are kept.
func lines(s string) string { return escape.Defang(escape.Calm(escape.Lines(bounds(s)))) }

// verbatim is a text that people copy, such as a command: nothing hides in it, but addresses stay what they are.
func verbatim(s string) string { return escape.Calm(escape.Lines(bounds(s))) }

// bounds cuts what is far too long, so that the work on a text is bounded.
func bounds(s string) string { return escape.Cut(s, longestValue) }

// length is how long Slack takes a text to be: in UTF-16 units, which is what its clients and its limits count.
func length(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r >= 0x10000 {
			n++
		}
	}
	return n
}

// cut shortens s to at most limit units between two characters as people see them. What was taken away is said after it:
// "… 212 more characters", and where to read them.
func cut(s string, limit int, where string) string {
	if length(s) <= limit {
		return s
	}
	note := func(n int) string {
		if where == "" {
			return "…"
		}
		return fmt.Sprintf("… %d more characters: %s", n, where)
	}
	room := limit - length(note(len(s)))
	if room < 0 {
		return head(s, max(limit-1, 0)) + "…"
	}
	kept := head(s, room)
	return kept + note(utf8.RuneCountInString(s[len(kept):]))
}

// head is the longest beginning of s, in whole characters, of at most limit units. A single character that is longer is
// cut between its parts, so that it can't hold everything after it back.
func head(s string, limit int) string {
	end, used := 0, 0
	g := graphemes.FromString(s)
	for g.Next() {
		n := length(g.Value())
		if used+n > limit {
			break
		}
		used += n
		end += len(g.Value())
	}
	if end > 0 {
		return s[:end]
	}
	for i, r := range s {
		n := length(string(r))
		if used+n > limit {
			return s[:i]
		}
		used += n
	}
	return s
}

// formatting are the characters that begin or end formatting in Slack's markup, with look-alikes that don't.
var formatting = strings.NewReplacer("*", "∗", "~", "∼", "`", "ˋ")

// markup is a text for the places that Slack parses, which are the plain text of a message that has no blocks, and what
// notifications show. It is made so that nothing in it is markup: no mention, no link, no formatting, no emoji.
// https://docs.slack.dev/messaging/formatting-message-text
func markup(s string) string {
	s = formatting.Replace(s)
	var b strings.Builder
	b.Grow(len(s) + 16)
	before := ' '
	for i, r := range s {
		after, _ := utf8.DecodeRuneInString(s[i+utf8.RuneLen(r):])
		switch {
		case r == '&':
			b.WriteString("&amp;")
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '_' && !(wordly(before) && wordly(after)):
			b.WriteRune('＿')
		case r == ':' && wordly(after) && !(unicode.IsDigit(before) && unicode.IsDigit(after)), r == ':' && strings.ContainsRune("+-_", after):
			b.WriteRune('∶')
		default:
			b.WriteRune(r)
		}
		before = r
	}
	return b.String()
}

func wordly(r rune) bool { return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r)) }
