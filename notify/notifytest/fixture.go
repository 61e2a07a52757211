// Package notifytest holds every kind of channel to the same contract, and has the alerts to hold it with.
package notifytest

import (
	"testing"

	"detect/notify"
)

// Answer is how the service behind a channel answers.
type Answer int

// The answers that a fixture's service gives. Those that a service can't give are left out by Fixture.Lacks.
const (
	OK           Answer = iota
	RateLimited         // 429 with Retry-After: RetryAfterSeconds; the error must be a *notify.RetryAfter
	ServerError         // 500; for mail a 4xx reply: try again
	Unauthorized        // 401 or its like, such as invalid_auth or 535: *notify.Permanent
	Forbidden           // 403 or its like: *notify.Permanent
	NotFound            // 404 or its like, such as channel_not_found or 550: *notify.Permanent
	Refused             // the connection is refused: try again, and notify.Certain
	Reset               // the connection breaks after the request was read: try again, and not notify.Certain
	Hang                // there is no answer until the client goes away: try again, and not notify.Certain
)

func (a Answer) String() string {
	return [...]string{"ok", "rate limited", "server error", "unauthorized", "forbidden", "not found", "refused", "reset", "hang"}[a]
}

// RetryAfterSeconds is what the service says with RateLimited.
const RetryAfterSeconds = 7

// Fixture is a channel and the scripted service that it sends to.
type Fixture struct {
	Channel notify.Channel
	// Answer makes the service answer every following request so, until it is called again. It answers OK at first.
	Answer func(Answer)
	// Received is how many messages the service has taken so far: posts, edits, mails. It may be nil.
	Received func() int
	// Violations are what the service found wrong with what it got: limits, markup that would be live, broken headers. It may be nil.
	Violations func() []string
	// Logged is all that the channel logged so far. It may be nil if it logs nothing.
	Logged func() string
	// Secrets must appear nowhere but in requests: tokens, passwords, addresses with a token in them. None is shorter than six characters.
	Secrets []string
	// Lacks has the answers that this service can't give, each with the reason.
	Lacks map[Answer]string
}

// Open makes a fixture that t cleans up. The channel's own pace is as fast as the service lets it.
type Open func(t *testing.T) *Fixture
