package record

import (
	"strings"
	"time"
)

// The range of times that are ok, microseconds UTC: 1970-01-01 up to the end of 9999.
const maxTime = 253402300800*1_000_000 - 1

// TimestampOf reads raw JSON as a time (ParseTime), microseconds UTC.
func TimestampOf(raw []byte) (us int64, ok bool) {
	if inner, plain := plainText(raw); plain {
		return parseTime(inner)
	}
	var room [64]byte
	switch KindOf(raw) {
	case '"', '0':
		return parseTime(appendText(room[:0], raw))
	}
	return 0, false
}

// ParseTime reads a time in any form that exports use, as UTC where it names no zone: 2006-01-02T15:04:05 with or without
// Z, fraction, offset, with a blank instead of the T, without seconds, a date alone, /Date(ms)/, milliseconds or seconds
// since 1970 (at least 9 digits), and 1/2/2006 3:04:05 PM. An impossible day, hour, minute or second becomes the nearest
// possible one. Only the years 1970 to 9999 are ok.
func ParseTime(s string) (us int64, ok bool) { return parseTime([]byte(s)) }

func parseTime(b []byte) (us int64, ok bool) {
	b = trimBlanks(b)
	if len(b) >= 10 && b[4] == '-' {
		us, ok = isoTime(b)
	} else if len(b) > 6 && b[0] == '/' {
		us, ok = dotNetTime(b)
	} else if len(b) >= 9 && isNumber(b) {
		us, ok = epochTime(b)
	} else {
		us, ok = slashTime(b)
	}
	if !ok || us < 0 || us > maxTime {
		return 0, false
	}
	return us, true
}

func trimBlanks(b []byte) []byte {
	for len(b) > 0 && b[0] <= ' ' {
		b = b[1:]
	}
	for len(b) > 0 && b[len(b)-1] <= ' ' {
		b = b[:len(b)-1]
	}
	return b
}

// timeReader reads numbers of fixed or limited width off the front of b.
type timeReader struct {
	b  []byte
	ok bool
}

// number reads between least and most digits.
func (t *timeReader) number(least, most int) int64 {
	var n int64
	i := 0
	for ; i < most && i < len(t.b) && isDigit(t.b[i]); i++ {
		n = n*10 + int64(t.b[i]-'0')
	}
	t.ok = t.ok && i >= least
	t.b = t.b[i:]
	return n
}

// skip passes over one of the bytes in set, and says whether there was one.
func (t *timeReader) skip(set string) bool {
	if len(t.b) > 0 && strings.IndexByte(set, t.b[0]) >= 0 {
		t.b = t.b[1:]
		return true
	}
	return false
}

func (t *timeReader) want(set string) { t.ok = t.skip(set) && t.ok }

// clock reads hour:minute[:second[.fraction]].
func (t *timeReader) clock() (hour, minute, second, micros int64) {
	hour = t.number(1, 2)
	t.want(":.")
	minute = t.number(1, 2)
	if t.skip(":.") {
		second = t.number(1, 2)
		if t.skip(".,") {
			unit := int64(100_000)
			for len(t.b) > 0 && isDigit(t.b[0]) {
				micros += int64(t.b[0]-'0') * unit
				unit /= 10
				t.b = t.b[1:]
			}
		}
	}
	return hour, minute, second, micros
}

// zone reads Z, UTC, GMT, an offset or nothing, and returns the offset in seconds.
func (t *timeReader) zone() int64 {
	t.skip(" ")
	switch s := string(t.b); {
	case s == "":
		return 0
	case strings.EqualFold(s, "Z"), strings.EqualFold(s, "UTC"), strings.EqualFold(s, "GMT"):
		t.b = nil
		return 0
	}
	sign := int64(1)
	if t.skip("-") {
		sign = -1
	} else {
		t.want("+")
	}
	h := t.number(2, 2)
	t.skip(":")
	m := t.number(0, 2)
	t.ok = t.ok && h <= 24 && m < 60
	return sign * (h*3600 + m*60)
}

