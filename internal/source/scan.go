package source

import (
	"encoding/binary"
	"math/bits"

	"detect/internal/record"
)

// verdict is what scanValue found.
type verdict uint8

const (
	whole   verdict = iota // a value
	partial                // the text ends inside it
	broken                 // not JSON
	deep                   // nested deeper than records may be
)

// scanValue finds the end of the JSON value that starts at text[p]. It knows the grammar of objects, lists and strings and
// takes any word for a scalar, which is enough to notice within a few bytes that a value was cut and another one began. On
// broken and deep, end is where that shows.
func scanValue(text []byte, p int) (end int, v verdict) {
	var objects uint64 // which of the open levels are objects, innermost in the lowest bit
	depth := 0
	for {
		// before a value
		if p = skipBlank(text, p); p >= len(text) {
			return p, partial
		}
		switch c := text[p]; {
		case c == '{' || c == '[':
			if depth == record.MaxDepth {
				return p, deep
			}
			depth, objects = depth+1, objects<<1
			if p = skipBlank(text, p+1); p >= len(text) {
				return p, partial
			}
			if text[p] == c+2 {
				p++
				depth, objects = depth-1, objects>>1
				break
			}
			if c == '{' {
				objects |= 1
				if p, v = scanKey(text, p); v != whole {
					return p, v
				}
			}
			continue
		case c == '"':
			if p, v = scanString(text, p+1); v != whole {
				return p, v
			}
		case isWord(c):
			for p++; p < len(text) && isWord(text[p]); p++ {
			}
		default:
			return p, broken
		}
		// after a value
		for {
			if depth == 0 {
				return p, whole
			}
			if p = skipBlank(text, p); p >= len(text) {
				return p, partial
			}
			if text[p] == ',' {
				p++
				if objects&1 != 0 {
					if p = skipBlank(text, p); p >= len(text) {
						return p, partial
					}
					if p, v = scanKey(text, p); v != whole {
						return p, v
					}
				}
				break
			}
			if text[p] != "]}"[objects&1] {
				return p, broken
			}
			p++
			depth, objects = depth-1, objects>>1
		}
	}
}

// scanKey takes the position of a member's name and returns the one after its colon.
func scanKey(text []byte, p int) (int, verdict) {
	if text[p] != '"' {
		return p, broken
	}
	p, v := scanString(text, p+1)
	if v != whole {
		return p, v
	}
	if p = skipBlank(text, p); p >= len(text) {
		return p, partial
	}
	if text[p] != ':' {
		return p, broken
	}
	return p + 1, whole
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// scanString takes the position after an opening quote and returns the one after the closing quote. A line break inside
// means that the string was cut.
func scanString(text []byte, p int) (int, verdict) {
	for {
		for p+8 <= len(text) {
			w := binary.LittleEndian.Uint64(text[p:])
			q, e, n := w^'"'*ones, w^'\\'*ones, w^'\n'*ones
			if m := ((q-ones)&^q | (e-ones)&^e | (n-ones)&^n) & highs; m != 0 {
				p += bits.TrailingZeros64(m) >> 3
				break
			}
			p += 8
		}
		if p >= len(text) {
			return len(text), partial
		}
		switch text[p] {
		case '"':
			return p + 1, whole
		case '\\':
			p += 2
		case '\n':
			return p, broken
		default:
			p++
		}
	}
}

func skipBlank(text []byte, p int) int {
	for p < len(text) && isBlank(text[p]) {
		p++
	}
	return p
}

func isBlank(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

func isWord(c byte) bool {
	return c == '-' || c == '+' || c == '.' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// skipper passes over a value that is not wanted, through any number of blocks, holding nothing of it.
type skipper struct {
	depth    int64
	inString bool
	escaped  bool
	active   bool
}

// feed returns how much of text belongs to the value; the skipper is no more active when it ended.
func (s *skipper) feed(text []byte) int {
	for p := 0; p < len(text); p++ {
		c := text[p]
		if s.inString {
			switch {
			case s.escaped:
				s.escaped = false
			case c == '\\':
				s.escaped = true
			case c == '"':
				s.inString = false
				if s.depth == 0 {
					s.active = false
					return p + 1
				}
			}
			continue
		}
		switch c {
		case '"':
			s.inString = true
		case '{', '[':
			s.depth++
		case '}', ']':
			if s.depth--; s.depth <= 0 {
				s.active = false
				return p + 1
			}
		}
	}
	return len(text)
}
