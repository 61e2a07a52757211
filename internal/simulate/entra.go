package simulate

import "strconv"

// head is what every record has.
type head struct {
	id       guid
	time     int64
	op       string
	kind     int64 // RecordType
	status   string
	key      string
	userType int64
	workload string
	ip       string
	object   string
	user     string
}

// begin opens a record with its common fields.
func (g *generator) begin(h head) *line {
	l := &g.l
	l.open()
	l.at("CreationTime", h.time)
	l.id("Id", h.id)
	l.text("Operation", h.op)
	l.text("OrganizationId", g.tenant.idText)
	l.num("RecordType", h.kind)
	if h.status != "" {
		l.text("ResultStatus", h.status)
	}
	l.text("UserKey", h.key)
	l.num("UserType", h.userType)
	l.num("Version", 1)
	l.text("Workload", h.workload)
	if h.ip != "" {
		l.text("ClientIP", h.ip)
	}
	if h.object != "" {
		l.text("ObjectId", h.object)
	}
	l.text("UserId", h.user)
	return l
}

// visit is from where, with what and as which session somebody acts.
type visit struct {
	address string
	city    int // nowhere for an address of Microsoft
	device  *device
	app     application
	session guid
	attack  string // the script that made it; "" for ordinary life
}

// withPort is the address with a port of the moment, as many records show it.
func (v *visit) withPort(d *dice) string {
	port := strconv.Itoa(1024 + d.n(64000))
	for i := range len(v.address) {
		if v.address[i] == ':' {
			return "[" + v.address + "]:" + port
		}
	}
	return v.address + ":" + port
}

// outcome is how a sign-in ended.
type outcome struct {
	failed          bool
	number, reason  string // ErrorNumber and LogonError
	status          string // ResultStatus
	detail, request string
	method          string // UserAuthenticationMethod
	unknownUser     bool
	resource        application
}

var (
	signedIn      = outcome{number: "0", status: "Success", detail: "Success", request: "OAuth2:Authorize", method: "1", resource: appExchange}
	refreshed     = outcome{number: "0", status: "Success", detail: "Success", request: "OAuth2:Token", method: "1", resource: appGraph}
	keptSignedIn  = outcome{number: "50140", reason: "KmsiInterrupt", status: "Success", detail: "UserError", request: "Kmsi:kmsi", method: "1", resource: appHome}
	wrongPassword = outcome{failed: true, number: "50126", reason: "InvalidUserNameOrPassword", status: "Success", detail: "UserError", request: "Login:login", method: "1", resource: appExchange}
)

// harmless are failures of sign-in that say nothing about a password.
var harmless = []outcome{
	{failed: true, number: "50058", reason: "UserInformationNotProvided", status: "Failed", detail: "UserError", request: "OAuth2:Authorize", method: "1", resource: appGraph},
	{failed: true, number: "50058", reason: "UserInformationNotProvided", status: "Success", detail: "Redirect", request: "OAuth2:Authorize", method: "1", resource: appSharePoint},
	{failed: true, number: "65001", reason: "DelegationDoesNotExist", status: "Failed", detail: "UserError", request: "OAuth2:Authorize", method: "1", resource: appGraph},
	{failed: true, number: "50072", reason: "UserStrongAuthEnrollmentRequiredInterrupt", status: "Success", detail: "UserError", request: "Login:login", method: "1", resource: appExchange},
	{failed: true, number: "50011", reason: "InvalidReplyTo", status: "Failed", detail: "UserError", request: "OAuth2:Authorize", method: "1", resource: appGraph},
	{failed: true, number: "50133", reason: "SsoArtifactRevoked", status: "Failed", detail: "UserError", request: "OAuth2:Token", method: "16", resource: appExchange},
	{failed: true, number: "50089", reason: "FlowTokenExpired", status: "Failed", detail: "UserError", request: "Login:login", method: "1", resource: appHome},
}

