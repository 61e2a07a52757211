package source

import (
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"hash"
	"io"
	"slices"
)

// cutting is the cutting of one text that may go on after its end was reached: what it needs to go on is small, can be
// written down, and is enough to begin in the middle of the text.
type cutting struct {
	auto   autoCutter
	carry  []byte // text that was read and is not consumed yet, such as half a record
	offset int64  // bytes of text that are consumed
	window int    // how much text the next block may hold

	sum    hash.Hash // of the first hashed bytes of the text, consumed or carried
	hashed int64
	head   string // digest of the first headSize bytes; "" as long as there are fewer
}

// headSize is how much of a text is compared before it is compared in full. It is less than the shortest record.
const headSize = 256

func newCutting(file string) *cutting {
	return &cutting{auto: autoCutter{place: place{file: file, line: 1}}, sum: sha256.New()}
}

// leastRoom is how much room a block must have left to be worth filling: for a character of UTF-16 and its half of the next.
const leastRoom = 8

// block reads up to a block of text with fill and has it cut. fill is given room to fill and tells with io.EOF that
// there is no more for now. The batch is nil if there is nothing in it.
func (c *cutting) block(size int, fill func([]byte) (int, error)) (b *Batch, err error) {
	c.window = max(c.window, size, len(c.carry)+leastRoom)
	b = newBatch(c.window)
	room := b.buf[:c.window]
	k := copy(room, c.carry)
	n, err := fill(room[k:])
	if n == 0 {
		b.Release()
		return nil, err
	}
	text := room[:k+n]
	c.absorb(text[k:], c.offset+int64(k))
	isFull := c.window-len(text) < leastRoom
	state := more
	if isFull && c.window >= c.auto.limit() {
		state = full
	}
	used := c.auto.cut(b, text, state)
	carry := text[used:]
	switch {
	case used == 0 && isFull:
		c.window = min(2*c.window, c.auto.limit()+leastRoom)
	case used > 0:
		c.window = min(2*len(carry), c.auto.limit()+leastRoom)
	}
	c.keep(carry)
	c.offset += int64(used)
	if b.empty() {
		b.Release()
		b = nil
	}
	return b, err
}

func (c *cutting) keep(carry []byte) {
	if cap(c.carry) > keepLimit && len(carry) < keepLimit {
		c.carry = nil
	}
	c.carry = append(c.carry[:0], carry...)
}

// absorb takes text that starts at byte at into the digest, as far as it is not in it yet.
func (c *cutting) absorb(text []byte, at int64) {
	if at+int64(len(text)) <= c.hashed {
		return
	}
	text = text[c.hashed-at:]
	c.hashed += int64(len(text))
	if left := headSize - (c.hashed - int64(len(text))); left > 0 && c.hashed >= headSize {
		c.sum.Write(text[:left])
		c.head = digest(c.sum)
		text = text[left:]
	}
	c.sum.Write(text)
}

// digest shows what a hash is at the moment.
func digest(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)[:16]) }

// tail cuts what is carried as if the text ended there, without any effect on c; adopt makes it so.
func (c *cutting) tail() (b *Batch, auto *autoCutter) {
	auto = c.auto.clone()
	b = newBatch(len(c.carry))
	text := b.buf[:copy(b.buf, c.carry)]
	auto.cut(b, text, end)
	return b, auto
}

// adopt takes the end of the text for what tail made of it. What may be appended after it all the same is cut from there.
func (c *cutting) adopt(auto *autoCutter) {
	if n := len(c.carry); n > 0 {
		if j, ok := auto.chosen.(*jsonCutter); ok {
			j.midLine = c.carry[n-1] != '\n'
		}
		c.offset += int64(n)
		c.carry = c.carry[:0]
	}
	c.auto = *auto
}

// certain says whether what tail cut can't be the beginning of something longer: a record whose brackets are closed.
func (c *cutting) certain(b *Batch, auto *autoCutter) bool {
	last := b.Records[len(b.Records)-1]
	if t, ok := auto.chosen.(*csvCutter); ok {
		cells := t.split.cells
		if len(cells) != len(t.names) || t.split.loose || c.carry[len(c.carry)-1] != '"' {
			return false
		}
		return t.flat || max(t.audit, t.raw) < len(cells)-1 || wholeValues(last.JSON)
	}
	return wholeValues(last.JSON)
}

