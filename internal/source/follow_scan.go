package source

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// fileID is what tells a file from all others that are there at the same time.
type fileID struct{ dev, inode uint64 }

// follower is a Follow at work. It is stepped by scan and read, which are told the time.
type follower struct {
	Follow
	ctx    context.Context
	out    func(*Batch) error
	poll   time.Duration
	idle   time.Duration
	folder func(dir string) // told of each folder

	here  map[fileID]*followed   // the files that are there
	gone  map[string]*position   // by key, those that are there no more
	heads map[string][]*position // those of here and gone by what their text begins with

	queue   []*followed       // to be read now
	open    []*followed       // with a handle
	delayed int               // for how many rounds a new file waited
	waiting bool              // a file is to be read once it stands still
	trouble map[string]string // what could not be read in this scan, and why
	told    map[string]string // the same of the scan before, which is told already
	dirty   []Position        // to go with the next batch
	notes   []Warning         // likewise

	behind bool // as last told
	began  bool // something was told
}

func newFollower(ctx context.Context, f *Follow, emit func(*Batch) error) *follower {
	w := &follower{Follow: *f, ctx: ctx, out: emit, poll: cmp.Or(f.Poll, time.Second), idle: cmp.Or(f.Idle, 2*time.Second),
		here: map[fileID]*followed{}, gone: map[string]*position{}, heads: map[string][]*position{}, folder: func(string) {}}
	w.BlockSize = cmp.Or(max(f.BlockSize, 0), defaultBlock)
	w.MaxExpansion = cmp.Or(max(f.MaxExpansion, 0), defaultExpansion)
	prefix := w.Stream() + " "
	for _, p := range f.Positions {
		if p.Data == nil || !strings.HasPrefix(p.Source, prefix) {
			continue
		}
		row, err := decodePosition(p.Data)
		if err == nil && prefix+row.key() != p.Source {
			err = fmt.Errorf("%w: it is that of another file", errDamaged)
		}
		if err != nil {
			w.notes = append(w.notes, Warning{File: w.Path, Text: fmt.Sprintf("%v: what it is about is read from its beginning", err)})
			w.dirty = append(w.dirty, Position{Source: p.Source})
			continue
		}
		w.restore(row)
	}
	return w
}

// restore takes a position as it was committed.
func (w *follower) restore(row *position) {
	w.remember(row)
	id := fileID{row.Dev, row.Inode}
	other := w.here[id]
	switch {
	case row.Gone != 0:
		w.gone[row.key()] = row
	case other == nil || other.row.Born < row.Born:
		if other != nil {
			w.retire(other.row, time.UnixMicro(row.Born))
		}
		w.here[id] = &followed{row: row, path: row.Path, endSize: row.endSize(), endMtime: row.Mtime}
	default:
		w.retire(row, time.UnixMicro(other.row.Born))
	}
}

// retire keeps the position of a file that is there no more, for its copies.
func (w *follower) retire(row *position, now time.Time) {
	row.Gone = now.UnixMicro()
	w.gone[row.key()] = row
	w.dirty = append(w.dirty, w.position(row))
}

func (w *follower) position(row *position) Position {
	return Position{Source: w.Stream() + " " + row.key(), Data: row.encode()}
}

// scan looks through the folder and finds out what is to be read.
func (w *follower) scan(now time.Time) error {
	w.trouble = map[string]string{}
	seen := map[fileID]bool{}
	var err error
	w.walk(func(path string, info fs.FileInfo) {
		id := identify(path, info)
		if seen[id] {
			return // another name of it
		}
		seen[id] = true
		if err == nil {
			err = w.look(id, path, info, now)
		}
	})
	if err != nil || w.ctx.Err() != nil {
		return cmp.Or(w.ctx.Err(), err)
	}
	if err := w.missing(seen, now); err != nil {
		return err
	}
	for key, row := range w.gone {
		if now.Sub(time.UnixMicro(row.Gone)) > keepGone {
			w.forget(row)
			delete(w.gone, key)
			w.dirty = append(w.dirty, Position{Source: w.Stream() + " " + key})
		}
	}
	if err := w.ends(now); err != nil {
		return err
	}
	w.plan(now)
	return w.tell()
}

// walk visits the files, in the order of their names.
func (w *follower) walk(visit func(path string, info fs.FileInfo)) {
	root := w.Path
	if info, err := os.Lstat(root); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		root += string(filepath.Separator)
	}
	_ = filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error { // the function returns no error
		if w.ctx.Err() != nil {
			return fs.SkipAll
		}
		if err != nil {
			w.trouble[p] = unwrapPath(err).Error()
			return nil
		}
		switch {
		case p == root && d.IsDir():
			w.folder(p)
			return nil
		case p == root:
			w.trouble[p] = "is not a folder"
			return nil
		case strings.HasPrefix(d.Name(), "."):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir():
			w.folder(p)
			return nil
		case unfinished(d.Name()):
			return nil
		}
		info, err := os.Stat(p) // what a symbolic link points to
		switch {
		case os.IsNotExist(err) && d.Type()&fs.ModeSymlink == 0: // gone just now
		case err != nil:
			w.trouble[p] = unwrapPath(err).Error()
		case info.Mode().IsRegular():
			visit(p, info)
		}
		return nil
	})
}

// unfinished says whether a file has a name that programs give to one that they still write.
func unfinished(name string) bool {
	if strings.HasSuffix(name, "~") {
		return true
	}
	switch strings.ToLower(filepath.Ext(name)) {
	case ".tmp", ".temp", ".part", ".partial", ".crdownload", ".download", ".filepart", ".swp", ".swo", ".swx", ".lock", ".lck":
		return true
	}
	return false
}

