package source

import (
	"slices"
	"strings"

	"detect/internal/record"
)

// wrapper tries the wrappers that are known, in the order in which they are to be tried; handled is false if it is none.
func (d *Decoder) wrapper(w *wrapped, m members) (handled bool, err error) {
	if handled, err = d.auditData(w, m); handled || err != nil {
		return handled, err
	}
	if handled, err = d.elastic(w, m); handled || err != nil {
		return handled, err
	}
	if handled, err = d.splunk(w, m); handled || err != nil {
		return handled, err
	}
	return d.signIn(w, m)
}

// holds says whether a value has content: it is not absent, null, or empty text.
func holds(v []byte) bool { return len(v) > 0 && v[0] != 'n' && string(v) != `""` }

// or is the first value that holds something.
func or(values ...[]byte) []byte {
	for _, v := range values {
		if holds(v) {
			return v
		}
	}
	return nil
}

// around notes what a wrapper says of the record in it. What is nearer to the record counts more.
func (w *wrapped) around(m members) {
	o := &w.outer
	o.time = or(m.first("CreationTime", "CreationDate", "createdDateTime", "TimeGenerated", "@timestamp", "_time"), o.time)
	o.operation = or(m.first("Operation", "Operations", "operation"), o.operation)
	o.user = or(m.first("UserId", "UserIds", "userPrincipalName"), o.user)
	o.id = or(m.first("Identity", "RecordId", "Id", "id"), o.id)
	o.organization = or(m.first("OrganizationId", "organizationId"), o.organization)
	o.recordType = or(m.first("RecordType"), o.recordType)
}

// unwrap decodes what is inside a wrapper.
func (d *Decoder) unwrap(w *wrapped, m members, inner []byte) (bool, error) {
	in, ok := w.deeper()
	if !ok {
		return true, nil
	}
	in.around(m)
	return true, d.value(in, inner)
}

// auditData unwraps what Search-UnifiedAuditLog, the portal, extractors and Microsoft Graph give.
func (d *Decoder) auditData(w *wrapped, m members) (bool, error) {
	v := m.get("AuditData")
	graph := false
	if v == nil {
		v = m.get("auditData")
		graph = m.has("createdDateTime")
	}
	if v == nil {
		for _, x := range m {
			if len(x.name) == len("auditdata") && strings.EqualFold(x.name, "auditdata") {
				v = x.value
			}
		}
	}
	empty := !holds(v) || graph && len(v) == 2
	switch {
	case v == nil:
		return false, nil
	case empty && graph && m.has("operation"):
		return true, d.graphRecord(w, m)
	case empty:
		w.lose("AuditData is empty")
		return true, nil
	}
	return d.unwrap(w, m, v)
}

// elastic unwraps what Elasticsearch and its shippers hold: best the original text, else the fields under o365.audit.
func (d *Decoder) elastic(w *wrapped, m members) (bool, error) {
	if v := m.get("_source"); record.KindOf(v) == '{' {
		return d.unwrap(w, m, v)
	}
	event := m.object("event")
	for _, v := range [][]byte{event.Value("original"), m.get("event.original")} {
		if looksObject(v) {
			return d.unwrap(w, m, v)
		}
	}
	for _, v := range [][]byte{m.object("o365").Value("audit"), m.get("o365.audit")} {
		if record.KindOf(v) == '{' {
			return d.unwrap(w, m, v)
		}
	}
	if slices.ContainsFunc(m, func(x member) bool { return strings.HasPrefix(x.name, auditPath) }) {
		in, ok := w.deeper()
		if !ok {
			return true, nil
		}
		in.around(m)
		return true, d.dotted(in, m)
	}
	if v := m.get("message"); looksObject(v) {
		return d.unwrap(w, m, v)
	}
	return false, nil
}

// looksObject says whether a value is an object or text that starts like one.
func looksObject(v []byte) bool {
	if record.KindOf(v) == '{' {
		return true
	}
	return len(v) > 2 && v[0] == '"' && (v[1] == '{' || v[1] == ' ' || v[1] == '\\') && strings.HasPrefix(strings.TrimSpace(record.TextOf(v)), "{")
}

// auditPath is where Elastic has the fields of a record.
const auditPath = "o365.audit."

// dotted decodes members whose names are paths: o365.audit.Operation.
func (d *Decoder) dotted(w *wrapped, m members) error {
	o := &objectBuilder{buf: d.bufs[w.level-1][:0]}
	nested := map[string]*objectBuilder{}
	var order []string
	o.begin()
	for _, x := range m {
		path, ok := strings.CutPrefix(x.name, auditPath)
		v := x.value
		if !ok || !holds(v) {
			continue
		}
		top, rest, isNested := strings.Cut(path, ".")
		if !isNested {
			o.member(path, v)
			continue
		}
		if nested[top] == nil {
			nested[top] = new(objectBuilder)
			nested[top].begin()
			order = append(order, top)
		}
		nested[top].member(rest, v)
	}
	for _, top := range order {
		o.member(top, nested[top].end())
	}
	d.bufs[w.level-1] = o.end()
	return d.object(w, d.bufs[w.level-1])
}

// splunk unwraps what Splunk exports: the record as it came is in _raw, around which stands result.
func (d *Decoder) splunk(w *wrapped, m members) (bool, error) {
	if v := m.get("result"); record.KindOf(v) == '{' {
		return d.unwrap(w, m, v)
	}
	if v := m.get("_raw"); looksObject(v) {
		return d.unwrap(w, m, v)
	}
	if v := m.get("event"); looksObject(v) && !m.has("Operation") {
		return d.unwrap(w, m, v)
	}
	return false, nil
}

// objectBuilder writes a JSON object.
type objectBuilder struct {
	buf   []byte
	start int
}

func (o *objectBuilder) begin() { o.start = len(o.buf); o.buf = append(o.buf, '{') }

// member appends a member with a JSON value; nothing if it has none.
func (o *objectBuilder) member(name string, value []byte) {
	if len(value) == 0 {
		return
	}
	o.name(name)
	o.buf = append(o.buf, value...)
}

// text appends a member with text as its value.
func (o *objectBuilder) text(name, value string) {
	o.name(name)
	o.buf = appendQuoted(o.buf, []byte(value))
}

func (o *objectBuilder) name(name string) {
	if len(o.buf) > o.start+1 {
		o.buf = append(o.buf, ',')
	}
	o.buf = appendQuoted(o.buf, []byte(name))
	o.buf = append(o.buf, ':')
}

func (o *objectBuilder) end() []byte {
	o.buf = append(o.buf, '}')
	return o.buf
}
