package rules

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"detect/rules/hit"
)

func load(t testing.TB, texts ...string) (*Set, Faults) {
	t.Helper()
	o := Options{Lists: map[string][]string{"sync_clients": {"OneDrive"}}, Files: []File{}}
	for i, text := range texts {
		o.Files = append(o.Files, File{Name: string(rune('a'+i)) + ".yaml", Text: []byte(text)})
	}
	return Load(o)
}

func mustLoad(t testing.TB, texts ...string) *Set {
	t.Helper()
	set, faults := load(t, texts...)
	if len(faults) > 0 {
		t.Fatal(faults.Detail())
	}
	return set
}

const sample = `id: many-files
title: Many files
description: Somebody takes many files.
severity: high
attack: [T1114.003, exfiltration/T1567]
false_positives: [a move]
params: {files: 50}
operations: [FileDownloaded, "File*"]
let: {person: "!actor.system"}
match: person
capture: {file: record.ObjectId, ip: actor.ip}
by: [user]
within: 10m
having: distinct(file) >= params.files
alert:
  title: "{{user}} took {{distinct(file)}} files: {{file}}"
  respond: |
    Get-File {{ps(first(file))}}
    Block {{ps(first(ip))}}
`

func TestLoad(t *testing.T) {
	set := mustLoad(t, sample)
	r := set.Rules[0]
	if r.ID != "many-files" || r.Kind != Window || !r.Rising || r.Matching == nil || r.Risk != 40 || r.Status != Stable || r.File != "a.yaml" || r.Line != 1 {
		t.Errorf("%+v", r)
	}
	hour := int64(3600_000_000)
	if r.Within != hour/6 || r.Quiet != hour || r.Longest != 7*24*hour {
		t.Errorf("within %d, quiet %d, longest %d", r.Within, r.Quiet, r.Longest)
	}
	if d := cmp.Diff([]Technique{{"collection", "T1114.003"}, {"exfiltration", "T1567"}}, r.Attack); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]Capture{{"file", hit.Text}, {"ip", hit.Text}}, r.Captures); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]Threshold{{Column: 0, N: 50}}, r.Thresholds); d != "" {
		t.Error(d)
	}
	for _, want := range []string{"many-files: window, stable", "window of 10 min, decided at once", "about: user", "file (text), ip (text)"} {
		if !strings.Contains(r.Summary(), want) {
			t.Errorf("%q is not in\n%s", want, r.Summary())
		}
	}
	if r.Source() != sample {
		t.Errorf("source:\n%s", r.Source())
	}
}

func TestTimes(t *testing.T) {
	f := func(extra string, quiet, longest time.Duration) {
		t.Helper()
		r := mustLoad(t, "id: a\ntitle: a\nseverity: low\noperations: any\n"+extra).Rules[0]
		if r.Quiet != quiet.Microseconds() || r.Longest != longest.Microseconds() {
			t.Errorf("%s: quiet %v, longest %v", extra, time.Duration(r.Quiet*1000), time.Duration(r.Longest*1000))
		}
	}
	const day = 24 * time.Hour
	f("", time.Hour, 7*day)
	f("quiet: 30d\n", 30*day, 30*day)
	f("quiet: 0s\n", 0, 7*day)
	f("within: 3h\nhaving: count >= 2\n", 3*time.Hour, 7*day)
	f("within: 10m\nhaving: count >= 2\nquiet: 10m\nlongest: 1d\n", 10*time.Minute, day)
}

func TestRisk(t *testing.T) {
	f := func(severity, more string, view hit.Severity, want int) {
		t.Helper()
		r := mustLoad(t, "id: a\ntitle: a\nseverity: "+severity+"\noperations: any\n"+more).Rules[0]
		d, err := r.Describe(&hit.View{Severity: view})
		if err != nil || d.Risk != want {
			t.Errorf("%s: risk %d, %v", severity, d.Risk, err)
		}
	}
	f("info", "", hit.Info, 1)
	f("critical", "", hit.Critical, 70)
	f("critical", "risk: 7", hit.Critical, 7)
	f("high", "risk: 0", hit.High, 0)
	f("'actor.system ? low : high'", "", hit.High, 40)
}

