package expr

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"detect/internal/geo"
	"detect/rules/hit"
)

// windowRule is a rule with captures of several kinds.
func windowRule(t testing.TB, w *World) *Builder {
	b := builder(t, w)
	capture(t, b, "file", "record.ObjectId")
	capture(t, b, "size", "record.items()")
	capture(t, b, "words", "record.subjects()")
	capture(t, b, "share", "double(record.RecordType) / 2.0")
	capture(t, b, "ip", "actor.ip")
	noIssues(t, "by", b.By("user"))
	noIssues(t, "by", b.By("ip"))
	return b
}

func row(file string, size int64, words ...string) []hit.Value {
	return []hit.Value{hit.OfText(file), hit.OfInt(size), hit.OfTexts(words), hit.OfDouble(float64(size) / 4), hit.OfText("192.0.2.1")}
}

func TestWindowScope(t *testing.T) {
	b := windowRule(t, testWorld(t))
	win := &hit.Window{Key: hit.EncodeKey("ann@contoso.example", "192.0.2.1"), Hits: hitsOf(
		row("b", 5, "x", "y"), row("a", 1), row("b", 7, "x"), row("c", 2, "z"))}
	for _, src := range []string{
		"count == 4", "distinct(file) == 3", "sum(size) == 15", "min(size) == 1 && max(size) == 7", "max(file) == 'c'", "sum(share) == 3.75",
		"first(file) == 'b' && last(file) == 'c'", "values(file) == ['a', 'b', 'c']", "top(file, 2) == ['b', 'a']", "top(file, 0) == []",
		"distinct(words) == 3", "words == ['x', 'y', 'x', 'z']", "file == ['b', 'a', 'b', 'c']", "'a' in file && !('q' in file)", "file.exists(f, f == 'a')",
		"file.size() == 4 && file[1] == 'a'", "span == duration('3s')", "first == timestamp('1970-01-01T00:00:01Z') && last - first == span",
		"user == 'ann@contoso.example'", "ip == '192.0.2.1'", "hits.size() == 4", "hits[0].file == 'b' && hits[0].words == ['x', 'y']",
		"hits.filter(h, h.size > 2).size() == 2", "hits[3].time == last", "hits.map(h, h.time).all(t, t >= first)", "hits.exists(h, h.ip == ip)",
		"sumBy(size, file) == 1 + 7 + 2", "sumBy(size, words) == 7 + 5 + 2", "sumBy(share, file) == 2.5", "params.n == 3", "'x' in lists.empty == false",
		"distinct(file.filter(f, f != 'a')) == 2", "5.0 * sum(share) > 18.0", "sum(size) > 14.5", "max(hits.map(h, h.size)) == 7",
	} {
		h, issues := b.Having(src)
		if len(issues) > 0 {
			t.Errorf("%s: %v", src, issues[0])
			continue
		}
		if ok, err := h.Eval(win); !ok || err != nil {
			t.Errorf("%s: %v, %v", src, ok, err)
		}
	}
	// Of an empty column the zero value.
	empty := &hit.Window{Key: win.Key, Hits: hitsOf(row("b", 1))}
	for _, src := range []string{"max(words) == '' && min(words) == '' && first(words) == '' && last(words) == ''", "values(words) == [] && distinct(words) == 0"} {
		h, issues := b.Having(src)
		noIssues(t, src, issues)
		if ok, err := h.Eval(empty); !ok || err != nil {
			t.Errorf("%s: %v, %v", src, ok, err)
		}
	}
	h, issues := b.Having("hits[9].size > 1")
	noIssues(t, "index", issues)
	if ok, err := h.Eval(win); ok || err == nil {
		t.Errorf("an index out of range: %v, %v", ok, err)
	}
}

// Over a window nobody can tell what is inside the tenant if that is not configured: an error, not a guess.
func TestDomainsOverWindows(t *testing.T) {
	win := &hit.Window{Key: hit.EncodeKey("u", "i"), Hits: hitsOf(row("x@evil.example", 1))}
	h, issues := windowRule(t, testWorld(t)).Having("file.exists(f, org.external(f))")
	noIssues(t, "having", issues)
	if ok, err := h.Eval(win); ok || err == nil || !strings.Contains(err.Error(), "domains") {
		t.Errorf("got %v, %v", ok, err)
	}
	h, issues = windowRule(t, testWorld(t, "contoso.example")).Having("file.exists(f, org.external(f))")
	noIssues(t, "having", issues)
	if ok, err := h.Eval(win); !ok || err != nil {
		t.Errorf("configured: %v, %v", ok, err)
	}
}

