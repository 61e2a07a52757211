package expr

import (
	"strings"
	"testing"

	"detect/rules/hit"
)

const inboxRule = `{"Id":"1","Operation":"New-InboxRule","RecordType":1,"CreationTime":"2026-03-01T10:00:00","UserId":"Ann@Contoso.example",
"UserType":2,"Workload":"Exchange","ClientIP":"198.51.100.1:4711","ResultStatus":"True","OrganizationName":"contoso.example",
"ObjectId":"ann\\.","AppAccessContext":{"ClientAppId":"abc","AADSessionId":"s-1"},"IsThrottled":"true",
"Parameters":[{"Name":"Name","Value":"."},{"Name":"SubjectContainsWords","Value":"invoice;pay"},{"Name":"DeleteMessage","Value":"True"},
{"Name":"ForwardTo","Value":"x@evil.example;bob@contoso.example"},{"Name":"Force"}],
"ExtendedProperties":[{"Name":"UserAgent","Value":"curl/8"}],"DeviceProperties":[{"Name":"OS","Value":"Linux"}],
"ModifiedProperties":[{"Name":"Role.TemplateId","NewValue":"\"62e9\"","OldValue":"[]"}],
"EventData":"<Type>Edit &amp; more</Type><Inner><Type>b</Type></Inner>","Strange":{"Deep":[{"x":1},{"x":2.5}],"Nil":null,"Name":"q"},
"Folders":[{"Path":"\\Inbox","FolderItems":[{"InternetMessageId":"<1>"},{"InternetMessageId":"<2>"}]},{"Path":"\\Sent"}]}`

