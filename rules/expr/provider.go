package expr

import (
	"fmt"
	"sort"
	"sync"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"

	"detect/internal/record"
)

// The types of this package's own values. Their names can't be written in an expression, so that no field or variable
// is ever taken for a type.
var (
	recordType   = types.NewObjectType("@record")
	actorType    = types.NewObjectType("@actor")
	orgType      = types.NewObjectType("@org")
	listsType    = types.NewObjectType("@lists")
	networksType = types.NewObjectType("@networks")
	textsType    = types.NewObjectType("@texts", traits.ContainerType)
	prefixesType = types.NewObjectType("@prefixes", traits.ContainerType)
	severityType = types.NewObjectType("@severity")
	placeType    = types.NewObjectType("@place")
	pairType     = types.NewObjectType("@namevalue")
	changeType   = types.NewObjectType("@modification")
	ruleType     = types.NewObjectType("@inboxrule")
)

// member is one field of an object type.
type member struct {
	typ *types.Type
	get ref.FieldGetter
	set ref.FieldTester
}

// schema is an object type's fields.
type schema struct {
	typ     *types.Type
	members map[string]*types.FieldType
	names   []string // sorted
}

func newSchema(t *types.Type, members map[string]member) *schema {
	s := &schema{typ: t, members: make(map[string]*types.FieldType, len(members))}
	for name, m := range members {
		if m.set == nil {
			m.set = func(any) bool { return true }
		}
		s.members[name] = &types.FieldType{Type: m.typ, GetFrom: m.get, IsSet: m.set}
		s.names = append(s.names, name)
	}
	sort.Strings(s.names)
	return s
}

// provider knows the object types of expressions. Types of single rules (params, rows of hits, the two hits of a pair)
// are added as rules are compiled.
type provider struct {
	*types.Registry
	mu      sync.RWMutex
	schemas map[string]*schema
	next    int
}

func newProvider(lists map[string]*List) (*provider, error) {
	reg, err := types.NewRegistry()
	if err != nil {
		return nil, fmt.Errorf("make type registry: %w", err)
	}
	if err := reg.RegisterType(types.OptionalType); err != nil {
		return nil, fmt.Errorf("register optional type: %w", err)
	}
	p := &provider{Registry: reg, schemas: make(map[string]*schema)}
	for _, s := range []*schema{
		recordSchema(), actorSchema(), placeSchema(), nameValueSchema(), modificationSchema(), inboxRuleSchema(),
		newSchema(orgType, map[string]member{"domains": {typ: textList, get: getOrgDomains}}),
		newSchema(textsType, nil), newSchema(prefixesType, nil), newSchema(severityType, nil),
	} {
		p.schemas[s.typ.TypeName()] = s
	}
	for i := range record.ObjectTypes() {
		s := nestedSchema(&record.ObjectTypes()[i])
		p.schemas[s.typ.TypeName()] = s
	}
	for _, s := range listSchemas(lists) {
		p.schemas[s.typ.TypeName()] = s
	}
	return p, nil
}

// add makes a type of its own for one rule.
func (p *provider) add(kind string, members map[string]member) *schema {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next++
	s := newSchema(types.NewObjectType(fmt.Sprintf("@%s#%d", kind, p.next)), members)
	p.schemas[s.typ.TypeName()] = s
	return s
}

func (p *provider) schema(name string) *schema {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.schemas[name]
}

// FindStructType implements types.Provider.
func (p *provider) FindStructType(name string) (*types.Type, bool) {
	if s := p.schema(name); s != nil {
		return types.NewTypeTypeWithParam(s.typ), true
	}
	return p.Registry.FindStructType(name)
}

// FindStructFieldNames implements types.Provider.
func (p *provider) FindStructFieldNames(name string) ([]string, bool) {
	if s := p.schema(name); s != nil {
		return s.names, true
	}
	return p.Registry.FindStructFieldNames(name)
}

// FindStructFieldType implements types.Provider.
func (p *provider) FindStructFieldType(name, field string) (*types.FieldType, bool) {
	if s := p.schema(name); s != nil {
		f, ok := s.members[field]
		return f, ok
	}
	return p.Registry.FindStructFieldType(name, field)
}

// NewValue implements types.Provider: objects can't be made by expressions.
func (p *provider) NewValue(name string, fields map[string]ref.Val) ref.Val {
	return types.NewErr("objects of type %s can't be made", name)
}

var (
	textList  = cel.ListType(cel.StringType)
	intList   = cel.ListType(cel.IntType)
	placeList = cel.ListType(placeType)
)

// celType is the type of a record's field or a nested object's member.
func celType(t record.Type, object string) *types.Type {
	switch t {
	case record.TypeText:
		return cel.StringType
	case record.TypeInt:
		return cel.IntType
	case record.TypeBool:
		return cel.BoolType
	case record.TypeDouble:
		return cel.DoubleType
	case record.TypeTimestamp:
		return cel.TimestampType
	case record.TypeTexts:
		return textList
	case record.TypeNameValues:
		return cel.ListType(pairType)
	case record.TypeModified:
		return cel.ListType(changeType)
	case record.TypeObject:
		return nestedType(object)
	case record.TypeObjects:
		return cel.ListType(nestedType(object))
	default:
		return cel.DynType
	}
}

var nestedTypes = func() map[string]*types.Type {
	m := make(map[string]*types.Type)
	for _, t := range record.ObjectTypes() {
		m[t.Name] = types.NewObjectType("@" + t.Name)
	}
	return m
}()

func nestedType(object string) *types.Type {
	if t := nestedTypes[object]; t != nil {
		return t
	}
	return cel.DynType
}

// recordSchema is the fields of `record`.
func recordSchema() *schema {
	m := make(map[string]member)
	for _, f := range record.Fields() {
		m[f.Name()] = member{
			typ: celType(f.Type(), f.Object()),
			get: func(target any) (any, error) {
				r, ok := target.(*recordVal)
				if !ok {
					return nil, errNoRecord
				}
				return r.frame.field(f), nil
			},
			set: func(target any) bool {
				r, ok := target.(*recordVal)
				return ok && r.frame.rec.Has(f)
			},
		}
	}
	return newSchema(recordType, m)
}

// nestedSchema is the members of an object inside records.
func nestedSchema(t *record.ObjectType) *schema {
	m := make(map[string]member, len(t.Members))
	for _, mem := range t.Members {
		m[mem.Name] = member{
			typ: celType(mem.Type, mem.Object),
			get: func(target any) (any, error) {
				o, ok := target.(objectVal)
				if !ok {
					return nil, errNoRecord
				}
				return jsonValue(o.obj.Value(mem.Name), mem.Type, mem.Object), nil
			},
			set: func(target any) bool {
				o, ok := target.(objectVal)
				return ok && o.obj.Has(mem.Name)
			},
		}
	}
	return newSchema(nestedType(t.Name), m)
}
