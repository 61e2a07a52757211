package record

import (
	"reflect"
	"testing"
)

func TestUserForms(t *testing.T) {
	type kind struct {
		user                       string
		system, guest, anon, isApp bool
	}
	for id, want := range map[string]kind{
		" Ann@Contoso.example ":                            {user: "ann@contoso.example"},
		"i:0#.f|membership|Ann@contoso.example":            {user: "ann@contoso.example"},
		"urn:spo:guest#Bob@Partner.example":                {user: "bob@partner.example", guest: true},
		"bob_partner.example#EXT#@contoso.onmicrosoft.com": {user: "bob_partner.example#ext#@contoso.onmicrosoft.com", guest: true},
		"urn:spo:anon#AbC":                                 {user: "urn:spo:anon#abc", anon: true},
		"anonymous":                                        {user: "anonymous", anon: true},
		"Not Available":                                    {},
		"NOT-FOUND":                                        {},
		"":                                                 {},
		"Certificate":                                      {user: "certificate", system: true},
		"SecurityComplianceAlerts":                         {user: "securitycompliancealerts", system: true},
		"S-1-5-18":                                         {user: "s-1-5-18", system: true},
		`NT AUTHORITY\SYSTEM (Microsoft.Exchange.ServiceHost)`: {user: `nt authority\system (microsoft.exchange.servicehost)`, system: true},
		`NT AUTHORITY\SYSTEM (w3wp)`:                           {user: `nt authority\system (w3wp)`, system: true},
		`NT SERVICE\MSExchangeAdminApiNetCore`:                 {user: `nt service\msexchangeadminapinetcore`, system: true},
		`SHAREPOINT\system`:                                    {user: `sharepoint\system`, system: true},
		"app@sharepoint":                                       {user: "app@sharepoint", system: true},
		`Microsoft\ServiceOperator`:                            {user: `microsoft\serviceoperator`, system: true},
		"Microsoft Teams Sync":                                 {user: "microsoft teams sync", system: true},
		"SpoolsProvisioning-ApplicationAccount@EURPR04A009.prod.outlook.com": {user: "spoolsprovisioning-applicationaccount@eurpr04a009.prod.outlook.com", system: true},
		"spoolsprovisioning-applicationaccount@evil.example":                 {user: "spoolsprovisioning-applicationaccount@evil.example"},
		"fim_password_service@support.onmicrosoft.com":                       {user: "fim_password_service@support.onmicrosoft.com", system: true},
		"ServicePrincipal_7F3E0E3C-0000-4000-8000-000000000001":              {user: "serviceprincipal_7f3e0e3c-0000-4000-8000-000000000001", isApp: true},
		"7f3e0e3c-0000-4000-8000-000000000001":                               {user: "7f3e0e3c-0000-4000-8000-000000000001", isApp: true},
		"system@contoso.example":                                             {user: "system@contoso.example"},
	} {
		r := from(t, m{"UserId": id, "UserType": 0})
		if got := (kind{r.User(), r.System(), r.Guest(), r.Anonymous(), r.Application()}); got != want {
			t.Errorf("%q: %+v, want %+v", id, got, want)
		}
	}
}

