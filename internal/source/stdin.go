package source

import (
	"cmp"
	"context"
	"io"
	"strings"
)

// Stdin reads standard input as records arrive there, in any form that Files reads.
type Stdin struct {
	// In is what is read.
	In io.Reader
	// BlockSize, MaxExpansion and Tmp are as those of Files.
	BlockSize    int
	MaxExpansion int64
	Tmp          string
}

// Run reads to the end of the input, then gives an empty batch that is not Behind, and returns nil. Batches are as those of
// Files. When ctx ends Run returns its error at once; a read of In that is under way is left to end by itself, as nothing can
// end one of a terminal or a pipe, and what it reads is lost.
func (s *Stdin) Run(ctx context.Context, emit func(*Batch) error) error {
	in := newLoose(ctx, cmp.Or[io.Reader](s.In, strings.NewReader("")))
	defer close(in.asked)
	f := &Files{Paths: []string{"-"}, Stdin: in, BlockSize: s.BlockSize, MaxExpansion: s.MaxExpansion, Tmp: s.Tmp}
	err := f.Run(ctx, func(b *Batch) error {
		if ctx.Err() != nil { // what was read up to then may be cut anywhere
			b.Release()
			return ctx.Err()
		}
		b.Behind = true
		return emit(b)
	})
	if err = cmp.Or(err, ctx.Err()); err != nil {
		return err
	}
	return emit(newBatch(0))
}

// loose reads in a goroutine that can be left behind.
type loose struct {
	ctx   context.Context
	asked chan int
	got   chan looseRead
	rest  []byte
	err   error
}

type looseRead struct {
	data []byte
	err  error
}

func newLoose(ctx context.Context, in io.Reader) *loose {
	l := &loose{ctx: ctx, asked: make(chan int), got: make(chan looseRead, 1)}
	go func() {
		buf := make([]byte, 64<<10)
		for range l.asked {
			n, err := in.Read(buf)
			l.got <- looseRead{buf[:n], err}
		}
	}()
	return l
}

func (l *loose) Read(p []byte) (int, error) {
	if len(l.rest) == 0 && l.err == nil {
		l.asked <- len(p)
		select {
		case r := <-l.got:
			l.rest, l.err = r.data, r.err
		case <-l.ctx.Done():
			l.err = l.ctx.Err()
		}
	}
	n := copy(p, l.rest)
	l.rest = l.rest[n:]
	if len(l.rest) > 0 {
		return n, nil
	}
	return n, l.err
}
