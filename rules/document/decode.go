package document

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Decoder fills Go values from YAML ones by their yaml tags. It is strict: an unknown key, a key that is there twice and
// a value of another type are faults at their characters, and nothing at fault hides another fault.
type Decoder struct {
	Report *Report
	// Root is what the outermost mapping is called in messages, such as "the configuration".
	Root string
	// Read is called for each value that decodes itself (a yaml.Unmarshaler) after it was read; nil: nobody.
	Read func(v Value, into any)
	// Unread is called for each key of what that is unknown or there twice, and its value, and for what itself, without a
	// key, where a mapping was needed and it is none; nil: nobody.
	Unread func(key, v Value, what string)
}

var durationType = reflect.TypeFor[time.Duration]()

// Decode fills into, a pointer. what names v in messages, empty for the outermost mapping. A value that is empty (null) leaves what into holds.
//
// Into may be made of structs whose fields have yaml tags, pointers, maps by name, slices, texts, bools, whole numbers,
// time.Duration, written like 90s or 1h30m, and whatever implements yaml.Unmarshaler.
func (d *Decoder) Decode(v Value, what string, into any) {
	d.value(v, what, reflect.ValueOf(into).Elem())
}

func (d *Decoder) value(v Value, what string, to reflect.Value) {
	if !v.Exists() || v.IsNull() {
		return
	}
	if own, ok := to.Addr().Interface().(yaml.Unmarshaler); ok {
		if err := own.UnmarshalYAML(v.node); err != nil {
			d.Report.Add(v, 0, what+": "+plainError(err), "")
		}
		if d.Read != nil {
			d.Read(v, own)
		}
		return
	}
	r := d.Report
	switch {
	case to.Kind() == reflect.Pointer:
		to.Set(reflect.New(to.Type().Elem()))
		d.value(v, what, to.Elem())
	case to.Type() == durationType:
		if us, ok := r.Duration(v, what); ok {
			to.SetInt(us * int64(time.Microsecond))
		}
	case to.Kind() == reflect.Struct:
		d.fields(v, what, to)
	case to.Kind() == reflect.Map:
		d.names(v, what, to)
	case to.Kind() == reflect.Slice:
		d.items(v, what, to)
	case to.Kind() == reflect.String:
		if s, ok := r.Text(v, what); ok {
			to.SetString(s)
		}
	case to.Kind() == reflect.Bool:
		var b bool
		if !v.Is("!!bool") || v.Decode(&b) != nil {
			r.Add(v, 0, fmt.Sprintf("%s must be true or false, and this is %s", what, v.What()), "")
			return
		}
		to.SetBool(b)
	case to.CanInt():
		var n int64
		switch {
		case !v.Is("!!int"):
			r.Add(v, 0, fmt.Sprintf("%s must be a whole number, and this is %s", what, v.What()), "")
		case v.Decode(&n) != nil || to.OverflowInt(n):
			r.Add(v, 0, what+" is too large a number", "")
		default:
			to.SetInt(n)
		}
	default:
		panic(fmt.Sprintf("document: a %s can't be decoded", to.Type()))
	}
}

// fields fills a struct.
func (d *Decoder) fields(v Value, what string, to reflect.Value) {
	fields, known := map[string]reflect.Value{}, []string{}
	for i := range to.NumField() {
		name, _, _ := strings.Cut(to.Type().Field(i).Tag.Get("yaml"), ",")
		if name == "" || name == "-" {
			continue
		}
		fields[name] = to.Field(i)
		known = append(known, name)
	}
	called := what
	if called == "" {
		called = d.Root
	}
	m, ok := d.Report.Mapping(v, Keys{What: called, Known: known})
	if !ok {
		d.unread(Value{}, v, what)
		return
	}
	for _, e := range m.Entries() {
		d.value(e.Value, member(what, e.Key.Scalar()), fields[e.Key.Scalar()])
	}
	d.left(v, m, what)
}

// left hands on the values that the checks of m, the mapping v, left out.
func (d *Decoder) left(v Value, m Mapping, what string) {
	for _, e := range v.Entries() {
		if !slices.Contains(m.Entries(), e) {
			d.unread(e.Key, e.Value, what)
		}
	}
}

func (d *Decoder) unread(key, v Value, what string) {
	if d.Unread != nil {
		d.Unread(key, v, what)
	}
}

// names fills a map from names to values.
func (d *Decoder) names(v Value, what string, to reflect.Value) {
	m, ok := d.Report.Mapping(v, Keys{What: what})
	if !ok {
		d.unread(Value{}, v, what)
		return
	}
	to.Set(reflect.MakeMap(to.Type()))
	for _, e := range m.Entries() {
		item := reflect.New(to.Type().Elem()).Elem()
		d.value(e.Value, member(what, e.Key.Scalar()), item)
		to.SetMapIndex(reflect.ValueOf(e.Key.Scalar()), item)
	}
	d.left(v, m, what)
}

// items fills a slice.
func (d *Decoder) items(v Value, what string, to reflect.Value) {
	if !v.IsList() {
		hint := ""
		if v.IsText() && to.Type().Elem().Kind() == reflect.String {
			hint = fmt.Sprintf("write [%s]", FirstLine(v.Scalar()))
		}
		d.Report.Add(v, 0, fmt.Sprintf("%s must be a list, and this is %s", what, v.What()), hint)
		return
	}
	items := v.Items()
	to.Set(reflect.MakeSlice(to.Type(), len(items), len(items)))
	for i, item := range items {
		name := fmt.Sprintf("%s[%d]", what, i)
		if item.IsNull() {
			d.Report.Add(item, 0, name+" is empty", "")
			continue
		}
		d.value(item, name, to.Index(i))
	}
}

// member names a key of what.
func member(what, key string) string {
	if what == "" {
		return key
	}
	return what + "." + key
}

var linePlace = regexp.MustCompile(`^line \d+: `)

// plainError is an error of an Unmarshaler without the line, which the fault has, and without Go's names.
func plainError(err error) string {
	var types *yaml.TypeError
	if errors.As(err, &types) {
		return "a value has the wrong type"
	}
	return linePlace.ReplaceAllString(err.Error(), "")
}

// At is the value that keys and list indexes lead to from v, or the deepest on the way there that exists.
func (v Value) At(path ...string) Value {
	for _, step := range path {
		next := Value{}
		for _, e := range v.Entries() {
			if e.Key.Scalar() == step {
				next = e.Value
			}
		}
		if items := v.Items(); len(items) > 0 {
			if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(items) {
				next = items[i]
			}
		}
		if !next.Exists() {
			return v
		}
		v = next
	}
	return v
}
