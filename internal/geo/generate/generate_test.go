package main

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"detect/internal/geo"
	"detect/internal/geo/tables"
)

// TestApartIsTheLeastDistance compares the search in trees with that of all pairs.
func TestApartIsTheLeastDistance(t *testing.T) {
	outline := rapid.Custom(func(t *rapid.T) []point {
		lat, lon := rapid.Float64Range(-80, 80).Draw(t, "lat"), rapid.Float64Range(-180, 180).Draw(t, "lon")
		var points []point
		for range rapid.IntRange(1, 80).Draw(t, "points") {
			points = append(points, onSphere([2]float64{
				lon + rapid.Float64Range(-8, 8).Draw(t, "dlon"), lat + rapid.Float64Range(-8, 8).Draw(t, "dlat"),
			}))
		}
		return points
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := outline.Draw(t, "a"), outline.Draw(t, "b")
		want := math.Inf(1)
		for _, p := range a {
			for _, q := range b {
				want = min(want, kilometres(chord2(p, q)))
			}
		}
		got := apart(newTree(a), newTree(b))
		if got != want && max(got, want) > tolerance { // below the tolerance the search may stop early
			t.Fatalf("%f km, want %f", got, want)
		}
	})
}

func TestOutlines(t *testing.T) {
	// Two squares that share a side, and an island of the first far to the west that is a territory of its own.
	topology := `{"transform": {"scale": [1, 1], "translate": [0, 0]},
		"arcs": [[[0, 0], [0, 2]], [[0, 2], [-2, 0], [0, -2], [2, 0]], [[0, 2], [2, 0], [0, -2], [-2, 0]], [[-54, 3], [1, 0], [0, 1], [-1, -1]]],
		"objects": {"countries": {"geometries": [
			{"type": "MultiPolygon", "id": "250", "arcs": [[[0, 1]], [[3]]], "properties": {"name": "France"}},
			{"type": "Polygon", "id": "276", "arcs": [[-1, 2]], "properties": {"name": "Germany"}},
			{"type": "Polygon", "arcs": [[2]], "properties": {"name": "Kosovo"}},
			{"type": "Polygon", "arcs": [[2]], "properties": {"name": "Nowhere"}}]}}}`
	path := filepath.Join(t.TempDir(), "atlas.json")
	if err := os.WriteFile(path, []byte(topology), 0o600); err != nil {
		t.Fatal(err)
	}
	outlines, err := readOutlines(path, map[string]string{"250": "FR", "276": "DE"})
	if err != nil {
		t.Fatal(err)
	}
	f := func(a, b string, low, high float64) {
		t.Helper()
		if len(outlines[a]) == 0 || len(outlines[b]) == 0 {
			t.Errorf("no outline of %s or %s", a, b)
			return
		}
		if got := apart(newTree(outlines[a]), newTree(outlines[b])); got < low || got > high {
			t.Errorf("%s and %s are %f km apart, want %f to %f", a, b, got, low, high)
		}
	}
	f("FR", "DE", 0, 0)
	f("FR", "GF", 5500, 5800) // 51 degrees
	f("DE", "GF", 5700, 6000)
	f("XK", "DE", 0, 0)
	f("RS", "DE", 0, 0)
	if len(outlines) != 6 {
		t.Errorf("%d outlines, want FR, GF, DE and three for Kosovo", len(outlines))
	}
	for i, p := range outlines["DE"][1:] {
		if d := kilometres(chord2(p, outlines["DE"][i])); d > 2.01*math.Pi/180*geo.EarthRadius {
			t.Errorf("%f km between neighbouring points", d)
		}
	}
}

func TestReadRanges(t *testing.T) {
	path := filepath.Join(t.TempDir(), "geoip")
	text := "# comment\n16777216,16777471,AU\n16777472,16778239,UK\n16779264,16779519,EU\n2001:200::,2001:200:ffff:ffff:ffff:ffff:ffff:ffff,JP\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := readRanges(path, map[string]bool{"AU": true, "GB": true, "JP": true})
	if err != nil {
		t.Fatal(err)
	}
	packed, err := tables.EncodeCountries(got[:5], got[5:])
	if err != nil {
		t.Fatal(err)
	}
	table, err := tables.DecodeCountries(packed)
	if err != nil {
		t.Fatal(err)
	}
	for ip, want := range map[string]string{
		"1.0.0.0": "AU", "1.0.0.255": "AU", "1.0.1.0": "GB", "1.0.3.255": "GB", "1.0.4.0": "", "1.0.8.1": "", "0.255.255.255": "",
		"2001:200::1": "JP", "2001:201::": "",
	} {
		if a, err := parseAddr(ip); err != nil || table.Lookup(a) != want {
			t.Errorf("%s is in %q, want %q (%v)", ip, table.Lookup(a), want, err)
		}
	}
	for _, bad := range []string{"1,2\n", "x,2,DE\n", "1,y,DE\n"} {
		if err := os.WriteFile(path, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readRanges(path, nil); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}
