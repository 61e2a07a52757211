package notifytest

import (
	"iter"
	"strings"
	"time"

	"detect/engine"
	"detect/notify"
	"detect/rules"
	"detect/rules/hit"
)

// at is a time of the day on which the made-up alerts happen, microseconds.
func at(hour, minute, second int) int64 {
	return time.Date(2026, 3, 3, hour, minute, second, 0, time.UTC).UnixMicro()
}

// rule is a rule as it is loaded, as far as messages read it.
func rule(id, title, description string) *rules.Rule {
	return &rules.Rule{
		ID: id, Title: title, Description: description,
		References:     []string{"https://attack.mitre.org/techniques/T1213/002/"},
		FalsePositives: []string{"A folder that is downloaded as a zip file makes one record for each file", "A new computer's first synchronisation"},
	}
}

// change is a revision in short.
func change(a *engine.Alert, at int64) notify.Change {
	return notify.Change{Revision: a.Revision, Reason: a.Reason, Note: a.Note, Severity: a.Severity, Title: a.Title, Status: a.Status, Count: a.Count, At: at}
}

// Opened is the first message of an alert.
func Opened() *notify.Message {
	a := &engine.Alert{
		ID: "1a2b3c4d5e6f708192a3b4c5d6e7f809", Rule: "sharepoint-mass-download", Version: "v1",
		Key: hit.EncodeKey("mei.adams@contoso.example"), By: []string{"user"},
		Title:    "mei.adams@contoso.example downloaded 60 files in 9 min from https://contoso.sharepoint.com/sites/Finance/, by 203.0.113.36",
		Respond:  "Revoke-MgUserSignInSession -UserId 'mei.adams@contoso.example'\nRevoke-SPOUserSession -User 'mei.adams@contoso.example' -Confirm:$false\n",
		Severity: hit.Medium, Attack: []string{"T1213.002", "T1530"}, Tactics: []string{"collection", "exfiltration"}, Risk: 50,
		First: at(14, 10, 24), Last: at(14, 18, 19), Count: 60,
		Values: []engine.Values{
			{Name: "file", Values: []string{"https://contoso.sharepoint.com/sites/Finance/Agenda.docx", "https://contoso.sharepoint.com/sites/Finance/Budget.xlsx"}},
			{Name: "ip", Values: []string{"203.0.113.36"}},
		},
		Records:  []string{"aa5aef2d-a83b-4c1d-9e25-d7e8711eb98c", "7f11a671-860d-4e76-9c75-695b19d3e941"},
		Revision: 1, Reason: engine.Opened, Note: "60 records in 8 min",
	}
	m := &notify.Message{
		Alert: a, Rule: rule(a.Rule, "Many files downloaded in a short time", "One person downloaded many different files within minutes."),
		Happened: a.Last, Available: at(15, 19, 58), Detected: at(15, 20, 0), Now: at(15, 20, 2),
	}
	m.Changes = []notify.Change{change(a, m.Detected)}
	return m
}

// next is the message that follows one that was told.
func next(m *notify.Message, revise func(*engine.Alert)) *notify.Message {
	n, a := *m, *m.Alert
	a.Revision++
	revise(&a)
	n.Alert, n.Sent, n.SentAt, n.Receipt = &a, m.Alert.Revision, m.Now, nil
	n.Detected, n.Now = m.Detected, m.Now+20*60*1e6
	n.Changes = []notify.Change{change(&a, n.Now-1e6)}
	return &n
}

// Grown is Opened with more files and a higher severity. It has no receipt.
func Grown() *notify.Message {
	return next(Opened(), func(a *engine.Alert) {
		a.Title = strings.Replace(a.Title, "60 files in 9 min", "512 files in 31 min", 1)
		a.Count, a.Last, a.Severity = 512, at(14, 41, 2), hit.High
		a.Reason, a.Note = engine.Grew, "60 -> 512 records, 8 min -> 31 min, medium -> high"
	})
}

// Merged is Grown as it is merged into another alert. It has no receipt.
func Merged() *notify.Message {
	return next(Grown(), func(a *engine.Alert) {
		a.Status, a.Reason, a.Note, a.Into = engine.Merged, engine.MergedAway, "", "ffeeddccbbaa99887766554433221100"
	})
}

// Withdrawn is Grown as it is withdrawn. It has no receipt.
func Withdrawn() *notify.Message {
	return next(Grown(), func(a *engine.Alert) {
		a.Status, a.Reason, a.Note = engine.Withdrawn, engine.Gone, "512 -> 1 record"
	})
}

// History is the messages about one alert, each told before the next: opened, grown, withdrawn. They have no receipts.
func History() []*notify.Message { return []*notify.Message{Opened(), Grown(), Withdrawn()} }

// Notices are notices of every level, one of them with text from a record.
func Notices() []*notify.Notice {
	when := time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)
	return []*notify.Notice{
		{Level: notify.Information, Text: "detect was started", At: when, Host: "siem1"},
		{Level: notify.Warning, Text: "the new configuration was refused: " + nasty, Hint: "see the log " + nasty, At: when, Host: nasty},
		{Level: notify.Trouble, Text: strings.Repeat("long ", 20_000), At: when},
		{},
	}
}

// values is the values of a map, in no order.
func values[K, V any](seq iter.Seq2[K, V]) iter.Seq[V] {
	return func(yield func(V) bool) {
		for _, v := range seq {
			if !yield(v) {
				return
			}
		}
	}
}
