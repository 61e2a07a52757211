package simulate

import (
	"strconv"
	"time"
)

// mail is a step of a session with p's own mailbox.
func (p *person) mail(g *generator, t int64) {
	d, v := &p.dice, &p.visit
	switch n := d.n(1000); {
	case n < 600:
		g.mailRead(p, v, t, d.id(), mailAct{}, false)
	case n < 640 && p.kind == sessionOutlook:
		g.mailRead(p, v, t, d.id(), mailAct{}, true)
	case n < 760:
		g.mailItem(p, v, t, d.id(), mailAct{op: "Send"}, pick(d, subjects))
	case n < 810:
		g.mailItem(p, v, t, d.id(), mailAct{op: "Create"}, pick(d, subjects))
	case n < 860:
		g.mailItem(p, v, t, d.id(), mailAct{op: "Update"}, pick(d, subjects))
	case n < 920:
		g.mailMove(p, v, t, d.id(), "MoveToDeletedItems")
	case n < 970:
		g.mailMove(p, v, t, d.id(), "SoftDelete")
	case n < 985:
		g.mailMove(p, v, t, d.id(), "HardDelete")
	case n < 992:
		g.mailbox(p, v, t, d.id(), 2, mailAct{op: "MailboxLogin"})
		g.done()
	default:
		p.rule(g, t)
	}
}

