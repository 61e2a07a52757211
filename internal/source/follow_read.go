package source

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// read reads a block of each file that is followed to its end as it grows, and one of the first of the others, those that
// are gone but for their handle before the rest. A new file
// that may be a copy of one of those is begun when they were read to their ends; within reason, as one may grow all the time.
func (w *follower) read(now time.Time) error {
	queue := slices.Clone(w.queue)
	live := 0
	for _, f := range queue {
		if f.live && f.queued {
			if err := w.stepOne(f, now); err != nil {
				return err
			}
			if f.queued {
				live++
			}
		}
	}
	isOther := func(f *followed) bool { return f.queued && !f.live }
	i := slices.IndexFunc(queue, func(f *followed) bool { return isOther(f) && f.missed > 0 })
	if i < 0 {
		i = slices.IndexFunc(queue, isOther)
	}
	if i < 0 {
		return nil
	}
	f := queue[i]
	if isNew := !f.matched && f.row.Cut == nil; isNew && live > 0 && w.delayed < maxDelay {
		w.delayed++
		return nil
	}
	w.delayed = 0
	return w.stepOne(f, now)
}

// maxDelay is for how many blocks of other files a new one may have to wait.
const maxDelay = 1000

func (w *follower) stepOne(f *followed, now time.Time) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	return w.step(f, now)
}

// done takes a file out of the queue.
func (w *follower) done(f *followed) {
	f.queued = false
	w.queue = slices.DeleteFunc(w.queue, func(o *followed) bool { return o == f })
}

func (w *follower) step(f *followed, now time.Time) error {
	ready, err := w.prepare(f, now)
	if errors.Is(err, errNew) {
		return nil // in its turn, as it is a new file now
	}
	if err != nil || !ready {
		w.done(f)
		return err
	}
	if f.row.Kind.packed() {
		return w.stepPacked(f, now)
	}
	return w.stepPlain(f, now)
}

var errNew = errors.New("the file has another content now")

// prepare has a file open, makes sure that it is the one that row tells of, and finds out how to read it. It is not ready
// if there is nothing to be read now.
func (w *follower) prepare(f *followed, now time.Time) (ready bool, err error) {
	if f.file == nil {
		if err := w.openFile(f, now); err != nil {
			w.fault(f, err)
			return false, nil
		}
	}
	if f.check {
		changed := f.row.Kind == kindZip && f.row.Size > 0 && f.size != f.row.Size // its members may be others
		if changed || !f.same() {
			if err := w.renew(f, now); err != nil {
				return false, err
			}
			return false, errNew
		}
		f.check = false
	}
	if f.row.Kind == kindUnknown {
		if f.row.Kind = f.sniff(); f.row.Kind == kindUnknown {
			f.endSize, f.endMtime = f.size, f.mtime // until it grows
			return false, nil
		}
	}
	if f.row.Kind.packed() && f.packed == nil {
		if f.pending(w, now) != due {
			w.waiting = true
			w.holdBack(f)
			return false, nil
		}
		if f.unchanged() {
			f.endSize, f.endMtime = f.size, f.mtime
			return false, nil
		}
	}
	if !f.matched && f.row.Cut == nil && f.packed == nil {
		wait, err := w.match(f, now)
		if wait {
			w.waiting = true
			return false, nil
		}
		return err == nil, err
	}
	return true, nil
}

// unchanged says whether a packed file was read as it is.
func (f *followed) unchanged() bool {
	return f.row.Size > 0 && f.row.Size == f.size && (f.row.Done || f.row.Told || len(f.held) > 0)
}

// fault notes that a file can't be read at the moment; the next scan tries again.
func (w *follower) fault(f *followed, err error) {
	if errors.Is(err, os.ErrNotExist) {
		return // the next scan finds out where it is
	}
	w.waiting = true
	if text := unwrapPath(err).Error(); f.fault != text {
		f.fault = text
		w.notes = append(w.notes, Warning{File: f.path, Text: text, Unread: true})
	}
}

func (w *follower) stepPlain(f *followed, now time.Time) error {
	if f.cut == nil {
		c, err := f.row.resume(f.path)
		if err != nil {
			return err // never: it was checked when it was decoded
		}
		f.cut, f.in = c, newPlainReader(f)
	}
	b, err := f.cut.block(w.BlockSize, f.in.fill)
	if err != nil && !ended(err) {
		w.fault(f, err)
		w.shut(f)
		w.done(f)
	} else {
		f.fault = ""
		w.snapshot(f)
	}
	if err != nil && ended(err) || f.row.Stopped {
		f.endSize, f.endMtime, f.live = f.in.end, f.mtime, true
		w.done(f)
	}
	if b != nil {
		if err := w.send(b, f); err != nil {
			return err
		}
	}
	if !f.queued {
		return w.settle(f, now)
	}
	return nil
}

