package record

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// Content digests the content. It is equal for copies that differ in key order, spacing and string escaping only, and the
// same in every process. Parse computes it on its way.
//
// Members are added up, so that their order does not matter; elements are chained, so that theirs does. A copy that was cut
// has another digest than one of the same text that was not.
func (r *Record) Content() uint64 {
	if r.Truncated() {
		return ^r.digest
	}
	return r.digest
}

// Variant ranks this copy among others of the same record.
func (r *Record) Variant() Variant {
	return Variant{Whole: !r.Truncated(), Size: r.size, Digest: r.digest}
}

// Truncated says whether something was cut off: MarkTruncated, or a value that PowerShell's ConvertTo-Json left of an object
// nested too deep for it: System.Object[] or @{Name=x; Value=y}.
func (r *Record) Truncated() bool {
	return r.truncated || r.cut.get(r, func(r *Record) bool { return mentionsCut(r.raw) })
}

// cutMarks are the whole text values that PowerShell leaves.
var cutMarks = [...][]byte{[]byte(`"System.Object[]"`), []byte(`"System.Collections.Hashtable"`)}

// mentionsCut looks for text values that are, or begin with, PowerShell's marks.
func mentionsCut(raw []byte) bool {
	if bytes.Contains(raw, []byte(`\u00`)) {
		raw = plainASCII(raw)
	}
	for p := 0; ; p++ {
		n := bytes.Index(raw[p:], []byte("@{"))
		if n < 0 {
			break
		}
		if p += n; p > 0 && raw[p-1] == '"' && (p < 2 || raw[p-2] != '\\') {
			return true
		}
	}
	for p := 0; ; p++ {
		n := bytes.Index(raw[p:], []byte("System."))
		if n < 0 {
			return false
		}
		p += n
		for _, mark := range cutMarks {
			if p > 0 && bytes.HasPrefix(raw[p-1:], mark) {
				return true
			}
		}
	}
}

// Seeds that keep values of different types apart.
const (
	seedText   = 0x1f83d9abfb41bd6b
	seedObject = 0x5be0cd19137e2179
	seedList   = 0x510e527fade682d1
	seedScalar = 0x9b05688c2b3e6c1f
)

func openDigest(object bool) uint64 {
	if object {
		return seedObject
	}
	return seedList
}

func closeDigest(object bool, sum uint64) uint64 {
	if object {
		return mix(sum, seedObject)
	}
	return sum
}

// digestOdd digests text with escapes by what it means, all but invalid UTF-8, which is taken as it is here and in text.
func (s *scanner) digestOdd(inner []byte) {
	out := s.scratch[:0]
	for len(inner) > 0 {
		if inner[0] == '\\' && len(inner) > 1 {
			r, n := unescape(inner)
			out, inner = utf8.AppendRune(out, r), inner[n:]
			continue
		}
		out, inner = append(out, inner[0]), inner[1:]
	}
	s.scratch = out
	s.size += 2
	for _, c := range out {
		switch {
		case c == '"' || c == '\\' || c == '\n' || c == '\r' || c == '\t':
			s.size += 2
		case c < ' ':
			s.size += 6
		default:
			s.size++
		}
	}
	s.hash = hashBytes(seedText, out)
}

// plainASCII writes escaped printable ASCII, all but quotes and backslashes, as itself: a mark may be spelt so.
func plainASCII(raw []byte) []byte {
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		if i+6 <= len(raw) && string(raw[i:i+4]) == `\u00` {
			n, err := strconv.ParseUint(string(raw[i+4:i+6]), 16, 8)
			if c := byte(n); err == nil && c >= ' ' && c < 0x7f && c != '"' && c != '\\' {
				out, i = append(out, c), i+5
				continue
			}
		}
		out = append(out, raw[i])
	}
	return out
}
