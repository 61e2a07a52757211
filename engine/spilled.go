package engine

import (
	"hash/maphash"
)

// spilled remembers which timelines a deferred run has stored, so that the store is asked for those alone: a Bloom
// filter of fixed size, which may take one that was not stored for one that was, never the reverse.
type spilled struct {
	bits []uint64 // nil: none was stored
}

// spilledBits is the size of the filter: 1 MiB, enough for a million timelines at one mistake in fifty.
const spilledBits = 1 << 23

// spots is how many bits stand for one timeline.
const spots = 4

func (s *spilled) each(t *timeline, f func(word *uint64, bit uint64) bool) bool {
	h := spread(maphash.String(seed, t.key) + uint64(t.index))
	step := h>>32 | 1
	for range spots {
		at := h % spilledBits
		if !f(&s.bits[at/64], 1<<(at%64)) {
			return false
		}
		h += step
	}
	return true
}

// add notes that t was stored.
func (s *spilled) add(t *timeline) {
	if s.bits == nil {
		s.bits = make([]uint64, spilledBits/64)
	}
	s.each(t, func(word *uint64, bit uint64) bool { *word |= bit; return true })
}

// may says whether t may have been stored.
func (s *spilled) may(t *timeline) bool {
	return s.bits != nil && s.each(t, func(word *uint64, bit uint64) bool { return *word&bit != 0 })
}
