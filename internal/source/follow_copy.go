package source

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

func compareFiles(a, b *followed) int { return strings.Compare(a.path, b.path) }

// remember has a position's text recognised in other files.
func (w *follower) remember(row *position) {
	list := cmp.Or(row.Head, shortText)
	if row.Text > 0 || row.Hashed == 0 || list == row.listed {
		return
	}
	w.forget(row)
	row.listed = list
	w.heads[row.listed] = append(w.heads[row.listed], row)
}

// shortText is where positions are remembered whose text is too short to have a Head.
const shortText = "short"

// forget undoes remember.
func (w *follower) forget(row *position) {
	left := slices.DeleteFunc(w.heads[row.listed], func(o *position) bool { return o == row })
	if w.heads[row.listed] = left; len(left) == 0 {
		delete(w.heads, row.listed)
	}
	row.listed = ""
}

// match finds out whether the texts of a new file begin with all that was read of a known one. It waits if that can't be told yet,
// since the file is still being written.
func (w *follower) match(f *followed, now time.Time) (wait bool, err error) {
	f.matches = nil
	if len(w.heads) == 0 {
		f.matched = true
		return false, nil
	}
	for _, o := range slices.Clone(w.open) { // what a known file ends with is not to be read of its copy too
		if o.cut != nil && o != f {
			if err := w.end(o, o.cut.certain); err != nil {
				return false, err
			}
		}
	}
	found := map[int]textState{}
	texts, short := 0, false
	into := func(in io.Reader, _ input) error {
		best, tooShort, err := w.matchText(f, in)
		if best != nil {
			found[texts] = best.textState
		}
		short = short || tooShort
		texts++
		return err
	}
	silent := func(b *Batch) error { b.Release(); return nil }
	if err := w.content(f, f.size, silent, into); err != nil {
		return false, err
	}
	if short && now.Sub(f.changed) < w.idle && now.UnixMicro()-f.row.Born < int64(patience*w.idle/time.Microsecond) {
		return true, nil
	}
	f.matched = true
	if state, ok := found[0]; ok && f.row.Kind.plain() {
		f.row.textState = state
		if f.row.Kind == kindUTF8 {
			f.row.Raw = state.Offset
		}
		f.row.Size = max(f.row.Size, f.row.Raw)
		w.remember(f.row)
		f.mark(f.size)
		w.dirty = append(w.dirty, w.position(f.row))
	} else if ok {
		f.matches = found
	}
	return false, nil
}

// matchText finds the known text of which a text holds the most that was read. It is too short if it ended before that was
// clear.
func (w *follower) matchText(f *followed, in io.Reader) (best *position, short bool, err error) {
	head := make([]byte, headSize)
	n, err := io.ReadFull(in, head)
	if err != nil && !ended(err) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, false, w.ctx.Err() // told of when it is read
	}
	h := sha256.New()
	at := int64(0)
	head = head[:n]
	known := w.heads[shortText]
	if n == headSize {
		d := sha256.Sum256(head)
		known = append(slices.Clone(known), w.heads[hex.EncodeToString(d[:16])]...)
	}
	known = slices.DeleteFunc(slices.Clone(known), func(o *position) bool { return o == f.row })
	slices.SortStableFunc(known, func(a, b *position) int { return cmp.Compare(a.Hashed, b.Hashed) })
	in = io.MultiReader(bytes.NewReader(head), in)
	var state []byte // of h; compared as it is written down, as there may be very many that are known
	for _, row := range known {
		for at < row.Hashed {
			if err := w.ctx.Err(); err != nil {
				return nil, false, err
			}
			n, _ := io.CopyN(h, in, min(row.Hashed-at, 1<<20)) // an error is told of when the text is read
			if at += n; n == 0 {
				return best, true, nil
			}
			state = nil
		}
		if state == nil {
			state, _ = h.(encoding.BinaryMarshaler).MarshalBinary() // never fails for a SHA-256
		}
		if !bytes.Equal(row.Hash, state) {
			continue
		}
		if row.Copied != row.Hashed {
			row.Copied = row.Hashed
			w.dirty = append(w.dirty, w.position(row))
		}
		if best == nil || best.Offset <= row.Offset {
			best = row
		}
	}
	return best, false, nil
}

// cutOff rejects what a file that is gone ended with, if it was half a record and no copy of the file holds the rest.
func (w *follower) cutOff(now time.Time) error {
	var rows []*position
	for _, row := range w.gone {
		if (row.Unread || row.Kind.plain() && row.Raw < row.Size) && !row.Lost && now.Sub(time.UnixMicro(row.Gone)) >= patience*w.idle {
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, func(a, b *position) int { return strings.Compare(a.key(), b.key()) })
	for _, row := range rows {
		row.Lost = true
		w.dirty = append(w.dirty, w.position(row))
		if row.Stopped || row.Cut == nil || row.Copied == row.Hashed && row.Hashed > 0 {
			continue
		}
		if row.Unread {
			w.notes = append(w.notes, Warning{File: row.Path, Text: goneUnread, Unread: true})
			continue
		}
		b := newBatch(0)
		b.Rejects = append(b.Rejects, Reject{Origin{row.Path, row.Cut.Line, row.Cut.Offset}, "record is cut off: the file was deleted or overwritten before the rest of it came"})
		if err := w.send(b, nil); err != nil {
			return err
		}
	}
	return nil
}

func sayTail(r Reject) string {
	return fmt.Sprintf("ends inside the record at line %d, byte %d, the rest of which is awaited", r.Line, r.Offset)
}
