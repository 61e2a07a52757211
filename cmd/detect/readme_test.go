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

// TestReadme runs what the README shows: its rule passes its tests, and its configuration is read.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	ruleSeen, configSeen := false, false
	for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(text, -1) {
		dir := t.TempDir()
		var out bytes.Buffer
		s := func(args ...string) int { return run(context.Background(), args, strings.NewReader(""), &out, &out) }
		if strings.Contains(string(block[1]), "\nid:") {
			ruleSeen = true
			path := write(t, filepath.Join(dir, "rule.yaml"), block[1])
			if status := s("check", path); status != 0 || !strings.Contains(out.String(), "1 rule in 1 file: 0 faults, 0 warnings, 2 tests") {
				t.Errorf("exit status %d: %s", status, &out)
			}
			continue
		}
		configSeen = true
		path := write(t, filepath.Join(dir, "detect.yaml"), block[1])
		c, err := loadConfig(path)
		if err != nil {
			t.Fatal(err)
		}
		if len(c.Org.Domains) != 2 || len(c.Geo.City) != 1 || len(c.Rules) != 2 {
			t.Errorf("read as %+v", c)
		}
	}
	if !ruleSeen || !configSeen {
		t.Error("the README shows no rule or no configuration")
	}
}
