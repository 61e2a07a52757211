package notify_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"detect/engine"
	"detect/notify"
	"detect/rules/hit"
)

// revision is an alert in a revision.
func revision(id string, n int) *engine.Alert {
	reason := engine.Grew
	if n == 1 {
		reason = engine.Opened
	}
	return &engine.Alert{ID: id, Rule: "r", Version: "v", Key: hit.EncodeKey(id), By: []string{"user"}, Title: id, Severity: hit.High,
		Revision: n, Reason: reason, Count: int64(n), First: 1, Last: 2}
}

// desk is a dispatcher with its outbox and places, in a bubble.
type desk struct {
	*testing.T
	store   backend
	places  map[string]*place
	notices *[]notify.Notice
	*notify.Dispatcher
}

// newDesk makes a dispatcher that routes every alert to all channels but the fallback. configure may change it.
func newDesk(t *testing.T, s backend, fallback string, names ...string) *desk {
	d := &desk{T: t, store: s, places: map[string]*place{}, notices: new([]notify.Notice)}
	d.Dispatcher = &notify.Dispatcher{Outbox: s, Channels: map[string]notify.Channel{}, Fallback: fallback, Log: slog.New(slog.DiscardHandler)}
	var mu sync.Mutex
	d.Say = func(n notify.Notice) {
		mu.Lock()
		defer mu.Unlock()
		*d.notices = append(*d.notices, n)
	}
	for _, name := range names {
		d.places[name] = &place{}
		d.Channels[name] = &channel{place: d.places[name]}
	}
	to := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == fallback && len(names) > 1 })
	var problems []notify.Problem
	d.Router, problems = notify.NewRouter([]notify.RouteConfig{{To: &to}}, names, fallback)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return d
}

// run runs the dispatcher and says how to stop it.
func (d *desk) run() (stop func()) {
	ctx, cancel := context.WithCancel(d.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Dispatcher.Run(ctx) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			d.Errorf("run: %v", err)
		}
	}
}

// commit stores revisions and wakes the dispatcher.
func (d *desk) commit(alerts ...*engine.Alert) {
	d.Helper()
	for _, a := range alerts { // one batch has one revision of an alert
		if err := d.store.Commit(d.Context(), &engine.Commit{Alerts: []*engine.Alert{a}}); err != nil {
			d.Fatal(err)
		}
	}
	d.Wake()
}

// list is what a place got, as "alert revision".
func (p *place) list() (list []string) {
	for _, g := range p.messages() {
		list = append(list, fmt.Sprintf("%s %d", g.alert, g.revision))
	}
	return list
}

func (d *desk) expect(name string, want ...string) {
	d.Helper()
	if got := d.places[name].list(); !slices.Equal(got, want) {
		d.Errorf("%s got %q, not %q", name, got, want)
	}
}

// fail answers attempts from the first one on with the errors, nil and further ones arrive.
func fail(errs ...error) func(int, *notify.Message) answer {
	return func(n int, _ *notify.Message) answer {
		if n < len(errs) {
			return answer{err: errs[n]}
		}
		return answer{}
	}
}

var errDown = errors.New("the service is down")

func bubble(t *testing.T, f func(t *testing.T)) { t.Helper(); synctest.Test(t, f) }

func TestTellsAllChannelsInOrder(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := newDesk(t, newMemory(), "", "soc", "siem")
		d.Channels["siem"].(*channel).each = true
		d.commit(revision("a", 1), revision("a", 2), revision("b", 1))
		stop := d.run()
		synctest.Wait()
		d.commit(revision("a", 3))
		synctest.Wait()
		stop()
		d.expect("soc", "a 2", "b 1", "a 3")
		d.expect("siem", "a 1", "b 1", "a 2", "a 3")
		m := d.places["soc"].messages()[2].m
		if m.Sent != 2 || string(m.Receipt) != "a 2" || len(m.Changes) != 1 || m.Changes[0].Revision != 3 || m.SentAt == 0 || m.Detected == 0 || m.Uncertain {
			t.Errorf("the message about a change: %+v", m)
		}
		first := d.places["soc"].messages()[0].m
		if len(first.Changes) != 2 || first.Sent != 0 || first.Receipt != nil {
			t.Errorf("the first message: %+v", first)
		}
	})
}

