package tables

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// Distances holds a lower bound of the distance of every two countries. It is immutable.
type Distances struct {
	codes []string // sorted
	km    []uint16 // the pairs (i, j), i < j, row by row
}

// NewDistances makes the table for codes, which are sorted; km tells the distance, rounded down here.
func NewDistances(codes []string, km func(i, j int) float64) (*Distances, error) {
	if !slices.IsSorted(codes) {
		return nil, fmt.Errorf("the countries are not sorted")
	}
	t := &Distances{codes: codes}
	for i := range codes {
		for j := i + 1; j < len(codes); j++ {
			t.km = append(t.km, uint16(min(max(km(i, j), 0), math.MaxUint16)))
		}
	}
	return t, nil
}

// Countries are the countries whose outline is known, sorted.
func (t *Distances) Countries() []string { return slices.Clone(t.codes) }

// KM is the distance of two countries; 0 if either has no outline.
func (t *Distances) KM(a, b string) float64 {
	i, ok := slices.BinarySearch(t.codes, a)
	j, also := slices.BinarySearch(t.codes, b)
	if !ok || !also || i == j {
		return 0
	}
	if i > j {
		i, j = j, i
	}
	// The rows before row i hold n-1, n-2, ... n-i pairs.
	return float64(t.km[i*(2*len(t.codes)-i-1)/2+j-i-1])
}

// Encode packs the table.
func (t *Distances) Encode() ([]byte, error) {
	b := binary.AppendUvarint(nil, uint64(len(t.codes)))
	for _, c := range t.codes {
		if len(c) != 2 {
			return nil, fmt.Errorf("country %q is not two letters", c)
		}
		b = append(b, c...)
	}
	for _, d := range t.km {
		b = binary.LittleEndian.AppendUint16(b, d)
	}
	return compress(b)
}

// DecodeDistances unpacks what Encode packed.
func DecodeDistances(packed []byte) (*Distances, error) {
	b, err := decompress(packed)
	if err != nil {
		return nil, err
	}
	r := &reader{b: b}
	t := &Distances{}
	n := r.count(2)
	for range n {
		t.codes = append(t.codes, string(r.bytes(2)))
	}
	if r.failed || len(r.b) != n*(n-1) || !slices.IsSorted(t.codes) {
		return nil, errCorrupt
	}
	t.km = make([]uint16, n*(n-1)/2)
	for i := range t.km {
		t.km[i] = binary.LittleEndian.Uint16(r.b[2*i:])
	}
	return t, nil
}
