package source

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
)

type packed struct{ name, content string }

func zipped(members ...packed) string {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, m := range members {
		f, _ := w.Create(m.name)
		_, _ = io.WriteString(f, m.content)
	}
	_ = w.Close()
	return b.String()
}

// layout writes files into a new folder.
func layout(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// origins are the files that records came from, below dir, in order.
func (o outcome) files(dir string) []string {
	var all []string
	for _, x := range o.origins {
		all = append(all, strings.TrimPrefix(x.File, dir+"/"))
	}
	return all
}

func TestFoldersGlobsAndArchives(t *testing.T) {
	line := samples[0] + "\n"
	nested := zipped(packed{"in/x.json", line}, packed{"y.csv.gz", string(gzipped([]byte("AuditData\n\"" + strings.ReplaceAll(samples[1], `"`, `""`) + "\"\n")))})
	dir := layout(t, map[string]string{
		"b.json": line, "a.txt": line, "sub/c.log": line, "sub/.hidden/d.json": line, ".e.json": line,
		"z.zip": zipped(packed{"one.json", line}, packed{"folder/", ""}, packed{"two.zip", nested}),
	})
	want := []string{"a.txt", "b.json", "sub/c.log", "z.zip!one.json", "z.zip!two.zip!in/x.json", "z.zip!two.zip!y.csv.gz"}
	if got := read(t, &Files{Paths: []string{dir}}); !slices.Equal(got.files(dir), want) || len(got.rejects)+len(got.warnings) > 0 {
		t.Errorf("folder: %q, rejects %v, warnings %v", got.files(dir), got.rejects, got.warnings)
	}
	if got := read(t, &Files{Paths: []string{dir + "/*.json", dir + "/s*"}}); !slices.Equal(got.files(dir), want[1:3]) {
		t.Errorf("globs: %q", got.files(dir))
	}
	got := read(t, &Files{Paths: []string{"-"}, Stdin: strings.NewReader(nested), Tmp: t.TempDir()})
	if want := []string{"-!in/x.json", "-!y.csv.gz"}; !slices.Equal(got.files(""), want) {
		t.Errorf("zip on standard input: %q, warnings %v", got.files(""), got.warnings)
	}
	got = read(t, &Files{Paths: []string{"-"}, Stdin: bytes.NewReader(gzipped([]byte(nested)))})
	if len(got.records) != 2 {
		t.Errorf("zip in gzip: %d records, warnings %v", len(got.records), got.warnings)
	}
}

// A link to a folder is followed if the user named it, and told of if it stands in a folder.
func TestLinksToFolders(t *testing.T) {
	dir := layout(t, map[string]string{"logs/a.json": samples[0] + "\n", "logs/sub/b.json": samples[1] + "\n"})
	if err := os.Symlink(filepath.Join(dir, "logs"), filepath.Join(dir, "link")); err != nil {
		t.Skip("no symbolic links here:", err)
	}
	if err := os.Symlink(filepath.Join(dir, "logs"), filepath.Join(dir, "logs", "round")); err != nil {
		t.Fatal(err)
	}
	want := []string{"link/a.json", "link/sub/b.json"}
	for _, named := range []string{"/link", "/link/", "/li*"} {
		got := read(t, &Files{Paths: []string{dir + named}})
		if !slices.Equal(got.files(dir), want) || len(got.warnings) != 1 || !strings.HasPrefix(got.warnings[0].Text, "is a link to a folder") {
			t.Errorf("%s: %q, warnings %v", named, got.files(dir), got.warnings)
		}
	}
}

func TestWhatCannotBeReadIsToldAndTheRestGoesOn(t *testing.T) {
	line := samples[0] + "\n"
	broken := string(gzipped([]byte(strings.Repeat(line, 1000))))
	dir := layout(t, map[string]string{
		"a.json": line, "cut.gz": broken[:len(broken)-9], "bad.zip": "PK\x03\x04 no zip", "book.xlsx": zipped(packed{"xl/workbook.xml", "<x/>"}),
		"deep.gz": string(gzipped(gzipped(gzipped(gzipped([]byte(line)))))), "notes.txt": "Dear all,\nthese are notes.\n", "picture": "\x89PNG\x00\x01\x02\x03",
		"other.csv": "name,age\nann,5\n", "z.json": line, "empty": "",
	})
	got := read(t, &Files{Paths: []string{dir, dir + "/missing", dir + "/no*thing", dir + "/notes.txt"}})
	var told []string
	for _, w := range got.warnings {
		text, _, _ := strings.Cut(w.Text, ":")
		if w.Unread {
			text += " (unread)"
		}
		told = append(told, strings.TrimPrefix(w.File, dir+"/")+": "+text)
	}
	const form = "no form of audit records is recognised in it"
	const csvForm = form + "; a CSV file needs a first line with the names of its columns, such as AuditData"
	want := []string{
		"bad.zip: zip (unread)", "book.xlsx: is an Excel workbook; export it as CSV (unread)", "cut.gz: could be read up to byte 553000 only (unread)",
		"deep.gz: is packed more than 3 times (unread)", "notes.txt: " + csvForm, "other.csv: " + csvForm, "picture: " + form,
		"missing: no such file or directory (unread)", "no*thing: no such file or directory (unread)", "notes.txt: " + csvForm + " (unread)",
	}
	for i := range told {
		if strings.HasPrefix(told[i], "cut.gz: could be read up to byte") && strings.HasSuffix(told[i], "only (unread)") {
			told[i] = want[2]
		}
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	if n := len(got.records); n < 900 || n > 1002 || got.origins[n-1].File != dir+"/z.json" {
		t.Errorf("%d records, the last from %s", n, got.origins[n-1].File)
	}
}

// zeros gives blanks without end.
type blanks struct{ left int64 }

func (b *blanks) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), b.left)
	for i := range p[:n] {
		p[i] = ' '
	}
	b.left -= n
	return int(n), nil
}

