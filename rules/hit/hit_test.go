package hit

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"detect/internal/geo"
)

var values = rapid.Custom(func(t *rapid.T) Value {
	switch rapid.SampledFrom([]Kind{None, Text, Int, Double, Bool, Time, Duration, Place, Texts, Ints}).Draw(t, "kind") {
	case Text:
		return OfText(rapid.String().Draw(t, "text"))
	case Int:
		return OfInt(rapid.Int64().Draw(t, "int"))
	case Double:
		return OfDouble(rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{0, math.Inf(1), math.MaxFloat64})).Draw(t, "double"))
	case Bool:
		return OfBool(rapid.Bool().Draw(t, "bool"))
	case Time:
		return OfTime(rapid.Int64().Draw(t, "time"))
	case Duration:
		return OfDuration(rapid.Int64().Draw(t, "duration"))
	case Place:
		return OfPlace(geo.Place{
			Known: rapid.Bool().Draw(t, "known"), CountryOnly: rapid.Bool().Draw(t, "only"), City: rapid.String().Draw(t, "city"),
			Country: rapid.String().Draw(t, "country"), Lat: rapid.Float64Range(-90, 90).Draw(t, "lat"), Radius: 12.5,
		})
	case Texts:
		return OfTexts(rapid.SliceOf(rapid.String()).Draw(t, "texts"))
	case Ints:
		return OfInts(rapid.SliceOf(rapid.Int64()).Draw(t, "ints"))
	default:
		return Value{}
	}
})

var hits = rapid.Custom(func(t *rapid.T) *Hit {
	h := &Hit{
		Time: rapid.Int64().Draw(t, "time"), RecordID: rapid.String().Draw(t, "record"), Hidden: rapid.Bool().Draw(t, "hidden"),
		Severity: Severity(rapid.IntRange(0, 4).Draw(t, "severity")), Values: rapid.SliceOfN(values, 0, 5).Draw(t, "values"),
		Rank: Rank{Whole: rapid.Bool().Draw(t, "whole"), Size: rapid.Int64().Draw(t, "size"), Digest: rapid.Uint64().Draw(t, "digest")},
	}
	copy(h.ID[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
	if h.Values == nil {
		h.Values = []Value{}
	}
	return h
})

// What is written is read again, hit after hit; Rule and Key are not part of it.
func TestHitsAreReadAsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfN(hits, 0, 4).Draw(t, "hits")
		var b []byte
		for _, h := range list {
			b = Append(b, h)
		}
		r := NewReader(b)
		for _, want := range list {
			if diff := cmp.Diff(want, r.Hit()); diff != "" || r.Err() != nil {
				t.Fatalf("%v %s", r.Err(), diff)
			}
		}
		if r.Len() != 0 {
			t.Fatalf("%d bytes are left", r.Len())
		}
		if len(b) > 0 { // whatever is cut off is noticed
			r := NewReader(b[:rapid.IntRange(0, len(b)-1).Draw(t, "cut")])
			for range list {
				r.Hit()
			}
			if r.Err() == nil {
				t.Fatal("a cut text was read without an error")
			}
		}
	})
}

// Keys tell their parts apart, wherever one ends and the next begins.
func TestKeysAreOfTheirParts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.StringMatching(`[ab\x00\x01\x02]{0,3}`), 0, 4)
		a, b := parts.Draw(t, "a"), parts.Draw(t, "b")
		if !slices.Equal(DecodeKey(EncodeKey(a...)), a) && len(a) > 0 {
			t.Fatalf("%q became %q", a, DecodeKey(EncodeKey(a...)))
		}
		if (EncodeKey(a...) == EncodeKey(b...)) != slices.Equal(a, b) {
			t.Fatalf("%q and %q have the keys %q and %q", a, b, EncodeKey(a...), EncodeKey(b...))
		}
		if got, want := CompareKeys(EncodeKey(a...), EncodeKey(b...)), slices.Compare(a, b); got != want {
			t.Fatalf("%q against %q: %d, want %d", a, b, got, want)
		}
	})
}

// The order of values is an order.
func TestValuesAreOrdered(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := values.Draw(t, "a"), values.Draw(t, "b"), values.Draw(t, "c")
		if CompareValues(a, a) != 0 || CompareValues(a, b) != -CompareValues(b, a) {
			t.Fatalf("%v, %v: %d, %d", a, b, CompareValues(a, b), CompareValues(b, a))
		}
		list := []Value{a, b, c}
		slices.SortFunc(list, CompareValues)
		if CompareValues(list[0], list[2]) > 0 {
			t.Fatalf("%v is after %v", list[0], list[2])
		}
	})
}

func TestRanks(t *testing.T) {
	ascending := []Rank{{}, {Size: 1}, {Size: 1, Digest: 2}, {Size: 2}, {Whole: true}, {Whole: true, Size: 1}}
	for i, a := range ascending {
		for k, b := range ascending {
			if got, want := a.Compare(b), min(max(i-k, -1), 1); got != want {
				t.Errorf("%+v against %+v: %d, want %d", a, b, got, want)
			}
		}
	}
}

func TestValuesAsText(t *testing.T) {
	for want, v := range map[string]Value{
		"x":                    OfText("x"),
		"-7":                   OfInt(-7),
		"2.5":                  OfDouble(2.5),
		"true":                 OfBool(true),
		"2026-03-02T08:00:00Z": OfTime(1772438400_000000),
		"1m30s":                OfDuration(90_000000),
		"Berlin, DE":           OfPlace(geo.Place{Known: true, City: "Berlin", Country: "DE"}),
		"a, b":                 OfTexts([]string{"a", "b"}),
		"":                     {},
	} {
		if got := v.String(); got != want {
			t.Errorf("%v: %q, want %q", v, got, want)
		}
	}
}

func FuzzReader(f *testing.F) {
	f.Add(Append(nil, &Hit{Time: 5, Values: []Value{OfText("x"), OfTexts([]string{"a"}), OfInts([]int64{1}), OfPlace(geo.Place{})}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := NewReader(b)
		h := r.Hit()
		if r.Err() == nil && h.Size() > 200+200*len(b) {
			t.Fatalf("%d bytes were read as a hit of about %d", len(b), h.Size())
		}
		if r.Err() == nil {
			again := NewReader(Append(nil, h)).Hit()
			if !bytes.Equal(Append(nil, h), Append(nil, again)) {
				t.Fatal("not read as written")
			}
		}
		_ = strings.Join(DecodeKey(string(b)), "")
	})
}