// signIn writes UserLoggedIn or UserLoginFailed of p.
func (g *generator) signIn(p *person, v *visit, t int64, id guid, o outcome) {
	d := &p.dice
	op := "UserLoggedIn"
	if o.failed {
		op = "UserLoginFailed"
	} else {
		g.arrive(p, v, t, id)
	}
	user := p.typed
	if d.n(3) == 0 {
		user = p.upn
	}
	key := p.oidText
	if o.unknownUser {
		user, key = "Not Available", "Not Available"
	}
	l := g.begin(head{id, t, op, 15, o.status, key, 0, "AzureActiveDirectory", v.address, o.resource.id, user})
	l.num("AzureActiveDirectoryEventType", 1)
	l.list("ExtendedProperties")
	l.pair("ResultStatusDetail", o.detail)
	if v.device != nil {
		l.pair("UserAgent", v.device.text)
	}
	l.pair("UserAuthenticationMethod", o.method)
	l.pair("RequestType", o.request)
	l.endList()
	l.list("ModifiedProperties")
	l.endList()
	l.list("Actor")
	l.typed(key, 0)
	l.typed(user, 5)
	l.endList()
	l.text("ActorContextId", g.tenant.idText)
	l.text("ActorIpAddress", v.address)
	l.id("InterSystemsId", d.id())
	l.id("IntraSystemId", d.id())
	l.text("SupportTicketId", "")
	l.list("Target")
	l.typed(o.resource.id, 0)
	l.endList()
	l.text("TargetContextId", g.tenant.idText)
	l.text("ApplicationId", v.app.id)
	l.list("DeviceProperties")
	if v.device != nil && !o.unknownUser {
		g.deviceProperties(v, d.n(2) == 0 && v.attack == "")
	}
	l.endList()
	l.text("ErrorNumber", o.number)
	if o.reason != "" {
		l.text("LogonError", o.reason)
	}
	g.done()
}

func (g *generator) deviceProperties(v *visit, known bool) {
	l := &g.l
	if known && v.device.managed {
		l.object("")
		l.text("Name", "Id")
		l.id("Value", v.device.id)
		l.end()
		l.pair("DisplayName", v.device.name)
	}
	l.pair("OS", v.device.os)
	l.pair("BrowserType", v.device.browser)
	if known {
		if v.device.managed {
			l.pair("IsCompliant", "True")
			l.pair("IsCompliantAndManaged", "True")
			l.pair("TrustType", "1")
		} else {
			l.pair("IsCompliantAndManaged", "False")
		}
	}
	l.object("")
	l.text("Name", "SessionId")
	l.id("Value", v.session)
	l.end()
}

// entraChange is a change in the directory: who did what to whom.
type entraChange struct {
	op, category     string // Operation and extendedAuditEventCategory
	actor            *person
	service          string // the acting service, if actor is nil
	target, targetID string
	targetKind       string // User, Group, Device, ServicePrincipal
	details          string // additionalDetails, "" for {}
	properties       [][3]string
}

// change writes a record of Entra's administration.
func (g *generator) change(t int64, id guid, d *dice, c entraChange) {
	user, key := "ServicePrincipal_"+c.service, "Not Available"
	if c.actor != nil {
		user, key = c.actor.typed, c.actor.puid+"@"+g.tenant.domain
	}
	l := g.begin(head{id, t, c.op, 8, "Success", key, 0, "AzureActiveDirectory", "", c.target, user})
	l.null("ClientIP")
	l.num("AzureActiveDirectoryEventType", 1)
	l.list("ExtendedProperties")
	if c.details == "" {
		c.details = "{}"
	}
	l.pair("additionalDetails", c.details)
	l.pair("extendedAuditEventCategory", c.category)
	l.endList()
	l.list("ModifiedProperties")
	for _, m := range c.properties {
		l.change(m[0], m[1], m[2])
	}
	l.endList()
	l.list("Actor")
	if c.actor != nil {
		l.typed(c.actor.typed, 5)
		l.typed(c.actor.puid, 3)
		l.typed("User_"+c.actor.oidText, 2)
		l.typed(c.actor.oidText, 2)
		l.typed("User", 2)
	} else {
		l.typed("Microsoft.Azure.SyncFabric", 1)
		l.typed(c.service, 2)
		l.typed("ServicePrincipal_"+c.service, 2)
		l.typed("ServicePrincipal", 2)
	}
	l.endList()
	l.text("ActorContextId", g.tenant.idText)
	l.id("InterSystemsId", d.id())
	l.id("IntraSystemId", d.id())
	l.text("SupportTicketId", "")
	l.list("Target")
	l.typed(c.targetKind+"_"+c.targetID, 2)
	l.typed(c.targetID, 2)
	l.typed(c.targetKind, 2)
	if c.targetKind == "User" {
		l.typed(c.target, 5)
	} else {
		l.typed(c.target, 1)
	}
	l.endList()
	l.text("TargetContextId", g.tenant.idText)
	g.done()
}
