package source

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"detect/internal/record"
	"github.com/google/go-cmp/cmp"
)

// decode decodes one raw record and gives its members.
func decode(t *testing.T, raw string) map[string]any {
	t.Helper()
	var d Decoder
	var m map[string]any
	err := d.Decode(Raw{JSON: []byte(raw)}, func(r *record.Record, _ Origin) error {
		return json.Unmarshal(r.Raw(), &m)
	}, func(r Reject) { t.Errorf("rejected: %s", r.Reason) })
	if err != nil {
		t.Fatal(err)
	}
	return m
}

const officeActivityCSV = "\ufeffTenantId,UserAgent,RecordType,TimeGenerated [UTC],Operation,OrganizationId,OrganizationId_,UserType,UserKey,OfficeWorkload,ResultStatus,OfficeObjectId,UserId,UserId_,ClientIP,ClientIP_,Site_,Source_Name,Site_Url,Event_Data,Parameters,ExternalAccess,OriginatingServer,Logon_Type,Client_IPAddress,Folders,SourceSystem,OfficeId,SourceRecordId,AzureActiveDirectory_EventType,AADTarget,Start_Time [UTC],OfficeTenantId,Type,_ResourceId\r\n" +
	`ws,"Mozilla/5.0, x",ExchangeAdmin,"3/2/2026, 9:11:00.000 PM",New-InboxRule,11111111-2222-3333-4444-555555555555,11111111-2222-3333-4444-555555555555,Admin,10032,Exchange,TRUE,ann\rule,,Ann@contoso.example,,203.0.113.7:5,site,src,https://contoso.example/s,<Type>Edit</Type>,"[
  {
    ""Name"": ""ForwardTo"",
    ""Value"": ""drop@evil.example""
  }
]",FALSE,"X (15)
",Owner,2001:db8::7,"[{""Path"":""\\Inbox""}]",OfficeActivityManager,00000000-0000-4000-8000-000000000001,x,1,"[{""ID"":""t""}]","3/2/2026, 9:20:00.000 PM",$RestApiTenantId$,OfficeActivity,` + "\r\n"

var officeActivity = map[string]any{
	"UserAgent": "Mozilla/5.0, x", "RecordType": "ExchangeAdmin", "CreationTime": "2026-03-02T21:11:00", "Operation": "New-InboxRule",
	"OrganizationId": "11111111-2222-3333-4444-555555555555", "UserType": "Admin", "UserKey": "10032", "Workload": "Exchange",
	"ResultStatus": "TRUE", "ObjectId": `ann\rule`, "UserId": "Ann@contoso.example", "ClientIP": "203.0.113.7:5", "Site": "site",
	"SourceName": "src", "SiteUrl": "https://contoso.example/s", "EventData": "<Type>Edit</Type>",
	"Parameters":     []any{map[string]any{"Name": "ForwardTo", "Value": "drop@evil.example"}},
	"ExternalAccess": false, "OriginatingServer": "X (15)\n", "LogonType": "Owner", "ClientIPAddress": "2001:db8::7",
	"Folders": []any{map[string]any{"Path": `\Inbox`}}, "Id": "00000000-0000-4000-8000-000000000001",
	"AzureActiveDirectoryEventType": 1.0, "Target": []any{map[string]any{"ID": "t"}}, "StartTime": "3/2/2026, 9:20:00.000 PM",
}

func TestOfficeActivity(t *testing.T) {
	got := readRaw(t, officeActivityCSV)
	if len(got) != 1 {
		t.Fatalf("%d records", len(got))
	}
	if diff := cmp.Diff(officeActivity, decodeRaw(t, got[0])); diff != "" {
		t.Errorf("CSV (-want +got):\n%s", diff)
	}
	asJSON := `{"TenantId":"ws","TimeGenerated":"2026-03-02T21:11:00Z","RecordType":"ExchangeAdmin","Operation":"New-InboxRule","OrganizationId":"11111111-2222-3333-4444-555555555555",` +
		`"OfficeWorkload":"Exchange","OfficeObjectId":"ann\\rule","UserId":"Ann@contoso.example","ClientIP":"","Client_IPAddress":"2001:db8::7","Parameters":"[{\"Name\":\"ForwardTo\",\"Value\":\"drop@evil.example\"}]",` +
		`"OfficeId":"00000000-0000-4000-8000-000000000001","Type":"OfficeActivity","ElevationTime":null,"Logon_Type":"Owner"}`
	want := map[string]any{}
	for _, k := range []string{"RecordType", "Operation", "OrganizationId", "Workload", "ObjectId", "UserId", "ClientIPAddress", "Parameters", "Id", "LogonType"} {
		want[k] = officeActivity[k]
	}
	want["CreationTime"] = "2026-03-02T21:11:00Z"
	if diff := cmp.Diff(want, decode(t, asJSON)); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
}

