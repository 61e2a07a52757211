package notifytest

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"detect/engine"
	"detect/notify"
	"detect/rules/hit"
)

// patience is how long a channel may take to come back when its context has ended. Nothing waits that long if all is well.
const patience = 5 * time.Second

// Contract runs all that every kind of channel must pass.
func Contract(t *testing.T, open Open) {
	t.Run("sends", func(t *testing.T) { sends(t, open(t)) })
	t.Run("answers", func(t *testing.T) { answers(t, open) })
	t.Run("tells", func(t *testing.T) { tells(t, open) })
	t.Run("cancelled", func(t *testing.T) { cancelled(t, open) })
	t.Run("hostile", func(t *testing.T) { hostile(t, open(t)) })
	t.Run("plan", func(t *testing.T) { plan(t, open(t)) })
	t.Run("concurrent", func(t *testing.T) { concurrent(t, open(t)) })
}

// keeps fails if a text that people see holds a secret, in any of the forms in which one slips out.
func (f *Fixture) keeps(t *testing.T, where, text string) {
	t.Helper()
	for i, s := range f.Secrets {
		for _, form := range []string{s, url.QueryEscape(s), url.PathEscape(s), base64.StdEncoding.EncodeToString([]byte(s)), hex.EncodeToString([]byte(s))} {
			if strings.Contains(text, form) {
				t.Errorf("%s holds secret %d", where, i+1)
			}
		}
	}
}

// done checks what must hold whatever was done.
func (f *Fixture) done(t *testing.T) {
	t.Helper()
	if f.Logged != nil {
		f.keeps(t, "the log", f.Logged())
	}
	if f.Violations != nil {
		for _, v := range f.Violations() {
			t.Errorf("the service complains: %s", v)
		}
	}
}

func (f *Fixture) received() int {
	if f.Received == nil {
		return 0
	}
	return f.Received()
}

// send sends and checks what holds for every outcome.
func (f *Fixture) send(ctx context.Context, t *testing.T, m *notify.Message) ([]byte, error) {
	t.Helper()
	before := fmt.Sprintf("%+v", *m.Alert)
	receipt, err := f.Channel.Send(ctx, m)
	if fmt.Sprintf("%+v", *m.Alert) != before {
		t.Error("Send changed the alert")
	}
	f.keeps(t, "the receipt", string(receipt))
	if err != nil {
		f.keeps(t, "the error", fmt.Sprintf("%v %+v %#v %s", err, err, err, err.Error()))
		for e := err; e != nil; e = errors.Unwrap(e) {
			f.keeps(t, "a wrapped error", e.Error())
		}
	}
	if len(receipt) > 4<<10 {
		t.Errorf("a receipt of %d bytes is kept with every delivery", len(receipt))
	}
	return receipt, err
}

// sends tells an alert and what becomes of it: each time the receipt of the last.
func sends(t *testing.T, f *Fixture) {
	if k := f.Channel.Kind(); k == "" || strings.ToLower(k) != k {
		t.Errorf("kind %q is no word of a configuration", k)
	}
	var receipt []byte
	for i, m := range History() {
		m.Receipt = receipt
		before := f.received()
		var err error
		if receipt, err = f.send(t.Context(), t, m); err != nil {
			t.Fatalf("message %d: %v", i+1, err)
		}
		if f.Received != nil && f.received() == before {
			t.Errorf("message %d did not arrive", i+1)
		}
	}
	m := History()[1]
	m.Receipt, m.Uncertain = receipt, true
	if _, err := f.send(t.Context(), t, m); err != nil {
		t.Errorf("a message that may have got through, again: %v", err)
	}
	m = Opened()
	m.Receipt, m.Sent, m.SentAt = []byte("{no receipt of this channel\x00"), 1, m.Now
	if _, err := f.send(t.Context(), t, m); err != nil {
		t.Errorf("with a receipt that can't be read: %v", err)
	}
	m = Opened()
	m.Via, m.ViaReason, m.Abridged = "soc", "token_revoked <!channel>\r\nBcc: x@evil.example", true
	if _, err := f.send(t.Context(), t, m); err != nil {
		t.Errorf("standing in: %v", err)
	}
	f.done(t)
}

// outcome says why an error is none that an answer asks for; "" if it is one.
func outcome(a Answer, err error) string {
	var after *notify.RetryAfter
	var permanent *notify.Permanent
	isAfter, isPermanent := errors.As(err, &after), errors.As(err, &permanent)
	switch {
	case a == OK:
		if err != nil {
			return "it failed"
		}
		return ""
	case err == nil:
		return "it did not fail"
	}
	switch a {
	case RateLimited:
		switch {
		case !isAfter:
			return "it is no *RetryAfter"
		case after.After < RetryAfterSeconds*time.Second || after.After > (RetryAfterSeconds+1)*time.Second:
			return fmt.Sprintf("it is tried again after %s, not %d s", after.After, RetryAfterSeconds)
		}
	case Unauthorized, Forbidden, NotFound:
		switch {
		case !isPermanent:
			return "it is no *Permanent"
		case permanent.Hint == "":
			return "it doesn't say what to change"
		}
	default:
		switch certain := notify.Certain(err); {
		case isPermanent:
			return "it is taken for permanent"
		case a == Refused && !certain:
			return "it leaves open whether the message got through"
		case (a == Reset || a == Hang) && certain:
			return "it claims that the message certainly did not get through"
		}
	}
	return ""
}

