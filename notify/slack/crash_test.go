package slack

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"pgregory.net/rapid"

	"detect/engine"
	"detect/notify"
	"detect/notify/notifytest"
	"detect/notify/slack/scripted"
	"detect/rules/hit"
)

// TestMain has each property tried on 250 cases, or as many as DETECT_CHECKS of the environment says.
func TestMain(m *testing.M) {
	flag.Parse()
	_ = flag.Set("rapid.checks", cmp.Or(os.Getenv("DETECT_CHECKS"), "250"))
	os.Exit(m.Run())
}

// delivery is what an outbox remembers of one alert, and the alert.
type delivery struct {
	m         *notify.Message
	sent      int
	receipt   []byte
	uncertain bool
	revisions []notify.Change
}

// revise gives the alert another revision.
func (d *delivery) revise(reason engine.Reason, severity hit.Severity) {
	a := *d.m.Alert
	if len(d.revisions) > 0 {
		a.Revision++
	}
	a.Reason, a.Severity, a.Status = reason, severity, engine.Open
	if reason == engine.Gone {
		a.Status = engine.Withdrawn
	}
	d.m.Alert = &a
	d.revisions = append(d.revisions, notify.Change{Revision: a.Revision, Reason: reason, Note: fmt.Sprintf("revision %d", a.Revision), Severity: severity, Title: a.Title, Status: a.Status, At: time.Now().UnixMicro()})
}

// attempt is one attempt of a dispatcher, which dies before it records the end if forget is set.
func (d *delivery) attempt(t *rapid.T, c *Channel, forget bool) error {
	m := *d.m
	m.Sent, m.Receipt, m.Uncertain, m.Now = d.sent, d.receipt, d.uncertain, time.Now().UnixMicro()
	m.Changes = d.revisions[d.sent:]
	if d.sent > 0 {
		m.SentAt = d.revisions[d.sent-1].At
	}
	if len(m.Changes) == 0 {
		return nil
	}
	if p := c.Plan(&m); p.Skip {
		d.sent = m.Alert.Revision
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	receipt, err := c.Send(ctx, &m)
	switch {
	case forget:
		d.uncertain = true
	case err == nil:
		d.sent, d.receipt, d.uncertain = m.Alert.Revision, receipt, false
	case permanent(err):
		t.Fatalf("refused: %v", err)
	default:
		d.uncertain = d.uncertain || !notify.Certain(err)
	}
	return err
}

// TestCrashesRepeatNothing is that whatever fails and whenever the process dies, an alert is one message in its last
// revision, and no answer stands in its thread twice.
func TestCrashesRepeatNothing(t *testing.T) {
	faults := []scripted.Fault{{}, scripted.RateLimited(2 * time.Second), scripted.Status(500), {Status: 500, Effect: true}, scripted.Reset(false),
		scripted.Reset(true), scripted.Hang(false), scripted.Hang(true), scripted.Refuse("internal_error")}
	methods := []string{"chat.postMessage", "chat.update", "conversations.history", "conversations.replies", "users.conversations", "*"}
	bubble(t, func(t *testing.T) {
		rapid.Check(struct{ rapid.TB }{t}, func(t *rapid.T) { // without Deadline, which a bubble has not
			s := scripted.New()
			c, _ := open(t, s)
			d := &delivery{m: notifytest.Opened()}
			d.m.Detected = time.Now().UnixMicro()
			d.revise(engine.Opened, hit.Medium)
			deleted := 0
			for range rapid.IntRange(1, 12).Draw(t, "steps") {
				switch rapid.IntRange(0, 9).Draw(t, "step") {
				case 0, 1, 2:
					reason := rapid.SampledFrom([]engine.Reason{engine.Grew, engine.Changed, engine.MergedIn, engine.Gone, engine.Revived, engine.Finished}).Draw(t, "reason")
					d.revise(reason, hit.Severity(rapid.IntRange(1, 4).Draw(t, "severity")))
				case 3:
					c, _ = open(t, s) // another process
				case 4:
					if all := s.Messages(); len(all) > 0 && deleted == 0 && d.sent > 0 && !d.uncertain {
						s.Delete(all[0].TS)
						deleted++
					}
				default:
					if f := rapid.SampledFrom(faults).Draw(t, "fault"); f != (scripted.Fault{}) {
						s.Script(rapid.SampledFrom(methods).Draw(t, "method"), f)
					}
					forget := rapid.Bool().Draw(t, "dies")
					_ = d.attempt(t, c, forget)
					time.Sleep(5 * time.Second)
				}
			}
			for tries := 0; d.sent < d.m.Alert.Revision || d.uncertain; tries++ {
				if tries > 50 {
					t.Fatal("it does not get through")
				}
				if d.sent == d.m.Alert.Revision {
					break
				}
				_ = d.attempt(t, c, false)
				time.Sleep(5 * time.Second)
			}
			inTheEnd(t, s, d, deleted)
		})
	})
}

// inTheEnd checks what people have in the end.
func inTheEnd(t *rapid.T, s *scripted.Server, d *delivery, deleted int) {
	posts := 0
	answers := map[string]bool{}
	var newest scripted.Message
	for _, one := range s.Messages() {
		if one.Thread != "" {
			key := fmt.Sprint(one.Thread, one.Metadata.EventPayload["revision"], string(one.Blocks))
			if answers[key] {
				t.Errorf("an answer stands twice: %s", one.Blocks)
			}
			answers[key] = true
			continue
		}
		posts++
		newest = one
	}
	if posts > 1+deleted {
		t.Errorf("%d messages, %d of them deleted", posts, deleted)
	}
	told := 0
	for _, ch := range d.revisions {
		if ch.Reason != engine.Finished {
			told = ch.Revision
		}
	}
	if posts > 0 && !newest.Deleted {
		if revision, _ := newest.Metadata.EventPayload["revision"].(float64); int(revision) < told {
			t.Errorf("revision %v is shown, not %d", revision, told)
		}
	}
	if v := s.Violations(); len(v) > 0 {
		t.Errorf("slack complains: %s", v[0])
	}
}
