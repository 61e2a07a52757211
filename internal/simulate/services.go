package simulate

// services is what Microsoft's own accounts do in every tenant: most of what an audit log says of administration.
type services struct{ every int64 }

func newServices(g *generator) *services {
	records := int64(g.cfg.Records)
	if records == 0 {
		records = g.tenant.natural(g.start, g.end)
	}
	return &services{every: (g.end - g.start) * 1000 << 16 / max(1, records*serviceShare)}
}

// exchangeServices are spellings of one thing: the directory's and Exchange's own accounts.
var exchangeServices = []string{
	`NT AUTHORITY\SYSTEM (Microsoft.Exchange.ServiceHost)`, `NT AUTHORITY\SYSTEM (Microsoft.Exchange.Servicehost)`, `NT AUTHORITY\SYSTEM (w3wp)`,
	`NT AUTHORITY\SYSTEM (MSExchangeMailboxAssistants)`, `NT AUTHORITY\SYSTEM (Microsoft.Exchange.Management.ForwardSync)`,
	`NT AUTHORITY\SYSTEM (Microsoft.Exchange.AdminApi.NetCore)`, `NT SERVICE\MSExchangeAdminApiNetCore`,
}

func (s *services) act(g *generator, t int64) int64 {
	d := &g.noise
	p := &g.tenant.people[d.n(len(g.tenant.people))]
	switch n := d.n(100); {
	case n < 40:
		s.mailbox(g, t, p)
	case n < 55:
		s.settings(g, t)
	case n < 75:
		properties := [][3]string{{"TargetId.UserType", `"Member"`, ""}}
		if d.n(3) == 0 {
			properties = append([][3]string{{"LastDirSyncTime", "[\r\n  \"2026-03-02T08:00:00Z\"\r\n]", "[]"}}, properties...)
		}
		g.change(t, d.id(), d, entraChange{op: "Update user.", category: "User", service: "2ed57b1f-3b65-4f1a-8d4f-5e9f5d4a7c11", target: p.typed, targetID: p.oidText,
			targetKind: "User", details: `{"UserType":"Member"}`, properties: properties})
	case n < 80:
		s.teamSync(g, t, p)
	case n < 85:
		s.calendar(g, t, p)
	case n < 88:
		v := visit{app: appSharePoint, session: d.id()}
		g.pageOp(p, &v, t, d.id(), fileAct{op: "SiteCollectionAdminAdded", site: &p.drive, kind: 14, itemType: "Web", system: `Microsoft\ServiceOperator`})
		g.pageOp(p, &v, t, d.id(), fileAct{op: "SharingPolicyChanged", site: &p.drive, kind: 4, itemType: "Site", system: `Microsoft\ServiceOperator`})
	default:
		v := visit{app: appSharePoint, session: d.id()}
		site := &g.tenant.sites[d.n(len(g.tenant.sites))]
		op := pick(d, []string{"FileModified", "FileRecycled", "FileAccessed"})
		g.fileOp(p, &v, t, d.id(), fileAct{op: op, site: site, file: site.file(d.n(site.files)), system: "app@sharepoint"})
	}
	return t + (d.wait(s.every) >> 16)
}

// mailbox is the provisioning of somebody's mailbox.
func (s *services) mailbox(g *generator, t int64, p *person) {
	d := &g.noise
	c := cmdlet{user: pick(d, exchangeServices), userType: 3, object: g.hosted(p.alias)}
	c.key = c.user
	switch d.n(5) {
	case 0:
		c.op, c.object = "Add-MailboxPermission", g.hosted("DiscoverySearchMailbox{D919BA05-46A6-415f-80AD-7E09334BB852}")
		c.params = [][2]string{{"Identity", "DiscoverySearchMailbox{D919BA05-46A6-415f-80AD-7E09334BB852}"},
			{"User", g.hosted("Discovery Management")}, {"AccessRights", "FullAccess"}}
	case 1:
		c.op, c.params = "Set-Mailbox", [][2]string{{"Identity", c.object}, {"ForwardingSmtpAddress", ""}, {"DeliverToMailboxAndForward", "False"}}
	case 2:
		c.op, c.params = "Set-Mailbox", [][2]string{{"Identity", c.object}, {"AuditEnabled", "True"}, {"DomainController", ""}}
	default:
		c.op, c.params = "Set-Mailbox", [][2]string{{"DomainController", ""}, {"Identity", c.object}, {"CalendarVersionStoreDisabled", "False"}, {"Force", "True"}}
	}
	g.cmdlet(nil, nil, t, d.id(), c)
}

