package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"detect/engine"
	"detect/internal/simulate"
	"detect/internal/store"
	"detect/notify/escape"
	"detect/rules/hit"
)

// hostile is what an attacker may have put into a record.
const hostile = "\x1b[31mred\x1b[0m \u202egnp.exe\u202c\r\nHIGH  forged line\u200b"

// aStore makes a store with alerts of all kinds and what became of them.
func aStore(path string) error {
	ctx := context.Background()
	st, err := store.Open(ctx, store.Options{Path: path})
	if err != nil {
		return err
	}
	defer st.Close()
	at := func(day, hour int) int64 { return time.Date(2026, 3, day, hour, 0, 0, 0, time.UTC).UnixMicro() }
	alert := func(id, rule, user, title string, severity hit.Severity, first, last, count int64) *engine.Alert {
		return &engine.Alert{
			ID: id, Rule: rule, Version: "1", Key: hit.EncodeKey(user), By: []string{"user"}, Title: title, Severity: severity,
			First: first, Last: last, Count: count, Records: []string{"r1", "r2"}, Attack: []string{"T1114.003"},
			Values: []engine.Values{{Name: "to", Values: []string{"x@evil.example"}}}, Revision: 1, Reason: engine.Opened,
			Naming: engine.Mark{Time: first},
		}
	}
	forward := alert(strings.Repeat("1a2b3c4d", 4), "exchange-external-forwarding", "ann@contoso.example",
		"ann@contoso.example forwards mail to x@evil.example", hit.High, at(2, 9), at(2, 9), 1)
	forward.Respond = "Set-Mailbox ann -ForwardingSmtpAddress $null"
	forged := alert(strings.Repeat("1a2bffff", 4), "exchange-external-forwarding", hostile, "Forwarding by "+hostile, hit.Medium, at(3, 9), at(3, 9), 1)
	gone := alert(strings.Repeat("cccccccc", 4), "mass-download", "bob@contoso.example", "bob downloads 40 files", hit.Low, at(1, 1), at(1, 2), 40)
	commits := [][]*engine.Alert{{forward, forged, gone}}
	grown := *forward
	grown.Count, grown.Last, grown.Revision, grown.Reason, grown.Note = 3, at(2, 11), 2, engine.Grew, "1 -> 3 records, 0 s -> 2 h"
	grown.Severity, grown.Approximate = hit.Critical, true
	withdrawn := *gone
	withdrawn.Status, withdrawn.Revision, withdrawn.Reason = engine.Withdrawn, 2, engine.Gone
	commits = append(commits, []*engine.Alert{&grown, &withdrawn})
	for i, list := range commits {
		if err := st.Commit(ctx, &engine.Commit{Alerts: list}); err != nil {
			return err
		}
		if i == 1 {
			break
		}
		if _, err := st.Route(ctx, 100, func(*engine.Alert) []string { return []string{"soc", "oncall", "siem"} }); err != nil {
			return err
		}
		if err := deliverSome(ctx, st); err != nil {
			return err
		}
	}
	return nil
}