// readRaw reads a text without decoding it.
func readRaw(t *testing.T, text string) (all []Raw) {
	t.Helper()
	f := &Files{Paths: []string{"-"}, Stdin: strings.NewReader(text)}
	if err := f.Run(t.Context(), func(b *Batch) error {
		all = append(all, b.Records...)
		for _, r := range b.Rejects {
			t.Errorf("rejected: %v", r)
		}
		return nil // not released, so that the records stay
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

func decodeRaw(t *testing.T, raw Raw) (m map[string]any) {
	t.Helper()
	var d Decoder
	if err := d.Decode(raw, func(r *record.Record, _ Origin) error { return json.Unmarshal(r.Raw(), &m) },
		func(r Reject) { t.Errorf("rejected: %s", r.Reason) }); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestGraphRecordWithoutAuditData(t *testing.T) {
	for _, audit := range []string{"null", "{}", `""`} {
		got := decode(t, `{"id":"1","createdDateTime":"2026-03-02T09:11:00Z","auditLogRecordType":"exchangeAdmin","operation":"Set-Mailbox","organizationId":"o","userType":"regular","userId":"10032","service":"Exchange","objectId":"ann","userPrincipalName":"ann@contoso.example","clientIp":"203.0.113.7","administrativeUnits":[""],"auditData":`+audit+`}`)
		want := map[string]any{"Id": "1", "CreationTime": "2026-03-02T09:11:00Z", "RecordType": "ExchangeAdmin", "Operation": "Set-Mailbox",
			"OrganizationId": "o", "UserType": "Regular", "UserKey": "10032", "UserId": "ann@contoso.example", "Workload": "Exchange",
			"ObjectId": "ann", "ClientIP": "203.0.113.7", "administrativeUnits": []any{""}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("auditData %s (-want +got):\n%s", audit, diff)
		}
	}
}

func TestGraphSignIn(t *testing.T) {
	signIn := func(code int) string {
		return fmt.Sprintf(`{"id":"1","createdDateTime":"2026-03-02T09:11:00Z","userDisplayName":"Ann","userPrincipalName":"ann@contoso.example","userId":"u","appId":"a","appDisplayName":"Outlook","ipAddress":"203.0.113.7","clientAppUsed":"IMAP4","userAgent":"BAV2ROPC","correlationId":"c","riskLevelDuringSignIn":"low","status":{"errorCode":%d,"failureReason":"Wrong password."},"deviceDetail":{"deviceId":"","operatingSystem":"Windows 10","browser":"Edge","isManaged":false},"location":{"city":"Bern","state":"Bern","countryOrRegion":"CH","geoCoordinates":{"altitude":null,"latitude":46.9,"longitude":7.4}}}`, code)
	}
	want := map[string]any{
		"Id": "1", "CreationTime": "2026-03-02T09:11:00Z", "Operation": "UserLoginFailed", "RecordType": 15.0, "Workload": "AzureActiveDirectory",
		"UserId": "ann@contoso.example", "UserKey": "u", "UserType": 0.0, "ClientIP": "203.0.113.7", "ActorIpAddress": "203.0.113.7",
		"ApplicationId": "a", "ApplicationDisplayName": "Outlook", "ErrorNumber": "50126", "LogonError": "Wrong password.", "ResultStatus": "Failed",
		"ExtendedProperties": []any{map[string]any{"Name": "UserAgent", "Value": "BAV2ROPC"}, map[string]any{"Name": "RequestType", "Value": "IMAP4"}},
		"DeviceProperties":   []any{map[string]any{"Name": "OS", "Value": "Windows 10"}, map[string]any{"Name": "BrowserType", "Value": "Edge"}, map[string]any{"Name": "IsCompliantAndManaged", "Value": "False"}},
		"Location":           map[string]any{"City": "Bern", "State": "Bern", "CountryOrRegion": "CH", "GeoCoordinates": map[string]any{"Latitude": 46.9, "Longitude": 7.4}},
		"correlationId":      "c", "riskLevelDuringSignIn": "low", "userDisplayName": "Ann", "deviceDetail": map[string]any{"deviceId": "", "operatingSystem": "Windows 10", "browser": "Edge", "isManaged": false},
	}
	if diff := cmp.Diff(want, decode(t, signIn(50126))); diff != "" {
		t.Errorf("failed sign-in (-want +got):\n%s", diff)
	}
	for code, operation := range map[int]string{0: "UserLoggedIn", 50140: "UserLoggedIn", 50053: "UserLoginFailed"} {
		if got := decode(t, signIn(code)); got["Operation"] != operation || got["ErrorNumber"] != fmt.Sprint(code) {
			t.Errorf("code %d: %v %v", code, got["Operation"], got["ErrorNumber"])
		}
	}
}

func TestTimeOfTheRowStandsIn(t *testing.T) {
	for date, want := range map[string]string{
		"2026-03-02T09:11:00.0000000Z": "2026-03-02T09:11:00.0000000Z",
		"3/2/2026 9:11:07 PM":          "2026-03-02T21:11:07",
		"3/2/2026, 9:11:07.500 PM":     "2026-03-02T21:11:07.5",
		"12/2/2026 12:00:00 AM":        "2026-12-02T00:00:00",
		"23/2/2026 09:11:07":           "2026-02-23T09:11:07",
		"2.3.2026 09:11:07":            "2026-03-02T09:11:07",
		"2026-03-02 09:11:07":          "2026-03-02T09:11:07",
		`\/Date(1772442660000)\/`:      "2026-03-02T09:11:00",
		"/Date(1772442660000)/":        "2026-03-02T09:11:00",
		"1772442660.250":               "2026-03-02T09:11:00.25",
	} {
		raws := readRaw(t, "CreationDate,UserIds,Operations,Identity,AuditData\n\""+date+`",ann@contoso.example,Set-Mailbox,i,"{""Workload"":""Exchange""}"`+"\n")
		if len(raws) != 1 {
			t.Fatalf("%s: %d records", date, len(raws))
		}
		if strings.HasPrefix(date, `\/`) {
			continue // an escape of JSON, not of CSV; below
		}
		got := decodeRaw(t, raws[0])
		if got["CreationTime"] != want || got["Operation"] != "Set-Mailbox" || got["UserId"] != "ann@contoso.example" || got["Id"] != "i" {
			t.Errorf("%s: %v", date, got)
		}
	}
	for date, want := range map[string]string{
		`"\/Date(1772442660000)\/"`: "2026-03-02T09:11:00",
		`{"value":"\/Date(1772442660000)\/","DisplayHint":2,"DateTime":"Monday, 2 March 2026 09:11:00"}`: "2026-03-02T09:11:00",
	} {
		got := decode(t, `{"CreationDate":`+date+`,"Operations":"Set-Mailbox","AuditData":"{\"Workload\":\"Exchange\"}"}`)
		if got["CreationTime"] != want {
			t.Errorf("%s: %v", date, got)
		}
	}
	if got := decode(t, `{"CreationDate":"1/1/2020 1:00:00 AM","Operations":"x","AuditData":{"CreationTime":"2026-03-02T09:11:00","Operation":"y"}}`); got["CreationTime"] != "2026-03-02T09:11:00" || got["Operation"] != "y" {
		t.Errorf("AuditData does not win: %v", got)
	}
}

func TestNamesInOtherCase(t *testing.T) {
	got := decode(t, `{"creationtime":"2026-03-02T09:11:00","OPERATION":"x","userid":"ann@contoso.example","Unheard_of":{"a":1}}`)
	want := map[string]any{"CreationTime": "2026-03-02T09:11:00", "Operation": "x", "UserId": "ann@contoso.example", "Unheard_of": map[string]any{"a": 1.0}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestElasticColumns(t *testing.T) {
	raws := readRaw(t, "@timestamp,o365.audit.Operation,o365.audit.CreationTime,o365.audit.UserId,o365.audit.Parameters.ForwardTo,o365.audit.Parameters.Name,host.name\n"+
		"x,New-InboxRule,2026-03-02T09:11:00,ann@contoso.example,drop@evil.example,.,h\n")
	want := map[string]any{"Operation": "New-InboxRule", "CreationTime": "2026-03-02T09:11:00", "UserId": "ann@contoso.example",
		"Parameters": map[string]any{"ForwardTo": "drop@evil.example", "Name": "."}}
	if diff := cmp.Diff(want, decodeRaw(t, raws[0])); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWrappersHaveAnEnd(t *testing.T) {
	for _, text := range []string{
		strings.Repeat(`{"AuditData":`, 40) + samples[0] + strings.Repeat("}", 40),
		strings.Repeat(`{"value":[`, 30) + samples[0] + strings.Repeat("]}", 30),
		strings.Repeat(`{"_source":`, 40) + samples[0] + strings.Repeat("}", 40),
	} {
		var d Decoder
		var rejects []Reject
		if err := d.Decode(Raw{JSON: []byte(text)}, func(*record.Record, Origin) error { return nil }, func(r Reject) { rejects = append(rejects, r) }); err != nil {
			t.Fatal(err)
		}
		if len(rejects) != 1 {
			t.Errorf("%.30s: rejects %v", text, rejects)
		}
	}
}

// The real files that development has at hand load whole.
func TestRealFiles(t *testing.T) {
	const data = "../../../shared/data"
	if _, err := os.Stat(data); err != nil {
		t.Skipf("no real records here: %v", err)
	}
	for name, want := range map[string]int{"raw/TestFormated.csv": 4, "raw/microsoft_audit_log.jsonl": 4, "raw/office_activity_inbox_rule.csv": 0,
		"raw/office_activity.csv": 0, "techjollof.ndjson": 4, "plaso.ndjson": 4, "sentinel_training.ndjson": 268, "panther.ndjson": 19} {
		got := read(t, &Files{Paths: []string{filepath.Join(data, name)}})
		if len(got.rejects) > 0 || len(got.warnings) > 0 || len(got.records) == 0 || want > 0 && len(got.records) != want {
			t.Errorf("%s: %d records, rejects %v, warnings %v", name, len(got.records), got.rejects, got.warnings)
		}
	}
	ids := func(paths ...string) []string {
		var all []string
		for _, r := range read(t, &Files{Paths: paths}).records {
			all = append(all, strings.Fields(r)[0])
		}
		slices.Sort(all)
		return all
	}
	if diff := cmp.Diff(ids(data+"/sentinel_training.ndjson"), ids(data+"/raw/office_activity.csv", data+"/raw/office_activity_inbox_rule.csv")); diff != "" {
		t.Errorf("the Sentinel tables and the records made of them elsewhere differ in identity (-records +tables):\n%s", diff)
	}
	if diff := cmp.Diff(read(t, &Files{Paths: []string{data + "/techjollof.ndjson"}}).records, read(t, &Files{Paths: []string{data + "/raw/TestFormated.csv"}}).records); diff != "" {
		t.Errorf("the PowerShell export and the records made of it elsewhere differ (-records +export):\n%s", diff)
	}
}

func TestDecodeStopsOnError(t *testing.T) {
	var d Decoder
	stop := fmt.Errorf("stop")
	for _, text := range []string{samples[0], "[" + samples[0] + "," + samples[1] + "]", `{"AuditData":` + samples[0] + "}"} {
		n := 0
		err := d.Decode(Raw{JSON: []byte(text)}, func(*record.Record, Origin) error { n++; return stop }, func(Reject) {})
		if err != stop || n != 1 {
			t.Errorf("%.20s: error %v after %d records", text, err, n)
		}
	}
	if bytes.Contains([]byte(samples[0]), []byte("\n")) {
		t.Error("samples are one line each")
	}
}
