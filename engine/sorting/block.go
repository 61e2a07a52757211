package sorting

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"unsafe"

	"detect/engine"
	"detect/rules/hit"
)

// The size of a block: it is full when it has either so many entries or so many bytes of hits. Small blocks are sorted
// within the processor's cache.
const (
	blockEntries = 4096
	blockHits    = 128 << 10
)

// entry is one item without its hits.
type entry struct {
	time    int64
	hi, lo  uint64 // the identity, big endian
	content uint64
	hits    uint32 // where its hits begin in the block's hits, plus 1; 0: it has none
	future  bool
}

// same says whether two entries are copies of one record.
func (e *entry) same(o *entry) bool { return e.time == o.time && e.lo == o.lo && e.hi == o.hi }

// compareEntries orders entries by (time, identity), copies of one record by content.
func compareEntries(a, b *entry) int {
	switch {
	case a.time != b.time:
		return cmp.Compare(a.time, b.time)
	case a.hi != b.hi:
		return cmp.Compare(a.hi, b.hi)
	case a.lo != b.lo:
		return cmp.Compare(a.lo, b.lo)
	default:
		return cmp.Compare(a.content, b.content)
	}
}

// block is a part of the items in memory. What its entries hit is encoded, so that the garbage collector has nothing to
// look at.
type block struct {
	entries []entry
	hits    []byte
}

func newBlock() *block { return &block{entries: make([]entry, 0, blockEntries)} }

// size is the block's bytes.
func (b *block) size() int64 {
	return int64(cap(b.entries))*int64(unsafe.Sizeof(entry{})) + int64(cap(b.hits))
}

// reset empties the block. An unusually large one gives its memory back.
func (b *block) reset() {
	b.entries = b.entries[:0]
	if b.hits = b.hits[:0]; cap(b.hits) > 2*blockHits {
		b.hits = nil
	}
}

// maxHits is the greatest number of bytes of one item's hits, encoded: with those before it they stay below what an
// entry's offset can tell. A variable for the tests.
var maxHits int64 = math.MaxUint32 - 2*blockHits

// errHits is returned for an item that has more.
var errHits = errors.New("the record's hits are too large to be sorted")

// add takes an item and says whether the block is full now. An item that is refused leaves the block as it was.
func (b *block) add(it *engine.Item) (full bool, err error) {
	e := entry{
		time:    it.Time,
		hi:      binary.BigEndian.Uint64(it.ID[:8]),
		lo:      binary.BigEndian.Uint64(it.ID[8:]),
		content: it.Content,
		future:  it.Future,
	}
	if len(it.Hits) > 0 {
		begin := len(b.hits)
		e.hits = uint32(begin) + 1
		if b.hits = appendHits(b.hits, it.Hits); int64(len(b.hits)-begin-4) > maxHits {
			b.hits = b.hits[:begin]
			return false, errHits
		}
	}
	b.entries = append(b.entries, e)
	return len(b.entries) == cap(b.entries) || len(b.hits) >= blockHits, nil
}

// sort puts the entries in order, copies with equal content by their hits.
func (b *block) sort() {
	slices.SortFunc(b.entries, func(x, y entry) int {
		if x.time != y.time {
			if x.time < y.time {
				return -1
			}
			return 1
		}
		if c := compareEntries(&x, &y); c != 0 {
			return c
		}
		return bytes.Compare(b.hitsOf(&x), b.hitsOf(&y))
	})
}

// hitsOf is the encoded hits of an entry, nil if it has none.
func (b *block) hitsOf(e *entry) []byte {
	if e.hits == 0 {
		return nil
	}
	at := b.hits[e.hits-1:]
	return at[4 : 4+binary.LittleEndian.Uint32(at)]
}

// appendHits appends the encoded hits behind their length.
func appendHits(b []byte, hits []*hit.Hit) []byte {
	start := len(b)
	b = append(b, 0, 0, 0, 0)
	for _, h := range hits {
		b = binary.AppendUvarint(b, uint64(h.Rule))
		b = hit.AppendString(b, h.Key)
		b = hit.Append(b, h)
	}
	binary.LittleEndian.PutUint32(b[start:], uint32(len(b)-start-4))
	return b
}

// decodeHits appends the hits that appendHits encoded to dst.
func decodeHits(dst []*hit.Hit, b []byte) ([]*hit.Hit, error) {
	if len(b) == 0 {
		return dst, nil
	}
	r := hit.NewReader(b)
	for r.Len() > 0 {
		rule, key := int(r.Uvarint()), r.String()
		h := r.Hit()
		if r.Err() != nil {
			return nil, r.Err()
		}
		h.Rule, h.Key = rule, key
		dst = append(dst, h)
	}
	return dst, r.Err()
}