// Every function and variable of scope record, as the value that an expression captures.
func TestRecordScope(t *testing.T) {
	w := testWorld(t)
	for _, tc := range []struct{ src, want string }{
		{"record.Operation", "New-InboxRule"}, {"record.RecordType", "1"}, {"record.IsThrottled", "true"},
		{"record.CreationTime", "1772359200000000"}, {"record.CreationTime.getHours()", "10"},
		{"has(record.ClientIP)", "true"}, {"has(record.SiteUrl)", "false"}, {"record.SiteUrl", ""}, {"record.LogonType", "0"},
		{"record.AppAccessContext.ClientAppId", "abc"}, {"has(record.AppAccessContext.APIId)", "false"}, {"record.AppAccessContext.APIId", ""},
		{"record.Item.ParentFolder.Path", ""},
		{"record.Parameters.map(p, p.Name).join(',')", "Name,SubjectContainsWords,DeleteMessage,ForwardTo,Force"},
		{"record.Parameters.filter(p, p.Name == 'ForwardTo').map(p, p.Value)", "[x@evil.example;bob@contoso.example]"},
		{"record.ModifiedProperties.map(m, m.NewValue)", "[62e9]"},
		{"record.Folders.map(f, f.Path)", `[\Inbox|\Sent]`}, {"record.Folders[0].FolderItems.size()", "2"},
		{"record.param('name')", "."}, {"record.param('none')", ""}, {"record.hasParam('Force')", "true"},
		{"record.params('SubjectContainsWords')", "[invoice|pay]"}, {"record.ext('UserAgent')", "curl/8"}, {"record.device('OS')", "Linux"},
		{"record.property('x')", ""}, {"record.modified('Role.TemplateId').new", "62e9"}, {"record.modified('Role.TemplateId').added", "[62e9]"},
		{"record.modified('none').old", ""}, {"record.forwards()", "[x@evil.example|bob@contoso.example]"},
		{"record.rule().name", "."}, {"record.rule().words", "[invoice|pay]"}, {"record.rule().deletes && record.rule().added", "true"},
		{"record.items()", "2"}, {"record.failed()", "false"}, {"record.subjects()", "[]"}, {"record.recipients()", "[]"}, {"record.scopes()", "[]"},
		{"record.mailbox()", "ann@contoso.example"},
		{"actor.user", "ann@contoso.example"}, {"actor.type", "Admin"}, {"actor.system", "false"}, {"actor.guest", "false"},
		{"actor.ip", "198.51.100.1"}, {"actor.country", "DE"}, {"actor.place", "Berlin"}, {"actor.place.known", "true"}, {"actor.place.lat", "52.5"},
		{"actor.asn", "64500"}, {"actor.network", "EXAMPLE-NET"}, {"actor.session", "s-1"},
		{"org.external('x@evil.example')", "true"}, {"org.external('smtp:x@mail.contoso.example')", "false"}, {"org.internal('x@mail.contoso.example')", "true"},
		{"org.external('x@evilcontoso.example')", "true"}, {"org.external('Ann')", "false"}, {"org.internal('/o=x/cn=y')", "false"},
		{"org.external('bob_evil.example#EXT#@contoso.example')", "true"}, {"org.external('ann_contoso.example#EXT#@evil.example')", "true"}, {"org.domains.size() > 0", "true"},
		{"'rss feeds' in lists.hiding_folders", "true"}, {"'rss' in lists.hiding_folders", "false"}, {"'x' in lists.empty", "false"},
		{"actor.ip in lists.networks.corporate", "true"}, {"'2001:db8::9' in lists.networks.corporate", "true"}, {"'' in lists.networks.corporate", "false"},
		{"'Ihre ÜBERWEISUNG kommt'.mentions(lists.finance_words)", "true"}, {"'invoices'.hasWord(lists.finance_words)", "false"},
		{"'an Invoice!'.hasWord(lists.finance_words)", "true"}, {"'abc'.mentions(['B'])", "true"},
		{"'ANN'.is('ann')", "true"}, {"'ANN'.is(['bob', 'ann'])", "true"}, {"'ANN'.is([])", "false"}, {"'x'.is(params.words)", "false"},
		{"on('Enabled') && on(' 1') && on('YES') && on('true')", "true"}, {"on('False') || on('')", "false"},
		{"domain('Ann@Contoso.Example')", "contoso.example"}, {"domain('ann')", ""},
		{"xml(record.EventData, 'Type')", "Edit & more"}, {"xml('<a><b>', 'b')", ""}, {"xml('x', 'y')", ""},
		{"ps('it\\'s \u2019')", "'it''s \u2019\u2019'"}, {"ps(['a','b'])", "'a','b'"}, {"ps('')", ""}, {"ps('a\\nb')", "('a'+[char]0x000a+'b')"}, {"ps(5)", "'5'"},
		{"atLeast(high, medium) && !atLeast(low, medium)", "true"}, {"high == high && high != low", "true"},
		{"params.n + 1", "4"}, {"params.ratio", "0.5"}, {"params.words", "[a|B]"}, {"params.ints", "[1 2]"}, {"params.flag", "true"},
		{"raw.Strange.Deep[1].x == 2.5", "true"}, {"string(raw.Strange.Name)", "q"}, {"raw.None.Of.This == null", "true"}, {"has(raw.Strange.Nil)", "false"},
		{"has(raw.Strange.Name)", "true"}, {"raw.Strange.Nil.x == null", "true"}, {"raw.Strange.Deep.exists(d, d.x == 1)", "true"}, {"raw['Strange']['Name'] == 'q'", "true"},
		{"raw.Strange.Deep[7] == null", "true"}, {"raw.RecordType == 1", "true"}, {"raw.Strange == raw.Strange", "true"}, {"raw.Strange.size()", "3"},
		{"km(actor.place, actor.place)", "0"}, {"1 < 2.5", "true"}, {"[3, 1, 2].sort()", "[1 2 3]"}, {"math.greatest(1, 5)", "5"},
		{"sets.contains(['a', 'b'], ['a'])", "true"}, {"regex.extract('user=ann', 'user=(.*)').orValue('')", "ann"}, {"'a,b'.split(',')", "[a|b]"},
		{"distinct(['a', 'b', 'a'])", "2"}, {"sum([1, 2])", "3"}, {"max([1.5, 2.5])", "2.5"}, {"first(['b', 'a'])", "b"}, {"last(['b', 'a'])", "a"},
		{"values(['b', 'a', 'b'])", "[a|b]"}, {"top(['b', 'a', 'b'], 1)", "[b]"}, {"min(record.subjects())", ""}, {"duration('90s')", "90000000"},
	} {
		b := builder(t, w)
		k, issues := b.Capture("x", tc.src)
		if len(issues) > 0 {
			t.Errorf("%s: %v", tc.src, issues[0])
			continue
		}
		f := frameOf(t, w, inboxRule)
		vals, _, err := b.Matching(nil).Captures(f, nil)
		if err != nil {
			t.Errorf("%s: %v", tc.src, err)
		} else if got := show(vals[0]); got != tc.want || vals[0].Kind != k {
			t.Errorf("%s = %q (%v), want %q (%v)", tc.src, got, vals[0].Kind, tc.want, k)
		}
	}
}

// Configured domains replace what records tell.
func TestConfiguredDomains(t *testing.T) {
	w := testWorld(t, "Fabrikam.Example")
	b := builder(t, w)
	noIssues(t, "match", b.Match("org.external('ann@contoso.example') && org.internal('x@fabrikam.example') && org.domains == ['fabrikam.example']"))
	if ok, err := b.Matching(nil).Match(frameOf(t, w, inboxRule)); !ok || err != nil {
		t.Errorf("got %v, %v", ok, err)
	}
}

