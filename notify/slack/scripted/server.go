// Package scripted is a Slack for tests: a model of the parts of the Web API that a bot posts with, which enforces what
// Slack enforces (tokens, scopes, membership, pace, sizes and structure of blocks) and does the harm that is scripted:
// rate limits, errors, time-outs, resets before or after a call took effect. It keeps all that it was sent, and names
// whatever in a message would have been live: mentions, links, formatting.
package scripted

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// The workspace as New makes it.
const (
	Token       = "xoxb-scripted-0123456789-secret"
	WebhookPath = "/services/T00SCRIPTED/B00SCRIPTED/webhooksecret"
	ChannelName = "#o365-alerts"
	ChannelID   = "C0ALERTS01"
	// API is the root of the Web API with Transport, and Webhook the address of the incoming webhook; with a real server
	// the roots are its URL with /api/ and WebhookPath.
	API     = "http://localhost/api/"
	Webhook = "http://localhost" + WebhookPath
)

// AllScopes are those that the channel can make use of.
var AllScopes = []string{"chat:write", "channels:read", "groups:read", "channels:history", "groups:history"}

// Room is one channel of the workspace.
type Room struct {
	ID, Name string // the name without #
	Private  bool
	Archived bool
	Outside  bool // the app is no member
}

// Server is a workspace. It is an http.Handler.
type Server struct {
	mu       sync.Mutex
	token    string
	scopes   []string
	rooms    []*Room
	messages []*Message
	calls    []Call
	breaches []string
	faults   map[string][]Fault
	down     *Fault
	every    time.Duration // between two messages to one channel
	burst    float64
	buckets  map[string]*bucket
	last     int64 // microseconds of the newest message's ts
	release  chan struct{}
}

// New makes a workspace with one public channel that the app is a member of, all scopes, one message a second for a
// channel with a burst of two, and no faults.
func New() *Server {
	return &Server{
		token: Token, scopes: AllScopes, rooms: []*Room{{ID: ChannelID, Name: strings.TrimPrefix(ChannelName, "#")}},
		faults: map[string][]Fault{}, every: time.Second, burst: 2, buckets: map[string]*bucket{}, release: make(chan struct{}),
	}
}

// Pace sets how often a channel takes a message, and how many at once. 0: as often as one likes.
func (s *Server) Pace(every time.Duration, burst int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.every, s.burst, s.buckets = every, float64(burst), map[string]*bucket{}
}

// SetToken makes another token the valid one.
func (s *Server) SetToken(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = token
}

// SetScopes sets what the token may do.
func (s *Server) SetScopes(scopes ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scopes = scopes
}

// SetRoom adds a channel, or changes the one with that id.
func (s *Server) SetRoom(r Room) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rooms = slices.DeleteFunc(s.rooms, func(old *Room) bool { return old.ID == r.ID })
	s.rooms = append(s.rooms, &r)
}

// Delete deletes a message, as a person may.
func (s *Server) Delete(ts string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.messages {
		if m.TS == ts {
			m.Deleted = true
		}
	}
}

// Disown makes a message somebody else's, so that it can't be edited.
func (s *Server) Disown(ts string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.messages {
		if m.TS == ts {
			m.foreign = true
		}
	}
}

// Version is what a message was before an edit.
type Version struct {
	Text     string
	Blocks   json.RawMessage
	Metadata *Metadata
}

// Metadata is what a program adds to a message for programs.
type Metadata struct {
	EventType    string         `json:"event_type"`
	EventPayload map[string]any `json:"event_payload"`
}

// Message is one message as it stands.
type Message struct {
	Channel, TS string
	Thread      string // the ts of the message that it answers; empty: none
	Text        string
	Blocks      json.RawMessage
	Metadata    *Metadata
	Earlier     []Version // what it was before each edit, oldest first
	Deleted     bool
	ByWebhook   bool
	At          time.Time

	foreign bool
}

