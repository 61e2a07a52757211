package email

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	smtpd "github.com/emersion/go-smtp"

	"detect/notify"
	"detect/notify/notifytest"
)

func refuse(code int, words string) error {
	return &smtpd.SMTPError{Code: code, EnhancedCode: smtpd.EnhancedCode{code / 100, 7, 1}, Message: words}
}

// kind names what an error means for a delivery.
func kind(err error) string {
	var permanent *notify.Permanent
	var none *notify.NotSent
	switch {
	case err == nil:
		return "sent"
	case errors.As(err, &none) && none.Unreachable:
		return "away"
	case errors.As(err, &permanent):
		return "permanent"
	case notify.Certain(err):
		return "retry"
	}
	return "uncertain"
}

func TestSendMeetsWhatServersDo(t *testing.T) {
	for _, c := range []struct {
		name  string
		setup setup
		conf  func(*Config)
		does  func(*server)
		want  string
		words string // in the error
	}{
		{name: "STARTTLS", want: "sent"},
		{name: "TLS from the beginning", setup: setup{implicit: true}, conf: func(c *Config) { c.SMTP.TLS = Implicit }, want: "sent"},
		{name: "no TLS to this machine", setup: setup{noTLS: true}, conf: func(c *Config) { c.SMTP.TLS = NoTLS }, want: "sent"},
		{name: "authentication", conf: withPassword, want: "sent"},
		{name: "no STARTTLS where it is required", setup: setup{noTLS: true}, conf: withPassword, want: "away", words: "offers no STARTTLS"},
		{name: "certificate for another host", setup: setup{name: "mx.other.test"}, conf: withPassword, want: "away", words: "certificate"},
		{name: "wrong password", conf: withPassword, does: func(s *server) {
			s.auth = func(user, word string) error { return refuse(535, "no "+user+" with "+word+"\x1b[31m") }
		}, want: "permanent", words: "smtp.password"},
		{name: "authentication fails for now", conf: withPassword, does: func(s *server) {
			s.auth = func(string, string) error { return refuse(454, "later") }
		}, want: "away", words: "454"},
		{name: "sender refused", does: func(s *server) { s.mail = func(string) error { return refuse(550, "not you") } }, want: "permanent", words: "detect@contoso.example"},
		{name: "sender later", does: func(s *server) { s.mail = func(string) error { return refuse(451, "busy") } }, want: "retry", words: "451"},
		{name: "relaying denied", does: func(s *server) { s.rcpt = func(string) error { return refuse(550, "relaying denied") } }, want: "permanent", words: "relays for this sender"},
		{name: "greylisted", does: func(s *server) { s.rcpt = func(string) error { return refuse(450, "greylisted") } }, want: "retry", words: "greylisted"},
		{name: "mail refused", does: func(s *server) { s.data = func() error { return refuse(554, "looks like\r\nspam") } }, want: "permanent", words: "looks like"},
		{name: "mail later", does: func(s *server) { s.data = func() error { return refuse(452, "disk full") } }, want: "retry", words: "disk full"},
		{name: "connection lost after the mail", does: func(s *server) { s.cut = true }, want: "uncertain", words: "not known"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := startServer(t, c.setup)
			if c.does != nil {
				s.script(c.does)
			}
			ch := s.channel(t, c.conf)
			tap := &dialer{}
			ch.Dial = tap.dial
			receipt, err := ch.Send(t.Context(), notifytest.Opened())
			if kind(err) != c.want {
				t.Fatalf("it is %s, not %s: %v", kind(err), c.want, err)
			}
			if err != nil {
				if !strings.Contains(err.Error(), c.words) {
					t.Errorf("the error does not say %q: %v", c.words, err)
				}
				if strings.Contains(err.Error(), password) || strings.ContainsAny(err.Error(), "\x1b\r\n") {
					t.Errorf("the error is not safe to show: %q", err)
				}
			}
			if got := s.got(); (c.want == "sent") != (len(got) == 1) || (err == nil) != (receipt != nil) {
				t.Errorf("%d mails arrived, receipt %s", len(got), receipt)
			} else if len(got) == 1 && (got[0].tls != (c.setup == setup{} || c.setup.implicit) || got[0].user != ch.smtp.Username) {
				t.Errorf("it came with TLS %v by user %q", got[0].tls, got[0].user)
			}
			if sent := tap.sent.String(); strings.Contains(sent, "AUTH") || c.want == "sent" && !c.setup.noTLS && strings.Contains(sent, "Subject") {
				t.Errorf("this crossed the network in the clear: %q", sent)
			}
		})
	}
}

