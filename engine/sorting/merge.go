package sorting

import (
	"bytes"
	"errors"
	"io"
)

// source is what a merger draws from: a sorted block or a run.
type source struct {
	block *block
	i     int // the next of the block's entries
	run   *runReader

	head entry
	hits []byte // the head's, valid until the source moves on
	done bool
}

// next moves the source to its next entry.
func (s *source) next() error {
	if s.block != nil {
		if s.i == len(s.block.entries) {
			s.done = true
			return nil
		}
		s.head = s.block.entries[s.i]
		s.hits = s.block.hitsOf(&s.head)
		s.i++
		return nil
	}
	hits, err := s.run.next(&s.head)
	if errors.Is(err, io.EOF) {
		s.done, s.hits = true, nil
		return nil
	}
	s.hits = hits
	return err
}

// merger merges sources by a tree of losers: tree[0] is the source whose head is least, every other node the one that
// lost there, so that moving on takes one comparison a level.
type merger struct {
	sources []source
	tree    []int32
}

// newMerger starts to merge sources.
func newMerger(sources []source) (*merger, error) {
	m := &merger{sources: sources, tree: make([]int32, max(len(sources), 1))}
	if len(sources) == 0 {
		m.sources = []source{{done: true}}
		return m, nil
	}
	for i := range sources {
		if err := sources[i].next(); err != nil {
			return nil, err
		}
	}
	n := len(sources)
	winners := make([]int32, 2*n)
	for i := range n {
		winners[n+i] = int32(i)
	}
	for i := n - 1; i > 0; i-- {
		a, b := winners[2*i], winners[2*i+1]
		if m.before(b, a) {
			a, b = b, a
		}
		winners[i], m.tree[i] = a, b
	}
	m.tree[0] = winners[1]
	return m, nil
}

// before says whether source a's head comes before b's.
func (m *merger) before(a, b int32) bool {
	x, y := &m.sources[a], &m.sources[b]
	if x.done || y.done {
		return !x.done
	}
	if x.head.time != y.head.time {
		return x.head.time < y.head.time
	}
	if c := compareEntries(&x.head, &y.head); c != 0 {
		return c < 0
	}
	return bytes.Compare(x.hits, y.hits) < 0
}

// done says whether nothing is left.
func (m *merger) done() bool { return m.sources[m.tree[0]].done }

// head is the least entry and its hits, both valid until advance.
func (m *merger) head() (*entry, []byte) {
	s := &m.sources[m.tree[0]]
	return &s.head, s.hits
}

// advance moves on to the next entry.
func (m *merger) advance() error {
	w := m.tree[0]
	if err := m.sources[w].next(); err != nil {
		return err
	}
	for i := (int(w) + len(m.sources)) / 2; i > 0; i /= 2 {
		if m.before(m.tree[i], w) {
			w, m.tree[i] = m.tree[i], w
		}
	}
	m.tree[0] = w
	return nil
}
