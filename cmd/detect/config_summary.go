package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"

	"detect/notify/escape"
	"detect/rules/document"
)

// configSummary is what a configuration does, in words, as `detect check --config FILE` prints it. It holds no secret.
type configSummary struct {
	File     string           `json:"file"`
	Store    string           `json:"store"`
	Sources  []string         `json:"sources"`
	Rules    []string         `json:"rules"`
	Routes   []routeSummary   `json:"routes"`
	Channels []channelSummary `json:"channels"`
	Fallback string           `json:"fallback,omitempty"`
	Ops      []string         `json:"ops"`
	Metrics  string           `json:"metrics,omitempty"`
}

type routeSummary struct {
	Catches string   `json:"catches"`
	To      []string `json:"to"`
}

type channelSummary struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
	To   string `json:"to"` // without what may be secret
}

// checkWhole verifies a configuration for the daemon, secrets and channels included. Nothing is connected to. The summary
// is nil if there are faults.
func (c *config) checkWhole() (faults, warnings document.Faults, summary *configSummary) {
	warnings, err := c.checkRun()
	var wrong *configError
	if errors.As(err, &wrong) {
		return append(faults, wrong.faults...), warnings, nil
	}
	channels, err := c.openChannels(slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		faults = append(faults, document.Fault{File: c.path, Message: escape.Terminal(err.Error())})
	}
	for _, name := range c.channelNames() {
		if limited, ok := channels[name].(interface{ Limits() string }); ok && limited.Limits() != "" {
			line, col := c.root.At("channels", name).Begin()
			warnings = append(warnings, document.Fault{File: c.path, Line: line, Col: col, Message: fmt.Sprintf("channel %s: %s", name, limited.Limits())})
		}
	}
	if len(faults) > 0 {
		return faults, warnings.Sort(), nil
	}
	return nil, warnings.Sort(), c.summary()
}

func (c *config) summary() *configSummary {
	s := &configSummary{
		File: c.path, Store: c.storePath(), Sources: []string{}, Rules: c.Rules, Routes: []routeSummary{}, Channels: []channelSummary{},
		Fallback: c.Fallback, Ops: c.Ops, Metrics: c.Metrics.Address,
	}
	for _, source := range c.sourceSpecs() {
		s.Sources = append(s.Sources, "files in "+source.Path+unreadable(source.Path))
	}
	if len(c.Sources) == 0 {
		s.Sources = append(s.Sources, "standard input")
	}
	if len(s.Rules) == 0 {
		s.Rules = []string{"pack"}
	}
	if s.Ops == nil {
		s.Ops = []string{}
	}
	names := c.channelNames()
	for _, name := range names {
		ch := c.Channels[name]
		s.Channels = append(s.Channels, channelSummary{Name: name, Kind: ch.kind(), To: ch.destination()})
	}
	for i, r := range c.Routes {
		route := routeSummary{Catches: strings.Join(strings.Fields(r.When), " "), To: []string{}}
		switch {
		case route.Catches == "" && i == 0:
			route.Catches = "every alert"
		case route.Catches == "":
			route.Catches = "every other alert"
		}
		if r.To != nil {
			route.To = append(route.To, *r.To...)
		}
		s.Routes = append(s.Routes, route)
	}
	switch {
	case len(c.Routes) == 0 && len(names) > 0:
		s.Routes = append(s.Routes, routeSummary{"every alert", names})
	case len(c.Routes) > 0 && c.Routes[len(c.Routes)-1].When != "" && c.Fallback != "":
		s.Routes = append(s.Routes, routeSummary{"every other alert", []string{c.Fallback}})
	}
	return s
}

// unreadable says why a folder can't be followed now; "" if it can. That is no fault: a share may be mounted later.
func unreadable(path string) string {
	info, err := os.Stat(path)
	if err == nil {
		if !info.IsDir() {
			return " (which is no folder)"
		}
		var folder *os.File
		if folder, err = os.Open(path); err == nil {
			_ = folder.Close()
			return ""
		}
	}
	var cause *fs.PathError
	if errors.As(err, &cause) {
		err = cause.Err
	}
	return fmt.Sprintf(" (which can't be read now: %v)", err)
}

// destination says where a channel leads, without what may be secret.
func (c channelConfig) destination() string {
	switch {
	case c.Slack != nil && c.Slack.Webhook.Given():
		return "the channel of its incoming webhook"
	case c.Slack != nil:
		return c.Slack.Channel
	case c.Email != nil:
		host := c.Email.SMTP.Host
		if c.Email.SMTP.Port != 0 {
			host = net.JoinHostPort(host, strconv.Itoa(c.Email.SMTP.Port))
		}
		return strings.Join(c.Email.To, ", ") + " through " + host
	case c.Webhook != nil && c.Webhook.Secret.Given():
		return "an address, signed"
	case c.Webhook != nil:
		return "an address, not signed"
	}
	return ""
}

// writeText prints the summary for a person.
func (c *configSummary) writeText(w io.Writer, s *screen) {
	row := func(name string, lines ...string) {
		for i, line := range lines {
			if i > 0 {
				name = ""
			}
			for j, part := range wrap(escape.Terminal(line), s.width-14) {
				if j > 0 {
					name = ""
				}
				fmt.Fprintf(w, "  %s  %s\n", s.paint(dim, pad(name, 9)), part)
			}
		}
	}
	fmt.Fprintln(w, s.paint(bold, escape.Terminal(c.File)))
	row("reads", c.Sources...)
	row("rules", strings.Join(c.Rules, ", "))
	row("store", c.Store)
	var lines []string
	for _, ch := range c.Channels {
		lines = append(lines, ch.Name+": "+ch.Kind+", "+ch.To)
	}
	if len(lines) == 0 {
		lines = []string{"none: alerts are printed on standard output"}
	}
	row("channels", lines...)
	lines = nil
	for _, r := range c.Routes {
		to := strings.Join(r.To, ", ")
		if to == "" {
			to = "nobody"
		}
		lines = append(lines, r.Catches+" -> "+to)
	}
	row("routes", lines...)
	if c.Fallback != "" {
		row("fallback", c.Fallback+", for what another channel can't deliver")
	}
	if len(c.Ops) > 0 {
		row("ops", strings.Join(c.Ops, ", ")+", for what detect has to say of itself")
	}
	if c.Metrics != "" {
		row("metrics", "http://"+c.Metrics+"/metrics, /healthz and /readyz")
	}
}
