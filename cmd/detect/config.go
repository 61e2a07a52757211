package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"detect/rules"
	"detect/rules/document"
)

// config is detect.yaml. Paths in it are relative to its folder.
type config struct {
	Org      orgConfig                  `yaml:"org"`
	Lists    map[string]listConfig      `yaml:"lists"`
	Geo      geoConfig                  `yaml:"geo"`
	Store    storeConfig                `yaml:"store"`
	Rules    []string                   `yaml:"rules"`
	Settle   map[string]durationSetting `yaml:"settle"`
	Sources  yaml.Node                  `yaml:"sources"`
	Channels yaml.Node                  `yaml:"channels"`
	Routes   yaml.Node                  `yaml:"routes"`
	Fallback yaml.Node                  `yaml:"fallback"`
	Ops      yaml.Node                  `yaml:"ops"`
	Digests  yaml.Node                  `yaml:"digests"`
	Metrics  yaml.Node                  `yaml:"metrics"`

	path string // where it was read from; "" for the defaults
}

type orgConfig struct {
	// Domains are the tenant's own mail domains; their subdomains count as own too.
	Domains domainList `yaml:"domains"`
}

// domainList is a list of domains, each of which is one.
type domainList []string

func (l *domainList) UnmarshalYAML(n *yaml.Node) error {
	if err := n.Decode((*[]string)(l)); err != nil {
		return err
	}
	for _, item := range n.Content {
		value := item
		if item.Kind == yaml.AliasNode {
			value = item.Alias
		}
		if message, hint := rules.CheckDomain(value.Value); message != "" {
			return fmt.Errorf("line %d: org.domains: %s: %s", item.Line, message, hint)
		}
	}
	return nil
}

// geoConfig names the databases; without any, the embedded country table is used.
type geoConfig struct {
	City  pathList `yaml:"city"`
	ASN   pathList `yaml:"asn"`
	Table string   `yaml:"table"` // CSV of prefixes with their places, which goes before the databases
}

type storeConfig struct {
	Path     string          `yaml:"path"`
	Events   durationSetting `yaml:"events"`
	Lateness durationSetting `yaml:"lateness"` // default 72h
	Hold     durationSetting `yaml:"hold"`     // default 7d
}

// pathList is one path or a list of them (separate files for IPv4 and IPv6).
type pathList []string

func (p *pathList) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*p = pathList{n.Value}
		return nil
	}
	return n.Decode((*[]string)(p))
}

// listConfig is the entries of a list, written out or in a file of one entry a line.
type listConfig struct {
	entries []string
	file    string
}

func (l *listConfig) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.SequenceNode {
		return n.Decode(&l.entries)
	}
	if n.Kind == yaml.MappingNode && len(n.Content) == 2 && n.Content[0].Value == "file" && n.Content[1].Kind == yaml.ScalarNode {
		l.file = n.Content[1].Value
		return nil
	}
	return fmt.Errorf("line %d: a list is written as [entry, ...] or {file: PATH}", n.Line)
}

// durationSetting is a length of time such as 72h or 400d, microseconds.
type durationSetting int64

func (d *durationSetting) UnmarshalYAML(n *yaml.Node) error {
	us, ok := document.ParseDuration(n.Value)
	if !ok || us < 0 {
		return fmt.Errorf("line %d: %q is no length of time: write 90m, 72h or 7d", n.Line, n.Value)
	}
	*d = durationSetting(us)
	return nil
}

// defaultConfig is what holds where nothing is configured.
func defaultConfig() *config {
	return &config{Store: storeConfig{
		Lateness: durationSetting(72 * time.Hour / time.Microsecond),
		Hold:     durationSetting(7 * 24 * time.Hour / time.Microsecond),
	}}
}

// loadConfig reads path, or detect.yaml in the working folder if path is "" and there is one, or else the defaults.
func loadConfig(path string) (*config, error) {
	c := defaultConfig()
	asked := path != ""
	if !asked {
		path = "detect.yaml"
	}
	data, err := os.ReadFile(path)
	if err != nil {
		if !asked && errors.Is(err, fs.ErrNotExist) {
			return c, nil
		}
		return nil, usageError(fmt.Errorf("read configuration: %w", err))
	}
	c.path = path
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(c); err != nil && !errors.Is(err, io.EOF) {
		return nil, usageError(fmt.Errorf("%s: %s", path, plainYAML(err)))
	}
	var more yaml.Node
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, usageError(fmt.Errorf("%s: one configuration is one YAML document; something follows the first", path))
	}
	for _, p := range []*string{&c.Geo.Table, &c.Store.Path} {
		*p = c.resolve(*p)
	}
	for _, l := range []pathList{c.Geo.City, c.Geo.ASN} {
		for i := range l {
			l[i] = c.resolve(l[i])
		}
	}
	for i, r := range c.Rules {
		if r != "pack" {
			c.Rules[i] = c.resolve(r)
		}
	}
	return c, nil
}

// plainYAML is a YAML error without the words that belong to the program's own types.
func plainYAML(err error) string {
	text := strings.ReplaceAll(err.Error(), "yaml: ", "")
	var types *yaml.TypeError
	if errors.As(err, &types) {
		text = strings.Join(types.Errors, "; ")
	}
	if i := strings.LastIndex(text, " in type main."); i >= 0 {
		text = strings.ReplaceAll(text, "not found"+text[i:], "is not known here")
	}
	return text
}

// resolve makes a path of the configuration relative to the configuration's folder.
func (c *config) resolve(path string) string {
	if path == "" || c.path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(c.path), path)
}

// lists reads the configured lists.
func (c *config) lists() (map[string][]string, error) {
	out := make(map[string][]string, len(c.Lists))
	var faults []error
	for name, l := range c.Lists {
		if l.file == "" {
			out[name] = l.entries
			continue
		}
		entries, err := readListFile(c.resolve(l.file))
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: list %s: %w", c.path, name, err))
			continue
		}
		out[name] = entries
	}
	if len(faults) > 0 {
		return nil, usageError(errors.Join(faults...))
	}
	return out, nil
}

func readListFile(path string) ([]string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return rules.ParseList(string(data)), nil
}
