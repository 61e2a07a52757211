package source

import (
	"bytes"
	"strconv"

	"detect/internal/record"
)

// signIn makes the audit record of a sign-in of Microsoft Graph (auditLogs/signIns, and what the portal exports as JSON): the
// operation UserLoggedIn or UserLoginFailed with the fields that such a record has. The location, which Graph brings along,
// stays as Location, in the form that risk records have; everything else that a record has no field for stays under its own
// name.
func (d *Decoder) signIn(w *wrapped, m members) (bool, error) {
	if !m.has("createdDateTime") || !m.has("userPrincipalName") || m.has("operation") ||
		!m.has("status") && !m.has("ipAddress") {
		return false, nil
	}
	status := m.object("status")
	code := status.Int("errorCode")
	operation := "UserLoginFailed"
	if code == 0 || code == keepSignedIn {
		operation = "UserLoggedIn"
	}
	o := &objectBuilder{buf: d.bufs[w.level][:0]}
	o.begin()
	o.text("Operation", operation)
	o.member("RecordType", []byte("15"))
	o.text("Workload", "AzureActiveDirectory")
	o.member("CreationTime", d.creationTime(m, nil))
	for _, f := range [...][2]string{
		{"id", "Id"}, {"userPrincipalName", "UserId"}, {"userId", "UserKey"}, {"ipAddress", "ClientIP"},
		{"ipAddress", "ActorIpAddress"}, {"appId", "ApplicationId"}, {"appDisplayName", "ApplicationDisplayName"},
		{"resourceId", "ObjectId"}, {"tenantId", "OrganizationId"}, {"homeTenantId", "OrganizationId"}, {"resourceTenantId", "OrganizationId"},
	} {
		if v := m.get(f[0]); holds(v) && (f[1] != "OrganizationId" || !bytes.Contains(o.buf[o.start:], []byte(`"OrganizationId"`))) {
			o.member(f[1], v)
		}
	}
	o.member("UserType", userTypeOf(record.TextOf(m.get("userType"))))
	o.text("ErrorNumber", strconv.FormatInt(code, 10))
	if code != 0 {
		o.text("LogonError", status.Text("failureReason"))
		o.text("ResultStatus", "Failed")
	} else {
		o.text("ResultStatus", "Success")
	}
	o.member("ExtendedProperties", nameValues("UserAgent", m.get("userAgent"), "RequestType", m.get("clientAppUsed")))
	device := m.object("deviceDetail")
	o.member("DeviceProperties", nameValues("Id", device.Value("deviceId"), "DisplayName", device.Value("displayName"),
		"OS", device.Value("operatingSystem"), "BrowserType", device.Value("browser"), "IsCompliant", device.Value("isCompliant"),
		"IsCompliantAndManaged", device.Value("isManaged"), "TrustType", device.Value("trustType"), "SessionId", m.get("sessionId")))
	o.member("Location", locationOf(m.object("location")))
	for _, x := range m {
		if !signInFields[x.name] && holds(x.value) {
			o.member(x.name, x.value)
		}
	}
	return true, d.rewritten(w, o)
}

// keepSignedIn is the code of the question whether to stay signed in, which interrupts a sign-in that succeeded.
const keepSignedIn = 50140

// signInFields are those that have become fields of the record.
var signInFields = map[string]bool{
	"id": true, "createdDateTime": true, "userPrincipalName": true, "userId": true, "ipAddress": true, "appId": true,
	"appDisplayName": true, "resourceId": true, "status": true, "userAgent": true, "clientAppUsed": true,
	"location": true, "userType": true, "tenantId": true,
}

func userTypeOf(s string) []byte {
	if s == "guest" || s == "Guest" {
		return []byte("10")
	}
	return []byte("0")
}

// nameValues makes a list of name and value of those pairs that hold something.
func nameValues(pairs ...any) []byte {
	out := []byte{'['}
	for i := 0; i+1 < len(pairs); i += 2 {
		v := pairs[i+1].([]byte)
		if !holds(v) {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(out, `{"Name":`...)
		out = appendQuoted(out, []byte(pairs[i].(string)))
		out = append(out, `,"Value":`...)
		out = appendQuoted(out, []byte(record.TextOf(v)))
		out = append(out, '}')
	}
	return append(out, ']')
}

// locationOf is a Graph location with the names that audit records use.
func locationOf(l record.Object) []byte {
	if l.Raw() == nil {
		return nil
	}
	o := new(objectBuilder)
	o.begin()
	o.member("City", l.Value("city"))
	o.member("State", l.Value("state"))
	o.member("CountryOrRegion", l.Value("countryOrRegion"))
	if geo := l.Object("geoCoordinates"); geo.Has("latitude") && geo.Has("longitude") {
		g := new(objectBuilder)
		g.begin()
		g.member("Latitude", geo.Value("latitude"))
		g.member("Longitude", geo.Value("longitude"))
		o.member("GeoCoordinates", g.end())
	}
	return o.end()
}
