package engine

import (
	"cmp"
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
	index map[valueKey]int32 // nil while the list is short
	over  bool               // values were dropped: those with a digest of limit or above
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
const few = 12

// add counts v, which came with x.
func (t *tally) add(v hit.Value, x float64) {
	if i := t.find(v); i >= 0 {
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
	t.bytes += v.Size() + 24
	if t.index != nil {
		t.index[keyOf(v)] = int32(len(t.list) - 1)
		t.bytes += 48 + len(v.Str)
	} else if len(t.list) > few {
		t.reindex()
	}
	if len(t.list) >= 2*maxDistinct {
		t.prune()
	}
}

func (t *tally) find(v hit.Value) int {
	if t.index != nil {
		if i, ok := t.index[keyOf(v)]; ok {
			return int(i)
		}
		return -1
	}
	if v.Kind == hit.Text {
		for i := range t.list {
			if t.list[i].value.Str == v.Str && t.list[i].value.Kind == hit.Text {
				return i
			}
		}
		return -1
	}
	k := keyOf(v)
	for i := range t.list {
		if keyOf(t.list[i].value) == k {
			return i
		}
	}
	return -1
}

func (t *tally) reindex() {
	t.index, t.bytes = nil, 0
	for i := range t.list {
		t.bytes += t.list[i].value.Size() + 24
	}
	if len(t.list) <= few {
		return
	}
	t.index = make(map[valueKey]int32, 2*len(t.list))
	for i := range t.list {
		t.index[keyOf(t.list[i].value)] = int32(i)
		t.bytes += 48 + len(t.list[i].value.Str)
	}
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
	return int64(float64(maxDistinct-1) / ((float64(d) + 1) / math.Exp2(64)))
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
	if t.index != nil {
		c.reindex()
	}
	return c
}
