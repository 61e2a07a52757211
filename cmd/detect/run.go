package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"detect/cmd/detect/daemon"
	"detect/internal/source"
	"detect/internal/store"
	"detect/notify"
	"detect/notify/escape"
	"detect/rules"
	"detect/rules/expr"
)

// runOptions are the flags of `detect run`.
type runOptions struct {
	common
	store     string
	logFormat string
	drain     time.Duration
}

func newRun(s *streams) *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Follow the sources and deliver alerts as records arrive",
		Long: `run is the daemon: it reads the configured sources as records arrive, runs the rules and delivers the alerts to the
configured channels. It remembers how far it has read, so that after a stop, or a kill, it goes on where it was.

Without configuration, or without sources in it, it reads standard input until its end; without channels it prints the
alerts:

  tail -F audit.ndjson | detect run

With a configuration, see docs/configuration.md, "detect check --config FILE" says beforehand what is wrong in it:

  detect run --config /etc/detect/detect.yaml

SIGTERM ends it: what was read is processed, and what is due is delivered, for as long as --drain says; a second one ends
it at once. SIGHUP, and any change of the configuration, the rules or the lists, loads them anew; with any fault in them
everything stays as it was.

Exit status: 0 it was asked to end, or standard input ended; 2 wrong usage, configuration or rules, or another process has
the store; 3 something could not be read, stored or, with a store that is not kept, delivered.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runDaemon(cmd.Context(), s, &o) },
	}
	o.bindRules(cmd)
	f := cmd.Flags()
	f.StringVar(&o.format, "format", "text", "form of printed alerts: text or json (one object a line)")
	f.StringVar(&o.store, "store", "", "keep the state in this `file` (default as configured; without configuration it is not kept)")
	f.StringVar(&o.logFormat, "log-format", "text", "form of the log on standard error: text or json")
	f.DurationVar(&o.drain, "drain", 10*time.Second, "how long deliveries that are due may take after SIGTERM")
	f.BoolVar(&o.quiet, "quiet", false, "log warnings and errors alone")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "log more")
	return cmd
}

// logger is the daemon's log on standard error.
func (o *runOptions) logger(w io.Writer) (*slog.Logger, error) {
	opts := &slog.HandlerOptions{Level: slog.LevelInfo}
	switch {
	case o.verbose:
		opts.Level = slog.LevelDebug
	case o.quiet:
		opts.Level = slog.LevelWarn
	}
	switch o.logFormat {
	case "text":
		return slog.New(slog.NewTextHandler(w, opts)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, opts)), nil
	}
	return nil, usageError(fmt.Errorf("--log-format is text or json, not %q", o.logFormat))
}

// runDaemon wires the daemon and runs it.
func runDaemon(ctx context.Context, s *streams, o *runOptions) error {
	log, err := o.logger(s.err)
	if err != nil {
		return err
	}
	if o.format != "text" && o.format != "json" {
		return usageError(fmt.Errorf("--format is text or json, not %q", o.format))
	}
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP) // before what takes time, as one that comes meanwhile would end the process
	defer signal.Stop(hangups)
	signal.Ignore(syscall.SIGPIPE) // nobody reads the log any more, or what is printed: the first is no end, the second one in order
	defer signal.Reset(syscall.SIGPIPE)
	cfg, err := loadConfig(o.config)
	if err != nil {
		return err
	}
	ctx, broken := context.WithCancelCause(ctx)
	defer broken(nil)
	l := &setupLoader{streams: s, o: o, log: log, path: cfg.path, broken: broken}
	setup, err := l.make(cfg)
	if err != nil {
		var faults daemon.Faults
		if errors.As(err, &faults) {
			for _, f := range faults {
				fmt.Fprintln(s.err, f)
			}
			return usageError(fmt.Errorf("%s in what it should run", plural(len(faults), "fault")))
		}
		return err
	}
	st, remove, err := o.openStore(ctx, cfg, len(setup.Sources) == 1 && setup.Sources[0].Key == stdinKey)
	if err != nil {
		return err
	}
	defer remove()
	d := &daemon.Daemon{
		Setup: setup, Store: st, Temporary: o.storePath(cfg) == "", Drain: o.drain, Log: log,
		Version: buildInfo().Version, Commit: buildInfo().Commit,
	}
	if cfg.path != "" {
		d.Load, d.Reload = l.load, hangups
	} else {
		signal.Stop(hangups)
	}
	if address := cfg.Metrics.Address; address != "" {
		var lc net.ListenConfig
		if d.Listener, err = lc.Listen(ctx, "tcp", address); err != nil {
			return usageError(fmt.Errorf("serve metrics on %s: %w", address, err))
		}
	}
	if err := d.Run(ctx); err != nil {
		return ioError(err)
	}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return ioError(cause)
	}
	return nil
}

// storePath is where the state is kept; "": nowhere after the end.
func (o *runOptions) storePath(cfg *config) string {
	switch {
	case o.store != "":
		return o.store
	case cfg.path == "":
		return ""
	}
	return cfg.storePath()
}

// openStore opens the state, or makes a temporary one. Standard input can't be read again, so that what was read of it must
// be on the disk when it is committed.
func (o *runOptions) openStore(ctx context.Context, cfg *config, stdin bool) (st *store.Store, remove func(), err error) {
	path := o.storePath(cfg)
	if path != "" {
		st, err = store.Open(ctx, store.Options{Path: path, Full: stdin})
		if err == nil {
			return st, func() { _ = st.Close() }, nil
		}
		if errors.Is(err, store.ErrInUse) || errors.Is(err, store.ErrForeign) || errors.Is(err, store.ErrNewer) {
			return nil, nil, usageError(err)
		}
		return nil, nil, ioError(err)
	}
	dir, err := os.MkdirTemp("", "detect-run-")
	if err != nil {
		return nil, nil, ioError(fmt.Errorf("make a folder for temporary files: %w", err))
	}
	st, err = store.Open(ctx, store.Options{Path: filepath.Join(dir, "detect.db")})
	if err != nil {
		_ = os.RemoveAll(dir)
		return nil, nil, ioError(err)
	}
	return st, func() { _ = st.Close(); _ = os.RemoveAll(dir) }, nil
}

// stdinKey is the key of standard input as a source.
const stdinKey = "stdin"

// setupLoader makes what the daemon runs of what is configured, at the start and at every reload.
type setupLoader struct {
	streams *streams
	o       *runOptions
	log     *slog.Logger
	path    string      // of the configuration
	broken  func(error) // is told that nobody reads what is printed any more
}

// load makes a setup anew from the files.
func (l *setupLoader) load(context.Context) (*daemon.Setup, error) {
	cfg, err := loadConfig(l.path)
	if err != nil {
		return nil, asFaults(err)
	}
	return l.make(cfg)
}

// asFaults is an error as the faults that it holds.
func asFaults(err error) error {
	var c *configError
	if !errors.As(err, &c) {
		return daemon.Faults{escape.Lines(err.Error())}
	}
	var out daemon.Faults
	for _, f := range c.faults {
		out = append(out, shownFault(f))
	}
	return out
}

// make makes a setup of a configuration. What is wrong is a daemon.Faults.
func (l *setupLoader) make(cfg *config) (*daemon.Setup, error) {
	warnings, err := cfg.checkRun()
	for _, w := range warnings {
		l.log.Warn("configuration", "warning", shownFault(w))
	}
	if err != nil {
		return nil, asFaults(err)
	}
	places, err := cfg.openPlaces()
	if err != nil {
		return nil, asFaults(err)
	}
	setup := &daemon.Setup{
		Lateness: int64(cfg.Store.Lateness), Hold: int64(cfg.Store.Hold), Settle: cfg.settle(false).Microseconds(),
		Fallback: cfg.Fallback, Ops: cfg.Ops, Watch: append(cfg.watched(), l.o.rules...), Close: func() { _ = places.Close() },
		Fixed: map[string]string{"store.path": l.o.storePath(cfg), "metrics.address": cfg.Metrics.Address},
	}
	if setup.Rules, err = l.rules(cfg, places); err == nil {
		err = l.channels(cfg, setup)
	}
	if err != nil {
		setup.Close()
		return nil, asFaults(err)
	}
	setup.Sources = l.sources(cfg)
	if len(cfg.Org.Domains) == 0 {
		l.log.Warn(noDomains)
	}
	return setup, nil
}

// rules loads the rules; all faults are in the error.
func (l *setupLoader) rules(cfg *config, places expr.Geo) (*rules.Set, error) {
	options, err := ruleOptions(cfg, places, l.o.rules)
	if err != nil {
		return nil, err
	}
	set, faults := rules.Load(options)
	if len(faults) > 0 {
		return nil, &configError{faults}
	}
	if len(l.o.ruleIDs) > 0 {
		return set.Only(l.o.ruleIDs...)
	}
	return set, nil
}

// channels opens the channels, or has alerts printed if there are none.
func (l *setupLoader) channels(cfg *config, setup *daemon.Setup) (err error) {
	if len(cfg.Channels) == 0 {
		const name = "stdout"
		setup.Channels = map[string]notify.Channel{name: newPrintChannel(l.streams.out, l.o.format, l.o.verbose, l.broken)}
		setup.Router, _ = notify.NewRouter(nil, []string{name}, "")
		return nil
	}
	if setup.Channels, err = cfg.openChannels(l.log); err != nil {
		return err
	}
	setup.Router, _ = cfg.router() // checkRun has told its problems
	return nil
}

// sources are those configured, else standard input.
func (l *setupLoader) sources(cfg *config) []daemon.Source {
	var list []daemon.Source
	for _, spec := range cfg.sourceSpecs() {
		list = append(list, daemon.Source{Name: spec.Name, Key: fmt.Sprintf("%q", spec), Open: func(positions []source.Position) daemon.Reader {
			return &source.Follow{Path: spec.Path, Name: spec.Name, Poll: spec.Poll, Positions: positions}
		}})
	}
	if len(list) == 0 {
		list = append(list, daemon.Source{Name: "stdin", Key: stdinKey, Open: func([]source.Position) daemon.Reader {
			return &source.Stdin{In: l.streams.in}
		}})
	}
	return list
}