// look notes how a file is now.
func (w *follower) look(id fileID, path string, info fs.FileInfo, now time.Time) error {
	size, mtime := info.Size(), info.ModTime()
	f := w.here[id]
	if f == nil {
		f = &followed{row: w.newRow(id, path, now)}
		w.here[id] = f
	}
	moved := f.path != path
	if moved {
		f.rename(path)
	}
	copied := f.row.Hashed > 0 && f.row.Copied == f.row.Hashed && (moved || f.row.Size != size)
	if f.file == nil && (f.missed > 0 || copied) { // the inode may be in use again: only the content can tell
		if err := w.renew(f, now); err != nil {
			return err
		}
		f.known = false
	}
	f.missed = 0
	if f.size == size && f.mtime == mtime.UnixNano() && f.known {
		return nil
	}
	if f.known && size < f.size && f.pending(w, now) != idle {
		w.unread(f)
	}
	if f.size, f.mtime = size, mtime.UnixNano(); f.known {
		f.changed = now
	} else if f.changed = mtime; mtime.After(now) {
		f.changed = now
	}
	f.known, f.check = true, true
	f.tried, f.settled = false, false
	if size < f.row.Raw || f.row.Kind.packed() && size < f.row.Size {
		return w.renew(f, now)
	}
	return nil
}

func (k kind) packed() bool { return k == kindPacked || k == kindZip }

func (w *follower) newRow(id fileID, path string, now time.Time) *position {
	return &position{Path: path, First: path, Dev: id.dev, Inode: id.inode, Born: max(now.UnixMicro(), 1)}
}

// renew begins a file anew: it has another content. What was read of the old one and is certain is handed on; half a
// record may be found in a copy of it.
func (w *follower) renew(f *followed, now time.Time) error {
	if f.cut != nil {
		if err := w.end(f, f.cut.certain); err != nil {
			return err
		}
	}
	old := f.row
	f.reset() // the handle is still good
	if old.Size > 0 {
		w.retire(old, now)
	}
	f.row = w.newRow(fileID{old.Dev, old.Inode}, f.path, now)
	f.row.Born = max(f.row.Born, old.Born+1)
	f.endSize, f.endMtime, f.check = 0, 0, false
	f.tried, f.settled, f.matched, f.live = false, false, false, false
	f.held, f.matches = nil, nil
	return nil
}

// missing deals with files that were not seen. One that was renamed while the folder was read may be missed once.
func (w *follower) missing(seen map[fileID]bool, now time.Time) error {
	var lost []*followed
	for id, f := range w.here {
		if !seen[id] && !w.troubled(f.path) {
			f.missed++
			f.refresh(now)
			if f.missed >= 2 {
				lost = append(lost, f)
			}
		}
	}
	slices.SortFunc(lost, func(a, b *followed) int { return cmp.Compare(a.row.key(), b.row.key()) })
	for _, f := range lost {
		if err := w.lose(f, now); err != nil {
			return err
		}
	}
	return nil
}

// unread notes that a part of a file can't be read any more, which is told at once unless a copy may hold it.
func (w *follower) unread(f *followed) {
	if f.row.Unread = true; f.row.Hashed == 0 {
		w.notes = append(w.notes, Warning{File: f.path, Text: goneUnread, Unread: true})
	}
}

const goneUnread = "was deleted or overwritten before it was read to its end"

// refresh notes how a file is now that is known by its handle alone.
func (f *followed) refresh(now time.Time) {
	if f.file == nil {
		return
	}
	if info, err := f.file.Stat(); err == nil && info.Size() != f.size {
		f.size, f.mtime, f.changed, f.check = info.Size(), info.ModTime().UnixNano(), now, true
	}
}

// troubled says whether a path lies where the folder could not be read.
func (w *follower) troubled(path string) bool {
	if len(w.trouble) == 0 {
		return false
	}
	for p := path; ; p = filepath.Dir(p) {
		if _, ok := w.trouble[p]; ok {
			return true
		}
		if p == filepath.Dir(p) {
			_, root := w.trouble[w.Path+string(filepath.Separator)]
			return root
		}
	}
}

// lose deals with a file that is there no more. What can still be read through its handle is.
func (w *follower) lose(f *followed, now time.Time) error {
	id := fileID{f.row.Dev, f.row.Inode}
	if f.file != nil {
		if f.pending(w, now) != idle || now.Sub(f.changed) < w.idle {
			return nil // it is read to its end first
		}
		if f.cut != nil {
			if err := w.end(f, f.cut.usable); err != nil {
				return err
			}
		}
		if !f.row.Told {
			w.notes = append(w.notes, f.held...)
		}
	} else if f.known && f.pending(w, now) != idle {
		w.unread(f)
	}
	w.shut(f)
	delete(w.here, id)
	if f.row.Size > 0 {
		w.retire(f.row, now)
	}
	return nil
}

// plan finds out what is to be read now, in order.
func (w *follower) plan(now time.Time) {
	w.queue, w.waiting = w.queue[:0], false
	for _, f := range w.here {
		f.queued = false
		switch f.pending(w, now) {
		case due:
			f.queued = true
			w.queue = append(w.queue, f)
		case later:
			w.waiting = true
		}
	}
	slices.SortFunc(w.queue, older)
	for _, f := range w.queue[:min(len(w.queue), maxOpen/2)] { // so that they can be read if they are deleted meanwhile
		if f.file == nil {
			_ = w.openFile(f, now) // tried again, and told of, when it is read
		}
	}
	for _, f := range w.here {
		if f.pending(w, now) == later {
			w.holdBack(f)
		}
	}
}

// close lets go of all files.
func (w *follower) close() {
	for _, f := range slices.Clone(w.open) {
		w.shut(f)
	}
}
