package expr

import (
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"detect/rules/hit"
)

func TestAnalysis(t *testing.T) {
	w := testWorld(t)
	for _, tc := range []struct {
		src        string
		rising     bool
		thresholds []Threshold
	}{
		{"count >= 3", true, []Threshold{{-1, 3}}}, {"count > 3", true, []Threshold{{-1, 4}}}, {"3 <= count", true, []Threshold{{-1, 3}}}, {"3 < count", true, []Threshold{{-1, 4}}},
		{"count >= params.n", true, []Threshold{{-1, 3}}}, {"count >= params.n * 2 + 1", true, []Threshold{{-1, 7}}}, {"count >= 2.5", true, []Threshold{{-1, 3}}}, {"count > 2.5", true, []Threshold{{-1, 3}}},
		{"distinct(file) >= 3 && count >= 5 && distinct(words) > 1", true, []Threshold{{0, 3}, {-1, 5}, {2, 2}}},
		{"distinct(file) >= 3 || count >= 5", true, nil}, {"count >= 3 && (sum(size) >= 100 || distinct(file) >= 2)", true, nil},
		{"sum(size) > 5000", true, nil}, {"sum(signed) >= 5", false, nil}, {"sum(share) >= 5.0", false, nil},
		{"max(signed) >= 5", true, nil}, {"max(signed) >= -5", true, nil}, {"min(signed) <= -5", true, nil}, {"min(signed) >= 5", false, nil}, {"max(signed) <= 5", false, nil},
		{"max(ints) >= 1", true, nil}, {"max(ints) >= 0", false, nil}, {"min(ints) < 0", true, nil}, {"min(ints) <= -1", true, nil}, {"min(ints) <= 0", false, nil},
		{"count == 3", false, nil}, {"count < 3", false, nil}, {"!(count < 3)", false, nil}, {"span > duration('1m')", false, nil}, {"count >= 3 && span > duration('1m')", false, nil},
		{"distinct(file) >= count", false, nil}, {"count >= size(file)", false, nil}, {"distinct(file.filter(f, f != '')) >= 2", false, nil}, {"max(file) >= 'b'", false, nil},
		{"count >= 3 && user == 'ann'", false, nil}, {"distinct(ip) >= 2", false, nil}, {"true", true, nil}, {"count >= 10 / 2", false, nil},
		{"hits.exists(h, h.size > 3)", false, nil}, {"count >= 3 ? true : false", false, nil}, {"sum(zero) >= 1", true, nil},
	} {
		b := windowRule(t, w)
		capture(t, b, "signed", "record.RecordType")
		capture(t, b, "ints", "[record.RecordType]")
		noIssues(t, "let", b.Let("pay", "record.forwards().size() * 2"))
		capture(t, b, "zero", "pay + (actor.system ? 0 : params.n)")
		src := strings.ReplaceAll(tc.src, "distinct(ip)", "distinct([ip])")
		h, issues := b.Having(src)
		if len(issues) > 0 {
			t.Errorf("%s: %v", tc.src, issues[0])
			continue
		}
		if h.Rising != tc.rising || !reflect.DeepEqual(h.Thresholds, tc.thresholds) || h.Why == "" {
			t.Errorf("%s: rising %v, thresholds %v, %s", tc.src, h.Rising, h.Thresholds, h.Why)
		}
	}
	b := windowRule(t, w)
	h, _ := b.Having("count >= 3 && span > duration('1m')")
	if !strings.Contains(h.Why, "span > duration('1m')") {
		t.Errorf("why: %s", h.Why)
	}
	for _, src := range []string{"count >= 1025", "count > 1024", "distinct(file) >= params.many", "count >= 3 || (count >= 5 && distinct(file) > 2e3)"} {
		if _, issues := b.Having(src); len(issues) != 1 || !strings.Contains(issues[0].Message, "never reached") {
			t.Errorf("%s: %v", src, issues)
		}
	}
	if _, issues := b.Having("count >= 1024 && sum(size) >= 100000"); len(issues) != 0 {
		t.Errorf("the greatest threshold: %v", issues)
	}
}

// drawHits draws hits of windowRule.
func drawHits(t *rapid.T, n int) []*hit.Hit {
	var rows [][]hit.Value
	for range rapid.IntRange(1, n).Draw(t, "hits") {
		words := rapid.SliceOfN(rapid.SampledFrom([]string{"x", "y", "z"}), 0, 2).Draw(t, "words")
		rows = append(rows, row(rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "file"), rapid.Int64Range(1, 4).Draw(t, "size"), words...))
	}
	return hitsOf(rows...)
}

// drawCondition draws a condition of the kinds that can be rising, and some that can't.
func drawCondition(t *rapid.T) string {
	atom := rapid.SampledFrom([]string{"count >= 3", "count > 2", "distinct(file) >= 2", "2 < distinct(file)", "distinct(words) >= 2", "sum(size) >= 6", "max(size) >= 4",
		"min(size) <= 1", "max(size) > 0", "count < 4", "min(size) > 1", "span >= duration('2s')", "first(file) == 'a'", "distinct(words) >= 0", "count >= params.n"})
	src := atom.Draw(t, "atom")
	for range rapid.IntRange(0, 3).Draw(t, "more") {
		src = "(" + src + rapid.SampledFrom([]string{" && ", " || "}).Draw(t, "op") + atom.Draw(t, "atom") + ")"
	}
	return src
}

// What is called rising never falls as hits are added anywhere, and thresholds say what cel-go says.
func TestRisingRises(t *testing.T) {
	w := testWorld(t)
	type compiled struct {
		h     Having
		plain func(*hit.Window) (bool, error)
	}
	cache := map[string]compiled{}
	b := windowRule(t, w)
	rapid.Check(t, func(t *rapid.T) {
		src := drawCondition(t)
		c, ok := cache[src]
		if !ok {
			h, issues := b.Having(src)
			if len(issues) > 0 {
				t.Fatalf("%s: %v", src, issues[0])
			}
			s, cast, _ := b.windowScope()
			code, _ := b.compile(s, src, nil)
			c = compiled{h, func(win *hit.Window) (bool, error) {
				return truthOf(code.on(&stage{world: w, cast: cast, scene: scene{hits: win.Hits}, key: win.Key}))
			}}
			cache[src] = c
		}
		hits := drawHits(t, 6)
		key := hit.EncodeKey("ann", "192.0.2.1")
		all, err := c.h.Eval(&hit.Window{Key: key, Hits: hits})
		if err != nil {
			t.Fatal(err)
		}
		if plain, err := c.plain(&hit.Window{Key: key, Hits: hits}); err != nil || plain != all {
			t.Fatalf("%s: %v, cel-go %v, %v", src, all, plain, err)
		}
		if !c.h.Rising || all || len(hits) == 1 {
			return
		}
		i := rapid.IntRange(0, len(hits)-1).Draw(t, "without")
		fewer := append(append([]*hit.Hit(nil), hits[:i]...), hits[i+1:]...)
		if before, _ := c.h.Eval(&hit.Window{Key: key, Hits: fewer}); before {
			t.Fatalf("%s is called rising and fell", src)
		}
	})
}
