package record

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func sorted(names []string) []string {
	slices.Sort(names)
	return names
}

// TestCopiesReadAlike holds that key order, blanks and escapes change nothing that is read of a record.
func TestCopiesReadAlike(t *testing.T) {
	one, two := new(Record), new(Record)
	rapid.Check(t, func(t *rapid.T) {
		record := maps.Clone(rapid.SampledFrom(samples).Draw(t, "sample"))
		for k, v := range rapid.MapOfN(memberName(), jsonValue(2), 0, 4).Draw(t, "more") {
			record[k] = v
		}
		var a, b bytes.Buffer
		writeJSON(t, &a, record)
		writeJSON(t, &b, record)
		if err := one.Parse(a.Bytes()); err != nil {
			t.Fatal(err)
		}
		if err := two.Parse(b.Bytes()); err != nil {
			t.Fatal(err)
		}
		got, want := everything(one), everything(two)
		for i := range got {
			if !reflect.DeepEqual(got[i], want[i]) {
				t.Fatalf("reading %d differs:\n%#v\n%#v\n%s\n%s", i, got[i], want[i], a.Bytes(), b.Bytes())
			}
		}
	})
}

// TestContentTellsChangesApart holds that any change to a value, name or order of a list changes both digests.
func TestContentTellsChangesApart(t *testing.T) {
	base := `{"Id":"1","a":["x","y"],"b":{"c":"d","e":null},"f":1}`
	changed := []string{
		`{"Id":"1","a":["y","x"],"b":{"c":"d","e":null},"f":1}`,
		`{"Id":"1","a":["xy"],"b":{"c":"d","e":null},"f":1}`,
		`{"Id":"1","a":["x","y"],"b":{"e":"d","c":null},"f":1}`,
		`{"Id":"1","a":["x","y"],"b":{"c":"d"},"f":1}`,
		`{"Id":"1","a":["x","y"],"b":{"c":"d","e":null},"f":"1"}`,
		`{"Id":"1","a":["x","y"],"b":{"c":"d","e":null},"f":10}`,
		`{"Id":"f","a":["x","y"],"b":{"c":"d","e":null},"1":1}`,
		`{"Id":"1","a":{"x":"y"},"b":{"c":"d","e":null},"f":1}`,
		`{"Id":"1","b":["x","y"],"a":{"c":"d","e":null},"f":1}`,
		`{"Id":"1","a":["x","y"],"b":{"c":"d","e":null},"f":1,"g":{}}`,
		`{"Id":"1","a":["x","y"],"b":{"c":"d","e":{}},"f":1}`,
	}
	seen := map[uint64]string{}
	for _, s := range append(changed, base) {
		r := parse(t, s)
		if other, ok := seen[r.Content()]; ok {
			t.Errorf("same content digest:\n%s\n%s", s, other)
		}
		seen[r.Content()] = s
	}
}

func TestDigestsAreTheSameInEveryProcess(t *testing.T) {
	r := parse(t, `{"Id":"1","Operation":"FileDownloaded","UserId":"a@contoso.example","CreationTime":"2026-03-02T09:11:00","x":"a\u00e9"}`)
	if got := r.Content(); got != 0xa2a70389638f19e {
		t.Errorf("content digest %#x", got)
	}
	if got := r.Variant(); got.Digest != r.Content() || got.Size != 115 || !got.Whole {
		t.Errorf("variant %#v", got)
	}
}

func TestIdentity(t *testing.T) {
	base := m{"Id": "6A7B", "OrganizationId": "1111-AAAA", "Operation": "Add member to role.", "CreationTime": "2026-03-02T09:11:00",
		"UserId": "Ann@Contoso.example", "ObjectId": "Bob@Contoso.example", "ResultStatus": "Success"}
	with := func(k string, v any) m {
		out := maps.Clone(base)
		if v == nil {
			delete(out, k)
		} else {
			out[k] = v
		}
		return out
	}
	id := from(t, base).Identity()
	for _, c := range []struct {
		name string
		v    m
		same bool
	}{
		{"case of Id", with("Id", "6a7b"), true},
		{"case of user", with("UserId", "ann@contoso.EXAMPLE "), true},
		{"form of time", with("CreationTime", "2026-03-02T10:11:00.000+01:00"), true},
		{"form of operation", with("Operation", "add member to role"), true},
		{"another member", with("ResultStatus", "Failure"), true},
		{"case of object", with("ObjectId", "bob@contoso.example"), true},
		{"Id", with("Id", "6a7c"), false},
		{"no Id", with("Id", nil), false},
		{"user", with("UserId", "anna@contoso.example"), false},
		{"time", with("CreationTime", "2026-03-02T09:11:01"), false},
		{"fraction", with("CreationTime", "2026-03-02T09:11:00.000001"), false},
		{"no time", with("CreationTime", "?"), false},
		{"operation", with("Operation", "Add members to role."), false},
		{"organisation", with("OrganizationId", "2"), false},
		{"object", with("ObjectId", nil), false},
	} {
		if same := from(t, c.v).Identity() == id; same != c.same {
			t.Errorf("%s: same identity %v, want %v", c.name, same, c.same)
		}
	}
	without := with("Id", nil)
	other := maps.Clone(without)
	other["ResultStatus"] = "Failure"
	if from(t, without).Identity() == from(t, other).Identity() {
		t.Error("records without Id that differ elsewhere are one")
	}
	// Parts can't run into each other.
	a := from(t, m{"Id": "x", "UserId": "ab", "ObjectId": "c"}).Identity()
	b := from(t, m{"Id": "x", "UserId": "a", "ObjectId": "bc"}).Identity()
	if a == b {
		t.Error("a part's end is not part of the identity")
	}
}

func TestVariant(t *testing.T) {
	whole := parse(t, `{ "b":"\u00e9\/\u000a\"", "a":[1, {} ,[] ],"c":{"d":null} }`)
	if v := whole.Variant(); !v.Whole || v.Size != int64(len(`{"b":"é/\n\"","a":[1,{},[]],"c":{"d":null}}`)) {
		t.Errorf("variant %#v", v)
	}
	digest := whole.Variant().Digest
	whole.MarkTruncated()
	if v := whole.Variant(); v.Whole || v.Digest != digest {
		t.Errorf("variant of a record marked as cut %#v", v)
	}
	for raw, cut := range map[string]bool{
		`{"Parameters":"System.Object[]"}`:             true,
		`{"Parameters":["@{Name=a; Value=b}"]}`:        true,
		`{"Parameters":"System.Object[] are lists"}`:   false,
		`{"Parameters":[{"Name":"x","Value":"a@{b"}]}`: false,
	} {
		if got := parse(t, raw).Truncated(); got != cut {
			t.Errorf("%s: truncated %v", raw, got)
		}
	}
}

func TestContentOfInvalidUTF8(t *testing.T) {
	// The same bad byte in front (far from the end of the record) and at its end.
	a := parse(t, "{\"b\":\"\xff\\u00e9\",\"aaaaaaaaaaaaaaaaaaaaaaaa\":\"x\"}")
	b := parse(t, "{\"aaaaaaaaaaaaaaaaaaaaaaaa\":\"x\",\"b\":\"\xffé\"}")
	if a.Content() != b.Content() {
		t.Error("the place of a bad byte changes the digest")
	}
}

//go:embed testdata/samples.ndjson
var sampleLines string

// samples are records in the wire forms that matter most, for properties and benchmarks.
var samples = func() []map[string]any {
	var all []map[string]any
	for line := range strings.Lines(sampleLines) {
		var v map[string]any
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			panic(err)
		}
		all = append(all, v)
	}
	return all
}()
