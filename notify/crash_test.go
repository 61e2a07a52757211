package notify_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"detect/engine"
	"detect/internal/store"
	"detect/notify"
)

// scenario is what happens to a dispatcher: alerts are revised, channels answer, and the process dies.
type scenario struct {
	commits  []commit
	answers  map[string][]answer // by channel: of its first attempts; all later ones arrive
	crashes  []int               // steps that each process lives; the last one lives on
	fallback bool
}

type commit struct {
	after time.Duration
	alert string
}

// The channels of a scenario: one that tells the latest, one that tells each revision, and the fallback.
const (
	latest = "latest"
	every  = "every"
	backup = "backup"
)

// play plays a scenario in a bubble, and says what went wrong.
func (s *scenario) play(t *testing.T, open func(t *testing.T) backend) (steps int, err error) {
	synctest.Test(t, func(t *testing.T) {
		st := open(t)
		places := map[string]*place{}
		for _, name := range []string{latest, every, backup} {
			p := &place{}
			p.answer = func(n int, _ *notify.Message) answer {
				if n < len(s.answers[name]) {
					return s.answers[name][n]
				}
				return answer{}
			}
			places[name] = p
		}
		var current atomic.Pointer[notify.Dispatcher]
		revisions, committed := map[string]int{}, make(chan struct{})
		go func() {
			defer close(committed)
			for _, c := range s.commits {
				time.Sleep(c.after)
				revisions[c.alert]++
				a := revision(c.alert, revisions[c.alert])
				if e := st.Commit(t.Context(), &engine.Commit{Alerts: []*engine.Alert{a}}); e != nil {
					err = e
					return
				}
				if d := current.Load(); d != nil {
					d.Wake()
				}
			}
		}()
		died := 0
		for i := range len(s.crashes) + 1 {
			l := &life{left: -1}
			if i < len(s.crashes) {
				l.left = s.crashes[i]
			}
			before := l.left
			if !s.live(t, st, places, l, &current, committed) {
				steps = before - l.left
				break
			}
			died++
			time.Sleep(time.Second)
		}
		<-committed
		if err == nil {
			err = s.check(t.Context(), st, places, revisions, died)
		}
		if c, ok := st.(interface{ Close() error }); ok {
			err = errors.Join(err, c.Close())
		}
	})
	return steps, err
}

// live runs one process until it dies or everything is told, and says whether it died.
func (s *scenario) live(t *testing.T, st backend, places map[string]*place, l *life, current *atomic.Pointer[notify.Dispatcher], committed <-chan struct{}) bool {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	l.death = cancel
	d := &notify.Dispatcher{Outbox: mortal{st, l}, Channels: map[string]notify.Channel{}, Log: slog.New(slog.DiscardHandler), Timeout: 20 * time.Second}
	for name, p := range places {
		d.Channels[name] = &channel{place: p, life: l, each: name == every}
	}
	if s.fallback {
		d.Fallback = backup
	}
	to := []string{latest, every}
	d.Router, _ = notify.NewRouter([]notify.RouteConfig{{To: &to}}, []string{latest, every, backup}, d.Fallback)
	current.Store(d)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = d.Run(ctx)
	}()
	for rounds, idle := 0, 0; rounds < 600 && idle < 2; rounds++ { // what is committed is routed between two rounds
		select {
		case <-ended:
			return true
		case <-time.After(30 * time.Second):
		}
		select {
		case <-committed:
		default:
			continue
		}
		backlog, err := st.Backlog(ctx)
		pending := int64(0)
		for _, b := range backlog {
			pending += b.Pending
		}
		if idle++; err != nil || pending > 0 {
			idle = 0
		}
	}
	cancel()
	<-ended
	return l.isDead()
}

// check says what was lost, repeated or out of order.
func (s *scenario) check(ctx context.Context, st backend, places map[string]*place, revisions map[string]int, died int) error {
	var errs []error
	has := func(name, alert string, n int) bool {
		return slices.ContainsFunc(places[name].messages(), func(g got) bool { return g.alert == alert && g.revision == n })
	}
	for alert, last := range revisions {
		rows, err := st.Deliveries(ctx, alert)
		if err != nil {
			return err
		}
		if len(rows) < 2 {
			errs = append(errs, fmt.Errorf("%s has %d deliveries", alert, len(rows)))
		}
		refused := slices.ContainsFunc(rows, func(r store.Delivery) bool { return r.Channel == backup && r.Failed })
		for _, r := range rows {
			switch {
			case has(r.Channel, alert, last):
			case !r.Failed:
				errs = append(errs, fmt.Errorf("%s was not told of %s %d: %+v", r.Channel, alert, last, r))
			case s.fallback && !refused && r.Channel != backup && !has(backup, alert, last):
				errs = append(errs, fmt.Errorf("neither %s nor the fallback was told of %s %d: %+v", r.Channel, alert, last, r))
			}
			if r.Channel == every && !r.Failed {
				for n := 1; n <= last; n++ {
					if !has(every, alert, n) {
						errs = append(errs, fmt.Errorf("%s was not told of %s %d", every, alert, n))
					}
				}
			}
		}
	}
	for name, p := range places {
		newest, seen, repeats, open := map[string]int{}, map[string]bool{}, 0, 0
		for _, a := range s.answers[name] {
			if a.arrives && a.err != nil {
				open++
			}
		}
		for _, g := range p.messages() {
			if g.revision < newest[g.alert] {
				errs = append(errs, fmt.Errorf("%s was told of %s %d after %d", name, g.alert, g.revision, newest[g.alert]))
			}
			newest[g.alert] = g.revision
			key := fmt.Sprint(g.alert, " ", g.revision)
			if seen[key] {
				repeats++
				if !g.m.Uncertain {
					errs = append(errs, fmt.Errorf("%s was told of %s again, without a word that it may be a repeat", name, key))
				}
			}
			seen[key] = true
		}
		if repeats > died+open {
			errs = append(errs, fmt.Errorf("%s: %d repeats in %d deaths and %d sends of unknown end", name, repeats, died, open))
		}
	}
	return errors.Join(errs...)
}

