package slack

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"time"

	"detect/internal/secret"
	"detect/notify"
)

// Config says how a channel of Slack is reached: as an app, with Token and Channel, or with Webhook alone.
type Config struct {
	// Token is the bot token of an app (xoxb-...) with the scope chat:write. With channels:history and channels:read
	// (for a private channel groups:history and groups:read) nothing is posted twice after a crash.
	Token secret.Secret `yaml:"token"`
	// AppToken is an app-level token (xapp-...). Nothing uses it yet.
	AppToken secret.Secret `yaml:"app_token"`
	// Channel is where alerts go: "#name", or better the channel's id (C0123456789), which stays when it is renamed.
	Channel string `yaml:"channel"`
	// Webhook is the address of an incoming webhook, instead of Token and Channel. It is a secret: who knows it can post.
	Webhook secret.Secret `yaml:"webhook"`
	// API is the root of Slack's Web API; empty: https://slack.com/api/. Plain http goes to loopback addresses only.
	API string `yaml:"api"`
	// Pace is the time between two messages; 0: one second, which is what Slack asks for
	// (https://docs.slack.dev/apis/web-api/rate-limits).
	Pace time.Duration `yaml:"pace"`

	// Transport carries the requests; nil: one made from http.DefaultTransport. For tests.
	Transport http.RoundTripper `yaml:"-"`
	// Log is told when Slack refused the layout of a message and it was sent as plain text; nil: slog.Default().
	Log *slog.Logger `yaml:"-"`
}

const (
	defaultAPI  = "https://slack.com/api/"
	defaultPace = time.Second
)

// channelID is the form of the ids of channels, private channels and direct messages.
var channelID = regexp.MustCompile(`^[CGD][A-Z0-9]{7,}$`)

// channelName is a channel's name as Slack allows it, with # before it: no capitals, blanks or dots, 80 characters at most.
var channelName = regexp.MustCompile(`^#[^\s\p{Lu}.,:;<>@#*]{1,80}$`)

// Check finds what is wrong with it, before or after its secrets were looked up. Nothing found means that New succeeds
// once they are.
func (c *Config) Check() []notify.Problem {
	var found []notify.Problem
	report := func(key, hint, format string, args ...any) {
		found = append(found, notify.Problem{Path: []string{key}, Message: fmt.Sprintf(format, args...), Hint: hint})
	}
	switch {
	case c.Webhook.Given() && c.Token.Given():
		report("webhook", "keep token and channel: an app can edit its messages", "both a webhook and a token are given")
	case c.Webhook.Given():
		if c.Channel != "" {
			report("channel", "leave it out, or use a token", "an incoming webhook posts to the channel that it was made for")
		}
		if v := c.Webhook.Reveal(); v != "" {
			if reason := badAddress(v); reason != "" {
				report("webhook", "copy the address from the app's page \"Incoming Webhooks\"", "the webhook's address %s", reason)
			}
		}
	case !c.Token.Given():
		report("token", "write token: {env: SLACK_BOT_TOKEN}", "there is neither a token nor a webhook")
	default:
		c.checkToken(report)
	}
	if c.API != "" {
		if reason := badAddress(c.API); reason != "" {
			report("api", "leave it out for "+defaultAPI, "the address of the API %s", reason)
		}
	}
	if c.Pace < 0 || c.Pace > time.Minute {
		report("pace", "write 1s, or leave it out", "a pace of %s is not between 0 and 1m", c.Pace)
	}
	return found
}

func (c *Config) checkToken(report func(key, hint, format string, args ...any)) {
	if v := c.Token.Reveal(); strings.HasPrefix(v, "xapp-") {
		report("token", "use the \"Bot User OAuth Token\" of the page \"OAuth & Permissions\"; it begins with xoxb-",
			"this is an app-level token, which can't post")
	} else if strings.ContainsFunc(v, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		report("token", "", "the token holds blanks or other characters that no token has")
	}
	switch {
	case c.Channel == "":
		report("channel", `write channel: "#name" or the channel's id`, "no channel is given")
	case !channelID.MatchString(c.Channel) && !channelName.MatchString(c.Channel):
		report("channel", `write "#name" in quotes, or the channel's id from the bottom of its details`,
			"%q is neither the name of a channel nor an id", c.Channel)
	}
}

// badAddress says why an address is no place for secrets, without repeating it; empty: it is one.
func badAddress(address string) string {
	u, err := url.Parse(address)
	switch {
	case err != nil, u.Host == "":
		return "is no URL"
	case u.Scheme == "https", u.Scheme == "http" && loopback(u.Hostname()):
		return ""
	case u.Scheme == "http":
		return "must begin with https, since it carries a secret"
	}
	return "must begin with https"
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// transport is for one channel: its own connections, nothing kept open for ever, no redirect followed with a secret.
func (c *Config) client() *http.Client {
	carrier := c.Transport
	if carrier == nil {
		own := http.DefaultTransport.(*http.Transport).Clone()
		own.DialContext = (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext
		own.MaxIdleConnsPerHost = 2
		carrier = own
	}
	return &http.Client{
		Transport:     bounded{carrier},
		Timeout:       30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
