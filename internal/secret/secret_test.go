package secret

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestNeverShown prints a secret in every way that the standard library and the YAML encoder know.
func TestNeverShown(t *testing.T) {
	type config struct {
		Token Secret
		Many  map[string]Secret
		At    *Secret
		inner Secret
	}
	s := Of("hunter2")
	c := config{Token: s, Many: map[string]Secret{"a": s}, At: &s, inner: s}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%p", "%w"} {
		fmt.Fprintf(&out, verb+"\n", s)
		fmt.Fprintf(&out, verb+"\n", &s)
		fmt.Fprintf(&out, verb+"\n", c)
		fmt.Fprintf(&out, verb+"\n", &c)
		fmt.Fprintf(&out, verb+"\n", []Secret{s})
	}
	fmt.Fprintln(&out, s, &s, c, s.String(), s.GoString(), fmt.Errorf("bad token %v", s))
	b, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(b)
	if b, err = yaml.Marshal(c); err != nil {
		t.Fatal(err)
	}
	out.Write(b)
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("start", "token", s, "config", c, "at", &s)
	}
	text := out.String()
	for _, leak := range []string{"hunter2", "68756e74657232", "68756E74657232", "104 117"} {
		if strings.Contains(text, leak) {
			t.Errorf("%q is shown in\n%s", leak, text)
		}
	}
	if n := strings.Count(text, shown); n < 30 {
		t.Errorf("%s stands only %d times in\n%s", shown, n, text)
	}
	if got := fmt.Sprint(Secret{}); got != "" {
		t.Errorf("no secret is shown as %q", got)
	}
}

func TestForms(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "token")
	if err := os.WriteFile(file, []byte("from the file\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "empty"), []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SECRET_TEST_TOKEN", "from the environment")
	for _, c := range []struct{ yaml, want, fault string }{
		{"plain", "plain", ""},
		{"12345", "12345", ""},
		{"{env: SECRET_TEST_TOKEN}", "from the environment", ""},
		{"{file: token}", "from the file", ""},
		{"{env: SECRET_TEST_UNSET}", "", "the environment variable SECRET_TEST_UNSET is not set"},
		{"{file: missing}", "", "no such file"},
		{"{file: empty}", "", "is empty"},
		{"''", "", "it is empty"},
		{"{value: x}", "", "line 1: a secret is written as"},
		{"{env: A, file: b}", "", "line 1: a secret is written as"},
		{"[x]", "", "line 1: a secret is written as"},
	} {
		var s Secret
		err := yaml.Unmarshal([]byte(c.yaml), &s)
		if err == nil {
			err = s.Resolve(func(p string) string { return filepath.Join(dir, p) })
		}
		if c.fault == "" && (err != nil || s.Reveal() != c.want) {
			t.Errorf("%s: %q, %v", c.yaml, s.Reveal(), err)
		}
		if c.fault != "" && (err == nil || !strings.Contains(err.Error(), c.fault)) {
			t.Errorf("%s: error %v, want one with %q", c.yaml, err, c.fault)
		}
	}
}
