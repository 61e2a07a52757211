package notify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"detect/engine"
	"detect/internal/store"
	"detect/notify/escape"
)

// lane is the way to one channel: its deliveries, one after the other.
type lane struct {
	*Dispatcher
	name    string
	channel Channel
	wake    chan struct{} // holds one

	// What follows belongs to the goroutine of the lane.
	failures int       // attempts that failed in a row, whatever they were to deliver
	hold     time.Time // nothing is tried before
	proven   bool      // the last attempt got through, or was refused for good: the channel works
	aside    bool      // a delivery let others go first
	suspect  string    // the alert whose message failed first since the channel worked; empty: none failed
	common   bool      // the message of another one failed too since then
	told     bool      // operators know that it is down
	again    time.Time // when what was refused, and nobody was told instead, is tried again; the zero time: nothing was
	summed   time.Time // the channel is not told before how many alerts wait for it

	mu    sync.Mutex
	stats ChannelStats
}

// refusedAgain is how long after the last refusal alerts are tried again of which nobody was told instead: somebody may
// have invited the app by then, or emptied the mailbox.
const refusedAgain = time.Hour

// downNotice is how long a channel fails before operators are told: most outages are over sooner.
const downNotice = 2 * time.Minute

// standInLimit is for how many deliveries the fallback is asked in one transaction.
const standInLimit = 200

// probeLast is after how many failures a delivery lets another one go first: it may be that it alone makes the channel
// fail. It does so every second time then, and once that other one failed too, which says that it is the channel, every
// fourth time: when the channel works again, the next one to be tried should be the one whose turn it is.
const (
	probeLast   = 4
	probeAgain  = 2
	probeCommon = 4
)

// The least and the most that a channel is left alone because its service asks for it.
const (
	leastRetryAfter = time.Second
	mostRetryAfter  = time.Hour
)

// run sends what is due until ctx ends.
func (l *lane) run(ctx, sending context.Context, stop context.CancelCauseFunc) {
	for ctx.Err() == nil {
		var wait time.Duration
		l.persist(ctx, stop, "see what "+l.name+" is to be told", func() (err error) {
			wait, err = l.step(ctx, sending)
			return err
		})
		if wait <= 0 || ctx.Err() != nil {
			continue
		}
		held := !l.hold.IsZero()
		t := time.NewTimer(wait)
		if held { // what is committed meanwhile changes nothing
			select {
			case <-t.C:
			case <-ctx.Done():
			}
		} else {
			select {
			case <-l.wake:
			case <-t.C:
			case <-ctx.Done():
			}
		}
		t.Stop()
	}
}

// drain sends what is due now, and says how many messages that were.
func (l *lane) drain(ctx context.Context) (sent int, err error) {
	for ctx.Err() == nil {
		before := l.numbers()
		wait, err := l.step(ctx, ctx)
		if err != nil {
			return sent, err
		}
		after := l.numbers()
		if after != before {
			sent++
		}
		if wait > 0 {
			break
		}
	}
	return sent, nil
}

// step tries one delivery if one is due, and says how long to wait then: 0 if there may be another.
func (l *lane) step(ctx, sending context.Context) (time.Duration, error) {
	now := time.Now()
	if now.Before(l.hold) {
		if err := l.down(ctx, now); err != nil {
			return 0, err
		}
		return min(time.Until(l.hold), dispatchRound), nil
	}
	if l.failures > 0 && !l.hold.IsZero() {
		now = l.hold // what is put off a moment longer than the channel itself is not due yet
	}
	l.hold = time.Time{}
	if !l.again.IsZero() && !now.Before(l.again) {
		if _, err := l.Outbox.RetryFailed(ctx, []string{l.name}); err != nil {
			return 0, err
		}
		l.again = time.Time{}
	}
	dv, next, err := l.Outbox.NextDelivery(ctx, l.name, now.UnixMicro())
	switch {
	case err != nil:
		return 0, err
	case dv != nil:
		if err := l.sumUp(ctx, sending, dv); err != nil || time.Now().Before(l.hold) {
			return 0, err
		}
		return 0, l.deliver(ctx, sending, dv)
	case next != 0:
		return max(min(time.Until(time.UnixMicro(next)), dispatchRound), time.Microsecond), nil
	default:
		return dispatchRound, nil
	}
}

