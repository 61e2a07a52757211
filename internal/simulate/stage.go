package simulate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Attack describes a script that Config.Attacks can name.
type Attack struct {
	Name    string
	Summary string
	// NearMiss says that nothing must come of it.
	NearMiss bool
}

// Attacks lists the scripts, attacks and near misses, in their order.
func Attacks() []Attack {
	var all []Attack
	for _, s := range catalogue() {
		all = append(all, Attack{s.name, s.summary, s.near})
	}
	return all
}

// script is an attack, or something that looks much like one.
type script struct {
	name, summary string
	near          bool
	lasts         time.Duration
	whole         bool // begins at the simulation's start, at fixed hours
	play          func(s *stage)
}

// stage is where a script is played: it casts people and writes down what they do when.
type stage struct {
	g     *generator
	d     dice
	name  string
	near  bool
	start int64
	shots []shot
}

// shot is one record of a script.
type shot struct {
	time  int64
	id    guid
	write func(t int64, id guid)
}

// stageAttacks plays the wanted scripts, spread over the simulation, and queues their records.
func (g *generator) stageAttacks() error {
	wanted, err := wantedScripts(g.cfg.Attacks, g.cfg.Duration)
	if err != nil {
		return err
	}
	for i, s := range wanted {
		lasts := int64(s.lasts / time.Second)
		room := g.end - g.start - lasts
		if room < 0 {
			return fmt.Errorf("simulate attack %q: it takes %s, the simulation %s", s.name, s.lasts, g.cfg.Duration)
		}
		st := &stage{g: g, d: newDice(g.cfg.Seed, 500_000_000+uint64(i)), name: s.name, near: s.near, start: g.start}
		if !s.whole {
			st.start += room / int64(len(wanted)) * int64(i)
			st.start += int64(st.d.n(int(room / int64(len(wanted)))))
		}
		s.play(st)
		slices.SortStableFunc(st.shots, func(a, b shot) int { return cmp.Compare(a.time, b.time) })
		if len(st.shots) > 0 {
			g.add(&performance{shots: st.shots}, st.shots[0].time)
		}
	}
	return nil
}

// wantedScripts are the scripts of those names; "all" is every one that fits into the duration, but for the story.
func wantedScripts(names []string, duration time.Duration) ([]script, error) {
	all := catalogue()
	var wanted []script
	for _, n := range names {
		if n == "all" {
			for _, s := range all {
				if !s.whole && s.lasts <= duration {
					wanted = append(wanted, s)
				}
			}
			continue
		}
		i := slices.IndexFunc(all, func(s script) bool { return s.name == n })
		if i < 0 {
			var known []string
			for _, s := range all {
				known = append(known, s.name)
			}
			return nil, fmt.Errorf("no attack is called %q: there are all, %s", n, strings.Join(known, ", "))
		}
		wanted = append(wanted, all[i])
	}
	return wanted, nil
}

// performance plays a script's records when they are due.
type performance struct {
	shots []shot
}

func (p *performance) act(_ *generator, t int64) int64 {
	s := p.shots[0]
	s.write(s.time, s.id)
	p.shots = p.shots[1:]
	if len(p.shots) == 0 {
		return 1 << 62
	}
	return max(t, p.shots[0].time)
}

// victim casts somebody who has no part yet: an employee at home in one of the tenant's cities. From a department if it
// is not negative and has somebody left.
func (s *stage) victim(department int) *person {
	people := s.g.tenant.people
	at := s.d.n(len(people))
	var found *person
	for i := range people {
		p := &people[(at+i)%len(people)]
		if p.cast || p.guest || p.admin {
			continue
		}
		if found == nil || p.department == department {
			found = p
		}
		if department < 0 || p.department == department {
			break
		}
	}
	return s.cast(found)
}

// administrator casts an administrator who has no part yet, or makes one of somebody.
func (s *stage) administrator() *person {
	people := s.g.tenant.people
	at := s.d.n(len(people))
	for i := range people {
		if p := &people[(at+i)%len(people)]; p.admin && !p.cast && !p.guest {
			return s.cast(p)
		}
	}
	return s.victim(itDept)
}

// cast gives p a part. Where everybody has one already, people play a second one.
func (s *stage) cast(p *person) *person {
	if p == nil {
		for p == nil || p.guest {
			p = &s.g.tenant.people[s.d.n(len(s.g.tenant.people))]
		}
	}
	p.cast = true
	return p
}

// at is a time after the script's start.
func (s *stage) at(after time.Duration) int64 { return s.start + int64(after/time.Second) }

// add writes down a record to be made at t.
func (s *stage) add(t int64, write func(t int64, id guid)) shot {
	c := shot{t, s.d.id(), write}
	s.shots = append(s.shots, c)
	return c
}

// far is a visit from one of the attackers' cities.
func (s *stage) far() *visit {
	c := towns + s.d.n(attackers)
	return s.visit(attackerAddress(c, &s.d), c)
}

// hosted is a visit from a hosting network.
func (s *stage) hosted() *visit {
	return s.visit(hostingAddress(amsterdam, &s.d), amsterdam)
}

// inside is a visit from p's own desk, as an insider or a stolen session makes it.
func (s *stage) inside(p *person) *visit { return s.visit(p.homes[0], p.home) }

// visit is one from that address, by a device that the tenant does not know.
func (s *stage) visit(address string, city int) *visit {
	a := pick(&s.d, laptops[:2])
	return &visit{address: address, city: city, device: &device{agent: a, id: s.d.id()}, app: appOWA, session: s.d.id(), attack: s.name}
}

// signIn has p's account sign in, or fail to.
func (s *stage) signIn(p *person, v *visit, t int64, o outcome) shot {
	return s.add(t, func(t int64, id guid) { s.g.signIn(p, v, t, id, o) })
}

// atDesk has p sign in at home in the ordinary way, so that there is something to travel from.
func (s *stage) atDesk(p *person, t int64) shot {
	v := *s.inside(p)
	v.attack, v.device = "", &p.laptop
	return s.signIn(p, &v, t, signedIn)
}

// expect writes down that rule must alert on the shots, or not, if the script is a near miss.
func (s *stage) expect(rule string, by map[string]string, shots ...shot) {
	e := Expectation{Attack: s.name, Rule: rule, By: by, Fires: !s.near}
	slices.SortStableFunc(shots, func(a, b shot) int { return cmp.Compare(a.time, b.time) })
	e.First, e.Last = time.Unix(shots[0].time, 0).UTC(), time.Unix(shots[len(shots)-1].time, 0).UTC()
	for _, c := range shots {
		e.Records = append(e.Records, c.id.String())
	}
	s.g.truth.Expected = append(s.g.truth.Expected, e)
}

func byUser(p *person, more ...string) map[string]string {
	by := map[string]string{"user": p.upn}
	for i := 0; i+1 < len(more); i += 2 {
		by[more[i]] = more[i+1]
	}
	return by
}

// evil is the attackers' mail domain.
const evil = "evil.example"
