package expr

import (
	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"

	"detect/rules/hit"
)

// The scopes of the rule format. Each is made when the first expression of its kind is compiled.

// hitScope is the record scope with captures as they are and the built-in entities.
func (b *Builder) hitScope(key string) (*scope, error) {
	more := map[string]*types.Type{}
	for _, e := range EntityNames {
		if _, isLet := b.names.lets[e]; !isLet && b.record.vars[e] == nil {
			more[e] = cel.StringType
		}
	}
	for name, i := range b.names.captures {
		more[name] = b.kindType(i)
	}
	return b.record.withAll(key, more)
}

func (b *Builder) kindType(i int) *types.Type {
	if b.kinds[i] == hit.None {
		return unknownType
	}
	return kindType(b.kinds[i])
}

// base is the scope that has no record.
func (b *Builder) base() *scope {
	return &scope{env: b.world.hitsEnv, vars: map[string]*types.Type{"org": orgType, "lists": listsType, "params": b.params.typ}}
}

// manyVars are the variables of windows and alerts.
func (b *Builder) manyVars() (map[string]*types.Type, *cast) {
	more := map[string]*types.Type{
		"params": b.params.typ, "count": cel.IntType, "first": cel.TimestampType, "last": cel.TimestampType, "span": cel.DurationType,
	}
	c := &cast{names: b.names, vars: map[string]func(*stage) ref.Val{
		"count": func(s *stage) ref.Val { return types.Int(s.count()) },
		"first": func(s *stage) ref.Val { f, _ := s.ends(); return timeValue(f) },
		"last":  func(s *stage) ref.Val { _, l := s.ends(); return timeValue(l) },
		"span":  func(s *stage) ref.Val { f, l := s.ends(); return span(l - f) },
	}}
	for name, i := range b.names.captures {
		kind := b.kinds[i]
		if kind == hit.None {
			more[name] = unknownType
		} else {
			more[name] = cel.ListType(kindType(kind.Element()))
		}
		c.vars[name] = func(s *stage) ref.Val { return s.scene.column(i, kind) }
	}
	b.addEntities(more, c)
	return more, c
}

// addEntities adds the names in `by`, each one value also where a capture has that name.
func (b *Builder) addEntities(more map[string]*types.Type, c *cast) {
	for i, p := range b.by {
		kind := hit.Text
		if p.capture >= 0 {
			kind = b.kinds[p.capture].Element()
		}
		if kind == hit.None {
			continue
		}
		more[p.name] = kindType(kind)
		c.vars[p.name] = entity(i, kind)
	}
}

// windowScope is that of `having`.
func (b *Builder) windowScope() (*scope, *cast, error) {
	more, c := b.manyVars()
	row := b.capturesSchema("hit", true)
	more["hits"] = cel.ListType(row.typ)
	c.vars["hits"] = func(s *stage) ref.Val {
		rows := make([]ref.Val, len(s.scene.hits))
		for i, h := range s.scene.hits {
			rows[i] = capturesVal{object{row.typ}, h}
		}
		return types.NewRefValList(types.DefaultTypeAdapter, rows)
	}
	s, err := b.base().withAll("having", more)
	return s, c, err
}

// pairScope is that of `neighbours`.
func (b *Builder) pairScope() (*scope, *cast, error) {
	more := map[string]*types.Type{"params": b.params.typ, "gap": cel.DurationType}
	c := &cast{names: b.names, vars: map[string]func(*stage) ref.Val{}}
	for name, i := range b.names.captures {
		more[name] = b.kindType(i)
		c.vars[name] = func(s *stage) ref.Val {
			if i >= len(s.pair.Cur.Values) {
				return types.WrapErr(errNoRecord)
			}
			return celValue(s.pair.Cur.Values[i])
		}
	}
	b.addPair(more, c, false)
	b.addEntities(more, c)
	s, err := b.base().withAll("neighbours", more)
	return s, c, err
}

func (b *Builder) addPair(more map[string]*types.Type, c *cast, cur bool) {
	captures := b.capturesSchema("captures", false)
	more["prev"], more["gap"] = captures.typ, cel.DurationType
	c.vars["prev"] = func(s *stage) ref.Val { return s.ofPair(captures.typ, false) }
	c.vars["gap"] = func(s *stage) ref.Val {
		if s.pair == nil {
			return types.WrapErr(errNoRecord)
		}
		return span(s.pair.Gap)
	}
	if cur {
		more["cur"] = captures.typ
		c.vars["cur"] = func(s *stage) ref.Val { return s.ofPair(captures.typ, true) }
	}
}

func (s *stage) ofPair(t *types.Type, cur bool) ref.Val {
	switch {
	case s.pair == nil || s.pair.Prev == nil || s.pair.Cur == nil:
		return types.WrapErr(errNoRecord)
	case cur:
		return capturesVal{object{t}, s.pair.Cur}
	default:
		return capturesVal{object{t}, s.pair.Prev}
	}
}

// alertScope is that of titles, responses and severities of alerts.
func (b *Builder) alertScope(key string) (*scope, *cast, error) {
	more, c := b.manyVars()
	if b.paired {
		b.addPair(more, c, true)
	}
	s, err := b.base().withAll(key, more)
	return s, c, err
}
