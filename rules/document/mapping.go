package document

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Mapping is a mapping whose keys have been checked.
type Mapping struct {
	Value
	entries []Entry
}

// Keys is what a mapping may hold.
type Keys struct {
	What  string            // what the mapping is, for messages: "a rule"
	Known []string          // keys that mean something; nil: any name
	Later map[string]string // keys that the rule format knows and this version does not, with what they belong to
}

// Mapping checks that v is a mapping with texts as keys, each known and none twice. ok is false if v is no mapping; keys
// at fault are left out.
func (r *Report) Mapping(v Value, k Keys) (m Mapping, ok bool) {
	if !v.IsMapping() {
		r.Add(v, 0, fmt.Sprintf("%s must be a mapping of keys to values, and this is %s", k.What, v.What()), "")
		return Mapping{}, false
	}
	m = Mapping{Value: v}
	seen := map[string]bool{}
	all := v.Entries()
	for i, e := range all {
		name := e.Key.Scalar()
		switch {
		case i > 0 && v.InBraces() && e.Value.IsNull() && e.Value.Scalar() == "" && !e.Key.colon():
			r.Add(e.Key, 0, fmt.Sprintf("the comma before %q ended the value of %q", name, all[i-1].Key.Scalar()), "quote expressions inside braces")
			r.Break(all[i-1].Value)
		case !e.Key.IsScalar() || e.Key.IsNull() || k.Known != nil && !e.Key.IsText():
			r.Add(e.Key, 0, fmt.Sprintf("a key must be text, and this is %s", e.Key.What()), "")
		case seen[name]:
			r.Add(e.Key, 0, fmt.Sprintf("%q is there twice", name), "")
		case k.Later[name] != "":
			r.Add(e.Key, 0, fmt.Sprintf("%q (%s) is not supported by this version", name, k.Later[name]), "")
		case k.Known != nil && !slices.Contains(k.Known, name):
			r.unknownKey(e.Key, k)
		default:
			m.entries = append(m.entries, e)
		}
		seen[name] = true
	}
	return m, true
}

func (r *Report) unknownKey(key Value, k Keys) {
	hint := "known keys: " + strings.Join(k.Known, ", ")
	message := fmt.Sprintf("%s has no key %q", k.What, key.Scalar())
	if near := Nearest(key.Scalar(), k.Known); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	r.Add(key, 0, message, hint)
}

// With is the mapping with other entries in place of its own.
func (m Mapping) With(entries []Entry) Mapping { return Mapping{Value: m.Value, entries: entries} }

// Entries is the mapping's keys that passed, in the order of the file.
func (m Mapping) Entries() []Entry { return m.entries }

// Get is the value of a key; no value if it is not there.
func (m Mapping) Get(key string) Value { return m.Entry(key).Value }

// Entry is a key with its value; both are no value if it is not there.
func (m Mapping) Entry(key string) Entry {
	for _, e := range m.entries {
		if e.Key.Scalar() == key {
			return e
		}
	}
	return Entry{}
}

// Require notes a fault for each key that is not there, at the beginning of the mapping.
func (r *Report) Require(m Mapping, what string, keys ...string) bool {
	ok := true
	for _, key := range keys {
		if !m.Get(key).Exists() {
			r.Add(m.Value, 0, fmt.Sprintf("%s needs the key %q", what, key), "")
			ok = false
		}
	}
	return ok
}

// Text is a text that is not empty. It is empty and ok false if v is no value or at fault.
func (r *Report) Text(v Value, what string) (s string, ok bool) {
	switch {
	case !v.Exists():
		return "", false
	case v.IsNull() || v.IsText() && strings.TrimSpace(v.Scalar()) == "":
		r.Add(v, 0, what+" is empty", "")
		return "", false
	case v.IsScalar() && !v.IsText():
		r.Add(v, 0, fmt.Sprintf("%s must be text, and this is %s", what, v.What()), fmt.Sprintf(`write "%s"`, v.Scalar()))
		return "", false
	case !v.IsText():
		hint := ""
		if v.InBraces() {
			hint = "a text that begins with { or [ must be quoted"
		}
		r.Add(v, 0, fmt.Sprintf("%s must be text, and this is %s", what, v.What()), hint)
		return "", false
	}
	return v.Scalar(), true
}

