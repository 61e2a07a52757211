package record

import "iter"

// Object is a read-only view of a JSON object nested in a record. The zero value is an object without members. It is
// valid as long as the bytes that it was made from.
type Object struct {
	raw []byte // a valid JSON object, or nil
}

// ObjectOf views raw, valid JSON: an object, or text that holds one as JSON. Anything else gives the zero Object.
func ObjectOf(raw []byte) Object {
	if KindOf(raw) == '"' {
		raw = jsonInText(raw)
	}
	if KindOf(raw) != '{' {
		return Object{}
	}
	return Object{raw}
}

// ObjectsOf views raw as a list of objects: a list, one object, or text that holds either as JSON. Elements that are no
// objects are left out.
func ObjectsOf(raw []byte) []Object {
	if KindOf(raw) == '"' {
		raw = jsonInText(raw)
	}
	var all []Object
	switch KindOf(raw) {
	case '{':
		all = append(all, Object{raw})
	case '[':
		for e := range Elements(raw) {
			if o := ObjectOf(e); o.raw != nil {
				all = append(all, o)
			}
		}
	}
	return all
}

// Raw is the object's JSON, nil for the zero value.
func (o Object) Raw() []byte { return o.raw }

// Value is the raw JSON of a member, nil if it is absent; of members of one name the last.
func (o Object) Value(name string) []byte {
	var found []byte
	for n, v := range members(o.raw) {
		if string(n) == name {
			found = v
		}
	}
	return found
}

// foldValue is Value without regard to case; of several spellings the very one that is asked for, else the first in
// alphabetical order, so that the order of members means nothing.
func (o Object) foldValue(name string) []byte {
	var found []byte
	var spelling string
	for n, v := range members(o.raw) {
		if !foldEqual(n, name) {
			continue
		}
		better := string(n) == name || spelling != name && string(n) <= spelling
		if found == nil || better {
			found, spelling = v, string(n)
		}
	}
	return found
}

// Has says whether the member is there and not null.
func (o Object) Has(name string) bool {
	k := KindOf(o.Value(name))
	return k != 0 && k != 'n'
}

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
func (o Object) Members() iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for n, v := range members(o.raw) {
			if !yield(string(n), v) {
				return
			}
		}
	}
}