// likely says whether what tail cut looks whole, though it could be the beginning of something longer: a row with all its
// cells, of which the last is not empty.
func (c *cutting) likely(b *Batch, auto *autoCutter) bool {
	if t, ok := auto.chosen.(*csvCutter); ok {
		return len(t.split.cells) == len(t.names) && c.carry[len(c.carry)-1] != t.split.delim
	}
	return wholeValues(b.Records[len(b.Records)-1].JSON)
}

// usable says whether what tail cut can be used if nothing more comes: a row may lack cells after that of its record.
func (c *cutting) usable(b *Batch, auto *autoCutter) bool {
	if t, ok := auto.chosen.(*csvCutter); ok && t.flat {
		return len(t.split.cells) == len(t.names)
	}
	return wholeValues(b.Records[len(b.Records)-1].JSON)
}

// wholeValues says whether a text is one or several JSON values and nothing else.
func wholeValues(text []byte) bool {
	for p := 0; p < len(text); {
		e, v := scanValue(text, p)
		if v != whole {
			return false
		}
		p = skipBlank(text, e)
	}
	return true
}

func (c *autoCutter) clone() *autoCutter {
	d := *c
	switch x := c.chosen.(type) {
	case *jsonCutter:
		y := *x
		d.chosen = &y
	case *csvCutter:
		y := *x
		y.split.cells = nil
		d.chosen = &y
	}
	return &d
}

// rename makes what is cut from now on tell another file's name.
func (c *cutting) rename(file string) {
	c.auto.file = file
	switch x := c.auto.chosen.(type) {
	case *jsonCutter:
		x.file = file
	case *csvCutter:
		x.file = file
	}
}

// textState is a cutting written down.
type textState struct {
	Offset int64     `json:"offset"` // of the text, consumed
	Hashed int64     `json:"hashed"`
	Hash   []byte    `json:"hash"` // state of the digest over the first Hashed bytes
	Head   string    `json:"head,omitempty"`
	Cut    *cutState `json:"cut"`
}

func (c *cutting) state() textState {
	s := textState{Offset: c.offset, Hashed: c.hashed, Head: c.head, Cut: c.auto.state()}
	if m, ok := c.sum.(encoding.BinaryMarshaler); ok {
		s.Hash, _ = m.MarshalBinary() // never fails for a SHA-256
	}
	return s
}

// resume makes a cutting of what was written down.
func (s *textState) resume(file string) (*cutting, error) {
	c := newCutting(file)
	if s.Cut == nil {
		return c, nil
	}
	if err := c.sum.(encoding.BinaryUnmarshaler).UnmarshalBinary(s.Hash); err != nil {
		return nil, err
	}
	c.auto = s.Cut.cutter(file)
	c.offset, c.hashed, c.head = s.Offset, s.Hashed, s.Head
	return c, nil
}

// replay reads a text from its beginning up to where c is to go on, and says whether it is the text that c was cutting:
// whether the digests agree. What was carried is carried again.
func (s *textState) replay(file string, in io.Reader) (c *cutting, same bool, err error) {
	if c, err = s.resume(file); err != nil {
		return nil, false, err
	}
	h := sha256.New()
	if _, err = io.CopyN(h, in, s.Offset); err != nil {
		return nil, false, ignoreEnd(err)
	}
	c.carry = slices.Grow(c.carry, int(s.Hashed-s.Offset))[:s.Hashed-s.Offset]
	if _, err = io.ReadFull(in, c.carry); err != nil {
		return nil, false, ignoreEnd(err)
	}
	h.Write(c.carry)
	return c, digest(h) == digest(c.sum), nil
}

// ignoreEnd takes an end for no error.
func ignoreEnd(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF { //nolint:errorlint // as io gives them
		return nil
	}
	return err
}
