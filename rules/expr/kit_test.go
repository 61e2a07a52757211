package expr

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"detect/internal/geo"
	"detect/internal/record"
	"detect/rules/hit"
)

// places is a geo database of three addresses.
type places map[string]geo.Place

func (p places) Place(a netip.Addr) geo.Place { return p[a.String()] }

func (p places) ASN(a netip.Addr) (uint32, string) {
	if p[a.String()].Known {
		return 64500, "EXAMPLE-NET"
	}
	return 0, ""
}

var testPlaces = places{
	"198.51.100.1": {Known: true, City: "Berlin", Country: "DE", Lat: 52.5, Lon: 13.4, Radius: 20},
	"203.0.113.7":  {Known: true, City: "Sydney", Country: "AU", Lat: -33.9, Lon: 151.2, Radius: 20},
}

func testWorld(t testing.TB, domains ...string) *World {
	t.Helper()
	lists := []*List{}
	for name, entries := range map[string][]string{
		"hiding_folders": {"RSS Feeds", "Archiv"}, "finance_words": {"invoice", "Überweisung", "iban"}, "empty": {},
		"networks.corporate": {"198.51.100.0/24", "2001:db8::/32"},
	} {
		l, errs := NewList(name, entries)
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		lists = append(lists, l)
	}
	w, err := NewWorld(domains, lists, testPlaces)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

var testParams = map[string]any{
	"n": 3, "many": int64(2000), "ratio": 0.5, "word": "invoice", "flag": true,
	"words": []any{"a", "B"}, "ints": []any{1, 2}, "negative": -1, "pattern": "^x",
}

// builder is a rule begun in a world.
func builder(t testing.TB, w *World) *Builder {
	t.Helper()
	b, issues := NewBuilder(w, testParams)
	noIssues(t, "params", issues)
	return b
}

func noIssues(t testing.TB, what string, issues []Issue) {
	t.Helper()
	for _, i := range issues {
		t.Fatalf("%s: at %d: %s", what, i.Offset, i)
	}
}

func capture(t testing.TB, b *Builder, name, src string) hit.Kind {
	t.Helper()
	k, issues := b.Capture(name, src)
	noIssues(t, name, issues)
	return k
}

// frameOf is a frame over a record.
func frameOf(t testing.TB, w *World, json string) *Frame {
	t.Helper()
	r := new(record.Record)
	if err := r.Parse([]byte(json)); err != nil {
		t.Fatalf("parse %s: %v", json, err)
	}
	f := w.NewFrame()
	f.Reset(r)
	return f
}

// show is a captured value as text, for tables.
func show(v hit.Value) string {
	switch v.Kind {
	case hit.Text:
		return v.Str
	case hit.Double:
		return fmt.Sprint(v.Float())
	case hit.Bool:
		return fmt.Sprint(v.Bool())
	case hit.Place:
		return v.Place().City
	case hit.Texts:
		return "[" + strings.Join(v.Texts(), "|") + "]"
	case hit.Ints:
		return fmt.Sprint(v.Ints())
	default:
		return fmt.Sprint(v.Num)
	}
}

// hitsOf are hits at seconds 1, 2, 3… with the given captures.
func hitsOf(rows ...[]hit.Value) []*hit.Hit {
	var out []*hit.Hit
	for i, r := range rows {
		out = append(out, &hit.Hit{Time: int64(i+1) * 1e6, ID: hit.ID{byte(i)}, Values: r})
	}
	return out
}
