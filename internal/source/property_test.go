package source

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"detect/internal/record"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// checks is how many cases a property tries, unless DETECT_CHECKS says otherwise.
func checks(n int) int {
	if v, err := strconv.Atoi(os.Getenv("DETECT_CHECKS")); err == nil && v > 0 {
		return v
	}
	return n
}

// drawText puts the samples, in an order of its own, into one or several forms one after the other.
func drawText(t *rapid.T, want map[string]int, ids []string) string {
	var b strings.Builder
	for range rapid.IntRange(1, 4).Draw(t, "parts") {
		var part []string
		for range rapid.IntRange(1, 5).Draw(t, "records") {
			i := rapid.IntRange(0, len(samples)-1).Draw(t, "sample")
			s := samples[i]
			want[ids[i]]++
			switch rapid.IntRange(0, 4).Draw(t, "wrap") {
			case 0:
				s = indent(s)
			case 1:
				s = `{"AuditData":` + s + "}"
			case 2:
				s = `{"AuditData":` + quote(s) + "}"
			}
			part = append(part, s)
		}
		switch rapid.IntRange(0, 4).Draw(t, "form") {
		case 0:
			b.WriteString("[" + strings.Join(part, ",") + "]")
		case 1:
			b.WriteString(indent("[" + strings.Join(part, ",") + "]"))
		case 2:
			b.WriteString(strings.Join(part, "\n"))
		case 3:
			b.WriteString(`{"value":[` + strings.Join(part, ",\n") + `],"@odata.nextLink":"x"}`)
		case 4:
			b.WriteString(strings.Join(part, ""))
		}
		b.WriteString(rapid.SampledFrom([]string{"", "\n", "\r\n\r\n", " "}).Draw(t, "between"))
	}
	return b.String()
}

// However records are split over files, put together, wrapped and compressed, and whatever the size of the blocks, the same
// records come out.
func TestAnyArrangementGivesTheSameRecords(t *testing.T) {
	ids := native(t)
	dir := t.TempDir()
	prop := func(rt *rapid.T) {
		want := map[string]int{}
		var paths []string
		for i := range rapid.IntRange(1, 3).Draw(rt, "files") {
			content := []byte(drawText(rt, want, ids))
			switch rapid.IntRange(0, 4).Draw(rt, "packing") {
			case 0:
				content = gzipped(content)
			case 1:
				content = zstded(content)
			case 2:
				content = []byte(zipped(packed{"a", string(content)}))
			case 3:
				content = utf16Bytes(string(content), true, true)
			}
			p := filepath.Join(dir, fmt.Sprint(i))
			if err := os.WriteFile(p, content, 0o600); err != nil {
				rt.Fatal(err)
			}
			paths = append(paths, p)
		}
		f := &Files{Paths: paths, BlockSize: rapid.IntRange(1, 5000).Draw(rt, "block")}
		got := read(t, f)
		if len(got.rejects)+len(got.warnings) > 0 {
			rt.Fatalf("rejects %v, warnings %v", got.rejects, got.warnings)
		}
		count := map[string]int{}
		for _, r := range got.records {
			count[r]++
		}
		if diff := cmp.Diff(want, count); diff != "" {
			rt.Fatalf("records (-want +got):\n%s", diff)
		}
	}
	rapid.Check(t, prop)
}

// The block size changes nothing: not the records, not their places, not what is lost.
func TestBlockSizeChangesNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	all := forms()
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	for i, name := range names {
		text := []byte(all[name])
		if i%2 == 1 { // damaged
			for range 3 {
				text[rng.IntN(len(text))] = `"{}[],x`[rng.IntN(7)]
			}
		}
		var first outcome
		for _, size := range []int{1 << 20, 7, 64, 1000} {
			got := read(t, &Files{Paths: []string{"-"}, Stdin: iotestOneByte{bytes.NewReader(text)}, BlockSize: size})
			if size == 1<<20 {
				first = got
				continue
			}
			if diff := cmp.Diff(first, got, cmp.AllowUnexported(outcome{})); diff != "" {
				t.Fatalf("%s, blocks of %d: (-1 MiB +this)\n%s", name, size, diff)
			}
		}
	}
}

// iotestOneByte reads a few bytes at a time.
type iotestOneByte struct{ r io.Reader }

func (o iotestOneByte) Read(p []byte) (int, error) { return o.r.Read(p[:min(len(p), 37)]) }

// splitAll splits a whole text with the splitter.
func splitAll(text []byte, delim byte) (rows [][]string, ok bool) {
	s := splitter{delim: delim}
	for p := 0; p < len(text); {
		if text[p] == '\n' || text[p] == '\r' && (p+1 == len(text) || text[p+1] == '\n') {
			p++
			continue
		}
		q, v := s.row(text, p, true)
		if v != whole {
			return rows, false
		}
		var cells []string
		for i := range s.cells {
			cells = append(cells, string(s.content(text, i)))
		}
		rows = append(rows, cells)
		p = q
	}
	return rows, true
}

