package email

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail/smtp"

	"detect/notify"
	"detect/notify/escape"
)

// Bounds of one exchange with a server.
const (
	timeout  = time.Minute     // of the whole, at most: ctx may end it earlier
	goodbye  = 2 * time.Second // for the end of it, when the mail is taken
	maxReply = 256 << 10       // bytes that a server may send
	maxWords = 300             // bytes of a server's words that are shown
)

// refusal is one recipient that the server did not take.
type refusal struct {
	Address, Words string
}

// reply is what a server said that refused something, safe to be shown.
type reply struct {
	code  int
	words string
}

func (r *reply) Error() string { return fmt.Sprintf("the server says %d %s", r.code, r.words) }

// deliver gives a mail to the server, for every recipient that it takes; build makes the mail once it is known whom the
// server refused. A mail that one recipient can have is sent: it is not held back for another whose mailbox is full. Each
// mail has a connection of its own: mails are few, and none then fails for a connection that was lost while it was idle.
func (c *Channel) deliver(ctx context.Context, build func(refused []refusal) ([]byte, error)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("the server did not finish within %s", timeout))
	defer cancel()
	conn, err := c.connect(ctx)
	if err != nil {
		return away(c.failed(ctx, "connect to "+c.server(), err))
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })() // whatever waits for the server ends with ctx
	s, err := c.greet(ctx, conn)
	if err != nil {
		return away(err)
	}
	if err := s.Mail("<" + c.from.Address + ">"); err != nil {
		return c.failed(ctx, "give the sender "+c.from.Address, err)
	}
	var refused []refusal
	var worst error
	for _, to := range c.to {
		err := s.Rcpt("<" + to.Address + ">")
		if err == nil {
			continue
		}
		err = c.failed(ctx, "give the recipient "+to.Address, err)
		var said *reply
		if !errors.As(err, &said) {
			return err
		}
		if worst == nil || said.code < 500 { // while one may be taken later, it is worth trying again
			worst = err
		}
		refused = append(refused, refusal{to.Address, strconv.Itoa(said.code) + " " + said.words})
	}
	if len(refused) == len(c.to) {
		return worst
	}
	mail, err := build(refused)
	if err != nil {
		return &notify.Permanent{Err: err}
	}
	if err := c.data(ctx, s, mail); err != nil {
		return err
	}
	_ = conn.SetDeadline(time.Now().Add(goodbye))
	_ = s.Quit() // the mail is taken: nothing that comes after changes that
	return nil
}

// server is the server's address.
func (c *Channel) server() string {
	return net.JoinHostPort(c.smtp.Host, strconv.Itoa(c.smtp.port()))
}

// connect opens the connection, with TLS if that comes first.
func (c *Channel) connect(ctx context.Context) (net.Conn, error) {
	dial := c.Dial
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	raw, err := dial(ctx, "tcp", c.server())
	if err != nil {
		return nil, err
	}
	conn := net.Conn(&bounded{Conn: raw, left: maxReply})
	if c.smtp.TLS != Implicit {
		return conn, nil
	}
	secured := tls.Client(conn, c.tls())
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, err
	}
	return secured, nil
}

func (c *Channel) tls() *tls.Config {
	return &tls.Config{ServerName: c.smtp.Host, MinVersion: tls.VersionTLS12, RootCAs: c.Roots}
}

// greet says hello, secures the connection and authenticates.
func (c *Channel) greet(ctx context.Context, conn net.Conn) (*smtp.Client, error) {
	s, err := smtp.NewClient(conn, c.smtp.Host)
	if err != nil {
		return nil, c.failed(ctx, "greet "+c.server(), err)
	}
	if err := s.Hello(c.hello()); err != nil {
		return nil, c.failed(ctx, "greet "+c.server(), err)
	}
	if c.smtp.TLS == "" || c.smtp.TLS == StartTLS {
		if offered, _ := s.Extension("STARTTLS"); !offered {
			// Not permanent: a server that is being set up and somebody on the way who takes the offer away look the same.
			return nil, &notify.NotSent{Err: fmt.Errorf("%s offers no STARTTLS, and nothing is sent in the clear: check smtp.port and smtp.tls", c.server())}
		}
		if err := s.StartTLS(c.tls()); err != nil {
			return nil, c.failed(ctx, "start TLS with "+c.server(), err)
		}
	}
	if c.smtp.Username == "" {
		return s, nil
	}
	auth, err := c.auth(s)
	if err != nil {
		return nil, err
	}
	if err := s.Auth(auth); err != nil {
		return nil, c.failed(ctx, "authenticate as "+c.smtp.Username, err)
	}
	return s, nil
}

