package simulate

import (
	"slices"
	"testing"
	"time"

	"detect/internal/record"
)

func TestArrivals(t *testing.T) {
	lines, _ := generate(t, Config{Seed: 5, Users: 60, Records: 8000, Duration: 4 * 24 * time.Hour})
	all, err := Arrivals(9, lines)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Arrivals(9, lines)
	if err != nil || !slices.EqualFunc(all, again, func(a, b Arrival) bool { return a.At.Equal(b.At) && &a.Line[0] == &b.Line[0] }) {
		t.Error("the same seed gave another delivery")
	}
	seen := map[*byte]int{}
	var r record.Record
	var delays []time.Duration
	newest, inversions := int64(0), 0
	for i, a := range all {
		if i > 0 && a.At.Before(all[i-1].At) {
			t.Fatal("not in order of delivery")
		}
		seen[&a.Line[0]]++
		if err := r.Parse(a.Line); err != nil {
			t.Fatal(err)
		}
		us, _ := r.Time()
		late := a.At.Sub(time.UnixMicro(us))
		if late <= 0 || late > MaxDelay {
			t.Fatalf("delivered after %s", late)
		}
		delays = append(delays, late)
		if us < newest {
			inversions++
		}
		newest = max(newest, us)
	}
	if len(seen) != len(lines) {
		t.Errorf("%d of %d records delivered", len(seen), len(lines))
	}
	if n := len(all) - len(lines); n < len(lines)/100 || n > len(lines)/30 {
		t.Errorf("%d repeats", n)
	}
	slices.Sort(delays)
	if m := delays[len(delays)/2]; m < 45*time.Minute || m > 100*time.Minute {
		t.Errorf("median delay %s", m)
	}
	if m := delays[len(delays)-1]; m < 20*time.Hour {
		t.Errorf("longest delay %s", m)
	}
	if inversions < len(all)/2 {
		t.Errorf("only %d of %d come after a younger record", inversions, len(all))
	}
}
