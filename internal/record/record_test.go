package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// parse is a record for a test.
func parse(t testing.TB, raw string) *Record {
	t.Helper()
	r := new(Record)
	if err := r.Parse([]byte(raw)); err != nil {
		t.Fatalf("parse %.200s: %v", raw, err)
	}
	return r
}

// from is a record of Go values.
func from(t testing.TB, v any) *Record {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, string(raw))
}

type m = map[string]any

func TestParseFaults(t *testing.T) {
	deep := func(n int) string { return strings.Repeat(`{"a":`, n-1) + `{}` + strings.Repeat(`}`, n-1) }
	for _, c := range []struct {
		name, in, reason string
		offset           int
	}{
		{"empty", ``, "the record ends early: a JSON object expected", 0},
		{"list", ` [1]`, "a JSON object expected", 1},
		{"cut", `{"Id":"x"`, "the record ends early: comma or closing brace expected", 9},
		{"cut in text", `{"Id":"x`, "the record ends early: closing quote expected", 8},
		{"two", `{} {}`, "something follows the record", 3},
		{"trailing comma", `{"Id":1,}`, "member name expected", 8},
		{"no colon", `{"Id" 1}`, "colon expected", 6},
		{"leading zero", `{"Id":01}`, "comma or closing brace expected", 7},
		{"bare minus", `{"Id":-}`, "digit expected", 7},
		{"bad word", `{"Id":nil}`, "value expected", 6},
		{"bad escape", `{"Id":"\x"}`, "invalid escape in a string", 7},
		{"bad unicode escape", `{"Id":"\u12g4"}`, "invalid escape in a string", 7},
		{"control character", "{\"Id\":\"a\nb\"}", "control character in a string", 8},
		{"mixed brackets", `{"Id":[1}}`, "comma or closing bracket expected", 8},
		{"nested trailing comma", `{"Id":[1,]}`, "value expected", 9},
		{"one level too deep", deep(MaxDepth + 1), "nested too deep", 5 * MaxDepth},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r Record
			err := r.Parse([]byte(c.in))
			var syntax *SyntaxError
			if !errors.As(err, &syntax) || syntax.Reason != c.reason || syntax.Offset != c.offset {
				t.Fatalf("got %v, want byte %d: %s", err, c.offset, c.reason)
			}
			if r.Has(FId) || r.Raw() != nil {
				t.Error("something is left of a record that is none")
			}
		})
	}
	if err := new(Record).Parse([]byte(deep(MaxDepth))); err != nil {
		t.Errorf("depth %d: %v", MaxDepth, err)
	}
	if err := new(Record).Parse(bytes.Repeat([]byte(" "), MaxSize+1)); err == nil || !strings.Contains(err.Error(), "16 MiB") {
		t.Errorf("too long: %v", err)
	}
	full := []byte(`{"Id":"` + strings.Repeat("x", MaxSize-9) + `"}`)
	if err := new(Record).Parse(full); err != nil {
		t.Errorf("exactly %d bytes: %v", len(full), err)
	}
}

func TestReadingIsTolerant(t *testing.T) {
	r := parse(t, ` {"Id":"a","Id":"b","Op\u0065ration":"New\u002dInboxRule","RecordType":"15","Version":"1e2",
		"ExternalAccess":"True","FileSize":"1e9","recipientList":"[\"a@x.example\",\"\"]","ExchangeLocations":"one",
		"ClientIP":null,"UserId":"\ud83d\ude00\ud800\/`+"\xff"+`","Site":12.50,"SiteUrl":[1, {"b":2,"a":[]}],"Scope":true,
		"Unheard":{"Of":1},"Item":"{\"Subject\":\"hi\",\"ParentFolder\":{\"Path\":\"\\\\Inbox\"}}"} `)
	for _, c := range []struct {
		name      string
		got, want any
	}{
		{"last of a name", r.Text(FId), "b"},
		{"escaped name", r.Text(FOperation), "New-InboxRule"},
		{"number as text", r.Int(FRecordType), int64(15)},
		{"exponent as text", r.Int(FVersion), int64(100)},
		{"bool as text", r.Bool(FExternalAccess), true},
		{"double as text", r.Double(FFileSize), 1e9},
		{"list as text", r.Texts(FRecipientList), []string{"a@x.example"}},
		{"text as list", r.Texts(FExchangeLocations), []string{"one"}},
		{"null has no text", r.Text(FClientIP), ""},
		{"null is absent", r.Has(FClientIP), false},
		{"surrogates and bad bytes", r.Text(FUserId), "😀\uFFFD/\uFFFD"},
		{"number as written", r.Text(FSite), "12.50"},
		{"list as canonical JSON", r.Text(FSiteUrl), `[1,{"a":[],"b":2}]`},
		{"bool as Microsoft writes it", r.Text(FScope), "True"},
		{"absent", r.Text(FWorkload), ""},
		{"unknown field", string(r.Unknown("Unheard")), `{"Of":1}`},
		{"unknown absent", r.Unknown("Of"), []byte(nil)},
		{"object in text", r.Object(FItem).Text("Subject"), "hi"},
		{"nested object", r.Object(FItem).Object("ParentFolder").Text("Path"), `\Inbox`},
		{"whole", r.All().Has("Unheard"), true},
	} {
		if !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("%s: got %#v, want %#v", c.name, c.got, c.want)
		}
	}
}