func openMemory(*testing.T) backend { return newMemory() }

// sqlite opens the real store.
func sqlite(t *testing.T) backend {
	st, err := store.Open(t.Context(), store.Options{Path: filepath.Join(t.TempDir(), "detect.db")})
	if err != nil {
		t.Fatal(err)
	}
	return st
}

var outcomes = []answer{
	{},
	{takes: 3 * time.Second},
	{err: errDown},
	{err: errDown, arrives: true},
	{err: &notify.NotSent{Err: errDown}},
	{err: &notify.RetryAfter{After: 30 * time.Second, Err: errDown}},
	{err: &notify.Permanent{Err: errDown}},
	{takes: time.Minute},
}

// Whatever is revised, however channels answer, and wherever the process dies: each alert's last revision arrives, in
// order, and nothing is told twice but for one message a death and those whose end nobody could know.
func TestCrashes(t *testing.T) {
	drawn := rapid.Custom(func(t *rapid.T) *scenario {
		s := &scenario{fallback: rapid.Bool().Draw(t, "fallback"), answers: map[string][]answer{}}
		for range rapid.IntRange(1, 10).Draw(t, "commits") {
			s.commits = append(s.commits, commit{
				rapid.SampledFrom([]time.Duration{0, time.Millisecond, time.Second, 7 * time.Second, time.Minute, 11 * time.Minute}).Draw(t, "after"),
				rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "alert"),
			})
		}
		for _, name := range []string{latest, every, backup} {
			s.answers[name] = rapid.SliceOfN(rapid.SampledFrom(outcomes), 0, 6).Draw(t, name)
		}
		s.crashes = rapid.SliceOfN(rapid.IntRange(0, 40), 0, 5).Draw(t, "crashes")
		return s
	})
	for name, b := range map[string]struct {
		open  func(*testing.T) backend
		every int // cases, since files take time
	}{"model": {openMemory, 1}, "sqlite": {sqlite, 10}} {
		t.Run(name, func(t *testing.T) {
			n := 0
			rapid.Check(t, func(rt *rapid.T) {
				if n++; n%b.every != 0 {
					return
				}
				s := drawn.Draw(rt, "scenario")
				if _, err := s.play(t, b.open); err != nil {
					rt.Fatal(err)
				}
			})
		})
	}
}

// TestMain sets how many cases each property is checked on: DETECT_CHECKS of the environment, or -rapid.checks, or rapid's own number.
func TestMain(m *testing.M) {
	flag.Parse()
	if n, err := strconv.Atoi(os.Getenv("DETECT_CHECKS")); err == nil && n > 0 {
		_ = flag.Set("rapid.checks", strconv.Itoa(n))
	}
	os.Exit(m.Run())
}

// A process that dies at each step in turn, and one that dies at each pair of steps.
func TestCrashAtEveryStep(t *testing.T) {
	base := scenario{
		commits: []commit{{0, "a"}, {0, "b"}, {time.Second, "a"}, {time.Minute, "a"}, {0, "c"}},
		answers: map[string][]answer{
			latest: {{err: &notify.NotSent{Err: errDown}}, {}, {err: errDown, arrives: true}},
			every:  {{}, {err: &notify.Permanent{Err: errDown}}},
		},
		fallback: true,
	}
	for name, open := range map[string]func(*testing.T) backend{"model": openMemory, "sqlite": sqlite} {
		t.Run(name, func(t *testing.T) {
			end := base
			end.crashes = []int{1 << 30}
			steps, err := end.play(t, open)
			if err != nil || steps < 30 {
				t.Fatalf("without a death: %d steps, %v", steps, err)
			}
			stride := 1
			if name == "sqlite" && os.Getenv("DETECT_CHECKS") == "" {
				stride = 5 // files take time
			}
			for k := 0; k < steps; k += stride {
				s := base
				s.crashes = []int{k}
				if _, err := s.play(t, open); err != nil {
					t.Errorf("dying at step %d of %d: %v", k, steps, err)
				}
			}
			if name == "model" {
				for k := 0; k < steps; k += 3 {
					for j := range 12 {
						s := base
						s.crashes = []int{k, j}
						if _, err := s.play(t, open); err != nil {
							t.Errorf("dying at steps %d and %d of %d: %v", k, j, steps, err)
						}
					}
				}
			}
		})
	}
}
