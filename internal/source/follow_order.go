package source

import (
	"cmp"
	"slices"
	"strings"
)

// older orders files by when they were last written.
func older(a, b *followed) int {
	return cmp.Or(cmp.Compare(a.mtime, b.mtime), strings.Compare(a.path, b.path))
}

// holdBack takes those files out of the queue that were written after f, which is read once it stands still: what it holds
// is older, and would count as late after them. Files that are followed as they grow go on, and so do those that are there
// no more.
func (w *follower) holdBack(f *followed) {
	if f.live {
		return
	}
	w.queue = slices.DeleteFunc(w.queue, func(o *followed) bool {
		held := !o.live && o.missed == 0 && o.packed == nil && older(f, o) < 0
		if held {
			o.queued = false
		}
		return held
	})
}
