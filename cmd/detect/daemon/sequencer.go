package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"time"

	"detect/engine"
	"detect/notify"
)

// When what came in is committed: as soon as no more is waiting, but no later than commitAfter after the first of it was
// taken up, and at these sizes.
const (
	commitAfter   = 20 * time.Millisecond
	commitRecords = 20_000
	commitBytes   = 32 << 20
)

const (
	idleTick = 15 * time.Second // how often the clock moves on without records
	idleStep = time.Minute      // how far it must have moved to be worth a commit by itself
)

// sequencer is the one goroutine that runs the engine: it takes matched units in their order and commits them.
type sequencer struct {
	p       *pipeline
	store   engine.Store
	stop    <-chan struct{} // closed when the daemon is to end
	log     *slog.Logger
	say     func(notify.Notice)
	wake    func() // there are new rows in the outbox
	metrics *metrics
	state   *state
	told    *quota // rejects and warnings in the log

	gen    *generation
	eng    *engine.Engine // nil: to be opened
	held   *unit          // taken, and left for the next commit
	more   bool           // further timelines are due
	last   int64          // the absence clock of the last commit
	ticked int64          // when the clock last moved on without records, microseconds of the wall clock
	batch  engine.Batch
	clocks engine.Clocks // after the last commit
	redo   *worker       // for what must be matched again
	paused bool
	erred  map[string]bool // rules whose errors were logged

	countsMu sync.Mutex
	retired  ruleCounts         // of engines that are over
	live     []engine.RuleStats // of the present one
}

// run processes units until the pipeline is closed and empty. An error is one of the store that won't pass by itself, or
// came while the daemon was to end.
func (s *sequencer) run(ctx context.Context) error {
	s.last = math.MinInt64
	s.redo = &worker{p: s.p}
	s.ticked = time.Now().UnixMicro()
	if err := s.commit(ctx, nil); err != nil { // opens the engine, and goes on with what is due
		return err
	}
	tick := time.NewTicker(idleTick)
	defer tick.Stop()
	for {
		u, open, err := s.next(ctx, tick.C)
		switch {
		case err != nil:
			return err
		case !open:
			return s.finish(ctx)
		case u == nil:
		case u.change != nil:
			err = s.change(ctx, u.change)
		default:
			err = s.gather(ctx, u)
		}
		if err != nil {
			return err
		}
		s.state.idle()
	}
}

// next waits for a unit, while the clock ticks. u is nil when there is none but something was done.
func (s *sequencer) next(ctx context.Context, tick <-chan time.Time) (u *unit, open bool, err error) {
	if u, s.held = s.held, nil; u != nil {
		return u, true, nil
	}
	if s.more {
		select {
		case u, open = <-s.p.order:
		default:
			return nil, true, s.commit(ctx, nil)
		}
	} else {
		select {
		case u, open = <-s.p.order:
		case <-tick:
			s.told.flush()
			s.tellErrors()
			if s.slept() {
				return nil, true, nil
			}
			return nil, true, s.idle(ctx)
		}
	}
	if open {
		<-s.p.slots
	}
	s.state.busy()
	return u, open, nil
}

// finish goes through what is due once nothing more comes in, unless the daemon is to end.
func (s *sequencer) finish(ctx context.Context) error {
	for s.more {
		select {
		case <-s.stop:
			return nil
		default:
		}
		if err := s.commit(ctx, nil); err != nil {
			return err
		}
	}
	return nil
}

// gather collects what came in with u and after it, and commits it.
func (s *sequencer) gather(ctx context.Context, u *unit) error {
	<-u.ready
	units := []*unit{u}
	records, bytes := len(u.items), u.bytes
	due := time.NewTimer(commitAfter)
	defer due.Stop()
collect:
	for records < commitRecords && bytes < commitBytes {
		select {
		case <-due.C:
			break collect
		default:
		}
		select {
		case u, open := <-s.p.order:
			if !open {
				break collect
			}
			<-s.p.slots
			if u.change != nil {
				s.held = u
				break collect
			}
			<-u.ready
			units = append(units, u)
			records, bytes = records+len(u.items), bytes+u.bytes
		default:
			break collect
		}
	}
	return s.commit(ctx, units)
}

// slept says whether the program stood still since the last tick, as in a machine that was suspended, or the wall clock
// leapt. What arrived meanwhile was not looked for yet, so that nothing can be said of the time.
func (s *sequencer) slept() bool {
	now := time.Now().UnixMicro()
	gap := now - s.ticked
	s.ticked = now
	return gap > int64(3*idleTick/time.Microsecond)
}

