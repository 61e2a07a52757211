package rules

import (
	"encoding/json"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"

	"detect/internal/geo"
	"detect/rules/document"
	"detect/rules/hit"
)

// Test is a test that stands beside a rule. Times in it are microseconds from its start.
type Test struct {
	Name    string
	File    string
	Line    int
	Given   Given
	Records []TestRecord
	Until   int64 // the absence clock; negative: that of the newest record
	Alerts  []Expected
}

// Given is what a test takes as the world's state in place of the configuration.
type Given struct {
	Domains []string            // org.domains; nil: none
	Lists   map[string][]string // in place of the lists of that name
	Geo     []GivenPlace
}

// GivenPlace says where the addresses of a network are.
type GivenPlace struct {
	Prefix  netip.Prefix
	Place   geo.Place
	ASN     uint32
	Network string // name of the network's owner
}

// TestRecord is one record of a test, or several that differ in their number and time.
type TestRecord struct {
	At, Arrives int64    // of the first of them
	Repeat      int      // how many; at least 1
	Every       int64    // from one to the next
	Has         []string // its top-level keys
	json        string   // its members, {{i}} in place of its number
}

// JSON is the record with its number i, and with members added to those that it has.
func (r TestRecord) JSON(i int, more map[string]any) []byte {
	b := []byte("{")
	b = append(b, strings.ReplaceAll(r.json, "{{i}}", fmt.Sprint(i))...)
	for _, k := range slices.Sorted(mapKeys(more)) {
		if slices.Contains(r.Has, k) {
			continue
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		name, _ := json.Marshal(k)
		value, _ := json.Marshal(more[k])
		b = append(append(append(b, name...), ':'), value...)
	}
	return append(b, '}')
}

func mapKeys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// Expected is what a test says of one alert; what is nil or empty is not compared.
type Expected struct {
	By          map[string]string
	Count       *int64
	Severity    *hit.Severity
	Title       *string
	Respond     *string
	Risk        *int64
	First, Last *int64
	Values      map[string][]string
	Approximate *bool
	Late        *bool
}

// The most records of one test, repetitions counted, and the deepest nesting of one.
const (
	maxTestRecords = 20_000
	maxRecordDepth = 32
)

// readTests reads a list of tests.
func readTests(r *document.Report, v document.Value) []Test {
	if !v.Exists() {
		return nil
	}
	if !v.IsList() {
		r.Addf(v, "tests must be a list, and this is %s", v.What())
		return nil
	}
	var ts []Test
	for _, item := range v.Items() {
		m, ok := r.Mapping(item, document.Keys{What: "a test", Known: []string{"name", "given", "records", "until", "alerts"}})
		if !ok || !r.Require(m, "a test", "name", "records", "alerts") {
			continue
		}
		t := Test{File: item.File(), Until: -1}
		t.Line, _ = item.Place(0)
		t.Name, _ = r.Line(m.Get("name"), "the test's name")
		for _, other := range ts {
			if other.Name == t.Name {
				r.Addf(m.Get("name"), "two tests are called %q", t.Name)
			}
		}
		t.Given = readGiven(r, m.Get("given"))
		t.Records = readTestRecords(r, m.Get("records"))
		if until, ok := r.Duration(m.Get("until"), "until"); ok {
			t.Until = until
		}
		t.Alerts = readExpected(r, m.Get("alerts"))
		ts = append(ts, t)
	}
	return ts
}

func readGiven(r *document.Report, v document.Value) (g Given) {
	if !v.Exists() {
		return g
	}
	m, ok := r.Mapping(v, document.Keys{What: "given", Known: []string{"org", "lists", "geo"}, Later: map[string]string{"alerts": "rules over alerts"}})
	if !ok {
		return g
	}
	if org := m.Get("org"); org.Exists() {
		if o, ok := r.Mapping(org, document.Keys{What: "org", Known: []string{"domains"}}); ok {
			var places []document.Value
			g.Domains, places = r.Texts(o.Get("domains"), "domains")
			for i, d := range g.Domains {
				if message, hint := CheckDomain(d); message != "" {
					r.Add(places[i], 0, message, hint)
				}
			}
		}
	}
	if lists := m.Get("lists"); lists.Exists() {
		if l, ok := r.Mapping(lists, document.Keys{What: "lists"}); ok {
			g.Lists = map[string][]string{}
			for _, e := range l.Entries() {
				g.Lists[e.Key.Scalar()], _ = r.Texts(e.Value, "the list "+e.Key.Scalar())
			}
		}
	}
	if places := m.Get("geo"); places.Exists() {
		if p, ok := r.Mapping(places, document.Keys{What: "geo"}); ok {
			for _, e := range p.Entries() {
				if place, ok := readPlace(r, e); ok {
					g.Geo = append(g.Geo, place)
				}
			}
		}
	}
	return g
}

func readPlace(r *document.Report, e document.Entry) (p GivenPlace, ok bool) {
	prefix, err := netip.ParsePrefix(e.Key.Scalar())
	if addr, e2 := netip.ParseAddr(e.Key.Scalar()); e2 == nil {
		prefix, err = netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	if err != nil {
		r.Addf(e.Key, "%q is neither an address nor a network", e.Key.Scalar())
		return p, false
	}
	m, ok := r.Mapping(e.Value, document.Keys{What: "a place", Known: []string{"country", "city", "lat", "lon", "radius", "asn", "network"}})
	if !ok {
		return p, false
	}
	p.Prefix = prefix.Masked()
	p.Place.Country, _ = r.Line(m.Get("country"), "the country")
	p.Place.City, _ = r.Line(m.Get("city"), "the city")
	p.Network, _ = r.Line(m.Get("network"), "the network")
	asn, _ := r.Int(m.Get("asn"), "the asn", 0, math.MaxUint32)
	p.ASN = uint32(asn)
	for key, to := range map[string]*float64{"lat": &p.Place.Lat, "lon": &p.Place.Lon, "radius": &p.Place.Radius} {
		if v := m.Get(key); v.Exists() && (!v.Is("!!int") && !v.Is("!!float") || v.Decode(to) != nil) {
			r.Addf(v, "%s must be a number", key)
		}
	}
	located := m.Get("lat").Exists() && m.Get("lon").Exists()
	p.Place.Known = located || p.Place.Country != ""
	p.Place.CountryOnly = p.Place.Known && !located
	return p, true
}

func readTestRecords(r *document.Report, v document.Value) []TestRecord {
	if !v.IsList() {
		r.Addf(v, "records must be a list, and this is %s", v.What())
		return nil
	}
	var rs []TestRecord
	total := 0
	for _, item := range v.Items() {
		m, ok := r.Mapping(item, document.Keys{What: "an entry of records", Known: []string{"record", "repeat", "every", "at", "arrives"}})
		if !ok || !r.Require(m, "an entry of records", "record") {
			continue
		}
		t := TestRecord{Repeat: 1}
		if n, ok := r.Int(m.Get("repeat"), "repeat", 1, maxTestRecords); ok {
			t.Repeat = int(n)
		}
		if total += t.Repeat; total > maxTestRecords {
			r.Addf(item, "a test has at most %d records", maxTestRecords)
			return rs
		}
		t.At, _ = r.Duration(m.Get("at"), "at")
		t.Every, _ = r.Duration(m.Get("every"), "every")
		t.Arrives = t.At
		if d, ok := r.Duration(m.Get("arrives"), "arrives"); ok {
			t.Arrives = d
		}
		record := m.Get("record")
		if !record.IsMapping() {
			r.Addf(record, "record must be a mapping of fields, and this is %s", record.What())
			continue
		}
		for _, e := range record.Entries() {
			t.Has = append(t.Has, e.Key.Scalar())
		}
		if b, ok := recordJSON(r, record, nil, 0); ok {
			t.json = strings.TrimSuffix(strings.TrimPrefix(string(b), "{"), "}")
			rs = append(rs, t)
		}
	}
	return rs
}

// recordJSON is a YAML value as JSON. Dates stay text, as they are in records.
func recordJSON(r *document.Report, v document.Value, b []byte, depth int) ([]byte, bool) {
	if depth > maxRecordDepth {
		r.Addf(v, "a record is nested at most %d deep", maxRecordDepth)
		return b, false
	}
	ok := true
	switch {
	case v.IsMapping():
		b = append(b, '{')
		m, mapped := r.Mapping(v, document.Keys{What: "a record's field"})
		ok = mapped
		for i, e := range m.Entries() {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendText(b, e.Key.Scalar()), ':')
			var one bool
			b, one = recordJSON(r, e.Value, b, depth+1)
			ok = ok && one
		}
		return append(b, '}'), ok
	case v.IsList():
		b = append(b, '[')
		for i, e := range v.Items() {
			if i > 0 {
				b = append(b, ',')
			}
			var one bool
			b, one = recordJSON(r, e, b, depth+1)
			ok = ok && one
		}
		return append(b, ']'), ok
	case v.IsNull():
		return append(b, "null"...), true
	case v.Is("!!int"), v.Is("!!float"), v.Is("!!bool"):
		var x any
		if err := v.Decode(&x); err == nil {
			if j, err := json.Marshal(x); err == nil {
				return append(b, j...), true
			}
		}
		r.Addf(v, "%s is nothing that JSON can say", v.Scalar())
		return b, false
	}
	return appendText(b, strings.ReplaceAll(v.Scalar(), "{{ i }}", "{{i}}")), true
}

func appendText(b []byte, s string) []byte {
	j, _ := json.Marshal(s)
	return append(b, j...)
}
