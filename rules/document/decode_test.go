package document

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// grade decodes itself.
type grade string

func (g *grade) UnmarshalYAML(n *yaml.Node) error {
	if n.Value != "good" {
		return errors.New("line 7: only good will do")
	}
	*g = "good"
	return nil
}

type inner struct {
	Path  string        `yaml:"path"`
	Poll  time.Duration `yaml:"poll"`
	Port  int8          `yaml:"port"`
	On    bool          `yaml:"on"`
	Grade grade         `yaml:"grade"`
	Own   string        `yaml:"-"`
}

type outer struct {
	List []inner          `yaml:"list"`
	Map  map[string]inner `yaml:"map"`
	One  *inner           `yaml:"one"`
	To   *[]string        `yaml:"to"`
}

func decoded(t *testing.T, text string) (o outer, faults Faults, unread string) {
	t.Helper()
	docs, faults := Parse("f", []byte(text))
	if len(faults) > 0 || len(docs) != 1 {
		t.Fatalf("%q: %v", text, faults)
	}
	r := &Report{}
	d := Decoder{Report: r, Root: "the file", Unread: func(_, v Value, what string) { unread += what + "=" + v.Scalar() + ";" }}
	d.Decode(docs[0], "", &o)
	return o, r.Faults, unread
}

func TestDecode(t *testing.T) {
	got, faults, _ := decoded(t, "list: [{path: a, poll: 1h30m}, {port: 7}]\nmap: {x: {on: true, grade: good}}\none: {path: b}\nto: []\n")
	want := outer{
		List: []inner{{Path: "a", Poll: 90 * time.Minute}, {Port: 7}}, Map: map[string]inner{"x": {On: true, Grade: "good"}},
		One: &inner{Path: "b"}, To: &[]string{},
	}
	if diff := cmp.Diff(want, got); diff != "" || len(faults) > 0 {
		t.Errorf("%s%v", diff, faults)
	}
	if got, faults, _ = decoded(t, "list:\none: ~\nmap: {}\n"); got.List != nil || got.One != nil || len(faults) > 0 {
		t.Errorf("nothing is read as %+v, %v", got, faults)
	}
}

func TestDecodeFaults(t *testing.T) {
	f := func(text, want, wantUnread string) {
		t.Helper()
		_, faults, unread := decoded(t, text)
		if got := strings.ReplaceAll(faults.Sort().Error(), "f:1:", ""); got != want || unread != wantUnread {
			t.Errorf("%s\n%s\nwant:\n%s\nunread: %s", text, got, want, unread)
		}
	}
	f("lst: 1", `1: the file has no key "lst"`, "=1;")
	f("list: {}", "7: list must be a list, and this is a mapping", "")
	f("list: [a, 1]", "8: list[0] must be a mapping of keys to values, and this is text\n11: list[1] must be a mapping of keys to values, and this is a number", "list[0]=a;list[1]=1;")
	f("list: [~]", "8: list[0] is empty", "")
	f("one: {path: 1, poll: soon, port: 200, on: 1, grade: bad, own: x}",
		"13: one.path must be text, and this is a number\n22: one.poll must be a duration, such as 90s, 10m, 6h, 30d or 1h30m, of at most ten years\n"+
			"34: one.port is too large a number\n43: one.on must be true or false, and this is a number\n"+
			"53: one.grade: only good will do\n58: one has no key \"own\"", "one=x;")
	f("map: {x: {pth: a, path: b, path: c}, x: {}}", "11: map.x has no key \"pth\"\n28: \"path\" is there twice\n38: \"x\" is there twice", "map.x=a;map.x=c;map=;")
	f("to: soc", "5: to must be a list, and this is text", "")
}

func TestAt(t *testing.T) {
	docs, _ := Parse("f", []byte("a:\n  - b: x\n    c: [y, z]\n"))
	f := func(want string, path ...string) {
		t.Helper()
		v := docs[0].At(path...)
		if got := v.Scalar(); got != want || want == "" && !v.Exists() {
			t.Errorf("%v is %q, want %q", path, got, want)
		}
	}
	f("x", "a", "0", "b")
	f("z", "a", "0", "c", "1")
	f("y", "a", "0", "c", "0", "nothing", "there")
	f("", "a", "7")
	f("", "a", "-1")
	f("", "a", "b")
}

// A hidden value is in no line, message or hint, and the caret stays where it was.
func TestMask(t *testing.T) {
	text := "a: {b: hunter2, c: 'it''s', \"d\": \"x\\ty\"}\ne: |\n  one\n  two\nf: plain\n"
	docs, _ := Parse("f", []byte(text))
	r := &Report{}
	for _, e := range docs[0].Entries() {
		r.Add(e.Value, 0, "the value hunter2 is not known", "write hunter3")
		r.Add(e.Key, 0, "key", "")
	}
	faults := Mask(r.Faults, []Value{docs[0].At("a"), docs[0].At("e")})
	all := faults.Detail()
	for _, s := range []string{"hunter2", "it''s", "x\\ty", "one", "two"} {
		if strings.Contains(all, s) {
			t.Errorf("%s is shown:\n%s", s, all)
		}
	}
	if !strings.Contains(all, "plain") || !strings.Contains(all, "hunter3") || !strings.Contains(all, "    1 | a: {b: *******, c: ******', \"d\": *****\"}") {
		t.Errorf("too much is hidden:\n%s", all)
	}
	for i, f := range faults {
		if was := r.Faults[i]; f.Line != was.Line || f.Col != was.Col || len([]rune(f.Source)) != len([]rune(was.Source)) {
			t.Errorf("%+v became %+v", was, f)
		}
	}
}
