package daemon

import (
	"context"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"detect/internal/store"
)

// collector is what is counted elsewhere and looked up when Prometheus asks.
type collector struct{ d *Daemon }

// collectTimeout bounds what is asked of the store for one scrape.
const collectTimeout = 5 * time.Second

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("detect_"+name, help, labels, nil)
}

var (
	descEvaluated  = describe("rule_evaluated_total", "Records that a rule was asked about.", labelRule)
	descMatched    = describe("rule_matched_total", "Records that a rule matched, hidden by an exception or not.", labelRule)
	descErrors     = describe("rule_errors_total", "Evaluations that failed; each counted as not fulfilled.", labelRule)
	descSuppressed = describe("rule_suppressed_total", "Hits that an exception hid.", labelRule, "exception")
	descRules      = describe("rules", "Rules that run.")
	descStore      = describe("store_bytes", "Size of the store's files.")
	descQueue      = describe("queued_batches", "Batches that were read and not committed yet.")
	descPending    = describe("deliveries_pending", "Deliveries that are still to be made.", labelChannel)
	descGivenUp    = describe("deliveries_given_up", "Deliveries that failed for good and wait for a later revision.", labelChannel)
	descOldest     = describe("deliveries_oldest_seconds", "How long the oldest pending delivery has waited.", labelChannel)
	descSent       = describe("deliveries_sent_total", "Messages sent.", labelChannel)
	descRetried    = describe("deliveries_retried_total", "Attempts that failed and are tried again.", labelChannel)
	descFailed     = describe("deliveries_failed_total", "Deliveries that were given up.", labelChannel)
	descDown       = describe("channel_down", "1 while every attempt to send to a channel fails.", labelChannel)
	descUnrouted   = describe("outbox_rows", "Revisions that are committed and not given to channels yet.")
	descSkipped    = describe("deliveries_skipped_total", "Revisions that a channel did not take for worth telling.", labelChannel)
)

// Describe describes nothing: the collector is not checked beforehand, as its metrics depend on what is configured.
func (c collector) Describe(chan<- *prometheus.Desc) {}

// Collect looks everything up.
func (c collector) Collect(out chan<- prometheus.Metric) {
	counter := func(d *prometheus.Desc, n int64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
	}
	gauge := func(d *prometheus.Desc, n float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, n, labels...)
	}
	d := c.d
	for id, n := range d.ruleCounts() {
		counter(descEvaluated, n.evaluated, id)
		counter(descMatched, n.matched, id)
		counter(descErrors, n.errors, id)
		for name, hidden := range n.suppressed {
			counter(descSuppressed, hidden, id, name)
		}
	}
	gauge(descRules, float64(len(d.setup.Load().Rules.Rules)))
	gauge(descQueue, float64(len(d.pipeline.order)))
	gauge(descStore, float64(fileBytes(d.Store)))
	ctx, cancel := context.WithTimeout(context.Background(), collectTimeout)
	defer cancel()
	list, err := d.delivered(ctx)
	now := time.Now()
	for i := range list {
		n := &list[i]
		counter(descSent, n.Sent, n.Channel)
		counter(descRetried, n.Retried, n.Channel)
		counter(descFailed, n.Failed, n.Channel)
		counter(descSkipped, n.Skipped, n.Channel)
		gauge(descDown, number(!n.Down.IsZero()), n.Channel)
		if err != nil {
			continue // the store's trouble is told elsewhere
		}
		gauge(descPending, float64(n.Pending), n.Channel)
		gauge(descGivenUp, float64(n.GivenUp), n.Channel)
		age := 0.0
		if !n.Oldest.IsZero() {
			age = max(0, now.Sub(n.Oldest).Seconds())
		}
		gauge(descOldest, age, n.Channel)
	}
	if rows, _, err := d.Store.Unrouted(ctx); err == nil {
		gauge(descUnrouted, float64(rows))
	}
}

// fileBytes is how large the store is on the disk.
func fileBytes(st *store.Store) (n int64) {
	for _, suffix := range []string{"", "-wal"} {
		if info, err := os.Stat(st.Path() + suffix); err == nil {
			n += info.Size()
		}
	}
	return n
}