// hello is the name to greet with.
func (c *Channel) hello() string {
	if c.smtp.Hello != "" {
		return c.smtp.Hello
	}
	name, err := os.Hostname()
	if err != nil || name == "" || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "localhost"
	}
	return name
}

// auth picks the way to authenticate, the best that the server offers. Check has seen to it that no password crosses a
// network without TLS.
func (c *Channel) auth(s *smtp.Client) (smtp.Auth, error) {
	_, offer := s.Extension("AUTH")
	offered := strings.Fields(strings.ToUpper(offer))
	user, word, host := c.smtp.Username, c.smtp.Password.Reveal(), c.smtp.Host
	for _, way := range []struct {
		name string
		auth func() smtp.Auth
	}{
		{"SCRAM-SHA-256", func() smtp.Auth { return smtp.ScramSHA256Auth(user, word) }},
		{"SCRAM-SHA-1", func() smtp.Auth { return smtp.ScramSHA1Auth(user, word) }},
		{"PLAIN", func() smtp.Auth { return smtp.PlainAuth("", user, word, host, loopback(host)) }},
		{"LOGIN", func() smtp.Auth { return smtp.LoginAuth(user, word, host, loopback(host)) }},
		{"CRAM-MD5", func() smtp.Auth { return smtp.CRAMMD5Auth(user, word) }},
	} {
		if slices.Contains(offered, way.name) {
			return way.auth(), nil
		}
	}
	return nil, &notify.Permanent{
		Err:  fmt.Errorf("%s offers no way to authenticate that is known here", c.server()),
		Hint: "check smtp.port (587 and 465 are for those who authenticate, 25 is for servers), or leave smtp.username out",
	}
}

// data sends the mail itself.
func (c *Channel) data(ctx context.Context, s *smtp.Client, mail []byte) error {
	w, err := s.Data()
	if err != nil {
		return c.failed(ctx, "send the mail", err)
	}
	if _, err := w.Write(mail); err != nil { // without its last line a server takes no mail
		return c.failed(ctx, "send the mail", err)
	}
	if err := w.Close(); err != nil {
		err = c.failed(ctx, "send the mail", err)
		var lost *notify.NotSent
		var said *reply
		if errors.As(err, &lost) && !errors.As(err, &said) {
			return fmt.Errorf("%w: whether the server took it is not known", lost.Err)
		}
		return err
	}
	return nil
}

// failed is the error of a step before the mail was taken, safe to be shown: permanent if the server says so, else
// to be tried again.
func (c *Channel) failed(ctx context.Context, step string, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return &notify.NotSent{Err: fmt.Errorf("%s: %w", step, cause)}
	}
	var said *textproto.Error
	if !errors.As(err, &said) {
		return &notify.NotSent{Err: errors.New(step + ": " + c.shown(err.Error()))}
	}
	r := &reply{said.Code, c.shown(said.Msg)}
	err = fmt.Errorf("%s: %w", step, r)
	if r.code < 500 {
		return &notify.NotSent{Err: err}
	}
	return &notify.Permanent{Err: err, Hint: hint(r.code)}
}

// away is the error of a step that comes before the server hears anything of a mail.
func away(err error) error {
	var lost *notify.NotSent
	if errors.As(err, &lost) {
		lost.Unreachable = true
	}
	return err
}

// hint is what an operator can do about a refusal (RFC 5321, section 4.2.3; RFC 4954, section 6).
func hint(code int) string {
	switch code {
	case 530:
		return "the server wants authentication or TLS first: check smtp.username, smtp.password and smtp.tls"
	case 534, 535, 538:
		return "check smtp.username and smtp.password, and that the account may send by SMTP with a password"
	case 550, 551, 553, 556:
		return "check the address, and that the server relays for this sender and this machine"
	case 552, 523:
		return "the mailbox is full or the mail is too large for the server"
	case 554, 521:
		return "the server refuses this machine, this sender or the content: its own log says why"
	}
	return "the server's own log says why"
}

// shown is a server's words on one line, without control characters, cut, and without the password in any form in which
// it was sent, should the server repeat it.
func (c *Channel) shown(words string) string {
	words = strings.Join(strings.FieldsFunc(words, func(r rune) bool { return r == '\n' || r == '\r' }), " ")
	if word := c.smtp.Password.Reveal(); word != "" {
		for _, form := range []string{
			word, base64.StdEncoding.EncodeToString([]byte(word)),
			base64.StdEncoding.EncodeToString([]byte("\x00" + c.smtp.Username + "\x00" + word)),
		} {
			words = strings.ReplaceAll(words, form, "<secret>")
		}
	}
	return escape.Cut(escape.Terminal(words), maxWords)
}

// bounded is a connection of which no more than left bytes are read.
type bounded struct {
	net.Conn
	left int
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errors.New("the server says too much")
	}
	n, err := b.Conn.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}
