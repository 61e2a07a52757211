package daemon

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"detect/notify/escape"
)

// stuckAfter is how long the sequencer may be at work on one thing before it counts as stuck.
const stuckAfter = 5 * time.Minute

// state is how the daemon does, for those who ask.
type state struct {
	mu       sync.Mutex
	since    time.Time // when the sequencer last got on; zero: it has nothing to do
	paused   string    // why nothing can be stored; empty: it can
	starting string    // what is not there yet; empty: all is
	ending   bool
}

func newState() *state { return &state{starting: "sources are not open yet"} }

func (s *state) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// busy says that the sequencer has something to do.
func (s *state) busy() { s.progress() }

// progress says that it gets on.
func (s *state) progress() { s.set(func() { s.since = time.Now() }) }

// idle says that it has nothing to do.
func (s *state) idle() { s.set(func() { s.since = time.Time{} }) }

// pause says why nothing can be stored; an empty reason says that it can.
func (s *state) pause(reason string) { s.set(func() { s.paused, s.since = reason, time.Now() }) }

// started says that all that is to run does.
func (s *state) started() { s.set(func() { s.starting = "" }) }

// end says that the daemon is about to end.
func (s *state) end() { s.set(func() { s.ending = true }) }

// healthy is nil unless the process should be started anew.
func (s *state) healthy() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.since.IsZero() {
		return nil
	}
	if stuck := time.Since(s.since); stuck > stuckAfter {
		return fmt.Errorf("the engine has been at one batch for %s", stuck.Round(time.Second))
	}
	return nil
}

// ready is nil if records that arrive now become alerts.
func (s *state) ready() error {
	if err := s.healthy(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.paused != "":
		return fmt.Errorf("nothing can be stored: %s", escape.Terminal(s.paused))
	case s.ending:
		return errors.New("it is about to end")
	case s.starting != "":
		return errors.New(s.starting)
	}
	return nil
}

// stopped says whether nothing can be stored.
func (s *state) stopped() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.paused != ""
}