func TestRetryAfterHoldsTheWholeChannel(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := newDesk(t, newMemory(), "", "soc", "other")
		began := time.Now()
		d.places["soc"].answer = fail(&notify.RetryAfter{After: 37 * time.Second, Err: errDown})
		d.commit(revision("a", 1), revision("b", 1))
		stop := d.run()
		time.Sleep(36 * time.Second)
		d.commit(revision("c", 1))
		synctest.Wait()
		d.expect("soc")
		d.expect("other", "a 1", "b 1", "c 1")
		time.Sleep(time.Second)
		synctest.Wait()
		d.expect("soc", "a 1", "b 1", "c 1")
		if at := d.places["soc"].messages()[0].at.Sub(began); at < 37*time.Second || at > 38*time.Second {
			t.Errorf("it was tried again after %s", at)
		}
		if d.places["soc"].messages()[0].m.Uncertain {
			t.Error("a message that was held back is said to have maybe got through")
		}
		stop()
	})
}

func TestBackoff(t *testing.T) {
	for seed := range uint64(200) {
		most := 5 * time.Second
		for n := 1; n < 40; n++ {
			wait := notify.Backoff(n, seed)
			if wait != notify.Backoff(n, seed) {
				t.Fatal("it is not pure")
			}
			if least := most - most/5; wait < least || wait > most {
				t.Fatalf("after %d failures %s, not %s to %s", n, wait, least, most)
			}
			most = min(2*most, 10*time.Minute)
		}
	}
	if notify.Backoff(5, 1) == notify.Backoff(5, 2) {
		t.Error("two seeds wait alike")
	}
	notify.Backoff(0, 0)
	notify.Backoff(-5, 0)
}

func TestRefusedForGood(t *testing.T) {
	refused := &notify.Permanent{Err: errors.New("channel_not_found"), Hint: "invite the app"}
	bubble(t, func(t *testing.T) {
		d := newDesk(t, newMemory(), "oncall", "soc", "oncall")
		d.places["soc"].answer = fail(refused)
		d.commit(revision("a", 1), revision("b", 1))
		stop := d.run()
		synctest.Wait()
		d.expect("soc", "b 1")
		d.expect("oncall", "a 1")
		if m := d.places["oncall"].messages()[0].m; m.Via != "soc" || !strings.Contains(m.ViaReason, "channel_not_found") {
			t.Errorf("the fallback is told %q %q", m.Via, m.ViaReason)
		}
		d.commit(revision("a", 2))
		synctest.Wait()
		d.expect("soc", "b 1", "a 2")
		d.expect("oncall", "a 1", "a 2")
		stop()
		if len(*d.notices) != 1 || !strings.Contains((*d.notices)[0].Text, "channel_not_found") {
			t.Errorf("operators were told %+v", *d.notices)
		}
	})
	bubble(t, func(t *testing.T) { // the fallback itself
		d := newDesk(t, newMemory(), "oncall", "oncall")
		d.places["oncall"].answer = fail(refused)
		d.commit(revision("a", 1))
		stop := d.run()
		time.Sleep(50 * time.Minute)
		stop()
		d.expect("oncall")
		if rows, _ := d.store.Deliveries(t.Context(), "a"); len(rows) != 1 || !rows[0].Failed || !strings.Contains(rows[0].Error, "channel_not_found") {
			t.Errorf("what is kept: %+v", rows)
		}
		d.Dispatcher = &notify.Dispatcher{Outbox: d.store, Channels: d.Channels, Router: d.Router, Fallback: "oncall", Log: d.Log}
		stop = d.run() // somebody may have invited the app meanwhile
		synctest.Wait()
		stop()
		d.expect("oncall", "a 1")
	})
}

// Where nobody is told instead, what was refused is tried again, now and then.
func TestRefusedAndNobodyElseIsTold(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := newDesk(t, newMemory(), "", "soc")
		began := time.Now()
		d.places["soc"].answer = func(_ int, m *notify.Message) answer {
			if m.Alert.ID == "bad" || time.Since(began) < 90*time.Minute {
				return answer{err: &notify.Permanent{Err: errors.New("not_in_channel")}}
			}
			return answer{}
		}
		stop := d.run()
		d.commit(revision("a", 1), revision("bad", 1), revision("b", 1))
		time.Sleep(115 * time.Minute)
		d.expect("soc")
		time.Sleep(20 * time.Hour)
		stop()
		d.expect("soc", "a 1", "b 1")
		if n := d.places["soc"].tries(); n < 20 || n > 30 {
			t.Errorf("%d attempts in a day", n)
		}
	})
}

