package engine

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"detect/rules"
	"detect/rules/hit"
)

// Engine runs the rules' timelines: it takes batches of decoded records with their hits, and commits what became of them
// through a Store. It is for one goroutine.
//
// After an error the engine is done: what it holds in memory may be ahead of what is stored. A new one on the same store
// goes on from the last commit, and the caller delivers again what came after it.
type Engine struct {
	cfg    Config
	store  Store
	lanes  []*lane
	byName map[[2]string]*lane // by rule id and version
	clocks *clocks
	seen   *seen
	cache  cache

	byFrontier, byAbsence agenda

	now     int64   // the newest arrival
	stored  bool    // the store may hold timelines
	resumed bool    // it may have held some before New
	spilled spilled // those that a deferred run stored since
	queue   []*timeline
	fetched []*timeline // from the store, since the last commit; deferred runs only
	commit  *Commit     // of this batch
	alerts  []*Alert    // revised in this batch

	verdicts []verdict
	scratch  []mark
	counts   Counts // not committed yet
	done     error  // why no further batch can be processed
}

// ErrFinished is returned for a batch after Finish of a deferred run.
var ErrFinished = errors.New("the replay is finished")

// RuleStats is what evaluating one rule's conditions over timelines came to.
type RuleStats struct {
	Rule       string
	Errors     int64  // evaluations that failed; each counted as not fulfilled
	FirstError string // the text of the first
}

// failed counts an evaluation error, if err is one.
func (s *RuleStats) failed(err error) {
	if err == nil {
		return
	}
	if s.Errors++; s.FirstError == "" {
		s.FirstError = err.Error()
	}
}

// New opens an engine for rules on a store, going on from its last commit. The rules' Index must be their place in rs,
// and so must every hit's Rule.
func New(ctx context.Context, rs []*rules.Rule, st Store, cfg Config) (*Engine, error) {
	saved, ok, err := st.Clocks(ctx)
	if err != nil {
		return nil, fmt.Errorf("read clocks: %w", err)
	}
	e := &Engine{cfg: cfg, store: st, byName: map[[2]string]*lane{}, clocks: newClocks(&cfg, saved, ok), seen: newSeen(),
		cache: cache{timelines: map[entity]*timeline{}, limit: cfg.cacheBytes()}, now: math.MinInt64, stored: ok, resumed: ok, commit: &Commit{}}
	e.byFrontier, e.byAbsence = newAgendas()
	for i, r := range rs {
		l := &lane{rule: r, index: i, lateness: cfg.Lateness, room: cfg.room(), faults: &e.cfg.faults, stats: &RuleStats{Rule: r.ID}}
		l.back, l.fwd = reach(r)
		l.length = cellLength(cfg.cells(), l.back, l.fwd)
		if r.Thresholds != nil {
			l.least = leastHits(r)
		}
		e.lanes = append(e.lanes, l)
		e.byName[[2]string{r.ID, r.Version}] = l
	}
	return e, nil
}

// Stats is what evaluating the rules came to since New, in the rules' order.
func (e *Engine) Stats() []RuleStats {
	out := make([]RuleStats, len(e.lanes))
	for i, l := range e.lanes {
		out[i] = *l.stats
	}
	return out
}

// Clocks are the frontier, the absence clock and the watermarks as they are now.
func (e *Engine) Clocks() Clocks { return *e.clocks.snapshot() }

// Process takes a batch, and commits what became of it in one transaction.
func (e *Engine) Process(ctx context.Context, b *Batch) (*Outcome, error) {
	if e.done != nil {
		return nil, e.done
	}
	out, err := e.process(ctx, b)
	if err != nil {
		e.done = fmt.Errorf("process a batch after an error: %w", err)
		return nil, err
	}
	return out, nil
}

func (e *Engine) process(ctx context.Context, b *Batch) (*Outcome, error) {
	counts, err := e.take(ctx, b)
	if err != nil {
		return nil, err
	}
	for stream, t := range b.ReadTo {
		e.clocks.saw(stream, t)
	}
	e.clocks.absent(b.Absence)
	more, err := e.enqueueDue(ctx)
	if err != nil {
		return nil, err
	}
	for _, t := range e.queue {
		e.step(t, !e.cfg.Deferred)
	}
	clear(e.queue)
	e.queue = e.queue[:0]
	e.shrink()
	revised := e.alerts
	if err := e.flush(ctx, b, e.cfg.Deferred); err != nil {
		return nil, err
	}
	slices.SortFunc(revised, CompareAlerts)
	return &Outcome{Counts: counts, Revised: revised, More: more}, nil
}

