package source

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"detect/internal/record"
)

// benchText repeats the samples, with ids of their own, in a form.
func benchText(n int, before, between, after string, row func(s string) string) []byte {
	var b bytes.Buffer
	b.WriteString(before)
	for i := range n {
		if i > 0 {
			b.WriteString(between)
		}
		b.WriteString(row(strings.Replace(samples[i%len(samples)], "00000000-0000-4000-8000", fmt.Sprintf("%08d-0000-4000-8000", i), 1)))
	}
	b.WriteString(after)
	return b.Bytes()
}

func benchmarkRead(b *testing.B, text []byte, records int) {
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		f := &Files{Paths: []string{"-"}, Stdin: bytes.NewReader(text)}
		if err := f.Run(context.Background(), func(batch *Batch) error {
			n += len(batch.Records)
			batch.Release()
			return nil
		}); err != nil {
			b.Fatal(err)
		}
		if n != records {
			b.Fatalf("%d records", n)
		}
	}
	b.ReportMetric(float64(records)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

const benchRecords = 20000

func plain(s string) string { return s }

func csvRow(s string) string {
	return `"ExchangeAdmin","3/2/2026 9:11:00 AM","ann@contoso.example","x","` + strings.ReplaceAll(s, `"`, `""`) + `","1","1","i","True","Unchanged"`
}

const csvHeader = `"RecordType","CreationDate","UserIds","Operations","AuditData","ResultIndex","ResultCount","Identity","IsValid","ObjectState"` + "\r\n"

func BenchmarkLines(b *testing.B) {
	benchmarkRead(b, benchText(benchRecords, "", "\n", "\n", plain), benchRecords)
}

func BenchmarkArray(b *testing.B) {
	benchmarkRead(b, benchText(benchRecords, "[", ",", "]", plain), benchRecords)
}

func BenchmarkPretty(b *testing.B) {
	benchmarkRead(b, benchText(benchRecords, "[\n", ",\n", "\n]", indent), benchRecords)
}

func BenchmarkCSV(b *testing.B) {
	benchmarkRead(b, benchText(benchRecords, csvHeader, "\r\n", "\r\n", csvRow), benchRecords)
}

func BenchmarkGzip(b *testing.B) {
	benchmarkRead(b, gzipped(benchText(benchRecords, "", "\n", "\n", plain)), benchRecords)
}

func BenchmarkZstd(b *testing.B) {
	benchmarkRead(b, zstded(benchText(benchRecords, "", "\n", "\n", plain)), benchRecords)
}

func BenchmarkUTF16(b *testing.B) {
	benchmarkRead(b, utf16Bytes(string(benchText(benchRecords, "", "\n", "\n", plain)), false, true), benchRecords)
}

// BenchmarkDecode decodes records in their own form, which the reading of logs is measured by, and wrapped ones.
func BenchmarkDecode(b *testing.B) {
	for name, text := range map[string]string{
		"native": samples[0], "wrapper": `{"CreationDate":"x","AuditData":` + quote(samples[0]) + "}",
		"table": `{"TimeGenerated":"3/2/2026, 9:11:07.500 PM","Operation":"x","OfficeId":"1","Parameters":"[{\"Name\":\"x\"}]","RecordType":"50","UserId":"a","ClientIP":"b","OfficeWorkload":"Exchange"}`,
	} {
		b.Run(name, func(b *testing.B) {
			var d Decoder
			n := 0
			raw := Raw{JSON: []byte(text)}
			b.ReportAllocs()
			for b.Loop() {
				_ = d.Decode(raw, func(*record.Record, Origin) error { n++; return nil }, func(r Reject) { b.Fatal(r) })
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "records/s")
		})
	}
}