func TestParseForgetsTheRecordBefore(t *testing.T) {
	r := parse(t, `{"Id":"1","UserId":"A@x.example","ClientIP":"192.0.2.1","Parameters":[{"Name":"ForwardTo","Value":"a@b.example"}],
		"Operation":"New-InboxRule","CreationTime":"2026-01-01","ModifiedProperties":[{"Name":"x","NewValue":"y"}]}`)
	r.MarkTruncated()
	_, _, _, _, _, _ = r.User(), r.IP(), r.Rule(), r.Forwards(), r.Modifications(), r.NameValues(FParameters)
	id, content := r.Identity(), r.Content()
	if err := r.Parse([]byte(`{}`)); err != nil {
		t.Fatal(err)
	}
	_, timed := r.Time()
	if r.User() != "" || r.IP().IsValid() || r.Rule().Added || r.Forwards() != nil || r.Modifications() != nil || timed ||
		r.NameValues(FParameters) != nil || r.OperationKey() != "" || r.Truncated() || r.Text(FId) != "" {
		t.Error("something of the record before is left")
	}
	if r.Identity() == id || r.Content() == content {
		t.Error("digests of the record before are left")
	}
}

func TestEpochsComeRound(t *testing.T) {
	r := parse(t, `{"Id":"old"}`)
	r.epoch = ^uint32(0)
	if err := r.Parse([]byte(`{}`)); err != nil {
		t.Fatal(err)
	}
	if r.Has(FId) || r.Text(FId) != "" {
		t.Error("a stamp of four thousand million records ago counts")
	}
}

func TestFieldTable(t *testing.T) {
	for _, f := range Fields() {
		if f.Name() == "" {
			t.Errorf("field %d has no name", f)
		}
		if found, ok := Lookup(f.Name()); !ok || found != f {
			t.Errorf("%s is found as %v", f.Name(), found)
		}
		if nested := f.Type() == TypeObject || f.Type() == TypeObjects; nested != (LookupObject(f.Object()) != nil) {
			t.Errorf("%s: type %d, object %q", f.Name(), f.Type(), f.Object())
		}
	}
	for _, o := range ObjectTypes() {
		for _, m := range o.Members {
			if nested := m.Type == TypeObject || m.Type == TypeObjects; nested != (LookupObject(m.Object) != nil) {
				t.Errorf("%s.%s: type %d, object %q", o.Name, m.Name, m.Type, m.Object)
			}
		}
	}
	for _, name := range []string{"", "x", "Operatio", "Operation ", "operation", strings.Repeat("y", 300)} {
		if f, ok := Lookup(name); ok {
			t.Errorf("%q is found as %s", name, f.Name())
		}
	}
	if numFields.Name() != "" || Field(60000).Type() != TypeAny || new(Record).Value(60000) != nil {
		t.Error("a field beyond the table is something")
	}
}

