package source

import (
	"archive/zip"
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// maxLayers is how many compressions and archives may be around a text: a zip in a zip that holds gzip files.
const maxLayers = 3

// errBomb ends the reading of compressed input that expands without end.
var errBomb = errors.New("it expands too much for a log (see MaxExpansion)")

// meter watches how one input from the user expands, through all its layers.
type meter struct {
	in     int64 // compressed bytes that were read so far
	out    int64 // bytes that came of them
	factor int64
}

type counted struct {
	r io.Reader
	m *meter
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.m.in += int64(n)
	return n, err
}

type limited struct {
	r io.Reader
	m *meter
}

func (l limited) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	l.m.out += int64(n)
	if l.m.out > freeExpansion && l.m.out/l.m.factor > l.m.in {
		return 0, errBomb
	}
	return n, err
}

// readerAt is an input that can be read at any place, which an archive needs.
type readerAt struct {
	io.ReaderAt
	size int64
}

// content reads an input through its layers. at is nil where the input cannot be read at any place.
func (r *run) content(in io.Reader, at *readerAt, src input, m *meter, layer int) error {
	br := bufio.NewReaderSize(in, 64<<10)
	head := peek(br)
	kind := compression(head)
	if kind != "" && layer >= maxLayers {
		return r.unread(src.name, "is packed more than %d times", maxLayers)
	}
	switch kind {
	case "gzip":
		z, err := gzip.NewReader(br)
		if err != nil {
			return r.unread(src.name, "%v", err)
		}
		defer z.Close()
		return r.decompressed(z, src, m, layer)
	case "zstd":
		z, err := zstd.NewReader(br, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(128<<20))
		if err != nil {
			return r.unread(src.name, "%v", err)
		}
		defer z.Close()
		return r.decompressed(z, src, m, layer)
	case "zip":
		if at != nil {
			return r.archive(at, src, m, layer)
		}
		return r.spool(br, src, m, layer)
	}
	if layer > 0 {
		ahead := newReadAhead(br)
		defer ahead.stop()
		br = bufio.NewReaderSize(ahead, 64<<10)
	}
	return r.text(br, src)
}

func (r *run) decompressed(z io.Reader, src input, m *meter, layer int) error {
	src.live = false
	return r.content(limited{z, m}, nil, src, m, layer+1)
}

// peek is what an input starts with, without waiting for more than four bytes.
func peek(br *bufio.Reader) []byte {
	_, _ = br.Peek(4)
	head, _ := br.Peek(br.Buffered())
	return head
}

// compression recognises what is compressed by its first bytes.
func compression(head []byte) string {
	if len(head) < 4 {
		return ""
	}
	switch {
	case head[0] == 0x1f && head[1] == 0x8b:
		return "gzip"
	case string(head[:4]) == "\x28\xb5\x2f\xfd", head[0]&0xf0 == 0x50 && string(head[1:4]) == "\x2a\x4d\x18":
		return "zstd"
	case string(head[:4]) == "PK\x03\x04", string(head[:4]) == "PK\x05\x06":
		return "zip"
	}
	return ""
}

// archive reads the members of a zip, in its own order.
func (r *run) archive(at *readerAt, src input, m *meter, layer int) error {
	z, err := zip.NewReader(at, at.size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return r.unread(src.name, "%v", err)
	}
	z.RegisterDecompressor(zip.Deflate, flate.NewReader)
	z.RegisterDecompressor(zstd.ZipMethodWinZip, zstd.ZipDecompressor(zstd.WithDecoderMaxWindow(128<<20)))
	m.in = max(m.in, at.size) // all of the archive is there to be read
	for _, f := range z.File {
		if f.FileInfo().IsDir() {
			continue
		}
		if f.Name == "xl/workbook.xml" {
			return r.unread(src.name, "is an Excel workbook; export it as CSV")
		}
	}
	for _, f := range z.File {
		if f.FileInfo().IsDir() {
			continue
		}
		member := input{name: src.name + "!" + f.Name}
		if f.Flags&1 != 0 {
			if err := r.unread(member.name, "is encrypted"); err != nil {
				return err
			}
			continue
		}
		if err := r.member(f, member, m, layer); err != nil {
			return err
		}
		if m.out > freeExpansion && m.out/m.factor > m.in {
			return r.unread(src.name, "the members after %s are left out: %v", f.Name, errBomb)
		}
	}
	return nil
}

func (r *run) member(f *zip.File, src input, m *meter, layer int) error {
	in, err := f.Open()
	if err != nil {
		return r.unread(src.name, "%v", err)
	}
	defer in.Close()
	return r.decompressed(in, src, m, layer)
}

// spool writes an archive that cannot be read at any place to a file that can, and reads that.
func (r *run) spool(in io.Reader, src input, m *meter, layer int) error {
	tmp, err := os.CreateTemp(r.files.Tmp, "detect-*.zip")
	if err != nil {
		return r.unread(src.name, "cannot be written out to be read: %v", err)
	}
	defer func() {
		_ = tmp.Close()
		_ = os.Remove(tmp.Name())
	}()
	size, err := io.Copy(tmp, in)
	if err != nil {
		return r.unread(src.name, "%v", fmt.Errorf("write archive out: %w", err))
	}
	return r.archive(&readerAt{tmp, size}, src, m, layer)
}

// readAhead reads in a goroutine of its own, so that decompressing and cutting go on side by side.
type readAhead struct {
	full   chan []byte // blocks that were read; closed after the last
	free   chan []byte
	quit   chan struct{}
	err    error // why there are no more; set before full is closed
	block  []byte
	unused []byte // what of block is not yet taken
}

func newReadAhead(in io.Reader) *readAhead {
	a := &readAhead{full: make(chan []byte, 3), free: make(chan []byte, 4), quit: make(chan struct{})}
	for range cap(a.free) {
		a.free <- make([]byte, 256<<10)
	}
	go a.read(in)
	return a
}

func (a *readAhead) read(in io.Reader) {
	defer close(a.full)
	for {
		var block []byte
		select {
		case block = <-a.free:
		case <-a.quit:
			return
		}
		n, err := fill(in, block, false)
		if n > 0 {
			a.full <- block[:n] // never blocks for long: there are no more blocks than room, or stop takes them
		}
		if err != nil {
			a.err = err
			return
		}
	}
}

func (a *readAhead) Read(p []byte) (int, error) {
	for len(a.unused) == 0 {
		if a.block != nil {
			a.free <- a.block[:cap(a.block)]
			a.block = nil
		}
		block, ok := <-a.full
		if !ok {
			return 0, a.err
		}
		a.block, a.unused = block, block
	}
	n := copy(p, a.unused)
	a.unused = a.unused[n:]
	return n, nil
}

// stop ends the goroutine and waits for it.
func (a *readAhead) stop() {
	close(a.quit)
	for range a.full {
	}
}
