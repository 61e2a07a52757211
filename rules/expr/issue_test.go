package expr

import (
	"strings"
	"testing"
)

// The faults that people make, in the words that they read, at the place they are at.
func TestMessages(t *testing.T) {
	w := testWorld(t)
	for _, tc := range []struct{ src, at, message, hint string }{
		{"record.ErrorNumber == 50126", "record.ErrorNumber == 50126", "ErrorNumber is text", "write '50126'"},
		{"50126 != record.ErrorNumber", "50126 != record.ErrorNumber", "ErrorNumber is text", "write '50126'"},
		{"record.RecordType == '15'", "record.RecordType == '15'", "RecordType is int", "write 15 without quotes"},
		{"record.ResultStatus == true", "record.ResultStatus == true", "ResultStatus is text", "write on(record.ResultStatus), which knows True, Enabled, 1 and Yes"},
		{"record.RecordType == 15.0", "record.RecordType == 15.0", "RecordType is int", "write 15"},
		{"record.RecordType == params.ratio", "record.RecordType == params.ratio", "RecordType is int", "write double(record.RecordType): == does not compare int with double"},
		{"actor.system == 'true'", "actor.system == 'true'", "system is bool", "write actor.system or !actor.system"},
		{"record.Opration == 'x'", "Opration", "records have no known field Opration", "did you mean Operation?"},
		{"record.operation == 'x'", "operation", "records have no known field operation", "did you mean Operation?"},
		{"record.Zzzzqq == 'x'", "Zzzzqq", "records have no known field Zzzzqq", "raw.Zzzzqq reads any field, untyped"},
		{"record.AppAccessContext.ClientAppI == ''", "ClientAppI", "record.AppAccessContext has no field ClientAppI", "did you mean ClientAppId?"},
		{"record.rule().nam == 'x'", "nam", "record.rule() has no field nam", "did you mean name?"},
		{"record.Folders.exists(f, f.Pth == '')", "Pth", "f has no field Pth", "did you mean Path?"},
		{"actor.usr == ''", "usr", "actor has no field usr", "did you mean user?"},
		{"Operation == 'x'", "Operation", "there is no Operation in match", "write record.Operation"},
		{"acotr.system", "acotr", "there is no acotr in match", "did you mean actor?"},
		{"count > 3", "count", "there is no count in match", "it is known in having and alert only"},
		{"True && false", "True", "there is no True in match", "write true"},
		{"record.UserId in lists.hidingfolders", "hidingfolders", "there is no list hidingfolders", "did you mean hiding_folders?"},
		{"actor.ip in lists.networks.corprate", "corprate", "there is no list networks.corprate", "did you mean corporate?"},
		{"params.wrd == ''", "wrd", "there is no parameter wrd", "did you mean word?"},
		{"record.Parameters.exist(p, p.Name == 'x')", "exist", "there is no function exist", "did you mean exists?"},
		{"record.UserId.foozle()", "foozle", "there is no function foozle", ""},
		{"record.UserId == null", "record.UserId == null", "UserId is never null", "write has(record.UserId) to ask whether it is there"},
		{"record.AppAccessContext != null", "record.AppAccessContext != null", "AppAccessContext is never null", "write has(record.AppAccessContext) to ask whether it is there"},
		{"record.CreationTime == null", "record.CreationTime == null", "CreationTime is never null", "write has(record.CreationTime) to ask whether it is there"},
		{"record.forwards() == 'x'", "record.forwards() == 'x'", "record.forwards() is a list of text", "write 'x' in record.forwards()"},
		{"record.UserId == lists.empty", "record.UserId == lists.empty", "empty is a list of lists.NAME", "write record.UserId in lists.empty"},
		{"high == 'high'", "high == 'high'", "high is a severity", "write info, low, medium, high or critical, without quotes"},
		{"high < low", "high < low", "severities have no <", "write atLeast(high, low)"},
		{"record.UserId && true", "record.UserId", "UserId is text, neither true nor false", "compare it, as in record.UserId != ''"},
		{"!record.RecordType", "!record.RecordType", "RecordType is int, neither true nor false", "compare it, as in record.RecordType > 0"},
		{"record.RecordType * 5.0 > 3.0", "record.RecordType * 5.0", "RecordType is int and 5.0 is double: * does not mix them", "write double(record.RecordType)"},
		{"5 * params.ratio > 3.0", "5 * params.ratio", "5 is int and ratio is double: * does not mix them", "write 5.0"},
		{"record.UserId + 1 == ''", "record.UserId + 1", "1 is int: it can't be put behind text", "write string(1)"},
		{"'x' in record.UserId", "'x' in record.UserId", "UserId is text, not a list", "write record.UserId.contains('x')"},
		{"record.RecordType in lists.empty", "record.RecordType in lists.empty", "RecordType is int: lists hold text", "write string(record.RecordType)"},
		{"record.forwards() in lists.empty", "record.forwards() in lists.empty", "record.forwards() is a list of text: in takes one value", "write record.forwards().exists(x, x in lists.empty)"},
		{"record.UserId.is(3)", "record.UserId.is(3)", "is can't be used with text and int", "it is text.is(text) or text.is(a list of text)"},
		{"startsWith(record.UserId, 'x')", "startsWith(record.UserId, 'x')", "startsWith can't be used with text and text", "write x.startsWith(…): it stands behind a dot"},
		{"record.UserId.length == 3", "length", "record.UserId is text: it has no fields", ""},
		{"record.UserId.exists(c, c == 'x')", "record.UserId", "record.UserId is text, not a list to walk over", ""},
		{"record.UserId", "record.UserId", "match must be bool, and this is text", "compare it, as in record.UserId != ''"},
		{" raw.X ", "raw.X", "match must be bool, and this is untyped", "compare it, as in raw.X == true"},
		{"record.forwards()", "record.forwards()", "match must be bool, and this is a list of text", "ask for its size, as in record.forwards().size() > 0"},
		{"duration('1d') > duration('2h')", "duration('1d')", `"1d" is no duration`, "a duration in an expression knows h, m and s: write '24h'"},
		{"duration(params.word) > duration('2h')", "duration(params.word)", `"invoice" is no duration`, "write it as 90s, 10m or 24h"},
		{"record.CreationTime > timestamp('2026-01-01')", "timestamp('2026-01-01')", `"2026-01-01" is no time`, "write it as 2026-01-31T12:00:00Z"},
		{"record.UserId.matches('(')", "'('", `"(" is no regular expression: missing closing ): (`, ""},
		{"regex.extract(record.UserId, '(a)(b)').hasValue()", "'(a)(b)'", "regex.extract takes a pattern with at most one group", "write (?:…) for groups that are not extracted"},
		{"a and b", "and", `"and" is no operator`, "write && for and"},
		{"actor.system OR actor.guest", "OR", `"OR" is no operator`, "write || for or"},
		{"not actor.system", "actor", `"not" is no operator`, "write ! for not"},
		{"record.X = 3", "=", "a single = does nothing", "write == to compare"},
		{"actor.system & true", "&", "a single & does nothing", "write && for and"},
		{"record.UserId <> 'x'", ">", "<> is no operator", "write != for not equal"},
		{"(record.UserId == 'x'", "", "the expression ends too early", `a "(" is not closed`},
		{"record.UserId == 'x", "'x", "the text that begins here is not closed, or holds an escape that does not exist", `close it with the same quote on the same line; write \\ for a backslash`},
		{"record.UserId == \u2018x\u2019", "\u2018", "a typographic quote does not begin a text", "write ' or \""},
		{"package == 1", "package", "package is a reserved word", "choose another name"},
		{"actor.system)", ")", `")" does not close anything, or something is missing before it`, ""},
		{"actor.system\n  && !actor.gest\n", "gest", "actor has no field gest", "did you mean guest?"},
		{"'ü' != '' && record.Opration == ''", "Opration", "records have no known field Opration", "did you mean Operation?"},
		{"", "", "the expression is empty", "leave the key out, or write an expression"},
		{"  \n", "", "the expression is empty", "leave the key out, or write an expression"},
	} {
		issues := builder(t, w).Match(tc.src)
		if len(issues) != 1 {
			t.Errorf("%s: %d issues: %v", tc.src, len(issues), issues)
			continue
		}
		if i := issues[0]; i.Message != tc.message || i.Hint != tc.hint || tc.src[i.Offset:i.End] != tc.at {
			t.Errorf("%s:\n got %q | %q | %q\nwant %q | %q | %q", tc.src, tc.src[i.Offset:i.End], i.Message, i.Hint, tc.at, tc.message, tc.hint)
		}
	}
}

