package record

import "iter"

// Object is a read-only view of a JSON object nested in a record. The zero value is an object without members. It is
// valid as long as the bytes that it was made from.
type Object struct {
	raw []byte // a valid JSON object, or nil
}

// ObjectOf views raw, valid JSON: an object, or text that holds one as JSON. Anything else gives the zero Object.
func ObjectOf(raw []byte) Object { return Object{} }

// ObjectsOf views raw as a list of objects: a list, one object, or text that holds either as JSON. Elements that are no
// objects are left out.
func ObjectsOf(raw []byte) []Object { return nil }

// Raw is the object's JSON, nil for the zero value.
func (o Object) Raw() []byte { return o.raw }

// Value is the raw JSON of a member, nil if it is absent; of members of one name the last.
func (o Object) Value(name string) []byte { return nil }

// Has says whether the member is there and not null.
func (o Object) Has(name string) bool { return false }

// Text, Int, Bool, Double, Time, Texts, NameValues, Object and Objects read a member as the functions on raw JSON do.

// Text reads a member as TextOf does.
func (o Object) Text(name string) string { return TextOf(o.Value(name)) }

// Int reads a member as IntOf does.
func (o Object) Int(name string) int64 { return IntOf(o.Value(name)) }

// Bool reads a member as BoolOf does.
func (o Object) Bool(name string) bool { return BoolOf(o.Value(name)) }

// Double reads a member as DoubleOf does.
func (o Object) Double(name string) float64 { return DoubleOf(o.Value(name)) }

// Timestamp reads a member as TimestampOf does.
func (o Object) Timestamp(name string) (us int64, ok bool) { return TimestampOf(o.Value(name)) }

// Texts reads a member as TextsOf does.
func (o Object) Texts(name string) []string { return TextsOf(o.Value(name)) }

// NameValues reads a member as NameValuesOf does.
func (o Object) NameValues(name string) []NameValue { return NameValuesOf(o.Value(name)) }

// Object reads a member as ObjectOf does.
func (o Object) Object(name string) Object { return ObjectOf(o.Value(name)) }

// Objects reads a member as ObjectsOf does.
func (o Object) Objects(name string) []Object { return ObjectsOf(o.Value(name)) }

// Members yields the members in the order of the JSON; a name that comes twice is yielded twice.
func (o Object) Members() iter.Seq2[string, []byte] { return func(func(string, []byte) bool) {} }

// Elements yields the elements of raw, a JSON list; nothing if raw is something else.
func Elements(raw []byte) iter.Seq[[]byte] { return func(func([]byte) bool) {} }

// KindOf is the JSON type of raw: '{', '[', '"', '0' (a number), 't' (true or false), 'n' (null), 0 (nothing).
func KindOf(raw []byte) byte { return 0 }

// TextOf reads raw JSON as text: text as it means, invalid UTF-8 as U+FFFD; null and nothing as ""; numbers, booleans as
// written ("True", "False" for booleans, as Microsoft writes them); lists and objects as their JSON.
func TextOf(raw []byte) string { return "" }

// IntOf reads raw JSON as a whole number: numbers and text that is one, fractions cut off, beyond the range the nearest
// possible; true as 1.
func IntOf(raw []byte) int64 { return 0 }

// BoolOf reads raw JSON as a boolean: true, a number other than 0, and the texts true, 1, yes, on, enabled in any case.
func BoolOf(raw []byte) bool { return false }

// DoubleOf reads raw JSON as a number: numbers and text that is one; never NaN or infinite.
func DoubleOf(raw []byte) float64 { return 0 }

// TimestampOf reads raw JSON as a time (ParseTime), microseconds UTC.
func TimestampOf(raw []byte) (us int64, ok bool) { return 0, false }

// TextsOf reads raw JSON as a list of texts: a list, text that holds one as JSON, any other text or value as a list of one;
// "" and null are no elements.
func TextsOf(raw []byte) []string { return nil }