func TestBombsEnd(t *testing.T) {
	var bomb bytes.Buffer
	w := gzip.NewWriter(&bomb)
	_, _ = io.WriteString(w, samples[0]+"\n")
	if _, err := io.Copy(w, &blanks{freeExpansion + 64<<20}); err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(w, "\n"+samples[1]+"\n")
	_ = w.Close()
	got := read(t, &Files{Paths: []string{"-"}, Stdin: bytes.NewReader(bomb.Bytes()), MaxExpansion: 100})
	if len(got.records) != 1 || len(got.warnings) != 1 || !got.warnings[0].Unread || !strings.Contains(got.warnings[0].Text, "expands too much") {
		t.Errorf("%d records, warnings %v", len(got.records), got.warnings)
	}
	got = read(t, &Files{Paths: []string{"-"}, Stdin: bytes.NewReader(bomb.Bytes()), MaxExpansion: 5000})
	if len(got.records) != 2 || len(got.warnings) != 0 {
		t.Errorf("with a higher limit: %d records, warnings %v", len(got.records), got.warnings)
	}
}

func TestRunEndsWithItsCaller(t *testing.T) {
	stop := errors.New("stop")
	f := &Files{Paths: []string{"-"}, Stdin: bytes.NewReader(gzipped([]byte(strings.Repeat(samples[0]+"\n", 5000)))), BlockSize: 1 << 10}
	n := 0
	if err := f.Run(t.Context(), func(b *Batch) error { n++; b.Release(); return stop }); err != stop || n != 1 {
		t.Errorf("emit's error: %v after %d batches", err, n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	f.Stdin = strings.NewReader(strings.Repeat(samples[0]+"\n", 5000))
	if err := f.Run(ctx, func(b *Batch) error { cancel(); b.Release(); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// A stream hands on what is there without waiting for a full block.
func TestStreamsAreLive(t *testing.T) {
	in, out := io.Pipe()
	defer in.Close()
	seen := make(chan int)
	done := make(chan error)
	go func() {
		done <- (&Files{Paths: []string{"-"}, Stdin: in}).Run(context.Background(), func(b *Batch) error {
			n := len(b.Records)
			b.Release()
			seen <- n
			return nil
		})
	}()
	for range 3 {
		_, _ = io.WriteString(out, samples[0]+"\n"+samples[1]+"\n"+samples[2][:50])
		if n := <-seen; n != 2 {
			t.Errorf("%d records at once", n)
		}
		go func() { _, _ = io.WriteString(out, samples[2][50:]+"\n") }()
		if n := <-seen; n != 1 {
			t.Errorf("%d records at once", n)
		}
	}
	_ = out.Close()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