// All type errors of an expression are told at once, in the order of the text.
func TestSeveralIssues(t *testing.T) {
	issues := builder(t, testWorld(t)).Match("record.Opration == 'x' && actor.usr == 1")
	if len(issues) != 2 || issues[0].Offset > issues[1].Offset {
		t.Errorf("got %v", issues)
	}
}

func TestNames(t *testing.T) {
	w := testWorld(t)
	for name, want := range map[string]string{
		"let": "reserved word", "in": "reserved word", "record": "already means", "count": "already means", "high": "already means", "now": "already means",
		"a-b": "no name", "1a": "no name", "": "no name",
	} {
		b := builder(t, w)
		if issues := b.Let(name, "1"); len(issues) != 1 || !strings.Contains(issues[0].Message, want) || issues[0].Name != name {
			t.Errorf("let %s: %v", name, issues)
		}
		if _, issues := b.Capture(name, "'x'"); len(issues) != 1 || !strings.Contains(issues[0].Message, want) {
			t.Errorf("capture %s: %v", name, issues)
		}
	}
	b := builder(t, w)
	noIssues(t, "let", b.Let("a", "1"))
	if issues := b.Let("a", "2"); len(issues) != 1 {
		t.Errorf("two lets: %v", issues)
	}
	capture(t, b, "c", "'x'")
	if _, issues := b.Capture("c", "'y'"); len(issues) != 1 {
		t.Errorf("two captures: %v", issues)
	}
	if _, issues := NewBuilder(w, map[string]any{"x": map[string]any{}, "l": []any{1, "a"}, "while": 1}); len(issues) != 3 || issues[0].Name != "l" {
		t.Errorf("parameters: %v", issues)
	}
}

