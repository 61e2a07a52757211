package engine

import (
	"cmp"
	"slices"
	"sort"
)

// claim says which alert an episode has: the one that stays, nil if none, and those that are merged into it.
type claim struct {
	stays  *told
	revive bool // stays did not stand
	merged []*told
}

// reconcile gives each standing alert to an episode or withdraws it, and revives alerts for episodes that have none.
// home is the index of the episode that an alert's naming mark lies in, -1 if in none.
func reconcile(eps []*episode, alerts []*told, home func(*told) int, fl *faults) (claims []claim, withdrawn []*told) {
	claims = make([]claim, len(eps))
	var dead map[Mark]*told
	for _, a := range alerts {
		if !a.Status.Standing() {
			continue
		}
		i := -1
		if !fl.byExtent {
			i = home(a)
		}
		if i < 0 {
			i = touching(eps, a.First, a.Last)
		}
		if i < 0 {
			withdrawn = append(withdrawn, a)
			continue
		}
		claims[i].merged = append(claims[i].merged, a)
	}
	for i := range claims {
		c := &claims[i]
		if len(c.merged) > 0 {
			slices.SortFunc(c.merged, func(a, b *told) int {
				return cmp.Or(cmp.Compare(a.Opening, b.Opening), cmp.Compare(a.First, b.First))
			})
			if fl.youngerStays {
				slices.Reverse(c.merged)
			}
			c.stays, c.merged = c.merged[0], c.merged[1:]
			continue
		}
		if dead == nil {
			dead = firstDead(alerts)
		}
		if a := dead[eps[i].naming]; a != nil {
			c.stays, c.revive = a, true
		}
	}
	return claims, withdrawn
}

// touching is the index of the earliest of the episodes, which are in order, that has a point in common with [from, to];
// -1 if none has.
func touching(eps []*episode, from, to int64) int {
	i := sort.Search(len(eps), func(i int) bool { return eps[i].last >= from })
	if i < len(eps) && eps[i].first <= to {
		return i
	}
	return -1
}

// firstDead is the alerts that don't stand, by naming mark: of several the one opened first.
func firstDead(alerts []*told) map[Mark]*told {
	dead := map[Mark]*told{}
	for _, a := range alerts {
		if old := dead[a.Naming]; !a.Status.Standing() && (old == nil || a.Opening < old.Opening) {
			dead[a.Naming] = a
		}
	}
	return dead
}
