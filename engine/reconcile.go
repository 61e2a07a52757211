package engine

import (
	"cmp"
	"slices"
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
	for _, a := range alerts {
		if !a.Status.Standing() {
			continue
		}
		i := -1
		if !fl.byExtent {
			i = home(a)
		}
		if i < 0 {
			i = slices.IndexFunc(eps, func(e *episode) bool { return e.spans(a.First, a.Last) })
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
		for _, a := range alerts {
			if !a.Status.Standing() && a.Naming == eps[i].naming && (c.stays == nil || a.Opening < c.stays.Opening) {
				c.stays, c.revive = a, true
			}
		}
	}
	return claims, withdrawn
}
