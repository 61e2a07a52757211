package daemon

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"detect/internal/source"
	"detect/notify"
)

// ask asks the daemon's own server without a network, in a bubble.
func ask(d *Daemon, path string) (status int, body string) {
	synctest.Wait()
	w := httptest.NewRecorder()
	d.handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w.Code, w.Body.String()
}

// TestMetrics: the numbers are right, and nothing in them comes from a record or a file.
func TestMetrics(t *testing.T) {
	set := loadRules(t, nil)
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(now))
		const hostile = `hostile\"}\n# HELP x\nx{y=\"1`
		forward := fmt.Appendf(nil, `{"Id":"1e2d3c4b-0000-0000-0000-000000000001","CreationTime":"2026-11-01T08:00:00","Operation":"New-InboxRule","RecordType":1,"Workload":"Exchange","UserId":"%s@contoso.example","UserType":0,"OrganizationId":"a","ClientIP":"203.0.113.9:4711","ObjectId":"%s","Parameters":[{"Name":"Name","Value":"%s"},{"Name":"ForwardTo","Value":"%s@evil.example"}]}`, hostile, hostile, hostile, hostile)
		f := feed{"a", func(ctx context.Context, _ int, emit func(*source.Batch) error) error {
			b := batchOf("a", [][]byte{forward, forward, plainRecord(2, now), []byte(`{"hostile":1}`), []byte("hostile")}, 5, true)
			b.Rejects = []source.Reject{{Origin: source.Origin{File: "hostile.json", Line: 1, Offset: 3}, Reason: "hostile"}}
			b.Warnings = []source.Warning{{File: "hostile.csv", Text: "hostile\x1b[2J"}, {File: "hostile.gz", Text: "hostile", Unread: true}}
			if err := emit(b); err != nil {
				return err
			}
			time.Sleep(time.Minute)
			if err := emit(batchOf("a", nil, 5, false)); err != nil {
				return err
			}
			<-ctx.Done()
			return nil
		}}
		out, log := newOutbox(), &logs{}
		d := &Daemon{Setup: setup(set, f.source("")).with(t, out), Store: openStore(t), Log: log.logger(), Version: "1.2.3", Commit: "abc"}
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			if err := d.Run(ctx); err != nil {
				t.Error(err)
			}
		}()
		time.Sleep(30 * time.Second)
		if _, body := ask(d, "/metrics"); !strings.Contains(body, "detect_behind{stream=\"a\"} 1\n") {
			t.Errorf("not behind: %s", body)
		}
		time.Sleep(10 * time.Minute)
		status, body := ask(d, "/metrics")
		if status != http.StatusOK {
			t.Fatalf("status %d: %s", status, body)
		}
		for _, want := range []string{
			`detect_records_read_total{stream="a"} 3`, `detect_rejected_total{stream="a"} 3`, `detect_records_total{outcome="accepted"} 2`,
			`detect_records_total{outcome="duplicate"} 1`, `detect_records_total{outcome="rejected"} 3`, `detect_behind{stream="a"} 0`,
			`detect_alert_revisions_total{reason="opened",rule="exchange-external-forwarding"} 1`, `detect_rule_matched_total{rule="exchange-external-forwarding"} 2`,
			`detect_deliveries_sent_total{channel="memory"} 1`, `detect_deliveries_pending{channel="memory"} 0`, `detect_unread 1`, `detect_ready 1`, `detect_paused 0`,
			`detect_build_info{commit="abc",version="1.2.3"} 1`, `detect_watermark_timestamp_seconds{stream="a"} 1.7935344e+09`, `detect_outbox_rows 0`,
			`detect_rules 17`,
		} {
			if !strings.Contains(body, "\n"+want+"\n") {
				t.Errorf("missing: %s", want)
			}
		}
		for _, path := range []string{"/metrics", "/readyz", "/healthz"} {
			if _, body := ask(d, path); strings.Contains(body, "hostile") {
				t.Errorf("%s shows what was read: %s", path, body)
			}
		}
		if t.Failed() {
			t.Log(body)
		}
		if strings.Contains(log.String(), "\x1b") {
			t.Error("control characters in the log")
		}
		if !strings.Contains(out.said(), "trouble: hostile.gz could not be read: hostile") {
			t.Errorf("nobody was told what could not be read: %s", out.said())
		}
		cancel()
		<-ended
		if status, body := ask(d, "/readyz"); status != http.StatusServiceUnavailable || body != "it is about to end\n" {
			t.Errorf("/readyz at the end: %d %s", status, body)
		}
	})
}

// TestHealth: a sequencer that does not get on is told from one that has nothing to do.
func TestHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newState()
		if err := s.ready(); err == nil {
			t.Error("ready before the start")
		}
		s.started()
		time.Sleep(time.Hour)
		if err := s.ready(); err != nil {
			t.Error(err)
		}
		s.busy()
		time.Sleep(4 * time.Minute)
		s.progress()
		time.Sleep(4 * time.Minute)
		if err := s.healthy(); err != nil {
			t.Error(err)
		}
		time.Sleep(2 * time.Minute)
		if err := s.healthy(); err == nil || s.ready() == nil {
			t.Error("healthy though stuck for six minutes")
		}
		s.idle()
		if err := s.healthy(); err != nil {
			t.Error(err)
		}
	})
}

// TestQuota: of many warnings a few are logged, and the rest is counted.
func TestQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &logs{}
		q := newQuota(log.logger())
		for i := range 130 {
			q.warn("bad", "n", i)
		}
		q.warn("other")
		time.Sleep(30 * time.Second)
		q.flush()
		if n := strings.Count(log.String(), "\n"); n != 11 {
			t.Fatalf("%d lines: %s", n, log)
		}
		time.Sleep(31 * time.Second)
		q.flush()
		if !strings.Contains(log.String(), "msg=bad more=120 within=1m1s") {
			t.Errorf("not summed up: %s", log)
		}
		q.warn("bad", "n", 131)
		q.add("bad", 5)
		q.close()
		if got := log.String(); !strings.Contains(got, "n=131") || !strings.Contains(got, "more=5") {
			t.Errorf("%s", got)
		}
	})
}

