package record

import (
	"encoding/binary"
	"math/bits"
)

// Bytes are looked at eight at a time where that pays: a byte of a word that fulfils a condition gets its top bit set, and
// only the lowest of these bits can be trusted, since a borrow may spoil the ones above it.
const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// scanner validates JSON and digests it in the same walk (see Record.Content for what the digest is). An empty reason means
// that all went well so far.
type scanner struct {
	b      []byte
	reason string
	offset int

	hash    uint64           // of the text or scalar before
	size    int64            // bytes so far, without blanks and with text escaped no more than needed
	sums    [MaxDepth]uint64 // digests of the open lists and objects
	names   [MaxDepth]uint64 // digests of the open objects' present member names
	scratch []byte
}

// fail notes the first fault and returns -1.
func (s *scanner) fail(offset int, reason string) int {
	if s.reason == "" {
		s.offset, s.reason = offset, reason
	}
	return -1
}

// unexpected is the fault of a byte, or the end, where JSON wants something else.
func (s *scanner) unexpected(p int, want string) int {
	if p >= len(s.b) {
		return s.fail(len(s.b), "the record ends early: "+want+" expected")
	}
	return s.fail(p, want+" expected")
}

// blanks is the first position from p on that holds no white space.
func (s *scanner) blanks(p int) int {
	for p < len(s.b) {
		if c := s.b[p]; c > ' ' || (c != ' ' && c != '\n' && c != '\r' && c != '\t') {
			break
		}
		p++
	}
	return p
}

// text takes the position after an opening quote and returns the closing quote's, or -1; escaped says whether there was a
// backslash.
func (s *scanner) text(p int) (end int, escaped bool) {
	b, start, h := s.b, p, uint64(seedText)
	for p+8 <= len(b) {
		w := binary.LittleEndian.Uint64(b[p:])
		q, e := w^('"'*ones), w^('\\'*ones)
		m := ((q-ones)&^q | (e-ones)&^e | (w-' '*ones)&^w) & highs
		if m == 0 {
			h = mix(h, w)
			p += 8
			continue
		}
		n := bits.TrailingZeros64(m) >> 3
		if b[p+n] != '"' {
			break
		}
		s.hash = mix(h^prime3, w&(1<<(8*n)-1)^uint64(p+n-start)*prime1)
		s.size += int64(p+n-start) + 2
		return p + n, false
	}
	return s.oddText(start, p)
}

// oddText is text for text with escapes, faults, or close to the end of the input; p is how far all is well.
func (s *scanner) oddText(start, p int) (end int, escaped bool) {
	b := s.b
	for {
		if p >= len(b) {
			return s.unexpected(p, "closing quote"), escaped
		}
		switch c := b[p]; {
		case c == '"':
			s.digestOdd(b[start:p])
			return p, escaped
		case c == '\\':
			escaped = true
			n := escapeLen(b[p:])
			if n == 0 {
				return s.fail(p, "invalid escape in a string"), escaped
			}
			p += n
		case c < ' ':
			return s.fail(p, "control character in a string"), escaped
		default:
			p++
		}
	}
}

// escapeLen is the length of the escape that b begins with, 0 if it is none.
func escapeLen(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(b) < 6 {
			return 0
		}
		for _, c := range b[2:6] {
			if !isHex(c) {
				return 0
			}
		}
		return 6
	}
	return 0
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// number takes the position of a number's first byte and returns the one after it.
func (s *scanner) number(p int) int {
	b := s.b
	if b[p] == '-' {
		p++
	}
	switch {
	case p < len(b) && b[p] == '0':
		p++
	case p < len(b) && isDigit(b[p]):
		p = s.digits(p)
	default:
		return s.unexpected(p, "digit")
	}
	if p < len(b) && b[p] == '.' {
		if p++; p >= len(b) || !isDigit(b[p]) {
			return s.unexpected(p, "digit")
		}
		p = s.digits(p)
	}
	if p < len(b) && b[p]|0x20 == 'e' {
		p++
		if p < len(b) && (b[p] == '+' || b[p] == '-') {
			p++
		}
		if p >= len(b) || !isDigit(b[p]) {
			return s.unexpected(p, "digit")
		}
		p = s.digits(p)
	}
	return p
}

