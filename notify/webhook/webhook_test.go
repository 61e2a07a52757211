package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"detect/internal/secret"
	"detect/notify"
	"detect/notify/notifytest"
)

const (
	pathToken = "tok-5ecret-path"
	key       = "signing-key-0f-secrets"
	basic     = "basic-pa55word"
)

// receiver is a server that verifies what it gets as the documentation says.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	got    []*http.Request
	bodies [][]byte
	wrong  []string
	answer func(w http.ResponseWriter, r *http.Request)
	hang   chan struct{}
}

func listen(t *testing.T) *receiver {
	t.Helper()
	s := &receiver{}
	s.Server = httptest.NewServer(s)
	t.Cleanup(func() {
		s.release()
		s.Close()
	})
	return s
}

func (s *receiver) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hang != nil {
		close(s.hang)
		s.hang = nil
	}
}

func (s *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	s.check(r, b)
	answer, hang := s.answer, s.hang
	if answer == nil && hang == nil {
		s.got, s.bodies = append(s.got, r), append(s.bodies, b)
	}
	s.mu.Unlock()
	switch {
	case hang != nil:
		<-hang
	case answer != nil:
		answer(w, r)
	}
}

// check is what a receiver does, in the words of the documentation, and what it may rely on.
func (s *receiver) check(r *http.Request, b []byte) {
	bad := func(format string, args ...any) { s.wrong = append(s.wrong, fmt.Sprintf(format, args...)) }
	h := hmac.New(sha256.New, []byte(key))
	fmt.Fprintf(h, "%s.%s", r.Header.Get("X-Detect-Timestamp"), b)
	if want := "v1=" + hex.EncodeToString(h.Sum(nil)); !hmac.Equal([]byte(want), []byte(r.Header.Get("X-Detect-Signature"))) {
		bad("the signature is %q", r.Header.Get("X-Detect-Signature"))
	}
	var body struct {
		Alert  *struct{ ID string }
		Notice *struct{ Level string }

		Revision int
		Reason   *string
	}
	switch err := json.Unmarshal(b, &body); {
	case err != nil || !utf8.Valid(b):
		bad("the body is no JSON: %v", err)
	case (body.Alert == nil) == (body.Notice == nil):
		bad("the body is neither an alert nor a notice: %.200s", b)
	case body.Alert != nil && (body.Reason == nil || r.Header.Get("Idempotency-Key") != fmt.Sprintf("%s:%d", body.Alert.ID, body.Revision)):
		bad("the key of alert %q is %q", body.Alert.ID, r.Header.Get("Idempotency-Key"))
	}
	if len(b) > maxBody {
		bad("a body of %d bytes", len(b))
	}
	if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" || !strings.Contains(r.URL.Path, pathToken) || r.Header.Get("Authorization") != "Bearer "+basic {
		bad("the request is %s %s with %v", r.Method, r.URL, r.Header)
	}
}

func (s *receiver) config() Config {
	bearer := secret.Of("Bearer " + basic)
	return Config{URL: secret.Of(s.URL + "/hook/" + pathToken), Secret: secret.Of(key), Headers: map[string]*secret.Secret{"authorization": &bearer}}
}

func (s *receiver) channel(t *testing.T) *Channel {
	t.Helper()
	c, err := New("siem", s.config())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestContract(t *testing.T) {
	notifytest.Contract(t, func(t *testing.T) *notifytest.Fixture {
		s := listen(t)
		c := s.channel(t)
		refused := false
		c.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			s.mu.Lock()
			if refused {
				address = "127.0.0.1:1"
			}
			s.mu.Unlock()
			return (&net.Dialer{}).DialContext(ctx, network, address)
		}
		status := func(code int, header ...string) func(http.ResponseWriter, *http.Request) {
			return func(w http.ResponseWriter, r *http.Request) {
				if len(header) > 0 {
					w.Header().Set(header[0], header[1])
				}
				w.WriteHeader(code)
				_, _ = w.Write([]byte("it was " + r.URL.String() + " with " + r.Header.Get("Authorization")))
			}
		}
		return &notifytest.Fixture{
			Channel: c,
			Answer: func(a notifytest.Answer) {
				s.release()
				s.mu.Lock()
				defer s.mu.Unlock()
				s.answer, refused = nil, a == notifytest.Refused
				switch a {
				case notifytest.RateLimited:
					s.answer = status(429, "Retry-After", fmt.Sprint(notifytest.RetryAfterSeconds))
				case notifytest.ServerError:
					s.answer = status(500)
				case notifytest.Unauthorized:
					s.answer = status(401)
				case notifytest.Forbidden:
					s.answer = status(403)
				case notifytest.NotFound:
					s.answer = status(404)
				case notifytest.Reset:
					s.answer = func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
				case notifytest.Hang:
					s.hang = make(chan struct{})
				}
			},
			Received: func() int {
				s.mu.Lock()
				defer s.mu.Unlock()
				return len(s.got)
			},
			Violations: func() []string {
				s.mu.Lock()
				defer s.mu.Unlock()
				return slices.Clone(s.wrong)
			},
			Secrets: []string{pathToken, key, basic},
		}
	})
}