// Messages are all messages in the order in which they were posted, deleted ones and answers included.
func (s *Server) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Message, len(s.messages))
	for i, m := range s.messages {
		out[i] = *m
		out[i].Earlier = slices.Clone(m.Earlier)
	}
	return out
}

// Call is one request.
type Call struct {
	Method  string // such as chat.postMessage, or webhook
	At      time.Time
	Form    url.Values // without the token
	Body    string     // of a webhook
	Outcome string     // ok, an error's code, or what the script did
}

// Calls are all requests in the order in which they came.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// Violations are what Slack would have refused or shown wrongly, and what in a message would have been live: a test that
// does not mean to provoke any finds this empty.
func (s *Server) Violations() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.breaches)
}

// ServeHTTP serves the Web API below /api/ and the webhook.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	call := Call{At: time.Now()}
	var body []byte
	hook := !strings.HasPrefix(r.URL.Path, "/api/")
	if hook {
		call.Method = "webhook"
		body = readAll(r)
		call.Body = string(body)
	} else {
		call.Method = strings.TrimPrefix(r.URL.Path, "/api/")
		_ = r.ParseForm()
		call.Form = url.Values{}
		for key, v := range r.Form {
			if key != "token" {
				call.Form[key] = v
			}
		}
	}
	act := func() reply {
		s.mu.Lock()
		defer s.mu.Unlock()
		if hook {
			return s.webhook(r, body)
		}
		return s.method(call.Method, r)
	}
	fault, wait := s.next(call.Method)
	if fault == nil {
		answer := act()
		s.note(call, answer.outcome())
		answer.write(w)
		return
	}
	if fault.Effect {
		act()
	}
	s.note(call, fault.String())
	fault.do(w, r, hook, wait)
}

func (s *Server) note(call Call, outcome string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	call.Outcome = outcome
	s.calls = append(s.calls, call)
}

// breach keeps what is wrong with a message. The lock is held.
func (s *Server) breach(format string, args ...any) {
	s.breaches = append(s.breaches, fmt.Sprintf(format, args...))
}

// reply is an answer of the Web API, or of the webhook.
type reply struct {
	status int            // 0: 200
	after  time.Duration  // Retry-After
	body   map[string]any // nil: text
	text   string
}

func (a reply) outcome() string {
	if a.after > 0 {
		return "ratelimited"
	}
	if code, ok := a.body["error"].(string); ok {
		return code
	}
	if a.body == nil {
		return a.text
	}
	return "ok"
}

func (a reply) write(w http.ResponseWriter) {
	if a.after > 0 {
		w.Header().Set("Retry-After", fmt.Sprint(int64((a.after+time.Second-1)/time.Second)))
		a.status = http.StatusTooManyRequests
	}
	if a.body == nil {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(max(a.status, http.StatusOK))
		_, _ = w.Write([]byte(a.text))
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(max(a.status, http.StatusOK))
	_ = json.NewEncoder(w).Encode(a.body)
}

// fails is an answer with a code.
func fails(code string) reply { return reply{body: map[string]any{"ok": false, "error": code}} }

// lacks is the answer to a call that needs another scope.
func (s *Server) lacks(needed string) reply {
	return reply{body: map[string]any{"ok": false, "error": "missing_scope", "needed": needed, "provided": strings.Join(s.scopes, ",")}}
}

// bucket is a token bucket: what is left of it at a time.
type bucket struct {
	left float64
	at   time.Time
}

// limited takes one from a bucket, or says after which time there is one.
func (s *Server) limited(name string, every time.Duration, burst float64) time.Duration {
	if every <= 0 {
		return 0
	}
	now := time.Now()
	b := s.buckets[name]
	if b == nil {
		b = &bucket{left: burst, at: now}
		s.buckets[name] = b
	}
	b.left = min(burst, b.left+float64(now.Sub(b.at))/float64(every))
	b.at = now
	if b.left < 1-1e-9 {
		return time.Duration((1 - b.left) * float64(every))
	}
	b.left--
	return 0
}
