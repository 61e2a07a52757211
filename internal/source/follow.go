package source

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Follow reads a folder in which files appear, grow, are rotated, compressed, replaced and deleted, as long as it runs. Files
// may have every form that Files reads.
//
// A file is known by its device and inode and by what it begins with, so that it may be renamed. One that became shorter, or
// has other content than before where reading is to go on, begins anew, as after a rotation that copies and truncates. A
// file whose text begins with all of what was read of another one, by its SHA-256, is a copy of that, compressed or not, and only
// what comes after is read. Equal beginnings alone prove nothing, as exports overlap.
//
// The end of a file that does not end with a line break is taken for its end once the file has not grown for Idle, if it is
// certain that a record ends there. Half a record waits for its rest, and is told of. It is rejected when the rest can't come any more, since the file
// is gone or was rotated.
//
// Hidden files and folders are left alone, and names of files that are not finished: those that end in .tmp, .temp, .part,
// .partial, .crdownload, .download, .filepart, .swp, .swo, .swx, .lock, .lck, or ~. So a file that is written under such a name and
// renamed when it is whole is read at once and whole. Links to files are followed, those to folders are not. A file that is reached by several
// names is read once.
//
// Files that were not read before are read one after the other, that with the oldest modification first, so that a backlog
// comes about in the order of its records. Files that were once read to their end since the start take turns, a block each.
type Follow struct {
	// Path is the folder. It need not be there yet.
	Path string
	// Name is the name of the stream; empty means "follow:" and Path.
	Name string
	// Poll is how often the folder is looked through when the system tells of no change. 0 means 1s.
	Poll time.Duration
	// Idle is how long a file must not have grown until its end counts as its end, and until one that is compressed is
	// read. 0 means 2s.
	Idle time.Duration
	// BlockSize, MaxExpansion and Tmp are as those of Files.
	BlockSize    int
	MaxExpansion int64
	Tmp          string
	// Positions are how far the files of this stream were read, as committed with the batches of earlier runs.
	Positions []Position
}

// patience is after how many times Idle a file that stands still is taken to stay as it is: what is wrong with its end is
// told, and what looks like a whole row is taken for one.
const patience = 30

// keepGone is how long the position of a file that is gone is kept, so that a copy of it is recognised.
const keepGone = 10 * 24 * time.Hour

// Stream is the name of the stream.
func (f *Follow) Stream() string { return cmp.Or(f.Name, "follow:"+f.Path) }

// Run reads the folder until ctx ends, and gives what it reads to emit, batch by batch; emit owns the batch and must Release
// it. A batch's Positions cover its records and are to be committed with them; what was not committed is read again after a restart. Batches may be
// empty. Run returns ctx's error, or emit's.
func (f *Follow) Run(ctx context.Context, emit func(*Batch) error) error {
	w := newFollower(ctx, f, emit)
	defer w.close()
	watch := newWatch()
	defer watch.close()
	w.folder = watch.add
	for {
		start := time.Now()
		if err := w.scan(start); err != nil {
			return err
		}
		cost := time.Since(start)
		for w.busy() && time.Since(start) < w.poll+10*cost {
			if err := w.read(time.Now()); err != nil {
				return err
			}
		}
		if w.busy() {
			continue
		}
		if err := w.rest(start); err != nil {
			return err
		}
		// A folder that changes all the time is not looked through all the time.
		if err := sleep(ctx, max(minPause, 10*cost)); err != nil {
			return err
		}
		if err := watch.wait(ctx, w.poll); err != nil {
			return err
		}
	}
}

const minPause = 2 * time.Millisecond

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// watch wakes when the system tells of a change in a folder. It is an aid: where it does not work, or misses something,
// the folder is looked through in time all the same.
type watch struct {
	in   *fsnotify.Watcher // nil: does not work here
	dirs map[string]bool
}

func newWatch() *watch {
	in, err := fsnotify.NewWatcher()
	if err != nil {
		return &watch{}
	}
	return &watch{in: in, dirs: map[string]bool{}}
}

func (w *watch) close() {
	if w.in != nil {
		_ = w.in.Close()
	}
}

// add watches a folder, as far as the system allows. Folders inside it are added one by one.
func (w *watch) add(dir string) {
	if w.in == nil || w.dirs[dir] {
		return
	}
	w.dirs[dir] = w.in.Add(dir) == nil
}

// wait returns when something changed, or after d.
func (w *watch) wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	var events chan fsnotify.Event
	var failures chan error
	if w.in != nil {
		events, failures = w.in.Events, w.in.Errors
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	case e, ok := <-events:
		w.forget(e, ok)
	case err := <-failures:
		if errors.Is(err, fsnotify.ErrClosed) {
			w.in = nil
		}
	}
	for { // all that happened meanwhile is seen by the next scan
		select {
		case e, ok := <-events:
			if w.forget(e, ok); !ok {
				return nil
			}
		default:
			return nil
		}
	}
}

// forget makes a folder that is gone watched again when it is there again.
func (w *watch) forget(e fsnotify.Event, ok bool) {
	if !ok {
		w.in = nil
		return
	}
	if e.Has(fsnotify.Remove) || e.Has(fsnotify.Rename) {
		delete(w.dirs, e.Name)
	}
}