// A rule at fault is not loaded, and hides none of the others.
func TestFaultsOfOneRuleStopNoOther(t *testing.T) {
	set, faults := load(t, "id: broken\ntitle: x\nseverity: high\noperations: [X]\nmatch: nonsense\n---\n"+sample+"---\n: [\n", "x: y: z\n", strings.Replace(sample, "many-files", "other", 1))
	if len(set.Rules) != 2 || set.Rules[0].ID != "many-files" || set.Rules[1].ID != "other" || set.Rules[1].Index != 1 {
		t.Errorf("%d rules", len(set.Rules))
	}
	if len(faults) != 3 {
		t.Errorf("faults:\n%s", faults.Detail())
	}
}

func TestDescribe(t *testing.T) {
	r := mustLoad(t, sample).Rules[0]
	texts := func(l ...string) (vs []hit.Value) {
		for _, s := range l {
			vs = append(vs, hit.OfText(s))
		}
		return vs
	}
	file := hit.Column{Kind: hit.Text, Bare: texts("b", "a", "b"), Len: 3, Distinct: 2,
		Counts: []hit.Count{{Value: hit.OfText("a"), N: 1}, {Value: hit.OfText("b"), N: 2}}, First: hit.OfText("b"), Last: hit.OfText("b")}
	view := &hit.View{Key: hit.EncodeKey("ann@contoso.example"), Count: 3, First: 0, Last: 60_000_000, Columns: []hit.Column{file, {Kind: hit.Text}},
		Sets: [][]hit.Value{texts("b's", "192.0.2.1"), texts("a", ""), texts("a", "")}}
	d, err := r.Describe(view)
	if err != nil {
		t.Fatal(err)
	}
	want := Description{Title: "ann@contoso.example took 2 files: b, a", Severity: hit.High, Risk: 40,
		Respond: "Get-File 'b''s'\nBlock '192.0.2.1'\nGet-File 'a'"}
	if diff := cmp.Diff(want, d); diff != "" {
		t.Error(diff)
	}
}

func TestOverride(t *testing.T) {
	set := mustLoad(t, "override: many-files\nset: {severity: low, params: {files: 200}, risk: 9}\nexcept:\n  - {name: a, when: user == 'x', reason: r, owner: o, expires: 2026-12-31}\n",
		sample, "override: many-files\nset: {status: staged}\n")
	r := set.Rules[0]
	if r.Severity != "low" || r.Risk != 9 || r.Status != Staged || r.Thresholds[0].N != 200 || len(r.Exceptions) != 1 {
		t.Errorf("%+v", r)
	}
	if end := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro(); r.Exceptions[0].Until != end {
		t.Errorf("until %d, want %d", r.Exceptions[0].Until, end)
	}
	off := mustLoad(t, sample, "override: many-files\nset: {status: disabled}\n")
	if len(off.Rules) != 0 || len(off.Disabled) != 1 || off.Rule("many-files") == nil {
		t.Error("a disabled rule runs")
	}
}

func TestOnly(t *testing.T) {
	set := mustLoad(t, sample, strings.Replace(sample, "many-files", "other", 1))
	one, err := set.Only("other")
	if err != nil || len(one.Rules) != 1 || one.Rules[0].Index != 0 || set.Rules[1].Index != 1 {
		t.Errorf("%v, %v", one, err)
	}
	if _, err := set.Only("othr"); err == nil || err.Error() != `no rule "othr"; did you mean "other"?` {
		t.Error(err)
	}
}

