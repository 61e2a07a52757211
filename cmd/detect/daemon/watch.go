package daemon

import (
	"context"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	defaultPoll = 2 * time.Second
	// steady is how long files must have stayed as they are before what changed counts as written.
	steady = 250 * time.Millisecond
	// watchedFiles bounds how many files of a folder are looked at.
	watchedFiles = 10_000
)

// stamp is what a file's change shows by.
type stamp struct {
	size int64
	at   time.Time
}

// watcher tells when files change. It looks at them now and then, and at once where the system tells of changes.
type watcher struct {
	poll    time.Duration
	changed chan struct{} // holds one

	mu     sync.Mutex
	paths  []string
	stamps map[string]stamp
}

func newWatcher(poll time.Duration) *watcher {
	return &watcher{poll: poll, changed: make(chan struct{}, 1)}
}

// files says which files and folders are watched from now on.
func (w *watcher) files(paths []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := look(paths)
	for path, s := range w.stamps { // what changed since it was last looked at must still show
		if _, ok := now[path]; ok {
			now[path] = s
		}
	}
	w.paths, w.stamps = paths, now
}

// look is how the files look now: of folders all rule files in them.
func look(paths []string) map[string]stamp {
	out := map[string]stamp{}
	for _, p := range paths {
		info, err := os.Stat(p)
		switch {
		case err != nil:
			out[p] = stamp{size: -1}
		case !info.IsDir():
			out[p] = stamp{info.Size(), info.ModTime()}
		default:
			out[p] = stamp{}
			_ = filepath.WalkDir(p, func(name string, e fs.DirEntry, err error) error {
				if err != nil || e.IsDir() {
					return nil //nolint:nilerr // what can't be read now shows when it can
				}
				if !isRuleFile(name) {
					return nil
				}
				if info, err := os.Stat(name); err == nil {
					out[name] = stamp{info.Size(), info.ModTime()}
				}
				if len(out) >= watchedFiles {
					return fs.SkipAll
				}
				return nil
			})
		}
	}
	return out
}

// step looks at the files and says whether they are other than they were.
func (w *watcher) step() (differ bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := look(w.paths)
	differ = !maps.Equal(now, w.stamps)
	w.stamps = now
	return differ
}

// start watches until the returned function is called, which waits for the end.
func (w *watcher) start(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	hints := make(chan struct{}, 1)
	group.Go(func() { w.run(ctx, hints) })
	group.Go(func() { w.listen(ctx, hints) })
	return func() { cancel(); group.Wait() }
}

// run looks at the files, and tells of a change once it is over.
func (w *watcher) run(ctx context.Context, hints <-chan struct{}) {
	timer := time.NewTimer(w.poll)
	defer timer.Stop()
	pending := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-hints:
		case <-timer.C:
		}
		wait := w.poll
		switch {
		case w.step():
			pending, wait = true, min(steady, w.poll)
		case pending:
			pending = false
			signal(w.changed)
		}
		timer.Reset(wait)
	}
}

// listen passes on what the system tells of changes, where it does. It watches folders, as editors replace files.
func (w *watcher) listen(ctx context.Context, hints chan<- struct{}) {
	system, err := fsnotify.NewWatcher()
	if err != nil {
		return // looking is enough
	}
	defer system.Close()
	tick := time.NewTicker(10 * w.poll) // for folders that came later
	defer tick.Stop()
	for {
		for _, folder := range w.folders() {
			_ = system.Add(folder) // again is no harm
		}
		select {
		case <-ctx.Done():
			return
		case e, ok := <-system.Events:
			if !ok {
				return
			}
			if w.concerns(e.Name) { // a store in the same folder changes all the time
				signal(hints)
			}
		case _, ok := <-system.Errors: // some changes may not have been told
			if !ok {
				return
			}
			signal(hints)
		case <-tick.C:
		}
	}
}

// concerns says whether a file that changed may be one that is watched.
func (w *watcher) concerns(path string) bool {
	if isRuleFile(path) {
		return true
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	_, ok := w.stamps[path]
	return ok
}

func isRuleFile(path string) bool {
	ext := filepath.Ext(path)
	return ext == ".yaml" || ext == ".yml"
}

// folders are those that hold what is watched.
func (w *watcher) folders() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := map[string]bool{}
	for path, s := range w.stamps {
		folder := filepath.Dir(path)
		if s == (stamp{}) {
			folder = path
		}
		seen[folder] = true
	}
	var out []string
	for folder := range seen {
		out = append(out, folder)
	}
	return out
}
