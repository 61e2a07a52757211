package source

import (
	"bufio"
	"bytes"
	"io"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"
)

// text makes UTF-8 of an input, takes off a JSON string around it, and has it cut.
func (r *run) text(br *bufio.Reader, src input) error {
	if order, ok := sniffUTF16(peek(br)); ok {
		in := unicode.UTF16(order, unicode.IgnoreBOM).NewDecoder().Reader(br)
		br = bufio.NewReaderSize(in, 64<<10)
	}
	for range 2 { // a string, or a string in a string
		if !startsWithString(peek(br)) {
			break
		}
		br = bufio.NewReaderSize(&unescaper{in: br}, 64<<10)
	}
	return r.feed(br, src)
}

// sniffUTF16 recognises UTF-16 by its byte order mark, or by the zeros beside the ASCII that every export starts with.
func sniffUTF16(head []byte) (unicode.Endianness, bool) {
	switch {
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}):
		return unicode.LittleEndian, true
	case bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		return unicode.BigEndian, true
	case len(head) < 4:
	case head[0] != 0 && head[1] == 0 && head[2] != 0 && head[3] == 0:
		return unicode.LittleEndian, true
	case head[0] == 0 && head[1] != 0 && head[2] == 0 && head[3] != 0:
		return unicode.BigEndian, true
	}
	return unicode.LittleEndian, false
}

// startsWithString says whether a text is JSON inside of a JSON string, rather than CSV with quoted names.
func startsWithString(head []byte) bool {
	for len(head) > 0 && blankOrBOM(head) > 0 {
		head = head[blankOrBOM(head):]
	}
	return len(head) > 1 && head[0] == '"' && holdsJSON(head[1:])
}

// unescaper reads what is inside of JSON strings; what is between them passes as it is.
type unescaper struct {
	in     *bufio.Reader
	inside bool
	rest   []byte // of one character that did not fit
	store  [16]byte
}

func (u *unescaper) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if len(u.rest) > 0 {
			m := copy(p[n:], u.rest)
			n, u.rest = n+m, u.rest[m:]
			continue
		}
		if n > 0 && u.in.Buffered() == 0 {
			return n, nil
		}
		c, err := u.in.ReadByte()
		if err != nil {
			return n, err
		}
		switch {
		case c == '"':
			u.inside = !u.inside
			if u.inside {
				continue
			}
			c = '\n' // so that what follows starts a line
		case c == '\\' && u.inside:
			u.rest = u.escape()
			continue
		}
		p[n] = c
		n++
	}
	return n, nil
}

// escape reads what follows a backslash.
func (u *unescaper) escape() []byte {
	next, _ := u.in.Peek(11) // uXXXX\uXXXX
	if len(next) == 0 {
		return nil
	}
	out, used := unescape(u.store[:0], next)
	_, _ = u.in.Discard(used)
	return out
}

// unescape appends what the escape after a backslash at the start of s means, and says how much of s it takes.
func unescape(dst, s []byte) (out []byte, used int) {
	if i := bytes.IndexByte([]byte(`"\/bfnrt`), s[0]); i >= 0 {
		return append(dst, "\"\\/\b\f\n\r\t"[i]), 1
	}
	if s[0] != 'u' {
		return append(dst, '\\', s[0]), 1
	}
	c, ok := hex4(s[1:])
	if !ok {
		return append(dst, '\\', 'u'), 1
	}
	if utf16.IsSurrogate(c) && len(s) >= 11 && s[5] == '\\' && s[6] == 'u' {
		if low, ok := hex4(s[7:]); ok {
			if full := utf16.DecodeRune(c, low); full != utf8.RuneError {
				return utf8.AppendRune(dst, full), 11
			}
		}
	}
	return utf8.AppendRune(dst, c), 5
}

func hex4(s []byte) (v rune, ok bool) {
	if len(s) < 4 {
		return 0, false
	}
	for _, c := range s[:4] {
		switch {
		case '0' <= c && c <= '9':
			v = v<<4 | rune(c-'0')
		case 'a' <= c && c <= 'f':
			v = v<<4 | rune(c-'a'+10)
		case 'A' <= c && c <= 'F':
			v = v<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
	}
	return v, true
}

// appendUnquoted appends what the JSON string lit, with its quotes, says.
func appendUnquoted(dst, lit []byte) []byte {
	lit = bytes.TrimSuffix(bytes.TrimPrefix(lit, []byte{'"'}), []byte{'"'})
	for {
		i := bytes.IndexByte(lit, '\\')
		if i < 0 || i+1 == len(lit) {
			return append(dst, lit...)
		}
		dst = append(dst, lit[:i]...)
		var used int
		dst, used = unescape(dst, lit[i+1:])
		lit = lit[i+1+used:]
	}
}

// appendQuoted appends s as a JSON string.
func appendQuoted(dst, s []byte) []byte {
	dst = append(dst, '"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\r':
			dst = append(dst, '\\', 'r')
		case c == '\t':
			dst = append(dst, '\\', 't')
		case c < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', "0123456789abcdef"[c>>4], "0123456789abcdef"[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

var _ io.Reader = (*unescaper)(nil)
