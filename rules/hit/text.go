package hit

import (
	"strconv"
	"strings"
	"time"
)

// String is v as it is listed among an alert's values: text as it is, times as RFC 3339 in UTC, durations as Go writes
// them, an unknown place and no value as the empty text, a list's elements with ", " between them.
func (v Value) String() string {
	switch v.Kind {
	case Text:
		return v.Str
	case Int:
		return strconv.FormatInt(v.Num, 10)
	case Double:
		return strconv.FormatFloat(v.Float(), 'g', -1, 64)
	case Bool:
		return strconv.FormatBool(v.Bool())
	case Time:
		return time.UnixMicro(v.Num).UTC().Format(time.RFC3339Nano)
	case Duration:
		return (time.Duration(v.Num) * time.Microsecond).String()
	case Place:
		p := v.Place()
		if p.City != "" && p.Country != "" {
			return p.City + ", " + p.Country
		}
		return p.City + p.Country
	case Texts:
		return strings.Join(v.Texts(), ", ")
	case Ints:
		var parts []string
		for _, n := range v.Ints() {
			parts = append(parts, strconv.FormatInt(n, 10))
		}
		return strings.Join(parts, ", ")
	default:
		return ""
	}
}
