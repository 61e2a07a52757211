package store

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"detect/engine"
	"detect/rules/hit"
)

// fillValue sets everything that v holds to something that is not zero, so that a field that is not encoded shows.
func fillValue(t *testing.T, v reflect.Value, n *int64) {
	t.Helper()
	*n++
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fillValue(t, v.Field(i), n)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fillValue(t, v.Index(0), n)
		fillValue(t, v.Index(1), n)
	case reflect.Array:
		for i := range v.Len() {
			fillValue(t, v.Index(i), n)
		}
	case reflect.String:
		v.SetString(string(rune('a'+*n%26)) + "\x00\xff")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Uint8: // severities and statuses, small
		v.SetUint(uint64(*n%3 + 1))
	case reflect.Int, reflect.Int64:
		v.SetInt(-*n * 1_000_003)
	default:
		t.Fatalf("no way to fill a %v", v.Type())
	}
}

func TestEveryFieldOfAnAlertIsKept(t *testing.T) {
	var a engine.Alert
	var n int64
	fillValue(t, reflect.ValueOf(&a).Elem(), &n)
	got, err := decodeAlert(appendAlert(nil, &a))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(&a, got); d != "" {
		t.Fatalf("-want +got:\n%s", d)
	}
}

func TestDamagedAlertsAreErrors(t *testing.T) {
	var a engine.Alert
	var n int64
	fillValue(t, reflect.ValueOf(&a).Elem(), &n)
	b := appendAlert(nil, &a)
	for i := range b {
		if _, err := decodeAlert(b[:i]); err == nil {
			t.Fatalf("%d of %d bytes are an alert", i, len(b))
		}
	}
	if _, err := decodeAlert(append(bytes.Clone(b), 0)); err == nil {
		t.Fatal("a byte too many is no error")
	}
}

func FuzzDecodeAlert(f *testing.F) {
	f.Add(appendAlert(nil, &engine.Alert{ID: "a", Records: []string{"r"}, State: []byte{}}))
	f.Add([]byte{alertFormat, 255, 255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := decodeAlert(b)
		if err != nil {
			return
		}
		again, err := decodeAlert(appendAlert(nil, a))
		if err != nil || !reflect.DeepEqual(a, again) {
			t.Fatalf("%+v became %+v, %v", a, again, err)
		}
	})
}

// randomAlert is an alert of one timeline of a small world.
func randomAlert(t *rapid.T, id string, line engine.Timeline, revision int) *engine.Alert {
	text := rapid.StringN(0, 4, 8)
	first := int64(rapid.IntRange(-5, 20).Draw(t, "first"))
	a := &engine.Alert{
		ID: id, Rule: line.Rule, Version: line.Version, Key: line.Key, By: []string{"user"},
		Title: text.Draw(t, "title"), Severity: hit.Severity(rapid.IntRange(0, 4).Draw(t, "severity")),
		Status: rapid.SampledFrom([]engine.Status{engine.Open, engine.Open, engine.Merged, engine.Withdrawn}).Draw(t, "status"),
		Staged: rapid.Bool().Draw(t, "staged"), Final: rapid.Bool().Draw(t, "final"),
		First: first, Last: first + int64(rapid.IntRange(0, 10).Draw(t, "length")), Count: int64(revision),
		Opening: int64(rapid.IntRange(0, 3).Draw(t, "opening")), Revision: revision,
		Reason: engine.Reason(rapid.IntRange(0, 3).Draw(t, "reason")), Note: text.Draw(t, "note"),
		Naming: engine.Mark{Time: first, ID: hit.ID{1}},
	}
	for range rapid.SampledFrom([]int{0, 1, 3, 400}).Draw(t, "records") {
		a.Records = append(a.Records, "2f0c0d35-97cd-4d9b-b3a3-08d8f1b0a6f1")
	}
	if rapid.Bool().Draw(t, "state") {
		a.State = []byte(text.Draw(t, "state bytes"))
	}
	return a
}

// An alert that grows a thousand times, with commands for twenty names of an attacker's choice, must not be kept with them
// a thousand times.
func TestRevisionsAreSmall(t *testing.T) {
	whole := &engine.Alert{ID: "a", Rule: "r", Title: "title", Respond: "Disable-InboxRule -Identity 'short'", Records: []string{"id"}}
	if b := appendRevision(nil, whole); b[0] != 0 {
		t.Error("a small alert is abridged")
	}
	for name, a := range map[string]*engine.Alert{
		"commands": {ID: "a", Rule: "r", Title: "title", Respond: strings.Repeat("Disable-InboxRule -Identity 'long'\n", 20_000)},
		"records":  {ID: "a", Rule: "r", Title: "title", Records: slices.Repeat([]string{"1482e9d3-c499-45da-adde-c917f88437f5"}, 1000)},
	} {
		if b := appendRevision(nil, a); b[0] != 1 || len(b) > maxRevision {
			t.Errorf("%s: %d bytes, abridged %d", name, len(b), b[0])
		}
	}
}