// jsonValue draws any JSON value as Go's decoder gives it.
func jsonValue(depth int) *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		kinds := 6
		if depth == 0 {
			kinds = 4
		}
		switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
		case 0:
			return rapid.String().Draw(t, "text")
		case 1:
			return rapid.Bool().Draw(t, "bool")
		case 2:
			return float64(rapid.IntRange(-1000, 1000).Draw(t, "number"))
		case 3:
			return nil
		case 4:
			return rapid.SliceOfN(jsonValue(depth-1), 0, 4).Draw(t, "list")
		}
		out := map[string]any{}
		for k, v := range rapid.MapOfN(memberName(), jsonValue(depth-1), 0, 5).Draw(t, "object") {
			out[k] = v
		}
		return out
	})
}

func memberName() *rapid.Generator[string] {
	return rapid.OneOf(rapid.SampledFrom([]string{"Id", "Operation", "UserId", "Name", "Value", "Parameters", "Item", "é\"\\"}),
		rapid.StringN(0, 12, -1))
}

// writeJSON writes v in one of the many ways of JSON: members in any order, blanks anywhere, any escapes.
func writeJSON(t *rapid.T, b *bytes.Buffer, v any) {
	blank := func() { b.WriteString(rapid.SampledFrom([]string{"", "", "", " ", "\n\t", "\r\n"}).Draw(t, "blank")) }
	blank()
	switch v := v.(type) {
	case string:
		writeText(t, b, v)
	case []any:
		b.WriteByte('[')
		for i, e := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			writeJSON(t, b, e)
		}
		blank()
		b.WriteByte(']')
	case map[string]any:
		names := make([]string, 0, len(v))
		for n := range v {
			names = append(names, n)
		}
		b.WriteByte('{')
		for i, n := range rapid.Permutation(sorted(names)).Draw(t, "order") {
			if i > 0 {
				b.WriteByte(',')
			}
			blank()
			writeText(t, b, n)
			blank()
			b.WriteByte(':')
			writeJSON(t, b, v[n])
		}
		blank()
		b.WriteByte('}')
	default:
		raw, _ := json.Marshal(v)
		b.Write(raw)
	}
	blank()
}

