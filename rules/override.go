package rules

import (
	"fmt"
	"slices"

	"detect/rules/document"
)

// override is an `override:` document.
type override struct {
	at     document.Value
	target string
	id     document.Value
	set    []document.Entry // all but params
	params []named
	except document.Value
	tests  document.Value
}

// readOverride reads an override's own keys; what they set is read as part of the rule.
func readOverride(r *document.Report, m document.Mapping) (o override, ok bool) {
	if !r.Require(m, "an override", "override") {
		return o, false
	}
	o = override{at: m.Value, id: m.Get("override"), except: m.Get("except"), tests: m.Get("tests")}
	if o.target, ok = r.Line(o.id, "override"); !ok {
		return o, false
	}
	set := m.Get("set")
	if !set.Exists() && !o.except.Exists() {
		r.Add(m.Value, 0, "an override has set or except, and this one has neither", "")
	}
	if !set.Exists() {
		return o, true
	}
	keys := ruleKeys
	keys.What = "set"
	entries, isMap := r.Mapping(set, keys)
	if !isMap {
		return o, false
	}
	for _, e := range entries.Entries() {
		switch e.Key.Scalar() {
		case "id", "tests":
			r.Addf(e.Key, "an override cannot set %q", e.Key.Scalar())
		case "params":
			o.params, _ = readParams(r, e.Value)
		default:
			o.set = append(o.set, e)
		}
	}
	return o, true
}

// merged is a rule's spec with its overrides put in. Two that set one key are a fault of the later one.
func merged(r *document.Report, base document.Value, overrides []override) *spec {
	entries := base.Entries()
	by := map[string]document.Value{} // the key that set it
	var params []named
	for _, o := range overrides {
		for _, e := range o.set {
			name := e.Key.Scalar()
			if twice(r, by, name, e.Key) {
				continue
			}
			if i := slices.IndexFunc(entries, func(x document.Entry) bool { return x.Key.Scalar() == name }); i >= 0 {
				entries[i] = e
			} else {
				entries = append(entries, e)
			}
		}
		for _, p := range o.params {
			if !twice(r, by, "params."+p.name, p.key) {
				params = append(params, p)
			}
		}
	}
	m, _ := r.Mapping(base, document.Keys{What: ruleKeys.What, Known: ruleKeys.Known, Later: ruleKeys.Later})
	s := readRule(r, m.With(entries))
	s.mergeParams(r, params)
	seen := map[string]bool{}
	for _, e := range s.except {
		seen[e.Name] = true
	}
	for _, o := range overrides {
		for _, e := range readExceptions(r, o.except) {
			if seen[e.Name] {
				r.Addf(e.when, "the rule has an exception called %q already", e.Name)
				continue
			}
			seen[e.Name] = true
			s.except = append(s.except, e)
		}
	}
	return s
}

func twice(r *document.Report, by map[string]document.Value, name string, key document.Value) bool {
	first, ok := by[name]
	if !ok {
		by[name] = key
		return false
	}
	line, _ := first.Place(0)
	r.Addf(key, "%q is overridden twice, first at %s:%d", name, first.File(), line)
	return true
}

// mergeParams puts overridden params in place of the rule's own, which must be there and of one type.
func (s *spec) mergeParams(r *document.Report, params []named) {
	for _, p := range params {
		i := slices.IndexFunc(s.params, func(x named) bool { return x.name == p.name })
		if i < 0 {
			var known []string
			for _, x := range s.params {
				known = append(known, x.name)
			}
			hint := ""
			if near := document.Nearest(p.name, known); near != "" {
				hint = fmt.Sprintf("did you mean %q?", near)
			}
			r.Add(p.key, 0, fmt.Sprintf("the rule has no param %q", p.name), hint)
			continue
		}
		c, ok := readConstant(r, p.value, p.name)
		if !ok {
			continue
		}
		if old := s.constants[p.name]; fmt.Sprintf("%T", old) != fmt.Sprintf("%T", c) {
			r.Add(p.value, 0, fmt.Sprintf("the param %q is %s in the rule", p.name, s.params[i].value.What()), "an override keeps its type")
			continue
		}
		s.constants[p.name] = c
		s.params[i].value = p.value
	}
}
