package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"detect/engine"
)

// world is a store, its model, and the deliveries that were read of it and not ended.
type world struct {
	*told
	s    *Store
	held map[string]*Delivery // by channel
}

var channelNames = []string{"mail", "siem", "soc"}

func (w *world) step(t *rapid.T) {
	ctx := context.Background()
	channel := rapid.SampledFrom(channelNames).Draw(t, "channel")
	standIn := rapid.SampledFrom(append([]string{""}, channelNames...)).Draw(t, "stand-in")
	d := w.held[channel]
	var r *row
	if d != nil {
		r = w.rows[[2]string{d.Alert, d.Channel}]
	}
	ok := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	switch step := rapid.IntRange(0, 9).Draw(t, "step"); {
	case step <= 1:
		w.commit(t)
	case step <= 3:
		limit, to := rapid.IntRange(1, 4).Draw(t, "limit"), rapid.SliceOfDistinct(rapid.SampledFrom(channelNames), rapid.ID).Draw(t, "to")
		var asked []string
		n, err := w.s.Route(ctx, limit, func(a *engine.Alert) []string {
			asked = append(asked, fmt.Sprint(a.ID, a.Revision))
			return to
		})
		ok("route", err)
		var want []string
		must(t, "rows", w.route(limit, func(alert string, revision int) []string {
			want = append(want, fmt.Sprint(alert, revision))
			return to
		}), n, nil)
		must(t, "alerts asked for", want, asked, nil)
	case step == 4:
		configured := rapid.SliceOfDistinct(rapid.SampledFrom(channelNames), rapid.ID).Draw(t, "configured")
		if !slices.Contains(configured, standIn) {
			standIn = ""
		}
		n, err := w.s.RetireChannels(ctx, configured, standIn)
		must(t, "retired", w.retire(configured, standIn), n, err)
		clear(w.held)
	case step == 5 && rapid.Bool().Draw(t, "of all that wait"):
		limit, now := rapid.IntRange(1, 3).Draw(t, "limit"), rapid.Int64Range(0, 30).Draw(t, "now")
		queued := int64(math.MaxInt64)
		if p := w.pending(channel); len(p) > 0 {
			queued = rapid.SampledFrom(p).Draw(t, "queued before").Queued
		}
		n, err := w.s.StandInWaiting(ctx, channel, standIn, "slow", queued, now, limit)
		must(t, "stood in for", w.standInWaiting(channel, standIn, queued, now, limit), n, err)
	case step == 5 && rapid.Bool().Draw(t, "try again"):
		n, err := w.s.RetryFailed(ctx, []string{channel})
		want := 0
		for _, r := range w.rows {
			if r.Channel == channel && r.Failed && !w.retired[channel] {
				r.Failed, r.Attempts, want = false, 0, want+1
			}
		}
		must(t, "tried again", want, n, err)
	case d == nil:
		now := rapid.Int64Range(0, 30).Draw(t, "now")
		got, next, err := w.s.NextDelivery(ctx, channel, now)
		want, wantNext := w.next(channel, now)
		must(t, "next delivery", want, got, err)
		must(t, "time of the next", wantNext, next, nil)
		if got != nil {
			w.held[channel] = got
			if rapid.Bool().Draw(t, "begin") {
				ok("begin", w.s.BeginDelivery(ctx, got, got.Wanted))
				w.rows[[2]string{got.Alert, channel}].Trying = got.Wanted
			}
		}
	case step == 6:
		next, failed, certain := rapid.Int64Range(1, 40).Draw(t, "next"), rapid.Bool().Draw(t, "failed"), rapid.Bool().Draw(t, "certain")
		ok("delay", w.s.DelayDelivery(ctx, d, next, "later", failed, certain))
		w.delay(r, d, next, "later", failed, certain)
		delete(w.held, channel)
	case step == 7:
		ok("fail", w.s.FailDelivery(ctx, d, "never", standIn))
		w.fail(r, d, "never", standIn, 1)
		delete(w.held, channel)
	case step == 8:
		ok("stand in", w.s.StandIn(ctx, d, standIn, "slow"))
		w.standIn(r, standIn, "slow")
	default:
		revision := rapid.IntRange(d.Sent+1, len(w.revisions[d.Alert])).Draw(t, "revision")
		receipt, at := []byte(fmt.Sprint(channel, revision)), rapid.Int64Range(1, 40).Draw(t, "at")
		ok("end", w.s.EndDelivery(ctx, d, revision, receipt, at))
		w.end(r, revision, receipt, at)
		delete(w.held, channel)
	}
}

