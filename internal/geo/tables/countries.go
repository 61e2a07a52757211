// Package tables holds the two tables that internal/geo carries, as bytes and in memory: which country an address is
// given out in, and how far two countries are apart at least.
package tables

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"net/netip"
	"slices"
	"sort"

	"github.com/klauspost/compress/zstd"
)

// maxText is the size in bytes up to which a table is unpacked.
const maxText = 64 << 20

var errCorrupt = errors.New("corrupt table")

// Range is where a range of addresses begins and its country, two letters; "" for none. It ends where the next one of its
// family begins.
type Range struct {
	Start   netip.Addr
	Country string
}

// Countries tells the country of an address. It is immutable.
type Countries struct {
	codes []string // codes[0] is ""
	v4    []uint32 // where each range begins, ascending
	c4    []uint8  // its country, an index in codes
	hi    []uint64 // the same for IPv6, upper and lower half
	lo    []uint64
	c6    []uint8
}

// Lookup is the country of ip; "" if it is not known.
func (t *Countries) Lookup(ip netip.Addr) string {
	ip = ip.Unmap()
	switch {
	case ip.Is4():
		b := ip.As4()
		n := binary.BigEndian.Uint32(b[:])
		i, found := slices.BinarySearch(t.v4, n)
		if !found {
			i--
		}
		if i < 0 {
			return ""
		}
		return t.codes[t.c4[i]]
	case ip.Is6():
		hi, lo := split(ip)
		i := sort.Search(len(t.hi), func(i int) bool { return t.hi[i] > hi || t.hi[i] == hi && t.lo[i] > lo }) - 1
		if i < 0 {
			return ""
		}
		return t.codes[t.c6[i]]
	}
	return ""
}

// Len is the number of ranges of IPv4 and of IPv6.
func (t *Countries) Len() (v4, v6 int) { return len(t.v4), len(t.hi) }

func split(ip netip.Addr) (hi, lo uint64) {
	b := ip.As16()
	return binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
}

// EncodeCountries packs the ranges of both families, each sorted by Start. Equal neighbours are merged.
//
// The text is: the countries; then for each family the number of ranges and, each as one column, the trailing zero bits of
// the distance from one start to the next, the rest of that distance (IPv6: lower and upper half), the country. Networks
// have lengths that are powers of two, so that the second column is nearly all ones, and zstd does the rest.
func EncodeCountries(v4, v6 []Range) ([]byte, error) {
	codes := []string{""}
	index := map[string]uint8{"": 0}
	for _, r := range append(slices.Clone(v4), v6...) {
		if _, ok := index[r.Country]; ok {
			continue
		}
		if len(r.Country) != 2 || len(codes) > 255 {
			return nil, fmt.Errorf("country %q: not two letters, or more than 255 of them", r.Country)
		}
		index[r.Country] = uint8(len(codes))
		codes = append(codes, r.Country)
	}
	b := binary.AppendUvarint(nil, uint64(len(codes)-1))
	for _, c := range codes[1:] {
		b = append(b, c...)
	}
	for _, family := range [][]Range{v4, v6} {
		var zeros, low, high, country []byte
		var prevHi, prevLo uint64
		n := 0
		for i, r := range family {
			if i > 0 && !family[i-1].Start.Less(r.Start) {
				return nil, fmt.Errorf("range %s is not after %s", r.Start, family[i-1].Start)
			}
			if i > 0 && family[i-1].Country == r.Country {
				continue
			}
			hi, lo := split(r.Start)
			if r.Start.Is4() {
				hi, lo = 0, lo&0xffffffff
			}
			d, borrow := bits.Sub64(lo, prevLo, 0)
			e, _ := bits.Sub64(hi, prevHi, borrow)
			prevHi, prevLo = hi, lo
			z := trailingZeros(e, d)
			e, d = shiftRight(e, d, z)
			zeros = append(zeros, byte(z))
			low = binary.AppendUvarint(low, d)
			high = binary.AppendUvarint(high, e)
			country = append(country, index[r.Country])
			n++
		}
		b = binary.AppendUvarint(b, uint64(n))
		b = slices.Concat(b, zeros, low, high, country)
	}
	return compress(b)
}

// DecodeCountries unpacks what EncodeCountries packed.
func DecodeCountries(packed []byte) (*Countries, error) {
	b, err := decompress(packed)
	if err != nil {
		return nil, err
	}
	r := &reader{b: b}
	t := &Countries{codes: []string{""}}
	for range r.count(2) {
		t.codes = append(t.codes, string(r.bytes(2)))
	}
	var lo []uint64
	_, lo, t.c4 = r.family(len(t.codes))
	for _, n := range lo {
		t.v4 = append(t.v4, uint32(n))
	}
	t.hi, t.lo, t.c6 = r.family(len(t.codes))
	if r.failed || len(r.b) > 0 {
		return nil, errCorrupt
	}
	return t, nil
}

// family reads the ranges of one family.
func (r *reader) family(codes int) (hi, lo []uint64, country []uint8) {
	n := r.count(4)
	zeros := r.bytes(n)
	lo, hi = make([]uint64, n), make([]uint64, n)
	for i := range lo {
		lo[i] = r.uvarint()
	}
	for i := range hi {
		hi[i] = r.uvarint()
	}
	country = r.bytes(n)
	if r.failed {
		return nil, nil, nil
	}
	var prevHi, prevLo uint64
	for i := range n {
		if int(country[i]) >= codes || zeros[i] > 127 {
			r.failed = true
			return nil, nil, nil
		}
		e, d := shiftLeft(hi[i], lo[i], int(zeros[i]))
		var carry uint64
		prevLo, carry = bits.Add64(prevLo, d, 0)
		prevHi, _ = bits.Add64(prevHi, e, carry)
		hi[i], lo[i] = prevHi, prevLo
	}
	return hi, lo, slices.Clone(country)
}

func trailingZeros(hi, lo uint64) int {
	switch {
	case lo != 0:
		return bits.TrailingZeros64(lo)
	case hi != 0:
		return 64 + bits.TrailingZeros64(hi)
	}
	return 0
}

func shiftRight(hi, lo uint64, n int) (uint64, uint64) {
	if n >= 64 {
		return 0, hi >> (n - 64)
	}
	return hi >> n, lo>>n | hi<<(64-n)
}

func shiftLeft(hi, lo uint64, n int) (uint64, uint64) {
	if n >= 64 {
		return lo << (n - 64), 0
	}
	return hi<<n | lo>>(64-n), lo << n
}

// reader reads numbers and bytes; after the first fault everything is zero.
type reader struct {
	b      []byte
	failed bool
}

func (r *reader) uvarint() uint64 {
	n, k := binary.Uvarint(r.b)
	if k <= 0 {
		r.failed, r.b = true, nil
		return 0
	}
	r.b = r.b[k:]
	return n
}

// count reads the number of things that take at least size bytes each.
func (r *reader) count(size int) int {
	n := r.uvarint()
	if n > uint64(len(r.b)/size) {
		r.failed, r.b = true, nil
		return 0
	}
	return int(n)
}

func (r *reader) bytes(n int) []byte {
	if n > len(r.b) {
		r.failed, r.b = true, nil
		return make([]byte, n)
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func compress(b []byte) ([]byte, error) {
	w, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	return w.EncodeAll(b, nil), w.Close()
}

func decompress(b []byte) ([]byte, error) {
	r, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxText))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	out, err := r.DecodeAll(b, nil)
	if err != nil {
		return nil, fmt.Errorf("unpack table: %w", err)
	}
	return out, nil
}
