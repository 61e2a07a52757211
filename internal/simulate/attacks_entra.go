package simulate

import (
	"fmt"
	"time"
)

// catalogue is every script. A new one is a new row.
func catalogue() []script {
	var all []script
	all = append(all, story...)
	all = append(all, entraScripts...)
	all = append(all, exchangeScripts...)
	return append(all, sharePointScripts...)
}

var entraScripts = []script{
	{name: "password-spray", summary: "one wrong password for each of two dozen people from one address, then one that is right", lasts: time.Hour,
		play: func(s *stage) {
			victim := s.victim(-1)
			v := s.far()
			shots := s.spray(v, s.at(0), 24, 20)
			s.expect("entra-password-spray", map[string]string{"ip": v.address}, shots...)
			s.signIn(victim, v, s.at(12*time.Minute), signedIn)
		}},
	{name: "near-password-spray", summary: "nine people mistype their passwords behind one address", near: true, lasts: time.Hour,
		play: func(s *stage) {
			v := s.far()
			s.expect("entra-password-spray", map[string]string{"ip": v.address}, s.spray(v, s.at(0), 9, 40)...)
		}},
	{name: "brute-force", summary: "fifteen wrong passwords for one person in six minutes", lasts: time.Hour,
		play: func(s *stage) {
			p := s.victim(-1)
			v := s.hosted()
			s.expect("entra-brute-force", byUser(p, "ip", v.address), s.guess(p, v, s.at(0), 15, 24)...)
		}},
	{name: "near-brute-force", summary: "nine wrong passwords for one person in nine minutes", near: true, lasts: time.Hour,
		play: func(s *stage) {
			p := s.victim(-1)
			v := s.hosted()
			s.expect("entra-brute-force", byUser(p, "ip", v.address), s.guess(p, v, s.at(0), 9, 60)...)
		}},
	{name: "near-brute-force-slow", summary: "a phone tries an old password every three minutes for two hours", near: true, lasts: 3 * time.Hour,
		play: func(s *stage) {
			p := s.victim(-1)
			v := s.inside(p)
			v.device = &p.phone
			s.expect("entra-brute-force", byUser(p, "ip", v.address), s.guess(p, v, s.at(0), 40, 180)...)
		}},
	{name: "impossible-travel", summary: "a sign-in at home and one from another continent forty minutes later", lasts: 2 * time.Hour,
		play: func(s *stage) { // the truth finds it by itself
			p := s.victim(-1)
			s.atDesk(p, s.at(0))
			s.signIn(p, s.far(), s.at(40*time.Minute), signedIn)
		}},
	{name: "near-impossible-travel", summary: "a token refresh by Microsoft's own address between two sign-ins at home", near: true, lasts: 2 * time.Hour,
		play: func(s *stage) {
			p := s.victim(-1)
			s.atDesk(p, s.at(0))
			v := s.visit(microsoftSignIn(&s.d), nowhere)
			s.expect("entra-impossible-travel", byUser(p, "ip", v.address), s.signIn(p, v, s.at(20*time.Minute), refreshed))
			s.atDesk(p, s.at(40*time.Minute))
		}},
	{name: "privileged-role", summary: "a new account is made and becomes Global Administrator", lasts: time.Hour,
		play: func(s *stage) {
			admin := s.administrator()
			made := s.ghost("svc-backup")
			s.newAccount(admin, made, s.at(0))
			grant := s.grantRole(admin, made, s.at(3*time.Minute), "Company Administrator", "62e90394-69f5-4237-9190-012177145e10", "TenantAdmins")
			s.expect("entra-privileged-role", byUser(admin, "target", made.upn), grant)
		}},
	{name: "near-privileged-role", summary: "a role that can only read the directory", near: true, lasts: time.Hour,
		play: func(s *stage) {
			admin, to := s.administrator(), s.victim(-1)
			grant := s.grantRole(admin, to, s.at(0), "Directory Readers", "88d8e3e3-8f55-4a1e-953a-9b9898b8876b", "DirectoryReaders")
			s.expect("entra-privileged-role", byUser(admin, "target", to.upn), grant)
		}},
	{name: "success-after-failures", summary: "eight wrong passwords, then the right one, from one address", lasts: time.Hour,
		play: func(s *stage) {
			p := s.victim(-1)
			v := s.far()
			shots := s.guess(p, v, s.at(0), 8, 30)
			shots = append(shots, s.signIn(p, v, s.at(6*time.Minute), signedIn))
			s.expect("entra-success-after-failures", byUser(p, "ip", v.address), shots...)
		}},
	{name: "mfa-fatigue", summary: "twelve refused prompts on the phone, then one is approved", lasts: time.Hour,
		play: func(s *stage) {
			p := s.victim(-1)
			v := s.far()
			refused := outcome{failed: true, number: "500121", reason: "AuthenticationFailedStrongAuthenticationRequest", status: "Failed", detail: "UserError",
				request: "SAS:EndAuth", method: "1", resource: appExchange}
			var shots []shot
			for i := range int64(12) {
				shots = append(shots, s.signIn(p, v, s.at(0)+i*45+s.d.span(0, 20), refused))
			}
			shots = append(shots, s.signIn(p, v, s.at(11*time.Minute), signedIn))
			s.expect("entra-mfa-fatigue", byUser(p, "ip", v.address), shots...)
		}},
	{name: "new-country", summary: "a sign-in from a country where the person never was, two days after the last at home", lasts: 4 * 24 * time.Hour,
		play: func(s *stage) {
			p := s.victim(-1)
			p.silent = [2]int64{s.at(0), s.at(96 * time.Hour)}
			learnt := s.at(48*time.Hour)-s.g.start > 15*86400
			s.expect("entra-new-country", byUser(p), s.signIn(p, s.far(), s.at(48*time.Hour), signedIn))
			s.g.truth.Expected[len(s.g.truth.Expected)-1].Optional = !learnt
		}},
	{name: "risky-consent", summary: "a person lets an unknown application read and send mail", lasts: time.Hour,
		play: func(s *stage) {
			p := s.victim(-1)
			app := s.d.id().String()
			grant := s.add(s.at(0), func(t int64, id guid) {
				s.g.change(t, id, &p.dice, entraChange{op: "Consent to application.", category: "ApplicationManagement", actor: p, target: app, targetID: app,
					targetKind: "ServicePrincipal", properties: [][3]string{{"ConsentContext.IsAdminConsent", "False", ""}, {"ConsentContext.IsAppOnly", "False", ""},
						{"ConsentContext.OnBehalfOfAll", "False", ""}, {"ConsentContext.Tags", "WindowsAzureActiveDirectoryIntegratedApp", ""},
						{"ConsentAction.Permissions", "[] => [[Id: x, ClientId: " + app + ", PrincipalId: " + p.oidText +
							", ResourceId: 7a1f, ConsentType: Principal, Scope: Mail.ReadWrite Mail.Send offline_access, CreatedDateTime: , LastModifiedDateTime ]]; ", ""}}})
			})
			s.expect("entra-risky-consent", byUser(p, "target", app), grant)
		}},
}

