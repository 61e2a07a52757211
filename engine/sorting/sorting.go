// Package sorting puts decoded records into the order of (time, identity) before they are replayed, however many there
// are: in memory as long as they fit, else in sorted runs on disk that are merged.
//
// Copies of one record are resolved on the way. What comes out depends on the set of what went in alone, not on its
// order nor on how many goroutines brought it.
package sorting

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"sync"

	"detect/engine"
)

// The defaults of a Sorter's options.
const (
	DefaultMemory = 32 << 20
	DefaultFanIn  = 64
)

// ErrState is returned when a Sorter's methods are called out of their order.
var ErrState = errors.New("sorter used out of order")

// Sorter sorts items. Fill it through one Buffer for each goroutine, then call Finish, then Next until io.EOF, and Close
// in any case. The exported fields are options, to be set before the first Buffer is made; their zero values are usable.
type Sorter struct {
	Dir    string // where sorted runs are written if the items outgrow Memory; "": the system's directory for temporary files
	Memory int64  // bytes for items in memory, beside one block a Buffer and 64 KiB for each of FanIn runs; 0: DefaultMemory
	FanIn  int    // how many runs are merged at once, at least 2; 0: DefaultFanIn

	Stream  string // Stream of the items that come out
	Arrived int64  // Arrived of the items that come out, microseconds

	mu      sync.Mutex // held while a full block is handed over, and while runs are written
	buffers []*Buffer
	full    []*block // sorted
	free    []*block
	held    int64 // bytes of full
	runs    []*run
	stats   Stats
	err     error // what broke the sorter
	merged  *merger
	group   group
	closed  bool
}

// Stats is what a Sorter has seen. All but Duplicate and Differing is known after Finish; these two at the end.
type Stats struct {
	Items     int64 // added
	Duplicate int64 // copies that were dropped
	Differing int64 // those of them that are distinct variants: same identity, other content
	Oldest    int64 // least time of all items, microseconds; meaningless if Items is 0
	Newest    int64 // greatest time of all items
	// NewestPast is the greatest time of the items that are not Future; math.MinInt64 if there is none.
	NewestPast int64
	Runs       int   // sorted runs written to disk, those made of other runs included
	Spilled    int64 // bytes written to disk
}

// Buffer takes the items of one goroutine.
type Buffer struct {
	s     *Sorter
	b     *block
	stats Stats
}

// NewBuffer makes a Buffer. It may be called from any goroutine until Finish is.
func (s *Sorter) NewBuffer() *Buffer {
	b := &Buffer{s: s, stats: Stats{Oldest: math.MaxInt64, Newest: math.MinInt64, NewestPast: math.MinInt64}}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buffers = append(s.buffers, b)
	return b
}

// Add takes an item. Its Stream and Arrived are not kept, and neither the item nor its hits are referred to after the
// return. An error is the Sorter's: it is of no use any more.
func (b *Buffer) Add(it *engine.Item) error {
	if b.b == nil {
		var err error
		if b.b, err = b.s.takeBlock(); err != nil {
			return err
		}
	}
	isFull, err := b.b.add(it)
	if err != nil {
		return fmt.Errorf("sort record %x: %w", it.ID, err)
	}
	b.stats.Items++
	b.stats.Oldest = min(b.stats.Oldest, it.Time)
	b.stats.Newest = max(b.stats.Newest, it.Time)
	if !it.Future {
		b.stats.NewestPast = max(b.stats.NewestPast, it.Time)
	}
	if !isFull {
		return nil
	}
	full := b.b
	b.b = nil
	full.sort()
	return b.s.handOver(full)
}

// takeBlock is an empty block: a used one if there is any.
func (s *Sorter) takeBlock() (*block, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return nil, s.err
	}
	if s.merged != nil || s.closed {
		return nil, fmt.Errorf("add item: %w", ErrState)
	}
	if n := len(s.free); n > 0 {
		b := s.free[n-1]
		s.free = s.free[:n-1]
		return b, nil
	}
	return newBlock(), nil
}

