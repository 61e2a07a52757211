package record

import (
	"encoding/json"
	"strings"
	"testing"
)

// benchRecord is a sign-in of about 1.8 KB, the mean size of real records.
var benchRecord = []byte(`{"CreationTime":"2026-03-02T09:15:00","Id":"00000000-0000-4000-8000-000000000005","Operation":"UserLoggedIn",` +
	`"OrganizationId":"11111111-2222-3333-4444-555555555555","RecordType":15,"ResultStatus":"Success","UserKey":"8d2b3c44-2f0a-4c53-8f5a-0a4d1f7e9b61",` +
	`"UserType":0,"Version":1,"Workload":"AzureActiveDirectory","ClientIP":"198.51.100.9","ObjectId":"00000003-0000-0000-c000-000000000000",` +
	`"UserId":"ann.smith@contoso.example","AzureActiveDirectoryEventType":1,"ExtendedProperties":[{"Name":"ResultStatusDetail","Value":"Success"},` +
	`{"Name":"UserAgent","Value":"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/133.0.0.0 Safari/537.36 Edg/133.0.0.0"},` +
	`{"Name":"UserAuthenticationMethod","Value":"16457"},{"Name":"RequestType","Value":"OAuth2:Authorize"},{"Name":"KeepMeSignedIn","Value":"True"}],` +
	`"ModifiedProperties":[],"Actor":[{"ID":"8d2b3c44-2f0a-4c53-8f5a-0a4d1f7e9b61","Type":0},{"ID":"ann.smith@contoso.example","Type":5}],` +
	`"ActorContextId":"11111111-2222-3333-4444-555555555555","ActorIpAddress":"198.51.100.9","InterSystemsId":"5b3f0f93-4b06-4f0b-9e8c-1f6f5ce6f8d1",` +
	`"IntraSystemId":"a1a7c2e3-9f1c-4ac1-b39d-7a8b0f3f1a00","SupportTicketId":"","Target":[{"ID":"00000003-0000-0000-c000-000000000000","Type":0}],` +
	`"TargetContextId":"11111111-2222-3333-4444-555555555555","ApplicationId":"4765445b-32c6-49b0-83e6-1d93765276ca",` +
	`"DeviceProperties":[{"Name":"Id","Value":"6f0a7b0e-7c0e-4a57-a2f7-5a7f1c8f0d11"},{"Name":"DisplayName","Value":"CONTOSO-LT-0042"},` +
	`{"Name":"OS","Value":"Windows10"},{"Name":"BrowserType","Value":"Edge"},{"Name":"IsCompliant","Value":"True"},` +
	`{"Name":"IsCompliantAndManaged","Value":"True"},{"Name":"TrustType","Value":"1"},{"Name":"SessionId","Value":"0e1f2a3b-4c5d-4e6f-8a9b-0c1d2e3f4a5b"}],` +
	`"ErrorNumber":"0","AppAccessContext":{"AADSessionId":"0e1f2a3b-4c5d-4e6f-8a9b-0c1d2e3f4a5b","CorrelationId":"9c6a9fa1-0000-7000-b1e2-55aa66bb77cc","UniqueTokenId":"x1y2z3"}}`)

func BenchmarkParse(b *testing.B) {
	b.SetBytes(int64(len(benchRecord)))
	b.ReportAllocs()
	var r Record
	for b.Loop() {
		if err := r.Parse(benchRecord); err != nil {
			b.Fatal(err)
		}
	}
}

// benchAfterParse measures what read costs on top of Parse.
func benchAfterParse(b *testing.B, read func(r *Record)) {
	b.ReportAllocs()
	var r Record
	if err := r.Parse(benchRecord); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		r.epoch++ // forget what was computed
		for f := range r.spans {
			if r.spans[f].epoch == r.epoch-1 {
				r.spans[f].epoch = r.epoch
			}
		}
		read(&r)
	}
}

func BenchmarkForget(b *testing.B) { benchAfterParse(b, func(*Record) {}) }

func BenchmarkIdentity(b *testing.B) { benchAfterParse(b, func(r *Record) { r.Identity() }) }

func BenchmarkOperationKey(b *testing.B) { benchAfterParse(b, func(r *Record) { r.OperationKey() }) }

func BenchmarkActor(b *testing.B) {
	benchAfterParse(b, func(r *Record) { _, _, _, _ = r.User(), r.System(), r.IP(), r.App() })
}

func BenchmarkNamedValue(b *testing.B) {
	benchAfterParse(b, func(r *Record) { _, _ = r.Ext("RequestType"), r.Device("IsCompliant") })
}

func BenchmarkVariant(b *testing.B) { benchAfterParse(b, func(r *Record) { r.Variant() }) }

func BenchmarkEncodingJSON(b *testing.B) {
	b.SetBytes(int64(len(benchRecord)))
	b.ReportAllocs()
	for b.Loop() {
		var v map[string]any
		if err := json.Unmarshal(benchRecord, &v); err != nil {
			b.Fatal(err)
		}
	}
}

// TestHotPathDoesNotAllocate holds what every record goes through, once its texts have been seen before, to no allocation.
func TestHotPathDoesNotAllocate(t *testing.T) {
	var r Record
	work := func() {
		if err := r.Parse(benchRecord); err != nil {
			t.Fatal(err)
		}
		r.Time()
		r.Identity()
		r.Content()
		_, _, _, _, _ = r.OperationKey(), r.User(), r.IP(), r.System(), r.Failed()
		_, _ = r.Is(FErrorNumber, "50126"), r.Ext("RequestType")
	}
	work()
	if n := testing.AllocsPerRun(100, work); n > 0 {
		t.Errorf("%v allocations a record", n)
	}
	if len(benchRecord) < 1700 || len(benchRecord) > 2300 || strings.Contains(string(benchRecord), "\n") {
		t.Errorf("the record measured has %d bytes", len(benchRecord))
	}
}
