package sorting

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
	"slices"
)

// A run is a file of frames: the length of its payload and its CRC-32C, 4 bytes each, little endian, then the payload.
// An entry lies in one frame. A frame ends with the first entry that makes its payload reach frameSize.
const (
	frameSize   = 64 << 10
	frameHeader = 8
)

// ErrCorrupt is returned when a run does not hold what was written.
var ErrCorrupt = errors.New("corrupt sorted run")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// run is a sorted run on disk.
type run struct {
	level int // how often its entries were merged
	file  *os.File
	size  int64
	gone  bool // the file's name is removed already
}

// remove closes the run's file and sees to it that its name is gone.
func (r *run) remove() error {
	err := r.file.Close()
	if !r.gone {
		err = errors.Join(err, os.Remove(r.file.Name()))
	}
	return err
}

// write writes what the sources hold as one run. Exact copies are dropped.
func (s *Sorter) write(ctx context.Context, sources []source, level int) (*run, error) {
	m, err := newMerger(sources)
	if err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(s.dir(), "detect-sort-*")
	if err != nil {
		return nil, fmt.Errorf("create sorted run: %w", err)
	}
	r := &run{level: level, file: f}
	r.gone = os.Remove(f.Name()) == nil // where the system lets an open file go, nothing is left behind by a kill
	w := &runWriter{run: r, buf: make([]byte, frameHeader, frameHeader+frameSize+frameSize/8)}
	if err := s.copy(ctx, w, m); err != nil {
		_ = r.remove()
		return nil, fmt.Errorf("write sorted run %s: %w", f.Name(), err)
	}
	s.stats.Runs++
	s.stats.Spilled += r.size
	return r, nil
}

// copy moves everything from m to w.
func (s *Sorter) copy(ctx context.Context, w *runWriter, m *merger) error {
	var last entry
	var lastHits []byte
	for n := 0; !m.done(); n++ {
		if n%blockEntries == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		e, hits := m.head()
		if n > 0 && e.same(&last) && e.content == last.content && string(hits) == string(lastHits) {
			s.stats.Duplicate++
		} else {
			last, lastHits = *e, append(lastHits[:0], hits...)
			if err := w.add(e, hits); err != nil {
				return err
			}
		}
		if err := m.advance(); err != nil {
			return err
		}
	}
	return w.flush()
}

// join replaces runs by one that holds what they hold.
func (s *Sorter) join(ctx context.Context, runs []*run, level int) error {
	sources := make([]source, 0, len(runs))
	for _, r := range runs {
		sources = append(sources, source{run: r.open()})
	}
	joined, err := s.write(ctx, sources, level)
	if err != nil {
		return err
	}
	s.runs = slices.DeleteFunc(s.runs, func(r *run) bool { return slices.Contains(runs, r) })
	s.runs = append(s.runs, joined)
	for _, r := range runs {
		if err := r.remove(); err != nil {
			return fmt.Errorf("remove sorted run: %w", err)
		}
	}
	return nil
}

// smallest is the n runs that take the least to merge.
func (s *Sorter) smallest(n int) []*run {
	runs := slices.Clone(s.runs)
	slices.SortStableFunc(runs, func(a, b *run) int { return int(min(max(a.size-b.size, -1), 1)) })
	return runs[:n]
}

// runWriter writes entries in their order.
type runWriter struct {
	run  *run
	buf  []byte // a frame, its header included
	last int64  // time of the frame's last entry
}

// add writes an entry: the time since the one before, flags, identity, content, and the hits if there are any.
func (w *runWriter) add(e *entry, hits []byte) error {
	b := binary.AppendUvarint(w.buf, uint64(e.time-w.last))
	var flags byte
	if e.future {
		flags |= 1
	}
	if len(hits) > 0 {
		flags |= 2
	}
	b = append(b, flags)
	b = binary.BigEndian.AppendUint64(b, e.hi)
	b = binary.BigEndian.AppendUint64(b, e.lo)
	b = binary.BigEndian.AppendUint64(b, e.content)
	if len(hits) > 0 {
		b = binary.AppendUvarint(b, uint64(len(hits)))
		b = append(b, hits...)
	}
	w.buf, w.last = b, e.time
	if len(b)-frameHeader >= frameSize {
		return w.flush()
	}
	return nil
}

