// Package email sends alerts as mail: text and HTML of equal worth, one thread for each alert, through one SMTP server.
package email

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/mail"
	"strconv"
	"strings"

	"detect/internal/secret"
	"detect/notify"
)

// Config is a mail channel as it is configured.
type Config struct {
	To   []string `yaml:"to"`   // addresses, with or without a name
	From string   `yaml:"from"` // an address, with or without a name
	SMTP SMTP     `yaml:"smtp"`

	// Log is told of recipients that the server refused while it took others; nil: slog.Default().
	Log *slog.Logger `yaml:"-"`
}

// SMTP is the server that takes the mail.
type SMTP struct {
	Host string `yaml:"host"`
	Port int    `yaml:"port"` // 0: 587, with tls: tls 465, with tls: none 25
	// TLS is starttls (as if empty), tls or none. With starttls a server that does not offer it gets no mail, and the delivery
	// is tried again: an outage, a wrong port and somebody on the way who takes the offer away look alike.
	TLS      string        `yaml:"tls"`
	Username string        `yaml:"username"` // empty: no authentication
	Password secret.Secret `yaml:"password"`
	Hello    string        `yaml:"hello"` // the name to greet with; empty: that of this machine, or localhost
}

// The values of SMTP.TLS.
const (
	StartTLS = "starttls"
	Implicit = "tls"
	NoTLS    = "none"
)

// most recipients that a mail has: servers take 100 at least (RFC 5321, section 4.5.3.1.8).
const maxRecipients = 100

// Check finds what is wrong.
func (c *Config) Check() []notify.Problem {
	var found []notify.Problem
	add := func(message, hint string, path ...string) {
		found = append(found, notify.Problem{Path: path, Message: message, Hint: hint})
	}
	if len(c.To) == 0 {
		add("there is nobody to send to", "to: [soc@contoso.example]", "to")
	}
	if len(c.To) > maxRecipients {
		add(fmt.Sprintf("there are %d recipients, and servers take %d for sure", len(c.To), maxRecipients), "send to a distribution list", "to")
	}
	seen := map[string]bool{}
	for i, raw := range c.To {
		path := []string{"to", strconv.Itoa(i)}
		a, err := address(raw)
		if err != nil {
			add(err.Error(), "write soc@contoso.example or SOC <soc@contoso.example>", path...)
			continue
		}
		if seen[a.Address] {
			add(a.Address+" stands there twice", "", path...)
		}
		seen[a.Address] = true
	}
	if c.From == "" {
		add("there is no sender", "from: detect@contoso.example", "from")
	} else if _, err := address(c.From); err != nil {
		add(err.Error(), "write detect@contoso.example or Detect <detect@contoso.example>", "from")
	}
	for _, p := range c.SMTP.check() {
		p.Path = append([]string{"smtp"}, p.Path...)
		found = append(found, p)
	}
	return found
}

func (s *SMTP) check() []notify.Problem {
	var found []notify.Problem
	add := func(message, hint string, path ...string) {
		found = append(found, notify.Problem{Path: path, Message: message, Hint: hint})
	}
	switch {
	case s.Host == "":
		add("there is no server", "smtp: {host: smtp.contoso.example}", "host")
	case strings.ContainsAny(s.Host, "/@ \t\r\n[]") || strings.Contains(s.Host, ":") && net.ParseIP(s.Host) == nil:
		add("that is no host", "write the name alone, and the port under port", "host")
	}
	if s.Port < 0 || s.Port > 65535 {
		add("a port is a number from 1 to 65535", "", "port")
	}
	switch s.TLS {
	case "", StartTLS, Implicit, NoTLS:
	default:
		add("tls is starttls, tls or none", "", "tls")
	}
	switch {
	case s.Username == "" && s.Password.Given():
		add("there is a password and no username", "", "password")
	case s.Username != "" && !s.Password.Given():
		add("there is a username and no password", "", "username")
	case s.Username != "" && s.TLS == NoTLS && !loopback(s.Host):
		add("without TLS no password is sent, except to this machine", "tls: starttls", "tls")
	}
	if strings.ContainsFunc(s.Hello, func(r rune) bool { return r <= ' ' || r > '~' }) {
		add("the name to greet with is a host name", "", "hello")
	}
	return found
}

// port is the port to connect to.
func (s *SMTP) port() int {
	switch {
	case s.Port != 0:
		return s.Port
	case s.TLS == Implicit:
		return 465
	case s.TLS == NoTLS:
		return 25
	}
	return 587
}

// address reads one address.
func address(raw string) (*mail.Address, error) {
	a, err := mail.ParseAddress(raw)
	if err != nil || strings.ContainsFunc(raw, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return nil, fmt.Errorf("%q is no mail address", raw)
	}
	if strings.ContainsFunc(a.Address, func(r rune) bool { return r > '~' }) {
		return nil, errors.New("an address of other letters than ASCII is not supported: write its domain as xn--")
	}
	return a, nil
}

// loopback says whether a host is this machine, by its name alone: nothing is looked up.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}
