package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"
)

// packedReader reads a file that can't be read from the middle: in one go from its beginning to where it ends now, through
// the layers that Files has, in steps. What was read of it before is passed over.
type packedReader struct {
	next  func() (*Batch, bool)
	stop  func()
	size  int64
	mtime int64
	f     *followed
	w     *follower

	texts   int  // how many were met
	partial bool // it ends in the middle
	other   bool // it has not the content that is known of it
	held    []Warning
	err     error
}

func (w *follower) stepPacked(f *followed, now time.Time) error {
	if f.packed == nil {
		f.packed = newPackedReader(w, f)
		f.last = now
	}
	p := f.packed
	if b, ok := p.next(); ok {
		return w.send(b, f)
	}
	p.stop()
	f.packed = nil
	if p.err != nil {
		return p.err
	}
	if p.other {
		w.done(f)
		return w.renew(f, now)
	}
	f.row.Size, f.row.Mtime = p.size, p.mtime
	f.row.Done = !p.partial && len(p.held) == 0
	f.held, f.fault = p.held, ""
	f.mark(p.size)
	f.endSize, f.endMtime, f.live = p.size, p.mtime, true
	w.done(f)
	if err := w.send(nil, f); err != nil {
		return err
	}
	return w.settle(f, now)
}

func newPackedReader(w *follower, f *followed) *packedReader {
	p := &packedReader{w: w, f: f, size: f.size, mtime: f.mtime}
	p.next, p.stop = iter.Pull(p.batches)
	return p
}

var errStopped = errors.New("reading was stopped")

// batches gives what is read, batch by batch; row is up to date with each.
func (p *packedReader) batches(yield func(*Batch) bool) {
	emit := func(b *Batch) error {
		if len(b.Records) == 0 && len(b.Rejects) == 0 { // what content tells of a file that it can't read
			for _, n := range b.Warnings {
				if n.Unread {
					p.held = append(p.held, n)
				} else {
					p.w.notes = append(p.w.notes, n)
				}
			}
			b.Release()
			return nil
		}
		if !yield(b) {
			return errStopped
		}
		return nil
	}
	into := func(in io.Reader, src input) error { return p.text(in, src, emit) }
	err := p.w.content(p.f, p.size, emit, into)
	if err != nil && !errors.Is(err, errStopped) && !errors.Is(err, errOther) {
		p.err = err
	}
}

// content reads a file through the layers of Files.
func (w *follower) content(f *followed, size int64, emit func(*Batch) error, into func(io.Reader, input) error) error {
	r := &run{ctx: w.ctx, emit: emit, into: into, files: Files{BlockSize: w.BlockSize, MaxExpansion: w.MaxExpansion, Tmp: w.Tmp}}
	section := io.NewSectionReader(f.file, 0, size)
	m := &meter{factor: w.MaxExpansion}
	return r.content(counted{section, m}, &readerAt{section, size}, input{name: f.path}, m, 0)
}

var errOther = errors.New("it has not the content that is known of it")

// text reads one of the texts in the file.
func (p *packedReader) text(in io.Reader, src input, emit func(*Batch) error) error {
	k, row := p.texts, p.f.row
	p.texts++
	if k < row.Text {
		return nil // read before
	}
	c := newCutting(src.name)
	known, isKnown := p.f.matches[k]
	if k == row.Text && row.Cut != nil {
		known, isKnown = row.textState, true
	}
	if isKnown {
		again, same, err := known.replay(src.name, in)
		switch {
		case err != nil && !errors.Is(err, io.ErrUnexpectedEOF):
			p.held = append(p.held, Warning{File: src.name, Text: err.Error(), Unread: true})
			return nil
		case !same:
			p.other = true
			return errOther
		}
		c = again
	}
	row.Text = k
	snapshot := func() {
		row.textState = c.state()
		p.w.remember(row)
	}
	snapshot()
	for {
		if err := p.w.ctx.Err(); err != nil {
			return err
		}
		b, err := c.block(p.w.BlockSize, func(room []byte) (int, error) { return fill(in, room, false) })
		snapshot()
		if b != nil {
			if err := emit(b); err != nil {
				return err
			}
		}
		switch {
		case c.auto.stop:
			return nil
		case err != nil:
			return p.end(c, src, err, snapshot, emit)
		}
	}
}

// end deals with the end of a text. One that is cut off may go on when the file has grown.
func (p *packedReader) end(c *cutting, src input, cause error, snapshot func(), emit func(*Batch) error) error {
	if errors.Is(cause, context.Canceled) {
		return cause
	}
	b, auto := c.tail()
	if p.f.row.Kind != kindZip && errors.Is(cause, io.ErrUnexpectedEOF) {
		p.partial = true
		p.held = append(p.held, Warning{File: src.name, Unread: true,
			Text: fmt.Sprintf("could be read up to byte %d only: %v", c.offset+int64(len(c.carry)), cause)})
		if len(b.Rejects) > 0 || len(b.Records) == 0 || !c.certain(b, auto) {
			b.Release()
			return nil
		}
		b.Warnings = b.Warnings[:0]
	} else if !errors.Is(cause, io.EOF) {
		b.unread(src.name, fmt.Sprintf("could be read up to byte %d only: %v", c.offset+int64(len(c.carry)), cause))
	}
	c.adopt(auto)
	snapshot()
	if b.empty() {
		b.Release()
		return nil
	}
	return emit(b)
}