func TestColumnIsBounded(t *testing.T) {
	b := windowRule(t, testWorld(t))
	h, issues := b.Having("!(first(words) == 'q') && distinct(words) > 0")
	noIssues(t, "having", issues)
	rows := make([][]hit.Value, MaxColumn/MaxElements)
	for i := range rows {
		rows[i] = row("a", 1, slices.Repeat([]string{"x"}, MaxElements)...)
	}
	if ok, err := h.Eval(&hit.Window{Hits: hitsOf(rows...)}); !ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
	if ok, err := h.Eval(&hit.Window{Hits: hitsOf(append(rows, row("a", 1, "x"))...)}); ok || err == nil || !strings.Contains(err.Error(), "more than 200000 values") {
		t.Errorf("%v, %v", ok, err)
	}
}

func TestPairScope(t *testing.T) {
	b := builder(t, testWorld(t))
	capture(t, b, "place", "actor.place")
	capture(t, b, "ip", "actor.ip")
	capture(t, b, "home", "actor.place")
	noIssues(t, "by", b.By("user"))
	far, issues := b.Neighbours("prev.ip != ip && km(prev.place, place) > 500 && kmh(prev.place, place, gap) > 900 && user == 'ann' && gap > duration('1s')")
	noIssues(t, "neighbours", issues)
	if !reflect.DeepEqual(b.places, []int{0}) {
		t.Errorf("places %v, want those of the expression alone", b.places)
	}
	berlin, sydney := testPlaces["198.51.100.1"], testPlaces["203.0.113.7"]
	hits := hitsOf([]hit.Value{hit.OfPlace(berlin), hit.OfText("a"), hit.OfPlace(geo.Place{})}, []hit.Value{hit.OfPlace(sydney), hit.OfText("b"), hit.OfPlace(geo.Place{})})
	pair := &hit.Pair{Key: hit.EncodeKey("ann"), Prev: hits[0], Cur: hits[1], Gap: 2e6}
	if ok, err := far(pair); !ok || err != nil {
		t.Errorf("got %v, %v", ok, err)
	}
	near := *pair
	near.Cur = hits[0]
	if ok, err := far(&near); ok || err != nil {
		t.Errorf("same place: %v, %v", ok, err)
	}
	title, issues := b.Alert("prev.place.city + ' to ' + cur.place.city + ' in ' + string(gap)")
	noIssues(t, "alert", issues)
	if got, err := title.Eval(&hit.View{Key: pair.Key, Pair: pair}); got != "Berlin to Sydney in 2s" || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := title.Eval(&hit.View{Key: pair.Key}); err == nil {
		t.Error("a view without a pair gave a pair")
	}
}

func view(b *Builder, hits []*hit.Hit, key string) *hit.View {
	v := &hit.View{Key: key, Count: int64(len(hits)), First: hits[0].Time, Last: hits[len(hits)-1].Time}
	for i, k := range b.kinds {
		c := hit.Column{Kind: k.Element()}
		for _, h := range hits {
			h.Values[i].Each(func(e hit.Value) { c.Bare = append(c.Bare, e) })
		}
		fillColumn(&c)
		v.Columns = append(v.Columns, c)
	}
	return v
}

func TestAlertScope(t *testing.T) {
	b := windowRule(t, testWorld(t))
	hits := hitsOf(row("b", 5, "x", "y"), row("a", 1), row("b", 7, "x"), row("c", 2, "z"))
	sums, issues := b.Alert("sumBy(size, file)")
	noIssues(t, "sumBy", issues)
	if !reflect.DeepEqual(b.SumBy(), []SumBy{{1, 0}}) {
		t.Fatalf("sums %v", b.SumBy())
	}
	v := view(b, hits, hit.EncodeKey("ann", "192.0.2.1"))
	v.SumBy = []float64{10}
	// What the column says counts, not what its list shows.
	v.Columns[1].Sum, v.Columns[0].Distinct = 1500, 1234
	for src, want := range map[string]any{
		"count": int64(4), "distinct(file)": int64(1234), "sum(size)": int64(1500), "user": "ann", "ip": "192.0.2.1",
		"span": 3 * time.Second, "first": time.Unix(1, 0).UTC(), "top(file, 2)": []string{"b", "a"}, "values(words)": []string{"x", "y", "z"},
		"max(size)": int64(7), "first(file)": "b", "last(file)": "c", "count > 3": true, "sum(share)": 3.75, "high": hit.High,
		"[1, 2]": []int64{1, 2}, "ps(first(file))": "'b'", "ps(file)": "'b','a','b','c'", "ps('')": "",
	} {
		e, issues := b.Alert(src)
		if len(issues) > 0 {
			t.Errorf("%s: %v", src, issues[0])
			continue
		}
		if got, err := e.Eval(v); !reflect.DeepEqual(got, want) || err != nil {
			t.Errorf("%s = %#v, %v; want %#v", src, got, err, want)
		}
		if e.PS != strings.HasPrefix(src, "ps(") {
			t.Errorf("%s: PS is %v", src, e.PS)
		}
	}
	if got, err := sums.Eval(v); got != int64(10) || err != nil {
		t.Errorf("sumBy = %v, %v", got, err)
	}
	bare, _ := b.Alert("file")
	if got, _ := bare.Eval(v); got != &v.Columns[0] {
		t.Errorf("a bare list gave %#v", got)
	}
	one, _ := b.Alert("ps(file)")
	if got, _ := one.Eval(OneSet(v, hits[1].Values)); got != "'a'" {
		t.Errorf("one set gave %v", got)
	}
	for src, want := range map[string]hit.Severity{"high": hit.High, "count > 3 ? critical : low": hit.Critical, "distinct(file) > 9999 ? high : medium": hit.Medium} {
		s, issues := b.AlertSeverity(src)
		noIssues(t, src, issues)
		if got, err := s.Eval(v); got != want || err != nil {
			t.Errorf("%s = %v, %v", src, got, err)
		}
		if s.Constant != (src == "high") {
			t.Errorf("%s: constant is %v", src, s.Constant)
		}
	}
}

