package email

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	smtpd "github.com/emersion/go-smtp"

	"detect/internal/secret"
)

// received is a mail as the server took it.
type received struct {
	from string
	to   []string
	user string // who authenticated
	tls  bool
	data []byte
}

// server is a real SMTP server on the loopback, whose answers a test scripts. A nil function takes everything.
type server struct {
	addr  string
	roots *x509.CertPool

	mu       sync.Mutex
	mails    []received
	sessions int
	auth     func(user, password string) error
	mail     func(from string) error
	rcpt     func(to string) error
	data     func() error
	cut      bool          // the connection is closed once a mail was read, without an answer
	hang     chan struct{} // the answer to a mail waits until it is closed
}

// setup is what a server is like from its start.
type setup struct {
	noTLS    bool // offers no STARTTLS
	implicit bool // speaks TLS from the beginning
	name     string
}

func startServer(t *testing.T, how setup) *server {
	t.Helper()
	if how.name == "" {
		how.name = "127.0.0.1"
	}
	cert, roots := certificate(t, how.name)
	s := &server{roots: roots}
	backend := smtpd.NewServer(smtpd.BackendFunc(func(c *smtpd.Conn) (smtpd.Session, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.sessions++
		return &session{server: s, conn: c}, nil
	}))
	backend.Domain, backend.AllowInsecureAuth, backend.MaxMessageBytes, backend.MaxLineLength = "mx.test", true, 256<<10, 1000
	backend.ErrorLog = log.New(io.Discard, "", 0)
	config := &tls.Config{Certificates: []tls.Certificate{cert}}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = listener.Addr().String()
	switch {
	case how.implicit:
		listener = tls.NewListener(listener, config)
	case !how.noTLS:
		backend.TLSConfig = config
	}
	var group sync.WaitGroup
	group.Go(func() { _ = backend.Serve(listener) })
	t.Cleanup(func() {
		s.release()
		_ = backend.Close()
		_ = listener.Close() // which Close knows only once Serve has begun
		group.Wait()
	})
	return s
}

// release lets those go that hang.
func (s *server) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hang != nil {
		close(s.hang)
		s.hang = nil
	}
}

// script changes the answers.
func (s *server) script(f func(s *server)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s)
}

// got is what arrived so far.
func (s *server) got() []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]received(nil), s.mails...)
}

// session is one connection.
type session struct {
	server *server
	conn   *smtpd.Conn
	now    received
}

func (s *session) Reset()        { s.now = received{user: s.now.user} }
func (s *session) Logout() error { return nil }

func (s *session) Mail(from string, _ *smtpd.MailOptions) error {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.now.from = from
	if s.server.mail != nil {
		return s.server.mail(from)
	}
	return nil
}

func (s *session) Rcpt(to string, _ *smtpd.RcptOptions) error {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	if s.server.rcpt != nil {
		if err := s.server.rcpt(to); err != nil {
			return err
		}
	}
	s.now.to = append(s.now.to, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.server.mu.Lock()
	cut, hang, answer := s.server.cut, s.server.hang, s.server.data
	s.server.mu.Unlock()
	switch {
	case cut:
		_ = s.conn.Conn().Close()
		return errors.New("cut")
	case hang != nil:
		<-hang
		return errors.New("released")
	case answer != nil:
		if err := answer(); err != nil {
			return err
		}
	}
	_, s.now.tls = s.conn.TLSConnectionState()
	s.now.data = b
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.mails = append(s.server.mails, s.now)
	return nil
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain, sasl.Login} }

func (s *session) Auth(mech string) (sasl.Server, error) {
	check := func(user, password string) error {
		s.server.mu.Lock()
		defer s.server.mu.Unlock()
		if s.server.auth != nil {
			if err := s.server.auth(user, password); err != nil {
				return err
			}
		}
		s.now.user = user
		return nil
	}
	if mech == sasl.Plain {
		return sasl.NewPlainServer(func(_, user, password string) error { return check(user, password) }), nil
	}
	return nil, smtpd.ErrAuthUnknownMechanism
}

// certificate is one for a name or address, and the pool that believes it.
func certificate(t *testing.T, name string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if ip := net.ParseIP(name); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{name}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// config is one that sends to the server.
func (s *server) config() Config {
	host, port, _ := strings.Cut(s.addr, ":")
	n := 0
	for _, r := range port {
		n = n*10 + int(r-'0')
	}
	return Config{
		To: []string{"SOC <soc@contoso.example>"}, From: "Detect <detect@contoso.example>",
		SMTP: SMTP{Host: host, Port: n, Hello: "detect.test"},
	}
}

// channel is one that sends to the server.
func (s *server) channel(t *testing.T, change func(*Config)) *Channel {
	t.Helper()
	cfg := s.config()
	if change != nil {
		change(&cfg)
	}
	c, err := New("oncall", cfg)
	if err != nil {
		t.Fatal(err)
	}
	c.Roots = s.roots
	return c
}

// password is one that must be seen nowhere.
const password = "hunter2-Passw0rd"

func withPassword(c *Config) { c.SMTP.Username, c.SMTP.Password = "robot", secret.Of(password) }

// dialer counts what is written in the clear.
type dialer struct {
	mu   sync.Mutex
	sent bytes.Buffer
}

type tapped struct {
	net.Conn
	d *dialer
}

func (t tapped) Write(p []byte) (int, error) {
	t.d.mu.Lock()
	t.d.sent.Write(p)
	t.d.mu.Unlock()
	return t.Conn.Write(p)
}

func (d *dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return tapped{c, d}, nil
}
