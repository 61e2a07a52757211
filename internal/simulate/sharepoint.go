package simulate

// fileAct is something that somebody does to a file or folder of a site.
type fileAct struct {
	op       string
	site     *site
	file     file
	itemType string // "File" if empty
	kind     int64  // RecordType, 6 if 0
	agent    string // instead of the device's
	system   string // acting service instead of a person
	newName  string // DestinationFileName
	query    string
	event    string // EventData
	target   [2]string
}

// begin a record of SharePoint or OneDrive: all but what the operation has of its own.
func (g *generator) library(p *person, v *visit, t int64, id guid, a *fileAct) *line {
	d := &p.dice
	workload := "SharePoint"
	if a.site.personal {
		workload = "OneDrive"
	}
	if a.kind == 0 {
		a.kind = 6
	}
	if a.itemType == "" {
		a.itemType = "File"
	}
	user, key, kind := p.upn, p.sharePointKey, int64(0)
	if a.system != "" {
		user, key, kind = a.system, a.system, 4
	}
	object := a.site.url
	if a.file.name != "" {
		object += "/" + a.site.library() + a.file.folder + "/" + a.file.name
	}
	l := g.begin(head{id, t, a.op, a.kind, "", key, kind, workload, v.address, object, user})
	l.object("AppAccessContext")
	l.id("AADSessionId", v.session)
	l.text("ClientAppId", v.app.id)
	l.text("ClientAppName", v.app.name)
	l.id("CorrelationId", d.id())
	l.at("TokenIssuedAtTime", t-d.span(60, 3500))
	l.id("UniqueTokenId", d.id())
	l.end()
	l.text("ApplicationDisplayName", v.app.name)
	l.text("ApplicationId", v.app.id)
	l.text("AuthenticationType", "OAuth")
	if v.device != nil {
		l.text("BrowserName", v.device.browser)
		l.text("BrowserVersion", "133.0.0.0")
		l.flag("IsManagedDevice", v.device.managed && v.attack == "")
		l.text("Platform", v.device.platform)
		if v.device.managed && v.attack == "" {
			l.text("DeviceDisplayName", v.device.name)
		}
	}
	l.id("CorrelationId", d.id())
	l.text("EventSource", "SharePoint")
	l.text("GeoLocation", "EUR")
	l.text("ItemType", a.itemType)
	l.id("Site", a.site.id)
	l.id("WebId", a.site.web)
	switch {
	case a.agent != "":
		l.text("UserAgent", a.agent)
	case v.device != nil:
		l.text("UserAgent", v.device.text)
	}
	return l
}

// fileOp writes a record of a file operation.
func (g *generator) fileOp(p *person, v *visit, t int64, id guid, a fileAct) {
	d := &p.dice
	l := g.library(p, v, t, id, &a)
	l.flag("HighPriorityMediaProcessing", false)
	l.num("ListBaseType", 1)
	l.id("ListId", a.site.lib)
	l.id("ListItemUniqueId", d.id())
	l.num("ListServerTemplate", 101)
	l.join("SiteUrl", a.site.url, "/")
	l.join("SourceRelativeUrl", a.site.library(), a.file.folder)
	l.text("SourceFileName", a.file.name)
	l.text("SourceFileExtension", a.file.kind)
	switch {
	case a.newName != "":
		l.join("DestinationRelativeUrl", a.site.library(), a.file.folder)
		l.text("DestinationFileName", a.newName)
	case a.op == "FileDownloaded" || a.op == "FileUploaded" || a.op == "FileSyncDownloadedFull":
		l.num("FileSizeBytes", d.span(8_000, 4_000_000))
	}
	g.done()
}

// pageOp writes a record about a page, a list, a search or a site.
func (g *generator) pageOp(p *person, v *visit, t int64, id guid, a fileAct) {
	l := g.library(p, v, t, id, &a)
	if a.query != "" {
		l.text("SearchQueryText", a.query)
		l.text("QuerySource", "SharePointHome")
		l.text("ScenarioName", "Search")
	}
	if a.itemType == "List" {
		l.id("ListId", a.site.lib)
		l.text("ListTitle", a.site.library())
		l.num("ListBaseType", 1)
	}
	g.done()
}

// share writes one record of a sharing operation.
func (g *generator) share(p *person, v *visit, t int64, id guid, a fileAct) {
	a.kind = 14
	l := g.library(p, v, t, id, &a)
	l.text("SiteUrl", a.site.url)
	if a.file.name != "" {
		l.join("SourceRelativeUrl", a.site.library(), a.file.folder, "/", a.file.name)
		l.text("SourceFileName", a.file.name)
		l.text("SourceFileExtension", a.file.kind)
	}
	if a.event != "" {
		l.text("EventData", a.event)
	}
	l.id("UniqueSharingId", p.dice.id())
	if a.target[0] != "" {
		l.text("TargetUserOrGroupName", a.target[0])
		l.text("TargetUserOrGroupType", a.target[1])
	}
	g.done()
}

