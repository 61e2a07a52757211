package expr

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	celast "github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types/ref"

	"detect/rules/hit"
)

// Matching is the compiled part of a rule that makes hits of records; see package engine/match. It is immutable.
type Matching struct {
	// Operations are as written: names, prefixes ending in `*`, or `any`.
	Operations []string
	// Conjuncts are what top-level && joins in `match`, cheap ones first; the record matches if all hold.
	Conjuncts []*Conjunct
	// Exceptions is how many exceptions there are.
	Exceptions int

	names      *names
	captures   []captured
	labels     []string
	kinds      []hit.Kind
	by         []byPart
	exceptions []exception
	severity   *code
	level      hit.Severity
	places     []int
}

// Conjunct is a part of a condition. Equal parts of different rules are one, and are evaluated once a record.
type Conjunct struct {
	slot   int
	native boolFunc // nil: cel-go evaluates it
	code   *code
}

// Native says whether it is evaluated without cel-go.
func (c *Conjunct) Native() bool { return c.native != nil }

// captured is the expression of a capture.
type captured struct {
	code *code
	text textFunc // not nil: it is text, and evaluated without cel-go
}

// conjunct is the one conjunct of that meaning.
func (b *Builder) conjunct(s *scope, a *celast.AST, e celast.Expr) (*Conjunct, error) {
	canon := b.names.canonical(e)
	w := b.world
	w.mu.Lock()
	c := w.conjunct[canon]
	w.mu.Unlock()
	if c != nil {
		return c, nil
	}
	code, err := plan(s.env, part(a, e), b.names)
	if err != nil {
		return nil, err
	}
	n := &native{world: w, names: b.names}
	fresh := &Conjunct{native: n.truth(e), code: code}
	w.mu.Lock()
	defer w.mu.Unlock()
	if c := w.conjunct[canon]; c != nil {
		return c, nil
	}
	fresh.slot = len(w.conjunct)
	w.conjunct[canon] = fresh
	return fresh, nil
}

// Matching is what matching records against this rule needs. Operations are as written in the rule: a name, a prefix
// ending in `*`, or `any`.
func (b *Builder) Matching(operations []string) *Matching {
	m := &Matching{
		Operations: append([]string(nil), operations...), Exceptions: len(b.exceptions),
		names: b.names, kinds: b.kinds, by: b.by, exceptions: b.exceptions,
		severity: b.severity, level: b.level, places: b.places,
		labels: make([]string, len(b.captures)),
	}
	for name, i := range b.names.captures {
		m.labels[i] = name
	}
	for _, c := range b.captures {
		one := captured{code: c}
		if c != nil {
			n := &native{world: b.world, names: b.names}
			one.text = n.text(c.ast.Expr())
		}
		m.captures = append(m.captures, one)
	}
	for _, cheap := range []bool{true, false} { // in the order written otherwise
		for _, c := range b.conjuncts {
			if c.Native() == cheap {
				m.Conjuncts = append(m.Conjuncts, c)
			}
		}
	}
	return m
}

// Holds evaluates a conjunct, once a record.
func (f *Frame) Holds(c *Conjunct) (bool, error) {
	if c.slot >= len(f.truths) {
		f.truths = append(f.truths, make([]truth, c.slot+1-len(f.truths))...)
	}
	t := &f.truths[c.slot]
	if t.epoch == f.epoch {
		return t.holds, t.err
	}
	var holds bool
	var err error
	if c.native != nil {
		holds = c.native(f)
	} else {
		holds, err = truthOf(c.code.eval(f))
		t = &f.truths[c.slot]
	}
	*t = truth{f.epoch, holds, err}
	return holds, err
}

// Match says whether the frame's record fulfils the rule's condition. As in CEL, a conjunct that is false decides, also
// where another is an error.
func (m *Matching) Match(f *Frame) (bool, error) {
	var first error
	for _, c := range m.Conjuncts {
		holds, err := f.Holds(c)
		switch {
		case err != nil:
			if first == nil {
				first = err
			}
		case !holds:
			return false, nil
		}
	}
	return first == nil, first
}

