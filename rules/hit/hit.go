package hit

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"strings"
)

// ID is a record's identity, digested (record.Identity tells from what).
type ID [16]byte

// Compare orders identities by their bytes.
func (a ID) Compare(b ID) int { return bytes.Compare(a[:], b[:]) }

// Severity is how bad an alert is.
type Severity uint8

// The five severities, in their order. The zero value is Info.
const (
	Info Severity = iota
	Low
	Medium
	High
	Critical
)

// SeverityNames are the severities' names in rules and in JSON, in their order.
var SeverityNames = [...]string{"info", "low", "medium", "high", "critical"}

func (s Severity) String() string {
	if int(s) < len(SeverityNames) {
		return SeverityNames[s]
	}
	return "unknown"
}

// ParseSeverity is the severity of that name; ok says whether there is one.
func ParseSeverity(name string) (s Severity, ok bool) {
	for i, n := range SeverityNames {
		if n == name {
			return Severity(i), true
		}
	}
	return Info, false
}

// Rank orders the variants of one record: copies of equal identity that differ elsewhere. The greater rank stays.
type Rank struct {
	Whole  bool   // not truncated by whoever exported it
	Size   int64  // bytes of canonical JSON
	Digest uint64 // of the canonical JSON
}

// Compare orders ranks.
func (a Rank) Compare(b Rank) int {
	if a.Whole != b.Whole {
		if a.Whole {
			return 1
		}
		return -1
	}
	return cmp.Or(cmp.Compare(a.Size, b.Size), cmp.Compare(a.Digest, b.Digest))
}

// Hit is a record that a rule matched, for one entity. It is immutable once made.
type Hit struct {
	Rule     int      // index of the rule in its set; not encoded
	Key      string   // the entity: EncodeKey of the values of the rule's by; not encoded
	Time     int64    // the record's time, microseconds UTC
	ID       ID       // the record's identity
	RecordID string   // the record's own Id, for evidence
	Rank     Rank     // of the variant that matched
	Hidden   bool     // by an exception: present, but never a mark
	Severity Severity // of match and first_seen rules, whose severity is each record's; else Info
	Values   []Value  // one for each capture of the rule, in its order
}

// Compare orders hits of one timeline by (time, identity).
func Compare(a, b *Hit) int {
	if c := cmp.Compare(a.Time, b.Time); c != 0 {
		return c
	}
	return a.ID.Compare(b.ID)
}

// Outranks says whether h stays where o has the same identity: the higher rank does, of equal rank the greater encoding, so
// that it doesn't depend on which came first.
func (h *Hit) Outranks(o *Hit) bool {
	if c := h.Rank.Compare(o.Rank); c != 0 {
		return c > 0
	}
	return h != o && bytes.Compare(Append(nil, h), Append(nil, o)) > 0
}

// Append appends h's encoding, all but Rule and Key, to b.
func Append(b []byte, h *Hit) []byte {
	b = binary.AppendVarint(b, h.Time)
	b = append(b, h.ID[:]...)
	b = AppendString(b, h.RecordID)
	flags := byte(h.Severity) << 2
	if h.Hidden {
		flags |= 1
	}
	if h.Rank.Whole {
		flags |= 2
	}
	b = append(b, flags)
	b = binary.AppendVarint(b, h.Rank.Size)
	b = binary.LittleEndian.AppendUint64(b, h.Rank.Digest)
	b = binary.AppendUvarint(b, uint64(len(h.Values)))
	for _, v := range h.Values {
		b = AppendValue(b, v)
	}
	return b
}

// Hit reads what Append wrote.
func (r *Reader) Hit() *Hit {
	h := &Hit{Time: r.Varint()}
	copy(h.ID[:], r.Bytes(len(h.ID)))
	h.RecordID = r.String()
	if f := r.Bytes(1); f != nil {
		h.Hidden, h.Rank.Whole, h.Severity = f[0]&1 != 0, f[0]&2 != 0, Severity(f[0]>>2)
	}
	h.Rank.Size = r.Varint()
	if d := r.Bytes(8); d != nil {
		h.Rank.Digest = binary.LittleEndian.Uint64(d)
	}
	h.Values = make([]Value, r.count())
	for i := range h.Values {
		h.Values[i] = r.Value()
	}
	return h
}

// Size is about how many bytes of memory h holds.
func (h *Hit) Size() int {
	n := 160 + len(h.RecordID)
	for _, v := range h.Values {
		n += v.Size()
	}
	return n
}

// EncodeKey makes one text of the values of by, such that different values never give the same text.
func EncodeKey(parts ...string) string {
	if len(parts) == 0 {
		return ""
	}
	b := make([]byte, 0, 64)
	for _, p := range parts {
		b = AppendString(b, p)
	}
	return string(b)
}

// DecodeKey is the values that EncodeKey was given.
func DecodeKey(key string) []string {
	var parts []string
	for r := NewReader([]byte(key)); r.Len() > 0 && r.Err() == nil; {
		parts = append(parts, r.String())
	}
	return parts
}

// CompareKeys orders keys by their parts, as a person would.
func CompareKeys(a, b string) int {
	x, y := DecodeKey(a), DecodeKey(b)
	for i := range min(len(x), len(y)) {
		if c := strings.Compare(x[i], y[i]); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(x), len(y))
}
