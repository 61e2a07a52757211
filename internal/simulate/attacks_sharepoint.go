package simulate

import "time"

var sharePointScripts = []script{
	{name: "mass-download", summary: "120 different files in eight minutes", lasts: 2 * time.Hour,
		play: func(s *stage) {
			p, v := s.intruder(-1)
			v.app = appSharePoint
			s.expect("sharepoint-mass-download", byUser(p, "ip", v.address), s.download(p, v, s.at(10*time.Minute), 120, 120, 4)...)
		}},
	{name: "near-mass-download", summary: "49 different files in eight minutes", near: true, lasts: 2 * time.Hour,
		play: func(s *stage) {
			p := s.victim(-1)
			v := s.inside(p)
			v.app = appSharePoint
			s.expect("sharepoint-mass-download", byUser(p, "ip", v.address), s.download(p, v, s.at(0), 49, 49, 9)...)
		}},
	{name: "near-mass-download-repeats", summary: "30 files, each downloaded four times", near: true, lasts: 2 * time.Hour,
		play: func(s *stage) {
			p := s.victim(-1)
			v := s.inside(p)
			v.app = appSharePoint
			s.expect("sharepoint-mass-download", byUser(p, "ip", v.address), s.download(p, v, s.at(0), 120, 30, 4)...)
		}},
	{name: "anonymous-link", summary: "a link with which anyone can edit a document", lasts: 2 * time.Hour,
		play: func(s *stage) {
			p, v := s.intruder(-1)
			v.app = appSharePoint
			s.expect("sharepoint-anonymous-link", byUser(p, "ip", v.address), s.link(p, v, s.at(20*time.Minute), "AnonymousLinkCreated", "Edit"))
		}},
	{name: "near-anonymous-link", summary: "a link for the company only", near: true, lasts: time.Hour,
		play: func(s *stage) {
			p := s.victim(-1)
			v := s.inside(p)
			v.app = appSharePoint
			s.expect("sharepoint-anonymous-link", byUser(p, "ip", v.address), s.link(p, v, s.at(0), "CompanyLinkCreated", "Edit"))
		}},
	{name: "mass-deletion", summary: "160 files deleted in four minutes", lasts: time.Hour,
		play: func(s *stage) {
			p := s.victim(-1)
			v := s.inside(p)
			v.app = appSharePoint
			var shots []shot
			for i := range 160 {
				shots = append(shots, s.fileOp(p, v, s.at(0)+int64(i*3/2), fileAct{op: "FileRecycled", site: &p.drive, file: p.drive.file(i)}))
			}
			s.expect("sharepoint-mass-deletion", byUser(p, "ip", v.address), shots...)
		}},
	{name: "ransomware", summary: "150 files get one new extension within six minutes", lasts: time.Hour,
		play: func(s *stage) {
			p := s.victim(-1)
			v := s.inside(p)
			v.app = appSync
			var shots []shot
			for i := range 150 {
				f := p.drive.file(i)
				shots = append(shots, s.fileOp(p, v, s.at(0)+int64(i*12/5), fileAct{op: "FileRenamed", site: &p.drive, file: f, newName: f.name + ".lockedup", agent: syncAgent}))
			}
			s.expect("sharepoint-ransomware", byUser(p, "ip", v.address), shots...)
		}},
}

func (s *stage) fileOp(p *person, v *visit, t int64, a fileAct) shot {
	return s.add(t, func(t int64, id guid) { s.g.fileOp(p, v, t, id, a) })
}

// download is n downloads of so many different files of p's department, one about every gap seconds.
func (s *stage) download(p *person, v *visit, t int64, n, different, gap int) []shot {
	site := &s.g.tenant.sites[p.department]
	from := s.d.n(site.files - different)
	var shots []shot
	for i := range n {
		at := t + int64(i*gap) + s.d.span(0, int64(gap)/2)
		shots = append(shots, s.fileOp(p, v, at, fileAct{op: "FileDownloaded", site: site, file: site.file(from + i%different)}))
	}
	return shots
}

// link is a link to one of p's documents, with the records that come along.
func (s *stage) link(p *person, v *visit, t int64, op, kind string) shot {
	f := p.drive.file(s.d.n(p.drive.files))
	event := "<Type>" + kind + "</Type><MembersCanShareApplied>False</MembersCanShareApplied>"
	return s.add(t, func(t int64, id guid) { s.g.linkGroup(p, v, t, id, &p.drive, f, op, event) })
}
