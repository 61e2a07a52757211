package source

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"slices"
	"time"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// followed is one file.
type followed struct {
	row  *position // as of the last block, ready to be stored
	path string

	known   bool      // it was seen in this run; size, mtime and changed are valid
	size    int64     // as last seen
	mtime   int64     // nanoseconds, as last seen
	changed time.Time // since when it stands still
	missed  int       // scans in a row that did not see it
	check   bool      // it is to be made sure that its content is that of row
	fault   string    // why it could not be read, as told

	endSize  int64 // the size up to which it was read, -1 if that is not known
	endMtime int64 // its mtime before it was read so far
	live     bool  // it was read to its end in this run
	queued   bool

	tried   bool // whether its end is one was looked into
	settled bool // it stood still for so long that it is taken to stay so
	matched bool // it was compared with what is known
	matches map[int]textState

	file   *os.File
	in     *plainReader
	cut    *cutting
	packed *packedReader
	held   []Warning // what is wrong with a packed file unless it is not whole yet
	last   time.Time // when a packed file was read
}

// need says whether there is something to be read of a file.
type need uint8

const (
	idle  need = iota
	due        // now
	later      // it is to stand still first
)

func (p *position) endSize() int64 {
	if p.Kind.plain() && p.Raw == p.Size || p.Kind.packed() && (p.Done || p.Told) {
		return p.Size
	}
	return -1
}

func (f *followed) pending(w *follower, now time.Time) need {
	switch {
	case f.packed != nil:
		return due
	case !f.known || f.row.Stopped || f.size == f.endSize && f.mtime == f.endMtime:
		return idle
	case f.row.Kind.packed() && f.missed == 0:
		if now.Sub(f.changed) < w.idle && now.Sub(f.last) < patience*w.idle {
			return later
		}
	}
	return due
}

func (f *followed) rename(path string) {
	f.path, f.row.Path = path, path
	if f.row.Offset == 0 { // it may be another file in the inode of one with the same first bytes
		f.row.First = path
	}
	if f.cut != nil {
		f.cut.rename(path)
	}
}

// maxOpen is how many files are kept open.
const maxOpen = 64

func (w *follower) openFile(f *followed, now time.Time) error {
	file, err := os.Open(f.path)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err == nil && identify(f.path, info) != (fileID{f.row.Dev, f.row.Inode}) {
		err = os.ErrNotExist // another one took its place just now
	}
	if err != nil {
		_ = file.Close()
		return err
	}
	if len(w.open) >= maxOpen {
		i := slices.IndexFunc(w.open, func(o *followed) bool { return !o.queued && o.packed == nil })
		if i < 0 {
			i = max(0, slices.IndexFunc(w.open, func(o *followed) bool { return o.packed == nil }))
		}
		w.shut(w.open[i])
	}
	f.file, f.check, f.last = file, true, now
	w.open = append(w.open, f)
	return nil
}

// shut lets go of a file; it is opened again when it is to be read again, and goes on where row says.
func (w *follower) shut(f *followed) {
	f.reset()
	if f.file != nil {
		_ = f.file.Close()
	}
	f.file = nil
	w.open = slices.DeleteFunc(w.open, func(o *followed) bool { return o == f })
}

// reset ends the reading of a file.
func (f *followed) reset() {
	if f.packed != nil {
		f.packed.stop()
	}
	f.in, f.cut, f.packed = nil, nil, nil
}

// same says whether a file has the content that row tells of.
func (f *followed) same() bool {
	buf := make([]byte, max(f.row.StartLen, lastSize))
	if f.row.StartLen > 0 && digestAt(f.file, buf[:f.row.StartLen], 0) != f.row.Start {
		return false
	}
	at := f.lastAt()
	if at == 0 {
		return true
	}
	n := min(at, lastSize)
	return digestAt(f.file, buf[:n], at-n) == f.row.Last
}

// lastAt is where the bytes that row.Last is about end.
func (f *followed) lastAt() int64 {
	if f.row.Kind.packed() {
		return f.row.Size
	}
	return f.row.Raw
}

