package record

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParseTime(t *testing.T) {
	for in, want := range map[string]string{
		"2026-03-02T09:11:00":                "2026-03-02T09:11:00Z",
		"2026-03-02T09:11:00Z":               "2026-03-02T09:11:00Z",
		" 2026-03-02t09:11:00z\r\n":          "2026-03-02T09:11:00Z",
		"2026-03-02T09:11:00.1234567Z":       "2026-03-02T09:11:00.123456Z",
		"2026-03-02T09:11:00,5":              "2026-03-02T09:11:00.5Z",
		"2026-03-02T09:11:00.000+02:00":      "2026-03-02T07:11:00Z",
		"2026-03-02T09:11:00-0530":           "2026-03-02T14:41:00Z",
		"2026-03-02T09:11:00+02":             "2026-03-02T07:11:00Z",
		"2026-03-02 09:11:00":                "2026-03-02T09:11:00Z",
		"2026-03-02 09:11:00 UTC":            "2026-03-02T09:11:00Z",
		"2026-03-02 09:11:00 +0000":          "2026-03-02T09:11:00Z",
		"2026-03-02T09:11":                   "2026-03-02T09:11:00Z",
		"2026-03-02":                         "2026-03-02T00:00:00Z",
		"2015-06-29T20:03:65":                "2015-06-29T20:03:59Z",
		"2015-06-29T20:75:65":                "2015-06-29T20:59:59Z",
		"2015-06-29T27:00:00":                "2015-06-29T23:00:00Z",
		"2026-02-31T09:11:00":                "2026-02-28T09:11:00Z",
		"2024-02-30T09:11:00":                "2024-02-29T09:11:00Z",
		"2026-06-00T09:11:00":                "2026-06-01T09:11:00Z",
		"2026-12-99T09:11:00":                "2026-12-31T09:11:00Z",
		"/Date(1695182703000)/":              "2023-09-20T04:05:03Z",
		"/Date(1695182703123+0200)/":         "2023-09-20T04:05:03.123Z",
		"1695182703":                         "2023-09-20T04:05:03Z",
		"1695182703123":                      "2023-09-20T04:05:03.123Z",
		"9/20/2023 4:05:03 AM":               "2023-09-20T04:05:03Z",
		"9/20/2023 4:05:03 PM":               "2023-09-20T16:05:03Z",
		"9/20/2023, 12:05:03 am":             "2023-09-20T00:05:03Z",
		"09/20/2023 12:05:03\u202fPM":        "2023-09-20T12:05:03Z",
		"9/20/2023 16:05":                    "2023-09-20T16:05:00Z",
		"1970-01-01T00:00:00":                "1970-01-01T00:00:00Z",
		"1969-12-31T23:30:00-01:00":          "1970-01-01T00:30:00Z",
		"9999-12-31T23:59:59.999999":         "9999-12-31T23:59:59.999999Z",
		"2026-03-02T09:11:00.99999999999999": "2026-03-02T09:11:00.999999Z",
	} {
		us, ok := ParseTime(in)
		if got := time.UnixMicro(us).UTC().Format(time.RFC3339Nano); !ok || got != want {
			t.Errorf("%q: %s %v, want %s", in, got, ok, want)
		}
	}
	for _, in := range []string{"", "?", "2026", "2026-13-01", "2026-00-01T00:00:00", "1969-12-31T23:59:59", "0001-01-01T00:00:00",
		"9999-12-31T23:59:59-01:00", "2026-03-02T", "2026-03-02T09", "2026-03-02T09:11:00 CET", "2026-03-02T09:11:00Zx", "20260302",
		"/Date()/", "/Date(-5)/", "/Date(99999999999999999)/", "/Date(12", "20/9/2023 4:05:03 PM", "9/20/23", "2026-03-02T09:11:00+0x:00",
		"99999999999999999999", "２０２６-03-02"} {
		if us, ok := ParseTime(in); ok || us != 0 {
			t.Errorf("%q: %d, want none", in, us)
		}
	}
}

func TestTimeOfRecord(t *testing.T) {
	for raw, want := range map[string]int64{
		`{"CreationTime":"2026-03-02T09:11:00"}`:                          1772442660_000000,
		`{"CreationTime":"\/Date(1695182703000)\/"}`:                      1695182703_000000,
		`{"CreationTime":1695182703}`:                                     1695182703_000000,
		`{"CreationTime":"2020-01-01","CreationTime":"1970-01-01T00:00"}`: 0,
	} {
		if us, ok := parse(t, raw).Time(); !ok || us != want {
			t.Errorf("%s: %d %v, want %d", raw, us, ok, want)
		}
	}
	for _, raw := range []string{`{}`, `{"CreationTime":null}`, `{"CreationTime":"soon"}`, `{"CreationTime":{"a":1}}`, `{"CreationTime":true}`} {
		if _, ok := parse(t, raw).Time(); ok {
			t.Errorf("%s has a time", raw)
		}
	}
}

func TestTimeAgreesWithTimePackage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.Int64Range(0, maxTime).Draw(t, "us")
		zone := time.FixedZone("", 60*rapid.IntRange(-14*60, 14*60).Draw(t, "minutes"))
		at := time.UnixMicro(want).In(zone)
		if at.Year() < 1970 || at.Year() > 9999 {
			t.Skip("another year there")
		}
		for _, layout := range []string{"2006-01-02T15:04:05.000000Z07:00", "2006-01-02 15:04:05.000000-0700"} {
			if got, ok := ParseTime(at.Format(layout)); !ok || got != want {
				t.Fatalf("%s: %d %v, want %d", at.Format(layout), got, ok, want)
			}
		}
		us := at.UTC().Format("1/2/2006 3:04:05 PM")
		if got, ok := ParseTime(us); !ok || got != want-want%1_000_000 {
			t.Fatalf("%s: %d %v, want %d", us, got, ok, want)
		}
	})
}

func FuzzParseTime(f *testing.F) {
	for _, s := range []string{"2026-03-02T09:11:00.123+02:00", "9/20/2023 4:05:03 AM", "/Date(1695182703000)/", "1695182703", "2015-06-29T20:03:65"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		us, ok := ParseTime(s)
		if us < 0 || us > maxTime || !ok && us != 0 {
			t.Fatalf("%q: %d %v", s, us, ok)
		}
		if want, err := time.Parse(time.RFC3339Nano, s); err == nil && want.Year() >= 1970 && want.UnixMicro() >= 0 && want.UTC().Year() <= 9999 {
			if !ok || us != want.UnixMicro() {
				t.Fatalf("%q: %d %v, want %d", s, us, ok, want.UnixMicro())
			}
		}
		if ok {
			again := time.UnixMicro(us).UTC().Format("2006-01-02T15:04:05.000000Z")
			if got, ok := ParseTime(again); !ok || got != us {
				t.Fatalf("%q: written again as %s it is %d", s, again, got)
			}
		}
	})
}
