package expr

import (
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"

	"detect/internal/geo"
	"detect/internal/record"
	"detect/rules/hit"
)

var errNoRecord = errors.New("no such object")

// object is what all values of this package's own types have in common: they convert to nothing.
type object struct{ t *types.Type }

func (o object) Type() ref.Type { return o.t }

func (o object) ConvertToNative(t reflect.Type) (any, error) {
	return nil, fmt.Errorf("convert %s to %v", typeWord(o.t), t)
}

func (o object) ConvertToType(t ref.Type) ref.Val {
	if t == types.TypeType {
		return o.t
	}
	return types.NewErr("%s can't become %s", typeWord(o.t), t.TypeName())
}

// recordVal is `record`: a view of the frame's record.
type recordVal struct {
	object
	frame *Frame
}

func (r *recordVal) Value() any                  { return r }
func (r *recordVal) Equal(other ref.Val) ref.Val { return types.Bool(other == ref.Val(r)) }

// actorVal is `actor`.
type actorVal struct {
	object
	frame *Frame
}

func (a *actorVal) Value() any                  { return a }
func (a *actorVal) Equal(other ref.Val) ref.Val { return types.Bool(other == ref.Val(a)) }

// objectVal is an object inside a record.
type objectVal struct {
	object
	obj record.Object
}

func (o objectVal) Value() any { return o }

func (o objectVal) Equal(other ref.Val) ref.Val {
	p, ok := other.(objectVal)
	if !ok {
		return types.False
	}
	return types.Bool(o.t == p.t && string(o.obj.Raw()) == string(p.obj.Raw()))
}

// severityVal is one of the five severities.
type severityVal struct {
	object
	level hit.Severity
}

func (s severityVal) Value() any { return s }

func (s severityVal) Equal(other ref.Val) ref.Val {
	o, ok := other.(severityVal)
	return types.Bool(ok && o.level == s.level)
}

func severityValue(s hit.Severity) ref.Val { return severityVal{object{severityType}, s} }

// placeVal is a place.
type placeVal struct {
	object
	place *geo.Place
}

func (p placeVal) Value() any { return p }

func (p placeVal) Equal(other ref.Val) ref.Val {
	o, ok := other.(placeVal)
	return types.Bool(ok && *o.place == *p.place)
}

func placeValue(p *geo.Place) ref.Val { return placeVal{object{placeType}, p} }

func placeSchema() *schema {
	field := func(t *types.Type, f func(*geo.Place) ref.Val) member {
		return member{typ: t, get: func(target any) (any, error) {
			p, ok := target.(placeVal)
			if !ok {
				return nil, errNoRecord
			}
			return f(p.place), nil
		}}
	}
	return newSchema(placeType, map[string]member{
		"known":       field(cel.BoolType, func(p *geo.Place) ref.Val { return types.Bool(p.Known) }),
		"city":        field(cel.StringType, func(p *geo.Place) ref.Val { return types.String(p.City) }),
		"country":     field(cel.StringType, func(p *geo.Place) ref.Val { return types.String(p.Country) }),
		"lat":         field(cel.DoubleType, func(p *geo.Place) ref.Val { return types.Double(p.Lat) }),
		"lon":         field(cel.DoubleType, func(p *geo.Place) ref.Val { return types.Double(p.Lon) }),
		"radius":      field(cel.DoubleType, func(p *geo.Place) ref.Val { return types.Double(p.Radius) }),
		"countryOnly": field(cel.BoolType, func(p *geo.Place) ref.Val { return types.Bool(p.CountryOnly) }),
	})
}

// nameValueVal is one entry of Parameters and the like.
type nameValueVal struct {
	object
	nv *record.NameValue
}

func (n nameValueVal) Value() any { return n }

func (n nameValueVal) Equal(other ref.Val) ref.Val {
	o, ok := other.(nameValueVal)
	return types.Bool(ok && o.nv.Name == n.nv.Name && o.nv.Value == n.nv.Value)
}

func nameValueSchema() *schema {
	field := func(f func(*record.NameValue) string) member {
		return member{typ: cel.StringType, get: func(target any) (any, error) {
			n, ok := target.(nameValueVal)
			if !ok {
				return nil, errNoRecord
			}
			return types.String(f(n.nv)), nil
		}}
	}
	return newSchema(pairType, map[string]member{
		"Name":  field(func(n *record.NameValue) string { return n.Name }),
		"Value": field(func(n *record.NameValue) string { return n.Value }),
	})
}

// modificationVal is one entry of ModifiedProperties.
type modificationVal struct {
	object
	m *record.Modification
}

func (m modificationVal) Value() any { return m }

func (m modificationVal) Equal(other ref.Val) ref.Val {
	o, ok := other.(modificationVal)
	return types.Bool(ok && reflect.DeepEqual(o.m, m.m))
}

func modificationSchema() *schema {
	field := func(t *types.Type, f func(*record.Modification) ref.Val) member {
		return member{typ: t, get: func(target any) (any, error) {
			m, ok := target.(modificationVal)
			if !ok {
				return nil, errNoRecord
			}
			return f(m.m), nil
		}}
	}
	text := func(f func(*record.Modification) string) member {
		return field(cel.StringType, func(m *record.Modification) ref.Val { return types.String(f(m)) })
	}
	list := func(f func(*record.Modification) []string) member {
		return field(textList, func(m *record.Modification) ref.Val { return textsValue(f(m)) })
	}
	return newSchema(changeType, map[string]member{
		"Name":     text(func(m *record.Modification) string { return m.Name }),
		"OldValue": text(func(m *record.Modification) string { return m.Old }),
		"NewValue": text(func(m *record.Modification) string { return m.New }),
		"old":      text(func(m *record.Modification) string { return m.Old }),
		"new":      text(func(m *record.Modification) string { return m.New }),
		"olds":     list(func(m *record.Modification) []string { return m.Olds }),
		"news":     list(func(m *record.Modification) []string { return m.News }),
		"added":    list(func(m *record.Modification) []string { return m.Added }),
		"removed":  list(func(m *record.Modification) []string { return m.Removed }),
	})
}

