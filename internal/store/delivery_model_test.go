package store

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// row is a delivery as the model has it.
type row struct {
	Delivery
	n       int
	waiting bool // not to be tried before Next
}

// told is what a store shall hold of deliveries, in maps.
type told struct {
	revisions map[string][]int64 // of each alert, when each was stored
	outbox    []Outgoing
	rows      map[[2]string]*row // by alert and channel
	retired   map[string]bool    // every channel that is known
	n         int
}

func (m *told) raise(r *row, n, wanted int, created int64) {
	if wanted <= r.Wanted {
		return
	}
	if !r.Pending() {
		r.n = n
	}
	if r.Wanted <= r.Sent {
		r.Queued = created
		if r.Sent < len(m.revisions[r.Alert]) {
			r.Queued = m.revisions[r.Alert][r.Sent]
		}
	}
	if !r.waiting || r.Attempts == 0 {
		r.waiting, r.Next = false, 0
	}
	r.Wanted, r.Failed = wanted, false
}

func (m *told) route(limit int, to func(alert string, revision int) []string) int {
	rows := m.outbox[:min(limit, len(m.outbox))]
	var order []string
	newest, oldest := map[string]int{}, map[string]int64{}
	for _, o := range rows {
		if newest[o.Alert] == 0 {
			order, oldest[o.Alert] = append(order, o.Alert), o.Created
		}
		newest[o.Alert] = max(newest[o.Alert], o.Revision)
	}
	for _, alert := range order {
		named := to(alert, len(m.revisions[alert]))
		channels := slices.Clone(named)
		for _, key := range slices.SortedFunc(maps.Keys(m.rows), func(a, b [2]string) int { return strings.Compare(a[1], b[1]) }) {
			if key[0] == alert && !slices.Contains(named, key[1]) && !m.retired[key[1]] {
				channels = append(channels, key[1])
			}
		}
		for _, channel := range channels {
			m.n++
			r := m.rows[[2]string{alert, channel}]
			if slices.Contains(named, channel) {
				m.retired[channel] = false
				if r != nil {
					r.Via, r.ViaReason = "", ""
				}
			}
			if r == nil {
				r = &row{Delivery: Delivery{Alert: alert, Channel: channel, Wanted: newest[alert], Queued: oldest[alert]}, n: m.n}
				m.rows[[2]string{alert, channel}] = r
			} else {
				m.raise(r, m.n, newest[alert], oldest[alert])
			}
		}
	}
	m.outbox = m.outbox[len(rows):]
	return len(rows)
}

func (m *told) standIn(r *row, channel, cause string) {
	if channel == "" || channel == r.Channel {
		return
	}
	r.StandIn = true
	m.retired[channel] = false
	m.n++
	other := m.rows[[2]string{r.Alert, channel}]
	switch {
	case other == nil:
		d := Delivery{Alert: r.Alert, Channel: channel, Wanted: r.Wanted, Queued: r.Queued, Via: r.Channel, ViaReason: cause}
		m.rows[[2]string{r.Alert, channel}] = &row{Delivery: d, n: m.n}
	case other.Via != "" && r.Wanted > other.Wanted:
		other.Via, other.ViaReason = r.Channel, cause
		m.raise(other, m.n, r.Wanted, r.Queued)
	}
}

func (m *told) standInWaiting(channel, standIn string, queued, now int64, limit int) (n int) {
	if standIn == "" || standIn == channel {
		return 0
	}
	pending := m.pending(channel)
	slices.SortFunc(pending, func(a, b *row) int { return cmp.Or(cmp.Compare(a.Queued, b.Queued), strings.Compare(a.Alert, b.Alert)) })
	for _, r := range pending {
		if onPurpose := r.waiting && r.Attempts == 0 && r.Next > now; !onPurpose && !r.StandIn && r.Queued <= queued && n < limit {
			m.standIn(r, standIn, "slow")
			n++
		}
	}
	return n
}

// pending is the pending rows of a channel, in the order of n.
func (m *told) pending(channel string) (list []*row) {
	for _, r := range m.rows {
		if r.Channel == channel && r.Pending() {
			list = append(list, r)
		}
	}
	slices.SortFunc(list, func(a, b *row) int { return cmp.Compare(a.n, b.n) })
	return list
}

func (m *told) next(channel string, now int64) (d *Delivery, next int64) {
	for _, r := range m.pending(channel) {
		if r.waiting && r.Next > now {
			if next == 0 || r.Next < next {
				next = r.Next
			}
			continue
		}
		r.waiting = false
		if d == nil {
			copied := r.Delivery
			d = &copied
		}
	}
	if d != nil {
		return d, 0
	}
	return nil, next
}

func (m *told) end(r *row, revision int, receipt []byte, at int64) {
	m.n++
	r.Sent = max(r.Sent, revision)
	r.Wanted = max(r.Wanted, r.Sent)
	r.SentAt, r.Receipt, r.Trying, r.Attempts, r.Next, r.Error, r.StandIn, r.waiting = at, receipt, 0, 0, 0, "", false, false
	r.Failed = false
	if r.Wanted > r.Sent {
		r.n, r.Queued = m.n, m.revisions[r.Alert][r.Sent]
	}
}

func (m *told) delay(r *row, d *Delivery, next int64, cause string, failed, certain bool) {
	r.Error = cause
	if failed {
		r.Attempts++
	}
	if certain {
		r.Trying = d.Trying
	}
	if !failed && r.Wanted > d.Wanted {
		r.Next, r.waiting = 0, false
	} else {
		r.Next, r.waiting = next, true
	}
}

func (m *told) fail(r *row, d *Delivery, cause, standIn string, attempts int) {
	r.Error, r.Trying, r.Next, r.waiting = cause, d.Trying, 0, false
	r.Attempts += attempts
	r.Failed = r.Wanted == d.Wanted
	m.standIn(r, standIn, cause)
}

func (m *told) retire(configured []string, standIn string) (n int) {
	for name := range m.retired {
		m.retired[name] = !slices.Contains(configured, name)
	}
	for _, channel := range slices.Sorted(maps.Keys(m.retired)) {
		if !m.retired[channel] || slices.Contains(configured, channel) {
			continue
		}
		pending := m.pending(channel)
		slices.SortFunc(pending, func(a, b *row) int { // those that wait after the others
			if a.waiting != b.waiting {
				return map[bool]int{true: 1, false: -1}[a.waiting]
			}
			if a.waiting {
				return cmp.Or(cmp.Compare(a.Next, b.Next), cmp.Compare(a.Queued, b.Queued), strings.Compare(a.Alert, b.Alert))
			}
			return cmp.Compare(a.n, b.n)
		})
		for _, key := range slices.SortedFunc(maps.Keys(m.rows), func(a, b [2]string) int { return strings.Compare(a[0], b[0]) }) {
			if r := m.rows[key]; r.Channel == channel && r.Failed && !r.StandIn {
				pending = append(pending, r)
			}
		}
		for _, r := range pending {
			if d := r.Delivery; r.Failed {
				m.standIn(r, standIn, r.Error)
			} else {
				m.fail(r, &d, "the channel is configured no more", standIn, 0)
			}
			if standIn == "" {
				r.StandIn = true
				m.outbox = append(m.outbox, Outgoing{Alert: r.Alert, Revision: r.Wanted, Created: r.Queued})
			}
			n++
		}
	}
	return n
}
