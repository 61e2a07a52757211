package slack

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"time"

	"detect/internal/secret"
	"detect/notify"
	"detect/notify/notifytest"
	"detect/notify/slack/scripted"
)

// logged is a log that several goroutines write.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// open makes a channel for a scripted Slack. what changes the configuration.
func open(t interface {
	Helper()
	Fatal(args ...any)
}, s *scripted.Server, what ...func(*Config)) (*Channel, *logged) {
	t.Helper()
	log := &logged{}
	cfg := Config{Token: secret.Of(scripted.Token), Channel: scripted.ChannelName, API: scripted.API, Transport: s.Transport(),
		Log: slog.New(slog.NewTextHandler(log, nil))}
	for _, change := range what {
		change(&cfg)
	}
	c, err := New("soc", cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c, log
}

// byWebhook is the configuration of an incoming webhook.
func byWebhook(cfg *Config) {
	cfg.Token, cfg.Channel, cfg.API, cfg.Webhook = secret.Secret{}, "", "", secret.Of(scripted.Webhook)
}

// byID names the channel by its id.
func byID(cfg *Config) { cfg.Channel = scripted.ChannelID }

// fine fails if the service found anything wrong.
func fine(t *testing.T, s *scripted.Server) {
	t.Helper()
	for _, v := range s.Violations() {
		t.Errorf("slack complains: %s", v)
	}
}

// send sends, and fails if it fails.
func send(t *testing.T, c *Channel, m *notify.Message) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	receipt, err := c.Send(ctx, m)
	if err != nil {
		t.Fatal(err)
	}
	return receipt
}

// told is m after a channel was told of what came before it.
func told(m *notify.Message, receipt []byte) *notify.Message {
	m.Receipt = receipt
	return m
}

func TestContract(t *testing.T) {
	for name, config := range map[string]func(*Config){"app": func(*Config) {}, "webhook": byWebhook} {
		t.Run(name, func(t *testing.T) {
			notifytest.Contract(t, func(t *testing.T) *notifytest.Fixture { return fixture(t, config) })
		})
	}
}

// fixture is a channel and a scripted Slack for the contract.
func fixture(t *testing.T, config func(*Config)) *notifytest.Fixture {
	s := scripted.New()
	s.Pace(0, 0)
	var off bool
	carrier := roundTrip(func(r *http.Request) (*http.Response, error) {
		if off {
			return nil, syscall.ECONNREFUSED
		}
		return s.Transport().RoundTrip(r)
	})
	c, log := open(t, s, config, func(cfg *Config) { cfg.Transport, cfg.Pace = carrier, 1 })
	faults := map[notifytest.Answer]scripted.Fault{
		notifytest.RateLimited:  scripted.RateLimited(notifytest.RetryAfterSeconds * time.Second),
		notifytest.ServerError:  scripted.Status(500),
		notifytest.Unauthorized: scripted.Refuse("invalid_auth"),
		notifytest.Forbidden:    scripted.Status(403),
		notifytest.NotFound:     scripted.Refuse("channel_not_found"),
		notifytest.Reset:        scripted.Reset(false),
		notifytest.Hang:         scripted.Hang(false),
	}
	return &notifytest.Fixture{
		Channel: c,
		Answer: func(a notifytest.Answer) {
			off = a == notifytest.Refused
			s.Down(nil)
			if f, ok := faults[a]; ok {
				s.Down(&f)
			}
		},
		Received: func() int {
			n := 0
			for _, m := range s.Messages() {
				n += 1 + len(m.Earlier)
			}
			return n
		},
		Violations: s.Violations,
		Logged:     log.String,
		Secrets:    []string{scripted.Token, scripted.WebhookPath},
	}
}
