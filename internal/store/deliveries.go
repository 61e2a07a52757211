package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Delivery is what one channel was told of one alert, and what it is still to be told. Times are microseconds of the wall
// clock. It is a copy of the row as it was when it was read: what changes the row does not change it.
type Delivery struct {
	Alert, Channel string

	Wanted  int    // the newest revision that it is to be told
	Sent    int    // the newest revision that it was told, or that was skipped as not worth telling; 0: none
	SentAt  int64  // when it was told
	Receipt []byte // what the channel returned then

	Trying   int    // the revision of an attempt whose end was not recorded, and which may have got through; 0: none
	Attempts int    // how many failed since the last success
	Next     int64  // not to be tried before; 0: at once
	Queued   int64  // when the oldest revision that it was not told was committed; once all is told, that of the last one
	Failed   bool   // it was given up for Wanted: a later revision makes it pending again
	Error    string // of the last attempt, or why it waits; empty after a success

	StandIn        bool   // the fallback, or those whom the routes name now, were asked to stand in for it, since it was last told something
	Via, ViaReason string // the channel that this one stands in for, and why; empty if the alert is routed here
}

// Pending says whether there is something to be told, now or later.
func (d *Delivery) Pending() bool { return d.Wanted > d.Sent && !d.Failed }

const deliveryColumns = "alert, channel, state, wanted, sent, sent_at, receipt, trying, attempts, next, queued, error, stand_in, via, via_reason"

// The states of a row of deliveries. Partial indexes are on them, so that queries spell them as numbers.
const (
	stateTold = iota
	stateReady
	stateWaiting
	stateFailed
)

// scanner is a row, or the row that rows stand at.
type scanner interface{ Scan(dest ...any) error }

func scanDelivery(row scanner) (*Delivery, error) {
	d := new(Delivery)
	var state int
	err := row.Scan(&d.Alert, &d.Channel, &state, &d.Wanted, &d.Sent, &d.SentAt, &d.Receipt, &d.Trying, &d.Attempts, &d.Next,
		&d.Queued, &d.Error, &d.StandIn, &d.Via, &d.ViaReason)
	d.Failed = state == stateFailed
	return d, err
}

// maxCause is how many bytes of an error are kept with a delivery.
const maxCause = 1000