// commit stores the next revision of some alerts.
func (w *world) commit(t *rapid.T) {
	ctx := context.Background()
	c := new(engine.Commit)
	for _, id := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c", "d"}), 1, 3, rapid.ID).Draw(t, "alerts") {
		c.Alerts = append(c.Alerts, &engine.Alert{ID: id, Rule: "r", Revision: len(w.revisions[id]) + 1, Last: int64(len(w.outbox) + 1), Revised: int64(w.n + 1)})
	}
	if err := w.s.Commit(ctx, c); err != nil {
		t.Fatal(err)
	}
	for _, a := range c.Alerts {
		revisions, err := w.s.Revisions(ctx, a.ID)
		if err != nil {
			t.Fatal(err)
		}
		at := revisions[len(revisions)-1].Created
		w.revisions[a.ID] = append(w.revisions[a.ID], at)
		w.outbox = append(w.outbox, Outgoing{Alert: a.ID, Revision: a.Revision, Created: at})
		detected, err := w.s.Detected(ctx, a.ID)
		want := Detection{At: w.revisions[a.ID][0], Happened: revisions[0].Alert.Last, Available: revisions[0].Alert.Revised}
		must(t, "detected", want, detected, err)
	}
}

func (w *world) compare(t *rapid.T) {
	ctx := context.Background()
	backlog := map[string]*Backlog{}
	for name, retired := range w.retired {
		backlog[name] = &Backlog{Channel: name, Retired: retired}
	}
	for id := range w.revisions {
		var want []Delivery
		for _, channel := range channelNames {
			r := w.rows[[2]string{id, channel}]
			if r == nil {
				continue
			}
			want = append(want, r.Delivery)
			b := backlog[channel]
			if r.Failed {
				b.Failed++
			}
			if r.Pending() {
				b.Pending++
				if b.Oldest == 0 || r.Queued < b.Oldest {
					b.Oldest = r.Queued
				}
			}
		}
		got, err := w.s.Deliveries(ctx, id)
		must(t, "deliveries of "+id, want, got, err)
	}
	var want []Backlog
	for _, name := range slices.Sorted(maps.Keys(backlog)) {
		if b := backlog[name]; !b.Retired || b.Pending+b.Failed > 0 {
			want = append(want, *b)
		}
	}
	got, err := w.s.Backlog(ctx)
	must(t, "backlog", want, got, err)
	for _, channel := range channelNames {
		var want, got []string
		for _, r := range w.pending(channel) {
			want = append(want, r.Alert)
		}
		err := w.s.query(ctx, "read order of", "SELECT alert FROM deliveries WHERE channel = ? AND state IN (1, 2) ORDER BY n", func(rows *sql.Rows) error {
			var alert string
			err := rows.Scan(&alert)
			got = append(got, alert)
			return err
		}, channel)
		must(t, "queue of "+channel, want, got, err)
	}
	rows, oldest, err := w.s.Unrouted(ctx)
	var wantOldest int64
	if len(w.outbox) > 0 {
		wantOldest = w.outbox[0].Created
	}
	must(t, "unrouted", [2]int64{int64(len(w.outbox)), wantOldest}, [2]int64{rows, oldest}, err)
}

// TestDeliveriesAreAsTheModelSays takes random steps of routing and delivering, with restarts between them, that forget
// what was under way.
func TestDeliveriesAreAsTheModelSays(t *testing.T) {
	dir := t.TempDir()
	n := 0
	check(t, 25, func(t *rapid.T) {
		n++
		opts := Options{Path: filepath.Join(dir, fmt.Sprint(n, ".db"))}
		w := &world{s: open(t, opts), held: map[string]*Delivery{}}
		w.told = &told{revisions: map[string][]int64{}, rows: map[[2]string]*row{}, retired: map[string]bool{}}
		defer func() { _ = w.s.Close() }()
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			w.step(t)
			if rapid.IntRange(0, 19).Draw(t, "restart") == 0 {
				if err := w.s.Close(); err != nil {
					t.Fatal(err)
				}
				w.s, w.held = open(t, opts), map[string]*Delivery{}
			}
			w.compare(t)
		}
		for _, channel := range channelNames { // in the end everything is told, each once
			for {
				got, _, err := w.s.NextDelivery(context.Background(), channel, math.MaxInt64)
				want, _ := w.next(channel, math.MaxInt64)
				must(t, "next delivery", want, got, err)
				if got == nil {
					break
				}
				if err := w.s.EndDelivery(context.Background(), got, got.Wanted, nil, 1); err != nil {
					t.Fatal(err)
				}
				w.end(w.rows[[2]string{got.Alert, channel}], got.Wanted, nil, 1)
			}
		}
		w.compare(t)
	})
}

