package simulate

import (
	"math"
	"math/bits"
	"math/rand/v2"
)

// dice is a stream of random numbers. Everything is drawn in whole numbers from PCG's raw output, so that one seed
// gives the same bytes on every machine and under every Go version.
type dice struct{ pcg rand.PCG }

func newDice(seed, stream uint64) dice {
	var d dice
	d.pcg.Seed(seed, stream*0x9e3779b97f4a7c15+1)
	d.pcg.Uint64()
	return d
}

// n is a number from 0 to k-1, 0 if k is not positive.
func (d *dice) n(k int) int {
	if k <= 0 {
		return 0
	}
	hi, _ := bits.Mul64(d.pcg.Uint64(), uint64(k))
	return int(hi)
}

// span is a number from lo to hi, both possible.
func (d *dice) span(lo, hi int64) int64 { return lo + int64(d.n(int(hi-lo+1))) }

// chance is true in perMille of a thousand cases.
func (d *dice) chance(perMille int) bool { return d.n(1000) < perMille }

// few is a number from 0 to k-1 of which the small ones are far more frequent, as with files, sites and mail folders:
// the density falls like that of Zipf's law, without floating point.
func (d *dice) few(k int) int { return d.n(1 + d.n(1+d.n(k))) }

// expo is -ln of the middle of each of 1,024 equal parts of (0, 1), times 2^16.
var expo = func() (t [1024]int64) {
	for i := range t {
		t[i] = int64(math.Round(-math.Log((float64(i)+0.5)/1024) * 65536))
	}
	return t
}()

// wait is an exponentially distributed time of that mean, at most about 7.6 times as long.
func (d *dice) wait(mean int64) int64 { return mean * expo[d.n(1024)] >> 16 }

// ID draws a random GUID of version 4.
func (d *dice) id() guid {
	hi, lo := d.pcg.Uint64(), d.pcg.Uint64()
	return guid{hi&^0xf000 | 0x4000, lo&^(3<<62) | 2<<62}
}

// pick is one of the elements of s, each as likely as the others.
func pick[T any](d *dice, s []T) T { return s[d.n(len(s))] }

// guid is a GUID's 128 bits, high half first.
type guid [2]uint64

const hexDigits = "0123456789abcdef"

func (g guid) append(b []byte) []byte {
	for i := 60; i >= 0; i -= 4 {
		if i == 28 || i == 12 {
			b = append(b, '-')
		}
		b = append(b, hexDigits[g[0]>>i&15])
	}
	b = append(b, '-')
	for i := 60; i >= 0; i -= 4 {
		if i == 44 {
			b = append(b, '-')
		}
		b = append(b, hexDigits[g[1]>>i&15])
	}
	return b
}

func (g guid) String() string { return string(g.append(make([]byte, 0, 36))) }