// rule is an inbox rule as people make them: for order, not to hide anything.
func (p *person) rule(g *generator, t int64) {
	d, v := &p.dice, &p.visit
	name := pick(d, []string{"Newsletters", "Project Aurora", "Build reports", "Tickets", "Travel", "Invoices to folder"})
	params := [][2]string{{"AlwaysDeleteOutlookRulesBlob", "False"}, {"Force", "False"}, {"Name", name}}
	switch d.n(4) {
	case 0:
		params = append(params, [2]string{"FromAddressContainsWords", "newsletter@;noreply@"}, [2]string{"MoveToFolder", p.alias + `:\Newsletters`})
	case 1:
		params = append(params, [2]string{"SubjectContainsWords", "invoice"}, [2]string{"MoveToFolder", p.alias + `:\Invoices`}, [2]string{"ApplyCategory", "Blue"})
	case 2:
		params = append(params, [2]string{"SubjectOrBodyContainsWords", "Aurora;Basalt"}, [2]string{"MoveToFolder", p.alias + `:\Projects`}, [2]string{"MarkAsRead", "True"})
	default:
		params = append(params, [2]string{"SubjectContainsWords", "out of office"}, [2]string{"DeleteMessage", "True"})
	}
	params = append(params, [2]string{"StopProcessingRules", "True"})
	op := pick(d, []string{"New-InboxRule", "New-InboxRule", "Set-InboxRule"})
	if d.n(4) == 0 {
		g.outlookRule(p, v, t, d.id(), [][2]string{{"RuleOperation", "AddMailboxRule"}, {"RuleId", strconv.Itoa(1 + d.n(9))}, {"RuleState", "Enabled, ExitAfterExecution"},
			{"RuleCondition", "{([SubjectProperty ContainSubstring Aurora])}"}, {"RuleName", name}, {"RuleProvider", "RuleOrganizer"},
			{"RuleActions", `[{"ActionType":"Move","DestinationFolderId":"LgAAAAB` + d.id().String() + `","FolderIsInThisStore":"True"}]`}})
		return
	}
	g.cmdlet(p, v, t, d.id(), cmdlet{op: op, object: g.hosted(p.alias) + `\` + name, params: params})
}

// sharedMail is a step of a session in a shared mailbox that p is a delegate of. A rule about opening the mailboxes of
// others may say so, as long as it doesn't know the mailbox for a shared one; the truth has it as optional.
func (p *person) sharedMail(g *generator, t int64) {
	d, v := &p.dice, &p.visit
	box := &g.tenant.shared[p.shared]
	id := d.id()
	if d.n(5) == 0 {
		g.mailItem(p, v, t, id, mailAct{op: "SendOnBehalf", shared: box}, pick(d, subjects))
	} else {
		g.mailRead(p, v, t, id, mailAct{shared: box}, false)
	}
	at := time.Unix(t, 0).UTC()
	if p.sharedTruth == 0 {
		g.truth.Expected = append(g.truth.Expected, Expectation{Attack: "shared-mailbox", Rule: "exchange-non-owner-access", First: at, Last: at,
			By: map[string]string{"user": p.upn, "mailbox": box.address}, Records: []string{id.String()}, Fires: true, Optional: true})
		p.sharedTruth = len(g.truth.Expected)
	}
	e := &g.truth.Expected[p.sharedTruth-1]
	if at.Before(e.First) {
		e.First = at
	}
	if at.After(e.Last) {
		e.Last = at
	}
}

// files is a step of a session with documents.
func (p *person) files(g *generator, t int64) {
	d, v := &p.dice, &p.visit
	s := &p.drive
	if p.guest || d.n(3) > 0 {
		s = g.site(p)
	}
	a := fileAct{site: s, file: s.file(d.few(s.files))}
	switch n := d.n(1000); {
	case n < 480:
		a.op = "FileAccessed"
	case n < 560:
		a.op = "FilePreviewed"
	case n < 640:
		a.op = "FileModified"
	case n < 665:
		a.op = "FileModifiedExtended"
	case n < 700:
		a.op = "FileAccessedExtended"
	case n < 740:
		a.op = "FileUploaded"
	case n < 790 && !p.cast && p.downloads.allow(t):
		a.op = "FileDownloaded"
	case n < 810:
		a.op, a.agent = "FileSyncUploadedFull", syncAgent
	case n < 820 && !p.cast && p.dels.allow(t):
		a.op = "FileRecycled"
	case n < 830:
		a.op, a.newName = "FileRenamed", "Copy of "+a.file.name
	case n < 900:
		p.browse(g, t, s)
		return
	case n < 945:
		g.pageOp(p, v, t, d.id(), fileAct{op: "ManagedSyncClientAllowed", site: s, kind: 4, itemType: "Web", agent: syncAgent})
		return
	case n < 960 && !p.guest:
		p.shares(g, t, s)
		return
	default:
		a.op = "FileAccessed"
	}
	g.fileOp(p, v, t, d.id(), a)
}

// browse opens a page, a list or the search.
func (p *person) browse(g *generator, t int64, s *site) {
	d, v := &p.dice, &p.visit
	switch d.n(5) {
	case 0:
		g.pageOp(p, v, t, d.id(), fileAct{op: "ListViewed", site: s, kind: 36, itemType: "List"})
	case 1:
		g.pageOp(p, v, t, d.id(), fileAct{op: "SearchQueryPerformed", site: s, kind: 4, itemType: "Page", query: pick(d, searches)})
	case 2:
		g.pageOp(p, v, t, d.id(), fileAct{op: "FolderCreated", site: s, itemType: "Folder", file: file{"", "Week " + strconv.Itoa(1+d.n(52)), ""}})
	default:
		g.pageOp(p, v, t, d.id(), fileAct{op: "PageViewed", site: s, kind: 4, itemType: "Page"})
	}
}

// shares shares a document within the company.
func (p *person) shares(g *generator, t int64, s *site) {
	d, v := &p.dice, &p.visit
	f := s.file(d.few(s.files))
	switch d.n(3) {
	case 0:
		g.linkGroup(p, v, t, d.id(), s, f, "CompanyLinkCreated", "<Type>View</Type><MembersCanShareApplied>False</MembersCanShareApplied>")
	case 1:
		to := g.colleague(p)
		g.share(p, v, t, d.id(), fileAct{op: "SharingSet", site: s, file: f, target: [2]string{to.upn, "Member"},
			event: "<Permissions granted>Contribute</Permissions granted><MembersCanShareApplied>False</MembersCanShareApplied>"})
	default:
		to := g.colleague(p)
		g.share(p, v, t, d.id(), fileAct{op: "AddedToSecureLink", site: s, file: f, target: [2]string{to.upn, "Member"},
			event: "<Type>View</Type><MembersCanShareApplied>False</MembersCanShareApplied>"})
	}
}

// chat is a step of a session in Teams.
func (p *person) chat(g *generator, t int64) {
	d, v := &p.dice, &p.visit
	switch n := d.n(100); {
	case n < 25:
		g.teams(p, v, t, d.id(), teamsAct{op: "TeamsSessionStarted"})
	case n < 40 && !p.guest:
		g.teams(p, v, t, d.id(), teamsAct{op: "ChatCreated", thread: p.oidText, members: []*person{g.colleague(p)}})
	case n < 60:
		g.teams(p, v, t, d.id(), teamsAct{op: "MessageSent", team: pick(d, siteTopics)})
	case n < 75:
		g.teams(p, v, t, d.id(), teamsAct{op: "ReactedToMessage", team: pick(d, siteTopics)})
	default:
		g.teams(p, v, t, d.id(), teamsAct{op: "MessageSent", thread: p.oidText, members: []*person{g.colleague(p)}})
	}
}

// colleague is somebody else of the tenant who is no guest.
func (g *generator) colleague(p *person) *person {
	for range 8 {
		if c := &g.tenant.people[p.dice.n(len(g.tenant.people))]; c != p && !c.guest {
			return c
		}
	}
	return p
}

// administer is a step of an administrator's ordinary day.
func (p *person) administer(g *generator, t int64) {
	d, v, to := &p.dice, &p.visit, g.colleague(p)
	switch d.n(10) {
	case 0, 1:
		g.change(t, d.id(), d, entraChange{op: "Add member to group.", category: "Group", actor: p, target: to.typed, targetID: to.oidText, targetKind: "User",
			properties: [][3]string{{"Group.ObjectID", `"` + d.id().String() + `"`, ""}, {"Group.DisplayName", `"` + pick(d, siteTopics) + ` members"`, ""}}})
	case 2, 3:
		g.change(t, d.id(), d, entraChange{op: "Change user license.", category: "User", actor: p, target: to.typed, targetID: to.oidText, targetKind: "User",
			properties: [][3]string{{"TargetId.UserType", `"Member"`, ""}}})
	case 4:
		g.change(t, d.id(), d, entraChange{op: "Update device.", category: "Device", actor: p, target: to.laptop.name, targetID: to.laptop.id.String(), targetKind: "Device",
			properties: [][3]string{{"IsCompliant", "[\r\n  true\r\n]", "[\r\n  false\r\n]"}, {"Included Updated Properties", `"IsCompliant"`, ""}}})
	case 5: // a forward that is taken away
		g.cmdlet(p, v, t, d.id(), cmdlet{op: "Set-Mailbox", object: to.alias, params: [][2]string{
			{"Identity", g.hosted(to.alias)}, {"ForwardingSmtpAddress", ""}, {"DeliverToMailboxAndForward", "False"}}})
	case 6:
		g.cmdlet(p, v, t, d.id(), cmdlet{op: "Set-User", object: to.alias, params: [][2]string{{"Identity", g.hosted(to.alias)}, {"Office", cities[to.home].name}}})
	case 7:
		g.compliance(p, t, d.id(), "Get-RetentionCompliancePolicy", `-DistributionDetail -Identity "Seven years"`)
	case 8:
		g.compliance(p, t, d.id(), "Get-ComplianceTag", "")
	default:
		g.cmdlet(p, v, t, d.id(), cmdlet{op: "Set-CalendarProcessing", object: "room-" + strconv.Itoa(d.n(20)), params: [][2]string{
			{"Identity", g.hosted("room-" + strconv.Itoa(d.n(20)))}, {"AutomateProcessing", "AutoAccept"}}})
	}
}
