package source

import (
	"bytes"
	"errors"
	"fmt"

	"detect/internal/record"
)

// Decoder makes records of what was cut from files. It is not for concurrent use: each worker has its own. The zero value is
// ready.
type Decoder struct {
	rec     record.Record
	bufs    [maxWraps + 1][]byte  // for each level of wrapping, what was rewritten or unquoted there
	members [maxWraps + 1]members // for each level of wrapping, the members of the wrapper there
	names   map[string]known
	entries []entry
	at      map[string]int
}

// maxWraps is how many wrappers may be around a record: a page of Splunk results with records as text that were encoded
// twice has five.
const maxWraps = 8

// wrapped is where Decode is in its work on one raw record.
type wrapped struct {
	raw    Raw
	outer  outer
	level  int
	emit   func(*record.Record, Origin) error
	reject func(Reject)
}

// outer is what the wrappers around a record say of it, as JSON values; it stands in for what the record itself lacks.
type outer struct {
	time, operation, user, id, organization, recordType []byte
}

// Decode parses a raw record and gives it to emit; a wrapper is rewritten to the form of the record itself first, and one
// that holds several gives several. What has no usable time or no Operation goes to reject, as does what cannot be parsed. The
// record given to emit is used again afterwards. Decode returns emit's error only.
func (d *Decoder) Decode(raw Raw, emit func(*record.Record, Origin) error, reject func(Reject)) error {
	err := d.rec.Parse(raw.JSON)
	if err == nil && d.native() {
		return emit(&d.rec, raw.Origin)
	}
	w := &wrapped{raw: raw, emit: emit, reject: reject, outer: raw.row.outer()}
	return d.value(w, raw.JSON)
}

// native says whether what was parsed is a record in its own form.
func (d *Decoder) native() bool {
	if !d.rec.Has(record.FOperation) || isSplunk(d.rec.Raw()) {
		return false
	}
	_, ok := d.rec.Time()
	return ok && d.rec.Text(record.FOperation) != ""
}

// isSplunk says whether an object starts with one of Splunk's own members, which come before the fields that it found in
// the record: better take the record itself.
func isSplunk(json []byte) bool {
	return bytes.HasPrefix(json, []byte(`{"_`))
}

// outer takes the cells of a row for what a wrapper says.
func (r row) outer() outer {
	text := func(b []byte) []byte {
		if len(b) == 0 {
			return nil
		}
		return appendQuoted(nil, b)
	}
	return outer{time: text(r.date), operation: text(r.operation), user: text(r.user), id: text(r.id)}
}

func (w *wrapped) lose(format string, args ...any) {
	w.reject(Reject{w.raw.Origin, fmt.Sprintf(format, args...)})
}

// deeper is w for what is inside of it; ok is false, and the record lost, if that is too deep.
func (w *wrapped) deeper() (inner *wrapped, ok bool) {
	if w.level == maxWraps {
		w.lose("more than %d wrappers around a record", maxWraps)
		return nil, false
	}
	in := *w
	in.level++
	return &in, true
}

// value decodes any JSON value.
func (d *Decoder) value(w *wrapped, json []byte) error {
	json = bytes.TrimSpace(bytes.TrimPrefix(json, utf8BOM))
	if len(json) == 0 {
		w.lose("record is empty")
		return nil
	}
	switch json[0] {
	case '{':
		return d.object(w, json)
	case '"':
		return d.text(w, json)
	case '[':
		return d.several(w, json)
	}
	if bytes.HasPrefix(json, []byte("@{")) {
		w.lose("record was cut when it was exported: ConvertTo-Json needs a greater -Depth: %q", shorten(json))
		return nil
	}
	w.lose("not a record: %q", shorten(json))
	return nil
}

// shorten is the start of a text, for a message.
func shorten(b []byte) []byte { return b[:min(len(b), 40)] }

// text decodes a JSON string that holds JSON.
func (d *Decoder) text(w *wrapped, lit []byte) error {
	if e, v := scanString(lit, 1); v != whole || skipBlank(lit, e) < len(lit) {
		if v == whole { // something follows the string
			return d.several(w, lit)
		}
		w.lose("record is cut off inside a string")
		return nil
	}
	in, ok := w.deeper()
	if !ok {
		return nil
	}
	buf := &d.bufs[w.level]
	*buf = appendUnquoted((*buf)[:0], lit)
	return d.value(in, *buf)
}

// several decodes a list, a page, or values that follow one another.
func (d *Decoder) several(w *wrapped, json []byte) error {
	in, ok := w.deeper()
	if !ok {
		return nil
	}
	o := w.raw.Origin
	c := &jsonCutter{place: place{file: o.File, line: o.Line, offset: o.Offset, fixed: w.level > 0 || w.raw.row.cell}, midLine: true}
	b := newBatch(0)
	defer b.Release()
	c.cut(b, json, end)
	for _, x := range b.Rejects {
		w.reject(x)
	}
	for _, x := range b.Warnings {
		w.reject(Reject{o, x.Text})
	}
	if len(b.Records) == 1 && len(b.Records[0].JSON) == len(json) {
		w.lose("not a record: %q", shorten(json))
		return nil
	}
	for _, x := range b.Records {
		in.raw.JSON, in.raw.Origin = x.JSON, x.Origin
		if err := d.value(in, x.JSON); err != nil {
			return err
		}
	}
	return nil
}

// object decodes an object: a record that lacks something, or a wrapper.
func (d *Decoder) object(w *wrapped, json []byte) error {
	if err := d.rec.Parse(json); err != nil {
		return d.unparsed(w, json, err)
	}
	if d.native() {
		return d.done(w)
	}
	if _, _, v := pageHead(json, 0); v == whole {
		return d.several(w, json)
	}
	m := d.index(w.level, json)
	if handled, err := d.wrapper(w, m); handled || err != nil {
		return err
	}
	return d.repair(w, m)
}

// unparsed deals with what is not one object: it may be several in a row, or a record may follow one that is cut.
func (d *Decoder) unparsed(w *wrapped, json []byte, err error) error {
	e, v := scanValue(json, 0)
	if v == broken || v == partial || v == whole && skipBlank(json, e) < len(json) {
		return d.several(w, json)
	}
	if v == deep {
		w.lose(tooDeep)
		return nil
	}
	var syntax *record.SyntaxError
	if errors.As(err, &syntax) {
		w.lose("record is not JSON: byte %d: %s", syntax.Offset, syntax.Reason)
		return nil
	}
	w.lose("record is not JSON: %v", err)
	return nil
}

// done emits the record that was parsed last.
func (d *Decoder) done(w *wrapped) error {
	return w.emit(&d.rec, w.raw.Origin)
}

// rewritten parses the object that was built at w's level and emits it.
func (d *Decoder) rewritten(w *wrapped, o *objectBuilder) error {
	d.bufs[w.level] = o.end()
	if err := d.rec.Parse(d.bufs[w.level]); err != nil {
		w.lose("record could not be unwrapped: %v", err)
		return nil
	}
	if _, ok := d.rec.Time(); !ok {
		w.lose("%s", timeFault(d.rec.Value(record.FCreationTime)))
		return nil
	}
	if d.rec.Text(record.FOperation) == "" {
		w.lose("record has no Operation")
		return nil
	}
	return d.done(w)
}

func timeFault(v []byte) string {
	if len(v) == 0 || string(v) == "null" {
		return "record has no CreationTime"
	}
	return fmt.Sprintf("CreationTime is no time: %q", shorten(v))
}
