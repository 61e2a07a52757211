package engine

import (
	"encoding/binary"
	"fmt"
	"math"

	"detect/rules"
	"detect/rules/hit"
)

// codecVersion begins every head, cell and fold, so that a later version can tell what it reads.
const codecVersion = 1

// accStart is the Start of the cell that holds the open episode: it changes more seldom than the head and may be larger.
const accStart = math.MinInt64

// name is what the store knows the timeline by.
func (t *timeline) name() Timeline {
	return Timeline{Rule: t.rule.ID, Version: t.rule.Version, Key: t.key}
}

// write is what has to be stored of the timeline, and notes that it is; ok is false if there is nothing to store.
func (t *timeline) write() (w TimelineWrite, ok bool) {
	w = TimelineWrite{Timeline: t.name(), Due: t.dueF, DueAbsence: t.dueT}
	t.dirty = false
	if t.empty() {
		ok, t.saved, t.removed, t.accSaved, t.accDirty = t.saved, false, nil, false, false
		return w, ok
	}
	if t.accDirty && (t.acc != nil || t.accSaved) {
		c := Cell{Start: accStart}
		if t.acc != nil {
			c.Data = t.appendOpen(nil)
		}
		w.Cells = append(w.Cells, c)
	}
	t.accDirty, t.accSaved = false, t.acc != nil
	for _, start := range t.removed {
		w.Cells = append(w.Cells, Cell{Start: start})
	}
	t.removed = nil
	for i := range t.cells {
		if c := &t.cells[i]; c.dirty {
			hs := between(t.hits, c.start-1, c.start+t.length-1)
			if c.dirty = false; len(hs) > 0 {
				w.Cells = append(w.Cells, Cell{Start: c.start, Data: appendHits([]byte{codecVersion}, hs)})
				c.saved = true
			} else if c.saved {
				w.Cells = append(w.Cells, Cell{Start: c.start})
				c.saved = false
			}
		}
	}
	w.Head, t.saved = t.appendHead(nil), true
	return w, true
}

func (t *timeline) appendHead(b []byte) []byte {
	b = append(b, codecVersion)
	b = binary.AppendVarint(b, t.decided)
	b = binary.AppendVarint(b, t.opened)
	b = binary.AppendUvarint(b, uint64(len(t.alerts)))
	b = binary.AppendUvarint(b, uint64(len(t.taken)))
	for _, m := range t.taken {
		b = appendMark(b, m)
	}
	b = binary.AppendUvarint(b, uint64(len(t.cells)))
	for i := range t.cells {
		c := &t.cells[i]
		b = binary.AppendVarint(b, c.start)
		b = binary.AppendVarint(b, c.n)
		b = binary.AppendVarint(b, c.rest)
		b = binary.AppendVarint(b, c.over)
		b = appendFlag(b, c.saved)
	}
	return b
}

// load reads what write made of the timeline. It says how many alerts the timeline has that can change.
func (t *timeline) load(s Saved) (alerts int, err error) {
	r := hit.NewReader(s.Head)
	if err := version(r); err != nil {
		return 0, err
	}
	t.decided, t.opened = r.Varint(), r.Varint()
	alerts = int(r.Uvarint())
	for n := r.Uvarint(); n > 0 && r.Err() == nil; n-- {
		t.taken = append(t.taken, readMark(r))
	}
	for n := r.Uvarint(); n > 0 && r.Err() == nil; n-- {
		c := cell{start: r.Varint(), n: r.Varint(), rest: r.Varint(), over: r.Varint(), saved: readFlag(r)}
		if t.cells = append(t.cells, c); c.rest > 0 {
			t.rests++
		}
	}
	for _, c := range s.Cells {
		cr := hit.NewReader(c.Data)
		if err := version(cr); err != nil {
			return 0, err
		}
		if c.Start == accStart {
			t.acc, t.accSaved = t.readOpen(cr), true
		} else {
			t.hits = readHits(cr, t.hits)
		}
		if cr.Err() != nil {
			return 0, cr.Err()
		}
	}
	t.flags = make([]uint8, len(t.hits))
	for _, h := range t.hits {
		h.Rule, h.Key = t.index, t.key
		t.account(h, 1)
	}
	t.saved, t.clean = true, math.MinInt64
	t.drop()
	return alerts, r.Err()
}

func (t *timeline) appendOpen(b []byte) []byte {
	b = appendFold(append(b, codecVersion), &t.acc.fold)
	b = appendFlag(b, t.acc.rest)
	b = binary.AppendUvarint(b, uint64(len(t.acc.names)))
	for _, id := range t.acc.names {
		b = hit.AppendString(b, id)
	}
	return b
}

func (t *timeline) readOpen(r *hit.Reader) *episode {
	e := &episode{fold: foldOf(t.rule, r)}
	e.rest = readFlag(r)
	for n := r.Uvarint(); n > 0 && r.Err() == nil; n-- {
		e.names = append(e.names, r.String())
	}
	return e
}

// appendExtras is the State of an alert that can still change.
func (a *told) appendExtras() []byte {
	if len(a.extras) == 0 {
		return nil
	}
	b := appendHits([]byte{codecVersion}, a.extras)
	if a.more.n > 0 {
		b = binary.AppendVarint(b, a.more.n)
		b = binary.AppendVarint(b, a.more.first)
		b = binary.AppendVarint(b, a.more.last)
	}
	return b
}

// readExtras reads what appendExtras wrote.
func (a *told) readExtras() error {
	if len(a.State) == 0 {
		return nil
	}
	r := hit.NewReader(a.State)
	if err := version(r); err != nil {
		return err
	}
	if a.extras = readHits(r, nil); r.Len() > 0 {
		a.more = overflow{n: r.Varint(), first: r.Varint(), last: r.Varint()}
	}
	return r.Err()
}

// readFold reads the State of a final alert.
func readFold(rule *rules.Rule, b []byte) (fold, error) {
	r := hit.NewReader(b)
	f := foldOf(rule, r)
	return f, r.Err()
}

func version(r *hit.Reader) error {
	if b := r.Bytes(1); b == nil || b[0] != codecVersion {
		return fmt.Errorf("read state of version %v: %w", b, hit.ErrCorrupt)
	}
	return nil
}

func appendHits(b []byte, hs []*hit.Hit) []byte {
	b = binary.AppendUvarint(b, uint64(len(hs)))
	for _, h := range hs {
		b = hit.Append(b, h)
	}
	return b
}

func readHits(r *hit.Reader, hs []*hit.Hit) []*hit.Hit {
	for n := r.Uvarint(); n > 0 && r.Err() == nil; n-- {
		hs = append(hs, r.Hit())
	}
	return hs
}

func appendMark(b []byte, m Mark) []byte {
	return append(binary.AppendVarint(b, m.Time), m.ID[:]...)
}

func readMark(r *hit.Reader) Mark {
	m := Mark{Time: r.Varint()}
	copy(m.ID[:], r.Bytes(len(m.ID)))
	return m
}

func appendFlag(b []byte, on bool) []byte {
	if on {
		return append(b, 1)
	}
	return append(b, 0)
}

func readFlag(r *hit.Reader) bool {
	b := r.Bytes(1)
	return b != nil && b[0] == 1
}
