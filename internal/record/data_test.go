package record

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// realData is a folder of real records beside the repository, which is not part of it.
const realData = "../../../shared/data"

func TestRealRecords(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(realData, "*.ndjson"))
	if len(files) == 0 {
		t.Skipf("no real records in %s", realData)
	}
	r, n := new(Record), 0
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(raw) {
			n++
			if err := r.Parse(line); err != nil {
				t.Errorf("%s: %v: %s", file, err, line)
				continue
			}
			agree(t, r, line)
			everything(r)
			if _, ok := r.Time(); !ok || r.OperationKey() == "" || r.User() == "" && r.Text(FUserId) != "Not Available" {
				t.Errorf("%s: no time, operation or user: %s", file, line)
			}
		}
	}
	if n < 300 {
		t.Errorf("%d records", n)
	}
}

func TestRealForwarding(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(realData, "panther.ndjson"))
	if err != nil {
		t.Skipf("no real records in %s", realData)
	}
	r, n := new(Record), 0
	for line := range bytes.Lines(raw) {
		if err := r.Parse(line); err != nil {
			t.Fatal(err)
		}
		if !r.HasParam("ForwardTo") && !r.HasParam("ForwardingSmtpAddress") {
			if got := r.Forwards(); len(got) > 0 {
				t.Errorf("forwards to %q: %s", got, line)
			}
			continue
		}
		n++
		// The recipients, told by looking at the text alone.
		var log struct {
			Parameters []struct{ Name, Value string }
		}
		if err := json.Unmarshal(line, &log); err != nil {
			t.Fatal(err)
		}
		var want []string
		for _, p := range log.Parameters {
			if strings.HasPrefix(p.Name, "Forward") {
				want = append(want, strings.Split(strings.TrimPrefix(p.Value, "smtp:"), ";")...)
			}
		}
		if got := r.Forwards(); len(want) == 0 || !reflect.DeepEqual(got, want) {
			t.Errorf("%q, want %q: %s", got, want, line)
		}
	}
	if n != 9 { // the tenth case is a rule that moves mail
		t.Errorf("%d records that forward", n)
	}
}
