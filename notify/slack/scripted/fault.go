package scripted

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"syscall"
	"time"
)

// Fault is what goes wrong with one call.
type Fault struct {
	Effect     bool          // the call takes effect first, and only its answer is lost
	Code       string        // answer ok false with this error
	Status     int           // answer with this HTTP status and a page of HTML
	RetryAfter time.Duration // answer 429 with this Retry-After, in whole seconds
	Reset      bool          // break the connection
	Hang       bool          // give no answer until Release, or until the caller gives up
}

// RateLimited answers 429 with a Retry-After.
func RateLimited(after time.Duration) Fault { return Fault{RetryAfter: after} }

// Refuse answers with a code such as invalid_auth.
func Refuse(code string) Fault { return Fault{Code: code} }

// Status answers with an HTTP status.
func Status(status int) Fault { return Fault{Status: status} }

// Reset breaks the connection, after the call took effect or before.
func Reset(effect bool) Fault { return Fault{Reset: true, Effect: effect} }

// Hang gives no answer, after the call took effect or before.
func Hang(effect bool) Fault { return Fault{Hang: true, Effect: effect} }

func (f Fault) String() string {
	when := "before it took effect"
	if f.Effect {
		when = "after it took effect"
	}
	switch {
	case f.RetryAfter > 0:
		return "ratelimited"
	case f.Code != "":
		return f.Code
	case f.Status != 0:
		return fmt.Sprintf("status %d %s", f.Status, when)
	case f.Reset:
		return "reset " + when
	case f.Hang:
		return "no answer " + when
	}
	return "no fault"
}

// Script queues faults for calls of a method ("chat.postMessage", "webhook"; "*": of any): each spoils one call.
func (s *Server) Script(method string, faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[method] = append(s.faults[method], faults...)
}

// Down makes every call fail until it is called with nil.
func (s *Server) Down(fault *Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = fault
}

// Release ends all calls that hang.
func (s *Server) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.release)
	s.release = make(chan struct{})
}

// next takes the fault that a call is to suffer; nil: none.
func (s *Server) next(method string) (*Fault, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down != nil {
		return s.down, s.release
	}
	for _, key := range []string{method, "*"} {
		if queue := s.faults[key]; len(queue) > 0 {
			s.faults[key] = queue[1:]
			return &queue[0], s.release
		}
	}
	return nil, s.release
}

func (f *Fault) do(w http.ResponseWriter, r *http.Request, hook bool, release <-chan struct{}) {
	switch {
	case f.Hang:
		select {
		case <-release:
		case <-r.Context().Done():
		}
		panic(http.ErrAbortHandler)
	case f.Reset:
		panic(http.ErrAbortHandler)
	case f.RetryAfter > 0:
		reply{after: f.RetryAfter, body: map[string]any{"ok": false, "error": "ratelimited"}}.write(w)
	case f.Code != "" && hook:
		reply{status: http.StatusForbidden, text: f.Code}.write(w)
	case f.Code != "":
		fails(f.Code).write(w)
	default:
		reply{status: f.Status, text: "<html><body>something is wrong</body></html>"}.write(w)
	}
}

func readAll(r *http.Request) []byte {
	b, _ := io.ReadAll(io.LimitReader(r.Body, 4<<20))
	return b
}

// Transport carries requests to the workspace without a network, for tests in a bubble of testing/synctest.
func (s *Server) Transport() http.RoundTripper { return memory{s} }

type memory struct{ to http.Handler }

var errReset = errors.New("read tcp: connection reset by peer")

// RoundTrip serves a request in the caller's goroutine.
func (m memory) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	defer func() {
		if p := recover(); p != nil {
			if p != http.ErrAbortHandler { //nolint:errorlint // a panic's value
				panic(p)
			}
			resp = nil
			if err = r.Context().Err(); err == nil {
				err = errors.Join(errReset, syscall.ECONNRESET)
			}
		}
	}()
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	in := r.Clone(r.Context())
	if in.Body == nil {
		in.Body = http.NoBody
	}
	in.RequestURI = r.URL.RequestURI()
	w := httptest.NewRecorder()
	m.to.ServeHTTP(w, in)
	_ = in.Body.Close()
	return w.Result(), nil
}