func TestSignatureOfTheDocumentation(t *testing.T) {
	const want = "v1=5555dd74466124a340da2733542793b79216c80c7a6b7fcffeb2ac0030aab443"
	if got := Sign([]byte("It's a Secret to Everybody"), "1767225600", []byte(`{"notice":{"text":"hello"}}`)); got != want {
		t.Errorf("it is %s", got)
	}
	doc, err := os.ReadFile("../../docs/webhook.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{want, HeaderTimestamp, HeaderSignature, "Idempotency-Key", "`{\"notice\":{\"text\":\"hello\"}}`"} {
		if !bytes.Contains(doc, []byte(s)) {
			t.Errorf("docs/webhook.md does not have %s", s)
		}
	}
}

// transport answers in memory.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestOutcomes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		date := time.Now().Add(90 * time.Second).UTC().Format(http.TimeFormat)
		for _, c := range []struct {
			code       int
			header     http.Header
			want       string
			retryAfter time.Duration
		}{
			{code: 200, want: "ok"},
			{code: 204, want: "ok"},
			{code: 301, header: http.Header{"Location": {"https://evil.example/"}}, want: "permanent"},
			{code: 307, header: http.Header{"Location": {"https://evil.example/"}}, want: "permanent"},
			{code: 400, want: "permanent"},
			{code: 408, want: "open"},
			{code: 413, want: "permanent"},
			{code: 425, want: "open"},
			{code: 429, want: "not sent"},
			{code: 429, header: http.Header{"Retry-After": {"120"}}, want: "after", retryAfter: 2 * time.Minute},
			{code: 429, header: http.Header{"Retry-After": {"99999999999999999999"}}, want: "not sent"},
			{code: 429, header: http.Header{"Retry-After": {"4000000000"}}, want: "after", retryAfter: time.Hour},
			{code: 429, header: http.Header{"Retry-After": {"-1"}}, want: "not sent"},
			{code: 503, header: http.Header{"Retry-After": {date}}, want: "after", retryAfter: 90 * time.Second},
			{code: 503, header: http.Header{"Retry-After": {"Mon, 01 Jan 1990 00:00:00 GMT"}}, want: "not sent"},
			{code: 502, want: "open"},
			{code: 999, want: "open"},
		} {
			ch, err := New("siem", Config{URL: secret.Of("https://siem.contoso.example/" + pathToken)})
			if err != nil {
				t.Fatal(err)
			}
			posts := 0
			ch.Transport = transport(func(r *http.Request) (*http.Response, error) {
				posts++
				if r.Header.Get(HeaderSignature) != "" {
					t.Error("it is signed, without a secret")
				}
				h := c.header
				if h == nil {
					h = http.Header{}
				}
				return &http.Response{StatusCode: c.code, Header: h, Body: io.NopCloser(strings.NewReader("\x1b[31m" + pathToken))}, nil
			})
			_, err = ch.Send(t.Context(), notifytest.Opened())
			var after *notify.RetryAfter
			var permanent *notify.Permanent
			got := "open"
			switch {
			case err == nil:
				got = "ok"
			case errors.As(err, &after):
				got = "after"
				if after.After != c.retryAfter {
					t.Errorf("%d %v: after %s", c.code, c.header, after.After)
				}
			case errors.As(err, &permanent):
				got = "permanent"
				if permanent.Hint == "" {
					t.Errorf("%d: no hint", c.code)
				}
			case notify.Certain(err):
				got = "not sent"
			}
			if got != c.want || posts != 1 {
				t.Errorf("%d %v is %s after %d posts, not %s: %v", c.code, c.header, got, posts, c.want, err)
			}
			if err != nil && (strings.Contains(err.Error(), pathToken) || strings.Contains(err.Error(), "\x1b")) {
				t.Errorf("%d: the error shows the answer: %v", c.code, err)
			}
		}
	})
}

// TestAnswerWithoutEnd is that a receiver that sends and sends holds nothing up.
func TestAnswerWithoutEnd(t *testing.T) {
	ch, err := New("siem", Config{URL: secret.Of("https://siem.contoso.example/")})
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	ch.Transport = transport(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(reader(func(p []byte) (int, error) { read += len(p); return len(p), nil }))}, nil
	})
	if _, err := ch.Send(t.Context(), notifytest.Opened()); err != nil || read > 64<<10 {
		t.Errorf("%d bytes read, %v", read, err)
	}
}

type reader func([]byte) (int, error)

func (f reader) Read(p []byte) (int, error) { return f(p) }

