package source

import (
	"bytes"
	"strings"

	"detect/internal/record"
)

// wrapper tries the wrappers that are known, in the order in which they are to be tried; handled is false if it is none.
func (d *Decoder) wrapper(w *wrapped, members record.Object) (handled bool, err error) {
	if handled, err = d.auditData(w, members); handled || err != nil {
		return handled, err
	}
	if handled, err = d.elastic(w, members); handled || err != nil {
		return handled, err
	}
	if handled, err = d.splunk(w, members); handled || err != nil {
		return handled, err
	}
	return d.signIn(w, members)
}

// holds says whether a value has content: it is not absent, null, or empty text.
func holds(v []byte) bool { return len(v) > 0 && v[0] != 'n' && string(v) != `""` }

// first is the first of the named members that holds something.
func first(members record.Object, names ...string) []byte {
	for _, n := range names {
		if v := members.Value(n); holds(v) {
			return v
		}
	}
	return nil
}

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
func (w *wrapped) around(members record.Object) {
	o := &w.outer
	o.time = or(first(members, "CreationTime", "CreationDate", "createdDateTime", "TimeGenerated", "@timestamp", "_time"), o.time)
	o.operation = or(first(members, "Operation", "Operations", "operation"), o.operation)
	o.user = or(first(members, "UserId", "UserIds", "userPrincipalName"), o.user)
	o.id = or(first(members, "Identity", "RecordId", "Id", "id"), o.id)
	o.organization = or(first(members, "OrganizationId", "organizationId"), o.organization)
	o.recordType = or(first(members, "RecordType"), o.recordType)
}

// unwrap decodes what is inside a wrapper.
func (d *Decoder) unwrap(w *wrapped, members record.Object, inner []byte) (bool, error) {
	in, ok := w.deeper()
	if !ok {
		return true, nil
	}
	in.around(members)
	return true, d.value(in, inner)
}

// auditData unwraps what Search-UnifiedAuditLog, the portal, extractors and Microsoft Graph give.
func (d *Decoder) auditData(w *wrapped, members record.Object) (bool, error) {
	v := members.Value("AuditData")
	graph := false
	if v == nil {
		v = members.Value("auditData")
		graph = members.Has("createdDateTime")
	}
	if v == nil {
		for name, value := range members.Members() {
			if strings.EqualFold(name, "auditdata") {
				v = value
			}
		}
	}
	empty := !holds(v) || graph && len(v) == 2
	switch {
	case v == nil:
		return false, nil
	case empty && graph && members.Has("operation"):
		return true, d.graphRecord(w, members)
	case empty:
		w.lose("AuditData is empty")
		return true, nil
	}
	return d.unwrap(w, members, v)
}

// elastic unwraps what Elasticsearch and its shippers hold: best the original text, else the fields under o365.audit.
func (d *Decoder) elastic(w *wrapped, members record.Object) (bool, error) {
	if v := members.Value("_source"); record.KindOf(v) == '{' {
		return d.unwrap(w, members, v)
	}
	event := members.Object("event")
	for _, v := range [][]byte{event.Value("original"), members.Value("event.original")} {
		if looksObject(v) {
			return d.unwrap(w, members, v)
		}
	}
	for _, v := range [][]byte{members.Object("o365").Value("audit"), members.Value("o365.audit")} {
		if record.KindOf(v) == '{' {
			return d.unwrap(w, members, v)
		}
	}
	if members.Raw() != nil && bytes.Contains(members.Raw(), []byte(`"o365.audit.`)) {
		in, ok := w.deeper()
		if !ok {
			return true, nil
		}
		in.around(members)
		return true, d.dotted(in, members)
	}
	if v := members.Value("message"); looksObject(v) {
		return d.unwrap(w, members, v)
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

// dotted decodes members whose names are paths: o365.audit.Operation.
func (d *Decoder) dotted(w *wrapped, members record.Object) error {
	o := &objectBuilder{buf: d.bufs[w.level-1][:0]}
	nested := map[string]*objectBuilder{}
	var order []string
	o.begin()
	for name, v := range members.Members() {
		path, ok := strings.CutPrefix(name, "o365.audit.")
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
func (d *Decoder) splunk(w *wrapped, members record.Object) (bool, error) {
	if v := members.Value("result"); record.KindOf(v) == '{' {
		return d.unwrap(w, members, v)
	}
	if v := members.Value("_raw"); looksObject(v) {
		return d.unwrap(w, members, v)
	}
	if v := members.Value("event"); looksObject(v) && !members.Has("Operation") {
		return d.unwrap(w, members, v)
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