// linkGroup is what one click on a link for the company, or for anyone, leaves behind, all within a second: the link
// itself comes last and carries id.
func (g *generator) linkGroup(p *person, v *visit, t int64, id guid, s *site, f file, op, event string) {
	d := &p.dice
	hash := d.id().String() + d.id().String()
	g.share(p, v, t, d.id(), fileAct{op: "SharingInheritanceBroken", site: s, file: f,
		event: "<copyRoleAssignments>True</copyRoleAssignments><clearSubScopes>False</clearSubScopes>"})
	g.share(p, v, t, d.id(), fileAct{op: "SharingSet", site: s, file: f, target: [2]string{hash, "SecurityGroup"},
		event: "<Permissions granted>System.LimitedView</Permissions granted><MembersCanShareApplied>False</MembersCanShareApplied>"})
	g.share(p, v, t, d.id(), fileAct{op: "AddedToGroup", site: s, itemType: "Web", target: [2]string{hash, "SecurityGroup"},
		event: "<Group>Limited Access System Group For List " + s.lib.String() + "</Group>"})
	g.share(p, v, t, id, fileAct{op: op, site: s, file: f, event: event})
}

// teamsAct is something in Teams.
type teamsAct struct {
	op, team string
	thread   string // ChatThreadId
	members  []*person
}

func (g *generator) teams(p *person, v *visit, t int64, id guid, a teamsAct) {
	d := &p.dice
	l := g.begin(head{id, t, a.op, 25, "", p.oidText, 0, "MicrosoftTeams", v.address, "", p.typed})
	l.object("AppAccessContext")
	l.id("AADSessionId", v.session)
	l.text("ClientAppId", v.app.id)
	l.at("IssuedAtTime", t-d.span(60, 3600))
	l.id("UniqueTokenId", d.id())
	l.end()
	l.text("ClientApplication", v.app.name)
	if v.device != nil {
		l.text("DeviceInformation", v.device.text)
		l.text("UserAgent", v.device.text)
	}
	switch {
	case a.team != "":
		l.text("CommunicationType", "Team")
		l.text("TeamName", a.team)
		l.join("TeamGuid", "19:", g.tenant.idText, "@thread.tacv2")
		l.text("ChannelName", "General")
		l.id("AADGroupId", g.tenant.id)
	case a.op != "TeamsSessionStarted":
		l.text("CommunicationType", "OneOnOne")
		l.join("ChatThreadId", "19:", a.thread, "@unq.gbl.spaces")
		l.object("ParticipantInfo")
		l.flag("HasForeignTenantUsers", false)
		l.flag("HasGuestUsers", false)
		l.flag("HasOtherGuestUsers", false)
		l.flag("HasUnauthenticatedUsers", false)
		l.list("ParticipatingTenantIds")
		l.comma()
		l.b = appendText(l.b, g.tenant.idText)
		l.endList()
		l.end()
		l.id("MessageId", d.id())
		l.num("MessageSizeInBytes", d.span(20, 4000))
		l.text("MessageVersion", "0")
	}
	l.list("Members")
	for _, m := range append([]*person{p}, a.members...) {
		l.object("")
		l.text("DisplayName", m.display)
		l.num("Role", 0)
		l.text("UPN", m.typed)
		l.end()
	}
	l.endList()
	l.list("ExtraProperties")
	l.object("")
	l.text("Key", "TimeZone")
	l.text("Value", "UTC")
	l.end()
	l.endList()
	g.done()
}

// compliance writes a cmdlet of the Security & Compliance Center, whose Parameters are a command line in one text.
func (g *generator) compliance(p *person, t int64, id guid, op, parameters string) {
	d := &p.dice
	l := g.begin(head{id, t, op, 18, "Success", p.puid, 0, "SecurityComplianceCenter", "", "", p.typed})
	l.text("ClientApplication", "EMC")
	l.id("ClientRequestId", d.id())
	l.text("CmdletVersion", "")
	l.text("EffectiveOrganization", g.tenant.initial)
	l.text("NonPIIParameters", "")
	l.text("Parameters", parameters)
	l.text("SecurityComplianceCenterEventType", "0")
	l.at("StartTime", t)
	l.text("UserServicePlan", "")
	g.done()
}
