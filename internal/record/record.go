package record

import (
	"fmt"
	"net/netip"
)

// ID is a record's identity, digested.
type ID [16]byte

// Variant ranks copies of one record that differ: the whole one, then the one of more bytes of canonical JSON, then the
// one of the greater digest. Copies that differ in key order, spacing and string escaping only have equal ones.
type Variant struct {
	Whole  bool   // nothing in it was cut off by whoever exported it
	Size   int64  // bytes of the JSON without blanks and with text escaped no more than needed
	Digest uint64 // Record.Content
}

// SyntaxError says why bytes are not a record.
type SyntaxError struct {
	Offset int // byte in the input
	Reason string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("byte %d: %s", e.Offset, e.Reason) }

// Record is one audit record. It is made to be used again: Parse resets it. The zero value is ready for Parse. It is not
// for concurrent use, not even for reading, since it remembers what it computed. Text and lists that it hands out stay
// valid after the next Parse; Value, Unknown, Object and Raw are views of the bytes given to Parse.
type Record struct {
	raw   []byte
	epoch uint32 // of the present Parse; what is stamped with another epoch is not there

	spans [numFields]span
	texts [numFields]memoText
	names interner

	lists    [numNamed]namedList
	modified memo[[]Modification]
	time     memo[int64]
	timeOK   bool
	opKey    memo[string]
	user     memo[string]
	ip       memo[netip.Addr]
	forwards memo[[]string]
	rule     memo[InboxRule]
	identity memo[ID]
	cut      memo[bool]

	size      int64  // Variant.Size
	digest    uint64 // Content
	truncated bool
	scan      scanner
	scratch   []byte
	nameBuf   []byte
	idBuf     []byte
}

// span is where a member's value stands in the raw bytes.
type span struct {
	start, end uint32
	epoch      uint32
}

type memoText struct {
	text  string
	epoch uint32
}

// memo is a value computed at most once for each Parse.
type memo[T any] struct {
	value T
	epoch uint32
}

func (m *memo[T]) get(r *Record, compute func(*Record) T) T {
	if m.epoch != r.epoch {
		m.value = compute(r)
		m.epoch = r.epoch
	}
	return m.value
}

// Parse validates raw as strict JSON and indexes it. A record is one JSON object, with blanks around it, of at most
// MaxSize bytes and MaxDepth levels; invalid UTF-8 is tolerated and reads as U+FFFD; of members of one name the last
// counts. The error is a *SyntaxError, after which the record is empty. raw must stay unchanged until the next Parse.
func (r *Record) Parse(raw []byte) error {
	r.begin()
	if len(raw) > MaxSize {
		return &SyntaxError{Offset: MaxSize, Reason: fmt.Sprintf("longer than %d MiB", MaxSize>>20)}
	}
	s := &r.scan
	s.b, s.reason, s.offset, s.size = raw, "", 0, 0
	if !r.index(s) {
		err := &SyntaxError{Offset: s.offset, Reason: s.reason}
		r.begin()
		return err
	}
	r.raw = raw
	r.size, r.digest = s.size, s.hash
	if code := r.spans[FErrorCode]; code.epoch == r.epoch && r.spans[FErrorNumber].epoch != r.epoch {
		r.spans[FErrorNumber] = code // the documented name of the same field
	}
	s.b = nil
	return nil
}

// keptScratch is the size in bytes up to which working memory is kept for the next record.
const keptScratch = 1 << 20

// begin forgets the record before.
func (r *Record) begin() {
	r.raw, r.truncated, r.size, r.digest, r.scan.b = nil, false, 0, 0, nil
	if cap(r.scratch) > keptScratch {
		r.scratch = nil
	}
	if cap(r.scan.scratch) > keptScratch {
		r.scan.scratch = nil
	}
	if r.epoch++; r.epoch == 0 { // after four thousand million records the stamps come round: start afresh
		*r = Record{epoch: 1}
	}
}

