package record

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"unicode/utf8"
)

// appendCanonical appends raw, valid JSON, in the one form that all copies share: members sorted by name, of one name the
// last, no blanks, text escaped no more than needed, invalid UTF-8 as U+FFFD. Numbers stay as written.
func appendCanonical(dst, raw []byte) []byte {
	switch KindOf(raw) {
	case '{':
		return appendCanonicalObject(dst, raw)
	case '[':
		dst = append(dst, '[')
		first := true
		for e := range Elements(raw) {
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst = appendCanonical(dst, e)
		}
		return append(dst, ']')
	case '"':
		p := skipBlanks(raw, 0)
		return appendQuoted(dst, appendUnescaped(nil, raw[p+1:skipText(raw, p+1)]))
	}
	return append(dst, bytes.TrimSpace(raw)...)
}

func appendCanonicalObject(dst, raw []byte) []byte {
	type member struct{ name, value []byte }
	var all []member
	for n, v := range members(raw) {
		all = append(all, member{n, v})
	}
	slices.SortStableFunc(all, func(a, b member) int { return bytes.Compare(a.name, b.name) })
	dst = append(dst, '{')
	start := len(dst)
	for i, m := range all {
		if i+1 < len(all) && bytes.Equal(m.name, all[i+1].name) {
			continue
		}
		if len(dst) > start {
			dst = append(dst, ',')
		}
		dst = append(appendQuoted(dst, m.name), ':')
		dst = appendCanonical(dst, m.value)
	}
	return append(dst, '}')
}

// appendQuoted appends valid UTF-8 as JSON text.
func appendQuoted(dst, text []byte) []byte {
	const digits = "0123456789abcdef"
	dst = append(dst, '"')
	for _, c := range text {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, `\n`...)
		case c == '\r':
			dst = append(dst, `\r`...)
		case c == '\t':
			dst = append(dst, `\t`...)
		case c < ' ':
			dst = append(dst, `\u00`...)
			dst = append(dst, digits[c>>4], digits[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

// Identity digests what makes two copies one record: normalised OrganizationId, Id, Operation, CreationTime, UserId,
// ObjectId. A record without Id takes its canonical content as Id.
func (r *Record) Identity() ID {
	return r.identity.get(r, func(r *Record) ID {
		b := r.idBuf[:0]
		b = appendPart(b, r.lowered(FOrganizationId))
		if id := r.lowered(FId); len(id) > 0 {
			b = appendPart(append(b, 'i'), id)
		} else {
			r.scratch = appendCanonical(r.scratch[:0], r.raw)
			sum := sha256.Sum256(r.scratch)
			b = appendPart(append(b, 'c'), sum[:])
		}
		r.scratch = AppendOperationKey(r.scratch[:0], r.Text(FOperation))
		b = appendPart(b, r.scratch)
		if us, ok := r.Time(); ok {
			b = binary.BigEndian.AppendUint64(append(b, 't'), uint64(us))
		} else {
			b = appendPart(append(b, 'n'), r.lowered(FCreationTime))
		}
		b = appendPart(b, r.lowered(FUserId))
		b = appendPart(b, r.lowered(FObjectId))
		r.idBuf = b
		sum := sha256.Sum256(b)
		return ID(sum[:16])
	})
}

// appendPart appends part with its length before it, so that no two lists of parts give the same bytes.
func appendPart(dst, part []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(part))), part...)
}

// lowered is a field's text for comparison: lower case, outer blanks taken off. It is valid until the next use of scratch.
func (r *Record) lowered(f Field) []byte {
	v := r.Value(f)
	inner, plain := plainText(v)
	if !plain {
		r.scratch = appendText(r.scratch[:0], v)
		for _, c := range r.scratch {
			if c >= utf8.RuneSelf {
				r.scratch = append(r.scratch[:0], bytes.ToLower(r.scratch)...)
				break
			}
		}
		inner = r.scratch
	}
	inner = trimBlanks(inner)
	r.scratch = append(r.scratch[:0], inner...)
	for i, c := range r.scratch {
		if 'A' <= c && c <= 'Z' {
			r.scratch[i] = c | 0x20
		}
	}
	return r.scratch
}
