// Package notify brings alerts to people: which channel is told of which alert, what it is told, and that it is told at
// least once, in order, through crashes, outages and rate limits.
//
// A channel is a pure rendering and one send. Everything durable (what each channel has been told, what it is still to be
// told, which attempt was under way when the process died) is in the outbox, and the Dispatcher is the only one that
// knows both.
package notify

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"detect/engine"
	"detect/rules"
	"detect/rules/hit"
)

// Message is what a channel is to tell of one alert: what it is now, and what changed since the channel was last told.
type Message struct {
	Alert *engine.Alert // in the revision that is to be told
	Rule  *rules.Rule   // that raised it, as it is loaded now; nil if it is not loaded any more

	// Changes are the revisions that the channel has not been told of, oldest first, up to that of Alert. Never empty.
	Changes []Change

	Sent    int    // the revision that the channel was told last; 0: none
	SentAt  int64  // when that was, microseconds of the wall clock
	Receipt []byte // what Send returned then; nil if Sent is 0

	// Uncertain says that an earlier attempt to send a revision after Sent may have got through: the process died, or the
	// connection broke, before its end was known.
	Uncertain bool

	// Abridged says that Alert is an old revision whose Values, Records and Respond were too long to be kept.
	Abridged bool

	// Via is the channel that could not deliver it and for which this one stands in, and ViaReason why; empty mostly.
	Via, ViaReason string

	// Happened is the last of what the alert's first revision shows, Available when the source had it, and Detected when
	// that revision was stored; microseconds, the latter two of the wall clock. 0: it is not known.
	Happened, Available, Detected int64

	Now int64 // the wall clock at the rendering, microseconds
}

// Change is one revision of an alert in short.
type Change struct {
	Revision int
	Reason   engine.Reason
	Note     string // what changed, in numbers
	Severity hit.Severity
	Title    string
	Status   engine.Status
	Count    int64
	At       int64 // when it was stored, microseconds of the wall clock
}

// Level says how much a notice matters.
type Level uint8

// The levels of a notice.
const (
	Information Level = iota
	Warning
	Trouble // something does not work: records are not read, alerts do not arrive
)

func (l Level) String() string { return [...]string{"information", "warning", "trouble"}[l] }

// Notice is what the program has to say of itself. Its text may hold what comes from records or files: it is escaped like
// an alert's.
type Notice struct {
	Level Level
	Text  string // one sentence or two
	Hint  string // what an operator can do; may be empty
	At    time.Time
	Host  string // the machine that says it
}

// Plan is whether and when a channel wants a message.
type Plan struct {
	Skip bool      // it is not worth telling here; it counts as told
	At   time.Time // not before; the zero time: at once
	Why  string    // for the log and for tests, such as "growth within 15 minutes of the last mail"
}

// Channel is one place where people read alerts. Its methods may be called from several goroutines, but Send is never
// called for the same alert at the same time.
type Channel interface {
	// Kind is the configuration's word for it: slack, email, webhook.
	Kind() string
	// EachRevision says that every revision is sent on its own, in order, rather than the latest with all that changed.
	EachRevision() bool
	// Plan decides whether and when a message is sent. It is pure: it depends on m alone.
	Plan(m *Message) Plan
	// Send renders and sends one message, honouring ctx, and returns the receipt that the next message about the same
	// alert is given. It keeps the pace that the service asks for itself, by waiting. Its error is nil, a *RetryAfter, a
	// *Permanent, or any other, which means to try again later. No error holds a secret, an address with a token in it
	// included.
	Send(ctx context.Context, m *Message) (receipt []byte, err error)
	// Tell sends a notice. Errors are as those of Send.
	Tell(ctx context.Context, n *Notice) error
}

// RetryAfter is the error of a send that may be tried again, but not before After has passed.
type RetryAfter struct {
	After time.Duration
	Err   error
}

func (e *RetryAfter) Error() string { return fmt.Sprintf("%v (try again after %s)", e.Err, e.After) }

// Unwrap is what the service said.
func (e *RetryAfter) Unwrap() error { return e.Err }

// NotSent is the error of a send that certainly had no effect and may be tried again: the connection was not made, or the
// service said that it took nothing. *RetryAfter and *Permanent say so too; after any other error the message may have
// got through, and the next one is marked Uncertain.
type NotSent struct {
	Err error
	// Unreachable says that any other message would have met it too: the service was not reached, or takes nothing now.
	Unreachable bool
}

func (e *NotSent) Error() string { return e.Err.Error() }

// Unwrap is what went wrong.
func (e *NotSent) Unwrap() error { return e.Err }

// Certain says whether err tells that a message did not get through: it is or wraps a *NotSent, *RetryAfter or *Permanent,
// or a connection that could not be made.
func Certain(err error) bool {
	var none *NotSent
	var after *RetryAfter
	var permanent *Permanent
	if errors.As(err, &none) || errors.As(err, &after) || errors.As(err, &permanent) {
		return true
	}
	return noConnection(err)
}

// noConnection says whether a connection could not be made.
func noConnection(err error) bool {
	var op *net.OpError
	var name *net.DNSError
	return errors.As(err, &op) && op.Op == "dial" || errors.As(err, &name) || errors.Is(err, syscall.ECONNREFUSED)
}

// unreachable says whether err tells nothing of the message, since any other would have met it too.
func unreachable(err error) bool {
	var none *NotSent
	return errors.As(err, &none) && none.Unreachable || noConnection(err)
}

// Permanent is the error of a send that will fail however often it is tried, until somebody changes something.
type Permanent struct {
	Err  error
	Hint string // what somebody can change; may be empty
}

func (e *Permanent) Error() string {
	if e.Hint == "" {
		return e.Err.Error()
	}
	return e.Err.Error() + ": " + e.Hint
}

// Unwrap is what the service said.
func (e *Permanent) Unwrap() error { return e.Err }

// Problem is something wrong in the configuration of a channel.
type Problem struct {
	Path    []string // keys and list indexes that lead to it, from the channel's own mapping
	Message string
	Hint    string // what to write instead; may be empty

	Offset int  // byte offset of the fault in the text at Path; 0 if it is about all of it
	Lint   bool // it works, and is probably not what was meant
}
