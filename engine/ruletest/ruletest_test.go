package ruletest

import (
	"context"
	"strings"
	"testing"

	"detect/rules"
)

func load(t *testing.T, text string) *rules.Set {
	t.Helper()
	set, faults := rules.Load(rules.Options{Files: []rules.File{{Name: "r.yaml", Text: []byte(text)}},
		Lists: map[string][]string{"ours": {"desk@contoso.example"}}})
	if len(faults) > 0 {
		t.Fatal(faults.Detail())
	}
	return set
}

const window = `
id: many-files
title: Many files
severity: "distinct(file) >= 60 ? high : medium"
params: {files: 50}
operations: [FileDownloaded]
match: "!actor.system"
capture: {file: record.ObjectId, ip: actor.ip}
by: [user]
within: 10m
having: distinct(file) >= params.files
alert:
  title: "{{user}} downloaded {{distinct(file)}} files in {{span}} from {{ip}}"
  respond: |
    # look at what {{ps(user)}} did
    Revoke-MgUserSignInSession -UserId {{ps(user)}}
    Block-Address {{ps(first(ip))}}
except:
  - {name: desk, when: user in lists.ours, reason: nightly copy, owner: it@contoso.example, expires: 2026-12-31}
tests:
`

func TestTestsOfRules(t *testing.T) {
	f := func(name, rule, test, failure string) {
		t.Helper()
		set := load(t, rule+test)
		results, err := All(context.Background(), set)
		if err != nil || len(results) != 1 {
			t.Fatalf("%s: %d results, %v", name, len(results), err)
		}
		got := results[0].Failure
		if failure == "" && got != "" || failure != "" && !strings.Contains(got, failure) {
			t.Errorf("%s: %s\nwant: %s", name, got, failure)
		}
	}
	f("sixty files", window, `
  - name: sixty
    records:
      - {repeat: 60, every: 9s, record: {Operation: FileDownloaded, UserId: A@contoso.example, ObjectId: "f{{i}}", ClientIP: 198.51.100.1}}
    alerts:
      - by: {user: a@contoso.example}
        count: 60
        severity: high
        title: a@contoso.example downloaded 60 files in 9 min from 198.51.100.1
        first: 0s
        last: 531s
        values: {ip: 198.51.100.1}
        respond: |
          # look at what 'a@contoso.example' did
          Revoke-MgUserSignInSession -UserId 'a@contoso.example'
          Block-Address '198.51.100.1'
`, "")
	f("late", window, `
  - name: late
    records:
      - {repeat: 40, every: 9s, record: {Operation: FileDownloaded, UserId: a@contoso.example, ObjectId: "f{{i}}"}}
      - {at: 6m, arrives: 2h, repeat: 10, every: 1s, record: {Operation: FileDownloaded, UserId: a@contoso.example, ObjectId: "g{{i}}"}}
    alerts: [{count: 50, severity: medium, respond: "# look at what 'a@contoso.example' did\nRevoke-MgUserSignInSession -UserId 'a@contoso.example'"}]
`, "")
	f("near miss", window, `
  - name: near miss
    records:
      - {repeat: 49, every: 9s, record: {Operation: FileDownloaded, UserId: a@contoso.example, ObjectId: "f{{i}}"}}
    alerts: []
`, "")
	f("excepted", window, `
  - name: excepted
    records:
      - {repeat: 60, every: 9s, record: {Operation: FileDownloaded, UserId: desk@contoso.example, ObjectId: "f{{i}}"}}
    alerts: []
`, "")
	f("the given list is in place of the configured one", window, `
  - name: given
    given: {lists: {ours: []}}
    records:
      - {repeat: 60, every: 9s, record: {Operation: FileDownloaded, UserId: desk@contoso.example, ObjectId: "f{{i}}"}}
    alerts: [{by: {user: desk@contoso.example}}]
`, "")
	f("wrong count", window, `
  - name: wrong
    records:
      - {repeat: 60, every: 9s, record: {Operation: FileDownloaded, UserId: a@contoso.example, ObjectId: "f{{i}}"}}
    alerts: [{count: 59, severity: low, values: {ip: [x]}, by: {ip: x}}]
`, "alert 1: the rule has no ip in by; count is 60, expected 59; severity is high, expected low; ip is [], expected [x]")
	f("missing", window, `
  - name: wrong
    records: [{record: {Operation: FileDownloaded, UserId: a@contoso.example}}]
    alerts: [{}]
`, "as written: expected 1 alert, and there are no alert:\n  none")
	f("no time", window, `
  - name: wrong
    records: [{record: {Operation: FileDownloaded, UserId: a@contoso.example, CreationTime: yesterday}}]
    alerts: []
`, "record 1: its CreationTime is no time")

	const falling = `
id: falling
title: Failures without a success
severity: low
operations: [UserLoginFailed, UserLoggedIn]
capture: {op: record.Operation}
by: [user]
within: 10m
having: count >= 3 && !values(op).exists(o, o == 'UserLoggedIn')
tests:
`
	f("a condition that can go back is decided at the absence clock", falling, `
  - name: withdrawn by what comes late
    records:
      - {repeat: 3, every: 1m, record: {Operation: UserLoginFailed, UserId: a@contoso.example}}
      - {at: 30s, arrives: 5h, record: {Operation: UserLoggedIn, UserId: a@contoso.example}}
    alerts: []
`, "")
	f("until", falling, `
  - name: not yet
    until: 1m
    records:
      - {repeat: 3, every: 1m, record: {Operation: UserLoginFailed, UserId: a@contoso.example}}
    alerts: []
`, "")
	f("decided", falling, `
  - name: decided
    records:
      - {repeat: 3, every: 1m, record: {Operation: UserLoginFailed, UserId: a@contoso.example}}
    alerts: [{count: 3, title: "Failures without a success: a@contoso.example"}]
`, "")

	const travel = `
id: travel
title: Travel
severity: "kmh(prev.place, cur.place, gap) > 5000.0 ? critical : high"
operations: [UserLoggedIn]
match: actor.place.known
capture: {place: actor.place, ip: actor.ip}
by: [user]
within: 24h
neighbours: prev.ip != ip && km(prev.place, place) > 500 && kmh(prev.place, place, gap) > 900
alert: {title: "{{user}} signed in from {{prev.place}} and {{cur.place}} {{gap}} apart"}
tests:
`
	f("places", travel, `
  - name: places
    given: {geo: {198.51.100.0/24: {country: DE, city: Berlin, lat: 52.5, lon: 13.4, radius: 20}, "2001:db8::1": {country: US, city: New York, lat: 40.7, lon: -74, radius: 20}}}
    records:
      - {record: {Operation: UserLoggedIn, UserId: a@contoso.example, ClientIP: 198.51.100.7}}
      - {at: 30m, record: {Operation: UserLoggedIn, UserId: a@contoso.example, ClientIP: "2001:db8::1"}}
      - {at: 31m, record: {Operation: UserLoggedIn, UserId: a@contoso.example, ClientIP: 203.0.113.9}}
    alerts: [{count: 2, severity: critical, title: "a@contoso.example signed in from Berlin, DE and New York, US 30 min apart"}]
`, "")
}

