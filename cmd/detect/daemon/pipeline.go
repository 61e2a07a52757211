package daemon

import (
	"context"
	"sync"
	"time"

	"detect/engine"
	"detect/engine/match"
	"detect/internal/record"
	"detect/internal/source"
	"detect/rules"
	"detect/rules/hit"
)

// generation is one set of rules with what it takes to match records. A reload makes a new one; each batch is matched by the
// one that was current when it came in.
type generation struct {
	rules   *rules.Set
	matcher *match.Matcher
	engine  engine.Config
	settle  int64 // how far the absence clock stays behind the wall clock, microseconds
	streams []*stream
}

// unit is one batch of a source on its way through the pipeline, or a change that takes effect at its place in the order.
type unit struct {
	stream  *stream
	gen     *generation
	raw     *source.Batch // kept until what came of it is committed, so that it can be matched again
	arrived int64         // microseconds of the wall clock

	items    []engine.Item
	hits     []*hit.Hit
	rejects  []engine.Reject // those that are kept
	rejected int             // all of them
	bytes    int             // of the records as they were read

	change *change       // nil for a batch
	ready  chan struct{} // closed when it was matched
}

// change is a generation that takes the place of the one before it; done is given what came of it.
type change struct {
	gen  *generation
	done chan error
}

// pipeline takes batches from any number of sources, matches them on several cores, and hands them on in the order in which
// they came in. It holds no more than a few of them.
type pipeline struct {
	slots chan struct{} // one for each unit between a source and the sequencer
	order chan *unit    // what the sequencer takes
	work  chan *unit    // what the workers take

	mu  sync.Mutex // held while a unit takes its place in both, so that they have one order
	gen *generation

	workers []*worker

	retiredMu sync.Mutex
	retired   ruleCounts // what workers counted for generations before the present one
}

// newPipeline makes a pipeline with n workers.
func newPipeline(gen *generation, n int) *pipeline {
	depth := max(8, 4*n)
	p := &pipeline{
		slots: make(chan struct{}, depth), order: make(chan *unit, depth), work: make(chan *unit, depth), gen: gen,
		retired: ruleCounts{},
	}
	for range n {
		p.workers = append(p.workers, &worker{p: p})
	}
	return p
}

// emit takes a batch of a stream, waiting until there is room for it. After an error the batch is released.
func (p *pipeline) emit(ctx context.Context, s *stream, b *source.Batch) error {
	u := &unit{stream: s, raw: b, arrived: time.Now().UnixMicro(), ready: make(chan struct{})}
	s.waiting.Store(u.arrived)
	defer s.waiting.Store(0)
	if err := p.put(ctx, u); err != nil {
		b.Release()
		return err
	}
	return nil
}

// swap has a generation take over after all that came in before, and waits until it has.
func (p *pipeline) swap(ctx context.Context, gen *generation) error {
	c := &change{gen: gen, done: make(chan error, 1)}
	if err := p.put(ctx, &unit{change: c}); err != nil {
		return err
	}
	select {
	case err := <-c.done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (p *pipeline) put(ctx context.Context, u *unit) error {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if u.change != nil {
		p.gen = u.change.gen
	}
	u.gen = p.gen
	p.order <- u // has room: there are no more slots than that
	if u.change == nil {
		p.work <- u
	}
	return nil
}

// close says that nothing more comes in.
func (p *pipeline) close() {
	close(p.order)
	close(p.work)
}

// worker decodes and matches on one core.
type worker struct {
	p *pipeline

	mu      sync.Mutex // held while it works on a batch
	gen     *generation
	match   *match.Worker
	decoder source.Decoder
}

// run works until nothing more comes in.
func (w *worker) run() {
	for u := range w.p.work {
		w.do(u)
		close(u.ready)
	}
}

// do decodes and matches a unit, anew if it was done before.
func (w *worker) do(u *unit) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.gen != u.gen {
		w.retire()
		w.gen, w.match = u.gen, u.gen.matcher.NewWorker()
	}
	u.items, u.hits, u.rejects, u.rejected, u.bytes = u.items[:0], nil, nil, 0, 0
	reject := func(r source.Reject) {
		if u.rejected++; len(u.rejects) < keptRejects {
			u.rejects = append(u.rejects, engine.Reject{Source: u.stream.name, File: r.File, Line: r.Line, Offset: r.Offset, Reason: r.Reason})
		}
	}
	for _, r := range u.raw.Rejects {
		reject(r)
	}
	take := func(rec *record.Record, _ source.Origin) error {
		t, _ := rec.Time()
		from := len(u.hits)
		u.hits = w.match.Match(rec, u.hits)
		u.items = append(u.items, engine.Item{
			Time: t, ID: hit.ID(rec.Identity()), Content: rec.Content(), Stream: u.stream.name, Arrived: u.arrived,
			Future: t > u.arrived, Hits: u.hits[from:len(u.hits):len(u.hits)],
		})
		return nil
	}
	for i := range u.raw.Records {
		u.bytes += len(u.raw.Records[i].JSON)
		_ = w.decoder.Decode(u.raw.Records[i], take, reject) // returns take's error only
	}
}

// keptRejects is how many rejects of one batch are kept with place and reason; all are counted.
const keptRejects = 10_000
