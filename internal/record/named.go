package record

import (
	"slices"
	"strings"
)

// NameValue is one named value of Parameters, ExtendedProperties and the like.
type NameValue struct {
	Name  string
	Value string   // a value that is not text is its JSON, true and false "True" and "False"; a switch without value "True"
	List  []string // the elements if the value was a list, else nil
}

// pair is a named value before it is read.
type pair struct {
	name  []byte // decoded
	raw   []byte // the value's JSON; nil if text is the value
	text  string
	items []string // of a list on a command line
	bare  bool     // an entry {Name} without a member Value
}

func (p pair) value() string {
	if p.raw != nil {
		return TextOf(p.raw)
	}
	return p.text
}

// list is the value as a list; isList says whether it is written as one.
func (p pair) list() (elements []string, isList bool) {
	if p.raw == nil {
		return p.items, p.items != nil
	}
	if KindOf(p.raw) == '[' {
		return TextsOf(p.raw), true
	}
	if inner := listInText(p.raw); inner != nil {
		return TextsOf(inner), true
	}
	return nil, false
}

func (p pair) nameValue() NameValue {
	nv := NameValue{Name: string(p.name), Value: p.value()}
	if list, isList := p.list(); isList {
		nv.List = list
	}
	return nv
}

// NameValuesOf reads raw JSON as named values: a list of {Name, Value}, an object, text that holds either as JSON, a
// command line (-Name "x" -Export), or a list of texts (names without value, or @{Name=x; Value=y}).
func NameValuesOf(raw []byte) []NameValue {
	pairs := pairsOf(nil, raw)
	if len(pairs) == 0 {
		return nil
	}
	all := make([]NameValue, len(pairs))
	for i, p := range pairs {
		all[i] = p.nameValue()
	}
	return all
}

// pairsOf appends the named values that raw holds in whatever form.
func pairsOf(dst []pair, raw []byte) []pair {
	switch KindOf(raw) {
	case '[':
		for e := range Elements(raw) {
			dst = appendElement(dst, e)
		}
	case '{':
		dst = objectPairs(dst, raw)
	case '"':
		if inner := jsonInText(raw); inner != nil {
			return pairsOf(dst, inner)
		}
		dst = commandPairs(dst, TextOf(raw))
	}
	return dst
}

// appendElement appends what one element of a list of named values holds.
func appendElement(dst []pair, e []byte) []pair {
	switch KindOf(e) {
	case '{':
		if p, named := namedPair(e); named {
			return append(dst, p)
		}
		return objectPairs(dst, e)
	case '"':
		text := TextOf(e)
		if name, value, ok := powerShellPair(text); ok {
			return append(dst, pair{name: []byte(name), text: value})
		}
		if text != "" {
			return append(dst, pair{name: []byte(text)})
		}
	}
	return dst
}

// namedPair reads an object of the form {Name, Value} or {Key, Value}; named says whether it has that form. Where one
// object spells its members in several ways, Microsoft's spelling counts, whatever their order.
func namedPair(e []byte) (p pair, named bool) {
	odd := false
	for n, v := range members(e) {
		switch string(n) {
		case "Name":
			p.name, named = textBytes(v), true
		case "Value":
			p.raw = v
		default:
			odd = odd || len(n) < 6 // perhaps another spelling
		}
	}
	if !odd || named && p.raw != nil {
		p.bare = named && p.raw == nil
		return p, named
	}
	o := Object{e}
	for _, name := range [...]string{"Name", "Key"} {
		if v := o.foldValue(name); v != nil && !named {
			p.name, named = textBytes(v), true
		}
	}
	p.raw = o.foldValue("Value")
	p.bare = named && p.raw == nil
	return p, named
}

// foldEqual says whether two names are equal but for the case of ASCII letters.
func foldEqual(a []byte, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i, c := range a {
		d := b[i]
		if c == d {
			continue
		}
		if c|0x20 != d|0x20 || c|0x20 < 'a' || c|0x20 > 'z' {
			return false
		}
	}
	return true
}

// textBytes is TextOf(v) without a copy where v needs no decoding.
func textBytes(v []byte) []byte {
	if inner, ok := plainText(v); ok {
		return inner
	}
	return appendText(nil, v)
}

// objectPairs takes each member for a named value. They are sorted by name, since the order of an object's members means
// nothing; of one name the last counts.
func objectPairs(dst []pair, raw []byte) []pair {
	start := len(dst)
	for n, v := range members(raw) {
		dst = append(dst, pair{name: n, raw: v})
	}
	added := dst[start:]
	slices.SortStableFunc(added, func(a, b pair) int { return strings.Compare(string(a.name), string(b.name)) })
	kept := added[:0]
	for i, p := range added {
		if i+1 == len(added) || string(p.name) != string(added[i+1].name) {
			kept = append(kept, p)
		}
	}
	return dst[:start+len(kept)]
}

