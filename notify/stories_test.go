package notify_test

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"detect/engine"
	"detect/engine/enginetest"
	"detect/engine/match"
	"detect/internal/geo"
	"detect/internal/record"
	"detect/internal/simulate"
	"detect/notify"
	"detect/rules"
	"detect/rules/hit"
)

var update = flag.Bool("update", false, "write the golden files")

// live is the engine on the shipped rules, fed by hand, with every revision of every alert.
type live struct {
	*testing.T
	set       *rules.Set
	match     *match.Worker
	engine    *engine.Engine
	revisions []*engine.Alert
	clock     int64 // the wall clock, microseconds
}

func newLive(t *testing.T, domains ...string) *live {
	table, err := geo.ParseTable(bytes.NewReader(simulate.Places()), "places.csv")
	if err != nil {
		t.Fatal(err)
	}
	places, err := geo.Open(geo.Config{Tables: []*geo.Table{table}})
	if err != nil {
		t.Fatal(err)
	}
	set, faults := rules.Load(rules.Options{Paths: []string{"pack"}, Domains: domains, Geo: places})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	e, err := engine.New(t.Context(), set.Rules, enginetest.NewStore(), engine.Config{Lateness: 72 * 3600 * 1e6})
	if err != nil {
		t.Fatal(err)
	}
	return &live{T: t, set: set, match: match.New(set.World, set.Rules).NewWorker(), engine: e}
}

// arrive has records arrive in one batch, at a time of the wall clock.
func (l *live) arrive(at time.Time, records ...[]byte) {
	l.Helper()
	l.clock = at.UnixMicro()
	b := &engine.Batch{Absence: l.clock - 2*3600*1e6}
	for _, raw := range records {
		var r record.Record
		if err := r.Parse(raw); err != nil {
			l.Fatal(err)
		}
		when, _ := r.Time()
		b.Items = append(b.Items, engine.Item{Time: when, ID: hit.ID(r.Identity()), Stream: "test", Content: r.Content(), Arrived: l.clock, Hits: l.match.Match(&r, nil)})
	}
	out, err := l.engine.Process(l.Context(), b)
	if err != nil {
		l.Fatal(err)
	}
	l.revisions = append(l.revisions, out.Revised...)
}

// message is what a channel that was told revision sent is to be told of the last alert that want takes.
func (l *live) message(sent int, want func(*engine.Alert) bool) *notify.Message {
	l.Helper()
	var id string
	for _, a := range l.revisions {
		if want(a) {
			id = a.ID
		}
	}
	m := &notify.Message{Sent: sent, Detected: l.clock - 30*60*1e6, Now: l.clock + 2*1e6}
	if sent > 0 {
		m.SentAt = m.Detected + 1e6
	} else {
		m.Detected = l.clock + 1e6
	}
	for _, a := range l.revisions {
		if a.ID != id {
			continue
		}
		if m.Alert = a; a.Revision > sent {
			m.Changes = append(m.Changes, notify.Change{Revision: a.Revision, Reason: a.Reason, Note: a.Note, Severity: a.Severity,
				Title: a.Title, Status: a.Status, Count: a.Count, At: l.clock + 1e6})
		}
	}
	if m.Alert == nil || len(m.Changes) == 0 {
		for _, a := range l.revisions {
			l.Log(a.ID[:8], a.Rule, a.Revision, a.Reason, a.Note, a.Status, time.UnixMicro(a.First).UTC(), time.UnixMicro(a.Last).UTC())
		}
		l.Fatal("there is no such alert")
	}
	m.Rule = l.set.Rule(m.Alert.Rule)
	return m
}

func ofRule(id string) func(*engine.Alert) bool {
	return func(a *engine.Alert) bool { return a.Rule == id }
}

// downloads are records of files that a person downloaded, one every so often.
func downloads(user, prefix string, from time.Time, every time.Duration, n int, more string) (list [][]byte) {
	for i := range n {
		list = append(list, fmt.Appendf(nil, `{"CreationTime":%q,"Id":"%s-%d","Operation":"FileDownloaded","OrganizationId":"o","Workload":"SharePoint","RecordType":6,"UserType":0,`+
			`"UserId":%q,"ObjectId":"https://contoso.sharepoint.com/sites/Finance/%s %d.docx","SiteUrl":"https://contoso.sharepoint.com/sites/Finance/","ClientIP":"203.0.113.36"%s}`,
			from.Add(time.Duration(i)*every).Format("2006-01-02T15:04:05"), prefix, i, user, prefix, i, more))
	}
	return list
}

