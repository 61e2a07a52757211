package store

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"detect/engine"
)

func TestTheNewestRejectsAreKept(t *testing.T) {
	s := open(t, Options{Path: filepath.Join(t.TempDir(), "detect.db")})
	defer s.Close()
	total := 0
	for _, c := range []struct{ add, want int }{
		{9000, 9000}, {2000, 11_000}, {1, 10_000}, {1, 10_001}, {1000, 10_000}, {15_000, 10_000}, {0, 10_000}, {25_000, 10_000}, {7, 10_007},
	} {
		batch := &engine.Commit{Counts: engine.Counts{Read: int64(c.add), Rejected: int64(c.add)}}
		for range c.add {
			total++
			batch.Rejects = append(batch.Rejects, engine.Reject{Source: "s", File: "f", Line: int64(total), Offset: -1, Reason: fmt.Sprint("no ", total)})
		}
		if err := s.Commit(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		kept, err := s.Rejects(t.Context(), 100_000)
		if err != nil || len(kept) != c.want {
			t.Fatalf("after %d rejects, %d are kept, want %d: %v", total, len(kept), c.want, err)
		}
		for i, r := range kept {
			if want := (engine.Reject{Source: "s", File: "f", Line: int64(total - i), Offset: -1, Reason: fmt.Sprint("no ", total-i)}); r.Reject != want || r.Created == 0 {
				t.Fatalf("kept %d: %+v, want %+v", i, r, want)
			}
		}
		if few, err := s.Rejects(t.Context(), 3); err != nil || len(few) != 3 || few[0] != kept[0] {
			t.Fatalf("the newest three: %+v, %v", few, err)
		}
		if n, _, err := s.Totals(t.Context()); err != nil || n.Rejected != int64(total) {
			t.Fatalf("%d are counted of %d: %v", n.Rejected, total, err)
		}
	}
}

func TestARejectIsKeptInBounds(t *testing.T) {
	s := open(t, Options{Path: filepath.Join(t.TempDir(), "detect.db")})
	defer s.Close()
	hostile := strings.Repeat("\x00\xff'\n;é", 1<<17)
	if err := s.Commit(t.Context(), &engine.Commit{Rejects: []engine.Reject{{Source: hostile, File: hostile, Reason: hostile}}}); err != nil {
		t.Fatal(err)
	}
	kept, err := s.Rejects(t.Context(), 1)
	if err != nil || len(kept) != 1 {
		t.Fatalf("%v, %v", kept, err)
	}
	for _, text := range []string{kept[0].Source, kept[0].File, kept[0].Reason} {
		if len(text) < maxPlace/2 || len(text) > 3*maxPlace || !strings.HasPrefix(text, "\x00\uFFFD'\n;é\x00") {
			t.Errorf("%d bytes: %.40q", len(text), text)
		}
	}
}

func TestCausesAreCutBetweenRunes(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", ""}, {"abcde", "abcde"}, {"abcdef", "abcde"}, {"abcdé", "abcd"}, {"ab\xffd", "ab\uFFFDd"}, {"\xbf\xbf\xbf\xbf\xbf\xbf\xbf", ""},
	} {
		if got := cut(c.text, 5); got != c.want {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
}
