package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"detect/internal/secret"
	"detect/notify"
	"detect/notify/email"
	"detect/notify/escape"
	"detect/notify/slack"
	"detect/notify/webhook"
	"detect/rules"
	"detect/rules/document"
)

// config is detect.yaml. Paths in it are relative to its folder. It is decoded whole for every command; what only the
// daemon needs is looked at by checkRun.
type config struct {
	Org      orgConfig                  `yaml:"org"`
	Lists    map[string]listConfig      `yaml:"lists"`
	Geo      geoConfig                  `yaml:"geo"`
	Store    storeConfig                `yaml:"store"`
	Rules    []string                   `yaml:"rules"`  // "pack", folders and files; none: the pack
	Settle   map[string]durationSetting `yaml:"settle"` // by workload; "default" for the rest
	Sources  []sourceConfig             `yaml:"sources"`
	Channels map[string]channelConfig   `yaml:"channels"`
	Routes   []notify.RouteConfig       `yaml:"routes"`
	Fallback string                     `yaml:"fallback"` // channel that is told what another could not deliver; "": none
	Ops      []string                   `yaml:"ops"`      // channels that are told what the program has to say of itself
	Digests  []digestConfig             `yaml:"digests"`
	Metrics  metricsConfig              `yaml:"metrics"`

	path    string           // where it was read from; "" for the defaults
	root    document.Value   // the file, for places
	secrets []secretSetting  // in the order of the file
	broken  document.Faults  // what could not be decoded
	hidden  []document.Value // values that no fault may show: secrets, and what unknown keys have where secrets may stand
}

// secretSetting is a secret with its place.
type secretSetting struct {
	value *secret.Secret
	at    document.Value
}

type orgConfig struct {
	// Domains are the tenant's own mail domains; their subdomains count as own too.
	Domains []string `yaml:"domains"`
}

// geoConfig names the databases; without any, the embedded country table is used.
type geoConfig struct {
	City  pathList `yaml:"city"`
	ASN   pathList `yaml:"asn"`
	Table string   `yaml:"table"` // CSV of prefixes with their places, which goes before the databases
}

type storeConfig struct {
	Path     string          `yaml:"path"`     // default detect.db beside the configuration
	Events   durationSetting `yaml:"events"`   // how long records are kept; this version keeps none
	Lateness durationSetting `yaml:"lateness"` // default 72h
	Hold     durationSetting `yaml:"hold"`     // default 7d
}

// sourceConfig is one source; exactly one of its kinds is set.
type sourceConfig struct {
	Follow        *followSource        `yaml:"follow"`
	ManagementAPI *managementAPISource `yaml:"management_api"`
	Listen        *listenSource        `yaml:"listen"`
}

// followSource is a folder of files that are dropped in, or grow.
type followSource struct {
	Path string          `yaml:"path"`
	Name string          `yaml:"name"` // of the stream; default follow: and the path as it is written
	Poll durationSetting `yaml:"poll"` // how often it is looked through; default 1s
}

// managementAPISource is the Office 365 Management Activity API, which this version does not read.
type managementAPISource struct {
	Tenant       string          `yaml:"tenant"`
	ClientID     string          `yaml:"client_id"`
	ClientSecret secret.Secret   `yaml:"client_secret"`
	Content      []string        `yaml:"content"`
	Cloud        string          `yaml:"cloud"`
	Poll         durationSetting `yaml:"poll"`
	Endpoint     string          `yaml:"endpoint"`
	Login        string          `yaml:"login"`
}

// listenSource is HTTP push, which this version does not take.
type listenSource struct {
	Address string        `yaml:"address"`
	Token   secret.Secret `yaml:"token"`
	TLS     struct {
		Cert string `yaml:"cert"`
		Key  string `yaml:"key"`
	} `yaml:"tls"`
}

// channelConfig is one channel; exactly one of its kinds is set.
type channelConfig struct {
	Slack   *slack.Config   `yaml:"slack"`
	Email   *email.Config   `yaml:"email"`
	Webhook *webhook.Config `yaml:"webhook"`
}

// digestConfig is a summary at fixed times, which this version does not send.
type digestConfig struct {
	Schedule string   `yaml:"schedule"`
	To       []string `yaml:"to"`
}

type metricsConfig struct {
	Address string `yaml:"address"` // host:port; "": no metrics and no health
}

// pathList is one path or a list of them (separate files for IPv4 and IPv6).
type pathList []string

func (p *pathList) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*p = pathList{n.Value}
		return nil
	}
	if err := n.Decode((*[]string)(p)); err != nil {
		return errors.New("write one path, or [path, ...]")
	}
	return nil
}

// listConfig is the entries of a list, written out or in a file of one entry a line.
type listConfig struct {
	entries []string
	file    string
}

func (l *listConfig) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.SequenceNode && n.Decode(&l.entries) == nil {
		return nil
	}
	if n.Kind == yaml.MappingNode && len(n.Content) == 2 && n.Content[0].Value == "file" && n.Content[1].Kind == yaml.ScalarNode {
		l.file = n.Content[1].Value
		return nil
	}
	return errors.New("a list is written as [entry, ...] or {file: PATH}")
}

// durationSetting is a length of time such as 72h or 400d, microseconds.
type durationSetting int64

