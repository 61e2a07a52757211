package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"detect/notify"
	"detect/notify/escape"
)

// The headers that a receiver verifies a request by.
//
// HeaderSignature is "v1=" and the hex digits of HMAC-SHA256 under the configured secret of: the value of HeaderTimestamp,
// a full stop, and the body, byte for byte. To verify: compute the same, compare in constant time, and refuse a request
// whose HeaderTimestamp (seconds since 1970, UTC) is more than five minutes off, so that no recorded one can be replayed.
//
// With the secret "It's a Secret to Everybody", the timestamp 1767225600 and the body {"notice":{"text":"hello"}} the signature is
//
//	v1=5555dd74466124a340da2733542793b79216c80c7a6b7fcffeb2ac0030aab443
//
// A request of which it is not known whether it came through is repeated, so a receiver may see one twice: Idempotency-Key
// is the alert's id, a colon and the revision, and the same for both.
const (
	HeaderTimestamp = "X-Detect-Timestamp"
	HeaderSignature = "X-Detect-Signature"
)

// Bounds of an exchange.
const (
	timeout      = 30 * time.Second // of one request, at most: ctx may end it earlier
	maxRead      = 4 << 10          // bytes read of a reply
	longestAfter = time.Hour        // that a Retry-After is believed
)

// Channel posts alerts to one address.
type Channel struct {
	// Transport carries the requests. Set it before the first one, if at all.
	Transport http.RoundTripper

	name   string
	to     *url.URL
	key    []byte
	header http.Header
	hide   *strings.Replacer
}

// New is the channel of that name. The configuration's secrets are resolved. It starts nothing.
func New(name string, cfg Config) (*Channel, error) {
	if list := cfg.Check(); len(list) > 0 {
		return nil, fmt.Errorf("%s: %s", strings.Join(list[0].Path, "."), list[0].Message)
	}
	to, err := address(cfg.URL.Reveal())
	if err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	c := &Channel{name: name, to: to, key: []byte(cfg.Secret.Reveal()), header: http.Header{}}
	hidden := []string{cfg.URL.Reveal(), to.String(), cfg.Secret.Reveal()}
	for name, value := range cfg.Headers {
		c.header.Set(name, value.Reveal())
		hidden = append(hidden, value.Reveal())
	}
	if c.header.Get("User-Agent") == "" {
		c.header.Set("User-Agent", "detect")
	}
	c.hide = hide(hidden, to)
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	t.DisableKeepAlives = true // a connection that was kept and then lost would leave open whether a post came through
	t.MaxResponseHeaderBytes = 64 << 10
	c.Transport = t
	return c, nil
}

// hide makes the replacer that takes secrets out of the words of an error.
func hide(secrets []string, to *url.URL) *strings.Replacer {
	secrets = append(secrets, to.RequestURI(), to.EscapedPath(), to.Path, to.RawQuery)
	if to.User != nil {
		word, _ := to.User.Password()
		secrets = append(secrets, to.User.String(), to.User.Username(), word)
	}
	var pairs []string
	for _, s := range secrets {
		if len(s) >= 4 { // shorter ones, such as the path "/", hide nothing
			pairs = append(pairs, s, "<secret>")
		}
	}
	return strings.NewReplacer(pairs...)
}

// Kind is webhook.
func (c *Channel) Kind() string { return "webhook" }

// EachRevision is true: a receiver sees each revision, in order.
func (c *Channel) EachRevision() bool { return true }

// Plan is at once, always.
func (c *Channel) Plan(*notify.Message) notify.Plan {
	return notify.Plan{Why: "every revision is posted"}
}

// Send posts one revision. The receipt is empty: nothing of a post is needed for the next.
func (c *Channel) Send(ctx context.Context, m *notify.Message) ([]byte, error) {
	now := time.Now()
	b, err := render(m, now)
	if err != nil {
		return nil, &notify.Permanent{Err: err}
	}
	return nil, c.post(ctx, b, m.Alert.ID+":"+strconv.Itoa(m.Alert.Revision), now)
}

// Tell posts a notice.
func (c *Channel) Tell(ctx context.Context, n *notify.Notice) error {
	b, err := renderNotice(n)
	if err != nil {
		return &notify.Permanent{Err: err}
	}
	return c.post(ctx, b, "", time.Now())
}

// Sign is the value of HeaderSignature.
func Sign(secret []byte, timestamp string, body []byte) string {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(timestamp))
	h.Write([]byte{'.'})
	h.Write(body)
	return "v1=" + hex.EncodeToString(h.Sum(nil))
}

