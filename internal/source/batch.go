package source

import "sync"

var batches = sync.Pool{New: func() any { return new(Batch) }}

// newBatch is an empty batch with a block of at least size bytes.
func newBatch(size int) *Batch {
	b := batches.Get().(*Batch)
	if cap(b.buf) < size {
		b.buf = make([]byte, size)
	}
	b.buf = b.buf[:cap(b.buf)]
	return b
}

// keepLimit is the largest block that is kept for the next batch: one that grew for a giant record is not.
const keepLimit = 4 << 20

// Release gives the batch's memory back. Nothing of the batch may be used after it.
func (b *Batch) Release() {
	b.clear()
	if cap(b.buf) > keepLimit {
		b.buf = nil
	}
	if cap(b.spare) > keepLimit {
		b.spare = nil
	}
	batches.Put(b)
}

func (b *Batch) clear() {
	clear(b.Records)
	clear(b.Rejects)
	clear(b.Warnings)
	b.Records, b.Rejects, b.Warnings, b.spare = b.Records[:0], b.Rejects[:0], b.Warnings[:0], b.spare[:0]
	b.Positions, b.Behind = nil, false
}

func (b *Batch) empty() bool {
	return len(b.Records) == 0 && len(b.Rejects) == 0 && len(b.Warnings) == 0
}

func (b *Batch) warn(file, text string) {
	b.Warnings = append(b.Warnings, Warning{File: file, Text: text})
}

func (b *Batch) unread(file, text string) {
	b.Warnings = append(b.Warnings, Warning{File: file, Text: text, Unread: true})
}

// cutter cuts records off the front of a text.
type cutter interface {
	// cut adds to b what is whole in text and returns how many bytes it is done with. It may change text in place before
	// that. Unless there is more to come, it must come to an end: with full it has to give up on a record that fills the
	// whole window, at the end on one that is cut off.
	cut(b *Batch, text []byte, rest rest) int
}

// rest says what follows a text.
type rest uint8

const (
	more rest = iota // more text follows
	full             // more follows, but the window is as large as it gets
	end              // nothing follows
)

// place is a position in a text.
type place struct {
	file   string
	line   int64
	offset int64
	fixed  bool // the text is not the file's own (a cell, a string): all of it has one place
	cr     bool // lines may end with a bare CR
	lastCR bool // cr only: the last character was a CR, so that an LF after it belongs to the same line end
}

func (p *place) origin() Origin { return Origin{p.file, p.line, p.offset} }
