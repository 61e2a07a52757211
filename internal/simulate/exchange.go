package simulate

import "strconv"

// mailAct is something that somebody does in a mailbox.
type mailAct struct {
	op     string
	owner  *person // whose mailbox; the actor's own if nil
	shared *sharedMailbox
	status string
}

const exchangeServer = "AM9PR04MB8212 (15.20.8489.021)\r\n"

// clients are ClientInfoStrings by the kind of session.
var clients = [...]string{
	sessionOutlook: "Client=MSExchangeRPC", sessionWebMail: "Client=OWA;", sessionPhone: "Client=REST;Client=RESTSystem;;", sessionShared: "Client=MSExchangeRPC",
}

// mailbox writes the start of a record of RecordType kind about a mailbox: all but the items.
func (g *generator) mailbox(p *person, v *visit, t int64, id guid, kind int64, a mailAct) *line {
	d := &p.dice
	status := a.status
	if status == "" {
		status = "Succeeded"
	}
	ip := v.address
	if d.n(12) == 0 {
		ip = v.withPort(d)
	}
	l := g.begin(head{id, t, a.op, kind, status, p.puid, 0, "Exchange", ip, "", p.typed})
	l.object("AppAccessContext")
	l.id("AADSessionId", v.session)
	l.text("APIId", appExchange.id)
	l.text("ClientAppId", v.app.id)
	l.at("IssuedAtTime", t-600-d.span(0, 3000))
	l.id("UniqueTokenId", d.id())
	l.end()
	l.text("AppId", appExchange.id)
	l.text("ClientAppId", v.app.id)
	l.text("ClientIPAddress", v.address)
	info := clients[sessionOutlook]
	if p.kind < len(clients) && clients[p.kind] != "" {
		info = clients[p.kind]
	}
	if info == "Client=OWA;" || v.attack != "" {
		l.join("ClientInfoString", "Client=OWA;", v.device.text, ";")
	} else {
		l.text("ClientInfoString", info)
	}
	if info == clients[sessionOutlook] && v.attack == "" {
		l.text("ClientProcessName", "OUTLOOK.EXE")
		l.text("ClientVersion", "16.0.18429.20132")
	}
	l.id("ClientRequestId", d.id())
	l.flag("ExternalAccess", false)
	logon, owner, sid, box := int64(0), p.typed, p.sid, p.mailbox
	switch {
	case a.shared != nil:
		logon, owner, sid, box = 2, a.shared.address, a.shared.sid, a.shared.mailbox
	case a.owner != nil:
		logon, owner, sid, box = 2, a.owner.typed, a.owner.sid, a.owner.mailbox
	}
	l.num("InternalLogonType", logon)
	l.num("LogonType", logon)
	l.text("LogonUserSid", p.sid)
	if logon == 2 {
		l.text("LogonUserDisplayName", p.display)
	}
	l.id("MailboxGuid", box)
	l.text("MailboxOwnerSid", sid)
	l.text("MailboxOwnerUPN", owner)
	l.text("OrganizationName", g.tenant.initial)
	l.text("OriginatingServer", exchangeServer)
	l.id("SessionId", v.session)
	return l
}

// itemID writes something that looks like the id of a folder or an item.
func (l *line) itemID(name, prefix string, d *dice) {
	l.name(name)
	l.b = append(append(l.b, '"'), prefix...)
	for range 5 {
		x := d.pcg.Uint64()
		for i := 0; i < 60; i += 5 {
			l.b = append(l.b, "ABCDEFGHJKLMNPQRSTUVWXYZabcdefgh"[x>>i&31])
		}
	}
	l.b = append(l.b, `AAA="`...)
}

// messageID writes an InternetMessageId.
func (l *line) messageID(name string, d *dice) {
	l.name(name)
	l.b = append(l.b, `"<`...)
	l.b = strconv.AppendUint(l.b, d.pcg.Uint64(), 36)
	l.b = append(l.b, '.')
	l.b = strconv.AppendUint(l.b, d.pcg.Uint64(), 36)
	l.b = append(l.b, `@AM9PR04MB8212.eurprd04.prod.outlook.com>"`...)
}

// mailRead writes MailItemsAccessed: bind, with messages of one or two folders, or sync of a whole folder.
func (g *generator) mailRead(p *person, v *visit, t int64, id guid, a mailAct, sync bool) {
	d := &p.dice
	a.op = "MailItemsAccessed"
	if sync {
		l := g.mailbox(p, v, t, id, 2, a)
		l.list("OperationProperties")
		l.pair("MailAccessType", "Sync")
		l.pair("IsThrottled", "False")
		l.endList()
		l.object("Item")
		l.itemID("Id", "RgAAAA", d)
		l.object("ParentFolder")
		l.itemID("Id", "LgAAAA", d)
		path := pick(d, mailFolders)
		l.text("Name", path[1:])
		l.text("Path", path)
		l.end()
		l.end()
		g.done()
		return
	}
	l := g.mailbox(p, v, t, id, 50, a)
	l.list("OperationProperties")
	l.pair("MailAccessType", "Bind")
	l.pair("IsThrottled", "False")
	l.endList()
	total := 0
	l.list("Folders")
	for f := range 1 + d.n(2) {
		l.object("")
		l.itemID("Id", "LgAAAA", d)
		l.text("Path", mailFolders[(f*3+d.n(3))%len(mailFolders)])
		l.list("FolderItems")
		for range 1 + d.few(10) {
			l.object("")
			l.messageID("InternetMessageId", d)
			l.num("SizeInBytes", d.span(2000, 90000))
			l.end()
			total++
		}
		l.endList()
		l.end()
	}
	l.endList()
	l.num("OperationCount", int64(total))
	g.done()
}

