package source

import (
	"bytes"
	order "cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"detect/internal/record"
	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// samples are records of several workloads, one JSON object each, with what makes reading hard: quotes, commas, line breaks
// written as escapes, text beyond ASCII.
var samples = func() []string {
	all := []string{
		`{"CreationTime":"2026-03-02T09:11:00","Id":"00000000-0000-4000-8000-000000000001","Operation":"New-InboxRule","OrganizationId":"11111111-2222-3333-4444-555555555555","RecordType":1,"UserKey":"1003200000000001","UserType":2,"Version":1,"Workload":"Exchange","UserId":"Ann@contoso.example","ResultStatus":"True","ClientIP":"203.0.113.7:52378","ObjectId":"ann\\ ","OriginatingServer":"X (15.20.0.1)\r\n","Parameters":[{"Name":"Name","Value":""},{"Name":"ForwardTo","Value":"boss@contoso.example;smtp:drop@evil.example"},{"Name":"DeleteMessage","Value":"True"}]}`,
		`{"CreationTime":"2026-03-02T09:15:00","Id":"00000000-0000-4000-8000-000000000005","Operation":"UserLoginFailed","OrganizationId":"11111111-2222-3333-4444-555555555555","RecordType":15,"UserKey":"1003200000000001","UserType":0,"Workload":"AzureActiveDirectory","UserId":"ann@contoso.example","ResultStatus":"Success","ClientIP":"198.51.100.9","ErrorNumber":"50126","LogonError":"InvalidUserNameOrPassword","ExtendedProperties":[{"Name":"UserAgent","Value":"BAV2ROPC"},{"Name":"RequestType","Value":"OAuth2:Token"}]}`,
		`{"CreationTime":"2026-03-02T09:12:00","Id":"00000000-0000-4000-8000-000000000012","Operation":"AnonymousLinkCreated","OrganizationId":"11111111-2222-3333-4444-555555555555","RecordType":14,"UserType":0,"Workload":"OneDrive","UserId":"ann@contoso.example","ClientIP":"203.0.113.7","ObjectId":"https://contoso-my.sharepoint.com/personal/ann/Documents/Müller, \"Plan\" 計画 😀.docx","ItemType":"File","EventData":"<Type>Edit</Type>","SourceFileName":"Müller, \"Plan\" 計画 😀.docx"}`,
		`{"CreationTime":"2026-03-02T09:17:00","Id":"00000000-0000-4000-8000-000000000007","Operation":"MailItemsAccessed","OrganizationId":"11111111-2222-3333-4444-555555555555","RecordType":50,"UserType":0,"Workload":"Exchange","UserId":"ann@contoso.example","ClientIPAddress":"2001:db8::7","OperationProperties":[{"Name":"MailAccessType","Value":"Bind"}],"Folders":[{"Id":"LgAAA","Path":"\\Inbox","FolderItems":[{"InternetMessageId":"<a@contoso.example>"}]}],"Empty":{},"None":[],"Null":null}`,
	}
	return all
}()

// outcome is what came of reading.
type outcome struct {
	records  []string // identity and canonical content of each, in order
	origins  []Origin
	flags    []bool // truncated
	rejects  []Reject
	warnings []Warning
}

// read reads files and decodes what they hold.
func read(t testing.TB, f *Files) outcome {
	t.Helper()
	var got outcome
	var d Decoder
	err := f.Run(context.Background(), func(b *Batch) error {
		defer b.Release()
		got.warnings = append(got.warnings, b.Warnings...)
		got.rejects = append(got.rejects, b.Rejects...)
		for _, raw := range b.Records {
			if err := d.Decode(raw, func(r *record.Record, o Origin) error {
				got.records = append(got.records, summary(r))
				got.origins = append(got.origins, o)
				got.flags = append(got.flags, r.Truncated())
				return nil
			}, func(r Reject) { got.rejects = append(got.rejects, r) }); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.SortStableFunc(got.rejects, func(a, b Reject) int { // reader and decoder tell theirs at different times
		return order.Or(order.Compare(a.File, b.File), order.Compare(a.Offset, b.Offset), strings.Compare(a.Reason, b.Reason))
	})
	return got
}

// summary shows a record's identity and content such that copies in any form are equal.
func summary(r *record.Record) string {
	id := r.Identity()
	return fmt.Sprintf("%x %x %s", id[:], r.Content(), r.Text(record.FId))
}

// readBytes reads content as a file, and as standard input.
func readBytes(t testing.TB, content []byte) outcome {
	t.Helper()
	name := filepath.Join(t.TempDir(), "export")
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	file := read(t, &Files{Paths: []string{name}})
	for i := range file.origins {
		file.origins[i].File = "-"
	}
	for i := range file.rejects {
		file.rejects[i].File = "-"
	}
	for i := range file.warnings {
		file.warnings[i].File = "-"
	}
	stdin := read(t, &Files{Paths: []string{"-"}, Stdin: bytes.NewReader(content), BlockSize: 4096})
	if diff := cmp.Diff(file, stdin, cmp.AllowUnexported(outcome{})); diff != "" {
		t.Errorf("a file and standard input differ (-file +stdin):\n%s", diff)
	}
	return file
}

// native is what the samples are when they are read as they are.
func native(t testing.TB) []string {
	t.Helper()
	var all []string
	for _, s := range samples {
		var r record.Record
		if err := r.Parse([]byte(s)); err != nil {
			t.Fatal(err)
		}
		all = append(all, summary(&r))
	}
	return all
}

func quote(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

// field is a text member of a sample.
func field(s, name string) string {
	var m map[string]any
	if err := json.Unmarshal([]byte(s), &m); err != nil {
		panic(err)
	}
	v, _ := m[name].(string)
	return v
}

func indent(s string) string {
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(s), "", "  "); err != nil {
		panic(err)
	}
	return b.String()
}

func each(f func(i int, s string) string, sep string) string {
	var all []string
	for i, s := range samples {
		all = append(all, f(i, s))
	}
	return strings.Join(all, sep)
}

func table(header []string, delim rune, crlf bool, row func(s string) []string) string {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.Comma, w.UseCRLF = delim, crlf
	_ = w.Write(header)
	for _, s := range samples {
		_ = w.Write(row(s))
	}
	w.Flush()
	return b.String()
}

// quotedTable quotes every cell, as Export-Csv does.
func quotedTable(header []string, row func(s string) []string) string {
	var b strings.Builder
	line := func(cells []string) {
		for i, c := range cells {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(`"` + strings.ReplaceAll(c, `"`, `""`) + `"`)
		}
		b.WriteString("\r\n")
	}
	line(header)
	for _, s := range samples {
		line(row(s))
	}
	return b.String()
}

func utf16Bytes(s string, big, mark bool) []byte {
	var out []byte
	units := utf16.Encode([]rune(s))
	if mark {
		units = append([]uint16{0xfeff}, units...)
	}
	for _, u := range units {
		if big {
			out = append(out, byte(u>>8), byte(u))
		} else {
			out = append(out, byte(u), byte(u>>8))
		}
	}
	return out
}

func gzipped(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(b)
	_ = w.Close()
	return out.Bytes()
}

func zstded(b []byte) []byte {
	w, _ := zstd.NewWriter(nil)
	return w.EncodeAll(b, nil)
}

func same(_ int, s string) string { return s }

// forms are the samples in every form in which records are exported.
func forms() map[string]string {
	lines := each(same, "\n") + "\n"
	array := "[" + each(same, ",") + "]"
	powershell := func(s string) []string {
		return []string{"ExchangeAdmin", "3/2/2026 9:11:00 AM", field(s, "UserId"), field(s, "Operation"), s, "1", "4", field(s, "Id"), "True", "Unchanged"}
	}
	psHeader := []string{"RecordType", "CreationDate", "UserIds", "Operations", "AuditData", "ResultIndex", "ResultCount", "Identity", "IsValid", "ObjectState"}
	portal := func(s string) []string {
		return []string{field(s, "Id"), "2026-03-02T09:11:00.0000000Z", "1", field(s, "Operation"), field(s, "UserId"), s, "", ""}
	}
	portalHeader := []string{"RecordId", "CreationDate", "RecordType", "Operation", "UserId", "AuditData", "AssociatedAdminUnits", "AssociatedAdminUnitsNames"}
	wrapper := func(audit func(s string) string) func(int, string) string {
		return func(i int, s string) string {
			return fmt.Sprintf(`{"RecordType":"ExchangeAdmin","CreationDate":"\/Date(1772442660000)\/","UserIds":%s,"Operations":%s,"AuditData":%s,"ResultIndex":%d,"Identity":%s,"IsValid":true}`,
				quote(field(s, "UserId")), quote(field(s, "Operation")), audit(s), i, quote(field(s, "Id")))
		}
	}
	graph := func(_ int, s string) string {
		return fmt.Sprintf(`{"id":%s,"createdDateTime":"2026-03-02T09:11:00Z","auditLogRecordType":"exchangeAdmin","operation":%s,"userPrincipalName":%s,"auditData":%s}`,
			quote(field(s, "Id")), quote(field(s, "Operation")), quote(field(s, "UserId")), `{"@odata.type":"#x"}`)
	}
	_ = graph
	return map[string]string{
		"lines":                            lines,
		"lines without the last break":     each(same, "\n"),
		"lines with CRLF and blanks":       "\r\n" + each(same, "\r\n\r\n \r\n") + "\r\n",
		"array on one line":                array,
		"array of lines":                   "[\n" + each(same, ",\n") + "\n]\n",
		"array of lines, commas in front":  "[\n" + each(same, "\n,") + "\n]\n",
		"pretty array":                     indent(array),
		"pretty objects":                   each(func(_ int, s string) string { return indent(s) }, "\n\n"),
		"objects without anything between": each(same, ""),
		"objects with commas":              each(same, ",\n"),
		"an array a line":                  each(func(_ int, s string) string { return "[" + s + "]" }, "\n"),
		"arrays one after the other":       each(func(_ int, s string) string { return "\n\n" + indent("["+s+"]") + "\r\n" }, "\n"),
		"arrays without anything between":  each(func(_ int, s string) string { return "[" + s + "]" }, ""),
		"arrays in an array":               "[" + each(func(_ int, s string) string { return "[" + s + "]" }, ",") + "]",
		"mixed":                            samples[0] + "\n" + indent(samples[1]) + "\n[" + samples[2] + "]\n" + quote(samples[3]) + "\n",
		"BOM":                              "\ufeff" + lines,
		"BOMs of files put together":       each(func(_ int, s string) string { return "\ufeff" + s + "\n" }, ""),
		"wrapper, AuditData parsed":        "[" + each(wrapper(func(s string) string { return s }), ",\n") + "]",
		"wrapper, AuditData as text":       indent("[" + each(wrapper(quote), ",\n") + "]"),
		"wrapper, AuditData twice encoded": each(wrapper(func(s string) string { return quote(quote(s)) }), "\n"),
		"a string holding an array":        quote(indent(array)),
		"a string holding lines":           quote(strings.ReplaceAll(lines, "\n", "\r\n")),
		"a string in a string":             quote(quote(array)),
		"strings in lines":                 each(func(_ int, s string) string { return quote(s) }, "\n"),
		"strings in an array":              "[" + each(func(_ int, s string) string { return quote(s) }, ",") + "]",
		"page":                             `{"@odata.context":"https://graph.microsoft.com/x","@odata.count":4,"value":[` + array[1:len(array)-1] + `],"@odata.nextLink":"https://x"}`,
		"pretty page":                      indent(`{"@odata.context":"https://graph.microsoft.com/x","value":` + array + `}`),
		"pages in lines":                   each(func(_ int, s string) string { return `{"value":[` + s + `]}` }, "\n"),
		"graph records":                    `{"value":[` + each(func(i int, s string) string { return strings.Replace(graph(i, s), `{"@odata.type":"#x"}`, s, 1) }, ",") + "]}",
		"portal CSV":                       table(portalHeader, ',', true, portal),
		"portal CSV, minimal quotes, BOM":  "\ufeff" + table(portalHeader, ',', false, portal),
		"old portal CSV":                   table([]string{"CreationDate", "UserIds", "Operations", "AuditData"}, ',', true, func(s string) []string { return powershell(s)[1:5] }),
		"PowerShell CSV":                   quotedTable(psHeader, powershell),
		"portal CSV, CR alone":             strings.ReplaceAll(table(portalHeader, ',', false, portal), "\n", "\r"),
		"PowerShell CSV, CR alone":         "sep=,\r" + strings.ReplaceAll(quotedTable(psHeader, powershell), "\r\n", "\r"),
		"portal CSV, CR CR LF":             strings.ReplaceAll(table(portalHeader, ',', true, portal), "\r\n", "\r\r\n"),
		"PowerShell CSV with type line": "#TYPE Deserialized.Microsoft.Exchange.Data.ApplicationLogic.UnifiedAuditLogEvent\r\n" + quotedTable(append([]string{"PSComputerName", "RunspaceId", "PSShowComputerName"}, psHeader...), func(s string) []string {
			return append([]string{"outlook.office365.com", "x", "False"}, powershell(s)...)
		}),
		"culture CSV":                    table(psHeader, ';', true, powershell),
		"tab separated":                  table(psHeader, '\t', true, powershell),
		"Excel's separator line":         "sep=;\r\n" + table(psHeader, ';', true, powershell),
		"pretty AuditData in CSV":        quotedTable(psHeader, func(s string) []string { c := powershell(s); c[4] = indent(s); return c }),
		"twice encoded AuditData in CSV": quotedTable(psHeader, func(s string) []string { c := powershell(s); c[4] = quote(s); return c }),
		"headers in any case and order":  table([]string{"_time", "date_hour", "auditdata", " OPERATIONS ", "punct"}, ',', false, func(s string) []string { return []string{"1772442660", "9", s, "x", "a\nb,\"c\""} }),
		"AuditData alone":                quotedTable([]string{"AuditData"}, func(s string) []string { return []string{s} }),
		"CSVs put together":              quotedTable(psHeader, powershell)[:0] + halves(quotedTable(psHeader, powershell), 2),
		"Splunk CSV":                     table([]string{"_raw", "_time", "host", "source"}, ',', false, func(s string) []string { return []string{s, "2026-03-02T09:11:00.000+0000", "h", "s"} }),
		"Splunk JSON": each(func(_ int, s string) string {
			return `{"preview":false,"offset":0,"result":{"_raw":` + quote(s) + `,"_time":"2026-03-02 09:11:00.000 UTC","Operation":"x","CreationTime":"2020-01-01T00:00:00"}}`
		}, "\n"),
		"Splunk results": `{"preview":false,"init_offset":0,"results":[` + each(func(_ int, s string) string {
			return `{"_bkt":"x","_raw":` + quote(s) + `,"Operation":"x","CreationTime":"2020-01-01T00:00:00"}`
		}, ",") + `]}`,
		"Splunk HEC": each(func(_ int, s string) string { return `{"time":1772442660,"host":"h","event":` + s + `}` }, ""),
		"Elastic original": each(func(_ int, s string) string {
			return `{"@timestamp":"2026-03-02T09:11:00.000Z","event":{"original":` + quote(s) + `,"action":"x"},"o365":{"audit":{"Operation":"wrong"}}}`
		}, "\n"),
		"Elastic original, dotted": each(func(_ int, s string) string { return `{"event.original":` + quote(s) + `}` }, "\n"),
		"Elastic audit": each(func(_ int, s string) string {
			return `{"@timestamp":"2026-03-02T09:11:00.000Z","event":{"action":"x"},"o365":{"audit":` + s + `}}`
		}, "\n"),
		"Elastic search answer": `{"took":3,"timed_out":false,"_shards":{"total":1},"hits":{"total":{"value":4},"max_score":1.0,"hits":[` + each(func(_ int, s string) string { return `{"_index":"x","_id":"1","_source":{"o365":{"audit":` + s + `}}}` }, ",") + `]}}`,
		"shipper's message": each(func(_ int, s string) string {
			return `{"@timestamp":"2026-03-02T09:11:00.000Z","message":` + quote(s) + `}`
		}, "\n"),
	}
}

// halves puts a CSV file together of n parts, each with its own header.
func halves(text string, n int) string {
	lines := strings.SplitAfter(text, "\r\n")
	header, rows := lines[0], lines[1:]
	var b strings.Builder
	for i := range n {
		b.WriteString(header)
		b.WriteString(strings.Join(rows[i*len(rows)/n:(i+1)*len(rows)/n], ""))
	}
	return b.String()
}

func TestFormsGiveTheSameRecords(t *testing.T) {
	want := native(t)
	for name, text := range forms() {
		t.Run(name, func(t *testing.T) {
			got := readBytes(t, []byte(text))
			if len(got.rejects) > 0 || len(got.warnings) > 0 {
				t.Errorf("rejects %v, warnings %v", got.rejects, got.warnings)
			}
			if diff := cmp.Diff(want, got.records); diff != "" {
				t.Errorf("records (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEncodingsAndCompressions(t *testing.T) {
	want := native(t)
	for name, text := range forms() {
		if strings.Contains(name, "BOM") {
			continue
		}
		for coding, content := range map[string][]byte{
			"UTF-16LE with BOM":    utf16Bytes(text, false, true),
			"UTF-16BE with BOM":    utf16Bytes(text, true, true),
			"UTF-16LE without BOM": utf16Bytes(text, false, false),
			"UTF-16BE without BOM": utf16Bytes(text, true, false),
			"gzip":                 gzipped([]byte(text)),
			"zstd":                 zstded([]byte(text)),
			"gzip of UTF-16":       gzipped(utf16Bytes(text, false, true)),
			"gzip in zstd":         zstded(gzipped([]byte(text))),
		} {
			got := readBytes(t, content)
			if len(got.rejects) > 0 || len(got.warnings) > 0 || !slices.Equal(want, got.records) {
				t.Errorf("%s as %s: rejects %v, warnings %v, %d records", name, coding, got.rejects, got.warnings, len(got.records))
			}
		}
	}
}
