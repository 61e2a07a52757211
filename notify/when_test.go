package notify

import "testing"

// TestWhen: the first moment of 1970 is a time like any other, as a record may be dated so.
func TestWhen(t *testing.T) {
	const day = 24 * 3600 * 1e6
	for _, c := range []struct {
		first, last int64
		want        string
	}{
		{0, 0, "1970-01-01 00:00:00 UTC"},
		{0, 60e6, "1970-01-01 00:00:00 to 00:01:00 UTC (1 min)"},
		{-day, 0, "1969-12-31 00:00:00 to 1970-01-01 00:00:00 UTC (1 d)"},
	} {
		if got := when(c.first, c.last); got != c.want {
			t.Errorf("%d to %d: %q, want %q", c.first, c.last, got, c.want)
		}
	}
}
