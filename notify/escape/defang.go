package escape

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// filesOnly are endings of files that no top-level domain shares, so that names of files stay readable.
var filesOnly = map[string]bool{
	"asp": true, "aspx": true, "bak": true, "bat": true, "csv": true, "dll": true, "doc": true, "docm": true, "docx": true, "eml": true,
	"exe": true, "gif": true, "htm": true, "html": true, "ics": true, "img": true, "iso": true, "jpeg": true, "jpg": true, "json": true,
	"kdbx": true, "lnk": true, "log": true, "msg": true, "msi": true, "ost": true, "pdf": true, "php": true, "png": true, "ppt": true,
	"pptx": true, "pst": true, "rar": true, "rtf": true, "svg": true, "tar": true, "tmp": true, "tsv": true, "txt": true, "vbs": true,
	"vsdx": true, "xls": true, "xlsm": true, "xlsx": true, "xml": true, "yaml": true, "yml": true,
}

// Defang writes addresses so that no client makes a link of them: hxxps://evil[.]example/x, and [\\]server\share. Mail
// addresses stay, since accounts are named by them, and names of files, as far as no domain ends as they do.
func Defang(s string) string {
	if !strings.ContainsAny(s, `.:\`) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 16)
	for len(s) > 0 {
		if n := strings.IndexFunc(s, inAddress); n != 0 {
			if n < 0 {
				n = len(s)
			}
			if n >= 2 && n < len(s) && s[n-2:n] == `\\` { // Outlook makes a link of \\server\share, and a click tells it who one is
				b.WriteString(s[:n-2] + `[\\]`)
			} else {
				b.WriteString(s[:n])
			}
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
			b.WriteString(strings.ReplaceAll(strings.ReplaceAll(rest[3:3+host], "[.]", "."), ".", "[.]"))
			rest = rest[3+host:]
		case len(rest) > 1 && rest[0] == ':' && rest[1] != ' ' && opens(word):
			b.WriteString(word + "[:]")
			rest = rest[1:]
		default:
			b.WriteString(unlinked(word))
		}
		s = rest
	}
	return b.String()
}

// inAddress says whether a rune may stand in the name of a host or a mailbox.
func inAddress(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r) || strings.ContainsRune(".-_@+%", r)
}

// scheme is the beginning of an address as it is written when it must not be followed.
func scheme(word string) string {
	switch strings.ToLower(word) {
	case "http", "hxxp":
		return "hxxp://"
	case "https", "hxxps":
		return "hxxps://"
	}
	return unlinked(word) + "[:]//"
}

// opens says whether clients make links of words that begin with this and a colon.
func opens(word string) bool {
	switch strings.ToLower(word) {
	case "mailto", "tel", "javascript", "data", "slack", "file", "sms", "callto", "skype", "msteams":
		return true
	}
	return false
}

// unlinked is a word that no client makes the name of a host of.
func unlinked(word string) string {
	if host(word) {
		return strings.ReplaceAll(word, ".", "[.]")
	}
	return word
}

// host says whether clients may take a word for the name of a host: labels with dots between them, the last one of
// letters. A last label in mixed case, as in Mail.ReadWrite, is the name of something else.
func host(word string) bool {
	word = strings.Trim(word, ".-_+%")
	dot := strings.LastIndexByte(word, '.')
	if dot <= 0 || strings.ContainsAny(word, "@+%") {
		return false
	}
	last := word[dot+1:]
	lower := strings.ToLower(last)
	if strings.HasPrefix(lower, "xn--") || len(word) > 4 && strings.EqualFold(word[:4], "www.") { // many clients take any www. for one
		return true
	}
	if utf8.RuneCountInString(last) < 2 || filesOnly[lower] || strings.ContainsFunc(last, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) }) {
		return false
	}
	return last == lower || last == strings.ToUpper(last) || len(last) <= 3
}

// Calm shows the marks of a character beyond the third by their numbers: stacks of them would draw over other lines.
func Calm(s string) string {
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
