// Package slack tells alerts in a channel of Slack: one message an alert, edited as the alert changes, with what is worth
// reading said again in its thread.
package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	api "github.com/slack-go/slack"
	"golang.org/x/time/rate"

	"detect/engine"
	"detect/notify"
	"detect/rules/hit"
)

// Channel is one channel of Slack, reached as an app or by an incoming webhook. It implements notify.Channel.
type Channel struct {
	name    string // in the configuration
	to      string // the channel as configured: #name or id
	web     *api.Client
	http    *http.Client
	webhook string // the address of the incoming webhook; a secret; empty with an app
	pace    *rate.Limiter
	log     *slog.Logger

	mu sync.Mutex
	id string // of the channel, once Slack named it
}

var _ notify.Channel = (*Channel)(nil)

// New makes the channel that the configuration calls name. The secrets of cfg must have been looked up. It sends nothing.
func New(name string, cfg Config) (*Channel, error) {
	if found := cfg.Check(); len(found) > 0 {
		return nil, fmt.Errorf("slack channel %s: %s: %s", name, strings.Join(found[0].Path, "."), found[0].Message)
	}
	c := &Channel{name: name, to: cfg.Channel, http: cfg.client(), log: cfg.Log}
	if c.log == nil {
		c.log = slog.Default()
	}
	pace := cfg.Pace
	if pace == 0 {
		pace = defaultPace
	}
	c.pace = rate.NewLimiter(rate.Every(pace), 1)
	if cfg.Webhook.Given() {
		if c.webhook = cfg.Webhook.Reveal(); c.webhook == "" {
			return nil, fmt.Errorf("slack channel %s: the webhook's address was not looked up", name)
		}
		return c, nil
	}
	if cfg.Token.Reveal() == "" {
		return nil, fmt.Errorf("slack channel %s: the token was not looked up", name)
	}
	root := cfg.API
	if root == "" {
		root = defaultAPI
	}
	if !strings.HasSuffix(root, "/") {
		root += "/"
	}
	c.web = api.New(cfg.Token.Reveal(), api.OptionAPIURL(root), api.OptionHTTPClient(c.http))
	if channelID.MatchString(c.to) {
		c.id = c.to
	}
	return c, nil
}

// Format prints the channel's name for every verb: what it holds is secret.
func (c *Channel) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("slack channel " + c.name)) }

// Kind is slack.
func (c *Channel) Kind() string { return "slack" }

// EachRevision is false: a message shows the latest revision and what changed since the one before it.
func (c *Channel) EachRevision() bool { return false }

// Limits says, for the log at the start, what the configuration keeps the channel from doing; empty: nothing.
func (c *Channel) Limits() string {
	if c.webhook == "" {
		return ""
	}
	return "an incoming webhook can't edit messages or answer in threads: growth is told in a new message every 15 minutes at most, " +
		"and after a crash a message may be repeated; use token and channel instead"
}

// growth is how long a webhook waits between two messages that say only that an alert grew.
const growth = 15 * time.Minute

// Plan skips what nobody need read: that an alert is final, and, if the channel was never told of an alert, that it
// was withdrawn or merged into another; unless it stands in for a channel that may have been told of the alert before. A
// webhook, which can't edit, tells of growth every 15 minutes at most.
func (c *Channel) Plan(m *notify.Message) notify.Plan {
	never := m.Sent == 0 || m.SentAt == 0 // of a revision that was skipped there is no time
	if never && !m.Alert.Status.Standing() && !m.Uncertain && m.Via == "" {
		return notify.Plan{Skip: true, Why: "it was " + m.Alert.Status.String() + " before the channel was told of it"}
	}
	if m.Sent == 0 {
		return notify.Plan{Why: "the channel was not told of it yet"}
	}
	shown := false
	for _, change := range m.Changes {
		shown = shown || change.Reason != engine.Finished
	}
	if !shown {
		return notify.Plan{Skip: true, Why: "nothing that is shown changed"}
	}
	told := parse(m.Receipt)
	switch {
	case told == nil:
		return notify.Plan{Why: "there is no message about it that can be edited"}
	case c.webhook == "":
		return notify.Plan{Why: "the message is edited"}
	}
	if len(notable(m, told.Severity, m.Sent)) > 0 {
		return notify.Plan{Why: "worth a message of its own"}
	}
	return notify.Plan{At: time.UnixMicro(m.SentAt).Add(growth), Why: "growth within 15 minutes of the last message"}
}

// Send posts the message of an alert, or edits the one that there is, and answers in its thread what is worth reading.
func (c *Channel) Send(ctx context.Context, m *notify.Message) ([]byte, error) {
	var told *receipt
	var err error
	if c.webhook != "" {
		told, err = c.sendWebhook(ctx, m)
	} else {
		told, err = c.sendApp(ctx, m)
	}
	if err != nil {
		return nil, err
	}
	told.Severity = m.Alert.Severity
	return json.Marshal(told)
}

// Tell posts a notice.
func (c *Channel) Tell(ctx context.Context, n *notify.Notice) error {
	said := noticeMessage(n)
	if c.webhook != "" {
		return c.hook(ctx, said)
	}
	_, err := c.post(ctx, said, nil)
	return err
}

// receipt is what is remembered of a message.
type receipt struct {
	Channel  string       `json:"channel,omitempty"` // the id, which edits need even where a name was configured
	TS       string       `json:"ts,omitempty"`      // Slack's name of the message within its channel; empty after a webhook
	Severity hit.Severity `json:"severity"`          // that the channel was told last
}

// parse reads a receipt; nil if it is none.
func parse(b []byte) *receipt {
	var r receipt
	if len(b) == 0 || json.Unmarshal(b, &r) != nil {
		return nil
	}
	return &r
}

// wait keeps the pace.
func (c *Channel) wait(ctx context.Context) error {
	if err := c.pace.Wait(ctx); err != nil {
		if ctx.Err() != nil {
			return &notify.NotSent{Err: ctx.Err()}
		}
		return &notify.NotSent{Err: errors.New("there is no time left to keep the pace of " + c.name)}
	}
	return nil
}

// place is the id of the channel, if it is known yet.
func (c *Channel) place() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.id
}

func (c *Channel) learn(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.id == "" && channelID.MatchString(id) {
		c.id = id
	}
}
