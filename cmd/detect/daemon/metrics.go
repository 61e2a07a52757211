package daemon

import (
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"detect/engine"
)

// metrics is what Prometheus is told. No label comes from a record: streams, rules, exceptions and channels are named by
// the configuration, all else by the program.
type metrics struct {
	registry *prometheus.Registry

	read, bytes, rejected   *prometheus.CounterVec // by stream
	records                 *prometheus.CounterVec // by outcome
	batches, storeErrors    prometheus.Counter
	commits, latency        prometheus.Observer
	frontier, absence       prometheus.Gauge
	watermark, behind       *prometheus.GaugeVec   // by stream
	revised                 *prometheus.CounterVec // by rule and reason
	reloads                 *prometheus.CounterVec // by result
	reloadOK, reloadAt      prometheus.Gauge
	paused, unread, ready   prometheus.Gauge
	overtaken, lastCommitAt prometheus.Gauge
	send                    *prometheus.HistogramVec // by channel
}

// The names by which the metrics are made.
const (
	labelStream  = "stream"
	labelRule    = "rule"
	labelChannel = "channel"
)

// counter makes counters and registers them, as gauge and histogram do theirs.
func (m *metrics) counter(name, help string, labels ...string) *prometheus.CounterVec {
	v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "detect_" + name, Help: help}, labels)
	m.registry.MustRegister(v)
	return v
}

func (m *metrics) gauge(name, help string, labels ...string) *prometheus.GaugeVec {
	v := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "detect_" + name, Help: help}, labels)
	m.registry.MustRegister(v)
	return v
}

func (m *metrics) histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "detect_" + name, Help: help, Buckets: buckets}, labels)
	m.registry.MustRegister(v)
	return v
}

func newMetrics(version, commit string) *metrics {
	m := &metrics{registry: prometheus.NewRegistry()}
	m.read = m.counter("records_read_total", "Records committed, by the stream that delivered them; rejected ones are counted apart.", labelStream)
	m.bytes = m.counter("bytes_read_total", "Bytes of those records as they were read.", labelStream)
	m.rejected = m.counter("rejected_total", "What was read and is no usable record.", labelStream)
	m.records = m.counter("records_total", "What became of records: accepted, duplicate, rejected; late and differing count within these.", "outcome")
	m.batches = m.counter("batches_total", "Transactions that batches were committed in.").WithLabelValues()
	m.storeErrors = m.counter("store_errors_total", "Commits that failed and were tried again.").WithLabelValues()
	m.commits = m.histogram("commit_seconds", "How long the engine and the transaction took for one commit.", prometheus.ExponentialBuckets(0.0005, 2, 15)).WithLabelValues()
	m.latency = m.histogram("read_to_commit_seconds", "From when a batch was read to when it was committed.", prometheus.ExponentialBuckets(0.001, 2, 16)).WithLabelValues()
	m.frontier = m.gauge("frontier_timestamp_seconds", "Event time before which records count as late.").WithLabelValues()
	m.absence = m.gauge("absence_timestamp_seconds", "Event time up to which it may be said that something did not happen.").WithLabelValues()
	m.watermark = m.gauge("watermark_timestamp_seconds", "The newest event time that a stream delivered.", labelStream)
	m.behind = m.gauge("behind", "1 while a stream has not been read to its end.", labelStream)
	m.overtaken = m.gauge("streams_overtaken", "How many streams the others wait for no longer, so that their records count as late.").WithLabelValues()
	m.revised = m.counter("alert_revisions_total", "Revisions of alerts, by rule and reason.", labelRule, "reason")
	m.reloads = m.counter("reloads_total", "Attempts to load the configuration and the rules anew, by result.", "result")
	m.reloadOK = m.gauge("reload_last_ok", "1 if the last reload took effect, or there was none.").WithLabelValues()
	m.reloadAt = m.gauge("reload_last_ok_timestamp_seconds", "When rules and configuration last took effect.").WithLabelValues()
	m.paused = m.gauge("paused", "1 while nothing is read because nothing can be stored.").WithLabelValues()
	m.unread = m.gauge("unread", "1 if something could not be read since the start.").WithLabelValues()
	m.ready = m.gauge("ready", "1 if /readyz says yes.").WithLabelValues()
	m.lastCommitAt = m.gauge("last_commit_timestamp_seconds", "When something was last committed.").WithLabelValues()
	m.send = m.histogram("send_seconds", "How long one attempt to send a message took.", prometheus.ExponentialBuckets(0.01, 2, 13), labelChannel, "result")
	m.gauge("build_info", "Which build this is.", "version", "commit").WithLabelValues(version, commit).Set(1)
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, outcome := range []string{"accepted", "duplicate", "rejected", "late", "differing"} {
		m.records.WithLabelValues(outcome)
	}
	for _, result := range []string{"ok", "refused"} {
		m.reloads.WithLabelValues(result)
	}
	m.reloadOK.Set(1)
	m.reloadAt.SetToCurrentTime()
	return m
}

// committed counts one commit.
func (m *metrics) committed(units []*unit, out *engine.Outcome, begun time.Time) {
	now := time.Now()
	m.batches.Inc()
	m.lastCommitAt.Set(seconds(now.UnixMicro()))
	m.commits.Observe(now.Sub(begun).Seconds())
	for _, u := range units {
		m.latency.Observe(float64(now.UnixMicro()-u.arrived) / 1e6)
		m.read.WithLabelValues(u.stream.name).Add(float64(len(u.items)))
		m.bytes.WithLabelValues(u.stream.name).Add(float64(u.bytes))
		m.rejected.WithLabelValues(u.stream.name).Add(float64(u.rejected))
	}
	for outcome, n := range map[string]int64{
		"accepted": out.Counts.Accepted, "duplicate": out.Counts.Duplicate, "rejected": out.Counts.Rejected,
		"late": out.Counts.Late, "differing": out.Counts.Differing,
	} {
		m.records.WithLabelValues(outcome).Add(float64(n))
	}
	for _, a := range out.Revised {
		m.revised.WithLabelValues(a.Rule, a.Reason.String()).Inc()
	}
}

// clocksAre shows the engine's clocks.
func (m *metrics) clocksAre(c *engine.Clocks, streams []*stream) {
	show := func(g prometheus.Gauge, t int64) {
		if t != math.MinInt64 { // nothing is known yet
			g.Set(seconds(t))
		}
	}
	show(m.frontier, c.Frontier)
	show(m.absence, c.Absence)
	overtaken := 0
	for _, s := range streams {
		if t, ok := c.Watermarks[s.name]; ok {
			show(m.watermark.WithLabelValues(s.name), t)
		}
		m.behind.WithLabelValues(s.name).Set(number(s.behind))
		if s.overtaken {
			overtaken++
		}
	}
	m.overtaken.Set(float64(overtaken))
}

// keepStreams takes the streams that are read no more out of the gauges; counters stay.
func (m *metrics) keepStreams() {
	m.watermark.Reset()
	m.behind.Reset()
}

// sent notes one attempt to send a message.
func (m *metrics) sent(channel string, took time.Duration, err error) {
	result := "ok"
	if err != nil {
		result = "error"
	}
	m.send.WithLabelValues(channel, result).Observe(took.Seconds())
}

// reloaded notes what came of a reload.
func (m *metrics) reloaded(ok bool) {
	m.reloadOK.Set(number(ok))
	if !ok {
		m.reloads.WithLabelValues("refused").Inc()
		return
	}
	m.reloads.WithLabelValues("ok").Inc()
	m.reloadAt.SetToCurrentTime()
}

func seconds(us int64) float64 { return float64(us) / 1e6 }

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