// In scope hit captures are as they are and win over built-in names.
func TestHitScope(t *testing.T) {
	w := testWorld(t)
	b := builder(t, w)
	noIssues(t, "let", b.Let("words", "record.rule().words"))
	noIssues(t, "let", b.Let("loud", "words.size() > 1"))
	capture(t, b, "words", "words.map(w, w.upperAscii())")
	capture(t, b, "target", "'own'")
	for _, src := range []string{"words == ['INVOICE', 'PAY']", "loud", "target == 'own'", "user == 'ann@contoso.example'", "operation == 'New-InboxRule'",
		"country == 'DE' && workload == 'Exchange' && ip == '198.51.100.1'", "record.Operation == operation && actor.user == user"} {
		noIssues(t, src, b.Except(src, 0))
	}
	noIssues(t, "until", b.Except("true", 1772359200000000))
	_, issues := b.HitSeverity("loud && words[0] == 'INVOICE' ? high : low")
	noIssues(t, "severity", issues)
	m := b.Matching(nil)
	f := frameOf(t, w, inboxRule)
	vals, _, err := m.Captures(f, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range b.exceptions[:len(b.exceptions)-1] {
		if ok, err := truthOf(m.inHit(f, b.exceptions[i].code, vals)); !ok || err != nil {
			t.Errorf("exception %d: %v, %v", i, ok, err)
		}
	}
	m.exceptions = m.exceptions[len(m.exceptions)-1:]
	if i, _ := m.Excepted(f, 1772359200000000-1, vals); i != 0 {
		t.Error("not hidden before the end")
	}
	if i, _ := m.Excepted(f, 1772359200000000, vals); i != -1 {
		t.Error("hidden at the end")
	}
	if s, err := m.Severity(f, vals); s != hit.High || err != nil {
		t.Errorf("severity %v, %v", s, err)
	}
}

func TestKeys(t *testing.T) {
	w := testWorld(t)
	for _, tc := range []struct {
		by   string
		want []string
	}{
		{"", []string{""}}, {"user", []string{hit.EncodeKey("ann@contoso.example")}}, {"user,words", []string{hit.EncodeKey("ann@contoso.example", "invoice"), hit.EncodeKey("ann@contoso.example", "pay")}},
		{"n,words,flag", []string{hit.EncodeKey("2", "invoice", "true"), hit.EncodeKey("2", "pay", "true")}}, {"site", nil}, {"user,site", nil}, {"none", nil}, {"user,none", nil},
	} {
		b := builder(t, w)
		capture(t, b, "words", "record.rule().words + ['', 'invoice']")
		capture(t, b, "none", "record.subjects()")
		capture(t, b, "n", "record.rule().words.size()")
		capture(t, b, "flag", "true")
		for _, name := range strings.FieldsFunc(tc.by, func(r rune) bool { return r == ',' }) {
			noIssues(t, name, b.By(name))
		}
		f := frameOf(t, w, inboxRule)
		m := b.Matching(nil)
		vals, _, err := m.Captures(f, nil)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range m.Entities(f, vals, nil) {
			got = append(got, e.Key)
			for i, v := range m.Values(e, vals) {
				want := vals[i]
				if parts := hit.DecodeKey(e.Key); i == 0 && strings.Contains(tc.by, "words") {
					want = hit.OfTexts(parts[1:2]) // the list is narrowed to the entity's own element
				}
				if hit.CompareValues(v, want) != 0 {
					t.Errorf("by %s: capture %d of %q is %v, want %v", tc.by, i, e.Key, v, want)
				}
			}
		}
		if !reflect.DeepEqual(got, tc.want) {
			t.Errorf("by %s: %q, want %q", tc.by, got, tc.want)
		}
	}
}
