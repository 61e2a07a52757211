package expr

import (
	"errors"
	"strconv"
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"

	"detect/rules/hit"
)

// stage is where expressions over hits are evaluated: one window, pair or alert.
type stage struct {
	world *World
	cast  *cast
	org   *orgVal
	steps *budget
	scene scene
	key   string
	parts []string // of the key, decoded when first needed
	pair  *hit.Pair
	vals  map[string]ref.Val // columns and rows already made
}

// cast tells what the variables of one rule's scope are.
type cast struct {
	names *names
	vars  map[string]func(*stage) ref.Val
}

var _ cel.Activation = (*stage)(nil)

// Parent implements cel.Activation.
func (s *stage) Parent() cel.Activation { return nil }

// ResolveName implements cel.Activation.
func (s *stage) ResolveName(name string) (any, bool) {
	switch name {
	case "org":
		return s.org, true
	case "lists":
		return s.world.listsVal, true
	case "params":
		return s.cast.names.params, true
	case budgetName:
		return s.steps, true
	}
	if v, ok := s.vals[name]; ok {
		return v, true
	}
	f := s.cast.vars[name]
	if f == nil {
		return nil, false
	}
	v := f(s)
	if s.vals == nil {
		s.vals = make(map[string]ref.Val, 4)
	}
	s.vals[name] = v
	return v, true
}

// on evaluates over a stage.
func (c *code) on(s *stage) (ref.Val, error) {
	s.org = &orgVal{object: object{orgType}, world: s.world}
	s.steps = newBudget()
	s.steps.left, s.steps.weight = MaxSteps, 1+MaxText>>10
	v, _, err := c.prg.Eval(s)
	if s.steps.spent() {
		return nil, errTooManySteps
	}
	return v, err
}

var errNoKey = errors.New("the entity's key does not hold this name")

// entity is a part of the key as a value of its kind.
func entity(i int, kind hit.Kind) func(*stage) ref.Val {
	return func(s *stage) ref.Val {
		if s.parts == nil {
			s.parts = hit.DecodeKey(s.key)
		}
		if i >= len(s.parts) {
			return types.WrapErr(errNoKey)
		}
		switch text := s.parts[i]; kind {
		case hit.Int:
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return types.WrapErr(errNoKey)
			}
			return types.Int(n)
		case hit.Bool:
			return types.Bool(text == "true")
		default:
			return types.String(text)
		}
	}
}

// capturesVal is the captures of one hit: `prev`, `cur`, and the rows of `hits`.
type capturesVal struct {
	object
	hit *hit.Hit
}

func (c capturesVal) Value() any { return c }

func (c capturesVal) Equal(other ref.Val) ref.Val {
	o, ok := other.(capturesVal)
	return types.Bool(ok && o.hit == c.hit)
}

// capturesSchema is the type of capturesVal for one rule; with the hit's time, if it is a row.
func (b *Builder) capturesSchema(kind string, row bool) *schema {
	m := make(map[string]member, len(b.kinds)+1)
	if row {
		m["time"] = member{typ: cel.TimestampType, get: func(target any) (any, error) {
			c, ok := target.(capturesVal)
			if !ok {
				return nil, errNoRecord
			}
			return timeValue(c.hit.Time), nil
		}}
	}
	for name, i := range b.names.captures {
		m[name] = member{typ: kindType(b.kinds[i]), get: func(target any) (any, error) {
			c, ok := target.(capturesVal)
			if !ok || i >= len(c.hit.Values) {
				return nil, errNoRecord
			}
			return celValue(c.hit.Values[i]), nil
		}}
	}
	return b.world.provider.add(kind, m)
}

// span is a duration of microseconds, not beyond what can be told.
func span(us int64) ref.Val {
	const most = int64(1<<63-1) / int64(time.Microsecond)
	return durationValue(min(max(us, 0), most))
}

func (s *stage) ends() (first, last int64) {
	if v := s.scene.view; v != nil {
		return v.First, v.Last
	}
	if h := s.scene.hits; len(h) > 0 {
		return h[0].Time, h[len(h)-1].Time
	}
	return 0, 0
}

func (s *stage) count() int64 {
	if s.scene.view != nil {
		return s.scene.view.Count
	}
	return int64(len(s.scene.hits))
}
