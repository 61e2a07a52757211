package match

import (
	"fmt"
	"strings"
	"testing"

	"detect/internal/record"
	"detect/rules/hit"
)

// ruleSet is n rules: variants of ten kinds of condition, half of them on operations that occur.
func ruleSet(n int) []spec {
	conditions := []string{
		"!actor.system && record.UserId == 'user1@contoso.example' && record.SourceFileName != '%d'", "record.Workload == 'Exchange' && record.UserId.endsWith('@x%d.example')", "actor.app in lists.sync_clients && record.UserId != 'svc%d'",
		"record.RecordType == 15 && record.ErrorNumber == '%d'", "record.ResultStatus.is('failed') && record.UserId == 'svc%d'", "record.SourceFileName.endsWith('.enc%d')",
		"record.Parameters.exists(p, p.Name == 'ForwardTo' && p.Value.contains('%d'))", "record.ClientIP.startsWith('10.%d.')", "record.LogonType == 2 && record.MailboxOwnerUPN != 'svc%d'",
		"record.ext('RequestType') == 'OAuth2:Token%d'",
	}
	operations := []string{"FileAccessed", "UserLoggedIn", "MailItemsAccessed", "New-InboxRule", "FileDownloaded"}
	var out []spec
	for i := range n {
		op := operations[i%len(operations)]
		if i%2 == 1 {
			op = fmt.Sprintf("Operation-%d", i%200)
		}
		out = append(out, spec{operations: []string{op}, match: fmt.Sprintf(conditions[i%10], i), by: []string{"user"}, capture: [][2]string{{"file", "record.ObjectId"}}})
	}
	return out
}

func stream(t testing.TB) []*record.Record {
	var out []*record.Record
	for i := range 500 {
		op := []string{"FileAccessed", "FileAccessed", "UserLoggedIn", "MailItemsAccessed", "FileModified", "PageViewed", "FileDownloaded", "Set-Mailbox", "New-InboxRule", "SearchQueryPerformed"}[i%10]
		out = append(out, parse(t, fmt.Sprintf(`{"Id":"%d","CreationTime":"2026-03-01T10:00:00","Operation":%q,"RecordType":%d,"UserId":"user%d@contoso.example","UserType":0,"Workload":"SharePoint",
"ClientIP":"192.0.2.%d:4711","ObjectId":"https://contoso.example/f%d","SourceFileName":"f%d.docx","ResultStatus":"Succeeded","ErrorNumber":"0",
"Parameters":[{"Name":"Name","Value":"x"},{"Name":"ForwardTo","Value":"y@z.example"}],"ExtendedProperties":[{"Name":"RequestType","Value":"Login:login"}]}`, i, op, i%60, i%40, i%250, i, i)))
	}
	return out
}

func BenchmarkMatch(b *testing.B) {
	for _, n := range []int{10, 100, 1000} {
		b.Run(fmt.Sprintf("rules=%d", n), func(b *testing.B) {
			w := world(b)
			worker := New(w, compile(b, w, ruleSet(n)...)).NewWorker()
			records := stream(b)
			var dst []*hit.Hit
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				dst = worker.Match(records[i%len(records)], dst[:0])
			}
		})
	}
}

// A record that no rule wants costs a look-up and no memory.
func BenchmarkUnwanted(b *testing.B) {
	w := world(b)
	worker := New(w, compile(b, w, ruleSet(1000)...)).NewWorker()
	r := parse(b, rec("PageViewed", "ann", ""))
	b.ReportAllocs()
	for b.Loop() {
		worker.Match(r, nil)
	}
}

func TestUnwantedAllocatesNothing(t *testing.T) {
	w := world(t)
	worker := New(w, compile(t, w, ruleSet(100)...)).NewWorker()
	r := parse(t, rec("PageViewed", "ann", ""))
	worker.Match(r, nil)
	if n := testing.AllocsPerRun(100, func() { worker.Match(r, nil) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// A record whose rules all say no by simple conditions allocates nothing either.
func TestSimpleNoAllocatesNothing(t *testing.T) {
	w := world(t)
	var specs []spec
	for _, s := range ruleSet(100) {
		if !strings.Contains(s.match, "exists") && !strings.HasPrefix(s.match, "!actor") {
			specs = append(specs, s)
		}
	}
	worker := New(w, compile(t, w, specs...)).NewWorker()
	r := parse(t, rec("MailItemsAccessed", "ann", `,"Workload":"Exchange","RecordType":50`))
	worker.Match(r, nil)
	var asked int64
	for _, s := range worker.Stats() {
		asked += s.Evaluated
	}
	if hits := worker.Match(r, nil); len(hits) > 0 || asked == 0 {
		t.Fatalf("%d hits, %d rules asked", len(hits), asked)
	}
	if n := testing.AllocsPerRun(100, func() { worker.Match(r, nil) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