// What the version says: the rule's meaning and its state's form, nothing else.
func TestVersion(t *testing.T) {
	base := mustLoad(t, sample).Rules[0].Version
	f := func(from, to string, same bool) {
		t.Helper()
		text := strings.Replace(sample, from, to, 1)
		if text == sample {
			t.Fatalf("%q is not in the sample", from)
		}
		if got := mustLoad(t, text).Rules[0].Version; (got == base) != same {
			t.Errorf("%q for %q: same version is %v", to, from, got == base)
		}
	}
	f("title: Many files", "title: Few files", true)
	f("severity: high", "severity: low\nstatus: staged\nrisk: 4", true)
	f("took", "stole", true)
	f("    Block", "    Unblock", true)
	f("Somebody takes", "No one takes", true)
	f("attack: [T1114.003, exfiltration/T1567]\n", "", true)
	f("by: [user]\n", "by: [user]\nexcept: [{name: a, when: user == 'x', reason: r, owner: o}]\n", true)
	f("by: [user]\n", "by: [user]\ntests: [{name: a, records: [], alerts: []}]\n", true)
	f("match: person", "match: |\n  // a comment\n  person\n", true)
	f("distinct(file) >= params.files", "'distinct( file )>=params.files'", true)
	f("by: [user]", "by:\n- user # who", true)
	f("within: 10m", "within: 600s", true)
	f("FileDownloaded,", "filedownloaded,", true)
	f("files: 50", "files: 51", false)
	f("match: person", "match: person && actor.guest", false)
	f("let: {person: \"!actor.system\"}", "let: {person: \"!actor.guest\"}", false)
	f("file: record.ObjectId, ip: actor.ip", "ip: actor.ip, file: record.ObjectId", false)
	f("by: [user]", "by: [user, workload]", false)
	f("within: 10m", "within: 11m", false)
	f("within: 10m", "within: 10m\nquiet: 2h", false)
	f("\"File*\"", "\"Folder*\"", false)
	f(">= params.files", "> params.files", false)
	f("id: many-files", "id: more-files", false)
	f("{{file}}", "{{first(file)}}", true)
}

// However a rule is laid out as YAML, it is the same version.
func TestVersionIgnoresLayout(t *testing.T) {
	base := mustLoad(t, sample).Rules[0].Version
	styles := []yaml.Style{0, yaml.DoubleQuotedStyle, yaml.SingleQuotedStyle, yaml.FoldedStyle, yaml.LiteralStyle}
	rapid.Check(t, func(t *rapid.T) {
		var doc yaml.Node
		if err := yaml.Unmarshal([]byte(sample), &doc); err != nil {
			t.Fatal(err)
		}
		var restyle func(n *yaml.Node, key bool)
		restyle = func(n *yaml.Node, key bool) {
			switch {
			case n.Kind == yaml.ScalarNode && n.Tag == "!!str" && !key:
				n.Style = rapid.SampledFrom(styles).Draw(t, "style")
			case n.Kind == yaml.MappingNode || n.Kind == yaml.SequenceNode:
				n.Style = rapid.SampledFrom([]yaml.Style{0, yaml.FlowStyle}).Draw(t, "flow")
			}
			for i, c := range n.Content {
				restyle(c, n.Kind == yaml.MappingNode && i%2 == 0)
			}
		}
		restyle(&doc, false)
		text, err := yaml.Marshal(&doc)
		if err != nil {
			t.Fatal(err)
		}
		set, faults := Load(Options{Files: []File{{Name: "f", Text: text}}})
		if len(faults) > 0 {
			t.Fatalf("%s\n%s", faults.Detail(), text)
		}
		if got := set.Rules[0].Version; got != base {
			t.Fatalf("another version of\n%s", text)
		}
	})
}

func TestLoadFolder(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("a/b/one.yaml", sample)
	write("two.YML", strings.Replace(sample, "many-files", "other", 1))
	write("notes.md", "x: y: z")
	write(".hidden/three.yaml", "x: y: z")
	write("a/.four.yaml", "x: y: z")
	write("bad.yaml", "x: y: z")
	set, faults := Load(Options{Paths: []string{dir, filepath.Join(dir, "none.yaml")}})
	if len(set.Rules) != 2 || set.Files != 3 {
		t.Errorf("%d rules of %d files", len(set.Rules), set.Files)
	}
	want := filepath.ToSlash(dir) + "/bad.yaml:1:5: `:` followed by a blank makes a key of what stands before it\n" +
		filepath.Join(dir, "none.yaml") + ": read rules: no such file or directory"
	if got := faults.Sort().Error(); !strings.Contains(got, "/bad.yaml:1:5: `:`") || !strings.Contains(got, "none.yaml: read rules: no such file") {
		t.Errorf("faults:\n%s\nwant:\n%s", got, want)
	}
}

