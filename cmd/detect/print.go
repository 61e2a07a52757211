package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"syscall"
	"time"

	"detect/engine"
	"detect/notify"
	"detect/notify/alertjson"
	"detect/notify/escape"
	"detect/rules/template"
)

// printChannel prints alerts, for a daemon that has no channels. As text, a new alert is printed as `detect test` prints
// it, and each time that it changes one line says how; as JSON, each revision is one line.
//
// Nothing waits: what is printed late would be owed when standard input ends.
type printChannel struct {
	screen  *screen
	json    bool
	verbose bool
	broken  func(error) // told once that nobody reads any more; nil: nobody is told

	mu   sync.Mutex // held while one message is written
	gone bool       // broken was called
}

// newPrintChannel prints to w, in the format text or json.
func newPrintChannel(w io.Writer, format string, verbose bool, broken func(error)) *printChannel {
	return &printChannel{screen: newScreen(w), json: format != "text", verbose: verbose, broken: broken}
}

var _ notify.Channel = (*printChannel)(nil)

// Kind is print, which no configuration names.
func (p *printChannel) Kind() string { return "print" }

// EachRevision is true for JSON: programs see every step, people what became of them.
func (p *printChannel) EachRevision() bool { return p.json }

// Plan skips what a reader has no use for: that an alert is final, and that one is gone which was never printed.
func (p *printChannel) Plan(m *notify.Message) notify.Plan {
	switch {
	case p.json:
		return notify.Plan{}
	case m.Sent == 0 && !m.Uncertain && !m.Alert.Status.Standing():
		return notify.Plan{Skip: true, Why: "it was gone before it was printed"}
	case m.Sent > 0 && len(p.changes(m)) == 0:
		return notify.Plan{Skip: true, Why: "nothing that is printed changed"}
	}
	return notify.Plan{}
}

// printed is the receipt: what was last printed of an alert.
type printed struct {
	Severity string `json:"severity"`
	Count    int64  `json:"count"`
}

// Send prints one message.
func (p *printChannel) Send(ctx context.Context, m *notify.Message) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	receipt, err := json.Marshal(printed{m.Alert.Severity.String(), m.Alert.Count})
	if err != nil {
		return nil, fmt.Errorf("encode receipt: %w", err)
	}
	if p.json {
		return receipt, p.writeJSON(alertjson.New(m.Alert))
	}
	var b strings.Builder
	a := newAlertReport(m.Alert)
	if m.Sent == 0 {
		a.writeHead(&b, p.screen)
		rows := &factRows{b: &b, s: p.screen, width: a.labelWidth()}
		a.writeFacts(rows, p.verbose)
		rows.row("alert", shortID(a.ID))
		b.WriteByte('\n')
	} else {
		p.writeChanges(&b, &a, p.changes(m))
	}
	return receipt, p.write([]byte(b.String()))
}

// writeChanges prints in one line, wrapped, what became of an alert that was printed before.
func (p *printChannel) writeChanges(b *strings.Builder, a *alertReport, changes []string) {
	text := "alert " + shortID(a.ID) + " " + strings.Join(changes, "; ") + ": " + escape.Terminal(escape.Cut(a.Title, longestTitle))
	label := p.screen.paint(severityStyle[a.Severity], pad(strings.ToUpper(a.Severity), 8))
	for i, line := range wrap(text, p.screen.width-len(alertIndent)-21) {
		if i == 0 {
			fmt.Fprintf(b, "%s  %s  %s\n", label, p.screen.paint(dim, a.Last.Format("2006-01-02 15:04:05")), line)
			continue
		}
		fmt.Fprintf(b, "%s%s%s\n", alertIndent, strings.Repeat(" ", 21), line)
	}
	b.WriteByte('\n')
}

// changes is what changed since the alert was last printed, in words; empty if nothing that is printed did.
func (p *printChannel) changes(m *notify.Message) []string {
	var list []string
	add := func(text string) {
		if len(list) == 0 || list[len(list)-1] != text {
			list = append(list, text)
		}
	}
	a := m.Alert
	grew := false
	for _, c := range m.Changes {
		switch c.Reason {
		case engine.Finished, engine.Opened:
		case engine.Grew, engine.Shrank, engine.Changed:
			grew = true // only the last state counts
		case engine.MergedAway, engine.Moved:
			if a.Into != "" {
				add(c.Reason.String() + " into " + shortID(a.Into))
			} else if a.From != "" {
				add(c.Reason.String() + " from " + shortID(a.From))
			}
		default:
			add(c.Reason.String())
		}
	}
	var was printed
	if json.Unmarshal(m.Receipt, &was) != nil {
		if grew {
			add("changed")
		}
		return list
	}
	if now := a.Severity.String(); was.Severity != now {
		add(strings.ToUpper(was.Severity) + " -> " + strings.ToUpper(now))
	}
	switch {
	case was.Count < a.Count:
		add("grew " + template.Grouped(was.Count) + " -> " + template.Grouped(a.Count))
	case was.Count > a.Count:
		add("shrank " + template.Grouped(was.Count) + " -> " + template.Grouped(a.Count))
	}
	if grew && len(list) == 0 {
		add("changed")
	}
	return list
}

// Tell prints what the program has to say of itself.
func (p *printChannel) Tell(ctx context.Context, n *notify.Notice) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if p.json {
		return p.writeJSON(map[string]any{"notice": map[string]any{
			"level": n.Level.String(), "text": n.Text, "hint": n.Hint, "at": n.At.UTC().Format(time.RFC3339), "host": n.Host,
		}})
	}
	text := n.Text
	if n.Hint != "" {
		text += " (" + n.Hint + ")"
	}
	return p.write([]byte(fmt.Sprintf("%s  %s\n\n", pad(strings.ToUpper(n.Level.String()), 8), escape.Terminal(text))))
}

func (p *printChannel) writeJSON(v any) error {
	var b strings.Builder
	enc := json.NewEncoder(escape.JSON(&b))
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return &notify.Permanent{Err: fmt.Errorf("encode alert: %w", err)}
	}
	return p.write([]byte(b.String()))
}

// write writes one message at once. A pipe that nobody reads any more is told; all other errors may pass.
func (p *printChannel) write(text []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, err := p.screen.w.Write(text)
	if err == nil {
		return nil
	}
	err = fmt.Errorf("print alert: %w", err)
	if !errors.Is(err, syscall.EPIPE) && !errors.Is(err, io.ErrClosedPipe) {
		return err
	}
	if p.broken != nil && !p.gone {
		p.gone = true
		p.broken(err)
	}
	return err
}

// shortID is as much of an alert's id as people need: any command takes it.
func shortID(id string) string { return escape.Terminal(id[:min(len(id), 8)]) }
