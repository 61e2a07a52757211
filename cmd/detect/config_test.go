package main

import (
	"bytes"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// configDocument is the text of docs/configuration.md.
func configDocument(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestConfigurationDocument loads the example of the documentation, which the daemon would run with.
func TestConfigurationDocument(t *testing.T) {
	block := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindStringSubmatch(configDocument(t))
	if block == nil {
		t.Fatal("the documentation has no example")
	}
	dir := t.TempDir()
	password := write(t, filepath.Join(dir, "smtp.password"), []byte("hunter2\n"))
	text := strings.ReplaceAll(block[1], "/etc/detect/smtp.password", password)
	for _, name := range []string{"SLACK_BOT_TOKEN", "HOOK_SECRET", "SIEM_AUTHORIZATION"} {
		t.Setenv(name, "from-the-environment")
	}
	c, err := loadConfig(write(t, filepath.Join(dir, "detect.yaml"), []byte(text)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.checkRun(); err != nil {
		t.Fatal(err)
	}
	channels, err := c.openChannels(slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if len(channels) != 3 || len(c.sourceSpecs()) != 2 || len(c.Routes) != 2 || c.Fallback != "oncall" || c.storePath() != "/var/lib/detect/detect.db" {
		t.Errorf("read as %+v", c)
	}
	for name, ch := range channels {
		if want := c.Channels[name].kind(); ch.Kind() != want {
			t.Errorf("%s is a %s, want %s", name, ch.Kind(), want)
		}
	}
}

// TestEveryKeyIsDocumented looks for each key of the configuration's structs in the documentation.
func TestEveryKeyIsDocumented(t *testing.T) {
	text := configDocument(t)
	seen := map[reflect.Type]bool{}
	var visit func(typ reflect.Type)
	visit = func(typ reflect.Type) {
		switch typ.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map:
			visit(typ.Elem())
			return
		case reflect.Struct:
		default:
			return
		}
		if _, own := reflect.New(typ).Interface().(yaml.Unmarshaler); own || seen[typ] {
			return
		}
		seen[typ] = true
		for i := range typ.NumField() {
			key := typ.Field(i).Tag.Get("yaml")
			if key == "" || key == "-" {
				continue
			}
			if !regexp.MustCompile("`(?:[a-z_]+\\.)?" + key + "(?:\\.[A-Za-z_]+)?`").MatchString(text) {
				t.Errorf("docs/configuration.md does not mention %s of %s", key, typ)
			}
			visit(typ.Field(i).Type)
		}
	}
	visit(reflect.TypeFor[config]())
	if len(seen) < 12 {
		t.Errorf("only %d structs were looked at", len(seen))
	}
}

// TestNoFaultShowsASecret makes every line of a configuration wrong in turn, in many ways, and looks for the secrets in
// all that any command says.
func TestNoFaultShowsASecret(t *testing.T) {
	good := `org: {domains: [contoso.example]}
sources:
  - follow: {path: spool}
  - management_api: {tenant: t, client_secret: s3cret-client, content: [a]}
channels:
  soc: {slack: {token: s3cret-token, channel: "#a"}}
  hook:
    webhook:
      url: "https://hooks.example/s3cret-path"
      secret: 's3cret-key'
      headers: {Authorization: s3cret-header}
  mail:
    email:
      to: [a@contoso.example]
      from: b@contoso.example
      smtp: {host: m, username: u, password: s3cret-password}
  more:
    webhook:
      url: |
        https://hooks.example/s3cret-block
      secret:
        s3cret-next-line
routes: [{to: [soc]}]
`
	dir := t.TempDir()
	lines := strings.SplitAfter(good, "\n")
	breaks := []func(string) string{
		func(l string) string { return strings.Replace(l, ":", "", 1) },
		func(l string) string { return strings.Replace(l, ": ", ": !", 1) },
		func(l string) string { return strings.Replace(l, ": ", ": &a ", 1) },
		func(l string) string { return strings.Replace(l, "s3cret", "*s3cret", 1) },
		func(l string) string { return strings.Replace(l, "s3cret", "!s3cret", 1) },
		func(l string) string { return strings.Replace(l, "s3cret", "@s3cret: ", 1) },
		func(l string) string { return strings.Replace(l, "s3cret", "{x: [s3cret", 1) },
		func(l string) string { return strings.Replace(l, "s3cret", "[s3cret", 1) },
		func(l string) string { return strings.Replace(l, "s3cret", "\"s3cret", 1) },
		func(l string) string { return strings.ReplaceAll(l, "}", "") },
		func(l string) string { return strings.Replace(l, "e: ", "ee: ", 1) },
		func(l string) string { return strings.Replace(l, "t: ", "tt: ", 1) },
		func(l string) string { return strings.Replace(l, "n: ", "nn: ", 1) },
		func(l string) string { return strings.Replace(l, "s3cret", "{vlaue: s3cret", 1) + "}" },
		func(l string) string { return "\t" + l },
		func(l string) string { return " " + l },
		func(l string) string { return l + l },
		func(l string) string { return strings.TrimLeft(l, " ") },
		func(l string) string { return strings.Replace(l, "{", "[", 1) },
		func(l string) string { return strings.Replace(l, "s3cret", "s3cret\x01", 1) },
		func(l string) string { return strings.Replace(l, ": s3cret", ":s3cret", 1) },
		func(l string) string { return strings.Replace(l, ": s3cret", ":\"s3cret\"", 1) },
		func(l string) string { return strings.Replace(l, "s3cret", "begin,s3cret", 1) },
		func(l string) string { return strings.Replace(l, "{token: ", "{", 1) },
		func(l string) string {
			return strings.Replace(l, "{token: s3cret-token, channel: \"#a\"}", "xoxb-s3cret", 1)
		},
		func(l string) string {
			return strings.Replace(l, "{token: s3cret-token, channel: \"#a\"}", "[xoxb-s3cret]", 1)
		},
		func(l string) string { return strings.Replace(l, "{Authorization: s3cret-header}", "s3cret-header", 1) },
		func(l string) string { return regexp.MustCompile(`s3cret[\w-]*`).ReplaceAllString(l, "{env: $0}") },
	}
	cases := 0
	for i := range lines {
		for j, f := range breaks {
			broken := strings.Join(lines[:i], "") + f(lines[i]) + strings.Join(lines[i+1:], "")
			if broken == good {
				continue
			}
			cases++
			path := write(t, filepath.Join(dir, "detect.yaml"), []byte(broken))
			var out bytes.Buffer
			say := func(err error) {
				if err != nil {
					out.WriteString(err.Error())
				}
			}
			c, err := readConfig(path)
			say(err)
			if c != nil {
				warnings, err := c.checkRun()
				out.WriteString(warnings.Detail())
				say(err)
			}
			if strings.Contains(out.String(), "s3cret") {
				t.Errorf("line %d, way %d: %q is told as\n%s", i+1, j, f(lines[i]), &out)
			}
		}
	}
	if cases < 200 {
		t.Errorf("only %d configurations were broken", cases)
	}
}

// FuzzConfig reads and checks whatever a file holds: it ends, and every fault has a place in the file.
func FuzzConfig(f *testing.F) {
	f.Add("channels: {a: {slack: {token: x, channel: c}}}\nroutes: [{when: a, to: [b]}]\n")
	f.Add("sources: [follow: {path: a}]\nsettle: {default: 1h}\nops: [x]\nfallback: y\n")
	f.Add("lists: {a: [b], c: {file: d}}\ngeo: {city: [a, b], asn: c}\n")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<12 || strings.Contains(text, "file") { // which might name a pipe
			return
		}
		path := filepath.Join(dir, "detect.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := readConfig(path)
		if err != nil {
			_ = err.Error()
			return
		}
		warnings, err := c.checkRun()
		_ = warnings.Detail()
		if err == nil {
			if _, err := c.openChannels(slog.New(slog.NewTextHandler(io.Discard, nil))); err != nil {
				t.Errorf("checkRun found nothing, and openChannels %v", err)
			}
			c.summary().writeText(io.Discard, newScreen(io.Discard))
		}
	})
}