// Line is a text of one line.
func (r *Report) Line(v Value, what string) (string, bool) {
	s, ok := r.Text(v, what)
	if !ok {
		return "", false
	}
	s = strings.TrimRight(s, "\n")
	if i := strings.IndexByte(s, '\n'); i >= 0 {
		r.Add(v, i, what+" must be one line", "")
		return "", false
	}
	return s, true
}

// Texts is a list of texts, none empty, with their values for places.
func (r *Report) Texts(v Value, what string) (texts []string, places []Value) {
	if !v.Exists() {
		return nil, nil
	}
	if !v.IsList() {
		hint := ""
		if v.IsScalar() && !v.IsNull() {
			hint = fmt.Sprintf("write [%s]", FirstLine(v.Scalar()))
		}
		r.Add(v, 0, fmt.Sprintf("%s must be a list, and this is %s", what, v.What()), hint)
		return nil, nil
	}
	for _, item := range v.Items() {
		if s, ok := r.Text(item, "an element of "+what); ok {
			texts = append(texts, s)
			places = append(places, item)
		}
	}
	return texts, places
}

// Int is a whole number between lo and hi.
func (r *Report) Int(v Value, what string, lo, hi int64) (int64, bool) {
	if !v.Exists() {
		return 0, false
	}
	var n int64
	if !v.Is("!!int") || v.Decode(&n) != nil {
		r.Add(v, 0, fmt.Sprintf("%s must be a whole number, and this is %s", what, v.What()), "")
		return 0, false
	}
	if n < lo || n > hi {
		r.Add(v, 0, fmt.Sprintf("%s must be between %d and %d", what, lo, hi), "")
		return 0, false
	}
	return n, true
}

// Duration is a duration such as 90s, 10m, 6h, 30d or 1h30m, in microseconds.
func (r *Report) Duration(v Value, what string) (int64, bool) {
	if !v.Exists() {
		return 0, false
	}
	us, ok := int64(0), false
	if v.IsScalar() {
		us, ok = ParseDuration(v.Scalar())
	}
	if !ok {
		r.Add(v, 0, what+" must be a duration, such as 90s, 10m, 6h, 30d or 1h30m, of at most ten years", "")
	}
	return us, ok
}

// Microseconds of the units of a duration, greatest first, and the longest duration.
const (
	millisecond = 1000
	second      = 1000 * millisecond
	minute      = 60 * second
	hour        = 60 * minute
	day         = 24 * hour
	week        = 7 * day

	longestDuration = 3653 * day
)

var units = []struct {
	name string
	us   int64
}{{"w", week}, {"d", day}, {"h", hour}, {"ms", millisecond}, {"m", minute}, {"s", second}}

// ParseDuration reads whole numbers with the units w, d, h, m, s and ms, each unit at most once and the greater first; the
// result is in microseconds.
func ParseDuration(s string) (us int64, ok bool) {
	last := int64(week + 1)
	if s == "0" || s == "" {
		return 0, s == "0"
	}
	for s != "" {
		digits := 0
		for digits < len(s) && s[digits] >= '0' && s[digits] <= '9' {
			digits++
		}
		n, err := strconv.ParseInt(s[:digits], 10, 64)
		if err != nil || digits > 12 {
			return 0, false
		}
		s = s[digits:]
		unit := int64(0)
		for _, u := range units {
			if strings.HasPrefix(s, u.name) {
				unit, s = u.us, s[len(u.name):]
				break
			}
		}
		if unit == 0 || unit >= last || n > longestDuration/unit {
			return 0, false
		}
		last = unit
		us += n * unit
	}
	return us, us <= longestDuration
}

// Nearest is the name that s was most probably meant to be, or "".
func Nearest(s string, names []string) string {
	best, distance := "", 1+max(1, len(s)/3)
	for _, n := range names {
		if d := editDistance(strings.ToLower(s), strings.ToLower(n)); d < distance {
			best, distance = n, d
		}
	}
	return best
}

// editDistance counts the insertions, deletions, changes and swaps of neighbours that make b of a. Only the first 64
// bytes count: names are short.
func editDistance(a, b string) int {
	a, b = a[:min(len(a), 64)], b[:min(len(b), 64)]
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := last[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			row[j] = min(change, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