// deliver sends what one delivery is to tell, if it is worth telling now.
func (l *lane) deliver(ctx, sending context.Context, dv *store.Delivery) error {
	m, err := l.message(ctx, dv)
	var damaged *store.RowError
	switch {
	case errors.As(err, &damaged), errors.Is(err, store.ErrNoAlert):
		next := time.Now().Add(Backoff(dv.Attempts+1, seedOf(dv.Alert)))
		l.Log.Error("an alert can't be read", "alert", dv.Alert, "channel", l.name, "error", escape.Terminal(err.Error()))
		l.say(Trouble, fmt.Sprintf("alert %s can't be told: its row in the store can't be read", escape.Terminal(dv.Alert)), "the log says why; the other alerts are told")
		return l.Outbox.DelayDelivery(ctx, dv, next.UnixMicro(), err.Error(), true, true)
	case err != nil:
		return err
	}
	revision := m.Alert.Revision
	plan, err := l.plan(m)
	switch {
	case err != nil:
		return l.refused(ctx, dv, err)
	case plan.Skip:
		l.Log.Debug("not worth telling", "alert", dv.Alert, "revision", revision, "channel", l.name, "why", escape.Terminal(plan.Why))
		l.count(func(s *ChannelStats) { s.Skipped++ })
		return l.Outbox.EndDelivery(ctx, dv, revision, dv.Receipt, dv.SentAt)
	case plan.At.After(time.Now()):
		return l.Outbox.DelayDelivery(ctx, dv, plan.At.UnixMicro(), plan.Why, false, true)
	}
	if err := l.Outbox.BeginDelivery(ctx, dv, revision); err != nil {
		return err
	}
	began := time.Now()
	receipt, err := l.send(sending, m)
	now := time.Now()
	if l.Observe != nil {
		l.Observe(l.name, now.Sub(began), err)
	}
	if err == nil {
		return l.arrived(ctx, dv, m, receipt, began, now)
	}
	return l.failed(ctx, sending, dv, err, now)
}

// plan asks the channel whether and when it wants the message. What panics is an error.
func (l *lane) plan(m *Message) (p Plan, err error) {
	defer recovered(l.Log, l.name, &err)
	return l.channel.Plan(m), nil
}

// send has the channel send the message, with the timeout. What panics is an error.
func (l *lane) send(ctx context.Context, m *Message) (receipt []byte, err error) {
	defer recovered(l.Log, l.name, &err)
	ctx, cancel := context.WithTimeout(ctx, l.Timeout)
	defer cancel()
	return l.channel.Send(ctx, m)
}

// recovered makes a panic an error: an alert that a channel can't render must reach people otherwise, and not end detection.
func recovered(log *slog.Logger, channel string, err *error) {
	if r := recover(); r != nil {
		// The value of a panic may quote what it was working on, the stack doesn't.
		log.Error("a channel panicked", "channel", channel, "stack", string(debug.Stack()))
		*err = &Permanent{Err: errors.New("the channel panicked"), Hint: "this is a fault of the program: see its log"}
	}
}

// arrived records a message that was told. It is tried until the context is over, since a message that isn't recorded is
// sent again.
func (l *lane) arrived(ctx context.Context, dv *store.Delivery, m *Message, receipt []byte, began, now time.Time) error {
	l.count(func(s *ChannelStats) {
		s.Sent++
		s.LastSend, s.Down = now.Sub(began), time.Time{}
	})
	if l.aside {
		l.aside = false
		sleep(ctx, 2*time.Microsecond) // those that let others go first are due then, and come in their order
	}
	l.works()
	l.Log.Debug("told", "alert", dv.Alert, "revision", m.Alert.Revision, "channel", l.name, "took", now.Sub(began))
	return l.record(ctx, func(ctx context.Context) error {
		return l.Outbox.EndDelivery(ctx, dv, m.Alert.Revision, receipt, now.UnixMicro())
	})
}

