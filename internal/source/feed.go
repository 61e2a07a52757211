package source

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// run is one run over files.
type run struct {
	ctx   context.Context
	emit  func(*Batch) error
	files Files
	into  func(in io.Reader, src input) error // what reads the texts; nil: feed
}

// input is what is being read, for messages and for what they mean.
type input struct {
	name  string
	named bool // the user named it, rather than its folder or archive
	live  bool // it comes as it happens: hand on what is there rather than wait for a full block
}

// tell hands on a batch that holds only a warning.
func (r *run) tell(w Warning) error {
	b := newBatch(0)
	b.Warnings = append(b.Warnings, w)
	return r.emit(b)
}

func (r *run) unread(name, format string, args ...any) error {
	return r.tell(Warning{File: name, Text: fmt.Sprintf(format, args...), Unread: true})
}

// feed reads text, has it cut, and hands on what was cut. A record that is not whole at the end of a block is carried over
// to the next, in a window that grows with the record up to its limit.
func (r *run) feed(in io.Reader, src input) error {
	if r.into != nil {
		return r.into(in, src)
	}
	c := &autoCutter{place: place{file: src.name, line: 1}, named: src.named}
	b := newBatch(r.files.BlockSize)
	window, n := r.files.BlockSize, 0
	total := int64(0)
	for {
		if err := r.ctx.Err(); err != nil {
			return err
		}
		room := b.buf[:window]
		m, err := fill(in, room[n:], src.live)
		n, total = n+m, total+int64(m)
		state := more
		switch {
		case err != nil:
			state = end
		case n == window && window >= c.limit():
			state = full
		}
		used := c.cut(b, room[:n], state)
		if err != nil && !errors.Is(err, io.EOF) {
			b.unread(src.name, fmt.Sprintf("could be read up to byte %d only: %v", total, err))
		}
		if err != nil || c.stop {
			if b.empty() {
				b.Release()
				return nil
			}
			return r.emit(b)
		}
		carry := room[used:n]
		next := r.files.BlockSize
		switch {
		case used == 0 && n == window:
			next = min(2*window, c.limit())
		case len(carry)*2 > next:
			next = min(2*len(carry), c.limit())
		case used == 0:
			next = window
		}
		if b.empty() && next <= len(b.buf) {
			copy(b.buf, carry)
		} else {
			fresh := newBatch(next)
			copy(fresh.buf, carry)
			if b.empty() {
				b.Release()
			} else if err := r.emit(b); err != nil {
				fresh.Release()
				return err
			}
			b = fresh
		}
		window, n = next, len(carry)
	}
}

// fill reads until the buffer is full or, live, until there is something.
func fill(in io.Reader, buf []byte, live bool) (n int, err error) {
	for idle := 0; n < len(buf) && err == nil; {
		var m int
		m, err = in.Read(buf[n:])
		n += m
		if live && n > 0 {
			break
		}
		if m > 0 {
			idle = 0
		} else if idle++; idle > 100 {
			return n, io.ErrNoProgress
		}
	}
	return n, err
}