func TestErrorsOfTheConnectionHoldNoSecret(t *testing.T) {
	ch, err := New("siem", Config{URL: secret.Of("https://user:" + basic + "@siem.contoso.example/" + pathToken + "?k=" + key)})
	if err != nil {
		t.Fatal(err)
	}
	ch.Transport = transport(func(r *http.Request) (*http.Response, error) {
		if u, p, ok := r.BasicAuth(); !ok || u != "user" || p != basic {
			t.Errorf("the user of the address is %q %q", u, p)
		}
		return nil, fmt.Errorf("post %s: malformed \x1b[2J answer to %s?%s for %s", r.URL, r.URL.Path, r.URL.RawQuery, r.URL.User)
	})
	_, err = ch.Send(t.Context(), notifytest.Opened())
	for _, s := range []string{basic, pathToken, key, "\x1b"} {
		if err == nil || strings.Contains(fmt.Sprintf("%+v", err), s) {
			t.Errorf("the error is %v", err)
		}
	}
}

func TestCheck(t *testing.T) {
	long := secret.Of("a\r\nb")
	fine := secret.Of("x")
	for want, c := range map[string]Config{
		"":                     {URL: secret.Of("https://siem.contoso.example:8443/x?token=y")},
		"none ":                {URL: secret.Of("http://127.0.0.1:9000/")},
		"there is no address":  {},
		"without TLS":          {URL: secret.Of("http://siem.contoso.example/" + pathToken)},
		"neither https":        {URL: secret.Of("ftp://siem.contoso.example/")},
		"no host":              {URL: secret.Of("https:///" + pathToken)},
		"can't be read":        {URL: secret.Of("https://siem contoso/" + pathToken + "\x00")},
		"is no name":           {URL: secret.Of("https://x.example"), Headers: map[string]*secret.Secret{"a b": &fine}},
		"set by detect itself": {URL: secret.Of("https://x.example"), Headers: map[string]*secret.Secret{"x-detect-signature": &fine}},
		"no value":             {URL: secret.Of("https://x.example"), Headers: map[string]*secret.Secret{"X": nil}},
		"no header may hold":   {URL: secret.Of("https://x.example"), Headers: map[string]*secret.Secret{"X": &long}},
	} {
		list := c.Check()
		_, err := New("siem", c)
		if fails := strings.TrimSpace(want) != "" && want != "none "; fails != (len(list) > 0) || fails != (err != nil) {
			t.Errorf("%q: %v, %v", want, list, err)
		} else if fails && (!strings.Contains(list[0].Message, want) || strings.Contains(fmt.Sprint(list, err), pathToken)) {
			t.Errorf("%q: %v, %v", want, list, err)
		}
	}
}

// TestCutBodiesSayWhat is that a large alert fits and names what is not whole, and that others are whole.
func TestCutBodiesSayWhat(t *testing.T) {
	m := notifytest.Opened()
	b, err := render(m, time.UnixMicro(m.Now))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(b, []byte(`"cut"`)) {
		t.Errorf("an ordinary alert is cut: %s", b)
	}
	var whole struct {
		Alert struct {
			Values  map[string][]string
			Records []string
		}
	}
	if err := json.Unmarshal(b, &whole); err != nil || len(whole.Alert.Records) != 2 || len(whole.Alert.Values["file"]) != 2 {
		t.Errorf("%v: %s", err, b)
	}
	m = notifytest.Filled(strings.Repeat("\x00", 1<<20))
	if b, err = render(m, time.UnixMicro(m.Now)); err != nil || len(b) > maxBody || !bytes.Contains(b, []byte(`"cut":["by","changes","note","records","respond","title","values"]`)) {
		t.Errorf("%d bytes, %v: …%s", len(b), err, b[max(0, len(b)-200):])
	}
	m = notifytest.Opened()
	m.Abridged = true
	if b, err = render(m, time.UnixMicro(m.Now)); err != nil || !bytes.Contains(b, []byte(`"cut":["records","respond","values"]`)) {
		t.Errorf("an abridged alert does not say so: %v %s", err, b)
	}
}

func FuzzRender(f *testing.F) {
	f.Add("title", "name", 10, int64(0))
	f.Add("\xff\x00<", "\u2028", 3000, int64(-1)<<63)
	f.Fuzz(func(t *testing.T, text, name string, n int, at int64) {
		m := notifytest.Filled(text)
		m.Alert.Values[0].Name = name
		for range min(max(n, 0), 3000) {
			m.Alert.Values[0].Values = append(m.Alert.Values[0].Values, text)
			m.Alert.Records = append(m.Alert.Records, name)
		}
		m.Alert.First, m.Detected, m.Changes[0].At, m.Via = at, at, at, text
		b, err := render(m, time.UnixMicro(at))
		if err != nil || len(b) > maxBody || !utf8.Valid(b) || !json.Valid(b) {
			t.Fatalf("%d bytes: %v", len(b), err)
		}
		b, err = renderNotice(&notify.Notice{Text: text, Hint: name, Host: text, At: time.UnixMicro(at)})
		if err != nil || len(b) > maxBody || !json.Valid(b) {
			t.Fatalf("notice of %d bytes: %v", len(b), err)
		}
	})
}