// cut is text without what is no UTF-8, and of at most limit bytes.
func cut(text string, limit int) string {
	if len(text) > limit {
		for limit > 0 && !utf8.RuneStart(text[limit]) {
			limit--
		}
		text = text[:limit]
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

// promoted is how many waiting deliveries become ready in one transaction.
const promoted = 1000

// NextDelivery is the delivery to a channel that is to be tried next: of those that are pending and due at now, the one
// that was queued first. A delivery is queued when an alert has something new for a channel that has been told all that
// it wanted; it keeps its place while it is tried again. If none is due, d is nil, and next is when the first will be; 0
// if none is pending.
func (s *Store) NextDelivery(ctx context.Context, channel string, now int64) (d *Delivery, next int64, err error) {
	const what = "look for deliveries in"
	for {
		next = 0
		err = s.own(ctx, what, func() error {
			err := s.stmt.firstWaiting.QueryRowContext(background, channel).Scan(&next)
			if errors.Is(err, sql.ErrNoRows) {
				return nil
			}
			return err
		})
		if err != nil {
			return nil, 0, err
		}
		if next == 0 || next > now {
			break
		}
		// What is due now is made ready, so that it is taken in its order whatever time it waited for.
		err = s.write(ctx, what, func() error {
			_, err := s.stmt.promote.ExecContext(background, channel, now, promoted)
			return err
		})
		if err != nil {
			return nil, 0, err
		}
	}
	err = s.own(ctx, what, func() (err error) {
		d, err = scanDelivery(s.stmt.firstReady.QueryRowContext(background, channel))
		if errors.Is(err, sql.ErrNoRows) {
			d, err = nil, nil
		}
		return err
	})
	switch {
	case err != nil:
		return nil, 0, err
	case d != nil:
		return d, 0, nil
	}
	return nil, next, nil
}

// errNoDelivery is returned for a change to a delivery that is not stored.
var errNoDelivery = errors.New("no such delivery")

// change runs a statement that changes one delivery.
func change(stmt *sql.Stmt, args ...any) error {
	r, err := stmt.ExecContext(background, args...)
	if err != nil {
		return err
	}
	if n, err := r.RowsAffected(); err != nil || n == 1 {
		return err
	}
	return errNoDelivery
}

// deliver runs f, which changes d's row, in a transaction.
func (s *Store) deliver(ctx context.Context, d *Delivery, f func() error) error {
	if err := s.write(ctx, "record delivery in", f); err != nil {
		return fmt.Errorf("alert %s, channel %s: %w", d.Alert, d.Channel, err)
	}
	return nil
}

// BeginDelivery records that an attempt to send a revision begins. If nothing else is recorded of it, because the process
// died, later reads have that revision as Trying. d is not changed: its Trying goes on to speak of earlier attempts.
func (s *Store) BeginDelivery(ctx context.Context, d *Delivery, revision int) error {
	return s.deliver(ctx, d, func() error { return change(s.stmt.beginDelivery, revision, d.Alert, d.Channel) })
}

// EndDelivery records that a revision was told at some time, and what the channel returned. A revision that is not worth
// telling is recorded so too, with d's Receipt and SentAt. If a later revision is wanted, the delivery is queued anew.
func (s *Store) EndDelivery(ctx context.Context, d *Delivery, revision int, receipt []byte, at int64) error {
	return s.deliver(ctx, d, func() error {
		n, err := s.order()
		if err != nil {
			return err
		}
		return change(s.stmt.endDelivery, revision, at, receipt, n, d.Alert, d.Channel)
	})
}

// DelayDelivery puts a delivery off until next. The cause is kept as its Error. failed says that an attempt failed, and
// counts it. certain says that the attempt that BeginDelivery announced, if there was one, did not get through: what
// is known of earlier ones stays. A delivery that waits without having failed is ready at once when there is a
// later revision than d's Wanted, which may be worth telling earlier.
func (s *Store) DelayDelivery(ctx context.Context, d *Delivery, next int64, cause string, failed, certain bool) error {
	return s.deliver(ctx, d, func() error {
		return change(s.stmt.delayDelivery, next, cut(cause, maxCause), failed, certain, d.Trying, d.Wanted, d.Alert, d.Channel)
	})
}

// FailDelivery gives a delivery up for d's Wanted, whose attempt did certainly not get through; a later revision makes it
// pending again, one that is wanted already included. If standIn is not empty, that channel is to be told instead, as
// StandIn says.
func (s *Store) FailDelivery(ctx context.Context, d *Delivery, cause, standIn string) error {
	return s.deliver(ctx, d, func() error {
		if err := change(s.stmt.failDelivery, cut(cause, maxCause), 1, d.Trying, d.Wanted, d.Alert, d.Channel); err != nil {
			return err
		}
		return s.standIn(d, standIn, cause)
	})
}

// StandIn asks another channel to stand in for a delivery, which goes on being tried. If the alert is routed to that
// channel anyway, or it is the delivery's own, nothing is queued for it. From then on it is told of the alert's later
// revisions too.
func (s *Store) StandIn(ctx context.Context, d *Delivery, channel, cause string) error {
	return s.deliver(ctx, d, func() error { return s.standIn(d, channel, cause) })
}

func (s *Store) standIn(d *Delivery, channel, cause string) error {
	if channel == "" || channel == d.Channel {
		return nil
	}
	if err := change(s.stmt.askStandIn, d.Alert, d.Channel); err != nil {
		return err
	}
	if err := s.knowChannel(channel); err != nil {
		return err
	}
	n, err := s.order()
	if err != nil {
		return err
	}
	_, err = s.stmt.putStandIn.ExecContext(background, channel, n, cut(cause, maxCause), d.Alert, d.Channel)
	return err
}

// order is the next number for a delivery that is queued.
func (s *Store) order() (n int64, err error) {
	err = s.stmt.order.QueryRowContext(background).Scan(&n)
	return n, err
}

// knowChannel has a row for a channel, which is not retired.
func (s *Store) knowChannel(name string) error {
	_, err := s.stmt.putChannel.ExecContext(background, name)
	return err
}

// Deliveries is what each channel was told of an alert, or is to be told, by the channels' names.
func (s *Store) Deliveries(ctx context.Context, alert string) (list []Delivery, err error) {
	text := "SELECT " + deliveryColumns + " FROM deliveries WHERE alert = ? ORDER BY channel"
	err = s.query(ctx, "read deliveries of", text, func(rows *sql.Rows) error {
		d, err := scanDelivery(rows)
		list = append(list, *d)
		return err
	}, alert)
	return list, err
}

// Backlog is what one channel is behind with.
type Backlog struct {
	Channel string
	Pending int64 // alerts that it is still to be told something of
	Failed  int64 // alerts for which it was given up
	Oldest  int64 // when the oldest revision was committed that is pending, microseconds of the wall clock; 0: none
	Retired bool  // the channel is configured no more
}

// Backlog is what each channel that ever had an alert is behind with, by name; the retired ones only if something is left
// of them. What is in the outbox is not in it yet: Unrouted counts that.
func (s *Store) Backlog(ctx context.Context) (list []Backlog, err error) {
	text := `SELECT c.name, c.retired, coalesce(r.n, 0) + coalesce(w.n, 0), coalesce(f.n, 0),
			coalesce(min(coalesce(r.oldest, w.oldest), coalesce(w.oldest, r.oldest)), 0)
		FROM channels c
		LEFT JOIN (SELECT channel, count(*) AS n, min(queued) AS oldest FROM deliveries WHERE state = 1 GROUP BY channel) r ON r.channel = c.name
		LEFT JOIN (SELECT channel, count(*) AS n, min(queued) AS oldest FROM deliveries WHERE state = 2 GROUP BY channel) w ON w.channel = c.name
		LEFT JOIN (SELECT channel, count(*) AS n FROM deliveries WHERE state = 3 GROUP BY channel) f ON f.channel = c.name
		ORDER BY c.name`
	err = s.query(ctx, "read backlog of", text, func(rows *sql.Rows) error {
		var b Backlog
		if err := rows.Scan(&b.Channel, &b.Retired, &b.Pending, &b.Failed, &b.Oldest); err != nil {
			return err
		}
		if !b.Retired || b.Pending+b.Failed > 0 {
			list = append(list, b)
		}
		return nil
	})
	return list, err
}

// Unrouted is how many rows of the outbox were not turned into deliveries yet, and when the first of them was committed,
// microseconds of the wall clock; 0 if there is none.
func (s *Store) Unrouted(ctx context.Context) (rows, oldest int64, err error) {
	text := "SELECT (SELECT count(*) FROM outbox), coalesce((SELECT created FROM outbox ORDER BY n LIMIT 1), 0)"
	err = s.query(ctx, "read outbox of", text, func(r *sql.Rows) error { return r.Scan(&rows, &oldest) })
	return rows, oldest, err
}

// Changes is the revisions of an alert after one of them, first revision first; after 0, all. Dispatching needs no more
// than what a channel was not told yet of a history that may be long.
func (s *Store) Changes(ctx context.Context, alert string, after int) ([]Revision, error) {
	return s.revisions(ctx, alert, after)
}

// Detection is how an alert came to be known. Times are microseconds, 0 if they are not known.
type Detection struct {
	At        int64 // when its first revision was stored, by the wall clock
	Happened  int64 // the last of what that revision shows
	Available int64 // when the source had it, by the source's wall clock
}

// Detected is how an alert came to be known; the zero value if there is no such alert.
func (s *Store) Detected(ctx context.Context, alert string) (d Detection, err error) {
	text := "SELECT created, body FROM revisions WHERE alert = ? ORDER BY revision LIMIT 1"
	err = s.query(ctx, "read revisions of", text, func(rows *sql.Rows) error {
		var body sql.RawBytes
		if err := rows.Scan(&d.At, &body); err != nil || len(body) == 0 {
			return err
		}
		if a, err := decodeAlert(body[1:]); err == nil { // else no more than At is known
			d.Happened, d.Available = a.Last, a.Revised
		}
		return nil
	}, alert)
	return d, err
}
