package record

import (
	"slices"
	"strings"
)

// Modification is one entry of ModifiedProperties.
type Modification struct {
	Name           string
	Old, New       string   // as text: JSON quoting, a list of one and outer blanks taken off
	Olds, News     []string // as lists; empty values are no elements
	Added, Removed []string // elements of News that are not in Olds, and the other way round
}

// ModificationsOf reads raw JSON as modified properties: a list of {Name, NewValue, OldValue}, an object, a list of names,
// or text that holds one of these as JSON.
func ModificationsOf(raw []byte) []Modification {
	if KindOf(raw) == '"' {
		if raw = jsonInText(raw); raw == nil {
			return nil
		}
	}
	var all []Modification
	switch KindOf(raw) {
	case '[':
		for e := range Elements(raw) {
			switch KindOf(e) {
			case '{':
				all = append(all, modificationsOfObject(e)...)
			case '"':
				if name := TextOf(e); name != "" {
					all = append(all, Modification{Name: name})
				}
			}
		}
	case '{':
		all = modificationsOfObject(raw)
	}
	return all
}

// modificationsOfObject reads {Name, NewValue, OldValue}, or an object whose members are named by the properties.
func modificationsOfObject(raw []byte) []Modification {
	whole := Object{raw}
	name := whole.foldValue("Name")
	if name == nil {
		name = whole.foldValue("displayName")
	}
	if KindOf(name) == '"' {
		return []Modification{newModification(TextOf(name), whole.foldValue("OldValue"), whole.foldValue("NewValue"))}
	}
	var all []Modification
	for _, p := range objectPairs(nil, raw) {
		o := ObjectOf(p.raw)
		if o.raw != nil && (o.Value("NewValue") != nil || o.Value("OldValue") != nil) {
			all = append(all, newModification(string(p.name), o.Value("OldValue"), o.Value("NewValue")))
		} else {
			all = append(all, newModification(string(p.name), nil, p.raw))
		}
	}
	return all
}

func newModification(name string, before, after []byte) Modification {
	m := Modification{Name: name}
	m.Old, m.Olds = plainValue(before)
	m.New, m.News = plainValue(after)
	m.Added, m.Removed = without(m.News, m.Olds), without(m.Olds, m.News)
	return m
}

// plainValue takes off what Entra wraps values in: JSON text in JSON text, a list of one, blanks and line ends.
func plainValue(raw []byte) (text string, list []string) {
	for range MaxDepth {
		switch KindOf(raw) {
		case 0, 'n':
			return "", nil
		case '[':
			elements := slices.Collect(Elements(raw))
			if len(elements) == 1 {
				raw = elements[0]
				continue
			}
			for _, e := range elements {
				var t string
				if KindOf(e) == '[' { // not taken apart: a list in a list is rare, and deep ones would cost dear
					t = TextOf(e)
				} else {
					t, _ = plainValue(e)
				}
				if t != "" {
					list = append(list, t)
				}
			}
			if len(elements) == 0 {
				return "", nil
			}
			return TextOf(raw), list
		case '"':
			trimmed := []byte(strings.TrimSpace(TextOf(raw)))
			if k := KindOf(trimmed); (k == '[' || k == '"') && valid(trimmed) {
				raw = trimmed
				continue
			}
			text = string(trimmed)
		default:
			text = TextOf(raw)
		}
		break
	}
	if text == "" {
		return "", nil
	}
	return text, []string{text}
}

// without is what is in a and not in b, each once.
func without(a, b []string) []string {
	known := make(map[string]bool, len(b))
	for _, s := range b {
		known[s] = true
	}
	var rest []string
	for _, s := range a {
		if !known[s] {
			rest = append(rest, s)
			known[s] = true
		}
	}
	return rest
}

// Modifications reads ModifiedProperties as ModificationsOf does, and the setting that a Teams record names in Name,
// OldValue and NewValue; the result is remembered and must not be changed.
func (r *Record) Modifications() []Modification {
	return r.modified.get(r, func(r *Record) []Modification {
		all := ModificationsOf(r.Value(FModifiedProperties))
		if r.Has(FName) && (r.Has(FNewValue) || r.Has(FOldValue)) {
			all = append(all, newModification(r.Text(FName), r.Value(FOldValue), r.Value(FNewValue)))
		}
		return all
	})
}

// Modified is the last modification of that name, without regard to case; Name is "" if there is none.
func (r *Record) Modified(name string) Modification {
	all := r.Modifications()
	for i := len(all) - 1; i >= 0; i-- {
		if foldEqual([]byte(all[i].Name), name) {
			return all[i]
		}
	}
	return Modification{}
}
