package rules

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the .want files of testdata/bad anew, to be read before they are committed")

// Every fault that a rule file can have is shown at its character, with its hint, and no rule with a fault is loaded.
func TestBadRules(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) < 80 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			set, faults := Load(Options{Files: []File{{Name: filepath.Base(file), Text: text}},
				Lists: map[string][]string{"sync_clients": {"OneDrive"}}})
			if len(faults) == 0 {
				t.Fatal("no fault is found")
			}
			for _, r := range set.Rules {
				for _, f := range faults {
					if f.Rule == r.ID && !strings.HasPrefix(filepath.Base(file), "duplicate-id") {
						t.Errorf("the rule %s is loaded in spite of %v", r.ID, f)
					}
				}
			}
			got := faults.Detail() + "\n"
			wantFile := strings.TrimSuffix(file, ".yaml") + ".want"
			if *update {
				if err := os.WriteFile(wantFile, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(wantFile)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), got); d != "" {
				t.Errorf("the faults differ (-want +got):\n%s", d)
			}
		})
	}
}