func TestParseTechnique(t *testing.T) {
	f := func(s, want string) {
		t.Helper()
		got, err := parseTechnique(s)
		if text := got.Tactic + "/" + got.ID; err != nil || text != want {
			t.Errorf("%s: %s, %v", s, text, err)
		}
	}
	f("T1564.008", "defense-evasion/T1564.008")
	f("T1078", "initial-access/T1078")
	f("persistence/T1078.004", "persistence/T1078.004")
	f("T1110.003", "credential-access/T1110.003")
	f("impact/T9999", "impact/T9999")
	for id, tactics := range techniques {
		for _, tactic := range strings.Fields(tactics) {
			if _, err := parseTechnique(tactic + "/" + id); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestParseList(t *testing.T) {
	got := ParseList("\ufeff# Origin: here\r\n\r\n one \r\ntwo#EXT#\n\t# no\nthree")
	if d := cmp.Diff([]string{"one", "two#EXT#", "three"}, got); d != "" {
		t.Error(d)
	}
}

// Every shipped list says where its entries come from and when, and every entry is sound.
func TestShippedLists(t *testing.T) {
	origin, date := regexp.MustCompile(`(?im)^#.*\borigin\b`), regexp.MustCompile(`\b20[0-9]{2}-[0-9]{2}-[0-9]{2}\b`)
	files, err := filepath.Glob("lists/*.txt")
	if err != nil || len(files) == 0 {
		t.Skip("no lists are shipped")
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var head strings.Builder
		for line := range strings.Lines(string(b)) {
			if !strings.HasPrefix(line, "#") {
				break
			}
			head.WriteString(line)
		}
		if !origin.MatchString(head.String()) || !date.MatchString(head.String()) {
			t.Errorf("%s does not begin with comments that name its origin and date:\n%s", f, head.String())
		}
	}
	if _, problems := newWorld(nil, packLists(), nil); len(problems) > 0 {
		t.Error(problems)
	}
}

// The shipped rules load without a fault.
func TestShippedRulesLoad(t *testing.T) {
	if _, faults := Load(Options{}); len(faults) > 0 {
		t.Error(faults.Detail())
	}
}

// Whatever a rule file holds, loading it ends, without a panic, with faults that have places, and with rules that have
// no fault.
func FuzzLoad(f *testing.F) {
	f.Add(sample)
	files, _ := filepath.Glob("testdata/bad/*.yaml")
	for _, name := range files {
		if b, err := os.ReadFile(name); err == nil {
			f.Add(string(b))
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<13 {
			return
		}
		set, faults := Load(Options{Files: []File{{Name: "f", Text: []byte(text)}}})
		for _, x := range faults {
			if x.Line < 1 || x.Detail() == "" {
				t.Fatalf("%+v", x)
			}
		}
		for _, r := range set.Rules {
			if r.Matching == nil || r.Describe == nil || r.Version == "" || r.Kind == Window && r.Having == nil || r.Kind == Neighbours && r.Pair == nil {
				t.Fatalf("%+v", r)
			}
			_ = r.Summary()
			if _, err := r.Describe(&hit.View{Columns: make([]hit.Column, len(r.Captures)), Pair: &hit.Pair{Prev: &hit.Hit{Values: make([]hit.Value, len(r.Captures))}, Cur: &hit.Hit{Values: make([]hit.Value, len(r.Captures))}}, SumBy: make([]float64, len(r.SumBy))}); err != nil {
				_ = err // an error is an answer; a panic is not
			}
		}
		Lint(set, time.Unix(0, 0))
	})
}