func TestNumbersAndNames(t *testing.T) {
	for _, c := range []struct {
		raw  string
		f    Field
		want int64
	}{
		{`{"RecordType":50}`, FRecordType, 50}, {`{"RecordType":"50"}`, FRecordType, 50}, {`{"RecordType":"ExchangeItemAggregated"}`, FRecordType, 50},
		{`{"RecordType":"exchangeItemAggregated"}`, FRecordType, 50}, {`{"RecordType":"Yammer"}`, FRecordType, 22}, {`{"RecordType":"Viva Engage"}`, FRecordType, 22},
		{`{"RecordType":"VivaEngage"}`, FRecordType, 22}, {`{"RecordType":-1}`, FRecordType, -1}, {`{"RecordType":"NoSuch"}`, FRecordType, -1}, {`{"RecordType":9999}`, FRecordType, 9999},
		{`{"RecordType":null}`, FRecordType, 0}, {`{}`, FRecordType, 0}, {`{"RecordType":[]}`, FRecordType, -1}, {`{"RecordType":""}`, FRecordType, 0},
		{`{"UserType":"DcAdmin"}`, FUserType, 3}, {`{"UserType":"DCAdmin"}`, FUserType, 3}, {`{"UserType":"Regular"}`, FUserType, 0}, {`{"UserType":"servicePrincipal"}`, FUserType, 6},
		{`{"LogonType":"Owner"}`, FLogonType, 0}, {`{"LogonType":"Delegated"}`, FLogonType, 2}, {`{"LogonType":"Delegate"}`, FLogonType, 2}, {`{"LogonType":"2"}`, FLogonType, 2},
		{`{"InternalLogonType":"BestAccess"}`, FInternalLogonType, 5}, {`{"LogonType":"Made Up"}`, FLogonType, -1},
	} {
		if got := parse(t, c.raw).Int(c.f); got != c.want {
			t.Errorf("%s: %d, want %d", c.raw, got, c.want)
		}
	}
	for n, name := range recordTypeNames {
		if got := from(t, m{"RecordType": name}).RecordTypeNumber(); got != n || RecordTypeName(n) != name {
			t.Errorf("%s: %d, want %d", name, got, n)
		}
	}
	r := parse(t, `{"UserType":3,"UserId":"x@y.example","ItemType":1,"RecordType":"14"}`)
	if !r.System() || r.UserTypeName() != "DcAdmin" || r.Text(FItemType) != "File" || r.Workload() != "SharePoint" {
		t.Error("numbers do not read as their names")
	}
}

