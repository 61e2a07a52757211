package notify_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"detect/engine"
	"detect/internal/store"
	"detect/notify"
)

// broken is an outbox whose methods fail for a while.
type broken struct {
	backend
	mu   sync.Mutex
	left map[string]int // failures, by method
	err  error
}

func (b *broken) fails(method string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.left[method]--; b.left[method] >= 0 {
		return b.err
	}
	return nil
}

func (b *broken) Route(ctx context.Context, limit int, route func(*engine.Alert) []string) (int, error) {
	if err := b.fails("Route"); err != nil {
		return 0, err
	}
	return b.backend.Route(ctx, limit, route)
}

func (b *broken) NextDelivery(ctx context.Context, channel string, now int64) (*store.Delivery, int64, error) {
	if err := b.fails("NextDelivery"); err != nil {
		return nil, 0, err
	}
	return b.backend.NextDelivery(ctx, channel, now)
}

func (b *broken) BeginDelivery(ctx context.Context, d *store.Delivery, revision int) error {
	if err := b.fails("BeginDelivery"); err != nil {
		return err
	}
	return b.backend.BeginDelivery(ctx, d, revision)
}

func (b *broken) EndDelivery(ctx context.Context, d *store.Delivery, revision int, receipt []byte, at int64) error {
	if err := b.fails("EndDelivery"); err != nil {
		return err
	}
	return b.backend.EndDelivery(ctx, d, revision, receipt, at)
}

func (b *broken) Find(ctx context.Context, id string) (*engine.Alert, error) {
	if err := b.fails("Find"); err != nil {
		return nil, err
	}
	return b.backend.Find(ctx, id)
}

func (b *broken) Changes(ctx context.Context, id string, after int) ([]store.Revision, error) {
	if err := b.fails("Changes"); err != nil {
		return nil, err
	}
	return b.backend.Changes(ctx, id, after)
}

// A disk that is full for a while makes nobody be told twice.
func TestStoreFails(t *testing.T) {
	for _, method := range []string{"Route", "NextDelivery", "Find", "BeginDelivery", "EndDelivery"} {
		bubble(t, func(t *testing.T) {
			d := newDesk(t, &broken{backend: newMemory(), left: map[string]int{method: 3}, err: store.ErrFull}, "", "soc")
			d.commit(revision("a", 1))
			stop := d.run()
			time.Sleep(time.Minute)
			stop()
			d.expect("soc", "a 1")
		})
	}
	bubble(t, func(t *testing.T) {
		d := newDesk(t, &broken{backend: newMemory(), left: map[string]int{"Route": 1 << 30}, err: store.ErrClosed}, "", "soc")
		if err := d.Dispatcher.Run(t.Context()); !errors.Is(err, store.ErrClosed) {
			t.Errorf("on a closed store it ended with %v", err)
		}
	})
	bubble(t, func(t *testing.T) { // a row that can't be read holds up nobody
		d := newDesk(t, &broken{backend: newMemory(), left: map[string]int{"Find": 1}, err: &store.RowError{Table: "alerts", Row: "a", Err: errDown}}, "", "soc")
		d.commit(revision("a", 1), revision("b", 1))
		stop := d.run()
		time.Sleep(time.Minute)
		stop()
		d.expect("soc", "b 1", "a 1")
		if len(*d.notices) != 1 || !strings.Contains((*d.notices)[0].Text, "alert a can't be told") {
			t.Errorf("operators were told %+v", *d.notices)
		}
	})
	bubble(t, func(t *testing.T) { // what an alert is can be told without what it was
		d := newDesk(t, &broken{backend: newMemory(), left: map[string]int{"Changes": 1}, err: &store.RowError{Table: "revisions", Row: "a", Err: errDown}}, "", "soc")
		d.commit(revision("a", 1))
		stop := d.run()
		synctest.Wait()
		stop()
		d.expect("soc", "a 1")
	})
	bubble(t, func(t *testing.T) { // where one goes that can't be read, nobody knows
		d := newDesk(t, newMemory(), "oncall", "soc", "oncall")
		d.commit(&engine.Alert{ID: "a", Revision: 1})
		stop := d.run()
		synctest.Wait()
		stop()
		d.expect("soc")
		d.expect("oncall", "a 1")
	})
}

// A service that holds back every second message gets all of them in order, and none before its time.
func TestPacedByTheService(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := newDesk(t, newMemory(), "", "soc")
		d.Router = nil
		began := time.Now()
		d.places["soc"].answer = func(n int, _ *notify.Message) answer {
			if n%2 == 1 {
				return answer{err: &notify.RetryAfter{After: 3 * time.Second, Err: errDown}}
			}
			return answer{}
		}
		var want []string
		for _, id := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"} {
			d.commit(revision(id, 1))
			want = append(want, id+" 1")
		}
		stop := d.run()
		time.Sleep(time.Minute)
		stop()
		d.expect("soc", want...)
		all := d.places["soc"].messages()
		if took := all[len(all)-1].at.Sub(began); took < 27*time.Second || took > 28*time.Second {
			t.Errorf("nine waits of three seconds took %s", took)
		}
	})
}