// Captures appends the rule's captured values to dst. known is false if a place that the rule compares is not known:
// such a record is no hit. An error that wraps ErrCut is to be told, but the values are all there; after any other there
// are none.
func (m *Matching) Captures(f *Frame, dst []hit.Value) (values []hit.Value, known bool, err error) {
	from := len(dst)
	var cut error
	for i, c := range m.captures {
		if c.text != nil {
			dst = append(dst, hit.OfText(cleanText(c.text(f))))
			continue
		}
		v, err := c.code.eval(f)
		if err != nil {
			return dst[:from], false, fmt.Errorf("capture %s: %w", m.labels[i], err)
		}
		captured, err := captureValue(v, m.kinds[i])
		if err != nil {
			if err = fmt.Errorf("capture %s: %w", m.labels[i], err); !errors.Is(err, ErrCut) {
				return dst[:from], false, err
			}
			cut = err
		}
		dst = append(dst, captured)
	}
	for _, i := range m.places {
		if !dst[from+i].Place().Known {
			return dst, false, cut
		}
	}
	return dst, true, cut
}

// Entity is one that a record belongs to.
type Entity struct {
	Key     string    // by hit.EncodeKey
	element hit.Value // a list of one: what it has of the list in `by`; no value if there is none
}

// Values is the captured values of a record as that entity's hit has them: of a list in `by` the entity's own element
// alone. A record with thousands of recipients would otherwise hold thousands of times all of them.
func (m *Matching) Values(e Entity, values []hit.Value) []hit.Value {
	values = slices.Clone(values)
	if e.element.Kind != hit.None {
		for _, p := range m.by {
			if p.capture >= 0 && values[p.capture].Kind == e.element.Kind {
				values[p.capture] = e.element
			}
		}
	}
	return values
}

// Entities appends the entities that the record belongs to: one for each distinct element if `by` holds a list.
// It appends none if a part of the key is empty. Values are those of Captures.
func (m *Matching) Entities(f *Frame, values []hit.Value, dst []Entity) []Entity {
	parts := make([]string, len(m.by))
	list, elements := -1, hit.Value{}
	for i, p := range m.by {
		if p.capture < 0 {
			parts[i] = p.entity(f)
		} else if v := values[p.capture]; v.Kind != v.Kind.Element() {
			list, elements = i, v
			continue
		} else {
			parts[i] = keyPart(v)
		}
		if parts[i] = cleanPart(parts[i]); parts[i] == "" {
			return dst
		}
	}
	if list < 0 {
		return append(dst, Entity{Key: hit.EncodeKey(parts...)})
	}
	seen := make(map[string]struct{})
	elements.Each(func(e hit.Value) {
		part := cleanPart(keyPart(e))
		if _, twice := seen[part]; twice || part == "" || part == CutMark {
			return
		}
		seen[part] = struct{}{}
		parts[list] = part
		own := hit.OfTexts([]string{e.Str})
		if e.Kind == hit.Int {
			own = hit.OfInts([]int64{e.Num})
		}
		dst = append(dst, Entity{hit.EncodeKey(parts...), own})
	})
	return dst
}

// cleanPart is a part of a key: attackers write it, so it is bounded like a capture.
func cleanPart(s string) string {
	if len(s) <= MaxText {
		return s
	}
	return CutText(s)
}

func keyPart(v hit.Value) string {
	switch v.Kind {
	case hit.Text:
		return v.Str
	case hit.Int:
		return strconv.FormatInt(v.Num, 10)
	case hit.Bool:
		return strconv.FormatBool(v.Bool())
	default:
		return ""
	}
}

// Excepted is the index of the first exception that hides the hit, -1 if none does. An exception that can't be evaluated
// hides nothing; err is the first such error.
func (m *Matching) Excepted(f *Frame, time int64, values []hit.Value) (index int, err error) {
	for i, e := range m.exceptions {
		if e.until != 0 && time >= e.until {
			continue
		}
		holds, fault := truthOf(m.inHit(f, e.code, values))
		if fault != nil && err == nil {
			err = fmt.Errorf("exception %d: %w", i+1, fault)
		}
		if holds {
			return i, err
		}
	}
	return -1, err
}

// Severity is the hit's severity; hit.Info for rules whose severity is not each hit's.
func (m *Matching) Severity(f *Frame, values []hit.Value) (hit.Severity, error) {
	if m.severity == nil {
		return m.level, nil
	}
	v, err := m.inHit(f, m.severity, values)
	if err != nil {
		return hit.Info, fmt.Errorf("severity: %w", err)
	}
	s, ok := v.(severityVal)
	if !ok {
		return hit.Info, fmt.Errorf("severity: got %s", valueWord(v))
	}
	return s.level, nil
}

// inHit evaluates in scope hit.
func (m *Matching) inHit(f *Frame, c *code, values []hit.Value) (ref.Val, error) {
	f.captures = values
	if values == nil {
		f.captures = noValues
	}
	v, err := c.eval(f)
	f.captures = nil
	return v, err
}

var noValues = []hit.Value{}