func (s *scanner) digits(p int) int {
	for p < len(s.b) && isDigit(s.b[p]) {
		p++
	}
	return p
}

func (s *scanner) word(p int, w string) int {
	if len(s.b)-p < len(w) || string(s.b[p:p+len(w)]) != w {
		return s.unexpected(p, "value")
	}
	return p + len(w)
}

// scalar takes the position of a value that is neither list nor object and returns the one after it.
func (s *scanner) scalar(p int) int {
	if p >= len(s.b) {
		return s.unexpected(p, "value")
	}
	var end int
	switch c := s.b[p]; {
	case c == '"':
		end, _ = s.text(p + 1)
		if end < 0 {
			return -1
		}
		return end + 1
	case c == 't':
		end = s.word(p, "true")
	case c == 'f':
		end = s.word(p, "false")
	case c == 'n':
		end = s.word(p, "null")
	case c == '-' || isDigit(c):
		end = s.number(p)
	default:
		return s.unexpected(p, "value")
	}
	if end > 0 {
		s.hash = hashBytes(seedScalar, s.b[p:end])
		s.size += int64(end - p)
	}
	return end
}

// key takes the position of a member's name and returns the one of its value.
func (s *scanner) key(p int) int {
	if p >= len(s.b) || s.b[p] != '"' {
		return s.unexpected(p, "member name")
	}
	end, _ := s.text(p + 1)
	if end < 0 {
		return -1
	}
	return s.colon(end + 1)
}

func (s *scanner) colon(p int) int {
	s.size++
	if p = s.blanks(p); p >= len(s.b) || s.b[p] != ':' {
		return s.unexpected(p, "colon")
	}
	return s.blanks(p + 1)
}

// value takes the position of any value and returns the one after it; its digest is in hash. The value may hold room more
// levels of nesting. Which of the open levels are objects is kept in the bits of one word.
func (s *scanner) value(p, room int) int {
	b, objects, depth := s.b, uint64(0), 0
	for {
		if p < len(b) && (b[p] == '{' || b[p] == '[') {
			if depth == room {
				return s.fail(p, "nested too deep")
			}
			open := b[p]
			s.size += 2
			p = s.blanks(p + 1)
			if p < len(b) && b[p] == open+2 { // '}' is '{'+2 and ']' is '['+2
				p++
				s.hash = closeDigest(open == '{', openDigest(open == '{'))
			} else {
				depth, objects = depth+1, objects<<1
				s.sums[depth-1] = openDigest(open == '{')
				if open == '{' {
					objects |= 1
					if p = s.key(p); p < 0 {
						return -1
					}
					s.names[depth-1] = s.hash
				}
				continue
			}
		} else if p = s.scalar(p); p < 0 {
			return -1
		}
		for { // after a value
			if depth == 0 {
				return p
			}
			sum := &s.sums[depth-1]
			if objects&1 != 0 {
				*sum += mix(s.names[depth-1], s.hash)
			} else {
				*sum = mix(*sum, s.hash)
			}
			p = s.blanks(p)
			if p < len(b) && b[p] == ',' {
				s.size++
				p = s.blanks(p + 1)
				if objects&1 != 0 {
					if p = s.key(p); p < 0 {
						return -1
					}
					s.names[depth-1] = s.hash
				}
				break
			}
			if p >= len(b) || b[p] != "]}"[objects&1] {
				return s.unexpected(p, "comma or closing bracket")
			}
			p++
			s.hash = closeDigest(objects&1 != 0, *sum)
			depth, objects = depth-1, objects>>1
		}
	}
}

// valid says whether b is one JSON value with at most MaxDepth levels.
func valid(b []byte) bool {
	s := scanner{b: b}
	p := s.value(s.blanks(0), MaxDepth)
	return p >= 0 && s.blanks(p) == len(b)
}
