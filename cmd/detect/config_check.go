package main

import (
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"time"

	"detect/internal/secret"
	"detect/notify"
	"detect/notify/escape"
	"detect/rules/document"
	"detect/rules/expr"
	"detect/rules/template"
)

// configCheck collects what is wrong with a configuration, or odd.
type configCheck struct {
	*config
	faults, warnings document.Report
}

// checkRun looks up the secrets and finds everything that keeps the daemon from running with this configuration: a
// *configError that knows every fault. What works and is probably not meant is a warning. Nothing is connected to.
func (c *config) checkRun() (warnings document.Faults, err error) {
	k := &configCheck{config: c}
	k.checkSources()
	k.checkSecrets()
	k.checkReaders()
	k.checkChannels()
	_, problems := c.router()
	k.problems(nil, problems)
	k.checkOps()
	k.checkRest()
	warnings = document.Mask(k.warnings.Faults, c.hidden).Sort()
	if faults := slices.Concat(c.broken, k.faults.Faults); len(faults) > 0 {
		return warnings, usageError(&configError{document.Mask(faults, c.hidden).Sort()})
	}
	return warnings, nil
}

// fault notes a fault at the place that keys and indexes lead to.
func (k *configCheck) fault(hint, message string, path ...string) {
	if !k.follows(path) {
		k.faults.Add(k.root.At(path...), 0, message, hint)
	}
}

// follows says whether what is wrong at path may only follow from what could not be decoded beside it.
func (k *configCheck) follows(path []string) bool {
	if len(k.broken) == 0 {
		return false
	}
	first, last := k.root.At(path[:min(len(path), 2)]...).Lines()
	return slices.ContainsFunc(k.broken, func(f document.Fault) bool { return f.Line >= first && f.Line <= last })
}

func (k *configCheck) warn(hint, message string, path ...string) {
	k.warnings.Add(k.root.At(path...), 0, message, hint)
}

// problems notes what others found in the part of the configuration that is theirs, which base leads to.
func (k *configCheck) problems(base []string, list []notify.Problem) {
	for _, p := range list {
		path := slices.Concat(base, p.Path)
		switch {
		case p.Lint:
			k.warnings.Add(k.root.At(path...), p.Offset, p.Message, p.Hint)
		case !k.follows(path):
			k.faults.Add(k.root.At(path...), p.Offset, p.Message, p.Hint)
		}
	}
}

// router decides which channel is told of an alert. Its problems have paths from the configuration's root.
func (c *config) router() (*notify.Router, []notify.Problem) {
	return notify.NewRouter(c.Routes, c.channelNames(), c.Fallback)
}

// channelNames is the names of the channels in the order of the file.
func (c *config) channelNames() []string {
	var names []string
	for _, e := range c.root.At("channels").Entries() {
		if name := e.Key.Scalar(); !slices.Contains(names, name) {
			if _, ok := c.Channels[name]; ok {
				names = append(names, name)
			}
		}
	}
	return names
}

func (k *configCheck) checkSources() {
	paths, names := map[string]int{}, map[string]int{"stdin": -1}
	for i, s := range k.Sources {
		at := func(rest ...string) []string { return append([]string{"sources", strconv.Itoa(i)}, rest...) }
		switch kinds := countSet(s.Follow != nil, s.ManagementAPI != nil, s.Listen != nil); {
		case kinds == 0:
			k.fault("write follow: {path: /var/spool/o365}", "the source is of no kind", at()...)
		case kinds > 1:
			k.fault("begin each source with a dash of its own", "a source is of one kind", at()...)
		case s.ManagementAPI != nil:
			k.fault("write the records to a folder and follow it", "this version of detect does not fetch from the Management Activity API", at("management_api")...)
		case s.Listen != nil:
			k.fault("write the records to a folder and follow it", "this version of detect does not take records over HTTP", at("listen")...)
		case s.Follow.Path == "":
			k.fault("write path: /var/spool/o365", "the folder to follow is missing", at("follow")...)
		default:
			spec := k.spec(s.Follow)
			if first, ok := paths[spec.Path]; ok {
				k.fault("two that read the same files would tell every record twice", fmt.Sprintf("source %d follows this folder already", first+1), at("follow", "path")...)
			} else if first, ok := names[spec.Name]; ok && first >= 0 {
				k.fault("how far a source was read is kept under its name", fmt.Sprintf("source %d has this name already", first+1), at("follow", "name")...)
			} else if ok {
				k.fault("", "this name is that of standard input", at("follow", "name")...)
			}
			paths[spec.Path], names[spec.Name] = i, i
			if p := s.Follow.Poll.Duration(); p != 0 && (p < 100*time.Millisecond || p > time.Hour) {
				k.fault("1s is the default", "poll must be between 100ms and 1h", at("follow", "poll")...)
			}
		}
	}
}

