package daemon

import (
	"context"
	"errors"
	"fmt"
	"time"

	"detect/internal/store"
	"detect/notify"
	"detect/notify/escape"
)

// The back-off while the store can't be written.
const (
	firstPause = time.Second
	longPause  = 30 * time.Second
)

// commit processes units in one transaction. While the store can't be written it waits and tries again, and with it all
// sources wait.
func (s *sequencer) commit(ctx context.Context, units []*unit) error {
	begun := time.Now()
	wait := time.Duration(0)
	for {
		out, err := s.process(ctx, units)
		if err == nil {
			s.resume()
			s.committed(units, out, begun)
			return nil
		}
		s.eng = nil // what it holds may be ahead of what is stored
		if lasting(err) || ctx.Err() != nil {
			return err
		}
		wait = min(max(firstPause, 2*wait), longPause)
		if err := s.pause(ctx, err, wait); err != nil {
			return err
		}
		for _, u := range units {
			s.redo.do(u) // its hits belong to the engine that failed
		}
	}
}

// lasting says whether an error of the store won't pass by itself.
func lasting(err error) bool {
	for _, e := range [...]error{store.ErrDamaged, store.ErrForeign, store.ErrNewer, store.ErrOlder, store.ErrClosed, store.ErrInUse} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// pause says that nothing can be committed, and why, and waits. It gives up, with the error, when the daemon is to end.
func (s *sequencer) pause(ctx context.Context, cause error, wait time.Duration) error {
	if !s.paused {
		s.paused = true
		s.say(notify.Notice{Level: notify.Trouble, Text: fmt.Sprintf("Reading pauses: what was read can't be stored: %v.", cause),
			Hint: "nothing is lost: it goes on by itself as soon as the store can be written"})
	} else {
		s.log.Debug("still nothing can be stored", "error", escape.Terminal(cause.Error()), "again_in", wait)
	}
	s.state.pause(cause.Error())
	s.metrics.storeErrors.Inc()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-s.stop:
		return fmt.Errorf("ended while nothing could be stored: %w", cause)
	case <-ctx.Done():
		return fmt.Errorf("ended while nothing could be stored: %w", cause)
	}
}

// resume says that it goes on.
func (s *sequencer) resume() {
	if !s.paused {
		return
	}
	s.paused = false
	s.state.pause("")
	s.say(notify.Notice{Level: notify.Information, Text: "Reading goes on: the store can be written again."})
}
