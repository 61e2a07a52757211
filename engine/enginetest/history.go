package enginetest

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"pgregory.net/rapid"

	"detect/engine"
	"detect/rules"
	"detect/rules/hit"
)

// History is a random set of records and one way in which they arrived: with delays up to the lateness, repeats, other
// variants, records from the future, two streams of which one is behind, and cuts into batches.
type History struct {
	Rules      []*rules.Rule
	Config     engine.Config // of the live run
	Batches    []engine.Batch
	Restarts   []bool // before each batch: whether the engine is opened anew
	Records    []engine.Item
	Absence    int64 // T at the end
	Identities int   // different ones among Records
	Contents   int   // different pairs of identity and digest of the content among Records
	Probe      int   // the batch after which the alerts that stand are compared, too
}

// arrival is one copy of an event on its way.
type arrival struct {
	event  int
	at     int64 // wall clock
	stream string
	order  byte // among those that arrive at once
}

// Draw draws a history.
func Draw(t *rapid.T) *History {
	h := &History{Rules: Rules()}
	base := rapid.SampledFrom([]int64{0, 1_700_000_000, -100, 253_402_300_000}).Draw(t, "base") * Second
	span := rapid.SampledFrom([]int64{20, 60, 200}).Draw(t, "span")
	lag := rapid.SampledFrom([]int64{0, 0, Lateness / 2, 4 * Lateness}).Draw(t, "lag of stream b")
	events := drawEvents(t, base, span)
	identities, contents := map[string]bool{}, map[string]bool{}
	for i := range events {
		e := &events[i]
		h.Records = append(h.Records, engine.Item{Time: e.time, ID: e.identity(), Content: e.digest, Hits: e.hits(h.Rules)})
		contents[fmt.Sprint(e.time, e.id, e.digest)] = true
		identities[fmt.Sprint(e.time, e.id)] = true
	}
	h.Identities, h.Contents = len(identities), len(contents)
	arrivals := drawArrivals(t, events, lag)
	h.Config = engine.Config{Lateness: Lateness, Streams: []string{"a", "b"}}
	knobs := rapid.Uint64().Draw(t, "knobs")
	if knobs&1 == 0 {
		h.Config.CacheBytes = 1 // nothing stays in memory
	}
	if knobs&2 == 0 {
		h.Config.DueLimit = 2
	}
	if h.Config.CellLateness = Lateness; knobs&48 == 0 {
		h.Config.CellLateness = 64 * 7 * Second // cells of several seconds
	}
	if knobs&12 == 0 {
		h.Config.Streams = nil // one stream only, or the other would be late
		for i := range arrivals {
			arrivals[i].stream = "a"
			if e := events[arrivals[i].event]; e.time <= arrivals[i].at {
				arrivals[i].at = min(arrivals[i].at, e.time+Lateness)
			}
		}
		sortArrivals(arrivals)
		lag = 0
	}
	h.cut(t, events, arrivals, lag)
	return h
}

func drawEvents(t *rapid.T, base, span int64) []event {
	n := rapid.IntRange(1, 45).Draw(t, "events")
	events := make([]event, n)
	for i := range events {
		bits := rapid.Uint64().Draw(t, "event")
		e := event{time: base + int64(rapid.IntRange(0, int(span)).Draw(t, "time"))*Second, id: byte(i)}
		if i > 0 && bits&31 == 31 {
			e.time, e.id = events[i-1].time, events[i-1].id // another variant of it
		}
		e.user = []string{"ann", "ann", "ann", "bob"}[bits>>5&3]
		e.word = []string{"a", "b", "c", "d"}[bits>>7&3]
		e.number = int64(bits >> 9 & 3)
		for k := range bits >> 11 & 3 {
			e.words = append(e.words, []string{"x", "y", "z", "v"}[(bits>>13+k)&3])
		}
		e.which = uint16(bits>>16) | uint16(bits>>27)
		if bits>>43&3 == 0 {
			e.hidden = uint16(bits >> 45)
		}
		e.rank = hit.Rank{Whole: bits>>61&1 == 1, Size: int64(bits >> 62 & 1), Digest: uint64(i) + 1}
		e.digest = uint64(i) + 1
		if bits&31 == 31 && i > 0 {
			if bits>>57&1 == 1 {
				e.digest = events[i-1].digest
			}
			if bits>>58&1 == 1 {
				e.rank = events[i-1].rank
			}
		}
		events[i] = e
	}
	return events
}

