package engine

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"sort"

	"detect/rules"
	"detect/rules/hit"
)

// advance folds what is decided at f = min(F, T) and says which episodes that closed.
func (t *timeline) advance(f, absence int64, scratch []mark) (closed []*episode, _ []mark) {
	t.evaluate(absence)
	to := minus(f, t.fwd+1)
	switch {
	case t.faults.halfContext:
		to = minus(f, t.fwd/2+1)
	case t.faults.decideEarly:
		to = minus(f, 1)
	case t.faults.freezeFrontier:
		to = minus(f, t.fwd)
	}
	end := func() {
		t.acc.final = true
		t.acc.rest = t.acc.rest || t.blurred(t.acc.first, t.acc.last)
		closed = append(closed, t.acc)
		t.acc, t.accDirty = nil, true
		t.prov.closed()
	}
	if to > t.decided {
		scratch = t.marks(scratch[:0], t.decided, to)
		named := t.named(len(scratch) > 0)
		for _, m := range scratch {
			t.prov.decided(m)
			if t.acc != nil && !t.acc.joins(t.rule, m.hit.Time) {
				end()
			}
			if t.acc == nil {
				t.acc = &episode{}
			}
			t.acc.add(t.rule, m)
			t.accDirty = true
			t.acc.names = append(t.acc.names, named[markOf(m.hit)]...)
		}
		clear(scratch)
		t.decided = to
	}
	if t.acc != nil && t.acc.over(t.rule, t.decided) {
		end()
	}
	if t.acc != nil && !t.acc.rest && t.blurred(t.acc.first, t.acc.last) {
		t.acc.rest, t.accDirty = true, true
	}
	t.dirty = true
	return closed, scratch
}

// named is the ids of the alerts by their naming mark; nil if that isn't wanted.
func (t *timeline) named(wanted bool) map[Mark][]string {
	if !wanted || len(t.alerts) == 0 {
		return nil
	}
	named := make(map[Mark][]string, len(t.alerts))
	for _, a := range t.alerts {
		named[a.Naming] = append(named[a.Naming], a.ID)
	}
	return named
}

// tell reconciles the alerts that can still change with the episodes, and returns what was revised. Only closed episodes
// are told of if there is no such alert and provisional is false.
func (t *timeline) tell(closed []*episode, provisional bool, now int64) []*Alert {
	eps := closed
	var ms []mark
	if provisional || len(t.alerts) > 0 {
		t.foresee(provisional && t.discard)
		ms = t.prov.marks
		eps = append(eps, t.prov.eps...)
	}
	if len(eps) == 0 && len(t.alerts) == 0 {
		return nil
	}
	homes := map[string]int{}
	for i, e := range slices.Backward(eps) {
		for _, id := range e.names {
			homes[id] = i
		}
	}
	claims, withdrawn := reconcile(eps, t.alerts, func(a *told) int {
		if a.Naming.Time > t.decided {
			return home(a, eps, len(closed), ms)
		}
		if i, ok := homes[a.ID]; ok {
			return i
		}
		return -1
	}, t.faults)
	w := teller{t: t, now: now}
	for i := range claims {
		w.episode(eps[i], &claims[i])
	}
	for _, a := range withdrawn {
		w.withdraw(a)
	}
	w.pairMoved()
	w.settle()
	return w.revised
}

// home is the index of the episode that holds the alert's undecided naming mark, -1 if none does. The first so many
// episodes are closed.
func home(a *told, eps []*episode, closed int, ms []mark) int {
	i := sort.Search(len(ms), func(i int) bool {
		m := markOf(ms[i].hit)
		return m.Time > a.Naming.Time || m.Time == a.Naming.Time && m.ID.Compare(a.Naming.ID) >= 0
	})
	if i == len(ms) || markOf(ms[i].hit) != a.Naming {
		return -1
	}
	if i = touching(eps[closed:], a.Naming.Time, a.Naming.Time); i >= 0 {
		i += closed
	}
	return i
}

// teller revises the alerts of one timeline in one batch.
type teller struct {
	t       *timeline
	now     int64
	revised []*Alert
	opened  []*Alert // of revised
	gone    []*Alert // of revised
}

// episode revises the alert of an episode, opening it if need be, and those merged into it.
func (w *teller) episode(e *episode, c *claim) {
	t := w.t
	a, reason := c.stays, Changed
	switch {
	case a == nil:
		n := 0
		for _, m := range t.taken {
			if m == e.naming {
				n++
			}
		}
		a = &told{Alert: raise(t.rule, t.key)}
		a.ID, a.Naming, a.Opening = alertID(t.rule.ID, t.key, e.naming, n), e.naming, t.opened
		t.opened++
		t.alerts = append(t.alerts, a)
		if e.naming.Time <= t.decided {
			e.names = append(e.names, a.ID)
			if t.acc != nil && t.acc.naming == e.naming {
				t.acc.names, t.accDirty = append(t.acc.names, a.ID), true
			}
		}
		reason = Opened
	case c.revive:
		reason = Revived
	case len(c.merged) > 0:
		reason = MergedIn
	}
	for _, m := range c.merged {
		next := *m.Alert
		next.Status, next.Into, next.State = Merged, a.ID, nil
		a.join(m.extras...)
		a.more.add(m.more)
		m.extras, m.more = nil, overflow{}
		w.put(m, &next, MergedAway)
	}
	w.refresh(a, e, reason)
}

