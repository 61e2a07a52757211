package expr

import (
	"strings"
	"testing"

	"detect/rules/hit"
)

// No text makes the compiler panic; issues lie inside the text; and what compiles evaluates without panic.
func FuzzCompile(f *testing.F) {
	for _, s := range append(append([]string(nil), simple...), complexOnes...) {
		f.Add(s)
	}
	for _, s := range []string{"", "a and b", "record.UserId <> 'x", "((((", "'\\", "\u2018x\u2019", "{'a': 1}.a", "[1, 2].map(x, x * 2)", "record.?UserId.orValue('')",
		"distinct(file) >= 3 && count > 2", "sumBy(size, file) > 3", "hits.exists(h, h.file == 'x')", "has(raw.a.b)", "ps(file)", "high", "x.exists(", "record.Parameters.exist(p, p.Name)",
		"duration('1d')", "record.UserId == null", "lists.networks", "params", "!", "-", "1u + 2u", "b'\\xff'", "optional.of(1).value()", "lists.range(1000000)", "[[1]].flatten()", "type(1)", "cel.bind(x, 1, x)"} {
		f.Add(s)
	}
	w := testWorld(f)
	frame := frameOf(f, w, inboxRule)
	win := &hit.Window{Key: hit.EncodeKey("u", "i"), Hits: hitsOf(row("a", 1, "x"), row("b", 2))}
	base := windowRule(f, w)
	noIssues(f, "let", base.Let("isAnn", "actor.user == 'ann'"))
	f.Fuzz(func(t *testing.T, src string) {
		b := *base
		check := func(issues []Issue) bool {
			for _, i := range issues {
				if i.Offset < 0 || i.Offset > i.End || i.End > len(src) || i.Message == "" {
					t.Fatalf("%q: issue %+v", src, i)
				}
			}
			return len(issues) == 0
		}
		if check(b.Match(src)) {
			_, _ = b.Matching(nil).Match(frame)
		}
		if h, issues := b.Having(src); check(issues) {
			_, _ = h.Eval(win)
		}
		if e, issues := b.Alert(src); check(issues) {
			_, _ = e.Eval(view(&b, win.Hits, win.Key))
		}
		if c, issues := b.compile(b.record, src, nil); check(issues) {
			v, err := c.eval(frame)
			if err != nil && strings.Contains(err.Error(), "internal error") {
				t.Fatalf("%q: %v", src, err)
			}
			if k := typeKind(c.typ); err == nil && k != hit.None {
				_, _ = captureValue(v, k)
			}
		}
	})
}