// signIn is a record of a sign-in.
func signIn(id string, at time.Time, from, more string) []byte {
	return fmt.Appendf(nil, `{"CreationTime":%q,"Id":%q,"Operation":"UserLoggedIn","OrganizationId":"o","Workload":"AzureActiveDirectory","RecordType":15,"UserType":0,`+
		`"UserId":"helena.wolf@contoso.example","ObjectId":"app","ActorIpAddress":%q,"ClientIP":%q,"ErrorNumber":"0"%s}`, at.Format("2006-01-02T15:04:05"), id, from, from, more)
}

// stories are messages about alerts of different kinds, as the engine makes them.
func stories(t *testing.T) map[string]*notify.Message {
	start := time.Date(2026, 3, 3, 14, 0, 0, 0, time.UTC)
	list := map[string]*notify.Message{}

	data, truth, err := simulate.Sample()
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSpace(data), []byte("\n"))
	l := newLive(t, truth.Domains...)
	l.arrive(start.Add(90*time.Minute), lines...)
	list["opened"] = l.message(0, ofRule("exchange-hiding-inbox-rule"))

	l = newLive(t, "contoso.example")
	l.arrive(start.Add(time.Hour), downloads("mei.adams@contoso.example", "Budget", start, 3*time.Second, 80, "")...)
	l.arrive(start.Add(80*time.Minute), downloads("mei.adams@contoso.example", "Salary", start.Add(4*time.Minute), time.Second, 300, "")...)
	l.arrive(start.Add(90*time.Minute), downloads("mei.adams@contoso.example", "Board", start.Add(9*time.Minute), time.Second, 700, "")...)
	list["grown"] = l.message(1, ofRule("sharepoint-mass-download"))

	l = newLive(t, "contoso.example")
	l.arrive(start.Add(time.Hour), downloads("marco.torres@contoso.example", "Early", start, 3*time.Second, 60, "")...)
	l.arrive(start.Add(2*time.Hour), downloads("marco.torres@contoso.example", "Late", start.Add(90*time.Minute), 3*time.Second, 60, "")...)
	l.arrive(start.Add(5*time.Hour), downloads("marco.torres@contoso.example", "Between", start.Add(time.Minute), 10*time.Second, 560, "")...)
	list["merged-away"] = l.message(1, func(a *engine.Alert) bool { return a.Reason == engine.MergedAway })
	list["merged"] = l.message(1, func(a *engine.Alert) bool { return a.Reason == engine.MergedIn })

	l = newLive(t, "contoso.example")
	l.arrive(start.Add(time.Hour), signIn("one", start, "192.0.2.74", ""), signIn("two", start.Add(30*time.Minute), "203.0.113.36", ""))
	// The second record once more, and whole: it shows that the sign-in came from where the first one did.
	l.arrive(start.Add(3*time.Hour), signIn("two", start.Add(30*time.Minute), "192.0.2.74", `,"ActorContextId":"more"`))
	list["withdrawn"] = l.message(1, func(a *engine.Alert) bool { return a.Status == engine.Withdrawn })

	l = newLive(t, "contoso.example")
	l.arrive(start.Add(9*24*time.Hour), downloads("x@contoso.example", "New", start.Add(9*24*time.Hour), time.Second, 1, "")...)
	l.arrive(start.Add(9*24*time.Hour+time.Hour), fmt.Appendf(nil, `{"CreationTime":"2026-03-03T14:00:00","Id":"late-1","Operation":"Set-Mailbox","OrganizationId":"o","Workload":"Exchange","RecordType":1,"UserType":2,`+
		`"UserId":"ann@contoso.example","ObjectId":"ann","ClientIP":"203.0.113.7","ResultStatus":"True","Parameters":[{"Name":"Identity","Value":"ann@contoso.example"},`+
		`{"Name":"ForwardingSmtpAddress","Value":"smtp:archive@evil.example"},{"Name":"DeliverToMailboxAndForward","Value":"True"}]}`))
	late := l.message(0, ofRule("exchange-external-forwarding"))
	a := *late.Alert
	a.Approximate = true // as of a flood, which would take long to make
	late.Alert, late.Via, late.ViaReason = &a, "soc", "it could not be reached since 2026-03-12 14:40 UTC"
	list["late"] = late
	return list
}

func TestStories(t *testing.T) {
	all := stories(t)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		t.Run(name, func(t *testing.T) {
			got := notify.Text(notify.NewCard(all[name]), 100_000) + "\n"
			path := filepath.Join("testdata", "cards", name+".txt")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("the card has changed (-want +got):\n%s", diff)
			}
		})
	}
}
