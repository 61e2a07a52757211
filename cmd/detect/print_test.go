package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"detect/engine"
	"detect/notify"
	"detect/notify/escape"
	"detect/notify/notifytest"
	"detect/rules/hit"
)

// printedAlert is an alert with text of an attacker's.
func printedAlert() *engine.Alert {
	first := time.Date(2026, 3, 2, 9, 12, 0, 0, time.UTC).UnixMicro()
	return &engine.Alert{
		ID: strings.Repeat("1a2b3c4d", 4), Rule: "mass-download", Key: hit.EncodeKey("ann@contoso.example"), By: []string{"user"},
		Title: "ann@contoso.example downloads 12 files", Severity: hit.Medium, First: first, Last: first + 60_000_000, Count: 12,
		Records: []string{"r1"}, Values: []engine.Values{{Name: "file", Values: []string{hostile}}}, Revision: 1, Reason: engine.Opened,
	}
}

// printStory is what a channel prints of an alert that is opened, grows, gets worse, is final, and is withdrawn.
func printStory(t *testing.T, p *printChannel) (plans []bool) {
	t.Helper()
	a := printedAlert()
	var receipt []byte
	sent := 0
	tell := func(change func(*engine.Alert), reason engine.Reason) {
		t.Helper()
		next := *a
		a = &next
		change(a)
		a.Revision, a.Reason = sent+1, reason
		m := &notify.Message{Alert: a, Changes: []notify.Change{{Revision: a.Revision, Reason: reason}}, Sent: sent, Receipt: receipt}
		plan := p.Plan(m)
		plans = append(plans, plan.Skip)
		if !plan.At.IsZero() {
			t.Errorf("revision %d waits: it would be owed at the end", a.Revision)
		}
		sent++
		if plan.Skip {
			return
		}
		var err error
		if receipt, err = p.Send(context.Background(), m); err != nil {
			t.Fatal(err)
		}
	}
	tell(func(*engine.Alert) {}, engine.Opened)
	tell(func(a *engine.Alert) { a.Count, a.Title = 1031, "ann@contoso.example downloads 1,031 files" }, engine.Grew)
	tell(func(a *engine.Alert) { a.Severity = hit.High }, engine.Changed)
	tell(func(a *engine.Alert) { a.Final = true }, engine.Finished)
	tell(func(a *engine.Alert) { a.Title = hostile }, engine.Changed)
	tell(func(a *engine.Alert) { a.Status, a.Into = engine.Merged, strings.Repeat("9", 32) }, engine.MergedAway)
	tell(func(a *engine.Alert) { a.Status, a.Into = engine.Open, "" }, engine.Revived)
	tell(func(a *engine.Alert) { a.Status = engine.Withdrawn }, engine.Gone)
	return plans
}

func TestPrintText(t *testing.T) {
	var out bytes.Buffer
	plans := printStory(t, newPrintChannel(&out, "text", false, nil))
	want := `MEDIUM    2026-03-02 09:12:00  ann@contoso.example downloads 12 files
          rule         mass-download
          user         ann@contoso.example
          when         2026-03-02 09:12:00 to 09:13:00 UTC (1 min)
          count        12 hits
          file         \x1b[31mred\x1b[0m \u202egnp.exe\u202c\r\nHIGH forged line\u200b
          records      r1
          alert        1a2b3c4d

MEDIUM    2026-03-02 09:13:00  alert 1a2b3c4d grew 12 -> 1,031: ann@contoso.example downloads 1,031
                               files

HIGH      2026-03-02 09:13:00  alert 1a2b3c4d MEDIUM -> HIGH: ann@contoso.example downloads 1,031
                               files

HIGH      2026-03-02 09:13:00  alert 1a2b3c4d changed: \x1b[31mred\x1b[0m
                               \u202egnp.exe\u202c\r\nHIGH forged line\u200b

HIGH      2026-03-02 09:13:00  alert 1a2b3c4d merged away into 99999999: \x1b[31mred\x1b[0m
                               \u202egnp.exe\u202c\r\nHIGH forged line\u200b

HIGH      2026-03-02 09:13:00  alert 1a2b3c4d revived: \x1b[31mred\x1b[0m
                               \u202egnp.exe\u202c\r\nHIGH forged line\u200b

HIGH      2026-03-02 09:13:00  alert 1a2b3c4d withdrawn: \x1b[31mred\x1b[0m
                               \u202egnp.exe\u202c\r\nHIGH forged line\u200b

`
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(out.String(), "\n")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]bool{false, false, false, true, false, false, false, false}, plans); diff != "" {
		t.Errorf("skipped: %s", diff)
	}
	gone := printedAlert()
	gone.Status = engine.Withdrawn
	if !newPrintChannel(io.Discard, "text", false, nil).Plan(&notify.Message{Alert: gone, Changes: []notify.Change{{Reason: engine.Gone}}}).Skip {
		t.Error("an alert is printed that was gone before anybody saw it")
	}
}

