package source

import (
	"fmt"
	"strings"
	"testing"

	"detect/internal/record"
	"github.com/google/go-cmp/cmp"
)

// lost reads a text and tells what was lost as "line:offset reason", and how many records came.
func lost(t *testing.T, text string) (rejects []string, records int) {
	t.Helper()
	got := readBytes(t, []byte(text))
	for _, r := range got.rejects {
		rejects = append(rejects, fmt.Sprintf("%d:%d %s", r.Line, r.Offset, r.Reason))
	}
	return rejects, len(got.records)
}

func TestRejectsTellTheirPlace(t *testing.T) {
	a, b, c := samples[0], samples[1], samples[2]
	la := len(a) + 1
	header := "CreationDate,UserIds,Operations,AuditData\n"
	cellOf := func(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
	row := func(s string) string { return "x,u,o," + cellOf(s) + "\n" }
	lh, lr := len(header), len(row(a))
	for _, tt := range []struct {
		name    string
		text    string
		rejects []string
		records int
	}{
		{"cut line among lines", a + "\n" + b[:300] + "\n" + c + "\n",
			[]string{fmt.Sprintf("2:%d record is not JSON: its byte 300 does not belong there", la)}, 2},
		{"cut after a colon among lines", a + "\n" + `{"a":` + "\n" + c + "\n" + a + "\n",
			[]string{fmt.Sprintf("2:%d record is not JSON: its byte %d does not belong there", la, 5+1+len(c)+1)}, 3},
		{"cut line glued to the next", a + "\n" + b[:200] + c + "\n" + a + "\n",
			[]string{fmt.Sprintf("2:%d record is not JSON: its byte 202 does not belong there", la)}, 3},
		{"cut tail of lines", a + "\n" + b[:300],
			[]string{fmt.Sprintf("2:%d record is cut off: the input ends inside it", la)}, 1},
		{"cut tail of an array", "[" + a + ",\n" + b[:300],
			[]string{fmt.Sprintf("2:%d record is cut off: the input ends inside it", la+2)}, 1},
		{"cut in the middle of an array", "[" + a + "," + b[:300] + "," + c + "," + a + "]",
			[]string{fmt.Sprintf("1:%d record is not JSON: its byte 303 does not belong there", la+1)}, 3},
		{"bad line", a + "\nhello\n" + b + "\n",
			[]string{fmt.Sprintf("2:%d not a record: \"hello\"", la)}, 2},
		{"several bad lines in a row are told once", a + "\nhello\nworld\n" + b + "\n",
			[]string{fmt.Sprintf("2:%d not a record: \"hello\"", la)}, 2},
		{"scalars in an array", "[" + a + ",null,7," + b + "]",
			[]string{fmt.Sprintf("1:%d not a record: \"null\"", la+1), fmt.Sprintf("1:%d not a record: \"7\"", la+6)}, 2},
		{"no Operation", `{"CreationTime":"2026-03-02T09:11:00","Id":"x"}` + "\n" + a, []string{"1:0 record has no Operation"}, 1},
		{"no time", a + "\n" + `{"Operation":"x","Id":"x"}` + "\n" + b,
			[]string{fmt.Sprintf("2:%d record has no CreationTime", la)}, 2},
		{"no usable time", `{"Operation":"x","CreationTime":"soon"}`, []string{`1:0 CreationTime is no time: "\"soon\""`}, 0},
		{"wrapper with empty AuditData", `[{"Operations":"x","CreationDate":"2026-03-02T09:11:00","AuditData":""},` + a + "]",
			[]string{"1:1 AuditData is empty"}, 1},
		{"wrapper cut by ConvertTo-Json", `{"Operations":"x","AuditData":"@{CreationTime=2026; Id=1}"}`,
			[]string{`1:0 record was cut when it was exported: ConvertTo-Json needs a greater -Depth: "@{CreationTime=2026; Id=1}"`}, 0},
		{"bad record in a page on one line", `{"value":[` + a + `,{"x":1},` + b + "]}",
			[]string{fmt.Sprintf("1:%d record has no CreationTime", 10+la)}, 2},
		{"empty cell", header + row(a) + "x,u,o,\n" + row(b),
			[]string{fmt.Sprintf("3:%d AuditData is empty", lh+lr)}, 2},
		{"short row", header + row(a) + "x,u\n" + row(b),
			[]string{fmt.Sprintf("3:%d row has 2 cells, AuditData is the 4-th", lh+lr)}, 2},
		{"bad JSON in a cell", header + row(`{"a":tru}`) + row(b),
			[]string{fmt.Sprintf("2:%d record is not JSON: byte 5: ", lh)}, 1},
		{"cut cell at the end", header + row(a) + row(b)[:200],
			[]string{fmt.Sprintf("3:%d row is cut off: the input ends inside a quoted cell", lh+lr)}, 1},
		{"cut cell among rows", header + row(a) + row(b)[:200] + "\n" + row(c) + row(a),
			[]string{fmt.Sprintf("3:%d row is damaged: a quoted cell is not closed", lh+lr)}, 3},
		{"line break in another column", header + "\"x\ny\",u,o," + cellOf(a) + "\n" + "x,u,o,\n",
			[]string{fmt.Sprintf("4:%d AuditData is empty", lh+len("\"x\ny\",u,o,")+len(cellOf(a))+1)}, 1},
		{"scalars in lines", a + "\nnull\n 123 \r\n\"x\"\n[]\ntrue\n-1.5e3\n" + b + "\nfalse",
			[]string{fmt.Sprintf("2:%d not a record: \"null\"", la), fmt.Sprintf("3:%d not a record: \"123\"", la+6), fmt.Sprintf("4:%d not a record: \"x\"", la+12),
				fmt.Sprintf("6:%d not a record: \"true\"", la+19), fmt.Sprintf("7:%d not a record: \"-1.5e3\"", la+24), fmt.Sprintf("9:%d not a record: \"false\"", la+31+len(b)+1)}, 2},
		{"empty blobs", "[]\n[]\n[" + a + "]\n[]", nil, 1},
		{"empty cell, CR alone", strings.ReplaceAll(header+row(a)+"x,u,o,\n"+row(b), "\n", "\r"),
			[]string{fmt.Sprintf("3:%d AuditData is empty", lh+lr)}, 2},
		{"cut cell among rows, CR alone", strings.ReplaceAll(header+row(a)+row(b)[:200]+"\n"+row(c)+row(a), "\n", "\r"),
			[]string{fmt.Sprintf("3:%d row is damaged: a quoted cell is not closed", lh+lr)}, 3},
		{"header with CR, rows with CRLF and LF", strings.Replace(header, "\n", "\r", 1) + strings.Replace(row(a), "\n", "\r\n", 1) + "\n" + "x,u,o,\n" + row(b),
			[]string{fmt.Sprintf("4:%d AuditData is empty", lh+lr+2)}, 2},
		{"rows of nothing", header + row(a) + ",,,\n\n" + row(b), nil, 2},
		{"single quote in the cell before", header + `5" disk,u,o,` + cellOf(a) + "\n" + row(b), nil, 2},
		{"bracket missing", "[" + a + ",\n" + b, nil, 2},
		{"nothing", "", nil, 0},
		{"blanks", " \r\n\t\n", nil, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rejects, records := lost(t, tt.text)
			for i := range rejects {
				if i < len(tt.rejects) && strings.HasSuffix(tt.rejects[i], ": ") && strings.HasPrefix(rejects[i], tt.rejects[i]) {
					rejects[i] = tt.rejects[i] // what record says of it is its own affair
				}
			}
			if diff := cmp.Diff(tt.rejects, rejects); diff != "" {
				t.Errorf("rejects (-want +got):\n%s", diff)
			}
			if records != tt.records {
				t.Errorf("%d records, want %d", records, tt.records)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	big := strings.Repeat("x", record.MaxSize)
	giant := `{"CreationTime":"2026-03-02T09:11:00","Operation":"x","Data":"` + big + `"}`
	deepest := `{"CreationTime":"2026-03-02T09:11:00","Operation":"x","Data":` + strings.Repeat("[", 63) + strings.Repeat("]", 63) + "}"
	deeper := `{"CreationTime":"2026-03-02T09:11:00","Operation":"x","Data":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + "}"
	abyss := `{"CreationTime":"2026-03-02T09:11:00","Operation":"x","Data":` + strings.Repeat(`{"a":[`, 1<<20) + strings.Repeat("]}", 1<<20) + "}"
	for name, tt := range map[string]struct {
		bad    string
		reason string
	}{
		"giant":  {giant, "16 MiB"},
		"deeper": {deeper, "64 deep"},
		"abyss":  {abyss, "64 deep"},
	} {
		for form, text := range map[string]string{
			"lines": samples[0] + "\n" + tt.bad + "\n" + samples[1] + "\n",
			"array": "[" + samples[0] + "," + tt.bad + "," + samples[1] + "]",
			"CSV": "AuditData\n" + `"` + strings.ReplaceAll(samples[0], `"`, `""`) + "\"\n" + `"` + strings.ReplaceAll(tt.bad, `"`, `""`) + "\"\n" +
				`"` + strings.ReplaceAll(samples[1], `"`, `""`) + "\"\n",
		} {
			rejects, records := lost(t, text)
			if len(rejects) != 1 || !strings.Contains(rejects[0], tt.reason) && !strings.Contains(rejects[0], "too deep") || records != 2 {
				t.Errorf("%s in %s: rejects %.200q, %d records", name, form, rejects, records)
			}
		}
	}
	if rejects, records := lost(t, deepest+"\n["+deepest+"]"); len(rejects) != 0 || records != 2 {
		t.Errorf("64 levels: rejects %v, %d records", rejects, records)
	}
}

func TestTruncatedRecordsAreMarked(t *testing.T) {
	got := readBytes(t, []byte(`{"CreationDate":"\/Date(1772442660000)\/","Operations":"x","AuditData":{"CreationTime":"2026-03-02T09:11:00","Operation":"x","Parameters":"System.Object[]"}}
{"CreationTime":"2026-03-02T09:11:00","Operation":"x","Item":"@{Id=1; Subject=y}"}
`+samples[0]))
	if diff := cmp.Diff([]bool{true, true, false}, got.flags); diff != "" {
		t.Errorf("truncated (-want +got):\n%s", diff)
	}
}

func TestFullExportsWarn(t *testing.T) {
	for rows, warn := range map[int]bool{4999: false, 5000: true, 5001: false, 50000: true} {
		text := "AuditData\n" + strings.Repeat(`"{""CreationTime"":""2026-03-02T09:11:00"",""Operation"":""x""}"`+"\n", rows)
		got := readBytes(t, []byte(text))
		if (len(got.warnings) == 1) != warn || len(got.records) != rows {
			t.Errorf("%d rows: warnings %v, %d records", rows, got.warnings, len(got.records))
		}
	}
}

func TestNamesWithoutRowsWarn(t *testing.T) {
	for text, warn := range map[string]bool{
		"CreationDate,AuditData": true, "CreationDate,AuditData\r": true, "CreationDate,AuditData\r\n,\r\n\r\n": true,
		"CreationDate,AuditData\nx,": false, "CreationDate,AuditData\nx,\"": false,
	} {
		got := readBytes(t, []byte(text))
		if (len(got.warnings) == 1) != warn || (len(got.rejects) == 1) == warn {
			t.Errorf("%q: warnings %v, rejects %v", text, got.warnings, got.rejects)
		}
	}
}

func TestCutListWarns(t *testing.T) {
	for _, text := range []string{"[" + samples[0] + ",\n" + samples[1], `{"value":[` + samples[0], `{"value":[` + samples[0] + "]"} {
		if got := readBytes(t, []byte(text)); len(got.warnings) != 1 && len(got.rejects) == 0 {
			t.Errorf("%.40s: no warning", text)
		}
	}
}
