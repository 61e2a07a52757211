package notify_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"detect/engine"
	"detect/internal/store"
	"detect/notify"
)

// backend is an outbox that alerts can be committed to: the real store, or the model.
type backend interface {
	notify.Outbox
	Commit(ctx context.Context, c *engine.Commit) error
	Deliveries(ctx context.Context, alert string) ([]store.Delivery, error)
}

// memory is a model of the store's outbox.
type memory struct {
	mu      sync.Mutex
	history map[string][]store.Revision
	outbox  []outgoing
	rows    []*memoryRow
	retired map[string]bool
	n       int
}

type outgoing struct {
	alert    string
	revision int
	at       int64
}

type memoryRow struct {
	store.Delivery
	n int
}

func newMemory() *memory {
	return &memory{history: map[string][]store.Revision{}, retired: map[string]bool{}}
}

func (s *memory) Commit(_ context.Context, c *engine.Commit) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range c.Alerts {
		at := time.Now().UnixMicro()
		s.history[a.ID] = append(s.history[a.ID], store.Revision{Alert: a, Created: at})
		s.outbox = append(s.outbox, outgoing{a.ID, a.Revision, at})
	}
	return nil
}

func (s *memory) row(alert, channel string) *memoryRow {
	for _, r := range s.rows {
		if r.Alert == alert && r.Channel == channel {
			return r
		}
	}
	return nil
}

func (s *memory) queue(r *memoryRow, wanted int, at int64) {
	if wanted <= r.Wanted {
		return
	}
	if !r.Pending() {
		s.n++
		r.n, r.Queued = s.n, at
	}
	r.Wanted, r.Failed = wanted, false
	if r.Attempts == 0 {
		r.Next = 0
	}
}

func (s *memory) add(alert, channel string) *memoryRow {
	r := &memoryRow{Delivery: store.Delivery{Alert: alert, Channel: channel}}
	s.rows = append(s.rows, r)
	return r
}

func (s *memory) Route(_ context.Context, limit int, route func(*engine.Alert) []string) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rows := min(limit, len(s.outbox))
	for _, o := range s.outbox[:rows] {
		h := s.history[o.alert]
		channels := slices.Clone(route(h[len(h)-1].Alert))
		for _, r := range s.rows {
			if r.Alert == o.alert && !slices.Contains(channels, r.Channel) && !s.retired[r.Channel] {
				channels = append(channels, r.Channel)
			}
		}
		for _, c := range channels {
			r := s.row(o.alert, c)
			if r == nil {
				r = s.add(o.alert, c)
			}
			s.queue(r, o.revision, o.at)
		}
	}
	s.outbox = slices.Clone(s.outbox[rows:])
	return rows, nil
}

func (s *memory) RetireChannels(_ context.Context, configured []string, standIn string) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, r := range slices.Clone(s.rows) {
		if s.retired[r.Channel] = !slices.Contains(configured, r.Channel); s.retired[r.Channel] && r.Wanted > r.Sent && !(r.Failed && r.StandIn) {
			n++
			r.Failed = true
			if s.standIn(r, standIn, "gone"); standIn == "" {
				r.StandIn = true
				s.outbox = append(s.outbox, outgoing{r.Alert, r.Wanted, r.Queued})
			}
		}
	}
	return n, nil
}

func (s *memory) RetryFailed(_ context.Context, channels []string) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, r := range s.rows {
		if r.Failed && slices.Contains(channels, r.Channel) {
			r.Failed, r.Next, r.Attempts = false, 0, 0
			n++
		}
	}
	return n, nil
}

func (s *memory) NextDelivery(_ context.Context, channel string, now int64) (*store.Delivery, int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var first *memoryRow
	next := int64(0)
	for _, r := range s.rows {
		switch {
		case r.Channel != channel || !r.Pending():
		case r.Next <= now:
			if first == nil || r.n < first.n {
				first = r
			}
		case next == 0 || r.Next < next:
			next = r.Next
		}
	}
	if first == nil {
		return nil, next, nil
	}
	d := first.Delivery
	return &d, 0, nil
}

// change changes the row of a delivery.
func (s *memory) change(d *store.Delivery, f func(*memoryRow)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.row(d.Alert, d.Channel)
	if r == nil {
		return errors.New("no such delivery")
	}
	f(r)
	return nil
}

func (s *memory) BeginDelivery(_ context.Context, d *store.Delivery, revision int) error {
	return s.change(d, func(r *memoryRow) { r.Trying = revision })
}

