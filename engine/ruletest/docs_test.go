package ruletest

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"detect/rules"
)

var (
	fence   = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$")
	example = regexp.MustCompile("(?m)^\\|.*\\| `([^`]+)` \\|$")
)

// whole makes a rule of a part of one: keys that it lacks are put before it.
func whole(part string, n int) string {
	if regexp.MustCompile(`(?m)^(id|override):`).MatchString(part) {
		return part
	}
	for _, key := range []string{"by: [user]", "operations: [New-InboxRule]", "severity: low", "title: a part", fmt.Sprintf("id: part-%d", n)} {
		name, _, _ := strings.Cut(key, ":")
		if !regexp.MustCompile(`(?m)^` + name + `:`).MatchString(part) {
			part = key + "\n" + part
		}
	}
	return part
}

// Every rule of the reference loads and passes its tests, and every expression of its tables compiles.
func TestReference(t *testing.T) {
	text, err := os.ReadFile("../../docs/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	var files []rules.File
	for i, m := range fence.FindAllStringSubmatch(string(text), -1) {
		files = append(files, rules.File{Name: fmt.Sprintf("example-%d.yaml", i), Text: []byte(whole(m[1], i))})
	}
	examples := example.FindAllStringSubmatch(string(text), -1)
	for i, m := range examples {
		files = append(files, rules.File{Name: m[1], Text: []byte(whole("match: |\n  "+m[1]+"\n", 1000+i))})
	}
	if len(files)-len(examples) < 8 || len(examples) < 15 {
		t.Fatalf("%d examples, %d expressions", len(files)-len(examples), len(examples))
	}
	set, faults := rules.Load(rules.Options{Files: files})
	if len(faults) > 0 {
		t.Fatal(faults.Detail())
	}
	results, err := All(context.Background(), set)
	if err != nil || len(results) < 5 {
		t.Fatalf("%d tests, %v", len(results), err)
	}
	for _, r := range results {
		if r.Failure != "" {
			t.Error(r)
		}
	}
}
