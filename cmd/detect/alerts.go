package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"
	"github.com/spf13/cobra"

	"detect/engine"
	"detect/internal/store"
	"detect/notify/alertjson"
	"detect/notify/escape"
	"detect/rules/hit"
	"detect/rules/template"
)

func newAlerts(s *streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "alerts",
		Short: "The stored alerts: list them, show one",
		Long: `alerts reads the store that "detect run" keeps, also while it runs.

  detect alerts list --since 24h --severity high
  detect alerts show 1a2b3c4d`,
	}
	cmd.AddCommand(newAlertsList(s), newAlertsShow(s))
	return cmd
}

// stored are the flags that name a store.
type stored struct {
	config string
	store  string
	format string
	quiet  bool
	verb   bool
}

func (o *stored) bind(cmd *cobra.Command, formats string) {
	f := cmd.Flags()
	f.StringVar(&o.config, "config", "", "configuration `file` (default detect.yaml, if there is one), which says where the store is")
	f.StringVar(&o.store, "store", "", "the store's `file` (default that of the configuration, or detect.db)")
	f.StringVar(&o.format, "format", "text", "output `format`: "+formats)
	f.BoolVar(&o.quiet, "quiet", false, "no more than what was asked for")
	f.BoolVarP(&o.verb, "verbose", "v", false, "more detail")
}

// open opens the store for reading.
func (o *stored) open(ctx context.Context) (*config, *store.Store, error) {
	cfg, err := loadConfig(o.config)
	if err != nil {
		return nil, nil, err
	}
	path := o.store
	if path == "" {
		path = cfg.storePath()
	}
	st, err := store.Open(ctx, store.Options{Path: path, ReadOnly: true})
	if errors.Is(err, store.ErrAbsent) {
		return nil, nil, ioError(fmt.Errorf("there is no store at %s: \"detect run\" makes one; --store or --config says where it is", path))
	}
	if err != nil {
		return nil, nil, ioError(err)
	}
	return cfg, st, nil
}

// listOptions are the flags of `detect alerts list`.
type listOptions struct {
	stored
	since, until, severity, status, entity string
	rules                                  []string
	all                                    bool
	limit                                  int
}

// shownAlerts is how many alerts the table has unless --limit is given.
const shownAlerts = 100

