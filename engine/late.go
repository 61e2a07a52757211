package engine

import (
	"cmp"
	"context"
	"slices"

	"detect/rules/hit"
)

// maxExtras is how many late hits an alert that can still change remembers. It counts those beyond, and is approximate then.
const maxExtras = 1024

// joinLate lets a hit of a rule over single records that came after its time was decided join the standing alert of its
// key within quiet, or open one. known says that another variant of its record was seen before.
func (e *Engine) joinLate(ctx context.Context, t *timeline, h *hit.Hit, known bool) error {
	if h.Hidden {
		return nil
	}
	alerts, err := e.around(ctx, t, h.Time-t.rule.Quiet, h.Time+t.rule.Quiet)
	if err != nil {
		return err
	}
	var to *Alert
	n := 0
	for _, a := range alerts {
		covers := a.First <= h.Time && h.Time <= a.Last
		if covers && a.Revised < e.now-forgetAfter {
			return nil // a repeat of a record whose identity was forgotten, as far as anyone can tell
		}
		if covers && known && slices.Contains(a.Records, h.RecordID) {
			return nil
		}
		if a.Naming == markOf(h) {
			n++
		}
		if !a.Status.Standing() || h.Time < a.First-t.rule.Quiet || h.Time > a.Last+t.rule.Quiet {
			continue
		}
		if to == nil || cmp.Or(cmp.Compare(a.First, to.First), cmp.Compare(a.Opening, to.Opening)) < 0 {
			to = a
		}
	}
	if i := slices.IndexFunc(t.alerts, func(a *told) bool { return a.Alert == to }); to != nil && i >= 0 {
		t.alerts[i].join(h)
		t.dirty = true
		return nil
	}
	var f fold
	var next Alert
	if to == nil {
		next = *raise(t.rule, t.key)
		next.ID, next.Naming, next.Opening = alertID(t.rule.ID, t.key, markOf(h), n), markOf(h), t.opened
		next.Late, next.Final = true, true
		t.opened++
	} else if next = *to; len(to.State) > 0 {
		if f, err = readFold(t.rule, to.State); err != nil {
			return err
		}
	} else {
		return nil // the alert stands, and there is nothing to describe it anew from
	}
	f.add(t.rule, mark{hit: h})
	w := teller{t: t, now: e.now}
	w.describe(&next, &f, next.Approximate)
	a := &told{Alert: to}
	if to == nil {
		a.Alert = &next
		w.put(a, &next, Opened)
	} else {
		w.put(a, &next, Grew)
	}
	next.Note += ", arrived late"
	if i := slices.Index(t.late, to); to != nil && i >= 0 {
		if to.Reason == Opened {
			next.Reason, next.Note = Opened, records(next.Count)+", arrived late"
		}
		t.late[i] = &next
	} else {
		t.late = append(t.late, &next)
	}
	return nil
}

// join adds late hits to those that the alert remembers or, if these are many, counts.
func (a *told) join(hs ...*hit.Hit) {
	for _, h := range hs {
		if len(a.extras) < maxExtras {
			a.extras = append(a.extras, h)
		} else {
			a.more.add(overflow{1, h.Time, h.Time})
		}
	}
}

// around is the alerts of a timeline that touch [from, to], in their present revisions, those of this batch included.
func (e *Engine) around(ctx context.Context, t *timeline, from, to int64) ([]*Alert, error) {
	var alerts []*Alert
	if e.stored {
		var err error
		if alerts, err = e.store.Alerts(ctx, t.name(), from, to); err != nil {
			return nil, err
		}
	}
	present := slices.Clone(t.late)
	for _, a := range t.alerts {
		present = append(present, a.Alert)
	}
	alerts = slices.DeleteFunc(slices.Clone(alerts), func(a *Alert) bool {
		return slices.ContainsFunc(present, func(p *Alert) bool { return p.ID == a.ID })
	})
	return append(alerts, present...), nil
}
