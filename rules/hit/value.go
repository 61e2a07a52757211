// Package hit holds what matching a record yields and what windows, neighbours and alerts are computed from: captured
// values, hits, and the views of them that expressions see. It knows nothing of records, rules or state, so that
// matching never touches state and timelines never touch records.
package hit

import (
	"cmp"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"strings"
	"unsafe"

	"detect/internal/geo"
)

// Kind is the type of a captured value.
type Kind uint8

// The types that a capture can have. None is the type of no value at all.
const (
	None Kind = iota
	Text
	Int
	Double
	Bool
	Time     // microseconds since 1970, UTC
	Duration // microseconds
	Place
	Texts
	Ints
)

func (k Kind) String() string {
	names := [...]string{"none", "text", "int", "double", "bool", "time", "duration", "place", "list of text", "list of int"}
	if int(k) < len(names) {
		return names[k]
	}
	return "unknown"
}

// Element is the type of one element of a list, and the type itself where it is no list.
func (k Kind) Element() Kind {
	switch k {
	case Texts:
		return Text
	case Ints:
		return Int
	default:
		return k
	}
}

// Value is one captured value. The zero value is no value.
type Value struct {
	Kind Kind
	Num  int64  // Int; Bool (0, 1); Time, Duration (microseconds); Double (its IEEE bits)
	Str  string // Text
	Ref  any    // Place: *geo.Place; Texts: []string; Ints: []int64
}

// The constructors of values, one a kind.

func OfText(s string) Value     { return Value{Kind: Text, Str: s} }
func OfInt(n int64) Value       { return Value{Kind: Int, Num: n} }
func OfDouble(f float64) Value  { return Value{Kind: Double, Num: int64(math.Float64bits(f))} }
func OfTime(us int64) Value     { return Value{Kind: Time, Num: us} }
func OfDuration(us int64) Value { return Value{Kind: Duration, Num: us} }
func OfPlace(p geo.Place) Value { return Value{Kind: Place, Ref: &p} }
func OfTexts(l []string) Value  { return Value{Kind: Texts, Ref: l} }
func OfInts(l []int64) Value    { return Value{Kind: Ints, Ref: l} }

// OfBool is the value of a bool.
func OfBool(b bool) Value {
	v := Value{Kind: Bool}
	if b {
		v.Num = 1
	}
	return v
}

// Float is a Double's number, or an Int's.
func (v Value) Float() float64 {
	if v.Kind == Double {
		return math.Float64frombits(uint64(v.Num))
	}
	return float64(v.Num)
}

// Bool is a Bool's truth.
func (v Value) Bool() bool { return v.Num != 0 }

// Place is a Place's place; the unknown place for every other kind.
func (v Value) Place() geo.Place {
	if p, ok := v.Ref.(*geo.Place); ok && p != nil {
		return *p
	}
	return geo.Place{}
}

// Texts is a list of texts; nil for every other kind.
func (v Value) Texts() []string { l, _ := v.Ref.([]string); return l }

// Ints is a list of ints; nil for every other kind.
func (v Value) Ints() []int64 { l, _ := v.Ref.([]int64); return l }

// Each calls f for every element of a list, or once for a value that is no list.
func (v Value) Each(f func(Value)) {
	switch v.Kind {
	case None:
	case Texts:
		for _, s := range v.Texts() {
			f(OfText(s))
		}
	case Ints:
		for _, n := range v.Ints() {
			f(OfInt(n))
		}
	default:
		f(v)
	}
}

// Len is how often Each calls.
func (v Value) Len() int {
	switch v.Kind {
	case None:
		return 0
	case Texts:
		return len(v.Texts())
	case Ints:
		return len(v.Ints())
	default:
		return 1
	}
}

// CompareValues orders values: by kind, then by content. Numbers of different kinds are not equal.
func CompareValues(a, b Value) int {
	if c := cmp.Compare(a.Kind, b.Kind); c != 0 {
		return c
	}
	switch a.Kind {
	case Text:
		return strings.Compare(a.Str, b.Str)
	case Double:
		return cmp.Compare(a.Float(), b.Float())
	case Place:
		p, q := a.Place(), b.Place()
		return cmp.Or(cmp.Compare(p.Country, q.Country), cmp.Compare(p.City, q.City), cmp.Compare(p.Lat, q.Lat),
			cmp.Compare(p.Lon, q.Lon), cmp.Compare(p.Radius, q.Radius))
	case Texts:
		return slices.Compare(a.Texts(), b.Texts())
	case Ints:
		return slices.Compare(a.Ints(), b.Ints())
	default:
		return cmp.Compare(a.Num, b.Num)
	}
}

