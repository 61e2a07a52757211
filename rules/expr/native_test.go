package expr

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"detect/internal/record"
)

// simple are conditions that are compiled natively; complex ones stay with cel-go, and some of them are errors for some
// records.
var simple = []string{
	"record.UserId == 'ann'", "record.UserId != ''", "'ann' == record.UserId", "record.UserId == record.MailboxOwnerUPN", "record.UserId in ['ann', 'bob']",
	"record.UserId in params.words", "record.UserId == params.word", "record.UserId in lists.finance_words", "!(record.UserId in lists.empty)", "record.UserId.is('ANN')",
	"record.UserId.is(['Bob', 'ANN'])", "record.UserId.startsWith('a')", "record.UserId.endsWith('n')", "record.UserId.contains('n')", "record.UserId.matches('^[a-c]')",
	"record.UserId.matches(params.pattern)", "record.UserId.mentions(lists.finance_words)", "record.UserId.hasWord(lists.finance_words)", "record.UserId < 'b'", "record.UserId >= 'ann'",
	"record.RecordType == 15", "record.RecordType != 1", "record.RecordType > 2", "record.RecordType <= 15", "2 < record.RecordType", "record.RecordType in [1, 15]", "record.RecordType in [1, 15.0]",
	"record.RecordType >= params.n", "record.IsThrottled", "!record.IsThrottled", "record.IsThrottled == true", "record.IsThrottled != actor.system", "has(record.UserId)", "!has(record.ClientIP)",
	"actor.system", "!actor.system", "actor.guest", "actor.user == 'ann'", "actor.user.is(record.UserId)", "actor.ip in lists.networks.corporate", "record.ClientIP in lists.networks.corporate", "actor.ip == ''",
	"actor.country == 'DE'", "actor.place.known", "actor.country in ['DE', 'AU']", "actor.asn == 64500", "actor.network != ''", "actor.app == ''", "actor.type == 'Admin'", "record.failed()", "record.items() > 1", "record.param('Name') == 'x'",
	"record.mailbox() == actor.user", "record.ext('UserAgent') == 'curl'", "true", "false", "params.flag", "(record.UserId == 'ann' || record.RecordType == 15)", "(actor.system && record.UserId == '')", "small", "isAnn", "kind == 15", "who == 'ann'",
}

var complexOnes = []string{
	"record.RecordType > 1.5", "int(record.UserId) > 0", "record.Parameters.exists(p, p.Name == 'Name')", "record.forwards()[0] == 'ann'", "record.UserId.size() > 2", "raw.UserId", "raw.UserId == 'ann'",
	"10 / record.RecordType > 0", "(int(record.UserId) > 0 || record.RecordType == 15)", "record.RecordType in [1, 2].map(x, x * 1)", "broken > 1", "[1, 2][record.RecordType] == 2", "record.UserId.lowerAscii() == 'ann'", "duration(record.UserId) > duration('1s')",
	"actor.place.known && km(actor.place, actor.place) == 0.0", "timestamp(record.UserId) > record.CreationTime", "(raw.IsThrottled || record.UserId == 'ann')",
}

func nativeRule(t testing.TB, w *World) *Builder {
	b := builder(t, w)
	noIssues(t, "let", b.Let("small", "record.RecordType < 3 && !actor.guest"))
	noIssues(t, "let", b.Let("isAnn", "record.UserId.is('ann')"))
	noIssues(t, "let", b.Let("kind", "record.RecordType"))
	noIssues(t, "let", b.Let("who", "record.UserId"))
	noIssues(t, "let", b.Let("broken", "int(record.UserId)"))
	return b
}

// Simple conditions really are native.
func TestSimpleIsNative(t *testing.T) {
	w := testWorld(t)
	b := nativeRule(t, w)
	for _, src := range simple {
		b.conjuncts = nil
		noIssues(t, src, b.Match(src))
		for _, c := range b.conjuncts {
			if !c.Native() {
				t.Errorf("%s is left to cel-go", src)
			}
		}
	}
}

// drawRecord draws a record around the values that the conditions ask for.
func drawRecord(t *rapid.T) string {
	m := map[string]any{}
	put := func(name string, values ...any) {
		if rapid.Bool().Draw(t, "has "+name) {
			m[name] = rapid.SampledFrom(values).Draw(t, name)
		}
	}
	put("UserId", "ann", "Ann", "bob", "", "7", "invoice", "an INVOICE x", "a", "xa", "Not Available", "NT AUTHORITY\\SYSTEM (x)", "5s", nil, 3)
	put("MailboxOwnerUPN", "ann", "bob@contoso.example")
	put("RecordType", 0, 1, 2, 15, "15", "AzureActiveDirectoryStsLogon", 2.5, 99)
	put("IsThrottled", true, false, "true", "no", nil)
	put("ClientIP", "198.51.100.1:80", "203.0.113.7", "::ffff:198.51.100.1", "x", "198.51.100.9")
	put("UserType", 0, 2, 4, 10)
	put("Operation", "UserLoginFailed", "New-InboxRule", "Set-Mailbox")
	put("ResultStatus", "True", "Failed")
	put("Parameters", []any{map[string]any{"Name": "Name", "Value": "x"}, map[string]any{"Name": "ForwardTo", "Value": "ann"}}, "-Name x", []any{})
	put("ExtendedProperties", []any{map[string]any{"Name": "UserAgent", "Value": "curl"}})
	put("OperationCount", 1, 7)
	put("AppId", "00000003-0000-0000-c000-000000000000")
	raw, err := json.Marshal(m)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return string(raw)
}

