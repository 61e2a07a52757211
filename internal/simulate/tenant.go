package simulate

import (
	"fmt"
	"strings"
)

// tenant is who and what there is.
type tenant struct {
	domain, initial, label string // contoso.example, contoso.onmicrosoft.com, contoso
	id                     guid
	idText                 string
	people                 []person
	sites                  []site
	shared                 []sharedMailbox
}

// site is a SharePoint site with a library of so many files; a person's OneDrive is one too.
type site struct {
	url          string
	id, web, lib guid
	files        int
	salt         int
	personal     bool
}

type sharedMailbox struct {
	address string
	mailbox guid
	sid     string
}

// device is a person's laptop or phone.
type device struct {
	agent
	name    string
	id      guid
	managed bool
}

func newTenant(cfg Config) tenant {
	label, _, _ := strings.Cut(cfg.Domain, ".")
	d := newDice(cfg.Seed, 2)
	t := tenant{domain: cfg.Domain, initial: label + ".onmicrosoft.com", label: label, id: d.id()}
	t.idText = t.id.String()
	for i := range len(siteTopics) + cfg.Users/60 {
		name := siteTopics[i%len(siteTopics)]
		if i >= len(siteTopics) {
			name = fmt.Sprintf("%s-%d", name, i/len(siteTopics)+1)
		}
		t.sites = append(t.sites, site{
			url: "https://" + label + ".sharepoint.com/sites/" + name, id: d.id(), web: d.id(), lib: d.id(), files: 200 + d.n(1800), salt: i,
		})
	}
	if !cfg.NoShared {
		for i, n := range []string{"info", "orders", "careers", "press", "support", "facilities"} {
			if i <= cfg.Users/50 {
				t.shared = append(t.shared, sharedMailbox{n + "@" + t.domain, d.id(), newSID(&d)})
			}
		}
	}
	t.people = make([]person, cfg.Users)
	namesakes := make(map[string]int, cfg.Users)
	first, last := d.n(1<<20), d.n(1<<20)
	for i := range t.people {
		t.hire(&t.people[i], i, i+first, i/len(firstNames)*7+i*5+last, namesakes, cfg)
	}
	return t
}

func (t *tenant) domains() []string { return []string{t.domain, t.initial} }

func newSID(d *dice) string {
	return fmt.Sprintf("S-1-5-21-%d-%d-%d-%d", d.n(1<<31), d.n(1<<31), d.n(1<<31), 1000000+d.n(1<<25))
}

// person is somebody of the tenant, and the actor who does that person's day.
type person struct {
	index           int
	display         string
	upn, typed      string // address in lower case, and as the directory has it
	alias           string
	puid            string // the id of sign-in
	sharePointKey   string
	oid             guid
	oidText         string
	sid             string
	mailbox         guid
	department      int
	guest, admin    bool
	cast            bool // has a part in an attack or near miss: stays at home and makes no mistakes
	weight          int  // per cent of ordinary activity
	home, city      int
	laptop, phone   device
	homes, mobiles  [2]string // IPv4, IPv6
	drive           site
	shared          int // index of the shared mailbox that they work in, -1 if none
	sharedTruth     int // index in Truth.Expected plus one
	dice            dice
	last            arrival
	visit           visit
	kind            int
	left            int
	began           int64 // of the present or last session
	leaves          int64 // next departure
	awayUntil       int64
	silent          [2]int64 // begins no session from the one to the other, as a script wants it
	downloads, dels limiter
}

// weights are how active people are, per cent; most do little, a few do much.
var weights = [...]int{20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120, 130, 150, 180, 260, 410}

func (t *tenant) hire(p *person, i, first, last int, namesakes map[string]int, cfg Config) {
	p.index, p.dice = i, newDice(cfg.Seed, 1000+uint64(i))
	d := &p.dice
	f, l := firstNames[first%len(firstNames)], lastNames[last%len(lastNames)]
	p.display = f + " " + l
	local := fold(f) + "." + fold(l)
	namesakes[local]++
	if n := namesakes[local]; n > 1 {
		local += fmt.Sprint(n)
	}
	p.department = d.few(len(departments))
	if i%25 == 7 {
		p.department, p.admin = itDept, true
	}
	p.guest = i%33 == 32
	p.typed = local + "@" + t.domain
	if p.guest {
		p.typed = local + "_fabrikam.example#EXT#@" + t.initial
	}
	p.upn, p.alias = strings.ToLower(p.typed), strings.ToLower(local)
	p.puid = fmt.Sprintf("10032002%08X", d.n(1<<32))
	p.sharePointKey = "i:0h.f|membership|" + strings.ToLower(p.puid) + "@live.com"
	p.oid, p.mailbox, p.sid = d.id(), d.id(), newSID(d)
	p.oidText = p.oid.String()
	p.weight = weights[d.n(len(weights))]
	p.home = d.few(offices)
	p.city = p.home
	p.laptop = device{agent: laptops[d.few(len(laptops))], name: fmt.Sprintf("%s-%05X", strings.ToUpper(t.label[:min(3, len(t.label))]), d.n(1<<20)), id: d.id(), managed: !d.chance(150)}
	p.phone = device{agent: pick(d, phones), name: f + "s phone", id: d.id(), managed: d.chance(600)}
	p.move(p.home)
	personal := strings.NewReplacer(".", "_", "@", "_", "#", "_").Replace(p.upn)
	p.drive = site{
		url: "https://" + t.label + "-my.sharepoint.com/personal/" + personal, id: d.id(), web: d.id(), lib: d.id(), files: 60 + d.n(600), salt: 7919 * (i + 1), personal: true,
	}
	p.shared = -1
	if len(t.shared) > 0 && i%9 == 4 && !p.guest {
		p.shared = d.n(len(t.shared))
	}
	p.leaves = cfg.Start.Unix() + d.wait(45*86400)
}

// move changes the addresses from which p works.
func (p *person) move(c int) {
	p.city = c
	p.homes = [2]string{homeAddress(c, &p.dice), homeAddress6(c, &p.dice)}
	p.mobiles = [2]string{mobileAddress(c, &p.dice), mobileAddress6(c, &p.dice)}
}

func fold(name string) string {
	var b strings.Builder
	for _, r := range name {
		if p, ok := plainLetters[r]; ok {
			b.WriteString(p)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// file is a document of a site: always the same for the same index.
type file struct{ folder, name, kind string }

func (s *site) file(i int) file {
	h := uint64(s.salt*1_000_003+i)*0x9e3779b97f4a7c15 + 0x7f4a7c15
	h ^= h >> 29
	word, kind := fileWords[h%uint64(len(fileWords))], fileKinds[h>>8%uint64(len(fileKinds))]
	folder := folders[min(h>>16%16, h>>24%16)]
	b := make([]byte, 0, 48)
	b = append(append(b, word...), ' ')
	b = append(appendPadded(b, int64(i), 4), '.')
	return file{folder, string(append(b, kind...)), kind}
}

// library is the path of the library within its site.
func (s *site) library() string {
	if s.personal {
		return "Documents"
	}
	return "Shared Documents"
}