// works notes that the channel works.
func (l *lane) works() {
	if l.told {
		l.say(Information, fmt.Sprintf("channel %s works again", l.name), "what waited for it is sent now")
	}
	l.failures, l.hold, l.proven, l.told = 0, time.Time{}, true, false
	l.suspect, l.common = "", false
}

// record records what happened, also if ctx ends meanwhile, and again and again if it fails.
func (l *lane) record(ctx context.Context, f func(context.Context) error) error {
	for wait := time.Second; ; wait = min(2*wait, time.Minute) {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
		err := f(last)
		cancel()
		if err == nil || ctx.Err() != nil || errors.Is(err, store.ErrClosed) {
			return err
		}
		l.Log.Error("the store failed: can't record what became of a delivery", "channel", l.name, "error", escape.Terminal(err.Error()), "wait", wait)
		if !sleep(ctx, wait) {
			return err
		}
	}
}

// failed records an attempt that failed.
func (l *lane) failed(ctx, sending context.Context, dv *store.Delivery, err error, now time.Time) error {
	var permanent *Permanent
	if errors.As(err, &permanent) {
		return l.refused(ctx, dv, err)
	}
	text := escape.Terminal(err.Error())
	if sending.Err() != nil { // the program ends: nothing is known of the channel
		return l.record(ctx, func(ctx context.Context) error {
			return l.Outbox.DelayDelivery(ctx, dv, now.UnixMicro(), text, false, Certain(err))
		})
	}
	alone := l.proven && dv.Attempts > 0 && !unreachable(err)
	l.failures++
	l.proven = false
	wait := Backoff(l.failures, seedOf(l.name))
	var after *RetryAfter
	if errors.As(err, &after) {
		wait = min(max(after.After, leastRetryAfter), mostRetryAfter)
	}
	l.hold = now.Add(wait)
	next := l.hold
	switch {
	case after != nil: // it is the channel's pace
	case alone:
		next = now.Add(max(wait, Backoff(dv.Attempts+1, seedOf(dv.Alert))))
	case !unreachable(err) && l.letsGo(dv):
		l.aside = true
		next = l.hold.Add(time.Microsecond)
	}
	l.count(func(s *ChannelStats) {
		s.Retried++
		if s.Down.IsZero() {
			s.Down = now
		}
	})
	l.Log.Warn("a message did not get through", "alert", dv.Alert, "channel", l.name, "attempt", dv.Attempts+1, "wait", next.Sub(now), "error", text)
	err = l.record(ctx, func(ctx context.Context) error {
		return l.Outbox.DelayDelivery(ctx, dv, next.UnixMicro(), text, true, Certain(err))
	})
	if err != nil {
		return err
	}
	return l.down(ctx, now)
}

// letsGo says whether a delivery that failed once more lets another one go first.
func (l *lane) letsGo(dv *store.Delivery) bool {
	l.common = l.common || l.suspect != "" && l.suspect != dv.Alert
	l.suspect = cmp.Or(l.suspect, dv.Alert)
	every := probeAgain
	if l.common {
		every = probeCommon
	}
	more := dv.Attempts + 1 - probeLast
	return more >= 0 && more%every == 0
}

// down does what is due when a channel has been down for a while: operators are told, and the fallback stands in.
func (l *lane) down(ctx context.Context, now time.Time) error {
	since := l.numbers().Down
	if since.IsZero() || l.failures == 0 {
		return nil
	}
	if !l.told && now.Sub(since) >= downNotice {
		l.told = true
		l.say(Trouble, fmt.Sprintf("channel %s is down since %s: alerts wait for it", l.name, since.UTC().Format("15:04:05 UTC")), "the log says what it answers")
	}
	if l.Fallback == "" || l.Fallback == l.name || now.Sub(since) < l.FallbackAfter {
		return nil
	}
	cause := fmt.Sprintf("it could not be reached since %s", since.UTC().Format("2006-01-02 15:04 UTC"))
	for {
		n, err := l.Outbox.StandInWaiting(ctx, l.name, l.Fallback, cause, now.Add(-l.FallbackAfter).UnixMicro(), now.UnixMicro(), standInLimit)
		if n > 0 {
			l.count(func(s *ChannelStats) { s.StoodIn += int64(n) })
			l.Log.Warn("the fallback stands in", "channel", l.name, "fallback", l.Fallback, "alerts", n)
			l.wakeFallback()
		}
		if err != nil || n < standInLimit {
			return err
		}
	}
}