func writeText(t *rapid.T, b *bytes.Buffer, s string) {
	style := rapid.IntRange(0, 2).Draw(t, "escapes")
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case style == 2 && r < 0x10000:
			fmt.Fprintf(b, `\u%04x`, r)
		case style == 1 && r == '/':
			b.WriteString(`\/`)
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ':
			fmt.Fprintf(b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
}

func TestValuesAgreeWithEncodingJSON(t *testing.T) {
	r := new(Record)
	rapid.Check(t, func(t *rapid.T) {
		want := map[string]any{}
		for k, v := range rapid.MapOfN(memberName(), jsonValue(3), 0, 8).Draw(t, "record") {
			want[k] = v
		}
		var b bytes.Buffer
		writeJSON(t, &b, want)
		if err := r.Parse(b.Bytes()); err != nil {
			t.Fatalf("%s: %v", b.Bytes(), err)
		}
		agree(t, r, b.Bytes())
	})
}

// agree compares what r reads with what encoding/json reads of the same bytes.
func agree(t interface{ Fatalf(string, ...any) }, r *Record, raw []byte) {
	read, err := reference(raw)
	want, ok := read.(map[string]any)
	if err != nil || !ok {
		t.Fatalf("encoding/json: %v", err)
	}
	got := map[string]any{}
	for name, v := range r.All().Members() {
		got[name] = decoded(v)
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%s:\n got %#v\nwant %#v", raw, got, want)
	}
	for _, f := range Fields() {
		v, ok := want[f.Name()]
		if present := r.Value(f) != nil; present != ok {
			t.Fatalf("%s: %s there %v, want %v", raw, f.Name(), present, ok)
		}
		if s, isText := v.(string); isText && f != FItemType && r.Text(f) != s {
			t.Fatalf("%s: %s is %q, want %q", raw, f.Name(), r.Text(f), s)
		}
		if ok && !reflect.DeepEqual(decoded(r.Value(f)), v) {
			t.Fatalf("%s: value of %s", raw, f.Name())
		}
	}
	if size, digest := digestModel(raw); r.Variant().Size != size || r.digest != digest {
		t.Fatalf("%s: digest %x of %d bytes, want %x of %d", raw, r.digest, r.Variant().Size, digest, size)
	}
	canonical := appendCanonical(nil, raw)
	if again, err := reference(canonical); err != nil || !reflect.DeepEqual(again, any(want)) {
		t.Fatalf("%s: canonical form %s means something else (%v)", raw, canonical, err)
	}
}

// decoded reads raw as encoding/json does, through this package's own walk.
func decoded(raw []byte) any {
	switch KindOf(raw) {
	case '{':
		out := map[string]any{}
		for n, v := range ObjectOf(raw).Members() {
			out[n] = decoded(v)
		}
		return out
	case '[':
		out := []any{}
		for e := range Elements(raw) {
			out = append(out, decoded(e))
		}
		return out
	case '"':
		return TextOf(raw)
	}
	v, _ := reference(raw)
	return v
}

// reference is what encoding/json reads; numbers as they are written, since a valid one may be too large for a float.
func reference(raw []byte) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	err = d.Decode(&v)
	return v, err
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{`{}`, `{"Id":"a\u00e9\ud83d\ude00","Id":[1,{"a":null}],"x":-1.5e+3}`, `{"a":"\`, `{"a":{"b":[`,
		"{\"a\":\"\xff\"}", ` {"Parameters":"[{\"Name\":\"a\",\"Value\":1}]"} `, `[1]`, `{"a":1}{}`, `{"CreationTime":"2026-13-01"}`} {
		f.Add([]byte(s))
	}
	r := new(Record)
	f.Fuzz(func(t *testing.T, raw []byte) {
		before := bytes.Clone(raw)
		err := r.Parse(raw)
		if !bytes.Equal(raw, before) {
			t.Fatal("the raw bytes changed")
		}
		isObject := bytes.HasPrefix(bytes.TrimLeft(raw, " \t\r\n"), []byte("{"))
		if want := json.Valid(raw) && isObject && nesting(raw) <= MaxDepth; want != (err == nil) {
			t.Fatalf("%q: %v, but valid is %v", raw, err, want)
		}
		if err != nil {
			return
		}
		agree(t, r, raw)
		everything(r)
	})
}

// nesting is how deep valid JSON is nested, told the slow way.
func nesting(raw []byte) int {
	dec, depth, most := json.NewDecoder(bytes.NewReader(raw)), 0, 0
	for {
		switch tok, err := dec.Token(); tok {
		case json.Delim('{'), json.Delim('['):
			depth++
			most = max(most, depth)
		case json.Delim('}'), json.Delim(']'):
			depth--
		default:
			if err != nil {
				return most
			}
		}
	}
}

// everything calls all that reads a record.
func everything(r *Record) []any {
	us, ok := r.Time()
	all := []any{us, ok, r.OperationKey(), r.RecordTypeNumber(), r.Workload(), r.User(), r.System(), r.Guest(), r.Anonymous(),
		r.Application(), r.UserTypeName(), r.App(), r.Session(), r.Agent(), r.IP(), r.Mailbox(), r.Owner(), r.Target(), r.Items(),
		r.Subjects(), r.Recipients(), r.Scopes(), r.Failed(), r.Forwards(), r.Rule(), r.Modifications(),
		r.Param("Name"), r.Params("Name"), r.Ext("UserAgent"), r.Property("RuleName"), r.Device("OS"), r.Modified("x"),
		r.Identity(), r.Content(), r.Variant(), r.Truncated()}
	for _, f := range Fields() {
		us, ok := r.Timestamp(f)
		all = append(all, r.Text(f), r.Int(f), r.Bool(f), r.Double(f), us, ok, r.Texts(f), r.NameValues(f), len(r.Objects(f)))
	}
	return all
}

// TestErrorCodeIsErrorNumber holds that the documented name of the sign-in error reads like the one on the wire.
func TestErrorCodeIsErrorNumber(t *testing.T) {
	for raw, want := range map[string]string{
		`{"ErrorCode":"50126"}`: "50126", `{"ErrorCode":"1","ErrorNumber":"2"}`: "2", `{"ErrorNumber":"2","ErrorCode":"1"}`: "2", `{}`: "",
	} {
		if r := parse(t, raw); r.Text(FErrorNumber) != want || r.Has(FErrorNumber) != (want != "") {
			t.Errorf("%s: %q", raw, r.Text(FErrorNumber))
		}
	}
}