func TestOverridesRunTheirOwnTests(t *testing.T) {
	set := load(t, window+`
  - name: shipped
    records:
      - {repeat: 50, every: 9s, record: {Operation: FileDownloaded, UserId: a@contoso.example, ObjectId: "f{{i}}"}}
    alerts: [{count: 50}]
---
override: many-files
set: {params: {files: 200}, severity: low}
except:
  - {name: backup, when: user == 'backup@contoso.example', reason: copies, owner: it@contoso.example}
tests:
  - name: overridden
    records:
      - {repeat: 199, every: 1s, record: {Operation: FileDownloaded, UserId: a@contoso.example, ObjectId: "f{{i}}"}}
    alerts: []
  - name: overridden, fires
    records:
      - {repeat: 200, every: 1s, record: {Operation: FileDownloaded, UserId: a@contoso.example, ObjectId: "f{{i}}"}}
      - {repeat: 200, every: 1s, record: {Operation: FileDownloaded, UserId: backup@contoso.example, ObjectId: "f{{i}}"}}
    alerts: [{count: 200, severity: low}]
`)
	results, err := All(context.Background(), set)
	if err != nil || len(results) != 3 {
		t.Fatalf("%d results, %v", len(results), err)
	}
	for _, r := range results {
		if r.Failure != "" {
			t.Error(r)
		}
	}
}
