package record

import (
	"encoding/binary"
	"math/bits"
)

const (
	internBits = 11
	internMax  = 64 // bytes of the longest text that is shared
)

// interner shares short texts that come again and again, such as operations and users. A newer text takes the place of an
// older one with the same hash, so it never grows.
type interner struct {
	table *[1 << internBits]string
}

func (in *interner) intern(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if len(b) > internMax {
		return string(b)
	}
	if in.table == nil {
		in.table = new([1 << internBits]string)
	}
	at := &in.table[hashBytes(0, b)>>(64-internBits)]
	if *at != string(b) {
		*at = string(b)
	}
	return *at
}

const (
	prime1 = 0x9e3779b97f4a7c15
	prime2 = 0xd1b54a32d192ed03
	prime3 = 0xa0761d6478bd642f
)

// mix makes one well-mixed number of two. What is added keeps both in it where a factor, which may be a word that somebody
// chose, is zero.
func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a^prime1, b^prime2)
	return hi ^ lo ^ (bits.RotateLeft64(a, 29) + b)
}

// hashBytes digests b, the same in every process.
func hashBytes(seed uint64, b []byte) uint64 {
	h, n := seed, uint64(len(b))
	for len(b) >= 8 {
		h = mix(h, binary.LittleEndian.Uint64(b))
		b = b[8:]
	}
	return mix(h^prime3, lastWord(b)^n*prime1)
}

// lastWord is up to seven bytes as a number.
func lastWord(b []byte) (w uint64) {
	switch n := len(b); {
	case n >= 4:
		w = uint64(binary.LittleEndian.Uint32(b)) | uint64(binary.LittleEndian.Uint32(b[n-4:]))<<(8*(n-4))
	case n > 0:
		w = uint64(b[0]) | uint64(b[n/2])<<(8*(n/2)) | uint64(b[n-1])<<(8*(n-1))
	}
	return w
}
