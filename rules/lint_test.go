package rules

import (
	"strings"
	"testing"
	"time"
)

func TestLint(t *testing.T) {
	now := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	f := func(extra string, want ...string) {
		t.Helper()
		full := "id: a\ntitle: a\nseverity: low\ndescription: d\nattack: [T1078]\nfalse_positives: [f]\ntests:\n  - {name: x, records: [], alerts: []}\n  - {name: y, records: [{record: {Operation: X}}], alerts: [{}]}\n"
		set := mustLoad(t, full+extra)
		var got []string
		for _, w := range Lint(set, now) {
			got = append(got, w.Message)
			if w.Line == 0 {
				t.Errorf("%s has no place", w.Message)
			}
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%s:\n%s\nwant:\n%s", extra, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	f("operations: [X]\nby: [user]\n")
	f("operations: any\nby: [user]\n", "operations: any without match: every record is a hit")
	f("operations: [X]\n", "the rule has no by: its alerts are about the whole tenant")
	f("operations: [X]\nby: []\n")
	f("operations: [X]\nby: [user]\nmatch: record.ObjectId == 'Ann'\n", "record.ObjectId == compares letter case, which differs from record to record")
	f("operations: [X]\nby: [user]\nmatch: record.ErrorNumber == '50126' && record.ObjectId != '' && record.ObjectId.is('x')\n")
	f("operations: [X]\nby: [user]\nmatch: actor.user == 'Ann@contoso.example'\n", "actor.user is lower case: it never equals 'Ann@contoso.example'")
	f("operations: [X]\nby: [user]\nmatch: \"'record.ObjectId == ' != record.param('record.Name == ')\"\n")
	f("operations: [X]\nby: [user]\nparams: {n: 1, m: 2}\nlet: {a: record.items() > params.n, b: actor.system}\nmatch: a\n", `the param "m" is not used`, `let "b" is not used`)
	f("operations: [X]\nby: [user]\ncapture: {ip: actor.ip, app: actor.app, n: record.items()}\nalert: {title: \"{{ip}} {{sum(n)}} app\"}\n", `the capture "app" is not used`)
	f("operations: [X]\nby: [user]\nexcept:\n  - {name: old, when: actor.guest, reason: r, owner: o, expires: 2026-05-31}\n  - {name: new, when: actor.guest, reason: r, owner: o, expires: 2026-06-01}\n",
		`the exception "old" expired on 2026-05-31`)
}

func TestLintAsksForWhatIsMissing(t *testing.T) {
	set := mustLoad(t, "id: a\ntitle: a\nseverity: low\noperations: [X]\nby: [user]\nwithin: 1h\nhaving: count == 3\n")
	var warnings, infos []string
	for _, w := range Lint(set, time.Unix(0, 0)) {
		if w.Info {
			infos = append(infos, w.Message)
		} else {
			warnings = append(warnings, w.Message)
		}
	}
	want := "the rule has no description\nthe rule has no attack\nthe rule has no false_positives\nthe rule has no tests"
	if got := strings.Join(warnings, "\n"); got != want {
		t.Errorf("%s", got)
	}
	if len(infos) != 1 || !strings.HasPrefix(infos[0], "having can go back to false") {
		t.Errorf("%q", infos)
	}
}
