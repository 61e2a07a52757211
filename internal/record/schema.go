package record

// Field is a known top-level field of a record: FOperation, FClientIP and so on. The zero value is no field.
type Field uint16

// Type is how a field or a member of a nested object reads. Whatever its JSON, a value is converted: numbers written as
// text, text written as numbers, lists written as JSON text. What can't be converted reads as the zero value.
type Type uint8

// The types.
const (
	TypeAny        Type = iota // untyped JSON
	TypeText                   // string
	TypeInt                    // int64; RecordType, UserType and LogonType also from their names
	TypeBool                   // bool
	TypeDouble                 // float64
	TypeTimestamp              // a time, microseconds UTC
	TypeTexts                  // []string
	TypeNameValues             // []NameValue
	TypeModified               // []Modification
	TypeObject                 // an Object of a named ObjectType
	TypeObjects                // a list of such Objects
)

type fieldInfo struct {
	name   string
	typ    Type
	object string
}

// Name is the field's name in JSON; "" for no field.
func (f Field) Name() string {
	if f < numFields {
		return fieldTable[f].name
	}
	return ""
}

// Type is how the field reads.
func (f Field) Type() Type {
	if f < numFields {
		return fieldTable[f].typ
	}
	return TypeAny
}

// Object names the ObjectType of a field of TypeObject or TypeObjects; "" for others.
func (f Field) Object() string {
	if f < numFields {
		return fieldTable[f].object
	}
	return ""
}

// Lookup is the known field of that name, in exactly this spelling.
func Lookup(name string) (Field, bool) {
	f := findField([]byte(name))
	return f, f != FNone
}

// Fields lists the known fields, common ones first.
func Fields() []Field {
	all := make([]Field, 0, numFields-1)
	for f := FNone + 1; f < numFields; f++ {
		all = append(all, f)
	}
	return all
}

// Member is one member of a nested object.
type Member struct {
	Name   string
	Type   Type
	Object string // the ObjectType of TypeObject and TypeObjects
}

// ObjectType describes a nested object: the members that expressions may name.
type ObjectType struct {
	Name    string
	Members []Member
}

// Member is the member of that name.
func (t *ObjectType) Member(name string) (Member, bool) {
	for _, m := range t.Members {
		if m.Name == name {
			return m, true
		}
	}
	return Member{}, false
}

// ObjectTypes lists the nested object types. They must not be changed.
func ObjectTypes() []ObjectType { return objectTable }

// LookupObject is the nested object type of that name, nil if there is none.
func LookupObject(name string) *ObjectType {
	for i := range objectTable {
		if objectTable[i].Name == name {
			return &objectTable[i]
		}
	}
	return nil
}
