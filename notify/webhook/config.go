// Package webhook tells another program of alerts: one HTTP POST of JSON for each revision, in order, signed so that the
// receiver can tell that it came from here, is whole and is fresh.
package webhook

import (
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"net/url"
	"sort"
	"strings"

	"detect/internal/secret"
	"detect/notify"
)

// Config is a webhook as it is configured.
type Config struct {
	// URL is where to post. It is kept secret, since many services put a token into it. https, or http to this machine.
	URL secret.Secret `yaml:"url"`
	// Secret is the key of the signature; without one requests are not signed.
	Secret secret.Secret `yaml:"secret"`
	// Headers are sent with each request, such as Authorization.
	Headers map[string]*secret.Secret `yaml:"headers"`
}

// own are the headers that a configuration can't set, since the channel or HTTP itself does.
var own = map[string]bool{
	"Host": true, "Content-Length": true, "Content-Type": true, "Content-Encoding": true, "Transfer-Encoding": true,
	"Connection": true, "Upgrade": true, "Trailer": true, "Te": true, "Expect": true,
	"Idempotency-Key": true, HeaderTimestamp: true, HeaderSignature: true,
}

// Check finds what is wrong, the address and the values of headers only once their secrets are resolved.
func (c *Config) Check() []notify.Problem {
	var found []notify.Problem
	if !c.URL.Given() {
		found = append(found, notify.Problem{Path: []string{"url"}, Message: "there is no address to post to", Hint: "url: https://siem.contoso.example/detect"})
	} else if raw := c.URL.Reveal(); raw != "" {
		if _, err := address(raw); err != nil {
			found = append(found, notify.Problem{Path: []string{"url"}, Message: err.Error(), Hint: "write https://host/path"})
		}
	}
	names := make([]string, 0, len(c.Headers))
	for name := range c.Headers {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		path, value := []string{"headers", name}, c.Headers[name]
		switch {
		case !token(name):
			found = append(found, notify.Problem{Path: path, Message: fmt.Sprintf("%q is no name of a header", name)})
		case own[textproto.CanonicalMIMEHeaderKey(name)]:
			found = append(found, notify.Problem{Path: path, Message: name + " is set by detect itself"})
		case value == nil || !value.Given():
			found = append(found, notify.Problem{Path: path, Message: "the header has no value"})
		case strings.ContainsFunc(value.Reveal(), control):
			found = append(found, notify.Problem{Path: path, Message: "the value holds characters that no header may hold", Hint: "look for a line end in it"})
		}
	}
	return found
}

// token says whether s may be the name of a header (RFC 9110, section 5.6.2).
func token(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	})
}

// control says whether a rune may not stand in the value of a header.
func control(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

// address reads where to post. No error holds any of it.
func address(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return nil, errors.New("the address can't be read")
	case u.Host == "" || u.Hostname() == "" || u.Opaque != "":
		return nil, errors.New("the address has no host")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return nil, errors.New("an address without TLS is for this machine alone: alerts would cross the network in the clear")
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("the address is neither https nor http")
	}
	u.Fragment = ""
	return u, nil
}

// loopback says whether a host is this machine, by its name alone: nothing is looked up.
func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
