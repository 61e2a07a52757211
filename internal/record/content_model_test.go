package record

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// digestModel digests a valid record in a walk of its own: what Parse must come to on its way.
func digestModel(raw []byte) (size int64, digest uint64) {
	d := digester{b: raw}
	digest, _ = d.value(skipBlanks(raw, 0))
	return d.size, digest
}

// digester walks over valid JSON.
type digester struct {
	b       []byte
	size    int64 // bytes so far, without blanks and with text escaped no more than needed
	scratch []byte
}

// value digests the value at p and returns the position after it. It calls itself no deeper than MaxDepth, which Parse has
// checked.
func (d *digester) value(p int) (h uint64, end int) {
	b := d.b
	if p >= len(b) {
		return 0, p
	}
	switch b[p] {
	case '"':
		return d.text(p + 1)
	case '{':
		return d.object(p + 1)
	case '[':
		return d.list(p + 1)
	}
	start := p
	for p < len(b) && !isDelimiter(b[p]) {
		p++
	}
	if p == start { // never in valid JSON; it keeps the walk going forward
		p++
	}
	d.size += int64(p - start)
	return hashBytes(seedScalar, b[start:p]), p
}

func (d *digester) list(p int) (h uint64, end int) {
	b := d.b
	h = seedList
	d.size += 2
	p = next(b, p)
	for p < len(b) && b[p] != ']' {
		var e uint64
		e, p = d.value(p)
		h = mix(h, e)
		if p = next(b, p); p < len(b) && b[p] == ',' {
			d.size++
			p = next(b, p+1)
		}
	}
	return h, p + 1
}

func (d *digester) object(p int) (h uint64, end int) {
	b := d.b
	h = seedObject
	d.size += 2
	p = next(b, p)
	for p < len(b) && b[p] == '"' {
		var name, v uint64
		name, p = d.text(p + 1)
		p = next(b, p)
		v, p = d.value(next(b, p+1)) // after the colon
		h += mix(name, v)
		d.size++
		if p = next(b, p); p < len(b) && b[p] == ',' {
			d.size++
			p = next(b, p+1)
		}
	}
	return mix(h, seedObject), p + 1
}

// next is skipBlanks for where there are rarely any: small enough to be inlined.
func next(b []byte, p int) int {
	if p < len(b) && b[p] > ' ' {
		return p
	}
	return skipBlanks(b, p)
}

// text digests the text whose opening quote stands before p. Its end is looked for and its bytes are mixed in one go, as
// hashBytes would mix them.
func (d *digester) text(p int) (h uint64, end int) {
	b, start := d.b, p
	h = seedText
	for p+8 <= len(b) {
		w := binary.LittleEndian.Uint64(b[p:])
		q, e := w^('"'*ones), w^('\\'*ones)
		m := ((q-ones)&^q | (e-ones)&^e) & highs
		if m == 0 {
			h = mix(h, w)
			p += 8
			continue
		}
		n := bits.TrailingZeros64(m) >> 3
		if b[p+n] == '\\' {
			return d.escaped(start)
		}
		n += p
		d.size += int64(n-start) + 2
		return mix(h^prime3, w&(1<<(8*(n-p))-1)^uint64(n-start)*prime1), n + 1
	}
	return d.escaped(start)
}

// escaped digests text by what it means, all but invalid UTF-8, which is taken as it is here and in text.
func (d *digester) escaped(start int) (h uint64, end int) {
	end = skipText(d.b, start)
	d.scratch = d.scratch[:0]
	for inner := d.b[start:end]; len(inner) > 0; {
		if inner[0] == '\\' && len(inner) > 1 {
			r, n := unescape(inner)
			d.scratch, inner = utf8.AppendRune(d.scratch, r), inner[n:]
			continue
		}
		d.scratch, inner = append(d.scratch, inner[0]), inner[1:]
	}
	d.size += 2
	for _, c := range d.scratch {
		switch {
		case c == '"' || c == '\\' || c == '\n' || c == '\r' || c == '\t':
			d.size += 2
		case c < ' ':
			d.size += 6
		default:
			d.size++
		}
	}
	return hashBytes(seedText, d.scratch), end + 1
}
