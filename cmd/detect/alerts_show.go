package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"detect/engine"
	"detect/internal/store"
	"detect/notify/alertjson"
	"detect/notify/escape"
	"detect/rules"
	"detect/rules/template"
)

func newAlertsShow(s *streams) *cobra.Command {
	var o stored
	var from []string
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show one alert: what it says, its history, and who was told",
		Long: `show prints all that is known of one alert: who, what, when and how many, the records that made it, what to do, how it
changed, and which channels were told what and when. The beginning of its id is enough.

Exit status 1: there is no such alert, or several whose ids begin so.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError(errors.New("alerts show takes the id of one alert, or its beginning: \"detect alerts list\" shows them"))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.format != "text" && o.format != "json" {
				return usageError(fmt.Errorf("--format is text or json, not %q", o.format))
			}
			cfg, st, err := o.open(cmd.Context())
			if err != nil {
				return err
			}
			defer st.Close()
			d, err := readDossier(cmd.Context(), st, strings.ToLower(args[0]))
			if err != nil {
				return err
			}
			d.rule = describingRule(cfg, from, d.Rule)
			if o.format == "json" {
				if d.rule != nil {
					d.RuleTitle, d.Description, d.References = d.rule.Title, d.rule.Description, d.rule.References
				}
				return writeJSON(s.out, d)
			}
			return d.writeText(newScreen(s.out), o.verb)
		},
	}
	o.bind(cmd, "text or json")
	cmd.Flags().StringArrayVar(&from, "rules", nil, "read the rule's description from this `folder or file`; may be repeated")
	return cmd
}

// dossier is all that is known of an alert, as `detect alerts show --format json` prints it.
type dossier struct {
	alertReport
	RuleTitle   string           `json:"rule_title,omitempty"` // of the rule as it is now
	Description string           `json:"description,omitempty"`
	References  []string         `json:"references,omitempty"`
	Detected    *time.Time       `json:"detected"` // when its first revision was stored
	Revisions   []revisionReport `json:"revisions"`
	Deliveries  []deliveryReport `json:"deliveries"`

	rule *rules.Rule // nil: not loaded
}

// revisionReport is one revision in short.
type revisionReport struct {
	Revision int       `json:"revision"`
	At       time.Time `json:"at"` // when it was stored
	Reason   string    `json:"reason"`
	Note     string    `json:"note,omitempty"`
	Severity string    `json:"severity"`
	Status   string    `json:"status"`
	Count    int64     `json:"count"`
	Title    string    `json:"title"`
}

// deliveryReport is what one channel was told. Times that never were are null.
type deliveryReport struct {
	Channel  string     `json:"channel"`
	State    string     `json:"state"`  // told, pending, failed
	Wanted   int        `json:"wanted"` // newest revision that it is to be told
	Sent     int        `json:"sent"`   // newest that it was told; 0: none
	SentAt   *time.Time `json:"sent_at"`
	Queued   *time.Time `json:"queued"`
	Next     *time.Time `json:"next"` // when it is tried next, if it has to wait
	Attempts int        `json:"attempts"`
	Error    string     `json:"error,omitempty"`
	Via      string     `json:"via,omitempty"` // the channel that this one stands in for
	Reason   string     `json:"via_reason,omitempty"`
	StandIn  bool       `json:"stand_in"` // the fallback was asked as well
}

// readDossier reads all that is known of the alert whose id begins so.
func readDossier(ctx context.Context, st *store.Store, prefix string) (*dossier, error) {
	a, err := st.Find(ctx, prefix)
	if errors.Is(err, store.ErrNoAlert) || errors.Is(err, store.ErrManyAlerts) {
		return nil, &exitError{exitFailed, err}
	}
	if err != nil {
		return nil, ioError(err)
	}
	revisions, err := st.Revisions(ctx, a.ID)
	if err != nil {
		return nil, ioError(err)
	}
	deliveries, err := st.Deliveries(ctx, a.ID)
	if err != nil {
		return nil, ioError(err)
	}
	d := &dossier{alertReport: newAlertReport(a), Revisions: []revisionReport{}, Deliveries: []deliveryReport{}}
	for i, r := range revisions {
		if i == 0 {
			d.Detected = moment(r.Created)
		}
		d.Revisions = append(d.Revisions, newRevisionReport(r.Alert, r.Created))
	}
	for i := range deliveries {
		d.Deliveries = append(d.Deliveries, newDeliveryReport(&deliveries[i]))
	}
	return d, nil
}

// moment is a time of the store; nil if there was none.
func moment(us int64) *time.Time {
	if us == 0 {
		return nil
	}
	t := alertjson.UTC(us)
	return &t
}

func newRevisionReport(a *engine.Alert, at int64) revisionReport {
	return revisionReport{a.Revision, alertjson.UTC(at), a.Reason.String(), a.Note, a.Severity.String(), a.Status.String(), a.Count, a.Title}
}

func newDeliveryReport(d *store.Delivery) deliveryReport {
	r := deliveryReport{
		Channel: d.Channel, State: "told", Wanted: d.Wanted, Sent: d.Sent, SentAt: moment(d.SentAt), Queued: moment(d.Queued),
		Attempts: d.Attempts, Error: d.Error, Via: d.Via, Reason: d.ViaReason, StandIn: d.StandIn,
	}
	switch {
	case d.Pending():
		r.State, r.Next = "pending", moment(d.Next)
	case d.Failed:
		r.State = "failed"
	}
	return r
}

// describingRule is the rule as it is loaded now, nil if it is not: what the store holds can be shown without.
func describingRule(cfg *config, paths []string, id string) *rules.Rule {
	o, err := ruleOptions(cfg, nil, paths)
	if err != nil {
		return nil
	}
	set, faults := rules.Load(o)
	if len(faults) > 0 {
		return nil
	}
	for _, list := range [][]*rules.Rule{set.Rules, set.Disabled} {
		for _, r := range list {
			if r.ID == id {
				return r
			}
		}
	}
	return nil
}

// clock is a time as people read it.
func clock(t time.Time) string { return t.Format("2006-01-02 15:04:05") }

func (d *dossier) writeText(s *screen, verbose bool) error {
	var b strings.Builder
	d.writeHead(&b, s)
	rows := &factRows{b: &b, s: s, width: d.labelWidth()}
	rows.row("alert", escape.Terminal(d.ID))
	d.writeFacts(rows, verbose)
	if d.Into != "" {
		rows.row("now in", escape.Terminal(d.Into))
	}
	if d.From != "" {
		rows.row("moved from", escape.Terminal(d.From))
	}
	if d.Detected != nil {
		d.writeDelays(rows)
	}
	if d.rule != nil {
		rows.row("why", escape.Terminal(strings.Join(strings.Fields(d.rule.Description), " ")))
		name := "harmless if"
		for _, f := range d.rule.FalsePositives {
			rows.row(name, escape.Terminal(strings.Join(strings.Fields(f), " ")))
			name = ""
		}
		name = "see"
		for _, r := range d.rule.References {
			rows.line(name, plain, escape.Terminal(r)) // whole, so that a terminal can open it
			name = ""
		}
	}
	d.writeHistory(&b, s, verbose)
	d.writeDeliveries(&b, s)
	if _, err := s.w.Write([]byte(b.String())); err != nil {
		return ioError(fmt.Errorf("write output: %w", err))
	}
	return nil
}

// writeDelays prints the time between what happened and what was done about it.
func (d *dossier) writeDelays(rows *factRows) {
	text := "happened " + clock(d.Last)
	if len(d.Revisions) > 0 && d.First.Before(*d.Detected) {
		text = "began " + clock(d.First)
	}
	text += ", detected " + clock(*d.Detected)
	if lag := d.Detected.Sub(d.First); lag >= time.Second {
		text += " (" + template.Duration(lag.Round(time.Second)) + " later)"
	}
	var told *time.Time
	for _, r := range d.Deliveries {
		if r.SentAt != nil && (told == nil || r.SentAt.Before(*told)) {
			told = r.SentAt
		}
	}
	if told != nil {
		text += ", last told " + clock(*told)
	}
	rows.row("delays", text+" UTC")
}

// shownRevisions is how many revisions the text shows from each end of a long history.
const shownRevisions = 10

func (d *dossier) writeHistory(b *strings.Builder, s *screen, verbose bool) {
	fmt.Fprintf(b, "\n%s\n", s.paint(bold, "History"))
	for i, r := range d.Revisions {
		if n := len(d.Revisions); !verbose && n > 2*shownRevisions && i >= shownRevisions && i < n-shownRevisions {
			if i == shownRevisions {
				fmt.Fprintf(b, "  + %s more: -v shows all\n", plural(n-2*shownRevisions, "revision"))
			}
			continue
		}
		text := r.Reason
		if r.Note != "" {
			text += ": " + r.Note
		} else if i == 0 {
			text += ": " + r.Severity + ", " + plural(int(r.Count), "record")
		}
		indented(b, s, fmt.Sprintf("  %3d  %s  ", r.Revision, clock(r.At)), escape.Terminal(text))
	}
}

// indented prints text beside a heading that holds no escape sequences, wrapped.
func indented(b *strings.Builder, s *screen, heading, text string) {
	for i, line := range wrap(text, s.width-columns(heading)) {
		if i > 0 {
			heading = strings.Repeat(" ", columns(heading))
		}
		fmt.Fprintf(b, "%s%s\n", heading, line)
	}
}

func (d *dossier) writeDeliveries(b *strings.Builder, s *screen) {
	fmt.Fprintf(b, "\n%s\n", s.paint(bold, "Told"))
	if len(d.Deliveries) == 0 {
		text := "  nobody"
		if d.Staged {
			text += ": the rule is staged"
		}
		fmt.Fprintln(b, text)
	}
	width := 0
	for _, r := range d.Deliveries {
		width = max(width, columns(escape.Terminal(r.Channel)))
	}
	for _, r := range d.Deliveries {
		indented(b, s, "  "+pad(escape.Terminal(r.Channel), width)+"  ", escape.Terminal(r.words(d.Revision)))
	}
}

// words says what a channel was told of an alert that has that many revisions.
func (r *deliveryReport) words(revisions int) string {
	var parts []string
	if r.Sent > 0 && r.SentAt != nil {
		parts = append(parts, fmt.Sprintf("told revision %d at %s", r.Sent, clock(*r.SentAt)))
	}
	switch r.State {
	case "failed":
		parts = append(parts, fmt.Sprintf("revision %d was given up: %s", r.Wanted, r.Error))
	case "pending":
		text := fmt.Sprintf("revision %d is waiting", r.Wanted)
		if r.Queued != nil {
			text += " since " + clock(*r.Queued)
		}
		if r.Attempts > 0 {
			text += ", tried " + plural(r.Attempts, "time")
		}
		if r.Next != nil {
			text += ", next at " + clock(*r.Next)
		}
		if r.Error != "" {
			text += ": " + r.Error
		}
		parts = append(parts, text)
	default:
		if r.Sent < revisions {
			parts = append(parts, fmt.Sprintf("revision %d is not routed yet", revisions))
		}
	}
	if r.StandIn {
		parts = append(parts, "the fallback was asked as well")
	}
	if r.Via != "" {
		parts = append(parts, fmt.Sprintf("stands in for %s: %s", r.Via, r.Reason))
	}
	return strings.Join(parts, "; ")
}
