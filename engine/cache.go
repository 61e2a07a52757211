package engine

import (
	"context"
	"fmt"
)

// entity names a timeline in memory.
type entity struct {
	rule int
	key  string
}

// cache holds the timelines in memory, in the order of their use, up to a limit.
type cache struct {
	timelines      map[entity]*timeline
	newest, oldest *timeline
	bytes, limit   int
}

// use makes t the one used last.
func (c *cache) use(t *timeline) {
	if c.newest == t {
		return
	}
	c.unlink(t)
	t.older = c.newest
	if c.newest != nil {
		c.newest.newer = t
	}
	c.newest = t
	if c.oldest == nil {
		c.oldest = t
	}
}

func (c *cache) unlink(t *timeline) {
	if t.newer != nil {
		t.newer.older = t.older
	} else if c.newest == t {
		c.newest = t.older
	}
	if t.older != nil {
		t.older.newer = t.newer
	} else if c.oldest == t {
		c.oldest = t.newer
	}
	t.newer, t.older = nil, nil
}

func (c *cache) add(t *timeline) {
	c.timelines[entity{t.index, t.key}] = t
	c.use(t)
}

func (c *cache) remove(t *timeline) {
	delete(c.timelines, entity{t.index, t.key})
	c.unlink(t)
	c.bytes -= t.bytes
	t.bytes = 0
}

// weigh brings the memory that t is counted with up to date.
func (c *cache) weigh(t *timeline) {
	n := t.weigh()
	c.bytes += n - t.bytes
	t.bytes = n
}

// timeline is the timeline of a rule and key: from the cache, from the store, or a new one.
func (e *Engine) timeline(ctx context.Context, l *lane, key string) (*timeline, error) {
	if t := e.cache.timelines[entity{l.index, key}]; t != nil {
		return t, nil
	}
	t := newTimeline(l, key)
	if e.stored && (!e.cfg.Deferred || e.resumed || e.spilled.may(t)) {
		if err := e.fetch(ctx, t); err != nil {
			return nil, fmt.Errorf("load timeline of %q: %w", l.rule.ID, err)
		}
	}
	e.cache.add(t)
	return t, nil
}

// fetch reads what is stored of t, if anything.
func (e *Engine) fetch(ctx context.Context, t *timeline) error {
	s, ok, err := e.store.Load(ctx, t.name())
	if err != nil || !ok {
		return err
	}
	n, err := t.load(s)
	if err != nil {
		return err
	}
	if n > 0 {
		alerts, err := e.store.Alerts(ctx, t.name(), 1, 0)
		if err != nil {
			return err
		}
		for _, a := range alerts {
			of := &told{Alert: a}
			if err := of.readExtras(); err != nil {
				return err
			}
			for _, h := range of.extras {
				h.Rule, h.Key = t.index, t.key
			}
			t.alerts = append(t.alerts, of)
		}
	}
	if e.cfg.Deferred {
		e.fetched = append(e.fetched, t)
	}
	return nil
}

// disown has what is stored of the timelines that were fetched, and are still in memory, removed: it is out of date from
// now on, and must not come up as due.
func (e *Engine) disown() {
	for _, t := range e.fetched {
		if !t.saved || e.cache.timelines[entity{t.index, t.key}] != t {
			continue
		}
		e.commit.Timelines = append(e.commit.Timelines, TimelineWrite{Timeline: t.name()})
		t.saved, t.accSaved, t.accDirty, t.removed, t.dirty = false, false, true, nil, true
		for i := range t.cells {
			t.cells[i].saved, t.cells[i].dirty = false, true
		}
	}
	e.fetched = nil
}

// shrink takes the timelines that were not used for longest out of the cache until it keeps its limit, and has those
// stored that differ from what is stored.
func (e *Engine) shrink() {
	for e.cache.bytes > e.cache.limit && e.cache.oldest != nil {
		t := e.cache.oldest
		if t.dirty {
			e.save(t)
		}
		e.forget(t)
	}
}

// save adds what has to be stored of t to the commit. A timeline is in one commit once.
func (e *Engine) save(t *timeline) {
	w, ok := t.write()
	if !ok {
		return
	}
	e.stored = true
	if e.cfg.Deferred {
		e.spilled.add(t)
	}
	e.commit.Timelines = append(e.commit.Timelines, w)
}

// forget takes t out of memory.
func (e *Engine) forget(t *timeline) {
	e.cache.remove(t)
	e.byFrontier.remove(t)
	e.byAbsence.remove(t)
}
