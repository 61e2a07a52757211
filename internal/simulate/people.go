package simulate

// The kinds of session that a person has. The first ones stand for the clients of clients.
const (
	sessionOutlook = iota
	sessionWebMail
	sessionPhone
	sessionShared
	sessionFiles
	sessionTeams
	sessionSync
	sessionRules
	sessionStray
	sessionAdmin
)

// session says how many records a kind of session makes after its sign-in, and how far apart.
type session struct {
	lo, hi int64
	gap    int64 // mean seconds
}

var sessions = [...]session{
	sessionOutlook: {4, 16, 200},
	sessionWebMail: {3, 12, 110},
	sessionPhone:   {2, 6, 240},
	sessionShared:  {3, 10, 150},
	sessionFiles:   {4, 20, 80},
	sessionTeams:   {2, 8, 150},
	sessionSync:    {20, 120, 1},
	sessionRules:   {20, 90, 0},
	sessionStray:   {1, 2, 30},
	sessionAdmin:   {2, 6, 60},
}

const (
	// sessionEvery is the mean time between the beginnings of sessions at the busiest hour, in seconds.
	sessionEvery = 9700
	// recordsPerSession is the mean number of records of a session, times 100, as TestRecordsAsAsked holds it.
	recordsPerSession = 965
	// naturalPerDay is about how many records a user makes a day at a natural pace, weekends included.
	naturalPerDay = 24
	// serviceShare is the share of records that Microsoft's services make, per mille.
	serviceShare = 30
)

// hours is how busy an hour of the day is, per mille of the busiest.
var hours = [24]int64{5, 4, 4, 4, 5, 10, 60, 250, 700, 1000, 1000, 950, 600, 850, 1000, 950, 850, 500, 220, 150, 150, 120, 60, 20}

// weekend is how busy a Saturday or Sunday is, per mille of a working day.
const weekend = 120

// busy is how busy the time t is in that city, per mille.
func busy(t int64, c int) int64 {
	t += cities[c].offset * 60
	b := hours[t/3600%24]
	if day := (t/86400 + 4) % 7; day == 0 || day == 6 { // 1970-01-01 was a Thursday
		return b * weekend / 1000
	}
	return b
}

// pace is how fast life must go for the wanted number of records, 2^16 being natural.
func (t *tenant) pace(cfg Config, start, end int64) int64 {
	if cfg.Records == 0 {
		return 1 << 16
	}
	return max(1, int64(cfg.Records)*(1000-serviceShare)/1000<<16/max(1, t.natural(start, end)))
}

// natural is about how many records people make from start to end at a natural pace.
func (t *tenant) natural(start, end int64) int64 {
	var weight [offices]int64
	for i := range t.people {
		weight[t.people[i].home] += int64(t.people[i].weight)
	}
	var sum int64 // per mille of busy quarters, times weight
	for at := start; at < end; at += 900 {
		for c, w := range weight {
			sum += busy(at, c) * w
		}
	}
	return int64(float64(sum) / 1000 / 100 * 900 / sessionEvery * recordsPerSession / 100)
}

// nextSession is when p's next session begins, no earlier than now; trips are made on the way. The wait counts from the
// beginning of the last one, so that the length of sessions does not change how many there are.
func (p *person) nextSession(g *generator, now int64) int64 {
	mean := int64(sessionEvery) * 100 / int64(p.weight) << 16 / g.pace
	t := max(p.began, g.start)
	for {
		t += p.dice.wait(max(1, mean))
		if t >= g.end {
			return t
		}
		if int64(p.dice.n(1000)) < busy(t, p.city) {
			break
		}
	}
	t = max(t, now+1)
	if p.silent[0] <= t && t < p.silent[1] {
		t = p.silent[1]
	}
	if p.cast || p.guest {
		return t
	}
	switch away := p.city != p.home; {
	case !away && t >= p.leaves:
		to := p.dice.n(towns)
		if to == p.home {
			to = towns - 1
		}
		t += journey(p.city, to)
		p.move(to)
		p.awayUntil = t + p.dice.span(1, 4)*86400
	case away && t >= p.awayUntil:
		t += journey(p.city, p.home)
		p.leaves = t + p.dice.wait(45*86400)
		p.move(p.home)
	}
	return t
}

// journey is how long a traveller takes, in seconds: a plane at 700 km/h and three hours around it.
func journey(from, to int) int64 {
	return int64(kilometres(cities[from], cities[to])/700*3600) + 3*3600
}

// act does p's next record and says when the one after it is due.
func (p *person) act(g *generator, t int64) int64 {
	if p.left == 0 {
		p.beginSession(g, t)
	} else {
		p.left--
		p.step(g, t)
	}
	if p.left == 0 {
		return p.nextSession(g, t)
	}
	gap := sessions[p.kind].gap
	if fast := g.pace * int64(p.weight) / 100; fast > 1<<16 {
		gap = gap << 16 / fast
	}
	return t + p.dice.wait(gap)
}

