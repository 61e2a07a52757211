// Package secret holds what must never be shown: tokens and passwords of the configuration.
package secret

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// shown is what stands for a secret wherever it is printed.
const shown = "<secret>"

// Secret is a value of the configuration that is printed as <secret>, in whatever way it is printed. It is written as the
// value itself, as {env: NAME} or as {file: PATH}. The zero value is no secret.
type Secret struct {
	value *string // a pointer, since fmt shows unexported fields of others' structs, and wrong verbs, without asking Format
	env   string
	file  string
}

// variable is what an environment variable may be called (POSIX, Base Definitions, section 8.1).
var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// Of is the secret with that value.
func Of(value string) Secret { return Secret{value: &value} }

// UnmarshalYAML reads what stands in a configuration. Nothing is looked up before Resolve.
func (s *Secret) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind == yaml.ScalarNode {
		*s = Of(n.Value)
		return nil
	}
	if n.Kind == yaml.MappingNode && len(n.Content) == 2 && n.Content[1].Kind == yaml.ScalarNode {
		switch n.Content[0].Value {
		case "env":
			if !variable.MatchString(n.Content[1].Value) { // it may be the secret itself
				return fmt.Errorf("line %d: {env: NAME} takes the name of an environment variable: letters, digits and _", n.Line)
			}
			s.env = n.Content[1].Value
			return nil
		case "file":
			s.file = n.Content[1].Value
			return nil
		}
	}
	return fmt.Errorf("line %d: a secret is written as {env: NAME}, {file: PATH} or the value itself", n.Line)
}

// Given says whether anything was written for it.
func (s *Secret) Given() bool { return s.Reveal() != "" || s.env != "" || s.file != "" }

// Resolve looks the value up where it is not written out: in the environment, or in a file, whose blanks at the end are
// left off. path makes a relative path absolute; nil leaves it. A value that is empty is an error. No error holds the value.
func (s *Secret) Resolve(path func(string) string) error {
	switch {
	case s.env != "":
		value := os.Getenv(s.env)
		if s.value = &value; value == "" {
			return fmt.Errorf("the environment variable %s is not set", s.env)
		}
	case s.file != "":
		name := s.file
		if path != nil {
			name = path(name)
		}
		b, err := os.ReadFile(name)
		if err != nil {
			return fmt.Errorf("read secret: %w", err)
		}
		value := strings.TrimRight(string(b), " \t\r\n")
		if s.value = &value; value == "" {
			return fmt.Errorf("%s is empty", name)
		}
	case s.Reveal() == "":
		return errors.New("it is empty")
	}
	return nil
}

// Reveal is the value, for the one place that sends it.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// String is <secret>, or nothing if there is none.
func (s Secret) String() string {
	if !s.Given() {
		return ""
	}
	return shown
}

// Format prints String for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// GoString is String.
func (s Secret) GoString() string { return s.String() }

// LogValue is String.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalJSON writes String.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// MarshalYAML writes String.
func (s Secret) MarshalYAML() (any, error) { return s.String(), nil }
