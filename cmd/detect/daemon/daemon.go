// Package daemon runs detection as records arrive: sources are read, matched on all cores, put through the engine in the
// order in which they came in, and committed with how far they were read; what is committed is delivered. Rules, lists,
// channels and sources may be exchanged while it runs.
//
// What one goroutine owns: a reader for each source, a worker for each core, the sequencer, which alone knows the engine, and
// the Daemon's own, which alone starts, stops and exchanges the others.
package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"detect/engine"
	"detect/engine/match"
	"detect/internal/store"
	"detect/notify"
	"detect/notify/escape"
	"detect/rules"
)

// ErrUnread is Run's error if something of the sources could not be read: it was told, and the rest was processed.
var ErrUnread = errors.New("not everything could be read")

// ErrUndelivered is Run's error if alerts were not delivered and the store they are in is about to be removed.
var ErrUndelivered = errors.New("alerts could not be delivered")

// Setup is what the daemon runs, and what a reload replaces.
type Setup struct {
	Rules *rules.Set
	// Lateness, Hold and Settle are microseconds: see engine.Config, and for Settle how far the absence clock stays behind
	// the wall clock. Where it is configured by workload, it is the longest.
	Lateness, Hold, Settle int64
	Sources                []Source

	Channels map[string]notify.Channel
	Router   *notify.Router
	Fallback string   // name of a channel; empty: none
	Ops      []string // names of channels that are told what the program has to say of itself

	// Fixed is by name what can't be exchanged while the daemon runs, such as the store's path: a reload that would change
	// it is refused.
	Fixed map[string]string
	// Watch are the files and folders that it was made of: when one changes, it is made anew.
	Watch []string
	// Close is called when nothing uses it any more, at the end of Run at the latest; may be nil.
	Close func()
}

// Faults is the error of a Load that found faults in what it read: each is told by its first line, which says the place.
// They are fit for a terminal.
type Faults []string

func (f Faults) Error() string { return strings.Join(f, "\n") }

// Daemon is how detection runs. Its fields are set before Run and not changed.
type Daemon struct {
	// Setup is what it starts with.
	Setup *Setup
	// Load makes a Setup anew from what is written now; nil: there is no reload. A Faults as error is shown one by one.
	Load func(ctx context.Context) (*Setup, error)
	// Reload asks for one; may be nil.
	Reload <-chan os.Signal
	// Poll is how often Watch is looked at for changes; 0: 2 s.
	Poll time.Duration

	Store *store.Store
	// Temporary says that the store is removed after Run, so that what was not delivered is lost.
	Temporary bool
	// Drain is how long, after the end of Run's context, deliveries may take that are due; 0: 10 s.
	Drain time.Duration
	// Listener is where metrics and health are served; nil: nowhere. Run closes it.
	Listener net.Listener
	// Workers is how many goroutines match; 0: one a core.
	Workers int

	Log             *slog.Logger
	Version, Commit string // of the build

	wrap func(engine.Store) engine.Store // for tests: what the engine commits through

	setup    atomic.Pointer[Setup]
	pipeline *pipeline
	metrics  *metrics
	state    *state
	seq      *sequencer
	outlet   atomic.Pointer[outlet]
	told     *quota

	base context.Context // never ends
	hard context.Context // ends when nothing must go on any more

	formerMu sync.Mutex
	former   map[string]notify.ChannelStats // by channel: what dispatchers counted that are over

	readers sync.WaitGroup
	// streams are read now. They are exchanged by the Daemon's own goroutine with streamsMu held.
	streams   []*stream
	streamsMu sync.Mutex
	ended     chan struct{} // one of them came to its end

	refused map[string]bool // faults that people were told of, since the last reload that took effect
}

// Run runs until ctx ends, or until all sources have come to their end. Then what was read is processed and committed, and
// what is due is delivered, within Drain if ctx has ended. An error means that not all of it could be done.
func (d *Daemon) Run(ctx context.Context) error {
	d.base = context.WithoutCancel(ctx)
	hard, kill := context.WithCancel(d.base)
	defer kill()
	d.init(ctx, hard)
	d.log()
	defer func() { d.setup.Load().close() }()

	var services sync.WaitGroup
	defer services.Wait()
	background, stopServices := context.WithCancel(d.base)
	defer stopServices()
	if d.Listener != nil {
		services.Go(func() { d.serve(background) })
	}
	services.Go(func() { d.forget(background) })

	out := d.newOutlet(d.Setup)
	d.outlet.Store(out)
	out.start(d.base, d.outletFailed)

	var processing sync.WaitGroup
	for _, w := range d.pipeline.workers {
		processing.Go(w.run)
	}
	processed := make(chan struct{})
	var failure error
	processing.Go(func() {
		defer close(processed)
		if failure = d.seq.run(hard); failure != nil {
			kill() // nobody takes what comes in any more
		}
	})

	complete, err := d.attend(ctx, processed)
	d.state.end()
	d.stopReading()
	d.pipeline.close()
	processing.Wait()
	d.told.close()
	err = errors.Join(err, failure)
	if complete && err == nil && d.anyUnread() {
		err = ErrUnread
	}
	d.say(notify.Notice{Level: notify.Information, Text: "detect has processed what it read, and ends."})
	return errors.Join(err, d.deliver(ctx, complete))
}

