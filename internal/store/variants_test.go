package store

import (
	"cmp"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"detect/engine"
	"detect/rules/hit"
)

// TestVariantsAmongMany asks for identities where many others lie between them, and where none does, several variants of
// one included.
func TestVariantsAmongMany(t *testing.T) {
	s := open(t, Options{Path: filepath.Join(t.TempDir(), "detect.db")})
	defer s.Close()
	random := rand.New(rand.NewPCG(1, 2))
	some := func(times int64) engine.Seen {
		return engine.Seen{Time: random.Int64N(times), ID: hit.ID{byte(random.IntN(40)), 15: byte(random.IntN(8))}}
	}
	type place struct {
		time int64
		id   hit.ID
	}
	model := map[place][]uint64{}
	c := new(engine.Commit)
	for range 6000 {
		id := some(40)
		if id.Time%5 == 0 {
			id.Time += 1000 * random.Int64N(50) // a part of them far apart
		}
		id.Variant = uint64(random.IntN(5))
		if p := (place{id.Time, id.ID}); !slices.Contains(model[p], id.Variant) {
			model[p] = append(model[p], id.Variant)
			slices.Sort(model[p])
			c.Seen = append(c.Seen, id)
		}
	}
	if err := s.Commit(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{1, 2, 30, 500, 513, 2000} {
		for _, times := range []int64{1, 40, 60_000} {
			ids := make([]engine.Seen, n)
			for i := range ids {
				if ids[i] = some(times); random.IntN(3) == 0 {
					ids[i] = c.Seen[random.IntN(len(c.Seen))]
				}
			}
			if n > 1 {
				ids[n-1] = ids[0] // asked for twice
			}
			got, err := s.Variants(t.Context(), ids)
			if err != nil {
				t.Fatal(err)
			}
			want := make([][]uint64, n)
			for i, id := range ids {
				want[i] = model[place{id.Time, id.ID}]
			}
			if diff := gocmp.Diff(want, got); diff != "" {
				t.Fatalf("%d identities of %d times (-want +got):\n%s", n, times, diff)
			}
		}
	}
	// The order asked is kept: neither sorted nor grouped.
	ids := slices.Clone(c.Seen[:100])
	slices.SortFunc(ids, func(a, b engine.Seen) int { return cmp.Compare(b.Time, a.Time) })
	got, err := s.Variants(t.Context(), ids)
	if err != nil {
		t.Fatal(err)
	}
	for i, id := range ids {
		if !slices.Contains(got[i], id.Variant) {
			t.Fatalf("%d: %v lacks %d", i, got[i], id.Variant)
		}
	}
}