// countSet is how many are true.
func countSet(set ...bool) (n int) {
	for _, b := range set {
		if b {
			n++
		}
	}
	return n
}

// checkSecrets looks up every secret of what this version uses.
func (k *configCheck) checkSecrets() {
	var unused []*secret.Secret
	for _, s := range k.Sources {
		if s.ManagementAPI != nil {
			unused = append(unused, &s.ManagementAPI.ClientSecret)
		}
		if s.Listen != nil {
			unused = append(unused, &s.Listen.Token)
		}
	}
	for _, s := range k.secrets {
		if slices.Contains(unused, s.value) || !s.value.Given() && !s.at.IsScalar() {
			continue
		}
		if err := s.value.Resolve(k.resolve); err != nil {
			k.faults.Add(s.at, 0, "the secret can't be had: "+escape.Terminal(err.Error()), "")
			continue
		}
		if path := k.secretFile(s); path != "" {
			if info, err := os.Stat(path); err == nil && readByOthers(info) {
				k.warnings.Add(s.at, 0, "every user of this machine can read "+escape.Terminal(path), "chmod 600 "+escape.Terminal(path))
			}
		}
	}
}

// secretFile is the file that a secret stands in, or "".
func (c *config) secretFile(s secretSetting) string {
	if !s.at.IsMapping() {
		return ""
	}
	if file := s.at.At("file"); file.IsScalar() {
		return c.resolve(file.Scalar())
	}
	return ""
}

func readByOthers(info fs.FileInfo) bool {
	return runtime.GOOS != "windows" && info.Mode().Perm()&0o004 != 0
}

// checkReaders warns of secrets in a file that everybody can read.
func (k *configCheck) checkReaders() {
	info, err := os.Stat(k.path)
	if err != nil || !readByOthers(info) {
		return
	}
	for _, s := range k.secrets {
		if s.at.IsScalar() && s.value.Given() {
			k.warnings.Add(s.at, 0, "a secret stands in this file, which every user of this machine can read",
				"write {env: NAME} or {file: PATH} instead, or chmod 600 "+escape.Terminal(k.path))
			return
		}
	}
}

// channelName is what a channel may be called: its name stands in logs, in labels of metrics and in the store.
var channelName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

func (k *configCheck) checkChannels() {
	for _, name := range k.channelNames() {
		ch, at := k.Channels[name], []string{"channels", name}
		if !channelName.MatchString(name) {
			k.fault("use letters, digits, dots, dashes and underscores, at most 64", fmt.Sprintf("%q is no name for a channel", name), at...)
		}
		switch kinds := countSet(ch.Slack != nil, ch.Email != nil, ch.Webhook != nil); {
		case kinds == 0:
			k.fault("write slack: {...}, email: {...} or webhook: {...}", fmt.Sprintf("the channel %s is of no kind", name), at...)
		case kinds > 1:
			k.fault("make a channel of each", fmt.Sprintf("the channel %s is of more than one kind", name), at...)
		case ch.Slack != nil:
			k.problems(append(at, "slack"), ch.Slack.Check())
		case ch.Email != nil:
			k.problems(append(at, "email"), ch.Email.Check())
		case ch.Webhook != nil:
			k.problems(append(at, "webhook"), ch.Webhook.Check())
		}
	}
}

