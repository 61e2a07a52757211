package record

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// plainText is what stands between the quotes of JSON text that needs no decoding: plain ASCII without escapes.
func plainText(v []byte) (inner []byte, ok bool) {
	if len(v) < 2 || v[0] != '"' {
		return nil, false
	}
	inner = v[1 : len(v)-1]
	p := 0
	for ; p+8 <= len(inner); p += 8 {
		w := binary.LittleEndian.Uint64(inner[p:])
		e := w ^ '\\'*ones
		if (w|(e-ones)&^e)&highs != 0 {
			return nil, false
		}
	}
	for ; p < len(inner); p++ {
		if c := inner[p]; c >= utf8.RuneSelf || c == '\\' {
			return nil, false
		}
	}
	return inner, true
}

// appendUnescaped appends what inner, valid JSON text without its quotes, means: escapes resolved, and invalid UTF-8 and
// lone surrogates as U+FFFD.
func appendUnescaped(dst, inner []byte) []byte {
	for p := 0; p < len(inner); {
		c := inner[p]
		switch {
		case c == '\\' && p+1 < len(inner):
			r, n := unescape(inner[p:])
			dst = utf8.AppendRune(dst, r)
			p += n
		case c < utf8.RuneSelf:
			dst = append(dst, c)
			p++
		default:
			r, n := utf8.DecodeRune(inner[p:])
			dst = utf8.AppendRune(dst, r)
			p += n
		}
	}
	return dst
}

// unescape resolves the escape that b begins with and tells its length.
func unescape(b []byte) (r rune, n int) {
	switch c := b[1]; c {
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
	default:
		return rune(c), 2
	}
	r = hex4(b)
	if !utf16.IsSurrogate(r) {
		return r, min(6, len(b))
	}
	if len(b) >= 12 && b[6] == '\\' && b[7] == 'u' {
		if pair := utf16.DecodeRune(r, hex4(b[6:])); pair != utf8.RuneError {
			return pair, 12
		}
	}
	return utf8.RuneError, min(6, len(b))
}

// hex4 is the number in an escape of six bytes.
func hex4(b []byte) rune {
	if len(b) < 6 {
		return utf8.RuneError
	}
	var r rune
	for _, c := range b[2:6] {
		switch {
		case isDigit(c):
			c -= '0'
		default:
			c = c | 0x20 - 'a' + 10
		}
		r = r<<4 | rune(c)
	}
	return r
}

// appendText appends TextOf(v).
func appendText(dst, v []byte) []byte {
	switch KindOf(v) {
	case 0, 'n':
		return dst
	case '"':
		p := skipBlanks(v, 0)
		return appendUnescaped(dst, v[p+1:skipText(v, p+1)])
	case 't':
		if v[skipBlanks(v, 0)] == 't' {
			return append(dst, "True"...)
		}
		return append(dst, "False"...)
	case '0':
		return append(dst, v...)
	}
	return appendCanonical(dst, v)
}

// TextOf reads raw JSON as text: text as it means, invalid UTF-8 as U+FFFD; null and nothing as ""; numbers as written;
// booleans as Microsoft writes them in text, "True" and "False"; lists and objects as JSON with sorted members and
// without blanks, so that copies of a record read alike.
func TextOf(raw []byte) string {
	if inner, ok := plainText(raw); ok {
		return string(inner)
	}
	return string(appendText(nil, raw))
}

// IntOf reads raw JSON as a whole number: numbers and text that is one, fractions cut off, beyond the range the nearest
// possible; true as 1.
func IntOf(raw []byte) int64 {
	switch KindOf(raw) {
	case '0', '"':
		if n, ok := smallNumber(raw); ok {
			return n
		}
		s := strings.TrimSpace(TextOf(raw))
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return n
		}
		return wholeNumber(parseDouble(s))
	case 't':
		if BoolOf(raw) {
			return 1
		}
	}
	return 0
}

// smallNumber reads up to 18 digits, bare or as text, without a detour.
func smallNumber(raw []byte) (n int64, ok bool) {
	if len(raw) > 2 && raw[0] == '"' {
		raw = raw[1 : len(raw)-1]
	}
	if len(raw) == 0 || len(raw) > 18 || !isNumber(raw) {
		return 0, false
	}
	for _, c := range raw {
		n = n*10 + int64(c-'0')
	}
	return n, true
}

func wholeNumber(d float64) int64 {
	switch {
	case d >= math.MaxInt64:
		return math.MaxInt64
	case d <= math.MinInt64:
		return math.MinInt64
	}
	return int64(d)
}

// BoolOf reads raw JSON as a boolean: true, a number other than 0, and the texts true, 1, yes, on, enabled in any case.
func BoolOf(raw []byte) bool {
	switch KindOf(raw) {
	case 't':
		return raw[skipBlanks(raw, 0)] == 't'
	case '0':
		return DoubleOf(raw) != 0
	case '"':
		return isOn(TextOf(raw))
	}
	return false
}

// isOn says whether text means that something is switched on.
func isOn(s string) bool {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "true", "$true", "1", "yes", "on", "enabled":
		return true
	}
	return false
}

// DoubleOf reads raw JSON as a number: numbers and text that is one; beyond the range the nearest possible, never NaN or
// infinite; true as 1.
func DoubleOf(raw []byte) float64 {
	switch KindOf(raw) {
	case '0', '"':
		return parseDouble(strings.TrimSpace(TextOf(raw)))
	case 't':
		if BoolOf(raw) {
			return 1
		}
	}
	return 0
}

// parseDouble reads a decimal number, 0 if s is none. Go's own extensions (hexadecimal, underscores, inf) are none.
func parseDouble(s string) float64 {
	for i := range len(s) {
		if c := s[i]; !isDigit(c) && !strings.ContainsRune("+-.eE", rune(c)) {
			return 0
		}
	}
	d, err := strconv.ParseFloat(s, 64)
	if err != nil && !math.IsInf(d, 0) {
		return 0
	}
	return max(-math.MaxFloat64, min(d, math.MaxFloat64))
}

// TextsOf reads raw JSON as a list of texts: a list, text that holds one as JSON, any other text or value as a list of one;
// "" and null are no elements.
func TextsOf(raw []byte) []string {
	if inner := listInText(raw); inner != nil {
		raw = inner
	}
	var texts []string
	switch KindOf(raw) {
	case 0, 'n':
	case '[':
		for e := range Elements(raw) {
			if t := TextOf(e); t != "" {
				texts = append(texts, t)
			}
		}
	default:
		if t := TextOf(raw); t != "" {
			texts = append(texts, t)
		}
	}
	return texts
}

// listInText is the JSON list that JSON text holds, nil if it holds none.
func listInText(raw []byte) []byte {
	if inner := jsonInText(raw); KindOf(inner) == '[' {
		return inner
	}
	return nil
}

// jsonInText is the JSON list or object that JSON text holds, nil if it holds none. Text in text (encoded twice) is
// followed, since some exports do that.
func jsonInText(raw []byte) []byte {
	for range 3 {
		if KindOf(raw) != '"' {
			return nil
		}
		text := appendText(nil, raw)
		switch KindOf(text) {
		case '[', '{', '"':
		default:
			return nil
		}
		if !valid(text) {
			return nil
		}
		if KindOf(text) != '"' {
			return text
		}
		raw = text
	}
	return nil
}
