package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"detect/rules/document"
	"detect/rules/hit"
)

// Fault is something wrong in a rule file; see document.Fault.
type Fault = document.Fault

// Faults is every fault of a load.
type Faults = document.Faults

// ruleKeys are a rule's keys. Those of kinds that this version does not run are known, so that their message is not
// that of a slip.
var ruleKeys = document.Keys{
	What: "a rule",
	Known: []string{"id", "title", "description", "severity", "status", "risk", "attack", "references", "false_positives",
		"params", "operations", "let", "match", "capture", "by", "within", "having", "neighbours", "quiet", "longest",
		"alert", "except", "tests"},
	Later: map[string]string{
		"sequence": "sequences", "first_seen": "first seen", "baseline": "baselines", "schedule": "schedules",
		"history": "schedules", "from": "rules over alerts", "rules": "rules over alerts", "settle": "settling by rule",
		"backfill": "backfill",
	},
}

var overrideKeys = document.Keys{What: "an override", Known: []string{"override", "set", "except", "tests"}}

// named is a value with a name, such as a part under `let`.
type named struct {
	name       string
	key, value document.Value
}

// exception is one entry of `except` as written.
type exception struct {
	Exception
	when document.Value
}

// spec is a rule as it is written, its keys read and its expressions not yet compiled.
type spec struct {
	at          document.Value // the document
	id          string
	title       string
	description string
	severity    document.Value
	status      Status
	risk        int // -1: by severity
	attack      []Technique
	references  []string
	falsePos    []string
	params      []named
	constants   map[string]any // params' values
	operations  []string
	opPlaces    []document.Value
	let         []named
	match       document.Value
	capture     []named
	by          []string
	byPlaces    []document.Value
	byGiven     bool

	within, quiet, longest int64
	having, neighbours     document.Value
	kind                   Kind
	later                  bool // it has keys of a kind that this version does not run

	alertTitle, respond document.Value
	except              []exception
	tests               []Test
}