func (k *configCheck) checkOps() {
	names := k.channelNames()
	known := func(name string, path ...string) {
		if slices.Contains(names, name) {
			return
		}
		hint := "configure it under channels"
		if near := expr.Nearest(name, names); near != "" {
			hint = fmt.Sprintf("did you mean %s?", near)
		}
		k.fault(hint, fmt.Sprintf("there is no channel %q", name), path...)
	}
	for i, name := range k.Ops {
		known(name, "ops", strconv.Itoa(i))
	}
	for i, d := range k.Digests {
		for j, name := range d.To {
			known(name, "digests", strconv.Itoa(i), "to", strconv.Itoa(j))
		}
	}
}

func (k *configCheck) checkRest() {
	if a := k.Metrics.Address; a != "" {
		_, port, err := net.SplitHostPort(a)
		if n, portErr := strconv.Atoi(port); err != nil || portErr != nil || n < 0 || n > 65535 {
			k.fault("write 127.0.0.1:9464", fmt.Sprintf("%q is no address to listen on", a), "metrics", "address")
		}
	}
	if len(k.Digests) > 0 {
		k.warn("", "this version of detect sends no digests", "digests")
	}
	if k.Store.Events != 0 {
		k.warn("", "this version of detect keeps no records in its store", "store", "events")
	}
	for _, name := range sortedKeys(k.Settle) {
		if name != "default" && k.Settle[name].Duration() > k.settle(true) {
			k.warn("", fmt.Sprintf("this version of detect waits equally long for all workloads: %s, the longest", template.Duration(k.settle(false))), "settle", name)
			return
		}
	}
}

// defaultSettle is how long after an event its absence may be said, unless it is configured.
const defaultSettle = 2 * time.Hour

// settle is how long to wait before it is said that something did not happen: the longest that is configured, or the
// default alone.
func (c *config) settle(defaultOnly bool) time.Duration {
	longest := defaultSettle
	if d, ok := c.Settle["default"]; ok {
		longest = d.Duration()
	}
	for _, d := range c.Settle {
		if !defaultOnly {
			longest = max(longest, d.Duration())
		}
	}
	return longest
}

// sourceSpec is a folder to follow.
type sourceSpec struct {
	Path string        // absolute, cleaned
	Name string        // of the stream
	Poll time.Duration // 0: the default
}

func (c *config) spec(f *followSource) sourceSpec {
	path := c.resolve(f.Path)
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	s := sourceSpec{Path: filepath.Clean(path), Name: f.Name, Poll: f.Poll.Duration()}
	if s.Name == "" {
		s.Name = "follow:" + f.Path
	}
	return s
}

// sourceSpecs is the folders to follow, of a configuration that checkRun found nothing in.
func (c *config) sourceSpecs() []sourceSpec {
	var list []sourceSpec
	for _, s := range c.Sources {
		if s.Follow != nil {
			list = append(list, c.spec(s.Follow))
		}
	}
	return list
}

// watched is the files and folders that what runs was made of: the configuration, list files, rule folders and files,
// files with secrets, databases of places. Folders stand for what is in them.
func (c *config) watched() []string {
	if c.path == "" {
		return nil
	}
	list := []string{c.path}
	for _, name := range sortedKeys(c.Lists) {
		if l := c.Lists[name]; l.file != "" {
			list = append(list, c.resolve(l.file))
		}
	}
	for _, r := range c.Rules {
		if r != "pack" {
			list = append(list, r)
		}
	}
	for _, s := range c.secrets {
		if path := c.secretFile(s); path != "" {
			list = append(list, path)
		}
	}
	list = slices.Concat(list, c.Geo.City, c.Geo.ASN)
	if c.Geo.Table != "" {
		list = append(list, c.Geo.Table)
	}
	return list
}