func TestPrintJSON(t *testing.T) {
	var out bytes.Buffer
	p := newPrintChannel(&out, "json", false, nil)
	if !p.EachRevision() {
		t.Error("programs do not see each revision")
	}
	printStory(t, p)
	n := 0
	for line := range strings.Lines(out.String()) {
		var a struct {
			ID       string
			Revision int
		}
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatal(err)
		}
		if n++; a.Revision != n || a.ID != printedAlert().ID {
			t.Errorf("line %d is revision %d of %s", n, a.Revision, a.ID)
		}
	}
	if n != 8 {
		t.Errorf("%d lines", n)
	}
}

// failing fails to write.
type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestPrintErrors(t *testing.T) {
	m := &notify.Message{Alert: printedAlert(), Changes: []notify.Change{{Reason: engine.Opened}}}
	told := 0
	p := newPrintChannel(failing{syscall.EPIPE}, "text", false, func(error) { told++ })
	for range 2 {
		if _, err := p.Send(context.Background(), m); !errors.Is(err, syscall.EPIPE) {
			t.Error(err)
		}
	}
	if told != 1 {
		t.Errorf("that nobody reads any more was told %d times", told)
	}
	p = newPrintChannel(failing{syscall.ENOSPC}, "text", false, func(error) { told++ })
	var permanent *notify.Permanent
	if _, err := p.Send(context.Background(), m); err == nil || errors.As(err, &permanent) || told != 1 {
		t.Errorf("a full disk is %v, told %d times", err, told)
	}
}

// TestPrintContract holds the channel to what every kind of channel keeps.
func TestPrintContract(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) {
			notifytest.Contract(t, func(t *testing.T) *notifytest.Fixture {
				w := &answering{t: t}
				lacks := map[notifytest.Answer]string{}
				for a := notifytest.RateLimited; a <= notifytest.Hang; a++ {
					if a != notifytest.ServerError {
						lacks[a] = "standard output knows no such answer"
					}
				}
				return &notifytest.Fixture{
					Channel: newPrintChannel(w, format, true, nil), Lacks: lacks,
					Answer:     func(a notifytest.Answer) { w.set(a) },
					Violations: func() []string { return w.violations(format) },
				}
			})
		})
	}
}

// answering is a standard output that works or does not.
type answering struct {
	t    *testing.T
	mu   sync.Mutex
	fail bool
	text bytes.Buffer
}

func (w *answering) set(a notifytest.Answer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fail = a != notifytest.OK
}

func (w *answering) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fail {
		return 0, syscall.ENOSPC
	}
	return w.text.Write(b)
}

// violations are lines that a terminal would not show as they are.
func (w *answering) violations(format string) (list []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for line := range strings.Lines(w.text.String()) {
		line = strings.TrimSuffix(line, "\n")
		if format == "json" && !json.Valid([]byte(line)) || format == "text" && escape.Terminal(line) != line {
			list = append(list, escape.Cut(fmt.Sprintf("%q", line), 200))
		}
	}
	return list
}
