package sorting

import (
	"encoding/binary"
	"fmt"
	"io"

	"detect/engine"
	"detect/rules/hit"
)

// manyHits is from how many hits on those of one record's variants are thinned: a record with a great many variants is
// somebody's attempt to fill the memory.
const manyHits = 1024

// group is the copies of one record as they are gathered.
type group struct {
	last entry
	hits []byte // of last, encoded
	kept int    // hits that were left by the last thinning
}

// Next fills dst with the next items and says how many there are; at the end it returns 0 and io.EOF. Items come in the
// order of (time, identity), each once: of several copies one stays, whose Hits are those of all distinct variants. Hits
// are newly made and may be kept.
func (s *Sorter) Next(dst []engine.Item) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return 0, s.err
	}
	if s.merged == nil {
		return 0, fmt.Errorf("read sorted items: %w", ErrState)
	}
	for n := range dst {
		if s.merged.done() {
			if n == 0 {
				return 0, io.EOF
			}
			return n, nil
		}
		if err := s.item(&dst[n]); err != nil {
			s.err = fmt.Errorf("read sorted items: %w", err)
			return n, s.err
		}
	}
	return len(dst), nil
}

// item reads one record with all its copies.
func (s *Sorter) item(it *engine.Item) (err error) {
	m, g := s.merged, &s.group
	e, hits := m.head()
	*it = engine.Item{Time: e.time, Stream: s.Stream, Content: e.content, Arrived: s.Arrived, Future: e.future}
	binary.BigEndian.PutUint64(it.ID[:8], e.hi)
	binary.BigEndian.PutUint64(it.ID[8:], e.lo)
	if it.Hits, err = decodeHits(nil, hits); err != nil {
		return err
	}
	g.last, g.hits, g.kept = *e, append(g.hits[:0], hits...), 0
	for {
		if err := m.advance(); err != nil {
			return err
		}
		if m.done() {
			return nil
		}
		e, hits := m.head()
		if !e.same(&g.last) {
			return nil
		}
		if err := s.copyOf(it, e, hits); err != nil {
			return err
		}
	}
}

// copyOf takes another copy of it. Copies with equal content lie together, those with equal hits again, so that the one
// before tells which this is.
func (s *Sorter) copyOf(it *engine.Item, e *entry, hits []byte) (err error) {
	g := &s.group
	s.stats.Duplicate++
	differs := e.content != g.last.content
	if differs {
		s.stats.Differing++
	}
	if !differs && string(hits) == string(g.hits) {
		return nil
	}
	if it.Hits, err = decodeHits(it.Hits, hits); err != nil {
		return err
	}
	if len(it.Hits) >= g.kept+manyHits {
		it.Hits = thin(it.Hits)
		g.kept = len(it.Hits)
	}
	g.last, g.hits = *e, append(g.hits[:0], hits...)
	return nil
}

// thin keeps, of the hits of one record for one rule and key, the one of highest rank: no other can matter.
func thin(hits []*hit.Hit) []*hit.Hit {
	type place struct {
		rule int
		key  string
	}
	best := make(map[place]int, len(hits))
	kept := hits[:0]
	for _, h := range hits {
		at := place{h.Rule, h.Key}
		i, ok := best[at]
		switch {
		case !ok:
			best[at] = len(kept)
			kept = append(kept, h)
		case h.Outranks(kept[i]):
			kept[i] = h
		}
	}
	clear(hits[len(kept):])
	return kept
}