// mark notes what the file is known again by.
func (f *followed) mark(upTo int64) {
	buf := make([]byte, startSize)
	if n := int(min(upTo, startSize)); n > f.row.StartLen {
		if d := digestAt(f.file, buf[:n], 0); d != "" {
			f.row.Start, f.row.StartLen = d, n
		}
	}
	if at := f.lastAt(); at > 0 {
		n := min(at, lastSize)
		f.row.Last = digestAt(f.file, buf[:n], at-n)
	}
}

// digestAt is the digest of what is in a file from at; "" if there is less.
func digestAt(in io.ReaderAt, buf []byte, at int64) string {
	if n, _ := in.ReadAt(buf, at); n < len(buf) {
		return ""
	}
	h := sha256.New()
	h.Write(buf)
	return digest(h)
}

// sniff finds out how a file is to be read. It may be too short to tell, and for a record.
func (f *followed) sniff() kind {
	head := make([]byte, 64<<10)
	n, _ := f.file.ReadAt(head, 0)
	head = head[:n]
	if len(head) < 4 {
		return kindUnknown
	}
	switch compression(head) {
	case "":
	case "zip":
		return kindZip
	default:
		return kindPacked
	}
	found := kindUTF8
	if order, ok := sniffUTF16(head); ok {
		found = kindBE
		if order == unicode.LittleEndian {
			found = kindLE
		}
		head, _, _ = transform.Bytes(unicode.UTF16(order, unicode.IgnoreBOM).NewDecoder(), head)
	}
	text := head
	for len(text) > 0 && blankOrBOM(text) > 0 {
		text = text[blankOrBOM(text):]
	}
	switch {
	case startsWithString(head):
		return kindPacked
	case bytes.Equal(text, []byte{'"'}):
		return kindUnknown
	}
	return found
}

// plainReader reads a file that is not packed as UTF-8, from anywhere in it, and further when it has grown.
type plainReader struct {
	file *os.File
	at   int64 // how far it was read
	end  int64 // how far there was something
	wide transform.Transformer
	skip int64 // bytes of text that are known and to be passed over
	buf  []byte
}

func newPlainReader(f *followed) *plainReader {
	r := &plainReader{file: f.file, at: f.row.Raw}
	order := unicode.LittleEndian
	switch f.row.Kind {
	case kindUTF8:
		return r
	case kindBE:
		order = unicode.BigEndian
	}
	r.wide = unicode.UTF16(order, unicode.IgnoreBOM).NewDecoder().Transformer
	if r.at == 0 {
		r.skip = f.row.Offset
	}
	return r
}

// fill reads text into room, and tells with io.EOF that there is no more for now.
func (r *plainReader) fill(room []byte) (n int, err error) {
	if r.wide == nil {
		n, err = r.file.ReadAt(room, r.at)
		r.at += int64(n)
		r.end = r.at
		return n, err
	}
	if r.buf == nil {
		r.buf = make([]byte, 64<<10)
	}
	for len(room)-n >= leastRoom && err == nil {
		var m int
		m, err = r.file.ReadAt(r.buf[:min(len(r.buf), (len(room)-n)/3*2)], r.at)
		r.end = r.at + int64(m)
		written, used, cause := r.wide.Transform(room[n:], r.buf[:m], false)
		r.at += int64(used)
		if drop := min(r.skip, int64(written)); drop > 0 {
			r.skip -= drop
			written = copy(room[n:], room[n+int(drop):n+written])
		}
		n += written
		if cause != nil && err == nil && used == 0 {
			err = cause
		}
	}
	return n, err
}

// consumed is where in the file text ends that carry comes after.
func (r *plainReader) consumed(carry []byte) int64 {
	if r.wide == nil {
		return r.at - int64(len(carry))
	}
	units := int64(0)
	for _, c := range string(carry) {
		if units++; c >= 0x10000 {
			units++
		}
	}
	return r.at - 2*units
}

// ended says whether a reader's error means that there is no more for now.
func ended(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, transform.ErrShortSrc) }