// powerShellPair reads @{Name=x; Value=y}, which ConvertTo-Json leaves of an object nested too deep for it.
func powerShellPair(s string) (name, value string, ok bool) {
	s, ok = strings.CutPrefix(strings.TrimSpace(s), "@{")
	if !ok {
		return "", "", false
	}
	s = strings.TrimSuffix(s, "}")
	if s, ok = strings.CutPrefix(s, "Name="); !ok {
		return "", "", false
	}
	name, value, _ = strings.Cut(s, "; Value=")
	return strings.TrimSuffix(name, ";"), value, true
}

// The fields whose named values are looked up by name, each with its place in Record.lists.
const (
	namedParameters = iota
	namedExtended
	namedOperation
	namedDevice
	namedExtra
	namedAdditional
	namedCollection
	numNamed
)

var namedFields = [numNamed]Field{FParameters, FExtendedProperties, FOperationProperties, FDeviceProperties,
	FExtraProperties, FAdditionalInfo, FPropertyCollection}

// namedList remembers the named values of one field.
type namedList struct {
	pairs  []pair
	values []NameValue
	epoch  uint32 // of pairs
	read   uint32 // of values
}

// keptPairs is how many places for named values are kept for the next record.
const keptPairs = 4096

func (r *Record) pairs(list int) []pair {
	l := &r.lists[list]
	if l.epoch != r.epoch {
		clear(l.pairs)
		if cap(l.pairs) > keptPairs {
			l.pairs = nil
		}
		l.pairs = pairsOf(l.pairs[:0], r.Value(namedFields[list]))
		if list == namedParameters { // a switch of a cmdlet; elsewhere an entry without value is blank
			for i := range l.pairs {
				if p := &l.pairs[i]; p.raw == nil && p.text == "" && p.items == nil && p.bare {
					p.text = "True"
				}
			}
		}
		l.epoch = r.epoch
	}
	return l.pairs
}

// NameValues reads a field as NameValuesOf does; what it returns may be remembered and must not be changed.
func (r *Record) NameValues(f Field) []NameValue {
	i := slices.Index(namedFields[:], f)
	if i < 0 {
		return NameValuesOf(r.Value(f))
	}
	l := &r.lists[i]
	if l.read != r.epoch {
		l.values, l.read = nil, r.epoch
		if pairs := r.pairs(i); len(pairs) > 0 {
			l.values = make([]NameValue, len(pairs))
			for i, p := range pairs {
				l.values[i] = NameValue{Name: r.names.intern(p.name), Value: r.pairText(p)}
				if list, isList := p.list(); isList {
					l.values[i].List = list
				}
			}
		}
	}
	return l.values
}

func (r *Record) pairText(p pair) string {
	if p.raw != nil {
		return r.textOf(p.raw)
	}
	return p.text
}

// find is the last of a list's values of that name.
func (r *Record) find(list int, name string) (pair, bool) {
	pairs := r.pairs(list)
	for i := len(pairs) - 1; i >= 0; i-- {
		if foldEqual(pairs[i].name, name) {
			return pairs[i], true
		}
	}
	return pair{}, false
}

func (r *Record) named(list int, name string) string {
	if p, ok := r.find(list, name); ok {
		return r.pairText(p)
	}
	return ""
}

// Param is a value of Parameters, named without regard to case; of several of that name the last; "" if absent.
func (r *Record) Param(name string) string { return r.named(namedParameters, name) }

// HasParam says whether Parameters holds the name, with or without value.
func (r *Record) HasParam(name string) bool {
	_, ok := r.find(namedParameters, name)
	return ok
}

// Params is a value of Parameters as a list: a list's elements, or text cut at semicolons outside quotes.
func (r *Record) Params(name string) []string {
	p, ok := r.find(namedParameters, name)
	if !ok {
		return nil
	}
	if list, isList := p.list(); isList {
		return list
	}
	return splitOutsideQuotes(p.value(), ';')
}

// Ext is a value of ExtendedProperties, "" if absent.
func (r *Record) Ext(name string) string { return r.named(namedExtended, name) }

// Property is a value of OperationProperties, or where that has none, of ExtraProperties, AdditionalInfo and
// PropertyCollection; "" if absent.
func (r *Record) Property(name string) string {
	for _, list := range [...]int{namedOperation, namedExtra, namedAdditional, namedCollection} {
		if p, ok := r.find(list, name); ok {
			return r.pairText(p)
		}
	}
	return ""
}

// Device is a value of DeviceProperties, "" if absent.
func (r *Record) Device(name string) string { return r.named(namedDevice, name) }