// spray has n people's accounts fail with a wrong password, each once, about every gap seconds.
func (s *stage) spray(v *visit, from int64, n, gap int) []shot {
	people := s.g.tenant.people
	var shots []shot
	at := s.d.n(len(people))
	for i := 0; len(shots) < n && i < len(people); i++ {
		p := &people[(at+i)%len(people)]
		if p.guest {
			continue
		}
		o := wrongPassword
		o.request = "OAuth2:Token"
		shots = append(shots, s.signIn(p, v, from+int64(len(shots)*gap)+s.d.span(0, int64(gap)/2), o))
	}
	return shots
}

// guess has p's account fail with n wrong passwords, one about every gap seconds.
func (s *stage) guess(p *person, v *visit, from int64, n, gap int) []shot {
	var shots []shot
	for i := range n {
		shots = append(shots, s.signIn(p, v, from+int64(i*gap)+s.d.span(0, int64(gap)/3), wrongPassword))
	}
	return shots
}

// ghost is an account that does not exist yet.
func (s *stage) ghost(name string) *person {
	id := s.d.id()
	upn := fmt.Sprintf("%s%d@%s", name, s.d.n(90)+10, s.g.tenant.domain)
	return &person{upn: upn, typed: upn, display: name, oid: id, oidText: id.String(), puid: fmt.Sprintf("10032002%08X", s.d.n(1<<32))}
}

func (s *stage) newAccount(admin, made *person, t int64) shot {
	return s.add(t, func(t int64, id guid) {
		s.g.change(t, id, &admin.dice, entraChange{op: "Add user.", category: "User", actor: admin, target: made.typed, targetID: made.oidText, targetKind: "User",
			properties: [][3]string{{"AccountEnabled", "[\r\n  true\r\n]", "[]"}, {"DisplayName", "[\r\n  \"" + made.display + "\"\r\n]", "[]"},
				{"UserPrincipalName", "[\r\n  \"" + made.typed + "\"\r\n]", "[]"}, {"UserType", "[\r\n  \"Member\"\r\n]", "[]"},
				{"Included Updated Properties", `"AccountEnabled, DisplayName, UserPrincipalName, UserType"`, ""}}})
	})
}

func (s *stage) grantRole(admin, to *person, t int64, name, template, known string) shot {
	role := s.d.id().String()
	return s.add(t, func(t int64, id guid) {
		s.g.change(t, id, &admin.dice, entraChange{op: "Add member to role.", category: "Role", actor: admin, target: to.typed, targetID: to.oidText, targetKind: "User",
			properties: [][3]string{{"Role.ObjectID", `"` + role + `"`, ""}, {"Role.DisplayName", `"` + name + `"`, ""},
				{"Role.TemplateId", `"` + template + `"`, ""}, {"Role.WellKnownObjectName", `"` + known + `"`, ""}}})
	})
}