// TestOvertaken: people are told of a stream for which the others wait no longer, once.
func TestOvertaken(t *testing.T) {
	set := loadRules(t, nil)
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		fresh := feed{"fresh", func(ctx context.Context, _ int, emit func(*source.Batch) error) error {
			for i := range 6 {
				time.Sleep(10 * time.Minute)
				if err := emit(batchOf("fresh", [][]byte{plainRecord(i, time.Now())}, i+1, false)); err != nil {
					return err
				}
			}
			return nil
		}}
		silent := feed{"silent", func(_ context.Context, _ int, emit func(*source.Batch) error) error {
			return emit(batchOf("silent", [][]byte{plainRecord(100, start)}, 1, false))
		}}
		out := newOutbox()
		s := setup(set, fresh.source(""), silent.source(""))
		s.Lateness, s.Hold = microseconds(time.Minute), microseconds(30*time.Minute)
		d := &Daemon{Setup: s.with(t, out), Store: openStore(t), Log: new(logs).logger()}
		if err := d.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(out.said(), "warning: stream silent has delivered nothing newer than"); n != 1 {
			t.Errorf("said %d times: %s", n, out.said())
		}
	})
}

// TestLate: records that are too late for windows are told of, with the stream and the file.
func TestLate(t *testing.T) {
	set := loadRules(t, nil)
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		feed := feed{"spool", func(_ context.Context, _ int, emit func(*source.Batch) error) error {
			lines := [][]byte{plainRecord(1, now), plainRecord(2, now.Add(-time.Hour)), plainRecord(3, now.Add(-time.Second))}
			return emit(batchOf("spool", lines, 1, false))
		}}
		out, log := newOutbox(), new(logs)
		s := setup(set, feed.source(""))
		s.Lateness = microseconds(time.Minute)
		d := &Daemon{Setup: s.with(t, out), Store: openStore(t), Log: log.logger()}
		if err := d.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(out.said(), "warning: stream spool delivers records that are too late for windows"); n != 1 {
			t.Errorf("said %d times: %s", n, out.said())
		}
		if !strings.Contains(log.String(), `msg="records came too late for windows" records=1 `) || !strings.Contains(log.String(), "streams=spool") {
			t.Errorf("logged:\n%s", log)
		}
	})
}

// TestLostStream: a source that can't go on is told, and the others go on.
func TestLostStream(t *testing.T) {
	set := loadRules(t, nil)
	synctest.Test(t, func(t *testing.T) {
		bad := feed{"bad", func(context.Context, int, func(*source.Batch) error) error { return fmt.Errorf("it is gone") }}
		good := replaying("good", [][]byte{plainRecord(1, time.Now())}, func() int { return 1 }, true)
		out := newOutbox()
		d := &Daemon{Setup: setup(set, bad.source(""), good.source("")).with(t, out), Store: openStore(t), Log: new(logs).logger()}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		go func() {
			time.Sleep(time.Second)
			if status, body := ask(d, "/readyz"); status != http.StatusServiceUnavailable || !strings.Contains(body, "stream bad is read no more") {
				t.Errorf("/readyz: %d %s", status, body)
			}
		}()
		if err := d.Run(ctx); err != nil {
			t.Error(err)
		}
		if n := totals(t, d.Store); n.Accepted != 1 {
			t.Errorf("%+v", n)
		}
		if !strings.Contains(out.said(), "Stream bad is read no more: it is gone.") {
			t.Errorf("nobody was told: %s", out.said())
		}
	})
}

// TestDrain: after the end is asked for, what is due is delivered; what a channel does not take is left for the next time,
// and what waited for a channel that is configured no more is not spoken of.
func TestDrain(t *testing.T) {
	lines, domains := tenant(t, 5, 1500)
	set := loadRules(t, domains)
	synctest.Test(t, func(t *testing.T) {
		out := newOutbox()
		out.fail = fmt.Errorf("down")
		st := openStore(t)
		f := replaying("a", lines, func() int { return 100 }, true)
		run := func(channel string) (log string) {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			said := new(logs)
			d := &Daemon{Setup: setup(set, f.source("")).with(t, out), Store: st, Log: said.logger()}
			d.Setup.Router, _ = notify.NewRouter(nil, []string{channel}, "")
			d.Setup.Channels = map[string]notify.Channel{channel: out}
			begun := time.Now()
			if err := d.Run(ctx); err != nil {
				t.Error(err)
			}
			if took := time.Since(begun); took > 80*time.Second {
				t.Errorf("it took %s to end", took)
			}
			return said.String()
		}
		const left = "what was not delivered is delivered after the next start"
		for _, channel := range []string{"gone", "memory"} {
			if log := run(channel); out.sends > 0 || !strings.Contains(log, left) {
				t.Fatalf("%d were sent:\n%s", out.sends, log)
			}
		}
		out.fail = nil
		if log := run("memory"); strings.Contains(log, left) {
			t.Errorf("something is said to be left:\n%s", log)
		}
		list := standing(t, st)
		for _, a := range list {
			if out.told[a.ID] != a.Revision {
				t.Errorf("told revision %d of %d of %s", out.told[a.ID], a.Revision, a.Title)
			}
		}
		if out.sends < len(list) || len(list) == 0 {
			t.Errorf("%d sends of %d alerts", out.sends, len(list))
		}
	})
}