// take puts the batch's hits into their timelines. Those of a repeat are put there too: digests of different contents may
// be equal, and then the alerts must not depend on which came first.
func (e *Engine) take(ctx context.Context, b *Batch) (Counts, error) {
	counts := Counts{Read: int64(len(b.Items)) + b.Rejected, Rejected: b.Rejected}
	if e.cfg.Distinct {
		counts.Read = b.Rejected
	}
	verdicts, err := e.judge(ctx, b.Items)
	if err != nil {
		return counts, fmt.Errorf("look up identities: %w", err)
	}
	for i := range b.Items {
		it := &b.Items[i]
		e.now = max(e.now, it.Arrived)
		late := it.Time < e.clocks.frontier
		switch verdicts[i] {
		case fresh:
			counts.Accepted++
			if late {
				counts.Late++
			}
			if e.cfg.Distinct {
				counts.Read++
			}
		case variant:
			if !e.cfg.Distinct {
				counts.Duplicate++
				counts.Differing++
			}
		case repeated:
			counts.Duplicate++
		}
		if !it.Future || e.cfg.faults.futureMoves {
			e.clocks.saw(it.Stream, it.Time)
		}
		if verdicts[i] == repeated && late {
			continue // nothing that is late raises alerts twice
		}
		for _, h := range it.Hits {
			if err := e.place(ctx, h, late, verdicts[i] == variant); err != nil {
				return counts, err
			}
		}
	}
	e.counts.add(counts)
	return counts, nil
}

func (c *Counts) add(d Counts) {
	c.Read += d.Read
	c.Accepted += d.Accepted
	c.Duplicate += d.Duplicate
	c.Rejected += d.Rejected
	c.Late += d.Late
	c.Differing += d.Differing
}

// place puts one hit into its timeline, or beside it if it is late.
func (e *Engine) place(ctx context.Context, h *hit.Hit, late, known bool) error {
	l := e.lanes[h.Rule]
	if late && l.rule.Kind != rules.Match {
		return nil
	}
	t, err := e.timeline(ctx, l, h.Key)
	if err != nil {
		return err
	}
	e.enqueue(t)
	if late {
		return e.joinLate(ctx, t, h, known)
	}
	t.insert(h)
	return nil
}

// enqueue has t looked at in this batch.
func (e *Engine) enqueue(t *timeline) {
	if !t.queued {
		t.queued = true
		e.queue = append(e.queue, t)
		e.cache.use(t)
	}
}

// enqueueDue has the timelines looked at that are due, those that are stored included, though no more than a limit of
// them: more says that some are left.
func (e *Engine) enqueueDue(ctx context.Context) (more bool, err error) {
	f, absence := e.clocks.decidable(), e.clocks.absence
	if e.cfg.faults.beyondAbsence {
		f = e.clocks.frontier
	}
	for t := e.byFrontier.next(f); t != nil; t = e.byFrontier.next(f) {
		e.byFrontier.remove(t)
		e.enqueue(t)
	}
	for t := e.byAbsence.next(absence); t != nil; t = e.byAbsence.next(absence) {
		e.byAbsence.remove(t)
		e.enqueue(t)
	}
	if !e.stored {
		return false, nil
	}
	limit := e.cfg.dueLimit()
	due, err := e.store.Due(ctx, f, absence, limit)
	if err != nil {
		return false, fmt.Errorf("look up due timelines: %w", err)
	}
	for _, name := range due {
		if err := e.enqueueStored(ctx, name); err != nil {
			return false, err
		}
	}
	return len(due) >= limit, nil
}

// enqueueStored has a stored timeline looked at. One of a rule that does not run any more is removed; its alerts stand.
func (e *Engine) enqueueStored(ctx context.Context, name Timeline) error {
	l := e.byName[[2]string{name.Rule, name.Version}]
	if l == nil {
		e.commit.Timelines = append(e.commit.Timelines, TimelineWrite{Timeline: name})
		return nil
	}
	t, err := e.timeline(ctx, l, name.Key)
	if err != nil {
		return err
	}
	e.enqueue(t)
	return nil
}

// step brings a timeline up to the clocks.
func (e *Engine) step(t *timeline, tell bool) {
	f := e.clocks.decidable()
	if e.cfg.faults.beyondAbsence {
		f = e.clocks.frontier
	}
	t.queued = false
	var closed []*episode
	closed, e.scratch = t.advance(f, e.clocks.absence, e.scratch)
	if tell || len(closed) > 0 || len(t.alerts) > 0 {
		e.alerts = append(e.alerts, t.tell(closed, tell, e.now)...)
	}
	t.anew = false
	if len(t.late) > 0 {
		e.alerts = append(e.alerts, t.late...)
		t.late, t.dirty = nil, true
	}
	t.drop()
	if t.empty() {
		e.save(t)
		e.forget(t)
		return
	}
	t.reckon()
	if !e.cfg.Deferred {
		e.save(t)
	}
	e.cache.weigh(t)
	e.byFrontier.update(t)
	e.byAbsence.update(t)
}
