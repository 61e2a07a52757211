package notify_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"detect/notify"
)

// office is an Ops with a place for each of its channels.
type office struct {
	*notify.Ops
	places map[string]*place
	log    *bytes.Buffer
}

func newOffice(names ...string) *office {
	o := &office{Ops: &notify.Ops{Channels: map[string]notify.Channel{}, Host: "siem1"}, places: map[string]*place{}, log: &bytes.Buffer{}}
	o.Log = slog.New(slog.NewTextHandler(o.log, nil))
	for _, name := range names {
		o.places[name] = &place{}
		o.Channels[name] = &channel{place: o.places[name]}
	}
	return o
}

// run runs it until stop.
func (o *office) run(t *testing.T) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- o.Run(ctx) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

func (p *place) texts() (list []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, n := range p.told {
		list = append(list, n.Text)
	}
	return list
}

func wantTexts(t *testing.T, p *place, want ...string) {
	t.Helper()
	got := p.texts()
	if len(got) != len(want) {
		t.Fatalf("told %q, not %q", got, want)
	}
	for i := range got {
		if !strings.Contains(got[i], want[i]) {
			t.Errorf("told %q, not %q", got[i], want[i])
		}
	}
}

func TestOpsTellsEachChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice("soc", "oncall")
		o.places["soc"].answer = func(n int, _ *notify.Message) answer {
			if n < 3 {
				return answer{err: errDown}
			}
			return answer{}
		}
		o.Say(notify.Notice{Level: notify.Trouble, Text: "the disk is full\x1b[31m", Hint: "make room"})
		stop := o.run(t)
		synctest.Wait()
		wantTexts(t, o.places["soc"])
		wantTexts(t, o.places["oncall"], "the disk is full")
		if n := o.places["oncall"].told[0]; n.Host != "siem1" || n.At.IsZero() || n.Hint != "make room" {
			t.Errorf("%+v", n)
		}
		time.Sleep(time.Minute)
		wantTexts(t, o.places["soc"], "the disk is full")
		stop()
		if log := o.log.String(); !strings.Contains(log, "level=ERROR") || !strings.Contains(log, "disk is full") || strings.Contains(log, "\x1b") {
			t.Errorf("the log: %q", log)
		}
	})
}

func TestOpsWithoutChannels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice()
		stop := o.run(t)
		o.Say(notify.Notice{Level: notify.Warning, Text: "it is slow"})
		stop()
		o.Say(notify.Notice{Text: "after the end"})
		if log := o.log.String(); !strings.Contains(log, "it is slow") || !strings.Contains(log, "after the end") {
			t.Errorf("the log: %q", log)
		}
	})
}

func TestOpsCountsRepetitions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice("soc")
		stop := o.run(t)
		for range 13 {
			o.Say(notify.Notice{Text: "the folder is gone"})
			time.Sleep(time.Minute)
		}
		wantTexts(t, o.places["soc"], "the folder is gone")
		time.Sleep(50 * time.Minute)
		wantTexts(t, o.places["soc"], "the folder is gone", "(said 12 times more since")
		o.Say(notify.Notice{Text: "the folder is gone"})
		time.Sleep(2 * time.Hour)
		wantTexts(t, o.places["soc"], "the folder is gone", "12 times more", "said once more")
		o.Say(notify.Notice{Text: "the folder is gone"})
		synctest.Wait()
		if n := len(o.places["soc"].texts()); n != 4 {
			t.Errorf("after hours of silence it is news again, and %d were told", n)
		}
		o.Say(notify.Notice{Text: "the folder is gone"})
		stop()
		wantTexts(t, o.places["soc"], "gone", "12 times", "once more", "gone", "said once more")
	})
}

func TestOpsIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice("soc")
		for i := range 5000 {
			o.Say(notify.Notice{Level: notify.Level(i % 3), Text: fmt.Sprintf("notice %d", i)})
		}
		stop := o.run(t)
		synctest.Wait()
		if n := len(o.places["soc"].texts()); n != 1 {
			t.Errorf("%d notices at once", n)
		}
		time.Sleep(5 * time.Minute)
		got := o.places["soc"].texts()
		if len(got) != 101 || got[100] != "... and 4900 more" || o.places["soc"].told[100].Level != notify.Trouble {
			t.Errorf("%d notices, the last %q", len(got), got[len(got)-1])
		}
		stop()
	})
}

func TestOpsGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice("soc")
		began := time.Now()
		o.places["soc"].answer = func(n int, _ *notify.Message) answer {
			switch {
			case n == 0:
				return answer{err: &notify.Permanent{Err: errors.New("not allowed")}}
			case n == 1:
				return answer{err: &notify.RetryAfter{After: 90 * time.Second, Err: errDown}}
			case time.Since(began) < 89*time.Second:
				t.Errorf("tried again after %s", time.Since(began))
			}
			return answer{err: errDown}
		}
		stop := o.run(t)
		o.Say(notify.Notice{Text: "refused"})
		o.Say(notify.Notice{Text: "never told"})
		time.Sleep(2 * time.Hour)
		n := o.places["soc"].tries()
		if n < 6 || n > 20 {
			t.Errorf("%d attempts", n)
		}
		time.Sleep(time.Hour)
		if o.places["soc"].tries() != n {
			t.Error("it is tried for ever")
		}
		o.Say(notify.Notice{Text: "too late"})
		before := time.Now()
		stop()
		if d := time.Since(before); d > 10*time.Second {
			t.Errorf("the end took %s", d)
		}
		log := o.log.String()
		for _, want := range []string{"a notice can't be told", "a notice was given up", "not told before the end"} {
			if strings.Count(log, want) != 1 {
				t.Errorf("not once %q in the log:\n%s", want, log)
			}
		}
	})
}