func TestOperationKey(t *testing.T) {
	for in, want := range map[string]string{
		"Add member to role.": "add member to role", " set-InboxRule ": "set-inboxrule", "": "", ". ": "",
		"Update application – Certificates and secrets management ": "update application - certificates and secrets management",
		"ÄÖ\u00a0": "äö", "\u2003A\u2003B.\t": "a b",
	} {
		if got := OperationKey(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
		if again := OperationKey(want); again != want {
			t.Errorf("%q folds on to %q", want, again)
		}
	}
}

func TestActorDetails(t *testing.T) {
	signIn := from(t, m{"Operation": "UserLoggedIn", "ApplicationId": "4765445B-32c6-49b0-83e6-1d93765276ca",
		"ExtendedProperties": []m{{"Name": "UserAgent", "Value": "axios/1.7"}}, "DeviceProperties": []m{{"Name": "SessionId", "Value": "ABC"}}})
	if signIn.App() != "4765445b-32c6-49b0-83e6-1d93765276ca" || signIn.Agent() != "axios/1.7" || signIn.Session() != "abc" {
		t.Errorf("sign-in: %q %q %q", signIn.App(), signIn.Agent(), signIn.Session())
	}
	mail := from(t, m{"ClientInfoString": "Client=REST;;", "ClientAppId": emptyGUID, "AppId": "A", "SessionId": "S"})
	if mail.App() != "a" || mail.Agent() != "Client=REST;;" || mail.Session() != "s" {
		t.Errorf("mailbox: %q %q %q", mail.App(), mail.Agent(), mail.Session())
	}
	entra := from(t, m{"ExtendedProperties": []m{{"Name": "additionalDetails", "Value": `{"User-Agent":"Mozilla/5.0","AppId":"B"}`}}})
	if entra.App() != "" || entra.Agent() != "Mozilla/5.0" || entra.Session() != "" {
		t.Errorf("Entra: %q %q", entra.App(), entra.Agent())
	}
	site := from(t, m{"UserAgent": "Edge", "AppAccessContext": m{"AADSessionId": "T", "ClientAppId": "C"}})
	if site.App() != "c" || site.Agent() != "Edge" || site.Session() != "t" {
		t.Errorf("SharePoint: %q %q %q", site.App(), site.Agent(), site.Session())
	}
}

func TestMailboxAndTarget(t *testing.T) {
	const path = "EURPR04A009.PROD.OUTLOOK.COM/Microsoft Exchange Hosted Organizations/contoso.onmicrosoft.com/"
	for _, c := range []struct {
		name            string
		r               m
		mailbox, target string
	}{
		{"audited mailbox", m{"RecordType": 50, "Operation": "MailItemsAccessed", "MailboxOwnerUPN": "Bob@contoso.example"}, "bob@contoso.example", "bob@contoso.example"},
		{"own rule", cmdlet("New-InboxRule", `ann\.`), "ann@contoso.example", "ann@contoso.example"},
		{"own rule by path", cmdlet("New-InboxRule", path+`Ann\.`), "ann@contoso.example", "ann@contoso.example"},
		{"own rule, nothing said", cmdlet("New-InboxRule", "", "Name", "x"), "ann@contoso.example", "ann@contoso.example"},
		{"another's rule", cmdlet("Set-InboxRule", `bob\x`, "Identity", `bob\x`), "bob", "bob"},
		{"another's rule by parameter", cmdlet("New-InboxRule", `bob\x`, "Mailbox", "Bob@contoso.example"), "bob@contoso.example", "bob@contoso.example"},
		{"setting", cmdlet("Set-Mailbox", "bob", "Identity", path+"bob"), "bob", "bob"},
		{"setting, address", cmdlet("Set-Mailbox", "ann", "Identity", "Bob@contoso.example"), "bob@contoso.example", "bob@contoso.example"},
		{"setting, GUID", cmdlet("Set-Mailbox", "7F3E0E3C-0000-4000-8000-000000000001"), "7f3e0e3c-0000-4000-8000-000000000001", "7f3e0e3c-0000-4000-8000-000000000001"},
		{"permission", cmdlet("Add-MailboxPermission", path+"bob", "Identity", "bob", "User", "Eve@contoso.example"), "bob", "eve@contoso.example"},
		{"folder permission", cmdlet("Add-MailboxFolderPermission", "", "Identity", `bob@contoso.example:\Calendar`, "User", "Default"), "bob@contoso.example", "Default"},
		{"role group", cmdlet("Add-RoleGroupMember", "Organization Management", "Identity", "Organization Management", "Member", "eve"), "", "eve"},
		{"another cmdlet", cmdlet("Set-AdminAuditLogConfig", "settings"), "", "settings"},
		{"role in Entra", m{"Operation": "Add member to role.", "ObjectId": "x", "Target": []m{{"ID": "User_1", "Type": 2}, {"ID": "Bob@contoso.example", "Type": 5}}}, "", "bob@contoso.example"},
		{"application in Entra", m{"Operation": "Consent to application.", "ObjectId": "77", "Target": []m{{"ID": "ServicePrincipal_77", "Type": 2}, {"ID": "eM Client", "Type": 1}}}, "", "77"},
		{"name in Entra", m{"ObjectId": "Not Available", "Target": []m{{"ID": "G", "Type": 2}, {"ID": "eM Client", "Type": 1}}}, "", "eM Client"},
		{"sharing", m{"Operation": "SharingSet", "ObjectId": "https://x", "TargetUserOrGroupName": "OUT@evil.example"}, "", "out@evil.example"},
		{"team", m{"Operation": "MemberAdded", "Members": []m{{"UPN": "Eve@evil.example", "Role": 2}}}, "", "eve@evil.example"},
		{"file", m{"Operation": "FileDownloaded", "ObjectId": "https://x/Y.docx"}, "", "https://x/Y.docx"},
	} {
		r := from(t, c.r)
		if r.Mailbox() != c.mailbox || r.Owner() != c.mailbox || r.Target() != c.target {
			t.Errorf("%s: mailbox %q target %q, want %q and %q", c.name, r.Mailbox(), r.Target(), c.mailbox, c.target)
		}
	}
}

func TestItemsSubjectsRecipients(t *testing.T) {
	bind := from(t, m{"OperationCount": 2, "Folders": []m{{"FolderItems": []m{{"Subject": "a"}, {"Subject": "b"}}}, {"FolderItems": []m{{"Subject": "a"}}}}})
	if bind.Items() != 3 || !reflect.DeepEqual(bind.Subjects(), []string{"a", "b"}) {
		t.Errorf("bind: %d %q", bind.Items(), bind.Subjects())
	}
	group := parse(t, `{"AffectedItems":"[{\"Subject\":\"x\"},{\"Subject\":\"\"}]"}`)
	if group.Items() != 2 || !reflect.DeepEqual(group.Subjects(), []string{"x"}) {
		t.Errorf("group: %d %q", group.Items(), group.Subjects())
	}
	for _, raw := range []string{`{}`, `{"OperationCount":0}`, `{"OperationCount":-5}`, `{"Folders":[]}`, `{"OperationCount":"many"}`} {
		if n := parse(t, raw).Items(); n != 1 {
			t.Errorf("%s: %d items", raw, n)
		}
	}
	if n := parse(t, `{"OperationCount":"12"}`).Items(); n != 12 {
		t.Errorf("%d of 12 items", n)
	}
	sent := from(t, m{"Item": m{"Subject": "hello"}, "recipientList": "A@x.example;b@y.example", "ExchangeMetaData": m{"To": []string{"a@x.example", "C <c@z.example>"}}})
	if !reflect.DeepEqual(sent.Subjects(), []string{"hello"}) || !reflect.DeepEqual(sent.Recipients(), []string{"a@x.example", "b@y.example", "c@z.example"}) {
		t.Errorf("sent: %q to %q", sent.Subjects(), sent.Recipients())
	}
}

func TestScopes(t *testing.T) {
	consent := func(v string) *Record {
		return from(t, m{"Operation": "Consent to application.", "ModifiedProperties": []m{{"Name": "ConsentAction.Permissions", "NewValue": v, "OldValue": ""}}})
	}
	for in, want := range map[string][]string{
		`[] => [[Id: a, ClientId: b, ConsentType: Principal, Scope: User.Read Mail.Read, CreatedDateTime: 1]];`:                {"User.Read", "Mail.Read"},
		`[[Id: a, Scope: User.Read, X: 1]] => [[Id: a, Scope: User.Read, X: 1], [Id: b, Scope:  Mail.Send User.Read , X: 2]];`: {"Mail.Send", "User.Read"},
		`[[Id: a, Scope: User.Read]] => [];`: nil,
		`nonsense`:                           nil,
	} {
		if got := consent(in).Scopes(); !reflect.DeepEqual(got, want) && len(got)+len(want) > 0 {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
	grant := from(t, m{"ModifiedProperties": []m{{"Name": "DelegatedPermissionGrant.Scope", "OldValue": `"User.Read"`, "NewValue": `" User.Read Mail.Read"`},
		{"Name": "AppRole.Value", "NewValue": `"full_access_as_app"`}}})
	if got := grant.Scopes(); !reflect.DeepEqual(got, []string{"Mail.Read", "full_access_as_app"}) {
		t.Errorf("grant: %q", got)
	}
}

func TestFailed(t *testing.T) {
	for raw, want := range map[string]bool{
		`{"Operation":"UserLoginFailed","ResultStatus":"Success"}`:                   true,
		`{"Operation":"UserLoggedIn","ResultStatus":"Failed","ErrorNumber":"50140"}`: false,
		`{"Operation":"New-InboxRule","ResultStatus":"False"}`:                       true,
		`{"Operation":"New-InboxRule","ResultStatus":"True"}`:                        false,
		`{"Operation":"x","ResultStatus":"PartiallySucceeded"}`:                      false,
		`{"Operation":"x","ResultStatus":"failure"}`:                                 true,
		`{"Operation":"x"}`:                             false,
		`{"Operation":"x","ResultStatus":"InProgress"}`: false,
		`{"Operation":"Consent to application.","ResultStatus":"Success","ModifiedProperties":[{"Name":"MethodExecutionResult.","NewValue":"Exception"}]}`: true,
	} {
		if got := parse(t, raw).Failed(); got != want {
			t.Errorf("%s: failed %v", raw, got)
		}
	}
}