// ErrCorrupt is returned for bytes that no encoder of this package wrote.
var ErrCorrupt = errors.New("corrupt encoding")

// AppendString appends s behind its length.
func AppendString(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

// Reader decodes what the Append functions wrote. After the first error every method returns zero values, and Err says
// what was wrong.
type Reader struct {
	b   []byte
	err error
}

// NewReader reads from b. Strings that it returns are copies.
func NewReader(b []byte) *Reader { return &Reader{b: b} }

// Err is nil, or ErrCorrupt if anything could not be decoded.
func (r *Reader) Err() error { return r.err }

// Len is the number of bytes not yet read.
func (r *Reader) Len() int { return len(r.b) }

func (r *Reader) fail() { r.err, r.b = ErrCorrupt, nil }

// Uvarint reads an unsigned number.
func (r *Reader) Uvarint() uint64 {
	n, k := binary.Uvarint(r.b)
	if k <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[k:]
	return n
}

// Varint reads a signed number.
func (r *Reader) Varint() int64 {
	n, k := binary.Varint(r.b)
	if k <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[k:]
	return n
}

// Bytes reads n bytes; they are part of what the reader was given.
func (r *Reader) Bytes(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.fail()
		return nil
	}
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b
}

// String reads what AppendString wrote.
func (r *Reader) String() string {
	n := r.Uvarint()
	if n > uint64(len(r.b)) {
		r.fail()
		return ""
	}
	return string(r.Bytes(int(n)))
}

// count reads the length of a list whose elements take at least one byte each.
func (r *Reader) count() int {
	n := r.Uvarint()
	if n > uint64(len(r.b)) {
		r.fail()
		return 0
	}
	return int(n)
}

// AppendValue appends v's encoding to b.
func AppendValue(b []byte, v Value) []byte {
	b = append(b, byte(v.Kind))
	switch v.Kind {
	case None:
	case Text:
		b = AppendString(b, v.Str)
	case Place:
		p := v.Place()
		var flags byte
		if p.Known {
			flags |= 1
		}
		if p.CountryOnly {
			flags |= 2
		}
		b = append(b, flags)
		b = AppendString(b, p.City)
		b = AppendString(b, p.Country)
		for _, f := range [...]float64{p.Lat, p.Lon, p.Radius} {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(f))
		}
	case Texts:
		l := v.Texts()
		b = binary.AppendUvarint(b, uint64(len(l)))
		for _, s := range l {
			b = AppendString(b, s)
		}
	case Ints:
		l := v.Ints()
		b = binary.AppendUvarint(b, uint64(len(l)))
		for _, n := range l {
			b = binary.AppendVarint(b, n)
		}
	case Double:
		b = binary.LittleEndian.AppendUint64(b, uint64(v.Num))
	default:
		b = binary.AppendVarint(b, v.Num)
	}
	return b
}

// Value reads what AppendValue wrote.
func (r *Reader) Value() Value {
	k := r.Bytes(1)
	if k == nil {
		return Value{}
	}
	v := Value{Kind: Kind(k[0])}
	switch v.Kind {
	case None:
	case Text:
		v.Str = r.String()
	case Place:
		flags := r.Bytes(1)
		if flags == nil {
			return Value{}
		}
		p := &geo.Place{Known: flags[0]&1 != 0, CountryOnly: flags[0]&2 != 0, City: r.String(), Country: r.String()}
		for _, f := range [...]*float64{&p.Lat, &p.Lon, &p.Radius} {
			if b := r.Bytes(8); b != nil {
				*f = math.Float64frombits(binary.LittleEndian.Uint64(b))
			}
		}
		v.Ref = p
	case Texts:
		l := make([]string, r.count())
		for i := range l {
			l[i] = r.String()
		}
		v.Ref = l
	case Ints:
		l := make([]int64, r.count())
		for i := range l {
			l[i] = r.Varint()
		}
		v.Ref = l
	case Double:
		if b := r.Bytes(8); b != nil {
			v.Num = int64(binary.LittleEndian.Uint64(b))
		}
	case Int, Bool, Time, Duration:
		v.Num = r.Varint()
	default:
		r.fail()
	}
	return v
}

// Size is about how many bytes of memory v holds.
func (v Value) Size() int {
	n := int(unsafe.Sizeof(v)) + len(v.Str)
	switch v.Kind {
	case Place:
		n += int(unsafe.Sizeof(geo.Place{}))
	case Texts:
		for _, s := range v.Texts() {
			n += int(unsafe.Sizeof(s)) + len(s)
		}
	case Ints:
		n += 8 * len(v.Ints())
	}
	return n
}
