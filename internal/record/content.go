package record

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// Content digests the content. It is equal for copies that differ in key order, spacing and string escaping only, and the
// same in every process.
//
// Members are added up, so that their order does not matter; elements are chained, so that theirs does.
func (r *Record) Content() uint64 {
	return r.content.get(r, func(r *Record) uint64 {
		d := digester{b: r.raw, scratch: r.scratch}
		h, _ := d.value(skipBlanks(r.raw, 0))
		r.scratch = d.scratch
		return h
	})
}

type digester struct {
	b       []byte
	scratch []byte
}

// Seeds that keep values of different types apart.
const (
	seedText   = 0x1f83d9abfb41bd6b
	seedObject = 0x5be0cd19137e2179
	seedList   = 0x510e527fade682d1
	seedScalar = 0x9b05688c2b3e6c1f
)

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
		h = seedList
		p = skipBlanks(b, p+1)
		for p < len(b) && b[p] != ']' {
			var e uint64
			e, p = d.value(p)
			h = mix(h, e)
			p = d.comma(p)
		}
		return h, p + 1
	}
	start := p
	for p < len(b) && !isDelimiter(b[p]) {
		p++
	}
	if p == start { // never in valid JSON; it keeps the walk going forward
		p++
	}
	return hashBytes(seedScalar, b[start:p]), p
}

func (d *digester) object(p int) (h uint64, end int) {
	b := d.b
	h = seedObject
	p = skipBlanks(b, p)
	for p < len(b) && b[p] == '"' {
		var name, v uint64
		name, p = d.text(p + 1)
		p = skipBlanks(b, p)
		p = skipBlanks(b, p+1) // the colon
		v, p = d.value(p)
		h += mix(name, v)
		p = d.comma(p)
	}
	return mix(h, seedObject), p + 1
}

// comma passes over blanks and one comma.
func (d *digester) comma(p int) int {
	if p < len(d.b) && d.b[p] == ',' {
		p++
		if p < len(d.b) && d.b[p] > ' ' {
			return p
		}
		return skipBlanks(d.b, p)
	}
	p = skipBlanks(d.b, p)
	if p < len(d.b) && d.b[p] == ',' {
		return skipBlanks(d.b, p+1)
	}
	return p
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
		return mix(h^prime3, w&(1<<(8*n)-1)^uint64(p+n-start)*prime1), p + n + 1
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
	return hashBytes(seedText, d.scratch), end + 1
}