func drawArrivals(t *rapid.T, events []event, lag int64) []arrival {
	var out []arrival
	for i := range events {
		bits := rapid.Uint64().Draw(t, "arrival")
		copies := 1
		if bits&7 == 7 {
			copies = 2
		}
		for c := range copies {
			b := bits >> (3 + 28*c)
			a := arrival{event: i, stream: []string{"a", "b"}[b&1], order: byte(b >> 1)}
			delay := int64(b>>9&0xff) * Second % (Lateness + Second)
			switch b >> 17 & 7 {
			case 0, 1:
				delay = 0
			case 2:
				delay = Lateness
			}
			if a.at = events[i].time + delay; a.stream == "b" {
				a.at += lag
			}
			if c == 0 && b>>20&15 == 15 {
				a.at = events[i].time - int64(1+b>>24&31)*Second // from the future
			}
			if c > 0 {
				a.at = max(a.at, out[len(out)-1].at) + int64(b>>20&3)*Lateness
			}
			out = append(out, a)
		}
	}
	sortArrivals(out)
	return out
}

func sortArrivals(as []arrival) {
	slices.SortStableFunc(as, func(a, b arrival) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.order, b.order))
	})
}

// cut makes batches of what arrives, each with an absence clock that follows the wall clock at a distance.
func (h *History) cut(t *rapid.T, events []event, arrivals []arrival, lag int64) {
	settle := int64(rapid.IntRange(0, 40).Draw(t, "settle")) * Second
	end := arrivals[len(arrivals)-1].at
	h.Absence = end + int64(rapid.SampledFrom([]int{-60, -20, -5, 0, 10, 200}).Draw(t, "absence"))*Second
	var b engine.Batch
	for i, a := range arrivals {
		e := &events[a.event]
		b.Items = append(b.Items, engine.Item{Time: e.time, ID: e.identity(), Stream: a.stream, Content: e.digest,
			Arrived: a.at, Future: e.time > a.at, Hits: e.hits(h.Rules)})
		bits := rapid.Uint64().Draw(t, "cut")
		if bits&3 != 0 && i+1 < len(arrivals) {
			continue
		}
		b.Absence = min(h.Absence, a.at-settle)
		b.Positions = []engine.Position{{Source: "s", Data: fmt.Append(nil, i)}}
		if bits>>2&3 == 0 {
			b.ReadTo = map[string]int64{"a": a.at, "b": a.at - lag}
			if len(h.Config.Streams) == 0 {
				delete(b.ReadTo, "b")
			}
		}
		h.Batches = append(h.Batches, b)
		h.Restarts = append(h.Restarts, bits>>4&3 == 0)
		b = engine.Batch{}
		if bits>>6&7 == 0 {
			h.Batches = append(h.Batches, engine.Batch{Absence: math.MinInt64}) // nothing new
			h.Restarts = append(h.Restarts, bits>>9&3 == 0)
		}
	}
	h.Batches = append(h.Batches, engine.Batch{Absence: h.Absence})
	h.Restarts = append(h.Restarts, rapid.Bool().Draw(t, "restart at the end"))
	h.Probe = rapid.IntRange(0, len(h.Batches)-1).Draw(t, "probe")
}

// Arrived is the records of the first n batches, each variant once.
func (h *History) Arrived(n int) []engine.Item {
	var out []engine.Item
	had := map[string]bool{}
	for _, b := range h.Batches[:n] {
		for _, it := range b.Items {
			k := fmt.Sprint(it.Time, it.ID, it.Content)
			for _, x := range it.Hits {
				k += fmt.Sprintf("%d %q %q", x.Rule, x.Key, hit.Append(nil, x))
			}
			if !had[k] {
				had[k] = true
				out = append(out, it)
			}
		}
	}
	return out
}

// Sorted is the records by (time, identity), each variant once, as a replay sees them.
func (h *History) Sorted() []engine.Item {
	items := slices.Clone(h.Records)
	slices.SortStableFunc(items, func(a, b engine.Item) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), a.ID.Compare(b.ID))
	})
	return items
}
