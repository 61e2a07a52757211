package record

import (
	"strings"
)

// User is who acted, for comparison: UserId in lower case, without claims prefix (i:0#.f|membership|) and without
// urn:spo:guest#; "" for nobody in particular (Not Available, NOT-FOUND).
func (r *Record) User() string {
	return r.user.get(r, func(r *Record) string { return r.intern(normalUser(r.Text(FUserId))) })
}

// intern shares short text that was computed anew.
func (r *Record) intern(s string) string {
	if len(s) > internMax {
		return s
	}
	r.scratch = append(r.scratch[:0], s...)
	return r.names.intern(r.scratch)
}

func normalUser(id string) string {
	id = strings.ToLower(strings.TrimSpace(id))
	if i := strings.LastIndexByte(id, '|'); i >= 0 && strings.HasPrefix(id, "i:0") {
		id = id[i+1:]
	}
	id = strings.TrimPrefix(id, "urn:spo:guest#")
	switch id {
	case "not available", "not-found", "<null>", "n/a":
		return ""
	}
	return id
}

// UserTypes that decide what kind of actor it is.
const (
	userTypeDcAdmin          = 3
	userTypeSystem           = 4
	userTypeApplication      = 5
	userTypeServicePrincipal = 6
	userTypeGuest            = 10
)

// System says whether a service of Microsoft's acted, not a person and not a customer's application: UserType DcAdmin or
// System, or a UserId such as NT AUTHORITY\SYSTEM (...).
func (r *Record) System() bool {
	switch r.Int(FUserType) {
	case userTypeDcAdmin, userTypeSystem:
		return true
	}
	return IsSystemUser(r.Text(FUserId))
}

// systemUsers are UserIds of services, lower case, seen in real logs.
var systemUsers = map[string]bool{
	"certificate":               true,
	"securitycompliancealerts":  true,
	"s-1-5-18":                  true,
	"s-1-0-0":                   true,
	`sharepoint\system`:         true,
	"app@sharepoint":            true,
	`microsoft\serviceoperator`: true,
	"microsoft teams sync":      true,
	"threatintel":               true,
	"ffoservicepartneruser":     true,
	"dlpagent":                  true,
	"fim_password_service@support.onmicrosoft.com": true,
}

// IsSystemUser says whether a UserId is that of a service of Microsoft's.
func IsSystemUser(id string) bool {
	id = normalUser(id)
	switch {
	case systemUsers[id], strings.HasPrefix(id, `nt authority\`), strings.HasPrefix(id, `nt service\`):
		return true
	}
	return strings.HasPrefix(id, "spoolsprovisioning-applicationaccount@") && strings.HasSuffix(id, ".prod.outlook.com")
}

// Guest says whether a guest of the tenant acted.
func (r *Record) Guest() bool {
	return r.Int(FUserType) == userTypeGuest || IsGuestUser(r.Text(FUserId))
}

// IsGuestUser says whether a UserId is that of a guest: urn:spo:guest#mail@x or user_domain#EXT#@tenant.
func IsGuestUser(id string) bool {
	id = strings.ToLower(strings.TrimSpace(id))
	return strings.HasPrefix(id, "urn:spo:guest#") || strings.Contains(id, "#ext#")
}

// Anonymous says whether somebody acted who did not sign in, through a sharing link.
func (r *Record) Anonymous() bool {
	id := r.User()
	return id == "anonymous" || strings.HasPrefix(id, "urn:spo:anon#")
}

// Application says whether an application acted on its own: UserType Application or ServicePrincipal, or a UserId that is
// ServicePrincipal_<guid> or a bare GUID.
func (r *Record) Application() bool {
	switch r.Int(FUserType) {
	case userTypeApplication, userTypeServicePrincipal:
		return true
	}
	id, prefixed := strings.CutPrefix(r.User(), "serviceprincipal_")
	return prefixed || isGUID(id)
}

// isGUID says whether s is a GUID of the form 8-4-4-4-12.
func isGUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		switch i {
		case 8, 13, 18, 23:
			if s[i] != '-' {
				return false
			}
		default:
			if !isHex(s[i]) {
				return false
			}
		}
	}
	return true
}

const emptyGUID = "00000000-0000-0000-0000-000000000000"

// App is the id of the application that the actor used, lower case; "" if unknown. The AppId that Entra's administrative
// records give in additionalDetails is none: it is the application acted on.
func (r *Record) App() string {
	for _, f := range [...]Field{FApplicationId, FClientAppId, FAppId} {
		if id := r.appID(r.Text(f)); id != "" {
			return id
		}
		if f == FApplicationId && r.Has(FAppAccessContext) {
			if id := r.appID(r.Object(FAppAccessContext).Text("ClientAppId")); id != "" {
				return id
			}
		}
	}
	return ""
}

func (r *Record) appID(s string) string {
	if s = strings.ToLower(strings.TrimSpace(s)); s == emptyGUID {
		return ""
	}
	return r.intern(s)
}

// additionalDetail is a value of the JSON text that Entra's administrative records carry as additionalDetails.
func (r *Record) additionalDetail(name string) string {
	if !r.Has(FExtendedProperties) {
		return ""
	}
	details := r.Ext("additionalDetails")
	if details == "" || KindOf([]byte(details)) != '{' || !valid([]byte(details)) {
		return ""
	}
	for _, p := range pairsOf(nil, []byte(details)) {
		if foldEqual(p.name, name) {
			return p.value()
		}
	}
	return ""
}

// Session is the sign-in session, lower case; "" if unknown.
func (r *Record) Session() string {
	if s := strings.TrimSpace(r.Text(FSessionId)); s != "" {
		return r.intern(strings.ToLower(s))
	}
	if s := strings.TrimSpace(r.Device("SessionId")); s != "" {
		return r.intern(strings.ToLower(s))
	}
	if !r.Has(FAppAccessContext) {
		return ""
	}
	return r.intern(strings.ToLower(strings.TrimSpace(r.Object(FAppAccessContext).Text("AADSessionId"))))
}

// Agent is the client's own name: user agent or ClientInfoString; "" if unknown.
func (r *Record) Agent() string {
	if s := r.Text(FUserAgent); s != "" {
		return s
	}
	if s := r.Ext("UserAgent"); s != "" {
		return s
	}
	if s := r.additionalDetail("User-Agent"); s != "" {
		return s
	}
	if s := r.Text(FClientInfoString); s != "" {
		return s
	}
	return r.Text(FActorInfoString)
}
