package engine

import (
	"cmp"
	"hash/maphash"
	"math"
	"slices"

	"detect/rules/hit"
)

// maxDistinct is how many distinct values are kept exactly. Beyond, those with the smallest digests stay: a bottom-k
// sketch, which depends on the set of values alone and counts the values that it keeps exactly.
const maxDistinct = 1000

// valueKey is a value that can be compared and be the key of a map.
type valueKey struct {
	kind hit.Kind
	num  int64
	str  string
}

func keyOf(v hit.Value) valueKey {
	switch v.Kind {
	case hit.Text:
		return valueKey{kind: v.Kind, str: v.Str}
	case hit.Double:
		f := v.Float()
		switch {
		case f == 0:
			f = 0 // minus zero is zero
		case f != f:
			f = math.NaN()
		}
		return valueKey{kind: v.Kind, num: int64(math.Float64bits(f))}
	case hit.Place, hit.Texts, hit.Ints:
		return valueKey{kind: v.Kind, str: string(hit.AppendValue(nil, v))}
	default:
		return valueKey{kind: v.Kind, num: v.Num}
	}
}

// digest is spread evenly over 64 bits, and the same in every process.
func (k valueKey) digest() uint64 {
	h := uint64(14695981039346656037)
	h = (h ^ uint64(k.kind)) * 1099511628211
	for i := 0; i < 64; i += 8 {
		h = (h ^ uint64(k.num)>>i&0xff) * 1099511628211
	}
	for i := range len(k.str) {
		h = (h ^ uint64(k.str[i])) * 1099511628211
	}
	return spread(h)
}

// spread is the finaliser of MurmurHash3.
func spread(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// tally counts distinct values.
type tally struct {
	list  []tallied
	index []uint64 // open addressing: half of a value's hash, and its place in the list plus one; nil while the list is short
	over  bool     // values were dropped: those with a digest of limit or above
	limit uint64
	bytes int
}

type tallied struct {
	value  hit.Value
	n      int64
	most   float64 // the greatest of what was added with it
	digest uint64  // 0 while the tally is exact
}

// few is how many values are looked through one by one.
const few = 8

// seed makes the places of values in an index unpredictable; nothing else depends on it.
var seed = maphash.MakeSeed()

// hash is for an index only: it differs from process to process.
func hash(v hit.Value) uint64 {
	if v.Kind == hit.Text {
		return maphash.String(seed, v.Str)
	}
	k := keyOf(v)
	if k.str != "" {
		return maphash.String(seed, k.str)
	}
	return spread(uint64(k.num) ^ uint64(k.kind)<<56)
}

// same says whether two values count as one.
func same(a, b hit.Value) bool {
	if a.Kind != b.Kind {
		return false
	}
	switch a.Kind {
	case hit.Text:
		return a.Str == b.Str
	case hit.Double, hit.Place, hit.Texts, hit.Ints:
		return keyOf(a) == keyOf(b)
	default:
		return a.Num == b.Num
	}
}

// add counts v, which came with x.
func (t *tally) add(v hit.Value, x float64) {
	i, slot, h := t.find(v)
	if i >= 0 {
		t.list[i].n++
		t.list[i].most = max(t.list[i].most, x)
		return
	}
	e := tallied{value: v, n: 1, most: x}
	if t.over {
		if e.digest = keyOf(v).digest(); e.digest >= t.limit {
			return
		}
	}
	t.list = append(t.list, e)
	t.bytes += v.Size() + 48
	switch n := len(t.list); {
	case n >= 2*maxDistinct:
		t.prune()
	case t.index != nil && 2*n <= len(t.index):
		t.index[slot] = h&^0xffffffff | uint64(n)
	case n > few:
		t.reindex()
	}
}

// own is about how many bytes of memory the tally's lists hold, without the values' texts.
func (t *tally) own() int { return (valueSize+48)*len(t.list) + 8*len(t.index) }

// find is the place of v in the list, -1 if it isn't there; then slot is free for it in the index, and h its hash.
func (t *tally) find(v hit.Value) (i, slot int, h uint64) {
	if t.index == nil {
		for i := range t.list {
			if same(t.list[i].value, v) {
				return i, 0, 0
			}
		}
		return -1, 0, 0
	}
	h = hash(v)
	mask := len(t.index) - 1
	for slot = int(h) & mask; t.index[slot] != 0; slot = (slot + 1) & mask {
		if x := t.index[slot]; x>>32 == h>>32 && same(t.list[uint32(x)-1].value, v) {
			return int(uint32(x)) - 1, slot, h
		}
	}
	return -1, slot, h
}

// reindex makes the index anew, twice as large as it must be.
func (t *tally) reindex() {
	t.index, t.bytes = nil, 0
	for i := range t.list {
		t.bytes += t.list[i].value.Size() + 48
	}
	if len(t.list) <= few {
		return
	}
	size := 32
	for size < 4*len(t.list) {
		size *= 2
	}
	index := make([]uint64, size)
	for i := range t.list {
		h := hash(t.list[i].value)
		slot := int(h) & (size - 1)
		for index[slot] != 0 {
			slot = (slot + 1) & (size - 1)
		}
		index[slot] = h&^0xffffffff | uint64(i+1)
	}
	t.index = index
	t.bytes += 8 * size
}

// prune drops all but the values with the smallest digests, if there are too many.
func (t *tally) prune() {
	if len(t.list) <= maxDistinct {
		return
	}
	if !t.over {
		for i := range t.list {
			t.list[i].digest = keyOf(t.list[i].value).digest()
		}
	}
	slices.SortFunc(t.list, func(a, b tallied) int {
		return cmp.Or(cmp.Compare(a.digest, b.digest), hit.CompareValues(a.value, b.value))
	})
	t.over, t.limit = true, t.list[maxDistinct].digest
	clear(t.list[maxDistinct:])
	t.list = t.list[:maxDistinct]
	t.reindex()
}

// distinct is how many distinct values were added: exact, or an estimate once values were dropped.
func (t *tally) distinct() int64 {
	t.prune()
	if !t.over {
		return int64(len(t.list))
	}
	return estimate(t.list[maxDistinct-1].digest)
}

// estimate is about how many values there are if the greatest of the maxDistinct smallest digests is d.
func estimate(d uint64) int64 {
	n := float64(maxDistinct-1) / ((float64(d) + 1) / math.Exp2(64))
	if n >= math.MaxInt64 { // somebody looked for values with small digests
		return math.MaxInt64
	}
	return int64(n)
}

// counts is the values kept with how often each occurred, sorted by value.
func (t *tally) counts() []hit.Count {
	t.prune()
	c := make([]hit.Count, len(t.list))
	for i, e := range t.list {
		c[i] = hit.Count{Value: e.value, N: e.n}
	}
	slices.SortFunc(c, func(a, b hit.Count) int { return hit.CompareValues(a.Value, b.Value) })
	return c
}

// sum adds up the greatest of what came with each value; scaled up once values were dropped.
func (t *tally) sum() float64 {
	t.prune()
	most := make([]float64, len(t.list))
	for i, e := range t.list {
		most[i] = e.most
	}
	slices.Sort(most) // in an order that doesn't depend on that of the values
	s := 0.0
	for _, x := range most {
		s += x
	}
	if t.over {
		s *= float64(t.distinct()) / maxDistinct
	}
	return s
}

// clone is a tally of its own.
func (t *tally) clone() tally {
	c := *t
	c.list = slices.Clone(t.list)
	c.index = slices.Clone(t.index)
	return c
}