func TestADeliveryThatIsNotThereIsRefused(t *testing.T) {
	s := open(t, Options{Path: filepath.Join(t.TempDir(), "detect.db")})
	defer s.Close()
	d := &Delivery{Alert: "a", Channel: "soc"}
	for name, err := range map[string]error{
		"begin": s.BeginDelivery(t.Context(), d, 1), "end": s.EndDelivery(t.Context(), d, 1, nil, 1),
		"delay": s.DelayDelivery(t.Context(), d, 1, "", true, true), "fail": s.FailDelivery(t.Context(), d, "", ""),
		"stand in": s.StandIn(t.Context(), d, "mail", ""),
	} {
		if !errors.Is(err, errNoDelivery) || !strings.Contains(err.Error(), "alert a, channel soc") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// many routes n alerts to a channel.
func many(t testing.TB, s *Store, n int, channel string) {
	t.Helper()
	const batch = 10_000
	for from := 0; from < n; from += batch {
		c := new(engine.Commit)
		for i := from; i < min(n, from+batch); i++ {
			c.Alerts = append(c.Alerts, &engine.Alert{ID: fmt.Sprintf("%064x", i*7919), Rule: "r", Revision: 1})
		}
		if err := s.Commit(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		if rows, err := s.Route(t.Context(), batch, func(*engine.Alert) []string { return []string{channel} }); err != nil || rows != len(c.Alerts) {
			t.Fatal(rows, err)
		}
	}
}

// TestNeitherCommitsNorDeliveriesStarve has both at work at once, neither ever pausing.
func TestNeitherCommitsNorDeliveriesStarve(t *testing.T) {
	s := open(t, Options{Path: filepath.Join(t.TempDir(), "detect.db")})
	defer s.Close()
	many(t, s, 2000, "soc")
	const wanted = 300
	stop := make(chan struct{})
	ended := make(chan error, 1)
	var delivered atomic.Int64
	go func() {
		for {
			select {
			case <-stop:
				ended <- nil
				return
			default:
			}
			d, _, err := s.NextDelivery(t.Context(), "soc", 1)
			if err == nil {
				err = s.BeginDelivery(t.Context(), d, 1)
			}
			if err == nil {
				err = s.EndDelivery(t.Context(), d, 1, nil, 1)
			}
			if err != nil {
				ended <- err
				return
			}
			if delivered.Add(1) == 1500 { // enough of them
				ended <- nil
				return
			}
		}
	}()
	commits := 0
	for ; delivered.Load() < wanted || commits < 20; commits++ {
		if commits == 3000 {
			t.Fatalf("%d deliveries beside %d commits", delivered.Load(), commits)
		}
		if err := s.Commit(t.Context(), batch(300, commits)); err != nil { // some milliseconds
			t.Fatal(err)
		}
	}
	close(stop)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	t.Logf("%d deliveries beside %d commits", delivered.Load(), commits)
}

// TestDeliveriesAreLookedUp holds the queries of a delivery to their indexes: a backlog must not make each one slower.
func TestDeliveriesAreLookedUp(t *testing.T) {
	s := open(t, Options{Path: filepath.Join(t.TempDir(), "detect.db")})
	defer s.Close()
	texts := s.stmt.texts()
	for _, c := range []struct{ text, want string }{
		{texts[&s.stmt.firstReady], "SEARCH deliveries USING INDEX deliveries_ready (channel=?)"},
		{texts[&s.stmt.firstWaiting], "SEARCH deliveries USING COVERING INDEX deliveries_waiting (channel=?)"},
		{texts[&s.stmt.alone], "SEARCH deliveries USING INDEX deliveries_alone (channel=? AND queued<?)"},
		{texts[&s.stmt.promote], "SEARCH deliveries USING COVERING INDEX deliveries_waiting (channel=? AND next<?)"},
		{texts[&s.stmt.endDelivery], "SEARCH deliveries USING PRIMARY KEY (alert=? AND channel=?)"},
		{texts[&s.stmt.dropOutbox], "SEARCH outbox USING INTEGER PRIMARY KEY (rowid<?)"},
	} {
		rows, err := s.conn.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+c.text, make([]any, strings.Count(c.text, "?"))...)
		if err != nil {
			rows, err = s.conn.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+c.text, make([]any, 6)...)
		}
		if err != nil {
			t.Fatal(err)
		}
		plan := ""
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				t.Fatal(err)
			}
			plan += detail + "\n"
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(plan, c.want) || strings.Contains(plan, "SCAN") || strings.Contains(plan, "TEMP B-TREE") {
			t.Errorf("%s\nis planned as\n%s", c.text, plan)
		}
	}
}

func BenchmarkNextDelivery(b *testing.B) {
	s, err := Open(b.Context(), Options{Path: filepath.Join(b.TempDir(), "detect.db")})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	many(b, s, 100_000, "soc")
	b.ReportAllocs()
	for i := int64(0); b.Loop(); i++ {
		d, _, err := s.NextDelivery(b.Context(), "soc", i)
		if err != nil || d == nil {
			b.Fatal(d, err)
		}
		if err := s.DelayDelivery(b.Context(), d, i+50_000, "later", true, true); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBacklog(b *testing.B) {
	s, err := Open(b.Context(), Options{Path: filepath.Join(b.TempDir(), "detect.db")})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	many(b, s, 100_000, "soc")
	for b.Loop() {
		if l, err := s.Backlog(b.Context()); err != nil || len(l) != 1 || l[0].Pending != 100_000 {
			b.Fatal(l, err)
		}
	}
}