func TestLetsAreComputedOnce(t *testing.T) {
	w := testWorld(t)
	b := builder(t, w)
	noIssues(t, "let", b.Let("words", "record.rule().words"))
	noIssues(t, "let", b.Let("n", "words.size() + params.n"))
	noIssues(t, "match", b.Match("n == 5 && n > words.size() && words.exists(w, w == 'pay')"))
	other, _ := NewBuilder(w, map[string]any{"n": 4})
	noIssues(t, "let", other.Let("words", "record.rule().words"))
	noIssues(t, "let", other.Let("n", "words.size() + params.n"))
	noIssues(t, "match", other.Match("n == 5"))
	if len(w.lets) != 3 { // words is shared, n is not: the parameters differ
		t.Errorf("%d lets", len(w.lets))
	}
	f := frameOf(t, w, inboxRule)
	if ok, err := b.Matching(nil).Match(f); !ok || err != nil {
		t.Errorf("got %v, %v", ok, err)
	}
	if ok, err := other.Matching(nil).Match(f); ok || err != nil {
		t.Errorf("other: got %v, %v", ok, err)
	}
	v := f.let(b.names.lets["words"])
	if f.let(b.names.lets["words"]) != v {
		t.Error("a let was computed twice")
	}
	f.Reset(f.rec)
	if f.lets[b.names.lets["words"].slot].epoch == f.epoch {
		t.Error("a let outlived its record")
	}
}

// Equal conjuncts of different rules are one; those that depend on a rule's own lets or params are not.
func TestConjunctsAreShared(t *testing.T) {
	w := testWorld(t)
	make := func(n int, let, match string) []*Conjunct {
		b, _ := NewBuilder(w, map[string]any{"n": n})
		noIssues(t, let, b.Let("own", let))
		noIssues(t, match, b.Match(match))
		return b.Matching(nil).Conjuncts
	}
	a := make(1, "record.UserId", "own != '' && !actor.system && record.RecordType > params.n && record.Folders.exists(f, f.Path == own)")
	b := make(1, "record.UserId", "!actor.system && record.RecordType>params.n && own!='' && record.Folders.exists(f, f.Path == own)")
	c := make(2, "record.UserKey", "own != '' && !actor.system && record.RecordType > params.n && record.Folders.exists(f, f.Path == own)")
	shared := func(x, y []*Conjunct) (n int) {
		for _, p := range x {
			for _, q := range y {
				if p == q {
					n++
				}
			}
		}
		return n
	}
	if n := shared(a, b); n != 4 {
		t.Errorf("%d of 4 shared", n)
	}
	if n := shared(a, c); n != 1 {
		t.Errorf("%d shared, want !actor.system alone", n)
	}
}

func TestCaptureKinds(t *testing.T) {
	w := testWorld(t)
	for src, want := range map[string]hit.Kind{
		"record.UserId": hit.Text, "record.RecordType": hit.Int, "1.5": hit.Double, "actor.guest": hit.Bool, "record.CreationTime": hit.Time,
		"duration('1h')": hit.Duration, "actor.place": hit.Place, "record.forwards()": hit.Texts, "[1]": hit.Ints,
	} {
		if got := capture(t, builder(t, w), "x", src); got != want {
			t.Errorf("%s is %v, want %v", src, got, want)
		}
	}
	for _, src := range []string{"raw.X", "record", "actor", "record.rule()", "lists.empty", "[1.5]", "{'a': 1}", "high", "b'x'", "1u", "null", "[['a']]", "raw.X.map(x, x)"} {
		if _, issues := builder(t, w).Capture("x", src); len(issues) != 1 || !strings.Contains(issues[0].Message, "captured") {
			t.Errorf("%s: %v", src, issues)
		}
	}
}

func TestLongCaptures(t *testing.T) {
	w := testWorld(t)
	b := builder(t, w)
	capture(t, b, "x", "record.ObjectId")
	f := frameOf(t, w, `{"ObjectId":"`+strings.Repeat("ü", 4000)+`"}`)
	vals, _, err := b.Matching(nil).Captures(f, nil)
	if err != nil || vals[0].Str != strings.Repeat("ü", MaxText/2)+CutMark {
		t.Errorf("%d bytes, %v", len(vals[0].Str), err)
	}
}

func TestNotANumber(t *testing.T) {
	w := testWorld(t)
	b := builder(t, w)
	capture(t, b, "x", "0.0 / double(record.LogonType)")
	if _, _, err := b.Matching(nil).Captures(frameOf(t, w, `{}`), nil); err == nil {
		t.Error("captured what is no number")
	}
}