func TestByIssues(t *testing.T) {
	b := builder(t, testWorld(t))
	capture(t, b, "words", "record.subjects()")
	capture(t, b, "more", "record.scopes()")
	capture(t, b, "place", "actor.place")
	noIssues(t, "by", b.By("words"))
	for name, want := range map[string]string{"more": "at most one", "place": "a place", "usr": "did you mean user?", "words": "twice"} {
		if issues := b.By(name); len(issues) != 1 || !strings.Contains(issues[0].String(), want) {
			t.Errorf("by %s: %v", name, issues)
		}
	}
}

// After a fault, what failed is taken to be of any type, so that it is told once.
func TestFaultsDoNotSpread(t *testing.T) {
	b := builder(t, testWorld(t))
	if issues := b.Let("bad", "record.Opration"); len(issues) != 1 {
		t.Fatalf("let: %v", issues)
	}
	noIssues(t, "match", b.Match("bad == 'x' && bad.startsWith('y')"))
	if _, issues := b.Capture("file", "record.Objectid"); len(issues) != 1 {
		t.Fatalf("capture: %v", issues)
	}
	_, issues := b.Having("distinct(file) >= 3")
	noIssues(t, "having", issues)
	_, issues = b.Alert("distinct(file)")
	noIssues(t, "alert", issues)
	noIssues(t, "except", b.Except("file == 'x'", 0))
}

func TestAlertIssues(t *testing.T) {
	b := windowRule(t, testWorld(t))
	for src, want := range map[string]string{
		"hits": "there is no hits in alert", "record.UserId": "must be captured", "prev.ip": "known in neighbours", "lists": "can't be shown",
		"{'a': 1}": "can't be shown", "fil": "did you mean file?", "sumBy(file.map(f, 1), file)": "two captures", "org": "can't be shown",
	} {
		if _, issues := b.Alert(src); len(issues) != 1 || !strings.Contains(issues[0].String(), want) {
			t.Errorf("%s: %v", src, issues)
		}
	}
	if _, issues := b.AlertSeverity("'high'"); len(issues) != 1 || !strings.Contains(issues[0].Hint, "without quotes") {
		t.Errorf("severity: %v", issues)
	}
}

func TestNearest(t *testing.T) {
	for _, tc := range [][3]string{{"Opration", "Operation,Workload", "Operation"}, {"OPERATION", "Operation,Op", "Operation"}, {"usre", "user,us", "user"}, {"x", "user,ip", ""}, {"", "user", ""}} {
		if got := Nearest(tc[0], strings.Split(tc[1], ",")); got != tc[2] {
			t.Errorf("Nearest(%s) = %q, want %q", tc[0], got, tc[2])
		}
	}
}