func TestPlan(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := newDesk(t, newMemory(), "", "soc")
		began := time.Now()
		d.Channels["soc"].(*channel).plan = func(m *notify.Message) notify.Plan {
			switch m.Alert.Revision {
			case 2, 3:
				return notify.Plan{At: time.UnixMicro(m.SentAt).Add(15 * time.Minute), Why: "growth"}
			case 5:
				return notify.Plan{Skip: true, Why: "nothing new"}
			}
			return notify.Plan{}
		}
		stop := d.run()
		d.commit(revision("a", 1))
		synctest.Wait()
		d.commit(revision("a", 2))
		time.Sleep(5 * time.Minute)
		d.commit(revision("a", 3))
		time.Sleep(5 * time.Minute)
		d.expect("soc", "a 1")
		time.Sleep(5*time.Minute + time.Second)
		d.expect("soc", "a 1", "a 3")
		if at := d.places["soc"].messages()[1].at.Sub(began); at < 15*time.Minute || at > 15*time.Minute+6*time.Second {
			t.Errorf("growth was told after %s", at)
		}
		d.commit(revision("a", 4))
		synctest.Wait()
		d.expect("soc", "a 1", "a 3", "a 4")
		sent := d.places["soc"].messages()[2].at.UnixMicro()
		time.Sleep(time.Minute)
		d.commit(revision("a", 5))
		synctest.Wait()
		d.expect("soc", "a 1", "a 3", "a 4")
		if rows, _ := d.store.Deliveries(t.Context(), "a"); rows[0].Sent != 5 || string(rows[0].Receipt) != "a 4" || rows[0].SentAt != sent {
			t.Errorf("after skipping: %+v", rows[0])
		}
		stop()
	})
}

func TestPanickingChannel(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := newDesk(t, newMemory(), "oncall", "soc", "oncall")
		d.places["soc"].answer = func(int, *notify.Message) answer { panic("a secret") }
		d.commit(revision("a", 1))
		stop := d.run()
		synctest.Wait()
		stop()
		d.expect("oncall", "a 1")
		if m := d.places["oncall"].messages()[0].m; strings.Contains(m.ViaReason, "secret") {
			t.Errorf("the fallback is told %q", m.ViaReason)
		}
	})
}

func TestShutdown(t *testing.T) {
	for _, takes := range []time.Duration{8 * time.Second, 12 * time.Second} {
		bubble(t, func(t *testing.T) {
			d := newDesk(t, newMemory(), "", "soc")
			d.places["soc"].answer = func(n int, _ *notify.Message) answer {
				if n == 0 {
					return answer{takes: takes}
				}
				return answer{}
			}
			d.commit(revision("a", 1), revision("b", 1))
			stop := d.run()
			synctest.Wait()
			began := time.Now()
			stop()
			rows, _ := d.store.Deliveries(t.Context(), "a")
			if takes < 10*time.Second {
				d.expect("soc", "a 1")
				if rows[0].Sent != 1 || time.Since(began) != takes {
					t.Errorf("after %s: %+v", time.Since(began), rows[0])
				}
			} else {
				d.expect("soc")
				if rows[0].Trying != 1 || rows[0].Attempts != 0 || time.Since(began) != 10*time.Second {
					t.Errorf("after %s: %+v", time.Since(began), rows[0])
				}
			}
			d.commit(revision("c", 1))
			if err := d.Drain(t.Context()); err != nil {
				t.Fatal(err)
			}
			d.expect("soc", "a 1", "b 1", "c 1")
			if m := d.places["soc"].messages()[0].m; m.Uncertain != (takes > 10*time.Second) {
				t.Errorf("uncertain: %v", m.Uncertain)
			}
		})
	}
}

func TestDrainLeavesWhatIsNotDue(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := newDesk(t, newMemory(), "oncall", "down", "refuses", "slow", "oncall")
		d.places["down"].answer = func(int, *notify.Message) answer { return answer{err: errDown} }
		d.places["refuses"].answer = func(int, *notify.Message) answer {
			return answer{err: &notify.Permanent{Err: errDown}}
		}
		d.places["slow"].answer = func(int, *notify.Message) answer { return answer{takes: 4 * time.Second} }
		for i := range 10 {
			d.commit(revision(fmt.Sprintf("a%d", i), 1))
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := d.Drain(ctx); err != nil {
			t.Fatal(err)
		}
		if n := d.places["down"].tries(); n != 1 {
			t.Errorf("%d attempts for a channel that is down", n)
		}
		if n := len(d.places["slow"].messages()); n != 2 {
			t.Errorf("%d messages of four seconds in ten", n)
		}
		if err := d.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := len(d.places["oncall"].messages()); n != 10 {
			t.Errorf("%d of 10 refused alerts reached the fallback", n)
		}
	})
}
