package simulate

import (
	"bytes"
	"time"
)

// story is one breach in one day: a password found by spraying, a mailbox in finance taken over, then an
// administrator's account, then documents, then a back door.
var story = []script{{
	name: "breach", summary: "one day: spray, takeover from far away, hidden mail, theft of documents, a back door", lasts: 24 * time.Hour, whole: true,
	play: func(s *stage) {
		clock := func(hour, minute int) int64 {
			return s.start + int64(hour*3600+minute*60) + s.d.span(0, 50)
		}
		clerk, admin, chief := s.victim(finance), s.administrator(), s.victim(finance)
		far := s.far()

		// A clerk in finance starts the day at home.
		s.atDesk(clerk, clock(7, 41))
		s.atDesk(admin, clock(8, 2))

		// Somebody tries one password with many accounts, and with the clerk's it works.
		shots := s.spray(far, clock(9, 31), 28, 17)
		s.expect("entra-password-spray", map[string]string{"ip": far.address}, shots...)
		s.signIn(clerk, far, clock(9, 42), signedIn)
		for i := range 5 {
			s.add(clock(9, 44+2*i), func(t int64, id guid) { s.g.mailRead(clerk, far, t, id, mailAct{}, false) })
		}

		// Mail about money disappears, and a copy of everything leaves.
		s.expect("exchange-hiding-inbox-rule", byUser(clerk, "mailbox", clerk.upn), s.inboxRule(clerk, far, clock(9, 56), "New-InboxRule", ".", [][2]string{
			{"SubjectOrBodyContainsWords", "invoice;payment;bank details"}, {"MoveToFolder", clerk.alias + `:\RSS Feeds`}, {"MarkAsRead", "True"}, {"StopProcessingRules", "True"}}))
		s.expect("exchange-external-forwarding", byUser(clerk, "mailbox", clerk.upn),
			s.forward(clerk, far, clock(10, 4), "smtp:archive@"+s.g.tenant.label+"-billing.example", "True"))

		// The clerk's colleagues get a mail that the administrator believes.
		s.add(clock(10, 31), func(t int64, id guid) {
			s.g.mailItem(clerk, far, t, id, mailAct{op: "Send"}, "Please check: your mailbox is almost full")
		})
		s.atDesk(admin, clock(12, 15))
		lair := s.visit(far.address, far.city)
		s.signIn(admin, lair, clock(13, 8), signedIn)
		s.expect("exchange-mailbox-permission", byUser(admin, "mailbox", chief.upn), s.fullAccess(admin, lair, clock(13, 17), chief, clerk))
		s.expect("exchange-non-owner-access", byUser(clerk, "mailbox", chief.upn), s.readOthers(clerk, far, chief, clock(13, 29), 9)...)

		// Documents leave, and stay open to anyone.
		files := *far
		files.app = appSharePoint
		s.expect("sharepoint-mass-download", byUser(clerk, "ip", far.address), s.download(clerk, &files, clock(14, 10), 120, 120, 4)...)
		s.expect("sharepoint-anonymous-link", byUser(clerk, "ip", far.address), s.link(clerk, &files, clock(14, 34), "AnonymousLinkCreated", "Edit"))

		// The way back in.
		made := s.ghost("svc-backup")
		s.newAccount(admin, made, clock(15, 3))
		s.expect("entra-privileged-role", byUser(admin, "target", made.upn),
			s.grantRole(admin, made, clock(15, 6), "Company Administrator", "62e90394-69f5-4237-9190-012177145e10", "TenantAdmins"))
	},
}}

// SampleConfig is the tenant and the day of Sample.
func SampleConfig() Config {
	return Config{
		Seed: 20260303, Start: time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC), Duration: 24 * time.Hour,
		Users: 120, Records: 3300, Attacks: []string{"breach"}, NoShared: true,
	}
}

// Sample is a breach story in one day of ordinary activity, as NDJSON, and the truth about it. Its addresses are those
// of Places, its own domains Truth.Domains.
func Sample() ([]byte, Truth, error) {
	var b bytes.Buffer
	t, err := Write(&b, SampleConfig())
	return b.Bytes(), t, err
}
