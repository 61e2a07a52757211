package engine

import (
	"context"
	"slices"

	"detect/rules/hit"
)

// identity is what a record is known by.
type identity struct {
	time int64
	id   hit.ID
}

// seen knows which records, and which variants of them, were accepted.
type seen struct {
	recent, older map[identity][]uint64 // two generations of what was asked or accepted lately, to ask the store less
	last          identity              // of the item before, in a distinct run
	any           bool
}

// maxRecent is how many identities a generation holds.
const maxRecent = 1 << 16

func newSeen() *seen { return &seen{recent: map[identity][]uint64{}} }

func (s *seen) get(id identity) (variants []uint64, ok bool) {
	if variants, ok = s.recent[id]; !ok {
		if variants, ok = s.older[id]; ok {
			s.put(id, variants)
		}
	}
	return variants, ok
}

func (s *seen) put(id identity, variants []uint64) {
	if len(s.recent) >= maxRecent {
		s.older, s.recent = s.recent, make(map[identity][]uint64, maxRecent)
	}
	s.recent[id] = variants
}

// verdict is what an item is in respect of those before it.
type verdict uint8

const (
	fresh    verdict = iota // not seen before
	variant                 // another copy of it was seen, with another content
	repeated                // it was seen
)

// judge tells what each item is, in their order, and notes them as seen.
func (e *Engine) judge(ctx context.Context, items []Item) ([]verdict, error) {
	verdicts := e.verdicts[:0]
	if e.cfg.Distinct || e.cfg.faults.countDuplicates {
		for i := range items {
			id := identity{items[i].Time, items[i].ID}
			v := fresh
			if e.seen.any && id == e.seen.last && !e.cfg.faults.countDuplicates {
				v = variant
			}
			e.seen.last, e.seen.any = id, true
			verdicts = append(verdicts, v)
		}
		e.verdicts = verdicts
		return verdicts, nil
	}
	known, err := e.known(ctx, items)
	if err != nil {
		return nil, err
	}
	for i := range items {
		it := &items[i]
		id := identity{it.Time, it.ID}
		had := known[id]
		v := fresh
		switch {
		case slices.Contains(had, it.Content):
			v = repeated
		case len(had) > 0:
			v = variant
		}
		if v != repeated {
			had = append(slices.Clip(had), it.Content)
			known[id] = had
			e.commit.Seen = append(e.commit.Seen, Seen{Time: it.Time, ID: it.ID, Variant: it.Content, Arrived: it.Arrived})
		}
		e.seen.put(id, had)
		verdicts = append(verdicts, v)
	}
	e.verdicts = verdicts
	return verdicts, nil
}

// known is the variants known of the items, asking the store for all those that are not in memory at once.
func (e *Engine) known(ctx context.Context, items []Item) (map[identity][]uint64, error) {
	known := make(map[identity][]uint64, len(items))
	var ask []Seen
	for i := range items {
		id := identity{items[i].Time, items[i].ID}
		if _, done := known[id]; done {
			continue
		}
		variants, ok := e.seen.get(id)
		if known[id] = variants; !ok {
			ask = append(ask, Seen{Time: id.time, ID: id.id})
		}
	}
	if len(ask) == 0 {
		return known, nil
	}
	found, err := e.store.Variants(ctx, ask)
	if err != nil {
		return nil, err
	}
	for i, variants := range found {
		known[identity{ask[i].Time, ask[i].ID}] = variants
	}
	return known, nil
}