// refresh describes an alert anew if what it shows may have changed.
func (w *teller) refresh(a *told, e *episode, reason Reason) {
	next := *a.Alert
	next.Final = e.final
	if reason == Revived {
		next.Status, next.Into = Open, ""
	}
	if len(a.extras) > 0 || reason == Opened || reason == Revived || a.print != e.print || a.blur != e.rest || w.t.anew {
		f, rest := &e.fold, e.rest
		if len(a.extras) > 0 {
			late := e.fold.clone()
			for _, h := range a.extras {
				late.add(w.t.rule, mark{hit: h})
			}
			if a.more.n > 0 {
				late.count += a.more.n
				late.first, late.last = min(late.first, a.more.first), max(late.last, a.more.last)
				rest = true
			}
			f = &late
		}
		w.describe(&next, f, rest)
		a.print, a.blur = e.print, e.rest
	} else if e.final {
		w.remember(&next, &e.fold)
	}
	if !next.Final {
		next.State = a.appendExtras()
	}
	if reason == Changed {
		switch {
		case next.Count > a.Count:
			reason = Grew
		case next.Count < a.Count:
			reason = Shrank
		case SameContent(a.Alert, &next):
			if !next.Final {
				return
			}
			reason = Finished
		}
	}
	w.put(a, &next, reason)
}

// describe writes what the fold shows into the alert.
func (w *teller) describe(next *Alert, f *fold, rest bool) {
	s := f.summary(w.t.rule)
	err := show(w.t.rule, next, f.view(w.t.rule, w.t.key, s, rest), s.records)
	w.t.stats.failed(err)
	if next.Final {
		w.remember(next, f)
	}
}

// remember keeps the fold of a final alert that late records may still join.
func (w *teller) remember(next *Alert, f *fold) {
	next.State = nil
	if w.t.rule.Kind == rules.Match && w.t.lateness > 0 {
		next.State = appendFold(nil, f)
	}
}

// withdraw revises an alert that no episode is left for. What late records added to it still stands.
func (w *teller) withdraw(a *told) {
	next := *a.Alert
	if len(a.extras) > 0 {
		var f fold
		for _, h := range a.extras {
			f.add(w.t.rule, mark{hit: h})
		}
		next.Late, next.Final = true, true
		w.describe(&next, &f, false)
		w.put(a, &next, Shrank)
		return
	}
	next.Status, next.State = Withdrawn, nil
	w.put(a, &next, Gone)
}

// put makes next the latest revision of a.
func (w *teller) put(a *told, next *Alert, reason Reason) {
	next.Reason = reason
	if reason != Finished {
		next.Revised = w.now // being final adds nothing that could come again
	}
	switch reason {
	case Opened:
		next.Note = records(next.Count)
		if next.Count > 1 {
			next.Note += " in " + span(next)
		}
	default:
		next.Note = note(a.Alert, next)
	}
	next.Revision++
	a.Alert = next
	w.t.dirty = true
	w.revised = append(w.revised, next)
	switch reason {
	case Opened:
		w.opened = append(w.opened, next)
	case Gone:
		w.gone = append(w.gone, next)
	}
}

// pairMoved makes a withdrawal and an opening one message.
func (w *teller) pairMoved() {
	for i := range min(len(w.gone), len(w.opened)) {
		from, to := w.gone[i], w.opened[i]
		from.Reason, from.Into = Moved, to.ID
		to.Reason, to.From, to.Note = Moved, from.ID, note(from, to)
	}
}

// settle lets go of alerts that can't change any more: those of closed episodes, and dead ones whose naming mark can't
// begin an episode any more.
func (w *teller) settle() {
	t := w.t
	begins := func(m Mark) bool { return m.Time > t.decided || t.acc != nil && t.acc.naming == m }
	keep, had := t.alerts[:0], make(map[*Alert]bool, len(w.revised))
	for _, a := range w.revised {
		had[a] = true
	}
	for _, a := range t.alerts {
		if !a.Status.Standing() && !begins(a.Naming) {
			next := a.Alert
			if !had[next] {
				c := *next
				c.Reason, c.Note = Finished, ""
				c.Revision++
				next = &c
				w.revised = append(w.revised, next)
			}
			next.Final = true
			continue
		}
		if a.Final {
			if a.Naming.Time > t.decided {
				t.taken = append(t.taken, a.Naming)
			}
			continue
		}
		keep = append(keep, a)
	}
	clear(t.alerts[len(keep):])
	t.alerts = keep
	t.taken = slices.DeleteFunc(t.taken, func(m Mark) bool { return !begins(m) })
}

// alertID is what an alert is called: by rule, key and naming mark; n tells apart those whose naming mark left them for
// another episode.
func alertID(rule, key string, m Mark, n int) string {
	b := hit.AppendString(nil, rule)
	b = hit.AppendString(b, key)
	b = binary.AppendVarint(b, m.Time)
	b = append(b, m.ID[:]...)
	if n > 0 {
		b = binary.AppendUvarint(b, uint64(n))
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16])
}