// init makes what Run uses.
func (d *Daemon) init(ctx, hard context.Context) {
	d.hard = hard
	d.setup.Store(d.Setup)
	d.metrics = newMetrics(d.Version, d.Commit)
	d.metrics.registry.MustRegister(collector{d})
	d.state = newState()
	d.told = newQuota(d.Log)
	d.ended = make(chan struct{}, 1)
	d.former = map[string]notify.ChannelStats{}
	for _, s := range d.Setup.Sources {
		d.streams = append(d.streams, newStream(s))
	}
	gen := newGeneration(d.Setup, d.streams)
	d.pipeline = newPipeline(gen, cmp.Or(d.Workers, runtime.GOMAXPROCS(0)))
	var st engine.Store = d.Store
	if d.wrap != nil {
		st = d.wrap(st)
	}
	d.seq = &sequencer{
		p: d.pipeline, store: st, stop: ctx.Done(), log: d.Log, say: d.say, metrics: d.metrics, state: d.state, told: d.told, gen: gen,
		wake: func() { d.outlet.Load().dispatcher.Wake() }, retired: ruleCounts{}, erred: map[string]bool{},
	}
}

func newGeneration(s *Setup, streams []*stream) *generation {
	gen := &generation{
		rules: s.Rules, matcher: match.New(s.Rules.World, s.Rules.Rules), settle: s.Settle, streams: streams,
		engine: engine.Config{Lateness: s.Lateness, Hold: s.Hold, Streams: []string{}},
	}
	for _, st := range streams {
		gen.engine.Streams = append(gen.engine.Streams, st.name)
	}
	return gen
}

// log says on one line what runs.
func (d *Daemon) log() {
	s := d.Setup
	var streams, channels []string
	for _, src := range s.Sources {
		streams = append(streams, src.Name)
	}
	for name, c := range s.Channels {
		channels = append(channels, name+" ("+c.Kind()+")")
	}
	served := "nowhere"
	if d.Listener != nil {
		served = d.Listener.Addr().String()
	}
	slices.Sort(channels)
	d.Log.Info("detect runs", "version", d.Version, "reads", shown(streams), "rules", len(s.Rules.Rules), "alerts_to", shown(channels),
		"store", escape.Terminal(d.Store.Path()), "metrics", served)
}

func shown(list []string) string { return escape.Terminal(strings.Join(list, ", ")) }

// say tells people something of the program, and logs it.
func (d *Daemon) say(n notify.Notice) {
	d.outlet.Load().ops.Say(n)
}

// host is the machine's name for notices.
func host() string {
	name, err := os.Hostname()
	if err != nil {
		return ""
	}
	return name
}

// attend starts the sources and waits until the daemon is to end, exchanging the setup meanwhile. complete says that all
// sources came to their end.
func (d *Daemon) attend(ctx context.Context, processed <-chan struct{}) (complete bool, err error) {
	if err := d.open(d.hard, d.Setup.Sources, d.streams); err != nil {
		return false, err
	}
	d.state.started()
	d.say(notify.Notice{Level: notify.Information, Text: fmt.Sprintf("detect %s has started with %d rules.", d.Version, len(d.Setup.Rules.Rules))})
	watch := newWatcher(cmp.Or(d.Poll, defaultPoll))
	if d.Load != nil && len(d.Setup.Watch) > 0 {
		watch.files(d.Setup.Watch)
		defer watch.start(d.hard)()
	}
	for {
		select {
		case <-ctx.Done():
			d.Log.Info("ending: what was read is processed, and what is due is delivered")
			return false, nil
		case <-processed:
			return false, nil
		case <-d.ended:
			if d.endOfStreams() {
				return true, nil
			}
		case <-d.Reload:
			d.reload(ctx, watch)
		case <-watch.changed:
			d.reload(ctx, watch)
		}
	}
}

// ready is nil if records that arrive now become alerts.
func (d *Daemon) ready() error {
	if err := d.state.ready(); err != nil {
		return err
	}
	d.streamsMu.Lock()
	defer d.streamsMu.Unlock()
	for _, st := range d.streams {
		if st.over() && st.err != nil {
			return fmt.Errorf("stream %s is read no more", escape.Terminal(st.name))
		}
	}
	return nil
}

// anyUnread says whether something of the sources could not be read.
func (d *Daemon) anyUnread() bool {
	d.streamsMu.Lock()
	defer d.streamsMu.Unlock()
	for _, st := range d.streams {
		if st.unread.Load() {
			return true
		}
	}
	return false
}

// forgetEvery is how often identities are forgotten that have been kept for long enough.
const forgetEvery = time.Hour

// forget forgets them, at once since a process may not live for long, and then from time to time until ctx ends.
func (d *Daemon) forget(ctx context.Context) {
	tick := time.NewTicker(forgetEvery)
	defer tick.Stop()
	for {
		n, err := d.Store.Forget(ctx, time.Now().Add(-keepSeen).UnixMicro())
		switch {
		case err != nil && ctx.Err() == nil:
			d.Log.Warn("old identities could not be forgotten", "error", escape.Terminal(err.Error()))
		case n > 0:
			d.Log.Debug("old identities were forgotten", "identities", n)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// keepSeen is how long a record's identity is kept after it arrived.
const keepSeen = 10 * 24 * time.Hour

// ruleCounts is what became of the rules' work since the start of the process.
func (d *Daemon) ruleCounts() ruleCounts {
	sum := d.pipeline.counts()
	d.seq.counts(sum)
	return sum
}
