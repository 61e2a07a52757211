package engine

import (
	"cmp"
	"math"
	"slices"

	"detect/rules"
	"detect/rules/hit"
)

// Spec is the specification of the engine: the alerts that stand once all items have arrived, none of them late, while
// the absence clock shows t. It is written to be read, not to be fast; the engine is held to it by the tests. Of the
// configuration it takes the lengths of cells. Identity, status and revisions of the alerts are left empty.
func Spec(rs []*rules.Rule, items []Item, cfg Config, t int64) []*Alert {
	type entity struct {
		rule int
		key  string
	}
	timelines := map[entity]map[Mark]*hit.Hit{}
	for _, it := range items {
		for _, h := range it.Hits {
			e := entity{h.Rule, h.Key}
			if timelines[e] == nil {
				timelines[e] = map[Mark]*hit.Hit{}
			}
			if old := timelines[e][markOf(h)]; old == nil || h.Outranks(old) {
				timelines[e][markOf(h)] = h
			}
		}
	}
	var alerts []*Alert
	for e, byMark := range timelines {
		var hs []*hit.Hit
		for _, h := range byMark {
			hs = append(hs, h)
		}
		slices.SortFunc(hs, hit.Compare)
		alerts = append(alerts, specOne(rs[e.rule], e.key, hs, cfg, t)...)
	}
	slices.SortFunc(alerts, CompareAlerts)
	return alerts
}

// specOne is the alerts of one rule and key.
func specOne(r *rules.Rule, key string, hs []*hit.Hit, cfg Config, t int64) []*Alert {
	back, fwd := reach(r)
	length := cellLength(cfg.cells(), back, fwd)
	kept, cells := thin(hs, length, cfg.room())
	var alerts []*Alert
	var run []mark
	end := func() {
		if len(run) == 0 {
			return
		}
		rest := slices.ContainsFunc(cells, func(c cell) bool {
			// A hit of the rest, which may lie anywhere from over to the end of its cell, could have joined the alert: it lies
			// within quiet of one of its marks or between them, and less than longest after the first.
			first, last := run[0].hit.Time, run[len(run)-1].hit.Time
			if c.rest == 0 {
				return false
			}
			before := c.over <= last+r.Quiet
			within := c.over-first < r.Longest
			behind := c.start+length > first-r.Quiet
			return before && within && behind
		})
		a := raise(r, key)
		v, records := naiveView(r, key, run, rest)
		_ = show(r, a, v, records) // an error is in the title
		alerts = append(alerts, a)
		run = nil
	}
	for _, m := range marks(r, key, kept, t) {
		if n := len(run); n > 0 && (m.hit.Time-run[n-1].hit.Time > r.Quiet || m.hit.Time-run[0].hit.Time >= r.Longest) {
			end()
		}
		run = append(run, m)
	}
	end()
	return alerts
}

// thin keeps the earliest hits of each cell and counts the rest.
func thin(hs []*hit.Hit, length, room int64) (kept []*hit.Hit, cells []cell) {
	for _, h := range hs {
		start := cellStart(h.Time, length)
		if n := len(cells); n == 0 || cells[n-1].start != start {
			cells = append(cells, cell{start: start})
		}
		switch c := &cells[len(cells)-1]; {
		case c.n < room:
			c.n++
			kept = append(kept, h)
		case c.rest == 0:
			c.over = h.Time
			fallthrough
		default:
			c.rest++
		}
	}
	return kept, cells
}

// naiveView is what an alert made of these marks shows, and the ids of its records.
func naiveView(r *rules.Rule, key string, ms []mark, rest bool) (*hit.View, []string) {
	v := &hit.View{Key: key, Count: int64(len(ms)), First: ms[0].hit.Time, Last: ms[len(ms)-1].hit.Time, Approximate: rest}
	var ids []string
	for _, m := range ms {
		if v.Pair == nil {
			v.Pair = m.pair
		}
		v.Severity = max(v.Severity, m.hit.Severity)
		ids = append(ids, m.hit.RecordID)
		if len(v.Sets) < maxSets && !slices.ContainsFunc(v.Sets, func(s []hit.Value) bool { return equalValues(s, m.hit.Values) }) {
			v.Sets = append(v.Sets, m.hit.Values)
		}
	}
	ids = ids[:min(len(ids), maxRecords)]
	for i, c := range r.Captures {
		v.Columns = append(v.Columns, naiveColumn(c.Kind.Element(), i, ms))
		v.Approximate = v.Approximate || v.Columns[i].Approximate
	}
	for _, by := range r.SumBy {
		sum, over := naiveSumBy(by, ms)
		v.SumBy = append(v.SumBy, sum)
		v.Approximate = v.Approximate || over
	}
	return v, ids
}

func equalValues(a, b []hit.Value) bool {
	return slices.EqualFunc(a, b, func(x, y hit.Value) bool { return hit.CompareValues(x, y) == 0 })
}

func naiveColumn(kind hit.Kind, i int, ms []mark) hit.Column {
	c := hit.Column{Kind: kind}
	var all []hit.Value
	for j, m := range ms {
		m.hit.Values[i].Each(func(v hit.Value) { all = append(all, v) })
		if j < maxBare {
			c.Bare = slices.Clone(all)
		}
	}
	if c.Len = int64(len(all)); c.Len == 0 {
		c.Counts = []hit.Count{}
		return c
	}
	c.First, c.Last = all[0], all[len(all)-1]
	for _, v := range all {
		if kind == hit.Int || kind == hit.Double || kind == hit.Duration {
			c.Sum += v.Float()
		}
	}
	slices.SortStableFunc(all, hit.CompareValues)
	c.Min, c.Max = all[0], all[len(all)-1]
	for _, v := range all {
		if n := len(c.Counts); n > 0 && hit.CompareValues(c.Counts[n-1].Value, v) == 0 {
			c.Counts[n-1].N++
		} else {
			c.Counts = append(c.Counts, hit.Count{Value: v, N: 1})
		}
	}
	c.Distinct = int64(len(c.Counts))
	if c.Approximate = len(c.Counts) > maxDistinct; c.Approximate {
		slices.SortFunc(c.Counts, func(a, b hit.Count) int {
			return cmp.Compare(keyOf(a.Value).digest(), keyOf(b.Value).digest())
		})
		c.Counts = c.Counts[:maxDistinct]
		c.Distinct = estimate(keyOf(c.Counts[maxDistinct-1].Value).digest())
		slices.SortFunc(c.Counts, func(a, b hit.Count) int { return hit.CompareValues(a.Value, b.Value) })
	}
	return c
}

func naiveSumBy(by rules.SumBy, ms []mark) (sum float64, over bool) {
	most := map[valueKey]float64{}
	for _, m := range ms {
		m.hit.Values[by.X].Each(func(x hit.Value) {
			if math.IsNaN(x.Float()) {
				return
			}
			m.hit.Values[by.K].Each(func(k hit.Value) {
				if old, ok := most[keyOf(k)]; !ok || x.Float() > old {
					most[keyOf(k)] = x.Float()
				}
			})
		})
	}
	var keys []valueKey
	for k := range most {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b valueKey) int { return cmp.Compare(a.digest(), b.digest()) })
	scale := 1.0
	if over = len(keys) > maxDistinct; over {
		keys = keys[:maxDistinct]
		scale = float64(estimate(keys[maxDistinct-1].digest())) / maxDistinct
	}
	slices.SortFunc(keys, func(a, b valueKey) int { return cmp.Compare(most[a], most[b]) })
	for _, k := range keys {
		sum += most[k]
	}
	return sum * scale, over
}
