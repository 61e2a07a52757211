package source

import (
	"slices"
	"time"
)

// tell tells of what could not be read, once.
func (w *follower) tell() error {
	for _, p := range sortedKeys(w.trouble) {
		if text := w.trouble[p]; w.told[p] != text {
			w.notes = append(w.notes, Warning{File: p, Text: text, Unread: true})
		}
	}
	w.told = w.trouble
	if len(w.notes) == 0 {
		return nil
	}
	return w.send(nil, nil)
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// busy says whether there is something to be read now.
func (w *follower) busy() bool { return len(w.queue) > 0 }

// rest is for when all was read that is to be read now. It tells so, if that is news, and hands on positions that wait for
// a batch.
func (w *follower) rest(now time.Time) error {
	behind := w.isBehind()
	if !behind {
		if err := w.cutOff(now); err != nil {
			return err
		}
	}
	if w.began && w.behind == behind && len(w.dirty) == 0 {
		return nil
	}
	return w.send(nil, nil)
}

func (w *follower) isBehind() bool { return len(w.queue) > 0 || w.waiting || len(w.trouble) > 0 }

// send hands on a batch, with how far its file was read.
func (w *follower) send(b *Batch, f *followed) error {
	if b == nil {
		b = newBatch(0)
	}
	b.Warnings = append(b.Warnings, w.notes...)
	b.Positions = append(b.Positions, w.dirty...)
	w.notes, w.dirty = nil, nil
	if f != nil {
		b.Positions = append(b.Positions, w.position(f.row))
	}
	b.Behind = w.isBehind()
	w.began, w.behind = true, b.Behind
	return w.out(b)
}
