// Package escape makes text that came from a record harmless in the place where it is shown. Records are written by
// whoever acts in the tenant, attackers included: whatever they hold is data, never markup, never a control sequence.
package escape

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Hidden says whether a rune changes how other text is shown without being seen itself: controls, format characters
// (bidirectional overrides, zero-width characters, soft hyphens, tags), line and paragraph separators, the byte order
// mark, the Hangul fillers, variation selectors, and bytes that are no text at all. Blanks other than U+0020 count too,
// since a name made of them looks empty.
func Hidden(r rune) bool {
	switch {
	case r == ' ':
		return false
	case r < 0x20, r >= 0x7f && r < 0xa0:
		return true
	case r < 0x250:
		return r == 0xa0 || r == 0xad
	case r == 0x115f, r == 0x1160, r == 0x3164, r == 0xffa0, r == 0x2800, r == 0x034f: // fillers, braille blank, grapheme joiner
		return true
	case r >= 0xfe00 && r <= 0xfe0f, r >= 0xe0100 && r <= 0xe01ef: // variation selectors
		return true
	}
	return unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Zs, unicode.Co, unicode.Cs) || !unicode.IsPrint(r) && !unicode.IsMark(r)
}

// Terminal shows s on one line of a terminal: every hidden character, and every byte that is no UTF-8, stands as \u202e or \x1b,
// so that nothing a record holds moves the cursor, changes a colour, reverses text or hides. A backslash stays as it is.
func Terminal(s string) string {
	clean := true
	for _, r := range s {
		if r == utf8.RuneError || Hidden(r) {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 16)
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n <= 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case !Hidden(r):
			b.WriteString(s[i : i+n])
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
		i += n
	}
	return b.String()
}

// Lines is Terminal for each line of s, the line ends kept.
func Lines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = Terminal(strings.TrimSuffix(lines[i], "\r"))
	}
	return strings.Join(lines, "\n")
}

// Cut shortens s to at most limit bytes, never inside a character and never between a character and its marks, and
// ends it with "…" if anything was taken away. A limit below three bytes gives "".
func Cut(s string, limit int) string {
	const mark = "…"
	if len(s) <= limit {
		return s
	}
	if limit < len(mark) {
		return ""
	}
	end := limit - len(mark)
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	for end > 0 { // s[end:] must not begin with a mark of the character before
		r, _ := utf8.DecodeRuneInString(s[end:])
		if !unicode.IsMark(r) && r != 0x200d {
			break
		}
		_, n := utf8.DecodeLastRuneInString(s[:end])
		end -= n
	}
	return s[:end] + mark
}