func (s *memory) EndDelivery(_ context.Context, d *store.Delivery, revision int, receipt []byte, at int64) error {
	return s.change(d, func(r *memoryRow) {
		r.Sent, r.SentAt, r.Receipt = max(r.Sent, revision), at, receipt
		r.Wanted = max(r.Wanted, r.Sent)
		r.Trying, r.Attempts, r.Next, r.Error, r.StandIn = 0, 0, 0, "", false
		if r.Pending() {
			s.n++
			r.n = s.n
			for _, rev := range s.history[r.Alert] {
				if rev.Alert.Revision > r.Sent {
					r.Queued = rev.Created
					break
				}
			}
		}
	})
}

func (s *memory) DelayDelivery(_ context.Context, d *store.Delivery, next int64, cause string, failed, certain bool) error {
	return s.change(d, func(r *memoryRow) {
		r.Error, r.Next = cause, next
		if failed {
			r.Attempts++
		} else if r.Wanted > d.Wanted {
			r.Next = 0
		}
		if certain {
			r.Trying = d.Trying
		}
	})
}

func (s *memory) FailDelivery(_ context.Context, d *store.Delivery, cause, standIn string) error {
	return s.change(d, func(r *memoryRow) {
		r.Error, r.Trying, r.Next, r.Failed = cause, d.Trying, 0, r.Wanted == d.Wanted
		r.Attempts++
		s.standIn(r, standIn, cause)
	})
}

func (s *memory) standIn(r *memoryRow, channel, cause string) {
	if channel == "" || channel == r.Channel {
		return
	}
	r.StandIn = true
	o := s.row(r.Alert, channel)
	switch {
	case o == nil:
		o = s.add(r.Alert, channel)
	case o.Via == "":
		return
	}
	o.Via, o.ViaReason = r.Channel, cause
	s.queue(o, r.Wanted, r.Queued)
}

func (s *memory) StandInWaiting(_ context.Context, channel, standIn, cause string, queued, now int64, limit int) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, r := range slices.Clone(s.rows) {
		if n < limit && r.Channel == channel && r.Pending() && !r.StandIn && r.Queued <= queued && (r.Attempts > 0 || r.Next <= now) {
			n++
			s.standIn(r, standIn, cause)
		}
	}
	return n, nil
}

func (s *memory) Find(_ context.Context, id string) (*engine.Alert, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.history[id]
	if len(h) == 0 {
		return nil, store.ErrNoAlert
	}
	return h[len(h)-1].Alert, nil
}

func (s *memory) Changes(_ context.Context, id string, after int) ([]store.Revision, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []store.Revision
	for _, r := range s.history[id] {
		if r.Alert.Revision > after {
			list = append(list, r)
		}
	}
	return list, nil
}

func (s *memory) Detected(_ context.Context, id string) (store.Detection, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.history[id]) == 0 {
		return store.Detection{}, nil
	}
	first := s.history[id][0]
	return store.Detection{At: first.Created, Happened: first.Alert.Last, Available: first.Alert.Revised}, nil
}

func (s *memory) Waiting(_ context.Context, channel string, least, worst int) (*store.Waiting, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := new(store.Waiting)
	for _, r := range s.rows {
		if h := s.history[r.Alert]; r.Channel == channel && r.Pending() && r.Sent == 0 {
			a := h[len(h)-1].Alert
			w.Alerts++
			w.Of[a.Severity]++
			w.Worst = append(w.Worst, a)
		}
	}
	if w.Alerts < int64(least) {
		return nil, nil
	}
	slices.SortStableFunc(w.Worst, func(a, b *engine.Alert) int { return int(b.Severity) - int(a.Severity) })
	w.Worst = w.Worst[:min(len(w.Worst), worst)]
	return w, nil
}

func (s *memory) Backlog(context.Context) ([]store.Backlog, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	by := map[string]*store.Backlog{}
	for _, r := range s.rows {
		b := by[r.Channel]
		if b == nil {
			b = &store.Backlog{Channel: r.Channel}
			by[r.Channel] = b
		}
		if r.Pending() {
			b.Pending++
			if b.Oldest == 0 || r.Queued < b.Oldest {
				b.Oldest = r.Queued
			}
		} else if r.Failed {
			b.Failed++
		}
	}
	var list []store.Backlog
	for _, b := range by {
		list = append(list, *b)
	}
	slices.SortFunc(list, func(a, b store.Backlog) int { return strings.Compare(a.Channel, b.Channel) })
	return list, nil
}

func (s *memory) Deliveries(_ context.Context, alert string) ([]store.Delivery, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []store.Delivery
	for _, r := range s.rows {
		if r.Alert == alert {
			list = append(list, r.Delivery)
		}
	}
	slices.SortFunc(list, func(a, b store.Delivery) int { return strings.Compare(a.Channel, b.Channel) })
	return list, nil
}