// isoTime reads 2006-01-02[T15:04[:05[.999]][zone]].
func isoTime(b []byte) (us int64, ok bool) {
	t := timeReader{b: b, ok: true}
	year := t.number(4, 4)
	t.want("-")
	month := t.number(1, 2)
	t.want("-")
	day := t.number(1, 2)
	if len(t.b) == 0 || !t.ok {
		return unixMicros(year, month, day, 0, 0, 0, 0, t.ok)
	}
	if !t.skip("Tt") {
		t.want(" _")
	}
	hour, minute, second, micros := t.clock()
	offset := t.zone()
	us, ok = unixMicros(year, month, day, hour, minute, second, micros, t.ok && len(t.b) == 0)
	return us - offset*1_000_000, ok
}

// slashTime reads 1/2/2006[ 3:04[:05] [AM|PM]], month first, as en-US exports write it.
func slashTime(b []byte) (us int64, ok bool) {
	t := timeReader{b: b, ok: true}
	month := t.number(1, 2)
	t.want("/")
	day := t.number(1, 2)
	t.want("/")
	year := t.number(4, 4)
	var hour, minute, second, micros int64
	if len(t.b) > 0 {
		t.skip(",")
		t.want(" ")
		hour, minute, second, micros = t.clock()
		rest := strings.ToUpper(strings.TrimSpace(strings.ReplaceAll(string(t.b), "\u202f", " ")))
		switch rest {
		case "AM", "PM":
			if hour == 12 {
				hour = 0
			}
			if rest == "PM" {
				hour += 12
			}
		case "", "Z", "UTC":
		default:
			t.ok = false
		}
	}
	return unixMicros(year, month, day, hour, minute, second, micros, t.ok)
}

// dotNetTime reads /Date(1695182703000)/, also with an offset after the milliseconds, which says nothing of the instant.
func dotNetTime(b []byte) (us int64, ok bool) {
	s, found := strings.CutPrefix(string(b), "/Date(")
	if !found {
		return 0, false
	}
	s, found = strings.CutSuffix(s, ")/")
	if i := strings.LastIndexAny(s, "+-"); i > 0 {
		s = s[:i]
	}
	if !found || len(s) > 15 || len(s) == 0 || !isNumber([]byte(s)) {
		return 0, false
	}
	t := timeReader{b: []byte(s), ok: true}
	return t.number(1, 15) * 1000, t.ok
}

func isNumber(b []byte) bool {
	for _, c := range b {
		if !isDigit(c) {
			return false
		}
	}
	return true
}

// epochTime reads seconds (up to 11 digits) or milliseconds since 1970.
func epochTime(b []byte) (us int64, ok bool) {
	if len(b) > 15 {
		return 0, false
	}
	t := timeReader{b: b, ok: true}
	n := t.number(1, 15)
	if len(b) <= 11 {
		return n * 1_000_000, true
	}
	return n * 1000, true
}

// unixMicros makes a time of its parts. Days, hours, minutes and seconds that do not exist become the nearest that do: a
// published sample has second 65, and a record must not be lost for that.
func unixMicros(year, month, day, hour, minute, second, micros int64, ok bool) (int64, bool) {
	if !ok || month < 1 || month > 12 || year < 1969 {
		return 0, false
	}
	days := daysBefore(year, month)
	last := daysBefore(year, month+1) - days
	day, hour = max(1, min(day, last)), min(hour, 23)
	minute, second = min(minute, 59), min(second, 59)
	return ((days+day-1)*86400+hour*3600+minute*60+second)*1_000_000 + micros, true
}

// daysBefore is how many days lie between 1970 and the first of the month; month may be 13.
func daysBefore(year, month int64) int64 {
	return time.Date(int(year), time.Month(month), 1, 0, 0, 0, 0, time.UTC).Unix() / 86400
}
