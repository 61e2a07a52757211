package notify

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"detect/internal/store"
	"detect/notify/escape"
	"detect/rules/hit"
	"detect/rules/template"
)

// When a channel is told that more alerts wait for it than can be told soon.
const (
	stormAlerts = 50               // so many wait besides the one whose turn it is
	stormWait   = 30 * time.Second // and that one has waited so long
	stormRepeat = time.Hour        // it is said again if it goes on so long
	stormRetry  = 5 * time.Minute  // it is tried again if it could not be said
	stormWorst  = 5                // alerts that are named
	stormTitle  = 100              // bytes of a title
)

// sumUp tells the people of a channel, before the next one of many alerts is, how many wait and which are the gravest: one
// message a second is all that some services take, and what matters most may come last. Each alert is told by itself all
// the same. Programs, which get each revision, need none of it.
func (l *lane) sumUp(ctx, sending context.Context, dv *store.Delivery) error {
	now := time.Now()
	if l.failures > 0 || l.channel.EachRevision() || now.Before(l.summed) || now.Sub(time.UnixMicro(dv.Queued)) < stormWait {
		return nil
	}
	w, err := l.Outbox.Waiting(ctx, l.name, stormAlerts+1, stormWorst)
	if err != nil || w == nil {
		return err
	}
	l.summed = now.Add(stormRepeat)
	var after *RetryAfter
	switch err := l.tell(sending, storm(w, now)); {
	case errors.As(err, &after):
		l.hold = now.Add(min(max(after.After, leastRetryAfter), mostRetryAfter))
		l.summed = l.hold
	case err != nil: // the alerts will meet it too
		l.summed = now.Add(stormRetry)
		l.Log.Debug("a channel could not be told how many alerts wait for it", "channel", l.name, "error", escape.Terminal(err.Error()))
	}
	return nil
}

// tell has the channel tell a notice, with the timeout. What panics is an error.
func (l *lane) tell(ctx context.Context, n Notice) (err error) {
	defer recovered(l.Log, l.name, &err)
	ctx, cancel := context.WithTimeout(ctx, l.Timeout)
	defer cancel()
	return l.channel.Tell(ctx, &n)
}

// storm says what waits.
func storm(w *store.Waiting, now time.Time) Notice {
	var each, worst []string
	for s := len(w.Of) - 1; s >= 0; s-- {
		if n := w.Of[s]; n > 0 {
			each = append(each, template.Grouped(n)+" "+hit.Severity(s).String())
		}
	}
	for _, a := range w.Worst {
		worst = append(worst, fmt.Sprintf("%s, %s: %s", short(a.ID), a.Severity, escape.Cut(strings.TrimSpace(a.Title), stormTitle)))
	}
	n := Notice{Level: Warning, At: now,
		Text: fmt.Sprintf("%s wait to be told here (%s): more than can be sent at once", counted(w.Alerts, "alert"), strings.Join(each, ", ")),
		Hint: "each follows by itself, the oldest first; detect alerts list --severity high shows the gravest now"}
	if len(worst) > 0 {
		n.Hint += ", such as " + strings.Join(worst, "; ")
	}
	return n
}
