package record

import (
	"encoding/binary"
	"iter"
	"math/bits"
	"unicode/utf8"
)

// What follows walks over JSON that was validated before, and so checks nothing.

// skipText takes the position after an opening quote and returns the closing quote's.
func skipText(b []byte, p int) int {
	for {
		if p+8 <= len(b) {
			w := binary.LittleEndian.Uint64(b[p:])
			q, e := w^('"'*ones), w^('\\'*ones)
			m := ((q-ones)&^q | (e-ones)&^e) & highs
			if m == 0 {
				p += 8
				continue
			}
			p += bits.TrailingZeros64(m) >> 3
		} else if p >= len(b) {
			return len(b)
		}
		switch b[p] {
		case '"':
			return p
		case '\\':
			p += 2
		default:
			p++
		}
	}
}

func skipBlanks(b []byte, p int) int {
	for p < len(b) && b[p] <= ' ' {
		p++
	}
	return p
}

// skipValue takes the position of a value and returns the one after it.
func skipValue(b []byte, p int) int {
	depth := 0
	for p < len(b) {
		switch b[p] {
		case '"':
			p = min(skipText(b, p+1)+1, len(b))
		case '{', '[':
			depth++
			p++
			continue
		case '}', ']':
			depth--
			p++
		case ',', ':', ' ', '\n', '\r', '\t':
			p++
			continue
		default:
			for p < len(b) && !isDelimiter(b[p]) {
				p++
			}
		}
		if depth <= 0 {
			return p
		}
	}
	return len(b)
}

func isDelimiter(c byte) bool { return c <= ' ' || c == ',' || c == '}' || c == ']' }

// members yields name and value of each member of a valid object. A name without escapes is a view of raw.
func members(raw []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		p := skipBlanks(raw, 0)
		if p >= len(raw) || raw[p] != '{' {
			return
		}
		for p = skipBlanks(raw, p+1); p < len(raw) && raw[p] == '"'; {
			end := skipText(raw, p+1)
			name := raw[p+1 : min(end, len(raw))]
			if !plainName(name) {
				name = appendUnescaped(nil, name)
			}
			p = skipBlanks(raw, end+1)
			p = skipBlanks(raw, p+1) // the colon
			end = skipValue(raw, p)
			if p > end || !yield(name, raw[p:end:end]) {
				return
			}
			if p = skipBlanks(raw, end); p >= len(raw) || raw[p] != ',' {
				return
			}
			p = skipBlanks(raw, p+1)
		}
	}
}

// plainName says whether a member's name means itself.
func plainName(name []byte) bool {
	for _, c := range name {
		if c == '\\' || c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// Elements yields the elements of raw, a valid JSON list; nothing if raw is something else.
func Elements(raw []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		p := skipBlanks(raw, 0)
		if p >= len(raw) || raw[p] != '[' {
			return
		}
		for p = skipBlanks(raw, p+1); p < len(raw) && raw[p] != ']'; {
			end := skipValue(raw, p)
			if end <= p || !yield(raw[p:end:end]) {
				return
			}
			if p = skipBlanks(raw, end); p >= len(raw) || raw[p] != ',' {
				return
			}
			p = skipBlanks(raw, p+1)
		}
	}
}

// KindOf is the JSON type of raw: '{', '[', '"', '0' (a number), 't' (true or false), 'n' (null), 0 (nothing).
func KindOf(raw []byte) byte {
	p := skipBlanks(raw, 0)
	if p >= len(raw) {
		return 0
	}
	switch c := raw[p]; c {
	case '{', '[', '"', 't', 'n':
		return c
	case 'f':
		return 't'
	}
	return '0'
}