// compareCSV holds the splitter to encoding/csv.
func compareCSV(t testing.TB, text string) {
	t.Helper()
	got, closed := splitAll([]byte(text), ',')
	r := csv.NewReader(strings.NewReader(text))
	r.LazyQuotes, r.FieldsPerRecord = true, -1
	var want [][]string
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Skip("encoding/csv does not read it")
		}
		want = append(want, row)
	}
	if !closed { // encoding/csv closes the last quote itself
		return
	}
	for _, rows := range [][][]string{got, want} { // encoding/csv makes \n of \r\n in cells
		for _, row := range rows {
			for i := range row {
				row[i] = strings.ReplaceAll(row[i], "\r\n", "\n")
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%q (-encoding/csv +splitter):\n%s", text, diff)
	}
}

func TestSplitterAgainstEncodingCSV(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range checks(20000) {
		text := make([]byte, rng.IntN(24))
		for i := range text {
			text[i] = "ab,\"\"\n\r; "[rng.IntN(9)]
		}
		if bytes.Contains(bytes.ReplaceAll(text, []byte("\r\n"), nil), []byte("\r")) {
			continue // a lone carriage return is a matter of taste
		}
		compareCSV(t, string(text))
	}
}

func FuzzSplitter(f *testing.F) {
	f.Add("a,\"b\"\"c\",\"d\ne\"\r\nx\"y,\"z\"q\",\n")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(strings.ReplaceAll(text, "\r\n", ""), "\r") {
			t.Skip()
		}
		compareCSV(t, text)
	})
}

// fuzzFiles reads anything: the place of whatever comes is in the text, nothing comes twice, and the block size does not matter.
func fuzzFiles(t *testing.T, text []byte, size int) {
	big := read(t, &Files{Paths: []string{"-"}, Stdin: bytes.NewReader(text)})
	small := read(t, &Files{Paths: []string{"-"}, Stdin: bytes.NewReader(text), BlockSize: size})
	if diff := cmp.Diff(big, small, cmp.AllowUnexported(outcome{})); diff != "" {
		t.Errorf("blocks of %d (-1 MiB +this):\n%s", size, diff)
	}
}

func FuzzJSON(f *testing.F) {
	for name, text := range forms() {
		if !strings.Contains(name, "CSV") {
			f.Add([]byte(text), uint16(100))
		}
	}
	f.Fuzz(func(t *testing.T, text []byte, size uint16) {
		if compression(text) != "" {
			t.Skip()
		}
		fuzzFiles(t, append([]byte("["), text...), int(size%3000)+1)
	})
}

func FuzzCSV(f *testing.F) {
	for name, text := range forms() {
		if strings.Contains(name, "CSV") {
			f.Add([]byte(text), uint16(100))
		}
	}
	f.Add([]byte(officeActivityCSV), uint16(9))
	f.Fuzz(func(t *testing.T, text []byte, size uint16) {
		if compression(text) != "" {
			t.Skip()
		}
		fuzzFiles(t, text, int(size%3000)+1)
	})
}

func FuzzDecoder(f *testing.F) {
	for _, text := range forms() {
		f.Add([]byte(text))
	}
	f.Add([]byte(`{"id":"1","createdDateTime":"2026-03-02T09:11:00Z","userPrincipalName":"a","status":{"errorCode":1},"location":{"geoCoordinates":{"latitude":1,"longitude":2}}}`))
	f.Add([]byte(`{"TimeGenerated":"3/2/2026, 9:11:07.500 PM","Operation":"x","OfficeId":"1","Parameters":"[{]","RecordType":"50"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var d Decoder
		before := bytes.Clone(text)
		_ = d.Decode(Raw{JSON: text}, func(r *record.Record, _ Origin) error {
			if _, ok := r.Time(); !ok || r.Text(record.FOperation) == "" {
				t.Errorf("a record without time or operation: %s", r.Raw())
			}
			return nil
		}, func(Reject) {})
		if !bytes.Equal(before, text) {
			t.Error("the text was changed")
		}
	})
}

func FuzzPacked(f *testing.F) {
	text := []byte(samples[0] + "\n" + samples[1])
	for _, content := range [][]byte{gzipped(text), zstded(text), []byte(zipped(packed{"a", string(text)})), utf16Bytes(string(text), false, true), []byte(quote(string(text)))} {
		f.Add(content)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		read(t, &Files{Paths: []string{"-"}, Stdin: bytes.NewReader(content), Tmp: t.TempDir()})
	})
}