func (l *lane) wakeFallback() {
	for _, o := range l.lanes {
		if o.name == l.Fallback {
			signal(o.wake)
		}
	}
}

// refused gives a delivery up that will not get through unless somebody changes something, and has the fallback told.
func (l *lane) refused(ctx context.Context, dv *store.Delivery, cause error) error {
	text := escape.Terminal(cause.Error())
	standIn, instead := l.Fallback, fmt.Sprintf("%s is told instead", l.Fallback)
	if standIn == "" || standIn == l.name {
		standIn, instead = "", "nobody is told instead, and it is tried again in an hour"
		l.again = time.Now().Add(refusedAgain)
	}
	l.count(func(s *ChannelStats) {
		s.Failed++
		s.Down = time.Time{}
	})
	l.works()
	l.Log.Error("a message was refused for good", "alert", dv.Alert, "channel", l.name, "fallback", standIn, "error", text)
	l.say(Trouble, fmt.Sprintf("channel %s refused an alert: %s", l.name, text), instead+"; alerts show tells which")
	err := l.record(ctx, func(ctx context.Context) error { return l.Outbox.FailDelivery(ctx, dv, text, standIn) })
	l.wakeFallback()
	return err
}

func (l *lane) say(level Level, text, hint string) {
	if l.Say != nil {
		l.Say(Notice{Level: level, Text: text, Hint: hint, At: time.Now()})
	}
}

func (l *lane) count(f func(*ChannelStats)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f(&l.stats)
}

func (l *lane) numbers() ChannelStats {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.stats
	s.Channel, s.Kind = l.name, l.channel.Kind()
	return s
}

// message makes what the channel is to tell of a delivery's alert.
func (l *lane) message(ctx context.Context, dv *store.Delivery) (*Message, error) {
	a, err := l.Outbox.Find(ctx, dv.Alert)
	if err != nil {
		return nil, err
	}
	revisions, err := l.Outbox.Changes(ctx, dv.Alert, dv.Sent)
	var damaged *store.RowError
	switch {
	case errors.As(err, &damaged): // what it is now can be told without its history
		l.Log.Error("the history of an alert can't be read", "alert", dv.Alert, "channel", l.name, "error", escape.Terminal(err.Error()))
		revisions = nil
	case err != nil:
		return nil, err
	}
	detected, err := l.Outbox.Detected(ctx, dv.Alert)
	if err != nil {
		return nil, err
	}
	for n := len(revisions); n > 0 && revisions[n-1].Alert.Revision > a.Revision; n-- { // committed meanwhile
		revisions = revisions[:n-1]
	}
	m := &Message{
		Alert: a, Sent: dv.Sent, SentAt: dv.SentAt, Receipt: dv.Receipt, Uncertain: dv.Trying != 0,
		Via: dv.Via, ViaReason: dv.ViaReason, Now: time.Now().UnixMicro(),
		Detected: detected.At, Happened: detected.Happened, Available: detected.Available,
	}
	if l.channel.EachRevision() && len(revisions) > 1 {
		m.Alert, m.Abridged = revisions[0].Alert, revisions[0].Abridged
		revisions = revisions[:1]
	}
	for _, r := range revisions {
		m.Changes = append(m.Changes, changeOf(r.Alert, r.Created))
	}
	if len(m.Changes) == 0 { // its history is not kept
		m.Changes = []Change{changeOf(a, m.Now)}
	}
	if l.Rules != nil {
		m.Rule = l.Rules(a.Rule)
	}
	return m, nil
}

func changeOf(a *engine.Alert, at int64) Change {
	return Change{Revision: a.Revision, Reason: a.Reason, Note: a.Note, Severity: a.Severity, Title: a.Title, Status: a.Status, Count: a.Count, At: at}
}
