package daemon

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"detect/engine"
	"detect/engine/enginetest"
	"detect/internal/simulate"
	"detect/internal/source"
	"detect/internal/store"
	"detect/notify"
	"detect/rules"
)

// The streams of the tests deliver lines from memory: a position is how many were delivered.

// feed is a stream that delivers what its function says.
type feed struct {
	name string
	run  func(ctx context.Context, from int, emit func(*source.Batch) error) error
}

func (f feed) source(key string) Source {
	return Source{Name: f.name, Key: key, Open: func(positions []source.Position) Reader {
		from := 0
		for _, p := range positions {
			from, _ = strconv.Atoi(string(p.Data))
		}
		return reader(func(ctx context.Context, emit func(*source.Batch) error) error { return f.run(ctx, from, emit) })
	}}
}

type reader func(ctx context.Context, emit func(*source.Batch) error) error

func (r reader) Run(ctx context.Context, emit func(*source.Batch) error) error { return r(ctx, emit) }

// batchOf is a batch of lines that ends at position at.
func batchOf(stream string, lines [][]byte, at int, behind bool) *source.Batch {
	b := &source.Batch{Behind: behind}
	for i, line := range lines {
		b.Records = append(b.Records, source.Raw{JSON: line, Origin: source.Origin{File: stream, Line: int64(at - len(lines) + i + 1), Offset: -1}})
	}
	b.Positions = []source.Position{{Source: stream + " lines", Data: []byte(strconv.Itoa(at))}}
	return b
}

// replaying delivers lines in batches of a size, then waits for the end unless it is to end by itself.
func replaying(name string, lines [][]byte, size func() int, wait bool) feed {
	return feed{name, func(ctx context.Context, from int, emit func(*source.Batch) error) error {
		for from < len(lines) {
			to := min(len(lines), from+max(1, size()))
			if err := emit(batchOf(name, lines[from:to], to, to < len(lines))); err != nil {
				return err
			}
			from = to
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
		if err := emit(batchOf(name, nil, from, false)); err != nil {
			return err
		}
		if wait {
			<-ctx.Done()
		}
		return ctx.Err()
	}}
}

// tenant is a simulated tenant under attack.
func tenant(t testing.TB, seed uint64, records int) (lines [][]byte, domains []string) {
	t.Helper()
	truth, err := simulate.Generate(simulate.Config{Seed: seed, Records: records, Users: 60, Attacks: []string{"all"}}, func(line []byte) error {
		lines = append(lines, bytes.Clone(line))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines, truth.Domains
}

func loadRules(t testing.TB, domains []string, only ...string) *rules.Set {
	t.Helper()
	set, faults := rules.Load(rules.Options{Domains: domains, Geo: simulate.Geo{}})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	if len(only) > 0 {
		var err error
		if set, err = set.Only(only...); err != nil {
			t.Fatal(err)
		}
	}
	return set
}

func microseconds(d time.Duration) int64 { return int64(d / time.Microsecond) }

func setup(set *rules.Set, sources ...Source) *Setup {
	router, _ := notify.NewRouter(nil, nil, "")
	return &Setup{Rules: set, Lateness: microseconds(72 * time.Hour), Hold: microseconds(7 * 24 * time.Hour), Settle: microseconds(2 * time.Hour),
		Sources: sources, Router: router}
}

func openStore(t testing.TB) *store.Store {
	t.Helper()
	st, err := store.Open(context.Background(), store.Options{Path: filepath.Join(t.TempDir(), "detect.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

// logs is a log that tests look into.
type logs struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (l *logs) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// outbox is a channel that keeps what it is told.
type outbox struct {
	mu      sync.Mutex
	told    map[string]int // by alert: the newest revision
	sends   int
	notices []string
	fail    error

	slow    time.Duration // that a send takes
	sending int
	several bool // two messages were under way at once
}

func newOutbox() *outbox { return &outbox{told: map[string]int{}} }

func (o *outbox) Kind() string                     { return "memory" }
func (o *outbox) EachRevision() bool               { return false }
func (o *outbox) Plan(*notify.Message) notify.Plan { return notify.Plan{} }
func (o *outbox) Tell(_ context.Context, n *notify.Notice) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.notices = append(o.notices, n.Level.String()+": "+n.Text)
	return nil
}

func (o *outbox) Send(_ context.Context, m *notify.Message) ([]byte, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.fail != nil {
		return nil, o.fail
	}
	o.sending++
	o.several = o.several || o.sending > 1
	o.mu.Unlock()
	time.Sleep(o.slow)
	o.mu.Lock()
	o.sending--
	o.sends++
	o.told[m.Alert.ID] = m.Alert.Revision
	return json.Marshal(m.Alert.Revision)
}

func (o *outbox) said() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.Join(o.notices, "\n")
}

// with has a setup tell one channel everything.
func (s *Setup) with(t testing.TB, o *outbox) *Setup {
	t.Helper()
	router, problems := notify.NewRouter(nil, []string{"memory"}, "")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	s.Channels, s.Router, s.Ops = map[string]notify.Channel{"memory": o}, router, []string{"memory"}
	return s
}

// standing is the stored alerts that stand.
func standing(t testing.TB, st *store.Store) []*engine.Alert {
	t.Helper()
	list, err := st.List(context.Background(), store.Query{})
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(list, engine.CompareAlerts)
	return list
}

// same fails unless two lists of alerts show the same.
func same(t testing.TB, want, got []*engine.Alert) {
	t.Helper()
	if err := enginetest.Compare(want, got); err != nil {
		t.Fatal(fmt.Errorf("%d alerts wanted, %d there: %w", len(want), len(got), err))
	}
}

func totals(t testing.TB, st *store.Store) engine.Counts {
	t.Helper()
	n, _, err := st.Totals(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return n
}
