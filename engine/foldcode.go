package engine

import (
	"encoding/binary"
	"math"

	"detect/rules"
	"detect/rules/hit"
)

// appendFold appends a fold's encoding.
func appendFold(b []byte, f *fold) []byte {
	b = binary.AppendVarint(b, f.count)
	b = appendMark(b, f.naming)
	b = binary.AppendVarint(b, f.first)
	b = binary.AppendVarint(b, f.last)
	b = binary.LittleEndian.AppendUint64(b, f.print)
	b = appendFlag(b, f.pair != nil)
	if f.pair != nil {
		b = hit.Append(b, f.pair.Prev)
		b = hit.Append(b, f.pair.Cur)
	}
	b = appendFlag(b, f.stats != nil)
	if f.stats == nil {
		return appendHits(b, f.few)
	}
	s := f.stats
	b = append(b, byte(s.severity))
	b = binary.AppendVarint(b, s.marks)
	b = binary.AppendUvarint(b, uint64(len(s.records)))
	for _, id := range s.records {
		b = hit.AppendString(b, id)
	}
	for i := range s.columns {
		b = s.columns[i].append(b)
	}
	for i := range s.sums {
		b = s.sums[i].append(b)
	}
	b = binary.AppendUvarint(b, uint64(len(s.sets)))
	for _, set := range s.sets {
		b = appendValues(b, set)
	}
	return b
}

// foldOf reads what appendFold wrote for the same rule.
func foldOf(rule *rules.Rule, r *hit.Reader) fold {
	f := fold{count: r.Varint(), naming: readMark(r), first: r.Varint(), last: r.Varint(), print: readUint64(r)}
	if readFlag(r) {
		prev, cur := r.Hit(), r.Hit()
		f.pair = pairOf("", prev, cur)
	}
	if !readFlag(r) {
		f.few = readHits(r, nil)
		for _, h := range f.few {
			f.fewBytes += h.Size()
		}
		return f
	}
	s := newStats(rule)
	if b := r.Bytes(1); b != nil {
		s.severity = hit.Severity(b[0])
	}
	s.marks = r.Varint()
	for n := r.Uvarint(); n > 0 && r.Err() == nil; n-- {
		s.records = append(s.records, r.String())
		s.bytes += 16 + len(s.records[len(s.records)-1])
	}
	for i := range s.columns {
		s.columns[i].read(r)
		s.bytes += 40 * len(s.columns[i].bare)
	}
	for i := range s.sums {
		s.sums[i].read(r)
	}
	for n := r.Uvarint(); n > 0 && r.Err() == nil; n-- {
		s.sets = append(s.sets, readValues(r))
	}
	f.stats = s
	return f
}

func (c *column) append(b []byte) []byte {
	b = appendValues(b, c.bare)
	b = binary.AppendVarint(b, c.n)
	b = binary.LittleEndian.AppendUint64(b, math.Float64bits(c.sum))
	for _, v := range [...]hit.Value{c.min, c.max, c.first, c.last} {
		b = hit.AppendValue(b, v)
	}
	return c.values.append(b)
}

func (c *column) read(r *hit.Reader) {
	c.bare = readValues(r)
	c.n = r.Varint()
	c.sum = math.Float64frombits(readUint64(r))
	for _, v := range [...]*hit.Value{&c.min, &c.max, &c.first, &c.last} {
		*v = r.Value()
	}
	c.values.read(r)
}

func (t *tally) append(b []byte) []byte {
	t.prune()
	b = appendFlag(b, t.over)
	b = binary.LittleEndian.AppendUint64(b, t.limit)
	b = binary.AppendUvarint(b, uint64(len(t.list)))
	for _, e := range t.list {
		b = hit.AppendValue(b, e.value)
		b = binary.AppendVarint(b, e.n)
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(e.most))
	}
	return b
}

func (t *tally) read(r *hit.Reader) {
	t.over, t.limit = readFlag(r), readUint64(r)
	for n := r.Uvarint(); n > 0 && r.Err() == nil; n-- {
		e := tallied{value: r.Value(), n: r.Varint(), most: math.Float64frombits(readUint64(r))}
		if t.over {
			e.digest = keyOf(e.value).digest()
		}
		t.list = append(t.list, e)
	}
	t.reindex()
}

func appendValues(b []byte, vs []hit.Value) []byte {
	b = binary.AppendUvarint(b, uint64(len(vs)))
	for _, v := range vs {
		b = hit.AppendValue(b, v)
	}
	return b
}

func readValues(r *hit.Reader) []hit.Value {
	var vs []hit.Value
	for n := r.Uvarint(); n > 0 && r.Err() == nil; n-- {
		vs = append(vs, r.Value())
	}
	return vs
}

func readUint64(r *hit.Reader) uint64 {
	b := r.Bytes(8)
	if b == nil {
		return 0
	}
	return binary.LittleEndian.Uint64(b)
}