// deliverSome tells soc of every alert, fails for oncall and leaves siem waiting.
func deliverSome(ctx context.Context, st *store.Store) error {
	for _, channel := range []string{"soc", "oncall"} {
		for {
			d, _, err := st.NextDelivery(ctx, channel, time.Now().UnixMicro())
			if err != nil {
				return err
			}
			if d == nil {
				break
			}
			if err := st.BeginDelivery(ctx, d, d.Wanted); err != nil {
				return err
			}
			if channel == "soc" {
				err = st.EndDelivery(ctx, d, d.Wanted, []byte("{}"), time.Now().UnixMicro())
			} else {
				err = st.FailDelivery(ctx, d, "550 no such user "+hostile, "")
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// makeStore is the script command `store FILE`.
func makeStore(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: store FILE")
	}
	ts.Check(aStore(ts.MkAbs(args[0])))
}

// noControls is the script command `nocontrols`: what the last program wrote moves no cursor and reverses no text.
func noControls(ts *testscript.TestScript, neg bool, _ []string) {
	for _, name := range []string{"stdout", "stderr"} {
		for i, line := range strings.Split(ts.ReadFile(name), "\n") {
			if strings.ContainsAny(line, "\x1b\r\u202e\u202c\u200b") {
				ts.Fatalf("%s:%d: %q", name, i+1, line)
			}
			if strings.HasPrefix(line, "HIGH  forged") {
				ts.Fatalf("%s:%d: a record made a line of its own: %q", name, i+1, line)
			}
		}
	}
}

// TestAlertsListJSON holds the list to be what `detect test` gives, sorted, and the same in both JSON forms.
func TestAlertsListJSON(t *testing.T) {
	path := t.TempDir() + "/detect.db"
	if err := aStore(path); err != nil {
		t.Fatal(err)
	}
	get := func(args ...string) []map[string]any {
		t.Helper()
		var out, errs bytes.Buffer
		args = append([]string{"alerts", "list", "--store", path}, args...)
		if status := run(context.Background(), args, strings.NewReader(""), &out, &errs); status != 0 {
			t.Fatalf("%v: exit status %d: %s", args, status, &errs)
		}
		var whole struct {
			Alerts []map[string]any `json:"alerts"`
		}
		if strings.Contains(strings.Join(args, " "), "ndjson") {
			for line := range strings.Lines(out.String()) {
				var a map[string]any
				if err := json.Unmarshal([]byte(line), &a); err != nil {
					t.Fatal(err)
				}
				whole.Alerts = append(whole.Alerts, a)
			}
		} else if err := json.Unmarshal(out.Bytes(), &whole); err != nil {
			t.Fatalf("%v: %s", err, &out)
		}
		return whole.Alerts
	}
	ids := func(list []map[string]any) string {
		var s []string
		for _, a := range list {
			s = append(s, fmt.Sprint(a["id"])[:8])
		}
		return strings.Join(s, " ")
	}
	for _, c := range []struct{ args, want string }{
		{"", "1a2b3c4d 1a2bffff"},
		{"--all", "cccccccc 1a2b3c4d 1a2bffff"},
		{"--status withdrawn", "cccccccc"},
		{"--severity high", "1a2b3c4d"},
		{"--severity low --since 2026-03-02T10:30:00Z", "1a2b3c4d 1a2bffff"},
		{"--since 2026-03-02T11:30:00Z", "1a2bffff"},
		{"--until 2026-03-02T09:00:00Z", "1a2b3c4d"},
		{"--entity ANN@contoso.example", "1a2b3c4d"},
		{"--rule mass-download --all", "cccccccc"},
		{"--limit 1", "1a2bffff"},
		{"--limit 2 --all", "1a2b3c4d 1a2bffff"},
		{"--entity nobody", ""},
	} {
		for _, format := range []string{"json", "ndjson"} {
			if got := ids(get(append(strings.Fields(c.args), "--format", format)...)); got != c.want {
				t.Errorf("%s as %s: %s, want %s", c.args, format, got, c.want)
			}
		}
	}
}

// JSON is looked at in terminals too.
func TestJSONOfAlertsHidesNothing(t *testing.T) {
	db := filepath.Join(t.TempDir(), "detect.db")
	if err := aStore(db); err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{"list --format json", "list --format ndjson", "show 1a2bffff --format json"} {
		var out, errs bytes.Buffer
		if status := run(context.Background(), append(append([]string{"alerts"}, strings.Fields(args)...), "--store", db), strings.NewReader(""), &out, &errs); status != 0 {
			t.Fatalf("%s: exit status %d: %s", args, status, &errs)
		}
		if i := strings.IndexFunc(strings.ReplaceAll(out.String(), "\n", ""), escape.Hidden); i >= 0 || !strings.Contains(out.String(), `\u202e`) {
			t.Errorf("%s: something hides in the output, at %d: %q", args, i, out.String())
		}
	}
}

// writerFunc is a writer that is a function.
type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// A list that is paged through for hours must not keep the log of the daemon's store from beginning anew.
func TestListWaitsWithoutReading(t *testing.T) {
	db := filepath.Join(t.TempDir(), "detect.db")
	if err := aStore(db); err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"json", "ndjson"} {
		wrote := false
		out := writerFunc(func(p []byte) (int, error) {
			wrote = true
			st, err := store.Open(context.Background(), store.Options{Path: db})
			if err != nil {
				t.Fatal(err)
			}
			if err := st.Commit(context.Background(), &engine.Commit{Counts: engine.Counts{Read: 1}}); err != nil {
				t.Fatal(err)
			}
			if err := st.Close(); err != nil { // the last one to close it empties the log and removes it
				t.Fatal(err)
			}
			if _, err := os.Stat(db + "-wal"); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s: the store is still read while the list is written: %v", format, err)
			}
			return len(p), nil
		})
		var errs bytes.Buffer
		if status := run(context.Background(), []string{"alerts", "list", "--store", db, "--format", format}, strings.NewReader(""), out, &errs); status != 0 || !wrote {
			t.Fatalf("exit status %d: %s", status, &errs)
		}
	}
}

// TestStoredAlertsAreThoseOfTheReplay runs the daemon over standard input, and compares what `alerts list` gives with what
// a replay of the same records finds: in all but how each came about.
func TestStoredAlertsAreThoseOfTheReplay(t *testing.T) {
	dir, lines, _ := tenant(t, simulate.Config{Seed: 9, Records: 4000, Attacks: []string{"all"}})
	config := filepath.Join(dir, "detect.yaml")
	want := replayed(t, "--config", config, filepath.Join(dir, "records.ndjson"))
	var out, errs bytes.Buffer
	in := bytes.NewReader(append(bytes.Join(lines, []byte("\n")), '\n'))
	if status := run(context.Background(), []string{"run", "--quiet", "--config", config}, in, &out, &errs); status != 0 {
		t.Fatalf("detect run: exit status %d: %s", status, &errs)
	}
	out.Reset()
	if status := run(context.Background(), []string{"alerts", "list", "--config", config, "--format", "json"}, strings.NewReader(""), &out, &errs); status != 0 {
		t.Fatalf("detect alerts list: exit status %d: %s", status, &errs)
	}
	var got struct {
		Alerts []alertReport `json:"alerts"`
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	for _, list := range [][]alertReport{want.Alerts, got.Alerts} {
		for i := range list {
			list[i].Revision, list[i].Reason, list[i].Note, list[i].Final = 0, "", "", false
		}
	}
	if len(want.Alerts) < 10 {
		t.Errorf("only %d alerts to compare", len(want.Alerts))
	}
	if diff := cmp.Diff(want.Alerts, got.Alerts, cmp.AllowUnexported(alertReport{})); diff != "" {
		t.Error(diff)
	}
}