func (d *durationSetting) UnmarshalYAML(n *yaml.Node) error {
	us, ok := document.ParseDuration(n.Value)
	if !ok || us < 0 {
		return fmt.Errorf("%q is no length of time: write 90m, 72h or 7d", n.Value)
	}
	*d = durationSetting(us)
	return nil
}

// Duration is the setting as Go has it.
func (d durationSetting) Duration() time.Duration { return time.Duration(d) * time.Microsecond }

// defaultConfig is what holds where nothing is configured.
func defaultConfig() *config {
	return &config{Store: storeConfig{
		Lateness: durationSetting(72 * time.Hour / time.Microsecond),
		Hold:     durationSetting(7 * 24 * time.Hour / time.Microsecond),
	}}
}

// configError is everything that is wrong with a configuration.
type configError struct {
	faults document.Faults
}

func (e *configError) Error() string {
	lines := make([]string, 0, 1+len(e.faults))
	lines = append(lines, plural(len(e.faults), "fault")+" in the configuration")
	for _, f := range e.faults {
		lines = append(lines, shownFault(f))
	}
	return strings.Join(lines, "\n")
}

// loadConfig reads path, or detect.yaml in the working folder if path is "" and there is one, or else the defaults. What
// is wrong in the file is a *configError that knows every fault. No secret is looked up.
func loadConfig(path string) (*config, error) {
	c, err := readConfig(path)
	if err == nil && len(c.broken) > 0 {
		return nil, usageError(&configError{c.broken})
	}
	return c, err
}

// readConfig is loadConfig, but of a file that is YAML and not right gives what could be decoded, with the faults in broken.
func readConfig(path string) (*config, error) {
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
	if c.broken = c.parse(data); len(c.broken) > 0 && !c.root.Exists() {
		return nil, usageError(&configError{c.broken})
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

// parse decodes the file, with all that is wrong in what it holds by itself.
func (c *config) parse(data []byte) document.Faults {
	docs, faults := document.Parse(c.path, data)
	switch {
	case len(faults) > 0:
		return maskUnparsed(faults, data)
	case len(docs) > 1:
		line, col := docs[1].Place(0)
		return document.Faults{{File: c.path, Line: line, Col: col, Message: "one configuration is one YAML document; this is a second one"}}
	case len(docs) == 0:
		return nil
	}
	c.root = docs[0]
	report := &document.Report{}
	decoder := document.Decoder{Report: report, Root: "the configuration",
		Read: func(v document.Value, into any) {
			if s, ok := into.(*secret.Secret); ok {
				c.secrets = append(c.secrets, secretSetting{s, v})
				if !referred(s, v) {
					c.hidden = append(c.hidden, v)
				}
			}
		},
		Unread: func(key, v document.Value, what string) {
			section, _, _ := strings.Cut(what, ".")
			section, _, _ = strings.Cut(section, "[")
			if openSections[section] {
				return
			}
			c.hidden = append(c.hidden, v)
			if key.IsScalar() && (v.IsNull() || !keyLike.MatchString(key.Scalar())) { // a comma may have cut it off a secret
				c.hidden = append(c.hidden, key)
			}
		},
	}
	decoder.Decode(c.root, "", c)
	for _, ch := range c.root.At("channels").Entries() {
		for _, header := range ch.Value.At("webhook", "headers").Entries() {
			if header.Value.IsNull() { // as that of "Authorization:Bearer", where the blank after the colon is missing
				c.hidden = append(c.hidden, header.Key)
			}
		}
	}
	c.checkDomains(report)
	return document.Mask(report.Faults, c.hidden).Sort()
}

// keyLike is what may be a key that is misspelt. "token:xoxb-..." is one to YAML, where the blank after the colon is missing.
var keyLike = regexp.MustCompile(`^[A-Za-z_]{1,20}$`)

// referred says whether a secret only names where it is, which may be shown.
func referred(s *secret.Secret, v document.Value) bool { return s.Given() && v.IsMapping() }

func (c *config) checkDomains(r *document.Report) {
	for i, d := range c.Org.Domains {
		if message, hint := rules.CheckDomain(d); message != "" && d != "" { // that it is empty was told
			r.Add(c.root.At("org", "domains", strconv.Itoa(i)), 0, "org.domains: "+message, hint)
		}
	}
}

// resolve makes a path of the configuration relative to the configuration's folder.
func (c *config) resolve(path string) string {
	if path == "" || c.path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(c.path), path)
}

// storePath is the store's file.
func (c *config) storePath() string {
	if c.Store.Path != "" {
		return c.Store.Path
	}
	return c.resolve("detect.db")
}

// lists reads the configured lists.
func (c *config) lists() (map[string][]string, error) {
	out := make(map[string][]string, len(c.Lists))
	report := &document.Report{}
	for name, l := range c.Lists {
		if l.file == "" {
			out[name] = l.entries
			continue
		}
		data, err := os.ReadFile(c.resolve(l.file))
		if err != nil {
			report.Add(c.root.At("lists", name, "file"), 0, fmt.Sprintf("list %s: %v", escape.Terminal(name), err), "")
			continue
		}
		out[name] = rules.ParseList(string(data))
	}
	if len(report.Faults) > 0 {
		return nil, usageError(&configError{document.Mask(report.Faults, c.hidden).Sort()})
	}
	return out, nil
}
