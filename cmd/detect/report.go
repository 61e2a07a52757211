package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"time"

	"detect/engine"
	"detect/engine/match"
	"detect/notify/alertjson"
	"detect/notify/escape"
	"detect/rules"
)

// report is the outcome of a replay, as `detect test --format json` prints it.
type report struct {
	Records  recordCounts    `json:"records"`
	Span     span            `json:"span"`
	Rejected []rejectReport  `json:"rejected"`
	Warnings []warningReport `json:"warnings,omitempty"`
	Rules    []ruleReport    `json:"rules"`
	Alerts   []alertReport   `json:"alerts"`
	Pending  []pendingReport `json:"pending,omitempty"`
	Elapsed  float64         `json:"elapsed_seconds"`
	Rate     float64         `json:"records_per_second"`

	source  string // what was replayed, for a person
	partial bool   // something could not be read
}

// recordCounts is what became of the records: Read = Accepted + Duplicate + Rejected.
type recordCounts struct {
	Read      int64 `json:"read"`
	Accepted  int64 `json:"accepted"`
	Duplicate int64 `json:"duplicate"`
	Rejected  int64 `json:"rejected"`
	Late      int64 `json:"late"`
	Differing int64 `json:"differing"`
}

// span is from the first to the last accepted record; null if there is none.
type span struct {
	First *time.Time `json:"first"`
	Last  *time.Time `json:"last"`
}

// rejectReport is one thing that was no record. Line and offset are absent where they are not known.
type rejectReport struct {
	File   string `json:"file"`
	Line   int64  `json:"line,omitempty"`
	Offset int64  `json:"offset"`
	Reason string `json:"reason"`
}

type warningReport struct {
	File string `json:"file,omitempty"`
	Text string `json:"text"`
}

type ruleReport struct {
	ID         string           `json:"id"`
	Version    string           `json:"version"`
	Status     string           `json:"status"`
	Evaluated  int64            `json:"evaluated"`
	Matched    int64            `json:"matched"`
	NoEntity   int64            `json:"no_entity"` // matched, but a part of the entity was empty
	NoPlace    int64            `json:"no_place"`  // matched, but the place that the rule compares is not known
	Suppressed map[string]int64 `json:"suppressed"`
	Errors     int64            `json:"errors"`
	FirstError string           `json:"first_error,omitempty"`
	Alerts     int64            `json:"alerts"`
	PerRecord  float64          `json:"ns_per_record"` // time that matching spent on the rule, estimated on a sample, over all records
}

// alertReport is one alert as it is printed: its JSON form, and for a person what that has no order for.
type alertReport struct {
	alertjson.Alert

	order []engine.Values // Values in the rule's order
	by    []alertjson.Part
}

type pendingReport struct {
	Rule  string            `json:"rule"`
	By    map[string]string `json:"by"`
	Since time.Time         `json:"since"` // the earliest hit that is not decided
	Hits  int               `json:"hits"`
}

func newAlertReport(a *engine.Alert) alertReport {
	return alertReport{Alert: alertjson.New(a), order: a.Values, by: alertjson.Entity(a.By, a.Key)}
}

// newReport makes the report of a replay; alerts that ended before since are left out.
func newReport(out *outcome, set *rules.Set, since int64) *report {
	r := &report{
		Records: recordCounts(out.counts), Rejected: []rejectReport{}, Rules: []ruleReport{}, Alerts: []alertReport{},
	}
	if out.sorted.Items > 0 {
		first, last := alertjson.UTC(out.sorted.Oldest), alertjson.UTC(out.sorted.Newest)
		r.Span = span{&first, &last}
	}
	for _, reject := range out.rejects {
		r.Rejected = append(r.Rejected, rejectReport{reject.File, reject.Line, reject.Offset, reject.Reason})
	}
	for _, w := range out.warnings {
		r.Warnings = append(r.Warnings, warningReport{w.File, w.Text})
		r.partial = r.partial || w.Unread
	}
	raised := map[string]int64{}
	for _, a := range out.alerts {
		if a.Status.Standing() {
			raised[a.Rule]++
		}
		if a.Last >= since {
			r.Alerts = append(r.Alerts, newAlertReport(a))
		}
	}
	for i, rule := range set.Rules {
		r.Rules = append(r.Rules, newRuleReport(rule, &out.rules[i], &out.engine[i], raised[rule.ID], out.sorted.Items))
	}
	for _, p := range out.pending {
		pending := pendingReport{Rule: p.Rule, By: map[string]string{}, Since: alertjson.UTC(p.Since), Hits: p.Hits}
		for _, part := range alertjson.Entity(p.By, p.Key) {
			pending.By[part.Name] = part.Value
		}
		r.Pending = append(r.Pending, pending)
	}
	return r
}

func newRuleReport(rule *rules.Rule, m *match.RuleStats, e *engine.RuleStats, alerts, records int64) ruleReport {
	r := ruleReport{
		ID: rule.ID, Version: rule.Version, Status: rule.Status.String(), Evaluated: m.Evaluated, Matched: m.Matched,
		NoEntity: m.NoEntity, NoPlace: m.NoPlace, Suppressed: map[string]int64{}, Errors: m.Errors + e.Errors, Alerts: alerts,
	}
	switch {
	case m.FirstError != "":
		r.FirstError = fmt.Sprintf("record %s: %s", m.ErrorRecord, m.FirstError)
	case e.FirstError != "":
		r.FirstError = e.FirstError
	}
	if records > 0 {
		r.PerRecord = math.Round(float64(m.Nanoseconds)/float64(records)*10) / 10
	}
	for i, n := range m.Suppressed {
		r.Suppressed[rule.Exceptions[i].Name] = n
	}
	return r
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(escape.JSON(w))
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return ioError(fmt.Errorf("write output: %w", err))
	}
	return nil
}

// writeNDJSON writes the alerts alone, one a line.
func (r *report) writeNDJSON(w io.Writer) error {
	enc := json.NewEncoder(escape.JSON(w))
	enc.SetEscapeHTML(false)
	for i := range r.Alerts {
		if err := enc.Encode(&r.Alerts[i]); err != nil {
			return ioError(fmt.Errorf("write output: %w", err))
		}
	}
	return nil
}