// idle moves the clock on while no records come.
func (s *sequencer) idle(ctx context.Context) error {
	if len(s.p.order) > 0 {
		return nil
	}
	t := s.absence()
	if t < minus(s.last, -int64(idleStep/time.Microsecond)) {
		due, err := s.store.Due(ctx, min(s.clocks.Frontier, t), t, 1)
		if err == nil && len(due) == 0 {
			return nil
		}
	}
	return s.commit(ctx, nil)
}

// absence is T for a commit now: the wall clock, or as far as the streams that are behind have come, less what records
// may take to arrive. What a source is about to hand over counts from when it had it.
func (s *sequencer) absence() int64 {
	t := time.Now().UnixMicro()
	for _, st := range s.gen.streams {
		if at := st.waiting.Load(); at != 0 {
			t = min(t, at)
		}
		if st.behind {
			mark, ok := s.clocks.Watermarks[st.name]
			if !ok {
				return math.MinInt64
			}
			t = min(t, mark)
		}
	}
	return minus(t, s.gen.settle)
}

// minus is a - b, stopping at the least number.
func minus(a, b int64) int64 {
	if b > 0 && a < math.MinInt64+b {
		return math.MinInt64
	}
	return a - b
}

// process has the engine process units, and opens it if it must.
func (s *sequencer) process(ctx context.Context, units []*unit) (*engine.Outcome, error) {
	if s.eng == nil {
		eng, err := engine.New(ctx, s.gen.rules.Rules, s.store, s.gen.engine)
		if err != nil {
			return nil, fmt.Errorf("open the engine: %w", err)
		}
		s.eng, s.clocks = eng, eng.Clocks()
	}
	s.fill(units)
	s.state.progress()
	out, err := s.eng.Process(ctx, &s.batch)
	s.countErrors(err != nil)
	return out, err
}

// fill makes the engine's batch of units.
func (s *sequencer) fill(units []*unit) {
	clear(s.batch.Items)
	b := engine.Batch{Items: s.batch.Items[:0]}
	places := map[string]int{}
	last := int64(math.MaxInt64)
	for _, u := range units {
		b.Items = append(b.Items, u.items...)
		b.Rejected += int64(u.rejected)
		if room := keptRejects - len(b.Rejects); room > 0 {
			b.Rejects = append(b.Rejects, u.rejects[:min(room, len(u.rejects))]...)
		}
		for _, p := range u.raw.Positions {
			if i, ok := places[p.Source]; ok {
				b.Positions[i].Data = p.Data
				continue
			}
			places[p.Source] = len(b.Positions)
			b.Positions = append(b.Positions, engine.Position{Source: p.Source, Data: p.Data})
		}
		u.stream.behind, last = u.raw.Behind, u.arrived
	}
	b.Absence = min(s.absence(), minus(last, s.gen.settle))
	if len(units) == 0 && (len(s.p.order) > 0 || s.held != nil) {
		b.Absence = s.last // what waits came in some time ago, and is not seen yet
	}
	s.last = max(s.last, b.Absence)
	s.batch = b
}

// committed is what follows a commit.
func (s *sequencer) committed(units []*unit, out *engine.Outcome, begun time.Time) {
	s.more = out.More
	s.clocks = s.eng.Clocks()
	s.metrics.committed(units, out, begun)
	if len(units) > 0 {
		s.log.Debug("committed", "read", out.Counts.Read, "accepted", out.Counts.Accepted, "duplicate", out.Counts.Duplicate,
			"rejected", out.Counts.Rejected, "late", out.Counts.Late, "revised", len(out.Revised), "took", time.Since(begun))
	}
	s.metrics.clocksAre(&s.clocks, s.gen.streams)
	if len(out.Revised) > 0 {
		s.wake()
	}
	if out.Counts.Late > 0 {
		s.tellLate(units, out.Counts.Late)
	}
	for _, u := range units {
		s.tell(u)
		u.raw.Release()
		u.raw = nil
	}
	s.overtaken()
}

// change puts another generation in place, after all that came before it.
func (s *sequencer) change(ctx context.Context, c *change) error {
	if s.eng != nil {
		s.countErrors(true)
	}
	s.gen, s.eng = c.gen, nil
	s.metrics.keepStreams()
	err := s.commit(ctx, nil)
	c.done <- err
	return err
}

// countErrors notes what the engine counted; over says that it is used no more.
func (s *sequencer) countErrors(over bool) {
	s.countsMu.Lock()
	defer s.countsMu.Unlock()
	if over {
		s.retired.addEngine(s.eng.Stats())
		s.live = nil
		return
	}
	s.live = s.eng.Stats()
}

// counts adds what engines counted.
func (s *sequencer) counts(to ruleCounts) {
	s.countsMu.Lock()
	defer s.countsMu.Unlock()
	to.add(s.retired)
	to.addEngine(s.live)
}
