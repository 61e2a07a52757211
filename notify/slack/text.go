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
func line(s string) string { return defang(calm(escape.Terminal(bounds(s)))) }

// lines is line for a text whose line ends are kept.
func lines(s string) string { return defang(calm(escape.Lines(bounds(s)))) }

// verbatim is a text that people copy, such as a command: nothing hides in it, but addresses stay what they are.
func verbatim(s string) string { return calm(escape.Lines(bounds(s))) }

// bounds cuts what is far too long, so that the work on a text is bounded.
func bounds(s string) string { return escape.Cut(s, longestValue) }

// calm shows the marks of a character beyond the third by their numbers: stacks of them would draw over other lines.
func calm(s string) string {
	var b *strings.Builder
	marks := 0
	for i, r := range s {
		if r < utf8.RuneSelf || !unicode.IsMark(r) {
			marks = 0
		} else {
			marks++
		}
		if marks > 3 && b == nil {
			b = &strings.Builder{}
			b.WriteString(s[:i])
		}
		switch {
		case b == nil:
		case marks > 3 && r < 0x10000:
			fmt.Fprintf(b, `\u%04x`, r)
		case marks > 3:
			fmt.Fprintf(b, `\U%08x`, r)
		default:
			b.WriteRune(r)
		}
	}
	if b == nil {
		return s
	}
	return b.String()
}

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

// notLinks are endings of files that no top-level domain shares, so that names of files stay readable.
var notLinks = map[string]bool{
	"doc": true, "docx": true, "docm": true, "xls": true, "xlsx": true, "xlsm": true, "ppt": true, "pptx": true, "pdf": true,
	"txt": true, "csv": true, "tsv": true, "rtf": true, "png": true, "jpg": true, "jpeg": true, "gif": true, "svg": true, "exe": true,
	"dll": true, "msi": true, "iso": true, "img": true, "lnk": true, "vbs": true, "bat": true, "json": true, "xml": true, "html": true, "htm": true,
	"log": true, "msg": true, "eml": true, "pst": true, "ost": true, "rar": true, "tar": true, "bak": true, "tmp": true,
	"aspx": true, "asp": true, "php": true, "yaml": true, "yml": true, "key": true, "vsdx": true, "kdbx": true, "onetoc": true,
}

// defang writes addresses so that no client makes a link of them: hxxps://evil[.]example/x. Mail addresses stay, since
// accounts are named by them; names of files stay, as far as their ending is no domain's.
func defang(s string) string {
	if !strings.ContainsAny(s, ".:") {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 16)
	for len(s) > 0 {
		if n := strings.IndexFunc(s, inAddress); n != 0 {
			if n < 0 {
				n = len(s)
			}
			b.WriteString(s[:n])
			s = s[n:]
			continue
		}
		n := strings.IndexFunc(s, func(r rune) bool { return !inAddress(r) })
		if n < 0 {
			n = len(s)
		}
		word, rest := s[:n], s[n:]
		switch {
		case strings.HasPrefix(rest, "://"):
			host := strings.IndexAny(rest[3:], "/?# \n\"'<>|")
			if host < 0 {
				host = len(rest) - 3
			}
			b.WriteString(scheme(word))
			b.WriteString(strings.ReplaceAll(rest[3:3+host], ".", "[.]"))
			rest = rest[3+host:]
		case len(rest) > 1 && rest[0] == ':' && rest[1] != ' ' && opensSomething(word):
			b.WriteString(word + "[:]")
			rest = rest[1:]
		case looksLikeDomain(word):
			b.WriteString(strings.ReplaceAll(word, ".", "[.]"))
		default:
			b.WriteString(word)
		}
		s = rest
	}
	return b.String()
}

// inAddress says whether a rune may stand in a host name or a mail address.
func inAddress(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r) || strings.ContainsRune(".-_@+%", r)
}

// scheme is the beginning of an address as it is written when it must not be followed.
func scheme(word string) string {
	switch strings.ToLower(word) {
	case "http":
		return "hxxp://"
	case "https":
		return "hxxps://"
	}
	return word + "[:]//"
}

func opensSomething(word string) bool {
	switch strings.ToLower(word) {
	case "mailto", "tel", "javascript", "data", "slack", "file", "sms":
		return true
	}
	return false
}

// looksLikeDomain says whether clients may take a word for the name of a host: labels with dots between them, the last
// one of letters. A last label in mixed case, as in Mail.ReadWrite, is the name of something else.
func looksLikeDomain(word string) bool {
	word = strings.Trim(word, ".-_+%")
	dot := strings.LastIndexByte(word, '.')
	if dot <= 0 || strings.ContainsAny(word, "@+%") {
		return false
	}
	last := word[dot+1:]
	lower := strings.ToLower(last)
	if strings.HasPrefix(lower, "xn--") {
		return true
	}
	if utf8.RuneCountInString(last) < 2 || notLinks[lower] || strings.ContainsFunc(last, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) }) {
		return false
	}
	return last == lower || last == strings.ToUpper(last) || len(last) <= 3
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