// each runs f for every answer that the service can give.
func (f *Fixture) each(t *testing.T, open Open, run func(t *testing.T, f *Fixture, a Answer)) {
	for a := OK; a <= Hang; a++ {
		t.Run(a.String(), func(t *testing.T) {
			if why, lacks := f.Lacks[a]; lacks {
				t.Skip(why)
			}
			f := open(t)
			f.Answer(a)
			run(t, f, a)
			f.done(t)
		})
	}
}

// limited is a context for a service that hangs.
func limited(t *testing.T, a Answer) context.Context {
	if a != Hang {
		return t.Context()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

// answers is the table of what each answer makes of a send, and that it works once the service does again.
func answers(t *testing.T, open Open) {
	open(t).each(t, open, func(t *testing.T, f *Fixture, a Answer) {
		_, err := f.send(limited(t, a), t, Opened())
		if wrong := outcome(a, err); wrong != "" {
			t.Errorf("%v: %s", err, wrong)
		}
		f.Answer(OK)
		m := Opened()
		m.Uncertain = true
		receipt, err := f.send(t.Context(), t, m)
		if err != nil {
			t.Fatalf("afterwards: %v", err)
		}
		f.Answer(a)
		m = History()[1]
		m.Receipt = receipt
		_, err = f.send(limited(t, a), t, m)
		if wrong := outcome(a, err); wrong != "" {
			t.Errorf("with a receipt: %v: %s", err, wrong)
		}
	})
}

// tells is the same for notices.
func tells(t *testing.T, open Open) {
	open(t).each(t, open, func(t *testing.T, f *Fixture, a Answer) {
		for _, n := range Notices() {
			err := f.Channel.Tell(limited(t, a), n)
			if wrong := outcome(a, err); wrong != "" {
				t.Errorf("%v: %s", err, wrong)
			}
			if err != nil {
				f.keeps(t, "the error", fmt.Sprintf("%v %+v %#v", err, err, err))
			}
			if a == Hang {
				return
			}
		}
	})
}

// cancelled is that a channel comes back when its context ends, without a claim that it does not know.
func cancelled(t *testing.T, open Open) {
	run := func(t *testing.T, f *Fixture, ctx context.Context) {
		ended := make(chan error, 1)
		go func() {
			_, err := f.Channel.Send(ctx, Opened())
			ended <- err
		}()
		select {
		case err := <-ended:
			var permanent *notify.Permanent
			if err == nil || errors.As(err, &permanent) {
				t.Errorf("a send that was cut short ended with %v", err)
			}
		case <-time.After(patience):
			t.Fatalf("it did not come back for %s", patience)
		}
	}
	t.Run("before", func(t *testing.T) {
		f := open(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		run(t, f, ctx)
		if n := f.received(); n != 0 {
			t.Errorf("%d messages were sent for a context that had ended", n)
		}
		f.done(t)
	})
	t.Run("meanwhile", func(t *testing.T) {
		f := open(t)
		if why, lacks := f.Lacks[Hang]; lacks {
			t.Skip(why)
		}
		f.Answer(Hang)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, cancel)
		run(t, f, ctx)
		f.done(t)
	})
}

// hostile is that alerts made of what attackers write arrive all the same.
func hostile(t *testing.T, f *Fixture) {
	for name, m := range Hostile() {
		var err error
		if f.Channel.Plan(m).Skip {
			continue
		}
		if m.Receipt, err = f.send(t.Context(), t, m); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		m.Sent, m.SentAt = m.Alert.Revision, m.Now
		next := *m.Alert
		next.Revision++
		next.Reason, next.Severity, next.Status = engine.MergedAway, hit.Critical, engine.Merged
		m.Alert = &next
		m.Changes = []notify.Change{{Revision: next.Revision, Reason: next.Reason, Note: next.Note, Severity: next.Severity, Title: next.Title, Status: next.Status, Count: next.Count, At: m.Now}}
		if _, err = f.send(t.Context(), t, m); err != nil {
			t.Errorf("%s, the second revision: %v", name, err)
		}
	}
	f.done(t)
}

// plan is that a channel decides alike each time, and loses nothing by deciding.
func plan(t *testing.T, f *Fixture) {
	for _, m := range slices.Concat(History(), slices.Collect(values(Hostile()))) {
		a, b := f.Channel.Plan(m), f.Channel.Plan(m)
		if !reflect.DeepEqual(a, b) {
			t.Errorf("the plan of one message is %+v and then %+v", a, b)
		}
		if (a.Skip || !a.At.IsZero()) && a.Why == "" {
			t.Errorf("the plan %+v has no reason", a)
		}
	}
	told := func(what string, m *notify.Message) {
		if p := f.Channel.Plan(m); p.Skip || p.At.After(time.UnixMicro(m.Now)) {
			t.Errorf("%s: it is not told at once: %+v", what, p)
		}
	}
	told("a new alert", Opened())
	told("a withdrawal of what was told", Withdrawn())
	told("a merger of what was told", Merged())
	m := Withdrawn()
	m.Sent, m.SentAt, m.Receipt, m.Uncertain = 0, 0, nil, true
	if f.Channel.Plan(m).Skip {
		t.Error("a withdrawn alert is not told, though its opening may have got through")
	}
}

// concurrent is that sends for different alerts, plans and notices don't disturb each other.
func concurrent(t *testing.T, f *Fixture) {
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			m := Opened()
			a := *m.Alert
			a.ID = fmt.Sprintf("%032x", i+1)
			m.Alert = &a
			f.Channel.Plan(m)
			if _, err := f.Channel.Send(t.Context(), m); err != nil {
				t.Errorf("send: %v", err)
			}
			if err := f.Channel.Tell(t.Context(), Notices()[0]); err != nil {
				t.Errorf("tell: %v", err)
			}
		})
	}
	group.Wait()
	f.done(t)
}
