package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestPages runs what the pages show: a rule passes its tests, a configuration is read and has no fault.
func TestPages(t *testing.T) {
	for name, want := range map[string]struct{ rules, configs int }{
		"README.md": {1, 2}, "docs/operations.md": {0, 2},
	} {
		text, err := os.ReadFile(filepath.Join("../..", name))
		if err != nil {
			t.Fatal(err)
		}
		rules, configs := 0, 0
		for _, block := range regexp.MustCompile("(?s)( *)```yaml\n(.*?)```").FindAllSubmatch(text, -1) {
			dir := t.TempDir()
			yaml := strings.ReplaceAll("\n"+string(block[2]), "\n"+string(block[1]), "\n") // of a list's item
			switch {
			case strings.Contains(yaml, "\ndisplay_information:"): // Slack's, not ours
			case strings.Contains(yaml, "\nid:"):
				rules++
				var out bytes.Buffer
				path := write(t, filepath.Join(dir, "rule.yaml"), []byte(yaml))
				status := run(context.Background(), []string{"check", path}, strings.NewReader(""), &out, &out)
				if status != 0 || !strings.Contains(out.String(), "1 rule in 1 file: 0 faults, 0 warnings, 2 tests") {
					t.Errorf("%s: exit status %d: %s", name, status, &out)
				}
			default:
				configs++
				c, err := loadConfig(write(t, filepath.Join(dir, "detect.yaml"), []byte(yaml)))
				if err != nil {
					t.Errorf("%s: %v\n%s", name, err, yaml)
				} else if len(c.Org.Domains) == 0 && len(c.Channels) == 0 {
					t.Errorf("%s: nothing is read of %s", name, yaml)
				}
			}
		}
		if rules != want.rules || configs != want.configs {
			t.Errorf("%s shows %d rules and %d configurations", name, rules, configs)
		}
	}
}