// post sends a body. key is of Idempotency-Key, if not empty.
func (c *Channel) post(ctx context.Context, b []byte, key string, now time.Time) error {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("no answer within %s", timeout))
	defer cancel()
	q := (&http.Request{
		Method: http.MethodPost, URL: c.to, Host: c.to.Host, Header: c.header.Clone(),
		Body: io.NopCloser(bytes.NewReader(b)), ContentLength: int64(len(b)),
		// GetBody stays nil: a transport that lost its connection must not repeat a request by itself.
	}).WithContext(ctx)
	q.Header.Set("Content-Type", "application/json")
	stamp := strconv.FormatInt(now.Unix(), 10)
	q.Header.Set(HeaderTimestamp, stamp)
	if len(c.key) > 0 {
		q.Header.Set(HeaderSignature, Sign(c.key, stamp, b))
	}
	if key != "" {
		q.Header.Set("Idempotency-Key", header(key))
	}
	if c.to.User != nil && q.Header.Get("Authorization") == "" {
		word, _ := c.to.User.Password()
		q.SetBasicAuth(c.to.User.Username(), word)
	}
	r, err := c.Transport.RoundTrip(q) // no http.Client: nothing follows a redirect, nothing keeps cookies
	if err != nil {
		return c.broken(ctx, err)
	}
	defer func() { _ = r.Body.Close() }()
	// The reply is read so that the receiver is not cut off, and never shown: it may hold anything.
	_, _ = io.CopyN(io.Discard, r.Body, maxRead)
	return outcome(r, now)
}

// header is text that may stand in a header.
func header(s string) string {
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return '_'
		}
		return r
	}, escape.Cut(s, 200))
}

// broken is the error of an exchange that came to no answer, without any secret. The error itself is not wrapped, since
// what it holds could be printed by others.
func (c *Channel) broken(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return fmt.Errorf("post to webhook: %w", cause)
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	if strings.Contains(err.Error(), "proxy address") {
		return &notify.NotSent{Err: errors.New("post to webhook: the proxy that the environment names can't be used")} // its address may hold a password
	}
	shown := errors.New("post to webhook: " + escape.Cut(escape.Terminal(c.hide.Replace(err.Error())), 300))
	var certificate *tls.CertificateVerificationError
	if notify.Certain(err) || errors.As(err, &certificate) {
		return &notify.NotSent{Err: shown, Unreachable: true}
	}
	return shown
}

// outcome is what the status of an answer means.
func outcome(r *http.Response, now time.Time) error {
	code := r.StatusCode
	err := fmt.Errorf("the webhook answered %d %s", code, http.StatusText(code))
	switch {
	case code >= 200 && code < 300:
		return nil
	case code >= 300 && code < 400:
		return &notify.Permanent{Err: err, Hint: "a redirect is not followed, since it would take alerts elsewhere: configure the address that it leads to"}
	case code == http.StatusTooManyRequests, code == http.StatusServiceUnavailable:
		if after := retryAfter(r.Header.Get("Retry-After"), now); after > 0 {
			return &notify.RetryAfter{After: after, Err: err}
		}
		return &notify.NotSent{Err: err}
	case code == http.StatusRequestTimeout, code == http.StatusTooEarly, code >= 500:
		return err
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return &notify.Permanent{Err: err, Hint: "check the token in the address, the headers and the secret"}
	case code == http.StatusNotFound, code == http.StatusGone, code == http.StatusMethodNotAllowed:
		return &notify.Permanent{Err: err, Hint: "check the address: nothing takes posts there"}
	case code == http.StatusRequestEntityTooLarge:
		return &notify.Permanent{Err: err, Hint: fmt.Sprintf("the receiver must take bodies of %d bytes", maxBody)}
	}
	return &notify.Permanent{Err: err, Hint: "the receiver refuses the request: its own log says why"}
}

// retryAfter reads seconds or a date (RFC 9110, section 10.2.3). 0: it says nothing usable.
func retryAfter(s string, now time.Time) time.Duration {
	s = strings.TrimSpace(s)
	if seconds, err := strconv.ParseUint(s, 10, 32); err == nil {
		return min(time.Duration(seconds)*time.Second, longestAfter)
	}
	if t, err := http.ParseTime(s); err == nil && t.After(now) {
		return min(t.Sub(now), longestAfter)
	}
	return 0
}