func newAlertsList(s *streams) *cobra.Command {
	var o listOptions
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List stored alerts",
		Long: `list prints the alerts of the store that stand, the newest first. As JSON they are the same objects as those of
"detect test", in the order of time.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.format == "text" && !cmd.Flags().Changed("limit") {
				o.limit = shownAlerts
			}
			return listAlerts(cmd.Context(), s, &o)
		},
	}
	o.bind(cmd, "text, json or ndjson")
	f := cmd.Flags()
	f.StringVar(&o.since, "since", "", "only alerts that last until this `time` or later: RFC 3339, a date or a duration back such as 24h")
	f.StringVar(&o.until, "until", "", "only alerts that begin at this `time` or earlier")
	f.StringVar(&o.severity, "severity", "", "only alerts of at least this `severity`: info, low, medium, high, critical")
	f.StringArrayVar(&o.rules, "rule", nil, "only alerts of the rule with this `id`; may be repeated")
	f.StringVar(&o.status, "status", "", "only alerts of this `status`: open, acknowledged, closed, merged, withdrawn")
	f.StringVar(&o.entity, "entity", "", "only alerts about this `user`, mailbox, address or whatever else a rule looks at; capitals don't matter")
	f.BoolVar(&o.all, "all", false, "merged and withdrawn alerts too")
	f.IntVar(&o.limit, "limit", 0, "at most this `many`, the newest; 0: all (default 100 as text, all as JSON)")
	return cmd
}

// query is what the flags ask for.
func (o *listOptions) query(now time.Time) (q store.Query, err error) {
	q = store.Query{All: o.all, Rules: o.rules, Entity: o.entity}
	if o.since != "" {
		if q.Since, err = parseWhen(o.since, now); err != nil {
			return q, usageError(fmt.Errorf("--since: %w", err))
		}
	}
	if o.until != "" {
		if q.Until, err = parseWhen(o.until, now); err != nil {
			return q, usageError(fmt.Errorf("--until: %w", err))
		}
	}
	if o.since != "" && o.until != "" && q.Since > q.Until {
		return q, usageError(fmt.Errorf("--since %s is later than --until %s: nothing can be between them", o.since, o.until))
	}
	if o.severity != "" {
		var ok bool
		if q.Severity, ok = named(hit.Info, hit.Critical, o.severity); !ok {
			return q, usageError(fmt.Errorf("--severity is info, low, medium, high or critical, not %q", o.severity))
		}
	}
	if o.status != "" {
		status, ok := named(engine.Open, engine.Withdrawn, o.status)
		if !ok {
			return q, usageError(fmt.Errorf("--status is open, acknowledged, closed, merged or withdrawn, not %q", o.status))
		}
		q.Statuses = []engine.Status{status}
	}
	if o.limit < 0 {
		return q, usageError(errors.New("--limit can't be negative"))
	}
	return q, nil
}

// named is the value from first to last that has a name.
func named[T interface {
	~uint8
	String() string
}](first, last T, name string) (T, bool) {
	for v := first; v <= last; v++ {
		if strings.EqualFold(v.String(), name) {
			return v, true
		}
	}
	return 0, false
}

func listAlerts(ctx context.Context, s *streams, o *listOptions) error {
	q, err := o.query(time.Now())
	if err != nil {
		return err
	}
	if o.format != "text" && o.format != "json" && o.format != "ndjson" {
		return usageError(fmt.Errorf("--format is text, json or ndjson, not %q", o.format))
	}
	_, st, err := o.open(ctx)
	if err != nil {
		return err
	}
	defer st.Close()
	if o.format == "text" {
		q.Newest = true
		if q.Limit = o.limit; o.limit > 0 {
			q.Limit++ // to know whether there are more
		}
		var lines []alertLine
		if err := st.Each(ctx, q, func(a *engine.Alert) error { lines = append(lines, newAlertLine(a)); return nil }); err != nil {
			return ioError(err)
		}
		return writeAlertTable(newScreen(s.out), lines, o)
	}
	spool, err := os.CreateTemp("", "detect-alerts-*.json")
	if err != nil {
		return ioError(fmt.Errorf("keep the list before it is written: %w", err))
	}
	defer os.Remove(spool.Name())
	defer spool.Close()
	if err := o.collect(ctx, st, q, spool); err != nil {
		return ioError(err)
	}
	// From here on nothing is read: while a reader waits, for the one who pages through its output perhaps, the log of a
	// store that is being written can't begin anew, and grows.
	if err := st.Close(); err != nil {
		return ioError(err)
	}
	if _, err := spool.Seek(0, io.SeekStart); err != nil {
		return ioError(fmt.Errorf("read the list again: %w", err))
	}
	if _, err := io.Copy(s.out, spool); err != nil {
		return ioError(fmt.Errorf("write output: %w", err))
	}
	return nil
}

// collect writes the alerts as JSON.
func (o *listOptions) collect(ctx context.Context, st *store.Store, q store.Query, to io.Writer) (err error) {
	out := bufio.NewWriter(to)
	w := &alertWriter{out: out, object: o.format == "json"}
	if o.limit == 0 {
		err = st.Each(ctx, q, w.add)
	} else {
		q.Newest, q.Limit = true, o.limit
		var list []*engine.Alert
		list, err = st.List(ctx, q)
		slices.SortStableFunc(list, func(a, b *engine.Alert) int { return cmp.Compare(a.First, b.First) })
		for i := 0; i < len(list) && err == nil; i++ {
			err = w.add(list[i])
		}
	}
	if err == nil {
		err = w.end()
	}
	if err == nil {
		err = out.Flush()
	}
	return err
}

// alertWriter writes alerts as JSON, one by one: as one object with a list of them, or one a line.
type alertWriter struct {
	out    io.Writer
	object bool
	n      int
}

func (w *alertWriter) add(a *engine.Alert) error {
	var b strings.Builder
	enc := json.NewEncoder(escape.JSON(&b))
	enc.SetEscapeHTML(false)
	before := ""
	if w.object {
		enc.SetIndent("    ", "  ")
		before = ",\n    "
		if w.n == 0 {
			before = "{\n  \"alerts\": [\n    "
		}
	}
	w.n++
	if err := enc.Encode(alertjson.New(a)); err != nil {
		return fmt.Errorf("encode alert %s: %w", a.ID, err)
	}
	text := b.String()
	if w.object {
		text = strings.TrimSuffix(text, "\n")
	}
	if _, err := w.out.Write([]byte(before + text)); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

func (w *alertWriter) end() error {
	text := ""
	switch {
	case w.object && w.n == 0:
		text = "{\n  \"alerts\": []\n}\n"
	case w.object:
		text = "\n  ]\n}\n"
	}
	if _, err := w.out.Write([]byte(text)); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

// alertLine is what the table shows of an alert.
type alertLine struct {
	id, when, severity, status, count, title string
}

func newAlertLine(a *engine.Alert) alertLine {
	l := alertLine{
		id: shortID(a.ID), when: alertjson.UTC(a.First).Format("2006-01-02 15:04"), severity: a.Severity.String(), status: a.Status.String(),
		count: template.Grouped(a.Count), title: escape.Cut(a.Title, longestTitle),
	}
	if a.Staged {
		l.status += ", staged"
	}
	if a.Approximate {
		l.count = ">=" + l.count
	}
	return l
}

// writeAlertTable prints a line an alert, cut to the screen's width unless more is asked for.
func writeAlertTable(s *screen, lines []alertLine, o *listOptions) error {
	more := o.limit > 0 && len(lines) > o.limit
	if more {
		lines = lines[:o.limit]
	}
	status, count := len("STATUS"), len("COUNT")
	for _, l := range lines {
		status, count = max(status, len(l.status)), max(count, len(l.count))
	}
	var b strings.Builder
	if len(lines) > 0 && !o.quiet {
		fmt.Fprintf(&b, "%s\n", s.paint(dim, fmt.Sprintf("%-8s  %-8s  %-16s  %s  %*s  %s", "ALERT", "SEVERITY", "BEGAN (UTC)", pad("STATUS", status), count, "COUNT", "TITLE")))
	}
	room := max(s.width-(8+2+8+2+16+2+status+2+count+2), 20)
	for _, l := range lines {
		title := escape.Terminal(l.title)
		if !o.verb {
			title = runewidth.Truncate(title, room, "…")
		}
		fmt.Fprintf(&b, "%s  %s  %s  %s  %*s  %s\n", pad(l.id, 8), s.paint(severityStyle[l.severity], pad(l.severity, 8)), l.when,
			pad(l.status, status), count, l.count, title)
	}
	if !o.quiet {
		switch {
		case len(lines) == 0:
			b.WriteString("No alerts.\n")
		case more:
			fmt.Fprintf(&b, "%s\n", s.paint(dim, fmt.Sprintf("The newest %s; there are more: --limit 0 lists all", template.Grouped(int64(len(lines))))))
		default:
			fmt.Fprintf(&b, "%s\n", s.paint(dim, plural(len(lines), "alert")))
		}
	}
	if _, err := s.w.Write([]byte(b.String())); err != nil {
		return ioError(fmt.Errorf("write output: %w", err))
	}
	return nil
}