// handOver takes a sorted block, and writes all that is held to disk once it outgrows the memory.
func (s *Sorter) handOver(b *block) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	s.full = append(s.full, b)
	s.held += b.size()
	if s.held < s.memory() {
		return nil
	}
	if err := s.spill(); err != nil {
		s.err = fmt.Errorf("sort on disk: %w", err)
	}
	return s.err
}

func (s *Sorter) memory() int64 {
	if s.Memory <= 0 {
		return DefaultMemory
	}
	return s.Memory
}

func (s *Sorter) fanIn() int {
	if s.FanIn <= 0 {
		return DefaultFanIn
	}
	return max(s.FanIn, 2)
}

func (s *Sorter) dir() string {
	if s.Dir == "" {
		return os.TempDir()
	}
	return s.Dir
}

// spill writes the full blocks as one run, and merges runs of one level as soon as there are enough of them, so that
// the number of open files stays small.
func (s *Sorter) spill() error {
	sources := make([]source, 0, len(s.full))
	for _, b := range s.full {
		sources = append(sources, source{block: b})
	}
	r, err := s.write(context.Background(), sources, 0)
	if err != nil {
		return err
	}
	s.runs = append(s.runs, r)
	for _, b := range s.full {
		b.reset()
	}
	s.free = append(s.free, s.full...)
	s.full, s.held = s.full[:0], 0
	for level := 0; ; level++ {
		var same []*run
		for _, r := range s.runs {
			if r.level == level {
				same = append(same, r)
			}
		}
		if len(same) < s.fanIn() {
			return nil
		}
		if err := s.join(context.Background(), same, level+1); err != nil {
			return err
		}
	}
}

// Finish ends the filling, and makes Stats and Next available. No Buffer may be in use any more.
func (s *Sorter) Finish(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	if s.merged != nil || s.closed {
		return fmt.Errorf("finish sorting: %w", ErrState)
	}
	s.stats.Oldest, s.stats.Newest, s.stats.NewestPast = math.MaxInt64, math.MinInt64, math.MinInt64
	for _, b := range s.buffers {
		s.stats.Items += b.stats.Items
		s.stats.Oldest = min(s.stats.Oldest, b.stats.Oldest)
		s.stats.Newest = max(s.stats.Newest, b.stats.Newest)
		s.stats.NewestPast = max(s.stats.NewestPast, b.stats.NewestPast)
		if b.b != nil {
			b.b.sort()
			s.full = append(s.full, b.b)
			b.b = nil
		}
	}
	s.buffers, s.free = nil, nil
	if err := s.startMerge(ctx); err != nil {
		s.err = fmt.Errorf("sort on disk: %w", err)
	}
	return s.err
}

// startMerge merges runs until few enough are left, and then opens them and the blocks in memory for the last merge.
func (s *Sorter) startMerge(ctx context.Context) error {
	for len(s.runs) > s.fanIn() {
		if err := s.join(ctx, s.smallest(min(s.fanIn(), len(s.runs)-s.fanIn()+1)), math.MaxInt); err != nil {
			return err
		}
	}
	sources := make([]source, 0, len(s.runs)+len(s.full))
	for _, r := range s.runs {
		sources = append(sources, source{run: r.open()})
	}
	for _, b := range s.full {
		sources = append(sources, source{block: b})
	}
	m, err := newMerger(sources)
	s.merged = m
	return err
}

// Stats is what the Sorter has seen so far. It is complete once Next has returned io.EOF.
func (s *Sorter) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}

// Close releases the Sorter's memory and removes its files.
func (s *Sorter) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	var errs []error
	for _, r := range s.runs {
		errs = append(errs, r.remove())
	}
	s.runs, s.full, s.free, s.buffers, s.merged = nil, nil, nil, nil, nil
	return errors.Join(errs...)
}