var (
	idPattern   = regexp.MustCompile(`^[a-z0-9]+([-_.][a-z0-9]+)*$`)
	namePattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// maxNames is how many params, lets and captures a rule may have, of each.
const maxNames = 64

// readID is a rule's id as far as it can be told, for the faults of its document.
func readID(doc document.Value, key string) string {
	for _, e := range doc.Entries() {
		if e.Key.Scalar() == key && e.Value.IsText() {
			return document.FirstLine(e.Value.Scalar())
		}
	}
	return ""
}

// reader reads one rule.
type reader struct {
	*document.Report
	m document.Mapping
	s *spec
}

// readRule reads a rule's keys, whatever of them can be read.
func readRule(r *document.Report, m document.Mapping) *spec {
	rd := reader{Report: r, m: m, s: &spec{at: m.Value, risk: -1}}
	for _, e := range m.Value.Entries() {
		if ruleKeys.Later[e.Key.Scalar()] != "" {
			rd.s.later = true
		}
	}
	required := []string{"id", "title", "severity"}
	if !rd.s.later {
		required = append(required, "operations")
	}
	r.Require(m, "a rule", required...)
	rd.header()
	rd.conditions()
	rd.timing()
	rd.alert()
	rd.s.except = readExceptions(r, m.Get("except"))
	rd.s.tests = readTests(r, m.Get("tests"))
	return rd.s
}

func (rd reader) header() {
	s := rd.s
	if id, ok := rd.Line(rd.m.Get("id"), "the id"); ok {
		s.id = id
		if !idPattern.MatchString(id) || len(id) > 100 {
			rd.Add(rd.m.Get("id"), 0, "an id is lower-case letters, digits and -, such as exchange-external-forwarding", "")
		}
	}
	s.title, _ = rd.Line(rd.m.Get("title"), "the title")
	s.description, _ = rd.Text(rd.m.Get("description"), "the description")
	s.severity = rd.m.Get("severity")
	if v := rd.m.Get("status"); v.Exists() {
		names := []string{Stable.String(), Staged.String(), Disabled.String()}
		if i := slices.Index(names, v.Scalar()); i >= 0 {
			s.status = Status(i)
		} else {
			rd.Add(v, 0, "the status must be stable, staged or disabled", "")
		}
	}
	if n, ok := rd.Int(rd.m.Get("risk"), "the risk", 0, 100); ok {
		s.risk = int(n)
	}
	ids, places := rd.Texts(rd.m.Get("attack"), "attack")
	for i, id := range ids {
		t, err := parseTechnique(id)
		if err != nil {
			rd.Add(places[i], 0, err.Error(), "")
			continue
		}
		s.attack = append(s.attack, t)
	}
	s.references, _ = rd.Texts(rd.m.Get("references"), "references")
	s.falsePos, _ = rd.Texts(rd.m.Get("false_positives"), "false_positives")
}

func (rd reader) conditions() {
	s := rd.s
	s.params, s.constants = readParams(rd.Report, rd.m.Get("params"))
	rd.operations()
	s.let = rd.names(rd.m.Get("let"), "let")
	s.match = rd.m.Get("match")
	s.capture = rd.names(rd.m.Get("capture"), "capture")
	s.byGiven = rd.m.Get("by").Exists()
	s.by, s.byPlaces = rd.Texts(rd.m.Get("by"), "by")
}

// operations reads the operations: a list, or `any` alone.
func (rd reader) operations() {
	v := rd.m.Get("operations")
	if v.IsText() && v.Scalar() == "any" {
		rd.s.operations, rd.s.opPlaces = []string{"any"}, []document.Value{v}
		return
	}
	rd.s.operations, rd.s.opPlaces = rd.Texts(v, "operations")
	if v.IsList() && len(v.Items()) == 0 {
		rd.Add(v, 0, "operations is empty", "write `operations: any` for all")
	}
	for i, op := range rd.s.operations {
		switch n := strings.IndexByte(op, '*'); {
		case n == 0:
			rd.Add(rd.s.opPlaces[i], n, "an operation cannot begin with *", "write `operations: any` for all; * at the end stands for any ending")
		case n > 0 && n < len(op)-1:
			rd.Add(rd.s.opPlaces[i], n, "* stands for any ending, and only at the end", "")
		}
	}
}

// names reads a mapping of names to expressions.
func (rd reader) names(v document.Value, what string) []named {
	if !v.Exists() {
		return nil
	}
	m, ok := rd.Mapping(v, document.Keys{What: what})
	if !ok {
		return nil
	}
	return checkNames(rd.Report, m, what)
}

// checkNames is a mapping's entries, of which names that no expression could say are left out.
func checkNames(r *document.Report, m document.Mapping, what string) []named {
	var ns []named
	for _, e := range m.Entries() {
		name := e.Key.Scalar()
		switch {
		case !namePattern.MatchString(name):
			r.Add(e.Key, 0, fmt.Sprintf("%q is no name that an expression could say: letters, digits and _", name), "")
			continue
		case len(ns) == maxNames:
			r.Add(e.Key, 0, fmt.Sprintf("%s has more than %d names", what, maxNames), "")
			return ns
		}
		ns = append(ns, named{name: name, key: e.Key, value: e.Value})
	}
	return ns
}

// readParams reads typed constants.
func readParams(r *document.Report, v document.Value) ([]named, map[string]any) {
	if !v.Exists() {
		return nil, nil
	}
	m, ok := r.Mapping(v, document.Keys{What: "params"})
	if !ok {
		return nil, nil
	}
	ns := checkNames(r, m, "params")
	constants := map[string]any{}
	for _, n := range ns {
		if c, ok := readConstant(r, n.value, n.name); ok {
			constants[n.name] = c
		}
	}
	return ns, constants
}

// readConstant reads a constant: text, int64, float64, bool, or []any of texts or of ints.
func readConstant(r *document.Report, v document.Value, name string) (any, bool) {
	what := fmt.Sprintf("the param %q", name)
	if v.IsList() {
		var l []any
		for _, item := range v.Items() {
			c, ok := readConstant(r, item, name)
			if !ok {
				return nil, false
			}
			if len(l) > 0 && constantKind(c) != constantKind(l[0]) || constantKind(c) != hit.Text && constantKind(c) != hit.Int {
				r.Add(item, 0, what+" must be a list of texts alone or of whole numbers alone", "")
				return nil, false
			}
			l = append(l, c)
		}
		return l, true
	}
	var (
		n   int64
		f   float64
		b   bool
		err error
		out any
	)
	switch {
	case v.IsNull():
		r.Add(v, 0, what+" is empty", "")
		return nil, false
	case v.IsText():
		return v.Scalar(), true
	case v.Is("!!int"):
		err = v.Decode(&n)
		out = n
	case v.Is("!!float"):
		err = v.Decode(&f)
		out = f
	case v.Is("!!bool"):
		err = v.Decode(&b)
		out = b
	case v.Is("!!timestamp"):
		r.Add(v, 0, what+" looks like a date, which is no constant", fmt.Sprintf(`write "%s" for a text`, v.Scalar()))
		return nil, false
	default:
		r.Add(v, 0, fmt.Sprintf("%s must be a constant: a number, text, bool or a list, and this is %s", what, v.What()), "")
		return nil, false
	}
	if err != nil {
		r.Add(v, 0, what+" is no number that fits", "")
		return nil, false
	}
	return out, true
}

// constantKind is the kind of a constant; hit.None of a list.
func constantKind(c any) hit.Kind {
	switch c.(type) {
	case string:
		return hit.Text
	case int64:
		return hit.Int
	case float64:
		return hit.Double
	case bool:
		return hit.Bool
	}
	return hit.None
}
