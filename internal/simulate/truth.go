package simulate

import (
	"cmp"
	"encoding/json"
	"io"
	"math"
	"slices"
	"strings"
	"time"
)

// Truth is what happened in a simulated tenant: what rules must find in its records and what they must leave alone.
type Truth struct {
	Seed     uint64        `json:"seed"`
	Start    time.Time     `json:"start"`
	End      time.Time     `json:"end"` // exclusive
	Records  int64         `json:"records"`
	Bytes    int64         `json:"bytes"` // of all lines with their newlines
	Domains  []string      `json:"domains"`
	Shared   []string      `json:"shared_mailboxes,omitempty"` // what an analyst would put on the list of shared mailboxes
	Expected []Expectation `json:"expected"`                   // by (First, Rule, Attack)
}

// Expectation is one alert that a rule must raise, may raise, or must not raise.
type Expectation struct {
	// Attack is the script's name; "shared-mailbox" for delegates at their ordinary work.
	Attack string `json:"attack"`
	// Rule is the id of the rule of the pack.
	Rule string `json:"rule"`
	// By holds all that the alert can be about: an alert's own entity agrees with those of its names that stand here.
	By map[string]string `json:"by"`
	// First and Last are the times of the first and last record in question.
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
	// Records are their Ids, in order of time. An alert may hold more.
	Records []string `json:"records"`
	// Fires is false for a near miss: the rule must not alert on these records.
	Fires bool `json:"fires"`
	// Optional is true where a sound rule may alert or not, depending on its exceptions or on rounding.
	Optional bool `json:"optional,omitempty"`
}

// WriteJSON writes t as indented JSON.
func (t Truth) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(t)
}

// Alert is what Check wants to know of an alert.
type Alert struct {
	Rule        string
	By          map[string]string
	First, Last time.Time
	Records     []string
}

// Check compares the alerts of rules with the truth: missing are the expectations that no alert meets, false the
// indexes of the alerts that nothing explains. Expectations of other rules than the given ones are left out.
func (t Truth) Check(rules []string, alerts []Alert) (missing []Expectation, wrong []int) {
	for _, e := range t.Expected {
		met := slices.ContainsFunc(alerts, func(a Alert) bool { return e.Fires && e.meets(a) && e.holds(a) })
		if e.Fires && !e.Optional && !met && slices.Contains(rules, e.Rule) {
			missing = append(missing, e)
		}
	}
	for i, a := range alerts {
		if !slices.ContainsFunc(t.Expected, func(e Expectation) bool { return e.Fires && e.meets(a) }) {
			wrong = append(wrong, i)
		}
	}
	return missing, wrong
}

// meets is whether a is about e's rule, entity and time.
func (e Expectation) meets(a Alert) bool {
	if a.Rule != e.Rule || a.Last.Before(e.First) || a.First.After(e.Last) {
		return false
	}
	for k, v := range a.By {
		if want, ok := e.By[k]; ok && !strings.EqualFold(v, want) {
			return false
		}
	}
	return true
}

// holds is whether a holds at least one of e's records; an alert that lists none is not asked.
func (e Expectation) holds(a Alert) bool {
	if len(a.Records) == 0 {
		return true
	}
	return slices.ContainsFunc(e.Records, func(id string) bool { return slices.Contains(a.Records, id) })
}

// settle drops what lies beyond the end and puts the rest in order.
func (t *Truth) settle() {
	t.Expected = slices.DeleteFunc(t.Expected, func(e Expectation) bool { return !e.Last.Before(t.End) })
	slices.SortStableFunc(t.Expected, func(a, b Expectation) int {
		return cmp.Or(a.First.Compare(b.First), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Attack, b.Attack))
	})
}

// arrival is where a person signed in last, for the truth about impossible travel.
type arrival struct {
	time     int64
	city     int
	address  string
	attack   string
	expected int // index in Truth.Expected plus one, 0 if none is open
	marked   int64
}

// Of the rule about impossible travel: the least distance, the least speed, and the longest gap that it compares.
const (
	travelKilometres = 500
	travelSpeed      = 900 // kilometres an hour
	travelWithin     = 24 * 3600
)

// arrive notes a sign-in of p and whether nobody could have made the way from the one before. It is the rule's plain
// definition over the true whereabouts, and so finds whatever an attack and a person's ordinary day make together.
func (g *generator) arrive(p *person, v *visit, t int64, id guid) {
	if v.city == nowhere {
		return
	}
	before := p.last
	p.last.time, p.last.city, p.last.address, p.last.attack = t, v.city, v.address, v.attack
	gap := t - before.time
	if before.time == 0 || before.address == v.address || gap >= travelWithin {
		return
	}
	if gap < 0 {
		gap = -gap
	}
	km := kilometres(cities[before.city], cities[v.city]) - 2*20
	speed := km / (float64(gap+1) / 3600)
	if km <= travelKilometres*0.95 || speed <= travelSpeed*0.95 {
		return
	}
	sure := km > travelKilometres*1.1 && speed > travelSpeed*1.1
	at := time.Unix(t, 0).UTC()
	attack := cmp.Or(v.attack, before.attack, "ordinary life")
	if p.last.expected > 0 && t-p.last.marked < travelWithin {
		e := &g.truth.Expected[p.last.expected-1]
		e.Optional = e.Optional && !sure
		e.Last = at
		e.Records = append(e.Records, id.String())
	} else {
		g.truth.Expected = append(g.truth.Expected, Expectation{
			Attack: attack, Rule: "entra-impossible-travel", By: map[string]string{"user": p.upn}, First: at, Last: at,
			Records: []string{id.String()}, Fires: true, Optional: !sure,
		})
		p.last.expected = len(g.truth.Expected)
	}
	p.last.marked = t
}

// kilometres is the length of the great circle between two cities.
func kilometres(a, b city) float64 {
	const radians = math.Pi / 180
	dLat, dLon := (b.lat-a.lat)*radians, (b.lon-a.lon)*radians
	h := math.Pow(math.Sin(dLat/2), 2) + math.Cos(a.lat*radians)*math.Cos(b.lat*radians)*math.Pow(math.Sin(dLon/2), 2)
	return 2 * 6371 * math.Asin(math.Sqrt(min(1, h)))
}
