package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"

	"detect/engine"
	"detect/internal/simulate"
	"detect/internal/store"
	"detect/notify/slack/scripted"
)

// kills is how often TestKill kills the daemon; DETECT_KILLS asks for more.
const kills = 8

// spool is a folder that records arrive in: a file for each day of arrival that grows, and is compressed when it is over.
type spool struct {
	t     *testing.T
	dir   string
	day   string
	file  *os.File
	parts *rand.Rand
}

// write appends arrivals to the day's file; a line may be written in two parts, as by a program with a buffer.
func (s *spool) write(arrivals []simulate.Arrival) {
	s.t.Helper()
	for _, a := range arrivals {
		if day := a.At.Format("2006-01-02"); day != s.day {
			s.turn(day)
		}
		line := append(slices.Clone(a.Line), '\n')
		cut := s.parts.IntN(len(line))
		for _, part := range [][]byte{line[:cut], line[cut:]} {
			if _, err := s.file.Write(part); err != nil {
				s.t.Fatal(err)
			}
		}
	}
}

// turn ends the day's file: every other one is renamed, every other one is compressed, as log rotation does.
func (s *spool) turn(day string) {
	s.t.Helper()
	if s.file != nil {
		old := s.file.Name()
		if err := s.file.Close(); err != nil {
			s.t.Fatal(err)
		}
		if s.parts.IntN(2) == 0 {
			s.compress(old)
		} else if err := os.Rename(old, old+".1"); err != nil {
			s.t.Fatal(err)
		}
	}
	f, err := os.Create(filepath.Join(s.dir, "audit-"+day+".ndjson"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.day, s.file = day, f
}

// compress puts a file's gzip in its place.
func (s *spool) compress(path string) {
	s.t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(data); err != nil {
		s.t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		s.t.Fatal(err)
	}
	tmp := filepath.Join(s.dir, ".packing")
	if err := os.WriteFile(tmp, packed.Bytes(), 0o600); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Rename(tmp, path+".gz"); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		s.t.Fatal(err)
	}
}

// killer passes requests on to Slack, and kills the daemon at one of them: before Slack has seen it, or after it took effect
// and before the answer.
type killer struct {
	slack http.Handler

	mu    sync.Mutex
	armed *os.Process
	calls int  // to be let through before
	after bool // the call takes effect
}

// arm sets the trap; nil disarms it.
func (k *killer) arm(p *os.Process, calls int, after bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.armed, k.calls, k.after = p, calls, after
}

func (k *killer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.mu.Lock()
	var victim *os.Process
	if k.calls--; k.armed != nil && k.calls < 0 {
		victim, k.armed = k.armed, nil
	}
	after := k.after
	k.mu.Unlock()
	if victim == nil {
		k.slack.ServeHTTP(w, r)
		return
	}
	if after {
		k.slack.ServeHTTP(httptest.NewRecorder(), r)
	}
	_ = victim.Kill()
	panic(http.ErrAbortHandler)
}

// TestKill follows a simulated week, in the order and with the delays in which Office 365 delivers it, and kills the
// daemon again and again at random points. The alerts must be those of a replay, and Slack must have each of them once,
// in its last revision.
func TestKill(t *testing.T) {
	t.Parallel()
	n := kills
	if more := os.Getenv("DETECT_KILLS"); more != "" {
		if _, err := fmt.Sscan(more, &n); err != nil {
			t.Fatal(err)
		}
	}
	seed := uint64(time.Now().UnixNano())
	if given := os.Getenv("DETECT_SEED"); given != "" {
		if _, err := fmt.Sscan(given, &seed); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d kills, DETECT_SEED=%d", n, seed)
	random := rand.New(rand.NewPCG(seed, 7))
	dir, lines, _ := tenant(t, simulate.Config{Seed: 21, Users: 60, Records: 12_000, Attacks: []string{"all"}})
	arrivals, err := simulate.Arrivals(seed, lines)
	if err != nil {
		t.Fatal(err)
	}

	server := scripted.New()
	server.Pace(0, 1)
	trap := &killer{slack: server}
	slack := httptest.NewServer(trap)
	defer slack.Close()
	config, in := tenantConfig(t, dir, fmt.Sprintf(`
channels:
  soc: {slack: {token: {env: SLACK_BOT_TOKEN}, channel: "%s", api: "%s/api/", pace: 1ms}}
`, scripted.ChannelName, slack.URL))

	out := &spool{t: t, dir: in, parts: random}
	db := filepath.Join(dir, "detect.db")
	run := []string{"run", "--config", config, "-v", "--drain", "60s"}
	fed, total, logs := 0, int64(len(arrivals)), &bytes.Buffer{}

	for i := range n {
		// So many have arrived when the daemon starts, and it is killed somewhere before it has read them all.
		target := len(arrivals) * (i + 1) / (n + 1)
		out.write(arrivals[fed:target])
		unread := int64(target)
		if i > 0 {
			unread -= readSoFar(t, db)
		}
		fed = target
		d := startDaemon(t, run...)
		if random.IntN(2) == 0 {
			trap.arm(d.cmd.Process, random.IntN(4), random.IntN(2) == 0)
		}
		d.until(1 + random.Int64N(max(1, unread)))
		trap.arm(nil, 0, false)
		if err := d.end(syscall.SIGKILL); err == nil || d.cmd.ProcessState.Exited() {
			t.Fatalf("the daemon ended by itself:\n%s", d.log)
		}
		logs.Write(d.log.Bytes())
	}
	out.write(arrivals[fed:])
	left := total - readSoFar(t, db)
	d := startDaemon(t, run...)
	if !d.until(left) {
		<-d.done
		t.Fatalf("the daemon ended by itself:\n%s", d.log)
	}
	if err := d.end(syscall.SIGTERM); err != nil {
		t.Fatalf("%v:\n%s", err, d.log)
	}
	logs.Write(d.log.Bytes())

	got := storedAlerts(t, config)
	want := replayed(t, "--config", filepath.Join(dir, "detect.yaml"), "--until", time.Now().Format(time.RFC3339), filepath.Join(dir, "records.ndjson"))
	if diff := cmp.Diff(essence(want.Alerts), essence(got)); diff != "" {
		t.Errorf("the alerts differ from those of a replay (-replay +run):\n%s", diff)
	}
	checkTotals(t, db, total)
	checkSlack(t, db, server, n)
	checkSecrets(t, dir, logs.String(), server)
}

func readSoFar(t *testing.T, db string) int64 {
	t.Helper()
	st := openStore(t, db)
	defer st.Close()
	counts, _, err := st.Totals(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return counts.Read
}

func openStore(t *testing.T, db string) *store.Store {
	t.Helper()
	st, err := store.Open(context.Background(), store.Options{Path: db, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// storedAlerts is what `detect alerts list` gives.
func storedAlerts(t *testing.T, config string) []alertReport {
	t.Helper()
	var out, errs bytes.Buffer
	if status := run(context.Background(), []string{"alerts", "list", "--config", config, "--format", "json"}, strings.NewReader(""), &out, &errs); status != 0 {
		t.Fatalf("detect alerts list: exit status %d: %s", status, &errs)
	}
	var r struct{ Alerts []alertReport }
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	return r.Alerts
}

// essence is what two runs must agree in.
func essence(alerts []alertReport) []string {
	out := []string{}
	for _, a := range alerts {
		out = append(out, fmt.Sprintf("%s %v %s %s %d %s %q %v %v", a.Rule, a.By, a.First, a.Last, a.Count, a.Severity, a.Title, a.Values, a.Records))
	}
	slices.Sort(out)
	return out
}

func checkTotals(t *testing.T, db string, total int64) {
	t.Helper()
	st := openStore(t, db)
	defer st.Close()
	c, _, err := st.Totals(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if c.Read != total || c.Rejected != 0 || c.Late != 0 || c.Accepted+c.Duplicate != total {
		t.Errorf("of %d records: %+v", total, c)
	}
}

// checkSlack compares what Slack holds with what is stored: every alert in one message, in its last revision, and no more
// repeats than kills.
func checkSlack(t *testing.T, db string, server *scripted.Server, kills int) {
	t.Helper()
	if v := server.Violations(); len(v) > 0 {
		t.Errorf("Slack was sent what it should not be: %s", strings.Join(v, "\n"))
	}
	st := openStore(t, db)
	defer st.Close()
	posted := map[string][]scripted.Message{}
	said := map[string]int{} // answers in threads, by alert and revision
	for _, m := range server.Messages() {
		if m.Metadata == nil || m.Metadata.EventType != "detect_alert" {
			continue
		}
		id, _ := m.Metadata.EventPayload["alert"].(string)
		if m.Thread != "" {
			said[fmt.Sprint(id, m.Metadata.EventPayload["revision"])]++
			continue
		}
		posted[id] = append(posted[id], m)
	}
	repeats := 0
	for _, times := range said {
		repeats += times - 1
	}
	alerts, err := st.List(context.Background(), store.Query{All: true})
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	for _, a := range alerts {
		if a.Staged {
			continue
		}
		told++
		messages := posted[a.ID]
		if len(messages) == 0 {
			if a.Status.Standing() { // one that stood no more before it could be told is not told
				t.Errorf("Slack never heard of %s %q", a.ID, a.Title)
			}
			continue
		}
		repeats += len(messages) - 1
		last := messages[len(messages)-1]
		revision, _ := last.Metadata.EventPayload["revision"].(float64)
		if shown := lastShown(t, st, a); int(revision) < shown {
			t.Errorf("Slack has %q in revision %v, not in %d", a.Title, revision, shown)
		}
	}
	if told < 10 {
		t.Errorf("only %d alerts were to be told", told)
	}
	if repeats > kills {
		t.Errorf("%d messages were posted twice, after %d kills", repeats, kills)
	}
	t.Logf("%d alerts told, %d calls, %d messages posted twice", told, len(server.Calls()), repeats)
}

// lastShown is the last revision of an alert that changed anything that a person sees.
func lastShown(t *testing.T, st *store.Store, a *engine.Alert) int {
	t.Helper()
	list, err := st.Revisions(context.Background(), a.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range slices.Backward(list) {
		if r.Alert.Reason != engine.Finished {
			return r.Alert.Revision
		}
	}
	return 0
}

// checkSecrets looks for the token in all that the run left behind or sent.
func checkSecrets(t *testing.T, dir, logs string, server *scripted.Server) {
	t.Helper()
	if strings.Contains(logs, scripted.Token) {
		t.Error("the token is in the log")
	}
	sent, err := json.Marshal(struct {
		Messages []scripted.Message
		Calls    []scripted.Call
	}{server.Messages(), server.Calls()})
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sent, []byte(scripted.Token)) {
		t.Error("the token is in a message")
	}
	err = filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err == nil && bytes.Contains(data, []byte(scripted.Token)) {
			t.Errorf("the token is in %s", path)
		}
		if info, infoErr := e.Info(); infoErr == nil && strings.HasPrefix(e.Name(), "detect.db") && info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %s", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