// mailItem writes a record about one message: Send, Create, Update and the like.
func (g *generator) mailItem(p *person, v *visit, t int64, id guid, a mailAct, subject string) {
	d := &p.dice
	l := g.mailbox(p, v, t, id, 2, a)
	l.object("Item")
	l.itemID("Id", "RgAAAA", d)
	l.messageID("InternetMessageId", d)
	l.object("ParentFolder")
	l.itemID("Id", "LgAAAA", d)
	path := `\Drafts`
	if a.op == "Update" {
		path = `\Inbox`
	}
	l.text("Name", path[1:])
	l.text("Path", path)
	l.end()
	l.num("SizeInBytes", d.span(3000, 200000))
	l.text("Subject", subject)
	if d.n(4) == 0 {
		l.join("Attachments", pick(d, fileWords), " ", strconv.Itoa(d.n(900)), ".", pick(d, fileKinds), " (", strconv.Itoa(1000+d.n(400000)), "b)")
	}
	l.end()
	switch a.op {
	case "Send":
		l.flag("SaveToSentItems", true)
	case "SendOnBehalf":
		l.text("SendOnBehalfOfUserSmtp", a.shared.address)
		l.id("SendOnBehalfOfUserMailboxGuid", a.shared.mailbox)
	case "Update":
		l.list("ModifiedProperties")
		l.comma()
		l.b = appendText(l.b, pick(d, []string{"ReplyTime", "Categories", "IsRead", "AllAttachmentsHidden"}))
		l.endList()
	}
	g.done()
}

// mailMove writes a record about a group of messages: MoveToDeletedItems, SoftDelete, HardDelete.
func (g *generator) mailMove(p *person, v *visit, t int64, id guid, op string) {
	d := &p.dice
	l := g.mailbox(p, v, t, id, 3, mailAct{op: op})
	path := pick(d, mailFolders)
	l.object("Folder")
	l.itemID("Id", "LgAAAA", d)
	l.text("Path", path)
	l.end()
	if op == "MoveToDeletedItems" {
		l.object("DestFolder")
		l.itemID("Id", "LgAAAA", d)
		l.text("Path", `\Deleted Items`)
		l.end()
	}
	l.list("AffectedItems")
	for range 1 + d.few(3) {
		l.object("")
		l.itemID("Id", "RgAAAA", d)
		l.messageID("InternetMessageId", d)
		l.object("ParentFolder")
		l.text("Path", path)
		l.end()
		l.text("Subject", pick(d, subjects))
		l.end()
	}
	l.endList()
	g.done()
}

// outlookRule writes UpdateInboxRules as a desktop client does; pairs are its OperationProperties, without a Value if it
// is empty.
func (g *generator) outlookRule(p *person, v *visit, t int64, id guid, pairs [][2]string) {
	l := g.mailbox(p, v, t, id, 2, mailAct{op: "UpdateInboxRules"})
	l.list("OperationProperties")
	for _, m := range pairs {
		if m[1] == "" {
			l.object("")
			l.text("Name", m[0])
			l.end()
			continue
		}
		l.pair(m[0], m[1])
	}
	l.endList()
	l.object("Item")
	l.itemID("Id", "LgAAAA", &p.dice)
	l.object("ParentFolder")
	l.text("Name", "Inbox")
	l.text("Path", `\Inbox`)
	l.end()
	l.end()
	g.done()
}

// cmdlet is an Exchange cmdlet that somebody, or a service, ran.
type cmdlet struct {
	op, object string
	userType   int64
	user, key  string // of a service; p's if empty
	params     [][2]string
}

// cmdlet writes a record of Exchange's administration; p and v are nil for a service.
func (g *generator) cmdlet(p *person, v *visit, t int64, id guid, c cmdlet) {
	d, ip := &g.noise, ""
	if p != nil {
		d, ip = &p.dice, v.withPort(&p.dice)
		c.user, c.key, c.userType = p.typed, p.puid, 2
	}
	l := g.begin(head{id, t, c.op, 1, "True", c.key, c.userType, "Exchange", ip, c.object, c.user})
	if v != nil {
		l.object("AppAccessContext")
		l.id("AADSessionId", v.session)
		l.text("ClientAppId", v.app.id)
		l.at("IssuedAtTime", t-d.span(60, 3000))
		l.id("UniqueTokenId", d.id())
		l.end()
		l.text("AppId", appExchange.id)
		l.text("ClientAppId", v.app.id)
		l.id("SessionId", v.session)
		l.text("TokenTenantId", g.tenant.idText)
	} else {
		l.text("AppId", "")
		l.text("AppPoolName", "MSExchangeServiceHostNetCore")
		l.text("ClientAppId", "")
	}
	l.text("CorrelationID", "")
	l.flag("ExternalAccess", p == nil)
	l.text("OrganizationName", g.tenant.initial)
	l.text("OriginatingServer", exchangeServer[:len(exchangeServer)-2])
	l.list("Parameters")
	for _, m := range c.params {
		l.pair(m[0], m[1])
	}
	l.endList()
	l.id("RequestId", d.id())
	g.done()
}

// hosted is the long form of a mailbox's or a setting's name.
func (g *generator) hosted(name string) string {
	return "EURPR04A009.PROD.OUTLOOK.COM/Microsoft Exchange Hosted Organizations/" + g.tenant.initial + "/" + name
}