// index validates, notes where each known field's value is, and digests.
func (r *Record) index(s *scanner) bool {
	b := s.b
	p := s.blanks(0)
	if p >= len(b) || b[p] != '{' {
		s.unexpected(p, "a JSON object")
		return false
	}
	s.size = 2
	sum := openDigest(true)
	p = s.blanks(p + 1)
	if p < len(b) && b[p] == '}' {
		return s.finish(p+1, sum)
	}
	for {
		if p >= len(b) || b[p] != '"' {
			s.unexpected(p, "member name")
			return false
		}
		end, escaped := s.text(p + 1)
		if end < 0 {
			return false
		}
		name, nameDigest := b[p+1:end], s.hash
		if escaped {
			r.nameBuf = appendUnescaped(r.nameBuf[:0], name)
			name = r.nameBuf
		}
		start := s.colon(end + 1)
		if start < 0 {
			return false
		}
		if p = s.value(start, MaxDepth-1); p < 0 {
			return false
		}
		if f := findField(name); f != FNone {
			r.spans[f] = span{uint32(start), uint32(p), r.epoch}
		}
		sum += mix(nameDigest, s.hash)
		p = s.blanks(p)
		if p < len(b) && b[p] == ',' {
			s.size++
			p = s.blanks(p + 1)
			continue
		}
		if p < len(b) && b[p] == '}' {
			return s.finish(p+1, sum)
		}
		s.unexpected(p, "comma or closing brace")
		return false
	}
}

// finish takes the position after the record and the sum of its members' digests.
func (s *scanner) finish(p int, sum uint64) bool {
	if p = s.blanks(p); p < len(s.b) {
		s.fail(p, "something follows the record")
		return false
	}
	s.hash = closeDigest(true, sum)
	return true
}

// Raw is what Parse was given.
func (r *Record) Raw() []byte { return r.raw }

// Value is the raw JSON of a field, nil if it is absent.
func (r *Record) Value(f Field) []byte {
	if f >= numFields {
		return nil
	}
	if s := r.spans[f]; s.epoch == r.epoch && int(s.end) <= len(r.raw) {
		return r.raw[s.start:s.end:s.end]
	}
	return nil
}

// Has says whether the field is there and not null.
func (r *Record) Has(f Field) bool {
	v := r.Value(f)
	return len(v) > 0 && v[0] != 'n'
}

// Unknown is the raw JSON of the top-level member of any name, known or not, nil if it is absent. It is slow.
func (r *Record) Unknown(name string) []byte { return r.All().Value(name) }

// All is the whole record as an Object.
func (r *Record) All() Object { return Object{r.raw} }

// Text reads a field as TextOf does; the result is remembered and costs nothing the second time. An ItemType written as
// number reads as its name.
func (r *Record) Text(f Field) string {
	v := r.Value(f)
	if v == nil {
		return ""
	}
	m := &r.texts[f]
	if m.epoch != r.epoch {
		m.text, m.epoch = r.textOf(v), r.epoch
		if f == FItemType && KindOf(v) == '0' {
			m.text = itemTypeName(m.text)
		}
	}
	return m.text
}

// textOf is TextOf, with short text shared between records.
func (r *Record) textOf(v []byte) string {
	if inner, ok := plainText(v); ok {
		return r.names.intern(inner)
	}
	r.scratch = appendText(r.scratch[:0], v)
	return r.names.intern(r.scratch)
}

// Is says whether Text(f) == s.
func (r *Record) Is(f Field, s string) bool { return r.Text(f) == s }

// Int reads a field as IntOf does; RecordType, UserType, LogonType and InternalLogonType also from their names, -1 if
// there is no such name.
func (r *Record) Int(f Field) int64 {
	v := r.Value(f)
	switch f {
	case FRecordType:
		return enumOf(v, recordTypes)
	case FUserType:
		return enumOf(v, userTypes)
	case FLogonType, FInternalLogonType:
		return enumOf(v, logonTypes)
	}
	return IntOf(v)
}

// Bool reads a field as BoolOf does.
func (r *Record) Bool(f Field) bool { return BoolOf(r.Value(f)) }

// Double reads a field as DoubleOf does.
func (r *Record) Double(f Field) float64 { return DoubleOf(r.Value(f)) }

// Timestamp reads a field as TimestampOf does.
func (r *Record) Timestamp(f Field) (us int64, ok bool) { return TimestampOf(r.Value(f)) }

// Texts reads a field as TextsOf does.
func (r *Record) Texts(f Field) []string { return TextsOf(r.Value(f)) }

// Object reads a field as ObjectOf does.
func (r *Record) Object(f Field) Object { return ObjectOf(r.Value(f)) }

// Objects reads a field as ObjectsOf does.
func (r *Record) Objects(f Field) []Object { return ObjectsOf(r.Value(f)) }

// Time is when it happened: CreationTime, microseconds UTC; ok is false if it has no usable one.
func (r *Record) Time() (us int64, ok bool) {
	us = r.time.get(r, func(r *Record) int64 {
		var us int64
		us, r.timeOK = TimestampOf(r.Value(FCreationTime))
		return us
	})
	return us, r.timeOK
}

// MarkTruncated notes that whoever exported the record cut something off. Parse resets it.
func (r *Record) MarkTruncated() { r.truncated = true }