// A condition cut into conjuncts, native where possible and cheap ones first, comes to what plain cel-go comes to: the
// same truth, and an error where that has one.
func TestConjunctsAgreeWithPlain(t *testing.T) {
	w := testWorld(t)
	b := nativeRule(t, w)
	type rule struct {
		m     *Matching
		plain *code
	}
	cache := map[string]rule{}
	f := w.NewFrame()
	rec := new(record.Record)
	outcomes := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		raw := drawRecord(t)
		if err := rec.Parse([]byte(raw)); err != nil {
			t.Fatalf("%v", err)
		}
		f.Reset(rec)
		for range 12 {
			var parts []string
			for range rapid.IntRange(1, 3).Draw(t, "parts") {
				from := simple
				if rapid.IntRange(0, 2).Draw(t, "complex") == 0 {
					from = complexOnes
				}
				parts = append(parts, rapid.SampledFrom(from).Draw(t, "part"))
			}
			src := strings.Join(parts, " && ")
			if src == "raw.UserId" {
				src = "raw.UserId && true"
			}
			r, ok := cache[src]
			if !ok && len(cache) < 3000 {
				b.conjuncts = nil
				if issues := b.Match(src); len(issues) > 0 {
					t.Fatalf("%s: %v", src, issues[0])
				}
				plain, issues := b.compile(b.record, src, nil)
				if len(issues) > 0 {
					t.Fatalf("%s: %v", src, issues[0])
				}
				r = rule{b.Matching(nil), plain}
				cache[src] = r
			} else if !ok {
				continue
			}
			got, gotErr := r.m.Match(f)
			want, wantErr := truthOf(r.plain.eval(f))
			if got != want || (gotErr == nil) != (wantErr == nil) {
				t.Fatalf("%s over %s: %v, %v; cel-go %v, %v", src, raw, got, gotErr, want, wantErr)
			}
			switch {
			case gotErr != nil:
				outcomes["error"]++
			case got:
				outcomes["true"]++
			default:
				outcomes["false"]++
			}
		}
	})
	for _, o := range []string{"error", "true", "false"} {
		if outcomes[o] < 10 {
			t.Errorf("%d cases ended %s: the records prove nothing", outcomes[o], o)
		}
	}
}

// Each simple condition alone, over many records, so that none hides behind another.
func TestNativeAgreesWithPlain(t *testing.T) {
	w := testWorld(t)
	b := nativeRule(t, w)
	var ms []*Matching
	var plain []*code
	all := append(append([]string(nil), simple...), complexOnes...)
	for _, src := range all {
		if src == "raw.UserId" {
			src += " && true"
		}
		b.conjuncts = nil
		noIssues(t, src, b.Match(src))
		ms = append(ms, b.Matching(nil))
		c, issues := b.compile(b.record, src, nil)
		noIssues(t, src, issues)
		plain = append(plain, c)
	}
	f, rec := w.NewFrame(), new(record.Record)
	seen := make([][2]int, len(all))
	one := func(t *rapid.T) {
		raw := drawRecord(t)
		if err := rec.Parse([]byte(raw)); err != nil {
			t.Fatalf("%v", err)
		}
		f.Reset(rec)
		for i := range all {
			got, gotErr := ms[i].Match(f)
			want, wantErr := truthOf(plain[i].eval(f))
			if got != want || (gotErr == nil) != (wantErr == nil) {
				t.Fatalf("%s over %s: %v, %v; cel-go %v, %v", all[i], raw, got, gotErr, want, wantErr)
			}
			if got {
				seen[i][1]++
			} else if gotErr == nil {
				seen[i][0]++
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		for range 20 {
			one(t)
		}
	})
	for i, src := range simple {
		if constant := src == "true" || src == "false" || src == "params.flag" || strings.Contains(src, "lists.empty"); !constant && seen[i][0] == 0 || !constant && seen[i][1] == 0 {
			t.Errorf("%s was false %d times and true %d times: the records prove nothing", src, seen[i][0], seen[i][1])
		}
	}
}