// snapshot brings row to where the cutting is.
func (w *follower) snapshot(f *followed) {
	row := f.row
	row.textState = f.cut.state()
	row.Raw = f.in.consumed(f.cut.carry)
	row.Size, row.Mtime = max(f.in.at, f.in.end), f.mtime
	row.Stopped = f.cut.auto.stop
	f.mark(f.in.at)
	w.remember(row)
}

// ends looks into the ends of the files that stand still.
func (w *follower) ends(now time.Time) error {
	for _, f := range w.sorted() {
		if err := w.settle(f, now); err != nil {
			return err
		}
	}
	return nil
}

// sorted are the files whose end may have to be looked into, in order.
func (w *follower) sorted() []*followed {
	var all []*followed
	for _, f := range w.here {
		if f.cut != nil || f.known && (len(f.held) > 0 && !f.row.Told) {
			all = append(all, f)
		} else if f.file != nil && f.packed == nil && !f.queued {
			all = append(all, f)
		}
	}
	slices.SortFunc(all, compareFiles)
	return all
}

// settle takes the end of a file for one when it stood still for long enough.
func (w *follower) settle(f *followed, now time.Time) error {
	still := now.Sub(f.changed)
	if still < w.idle || f.pending(w, now) != idle {
		return nil
	}
	settled := still >= patience*w.idle
	switch {
	case f.cut == nil:
		if settled && len(f.held) > 0 && !f.row.Told {
			w.notes = append(w.notes, f.held...)
			f.row.Told = true
			return w.send(nil, f)
		}
		if f.file != nil {
			w.shut(f)
		}
	default:
		return w.settlePlain(f, settled)
	}
	return nil
}

func (w *follower) settlePlain(f *followed, settled bool) error {
	if !f.tried {
		f.tried = true
		if err := w.end(f, f.cut.certain); err != nil {
			return err
		}
	}
	if !settled || f.settled {
		return nil
	}
	f.settled = true
	if w.replaced(f) {
		if err := w.endAll(f); err != nil {
			return err
		}
	} else if err := w.end(f, f.cut.likely); err != nil {
		return err
	}
	if err := w.tellEnd(f); err != nil {
		return err
	}
	if len(f.cut.carry) == 0 {
		w.shut(f)
	}
	return nil
}

// end takes the end of the text for its end if only whole records stand there and accept agrees.
func (w *follower) end(f *followed, accept func(*Batch, *autoCutter) bool) error {
	if len(f.cut.carry) == 0 || f.row.Stopped {
		return nil
	}
	b, auto := f.cut.tail()
	if len(b.Rejects) > 0 || len(b.Records) == 0 || !accept(b, auto) {
		b.Release()
		return nil
	}
	b.Warnings = b.Warnings[:0] // they are about the end, which may move
	f.cut.adopt(auto)
	w.snapshot(f)
	return w.send(b, f)
}

// endAll takes the end of the text for its end, whatever stands there.
func (w *follower) endAll(f *followed) error {
	if f.row.Stopped {
		return nil
	}
	b, auto := f.cut.tail()
	f.cut.adopt(auto)
	w.snapshot(f)
	if f.row.Told {
		b.Warnings = b.Warnings[:0]
	}
	f.row.Told = true
	return w.send(b, f)
}

// tellEnd tells, once, what is wrong with the end of a file that stands still.
func (w *follower) tellEnd(f *followed) error {
	if f.row.Told || f.row.Stopped || f.cut.offset+int64(len(f.cut.carry)) == 0 {
		return nil
	}
	b, auto := f.cut.tail()
	defer b.Release()
	if len(b.Rejects) > 0 {
		r := b.Rejects[0]
		w.notes = append(w.notes, Warning{File: f.path, Text: sayTail(r)})
	} else if _, ok := auto.chosen.(*jsonCutter); !ok {
		w.notes = append(w.notes, b.Warnings...) // a list of JSON that is still open is no fault
	}
	if len(w.notes) == 0 {
		return nil
	}
	f.row.Told = true
	return w.send(nil, f)
}

// replaced says whether a file was renamed and another one has the name now under which it was first seen: whoever wrote it
// goes on there.
func (w *follower) replaced(f *followed) bool {
	if f.row.First == f.path {
		return false
	}
	info, err := os.Stat(filepath.Clean(f.row.First))
	return err == nil && identify(f.row.First, info) != fileID{f.row.Dev, f.row.Inode}
}