// flush writes the frame.
func (w *runWriter) flush() error {
	payload := w.buf[frameHeader:]
	if len(payload) == 0 {
		return nil
	}
	if len(payload) > math.MaxUint32 {
		return fmt.Errorf("a record's hits take %d bytes", len(payload))
	}
	binary.LittleEndian.PutUint32(w.buf, uint32(len(payload)))
	binary.LittleEndian.PutUint32(w.buf[4:], crc32.Checksum(payload, castagnoli))
	n, err := w.run.file.WriteAt(w.buf, w.run.size)
	w.run.size += int64(n)
	w.buf, w.last = w.buf[:frameHeader], 0
	if cap(w.buf) > 4*frameSize {
		w.buf = make([]byte, frameHeader, frameHeader+frameSize+frameSize/8)
	}
	return err
}

// runReader reads a run from its beginning.
type runReader struct {
	run  *run
	at   int64  // offset of the next frame
	buf  []byte // the frame's payload
	rest []byte // what is left of it
	last int64  // time of the entry before
}

func (r *run) open() *runReader { return &runReader{run: r} }

// next reads an entry. Its hits are valid until the next call.
func (r *runReader) next(e *entry) (hits []byte, err error) {
	if len(r.rest) == 0 {
		if r.at == r.run.size {
			return nil, io.EOF
		}
		if err := r.frame(); err != nil {
			return nil, err
		}
	}
	delta, n := binary.Uvarint(r.rest)
	if n <= 0 || len(r.rest) < n+25 {
		return nil, r.corrupt("short entry")
	}
	b := r.rest[n:]
	r.last += int64(delta)
	*e = entry{
		time:    r.last,
		future:  b[0]&1 != 0,
		hi:      binary.BigEndian.Uint64(b[1:]),
		lo:      binary.BigEndian.Uint64(b[9:]),
		content: binary.BigEndian.Uint64(b[17:]),
	}
	flags := b[0]
	r.rest = b[25:]
	if flags&2 != 0 {
		size, n := binary.Uvarint(r.rest)
		if n <= 0 || size > uint64(len(r.rest)-n) {
			return nil, r.corrupt("short hits")
		}
		hits = r.rest[n : n+int(size)]
		r.rest = r.rest[n+int(size):]
	}
	return hits, nil
}

// frame reads the next frame.
func (r *runReader) frame() error {
	var header [frameHeader]byte
	if _, err := r.run.file.ReadAt(header[:], r.at); err != nil {
		return r.failed(err)
	}
	size := int64(binary.LittleEndian.Uint32(header[:]))
	if size == 0 || size > r.run.size-r.at-frameHeader {
		return r.corrupt("frame longer than its file")
	}
	if int64(cap(r.buf)) < size || cap(r.buf) > 4*frameSize {
		r.buf = make([]byte, max(size, frameSize+frameSize/8))
	}
	r.buf = r.buf[:size]
	if _, err := r.run.file.ReadAt(r.buf, r.at+frameHeader); err != nil {
		return r.failed(err)
	}
	if crc32.Checksum(r.buf, castagnoli) != binary.LittleEndian.Uint32(header[4:]) {
		return r.corrupt("wrong checksum")
	}
	r.at += frameHeader + size
	r.rest, r.last = r.buf, 0
	return nil
}

// failed tells a failed read, a file that ends too early among them.
func (r *runReader) failed(err error) error {
	if errors.Is(err, io.EOF) {
		return r.corrupt("file cut short")
	}
	return fmt.Errorf("read sorted run %s at %d: %w", r.run.file.Name(), r.at, err)
}

func (r *runReader) corrupt(what string) error {
	return fmt.Errorf("read sorted run %s at %d: %w: %s", r.run.file.Name(), r.at, ErrCorrupt, what)
}
