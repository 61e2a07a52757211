package daemon

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"detect/engine"
	"detect/internal/source"
	"detect/notify"
)

// Source is one stream of records.
type Source struct {
	// Name is the stream's name.
	Name string
	// Key says how it is read: a reload leaves a source running if one of the same Name and Key is there again.
	Key string
	// Open makes what reads it, from where it was read to by what is committed.
	Open func(positions []source.Position) Reader
}

// Reader reads a source until its end or the end of ctx. emit owns the batches that it is given.
type Reader interface {
	Run(ctx context.Context, emit func(*source.Batch) error) error
}

// stream is a source that is read.
type stream struct {
	name, key string
	waiting   atomic.Int64 // when the emit call that it is in began, microseconds of the wall clock; 0: it is in none
	unread    atomic.Bool  // something of it could not be read

	behind    bool // the sequencer's: it was not read to its end yet, or not again
	overtaken bool // the sequencer's: the others wait for it no longer

	stop  context.CancelFunc
	ended chan struct{} // closed when its reader has returned
	err   error         // what it returned; to be read once ended is closed
	told  bool          // the Daemon's: that it ended was noticed
}

// over says whether its reader has returned.
func (st *stream) over() bool {
	select {
	case <-st.ended:
		return true
	default:
		return false
	}
}

func newStream(s Source) *stream {
	return &stream{name: s.Name, key: s.Key, behind: true, ended: make(chan struct{})}
}

// start has a reader read the stream, in a goroutine that ends with stop.
// ended is told afterwards.
func (st *stream) start(ctx context.Context, r Reader, emit func(*source.Batch) error, group *sync.WaitGroup, ended func()) {
	ctx, st.stop = context.WithCancel(ctx)
	group.Go(func() {
		defer ended()
		defer close(st.ended)
		defer st.stop()
		if err := r.Run(ctx, emit); err != nil && !errors.Is(err, context.Canceled) {
			st.err = err
		}
	})
}

// positionsOf is how far the parts of a stream were read.
func positionsOf(all []engine.Position, stream string) (list []source.Position) {
	for _, p := range all {
		if i := strings.LastIndexByte(p.Source, ' '); i >= 0 && p.Source[:i] == stream {
			list = append(list, source.Position{Source: p.Source, Data: p.Data})
		}
	}
	return list
}

// open starts sources that are to be read; streams are theirs, in the same order.
func (d *Daemon) open(ctx context.Context, sources []Source, streams []*stream) error {
	positions, err := d.Store.Positions(ctx)
	if err != nil {
		return fmt.Errorf("read how far sources were read: %w", err)
	}
	for i, s := range sources {
		st := streams[i]
		st.start(ctx, s.Open(positionsOf(positions, s.Name)), func(b *source.Batch) error {
			return d.pipeline.emit(d.hard, st, b)
		}, &d.readers, func() { signal(d.ended) })
	}
	return nil
}

// unreadable says of a stream that ended with an error.
func unreadable(s *stream) notify.Notice {
	return notify.Notice{Level: notify.Trouble, Text: fmt.Sprintf("Stream %s is read no more: %v.", s.name, s.err),
		Hint: "see the log; detect goes on with the other sources and has to be started anew for this one"}
}

// signal says on a channel with room for one that something happened.
func signal(to chan<- struct{}) {
	select {
	case to <- struct{}{}:
	default:
	}
}

// endOfStreams notes which streams have ended by themselves, and says whether all have.
func (d *Daemon) endOfStreams() (all bool) {
	all = true
	for _, st := range d.streams {
		if !st.over() {
			all = false
			continue
		}
		if st.told {
			continue
		}
		st.told = true
		if st.err != nil {
			st.unread.Store(true)
			d.say(unreadable(st))
		}
	}
	return all
}

// stopReading ends all sources and waits until they have.
func (d *Daemon) stopReading() {
	for _, st := range d.streams {
		if st.stop != nil {
			st.stop()
		}
	}
	d.readers.Wait()
}
