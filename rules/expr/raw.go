package expr

import (
	"bytes"
	"reflect"
	"strconv"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"

	"detect/internal/record"
)

// rawValue is JSON as untyped values: objects are maps, whole numbers are ints, other numbers doubles, what is absent
// is null.
func rawValue(raw []byte) ref.Val {
	switch record.KindOf(raw) {
	case '{':
		return rawMap{obj: record.ObjectOf(raw)}
	case '[':
		var vals []ref.Val
		for e := range record.Elements(raw) {
			vals = append(vals, rawValue(e))
		}
		return types.NewRefValList(types.DefaultTypeAdapter, vals)
	case '"':
		return types.String(record.TextOf(raw))
	case 't':
		return types.Bool(record.BoolOf(raw))
	case '0':
		raw = bytes.TrimSpace(raw)
		if n, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
			return types.Int(n)
		}
		return types.Double(record.DoubleOf(raw))
	default:
		return types.NullValue
	}
}

// rawMap is an object of the raw record. What is rarely asked of a map is answered by a real one, made on demand.
type rawMap struct{ obj record.Object }

var _ traits.Mapper = rawMap{}

// whole is the object as an ordinary map; of members of one name the last counts.
func (m rawMap) whole() traits.Mapper {
	vals := make(map[ref.Val]ref.Val)
	for name, raw := range m.obj.Members() {
		vals[types.String(name)] = rawValue(raw)
	}
	return types.NewRefValMap(types.DefaultTypeAdapter, vals)
}

func (m rawMap) Type() ref.Type                              { return types.MapType }
func (m rawMap) ConvertToNative(t reflect.Type) (any, error) { return m.whole().ConvertToNative(t) }
func (m rawMap) Value() any                                  { return m.whole().Value() }
func (m rawMap) Equal(other ref.Val) ref.Val                 { return m.whole().Equal(unraw(other)) }
func (m rawMap) Size() ref.Val                               { return m.whole().Size() }
func (m rawMap) Iterator() traits.Iterator                   { return m.whole().Iterator() }
func (m rawMap) ConvertToType(t ref.Type) ref.Val            { return m.whole().ConvertToType(t) }

// Find implements traits.Mapper.
func (m rawMap) Find(key ref.Val) (ref.Val, bool) {
	name, ok := key.(types.String)
	if !ok {
		return nil, false
	}
	raw := m.obj.Value(string(name))
	if raw == nil {
		return nil, false
	}
	return rawValue(raw), true
}

// Get implements traits.Indexer: what is absent is null.
func (m rawMap) Get(key ref.Val) ref.Val {
	if v, ok := m.Find(key); ok {
		return v
	}
	return types.NullValue
}

// Contains implements traits.Container.
func (m rawMap) Contains(key ref.Val) ref.Val {
	_, ok := m.Find(key)
	return types.Bool(ok)
}

func unraw(v ref.Val) ref.Val {
	if m, ok := v.(rawMap); ok {
		return m.whole()
	}
	return v
}

// rawSelect is selection from an untyped value: the part is null where there is none, and so is any part of null.
func rawSelect(from, key ref.Val) ref.Val {
	switch v := from.(type) {
	case types.Null:
		return types.NullValue
	case rawMap:
		return v.Get(key)
	case traits.Mapper:
		if got, ok := v.Find(key); ok {
			return got
		}
		return types.NullValue
	case traits.Lister:
		i, err := types.IndexOrError(key)
		if err != nil {
			return types.NullValue // a list has no part of that name
		}
		if i < 0 || types.Int(i) >= v.Size().(types.Int) {
			return types.NullValue
		}
		return v.Get(types.Int(i))
	default:
		return types.NullValue
	}
}

// rawHas says whether a part of an untyped value is there and not null.
func rawHas(from, key ref.Val) ref.Val { return types.Bool(rawSelect(from, key) != types.NullValue) }
