package main

import (
	"fmt"
	"strings"
	"time"

	"detect/rules/document"
)

// parseWhen reads a point in time: RFC 3339, a date, a date with a time (both UTC), or a duration back from now. It is
// given in microseconds.
func parseWhen(s string, now time.Time) (int64, error) {
	s = strings.TrimSpace(s)
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UnixMicro(), nil
		}
	}
	us, ok := document.ParseDuration(s)
	if !ok || us < 0 {
		return 0, fmt.Errorf("%q is no time: write 2026-03-01, 2026-03-01T08:00:00Z or a duration back such as 30d", s)
	}
	return now.UnixMicro() - us, nil
}