// beginSession picks what p is about to do and from where, and signs in.
func (p *person) beginSession(g *generator, t int64) {
	d := &p.dice
	p.kind = p.choose()
	s := sessions[p.kind]
	p.left = int(d.span(s.lo, s.hi))
	v := &p.visit
	v.session, v.attack, v.city = d.id(), "", p.city
	p.began = t
	v.device, v.app = &p.laptop, appOffice
	switch at := p.city; {
	case p.kind == sessionPhone:
		v.device, v.address = &p.phone, p.mobiles[d.few(2)]
	case at < offices && at == p.home && !p.guest && d.chance(600):
		v.address = officeAddress(at)
	default:
		v.address = p.homes[d.few(2)]
	}
	switch p.kind {
	case sessionPhone:
		v.app = appMobile
		if d.chance(150) { // the phone's service at Microsoft reads the mail
			v.address, v.city = microsoftAddress(d), nowhere
		}
	case sessionWebMail:
		v.app = appOWA
	case sessionFiles, sessionAdmin:
		v.app = appSharePoint
	case sessionTeams:
		v.app = appTeams
	case sessionSync:
		v.app = appSync
	}
	p.begin(g, t)
}

func (p *person) choose() int {
	d := &p.dice
	n := d.n(1000)
	switch {
	case p.guest && n < 700:
		return sessionFiles
	case p.guest:
		return sessionTeams
	case p.admin && n < 200:
		return sessionAdmin
	case p.shared >= 0 && !p.cast && n < 150:
		return sessionShared
	}
	switch n = d.n(1000); {
	case n < 260:
		return sessionOutlook
	case n < 380:
		return sessionWebMail
	case n < 590:
		return sessionPhone
	case n < 840:
		return sessionFiles
	case n < 963:
		return sessionTeams
	case n < 971:
		return sessionSync
	case n < 974:
		return sessionRules
	}
	return sessionStray
}

// begin writes the sign-in of a session: mistakes first, then the success.
func (p *person) begin(g *generator, t int64) {
	d, v := &p.dice, &p.visit
	o := signedIn
	switch p.kind {
	case sessionStray:
		g.signIn(p, v, t, d.id(), pick(d, harmless))
		return
	case sessionOutlook, sessionPhone, sessionSync, sessionRules, sessionShared:
		o = refreshed
	}
	mistaken := !p.cast && d.chance(15) && v.city != nowhere && (v.city >= offices || g.typos[v.city].allow(t))
	if mistaken {
		for range 1 + d.few(3) {
			g.signIn(p, v, t, d.id(), wrongPassword)
		}
		o = signedIn
	}
	switch {
	case d.chance(15):
		g.signIn(p, v, t, d.id(), pick(d, harmless))
	case d.chance(20):
		g.signIn(p, v, t, d.id(), keptSignedIn)
	}
	if o.request == refreshed.request && d.chance(30) {
		w := *v
		w.address, w.city = microsoftSignIn(d), nowhere
		g.signIn(p, &w, t, d.id(), o)
		return
	}
	o.resource = v.app
	g.signIn(p, v, t, d.id(), o)
}

// step writes the next record of the session.
func (p *person) step(g *generator, t int64) {
	d, v := &p.dice, &p.visit
	switch p.kind {
	case sessionOutlook, sessionWebMail, sessionPhone:
		p.mail(g, t)
	case sessionShared:
		p.sharedMail(g, t)
	case sessionFiles:
		p.files(g, t)
	case sessionTeams:
		p.chat(g, t)
	case sessionSync:
		s := &p.drive
		if d.n(2) == 0 {
			s = g.site(p)
		}
		g.fileOp(p, v, t, d.id(), fileAct{op: "FileSyncDownloadedFull", site: s, file: s.file(d.n(s.files)), agent: syncAgent})
	case sessionRules:
		g.outlookRule(p, v, t, d.id(), [][2]string{{"RuleOperation", "ModifyMailboxRule"}, {"RuleId", "1"}, {"RuleName", ""}, {"RuleState", "Enabled, ExitAfterExecution"},
			{"RuleCondition", "{}"}, {"RuleProvider", ""}, {"RuleActions", "[]"}})
	case sessionStray:
		g.signIn(p, v, t, d.id(), pick(d, harmless))
	case sessionAdmin:
		p.administer(g, t)
	}
}

// site is one that p works in: the department's own, or one of the others, some of which everybody uses.
func (g *generator) site(p *person) *site {
	if p.dice.n(3) == 0 {
		return &g.tenant.sites[p.department]
	}
	return &g.tenant.sites[p.dice.few(len(g.tenant.sites))]
}