// settings is the upkeep of the tenant's settings.
func (s *services) settings(g *generator, t int64) {
	d := &g.noise
	c := cmdlet{user: pick(d, exchangeServices), userType: 3}
	c.key = c.user
	switch d.n(4) {
	case 0:
		c.op, c.object = "Set-AdminAuditLogConfig", g.tenant.initial+`\Admin Audit Log Settings`
		c.params = [][2]string{{"DomainController", ""}, {"IgnoreDehydratedFlag", "True"}, {"Identity", g.hosted("")}, {"AdminAuditLogEnabled", "True"}}
	case 1:
		c.op, c.object, c.params = "Install-DefaultSharingPolicy", g.tenant.initial+`\`+d.id().String(), [][2]string{{"DomainController", ""}, {"Organization", g.tenant.initial}}
	case 2:
		c.op, c.object = "Set-MailboxPlan", g.hosted("ExchangeOnlineEnterprise-"+d.id().String())
		c.params = [][2]string{{"DomainController", ""}, {"ResetPasswordOnNextLogon", "False"}, {"Identity", c.object}}
	default:
		c.op, c.object = "Set-ConditionalAccessPolicy", g.tenant.initial+`\`+d.id().String()
		c.params = [][2]string{{"Identity", c.object}, {"PolicyDetails", `{"Version":1,"State":"Enabled","Conditions":{"Users":{"Include":[{"Users":["All"]}]}},"Controls":[{"Control":["Mfa"]}]}`},
			{"DisplayName", "Ask everybody for a second factor"}, {"PolicyIdentifierString", ""}}
	}
	g.cmdlet(nil, nil, t, d.id(), c)
}

func (s *services) teamSync(g *generator, t int64, p *person) {
	d := &g.noise
	l := g.begin(head{d.id(), t, "MemberAdded", 25, "", d.id().String(), 5, "MicrosoftTeams", "", "", "Microsoft Teams Sync"})
	team := pick(d, siteTopics)
	l.id("AADGroupId", d.id())
	l.text("CommunicationType", "Team")
	l.text("ItemName", team)
	l.list("Members")
	l.object("")
	l.text("DisplayName", p.display)
	l.num("Role", 0)
	l.text("UPN", p.typed)
	l.end()
	l.endList()
	l.text("ExtraProperties", "[]")
	l.text("TeamName", team)
	l.join("TeamGuid", "19:", d.id().String(), "@thread.tacv2")
	g.done()
}

// calendar is a holiday calendar that the service makes, with no rights for anyone.
func (s *services) calendar(g *generator, t int64, p *person) {
	d := &g.noise
	l := g.begin(head{d.id(), t, "ModifyFolderPermissions", 2, "Succeeded", "S-1-5-18", 2, "Exchange", "::1", "", "S-1-5-18"})
	l.text("ClientInfoString", "Client=WebServices;Action=ConfigureGroupMailbox")
	l.text("ClientIPAddress", "::1")
	l.flag("ExternalAccess", true)
	l.num("InternalLogonType", 1)
	l.num("LogonType", 1)
	l.text("LogonUserSid", "S-1-5-18")
	l.id("MailboxGuid", p.mailbox)
	l.text("MailboxOwnerSid", p.sid)
	l.text("MailboxOwnerUPN", p.typed)
	l.text("OrganizationName", g.tenant.initial)
	l.text("OriginatingServer", exchangeServer)
	l.object("Item")
	l.itemID("Id", "LgAAAA", d)
	l.object("ParentFolder")
	l.itemID("Id", "LgAAAA", d)
	l.text("MemberRights", "None")
	l.text("MemberSid", "S-1-1-0")
	l.text("MemberUpn", "Everyone")
	l.text("Name", "Holidays")
	l.text("Path", `\Calendar\Holidays`)
	l.end()
	l.end()
	g.done()
}