// ruleVal is an inbox rule.
type ruleVal struct {
	object
	rule *record.InboxRule
}

func (r ruleVal) Value() any { return r }

func (r ruleVal) Equal(other ref.Val) ref.Val {
	o, ok := other.(ruleVal)
	return types.Bool(ok && reflect.DeepEqual(o.rule, r.rule))
}

func inboxRuleSchema() *schema {
	field := func(t *types.Type, f func(*record.InboxRule) ref.Val) member {
		return member{typ: t, get: func(target any) (any, error) {
			r, ok := target.(ruleVal)
			if !ok {
				return nil, errNoRecord
			}
			return f(r.rule), nil
		}}
	}
	flag := func(f func(*record.InboxRule) bool) member {
		return field(cel.BoolType, func(r *record.InboxRule) ref.Val { return types.Bool(f(r)) })
	}
	list := func(f func(*record.InboxRule) []string) member {
		return field(textList, func(r *record.InboxRule) ref.Val { return textsValue(f(r)) })
	}
	return newSchema(ruleType, map[string]member{
		"name":       field(cel.StringType, func(r *record.InboxRule) ref.Val { return types.String(r.Name) }),
		"folder":     field(cel.StringType, func(r *record.InboxRule) ref.Val { return types.String(r.Folder) }),
		"conditions": field(cel.IntType, func(r *record.InboxRule) ref.Val { return types.Int(r.Conditions) }),
		"added":      flag(func(r *record.InboxRule) bool { return r.Added }),
		"catchAll":   flag(func(r *record.InboxRule) bool { return r.CatchAll }),
		"deletes":    flag(func(r *record.InboxRule) bool { return r.Deletes }),
		"stops":      flag(func(r *record.InboxRule) bool { return r.Stops }),
		"marksRead":  flag(func(r *record.InboxRule) bool { return r.MarksRead }),
		"forwards":   list(func(r *record.InboxRule) []string { return r.Forwards }),
		"words":      list(func(r *record.InboxRule) []string { return r.Words }),
		"from":       list(func(r *record.InboxRule) []string { return r.From }),
	})
}

func textsValue(l []string) ref.Val { return types.NewStringList(types.DefaultTypeAdapter, l) }

func timeValue(us int64) ref.Val { return types.Timestamp{Time: time.UnixMicro(us).UTC()} }

func durationValue(us int64) ref.Val {
	return types.Duration{Duration: time.Duration(us) * time.Microsecond}
}

// jsonValue reads JSON from inside a record as a value of a field's type.
func jsonValue(raw []byte, t record.Type, object_ string) ref.Val {
	switch t {
	case record.TypeText:
		return types.String(record.TextOf(raw))
	case record.TypeInt:
		return types.Int(record.IntOf(raw))
	case record.TypeBool:
		return types.Bool(record.BoolOf(raw))
	case record.TypeDouble:
		return types.Double(record.DoubleOf(raw))
	case record.TypeTimestamp:
		us, _ := record.TimestampOf(raw)
		return timeValue(us)
	case record.TypeTexts:
		return textsValue(record.TextsOf(raw))
	case record.TypeNameValues:
		return nameValues(record.NameValuesOf(raw))
	case record.TypeModified:
		return modifications(record.ModificationsOf(raw))
	case record.TypeObject:
		return objectVal{object{nestedType(object_)}, record.ObjectOf(raw)}
	case record.TypeObjects:
		return objectsValue(record.ObjectsOf(raw), object_)
	default:
		return rawValue(raw)
	}
}

func nameValues(l []record.NameValue) ref.Val {
	vals := make([]ref.Val, len(l))
	for i := range l {
		vals[i] = nameValueVal{object{pairType}, &l[i]}
	}
	return types.NewRefValList(types.DefaultTypeAdapter, vals)
}

func modifications(l []record.Modification) ref.Val {
	vals := make([]ref.Val, len(l))
	for i := range l {
		vals[i] = modificationVal{object{changeType}, &l[i]}
	}
	return types.NewRefValList(types.DefaultTypeAdapter, vals)
}

func objectsValue(l []record.Object, name string) ref.Val {
	vals := make([]ref.Val, len(l))
	for i := range l {
		vals[i] = objectVal{object{nestedType(name)}, l[i]}
	}
	return types.NewRefValList(types.DefaultTypeAdapter, vals)
}

// setVal is a list of texts, or of networks, as rules see it: `x in lists.NAME`.
type setVal struct {
	object
	list *List
}

func (s *setVal) Value() any                  { return s }
func (s *setVal) Equal(other ref.Val) ref.Val { return types.Bool(other == ref.Val(s)) }

// Contains implements traits.Container.
func (s *setVal) Contains(v ref.Val) ref.Val {
	text, ok := v.(types.String)
	if !ok {
		return types.MaybeNoSuchOverloadErr(v)
	}
	return types.Bool(s.list.Has(string(text)))
}

var _ traits.Container = (*setVal)(nil)

// listsVal is `lists` and `lists.networks`.
type listsVal struct {
	object
	sets map[string]ref.Val
}

func (l *listsVal) Value() any                  { return l }
func (l *listsVal) Equal(other ref.Val) ref.Val { return types.Bool(other == ref.Val(l)) }