func TestSendToThoseWhoCanHaveIt(t *testing.T) {
	s := startServer(t, setup{})
	var logged strings.Builder
	ch := s.channel(t, func(c *Config) {
		c.To = []string{"a@contoso.example", "gone@contoso.example", "b@contoso.example"}
		c.Log = slog.New(slog.NewTextHandler(&logged, nil))
	})
	s.script(func(s *server) {
		s.rcpt = func(to string) error {
			if strings.HasPrefix(to, "gone") {
				return refuse(550, "no such user")
			}
			return nil
		}
	})
	m := notifytest.Opened()
	receipt, err := ch.Send(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	next := notifytest.Grown()
	next.Receipt = receipt
	if _, err := ch.Send(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	got := s.got()
	if len(got) != 2 || !slices.Equal(got[0].to, []string{"a@contoso.example", "b@contoso.example"}) {
		t.Fatalf("it went to %v", got)
	}
	const said = "not delivered to gone@contoso.example (550 5.7.1 no such user)"
	for i, mail := range got {
		if _, parts := parse(t, mail.data); strings.Contains(parts["text/plain"], said) != (i == 0) || strings.Contains(parts["text/html"], said) != (i == 0) {
			t.Errorf("mail %d: the others are told of it once, in the first mail: %s", i+1, parts["text/plain"])
		}
	}
	if n := strings.Count(logged.String(), "gone@contoso.example"); n != 1 {
		t.Errorf("the log names it %d times: %s", n, logged.String())
	}
}

func TestSendToNobodyPrefersTryingAgain(t *testing.T) {
	s := startServer(t, setup{})
	ch := s.channel(t, func(c *Config) { c.To = []string{"a@contoso.example", "b@contoso.example"} })
	s.script(func(s *server) {
		s.rcpt = func(to string) error {
			if strings.HasPrefix(to, "a") {
				return refuse(550, "no such user")
			}
			return refuse(452, "mailbox full")
		}
	})
	if _, err := ch.Send(t.Context(), notifytest.Opened()); kind(err) != "retry" {
		t.Errorf("it is %s: %v", kind(err), err)
	}
}

func TestSendEndsWithItsContext(t *testing.T) {
	t.Run("after the mail", func(t *testing.T) {
		s := startServer(t, setup{})
		s.script(func(s *server) { s.hang = make(chan struct{}) })
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		_, err := s.channel(t, nil).Send(ctx, notifytest.Opened())
		if kind(err) != "uncertain" || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("it is %s: %v", kind(err), err)
		}
	})
	t.Run("before the greeting", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		s := &server{addr: l.Addr().String()}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, err := s.channel(t, nil).Send(ctx, notifytest.Opened()); kind(err) != "away" {
			t.Errorf("it is %s: %v", kind(err), err)
		}
	})
	t.Run("a server that does not stop talking", func(t *testing.T) {
		client, far := net.Pipe()
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_, _ = io.Copy(far, endless{})
		}()
		ch := (&server{addr: "127.0.0.1:25"}).channel(t, nil)
		ch.Dial = func(context.Context, string, string) (net.Conn, error) { return client, nil }
		if _, err := ch.Send(t.Context(), notifytest.Opened()); kind(err) != "away" || !strings.Contains(err.Error(), "too much") {
			t.Errorf("it is %s: %v", kind(err), err)
		}
		_ = far.Close()
		<-ended
	})
}

// endless is a greeting without end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	const line = "220-welcome\r\n"
	n := 0
	for n+len(line) <= len(p) {
		n += copy(p[n:], line)
	}
	return n, nil
}

// TestContract holds the channel to what every kind must do.
func TestContract(t *testing.T) {
	notifytest.Contract(t, func(t *testing.T) *notifytest.Fixture {
		s := startServer(t, setup{})
		var logged lockedBuilder
		ch := s.channel(t, func(c *Config) {
			withPassword(c)
			c.Log = slog.New(slog.NewTextHandler(&logged, nil))
		})
		refused := false
		ch.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			s.mu.Lock()
			to := address
			if refused {
				to = "127.0.0.1:1"
			}
			s.mu.Unlock()
			return (&net.Dialer{}).DialContext(ctx, network, to)
		}
		return &notifytest.Fixture{
			Channel: ch,
			Answer: func(a notifytest.Answer) {
				s.release()
				s.script(func(s *server) {
					s.auth, s.mail, s.rcpt, s.data, s.cut, refused = nil, nil, nil, nil, false, false
					switch a {
					case notifytest.ServerError:
						s.data = func() error { return refuse(451, "try later") }
					case notifytest.Unauthorized:
						s.auth = func(user, word string) error { return refuse(535, "no "+word) }
					case notifytest.Forbidden:
						s.mail = func(string) error { return refuse(553, "you may not send as this") }
					case notifytest.NotFound:
						s.rcpt = func(string) error { return refuse(550, "no such user") }
					case notifytest.Refused:
						refused = true
					case notifytest.Reset:
						s.cut = true
					case notifytest.Hang:
						s.hang = make(chan struct{})
					}
				})
			},
			Received:   func() int { return len(s.got()) },
			Violations: func() []string { return violations(s.got()) },
			Logged:     logged.String,
			Secrets:    []string{password},
			Lacks:      map[notifytest.Answer]string{notifytest.RateLimited: "SMTP has no time to try again after: 4xx is all"},
		}
	})
}

// violations are what is wrong with mails, whatever they say.
func violations(mails []received) []string {
	var found []string
	for i, m := range mails {
		for _, wrong := range inspect(m.data) {
			found = append(found, fmt.Sprintf("mail %d: %s", i+1, wrong))
		}
	}
	return found
}
