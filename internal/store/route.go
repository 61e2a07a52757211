package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"

	"detect/engine"
)

// routed is how many rows of the outbox one transaction turns into deliveries: it takes some 20 ms, in which no batch is
// committed.
const routed = 500

// routing is what the outbox has of one alert, and where it goes.
type routing struct {
	alert    string
	revision int   // the newest
	created  int64 // when the oldest was committed
	channels []string
}

// Route turns the first rows of the outbox, at most limit, into deliveries, and says how many rows they were. route is
// asked once for the alert of some rows, in its latest revision, and names the channels that are to be told of it; those
// that were told of it before, or were to be, are told of the later revision too, unless they are retired. The rows are
// gone with the transaction that makes the deliveries. Deliveries are queued in the order of the rows.
//
// An alert that is stored but can't be read holds up no other: route is asked for one of which nothing but the ID is
// known, and whoever delivers it meets the error.
func (s *Store) Route(ctx context.Context, limit int, route func(*engine.Alert) []string) (rows int, err error) {
	for rows < limit {
		piece := min(limit-rows, routed)
		n, last, list, err := s.unrouted(ctx, piece, route)
		if err != nil || n == 0 {
			return rows, err
		}
		err = s.write(ctx, "queue deliveries in", func() error {
			retired, err := s.retired()
			if err != nil {
				return err
			}
			for _, r := range list {
				if err := s.queue(r, retired); err != nil {
					return err
				}
			}
			_, err = s.stmt.dropOutbox.ExecContext(background, last)
			return err
		})
		if err != nil {
			return rows, err
		}
		if rows += n; n < piece {
			break
		}
	}
	return rows, nil
}

// unrouted reads the first rows of the outbox, and asks where their alerts go.
func (s *Store) unrouted(ctx context.Context, limit int, route func(*engine.Alert) []string) (n int, last int64, list []*routing, err error) {
	of := map[string]*routing{}
	text := "SELECT o.n, o.revision, o.created, " + alertColumns + ` FROM outbox o JOIN alerts a ON a.id = o.alert ORDER BY o.n LIMIT ?`
	err = s.query(ctx, "read outbox of", text, func(rows *sql.Rows) error {
		var revision int
		var created int64
		row := prefixed{rows, []any{&last, &revision, &created}}
		a, err := scanAlert(row)
		var damaged *RowError
		switch {
		case errors.As(err, &damaged):
			a = &engine.Alert{ID: damaged.Row}
		case err != nil:
			return err
		}
		n++
		r := of[a.ID]
		if r == nil {
			r = &routing{alert: a.ID, created: created, channels: route(a)}
			of[a.ID], list = r, append(list, r)
		}
		r.revision = max(r.revision, revision)
		return nil
	}, limit)
	return n, last, list, err
}

// prefixed is a row with columns before those that are asked for.
type prefixed struct {
	row   scanner
	first []any
}

func (p prefixed) Scan(dest ...any) error {
	return p.row.Scan(append(slices.Clip(p.first), dest...)...)
}

// retired is the channels that are configured no more.
func (s *Store) retired() (names map[string]bool, err error) {
	rows, err := s.conn.QueryContext(background, "SELECT name FROM channels WHERE retired = 1")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	names = map[string]bool{}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names[name] = true
	}
	return names, rows.Err()
}

// queue has all channels that are to be told of an alert told of its revision.
func (s *Store) queue(r *routing, retired map[string]bool) error {
	were, err := s.channelsOf(r.alert)
	if err != nil {
		return err
	}
	channels := slices.Clone(r.channels)
	for _, name := range r.channels {
		if err := s.knowChannel(name); err != nil {
			return err
		}
		if slices.Contains(were, name) {
			if _, err := s.stmt.dropVia.ExecContext(background, r.alert, name); err != nil {
				return err
			}
		}
	}
	for _, name := range were {
		if !slices.Contains(channels, name) && !retired[name] {
			channels = append(channels, name)
		}
	}
	for _, name := range channels {
		n, err := s.order()
		if err != nil {
			return err
		}
		if _, err := s.stmt.putDelivery.ExecContext(background, r.alert, name, n, r.revision, r.created); err != nil {
			return err
		}
	}
	return nil
}

// channelsOf is the channels that have a delivery of an alert.
func (s *Store) channelsOf(alert string) (names []string, err error) {
	rows, err := s.stmt.channelsOf.QueryContext(background, alert)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, rows.Err()
}

// RetireChannels says which channels are configured. What is pending for others is given up, and somebody else is told of
// it, and of what was given up for them before and nobody was told instead: standIn, or if that is empty, those that the
// routes name now, since it goes into the outbox once more. The number of deliveries is returned. Nothing is queued for
// such channels any more, until they are configured again or a route names them. It is called before deliveries are looked
// for, and whenever the configuration changes.
func (s *Store) RetireChannels(ctx context.Context, configured []string, standIn string) (int, error) {
	const what = "retire channels in"
	var gone []string
	err := s.write(ctx, what, func() error {
		if _, err := s.conn.ExecContext(background, "UPDATE channels SET retired = 1 WHERE retired = 0"); err != nil {
			return err
		}
		for _, name := range configured {
			if _, err := s.conn.ExecContext(background, "UPDATE channels SET retired = 0 WHERE name = ?", name); err != nil {
				return err
			}
		}
		retired, err := s.retired()
		for name := range retired {
			gone = append(gone, name)
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	slices.Sort(gone)
	total := 0
	for _, channel := range gone {
		for more := true; more; {
			n := 0
			err := s.write(ctx, what, func() (err error) {
				n, err = s.giveUp(channel, standIn)
				return err
			})
			if err != nil {
				return total, err
			}
			total, more = total+n, n == routed
		}
	}
	return total, nil
}

// giveUp gives up some of what is pending for a channel that is configured no more, and says how many.
func (s *Store) giveUp(channel, standIn string) (int, error) {
	var list []*Delivery
	for _, state := range [...]string{"1 ORDER BY n", "2 ORDER BY next", "3 AND stand_in = 0 ORDER BY alert"} {
		rows, err := s.conn.QueryContext(background,
			"SELECT "+deliveryColumns+" FROM deliveries WHERE channel = ? AND state = "+state+" LIMIT ?", channel, routed-len(list))
		if err != nil {
			return 0, err
		}
		for rows.Next() && err == nil {
			var d *Delivery
			d, err = scanDelivery(rows)
			list = append(list, d)
		}
		if err := errors.Join(err, rows.Err(), rows.Close()); err != nil {
			return 0, err
		}
	}
	const cause = "the channel is configured no more"
	for _, d := range list {
		why := d.Error
		if !d.Failed {
			// What is recorded of an attempt that was under way stays: it may have got through.
			why = cause
			if err := change(s.stmt.failDelivery, cause, 0, d.Trying, d.Wanted, d.Alert, d.Channel); err != nil {
				return 0, err
			}
		}
		tell := func() error { return s.standIn(d, standIn, why) }
		if standIn == "" {
			tell = func() error { return s.routeAgain(d) }
		}
		if err := tell(); err != nil {
			return 0, err
		}
	}
	return len(list), nil
}

// routeAgain has those told of what a delivery was to tell whom the routes name now.
func (s *Store) routeAgain(d *Delivery) error {
	if err := change(s.stmt.askStandIn, d.Alert, d.Channel); err != nil {
		return err
	}
	_, err := s.conn.ExecContext(background, "INSERT INTO outbox (alert, revision, created) VALUES (?, ?, ?)", d.Alert, d.Wanted, d.Queued)
	return err
}

// RetryFailed makes what was given up for some channels pending again, each in the place that it was queued at,
// and says how many deliveries they are: for when somebody may have changed what made them fail, as after a start or a
// new configuration. Those to retired channels stay given up.
func (s *Store) RetryFailed(ctx context.Context, channels []string) (int, error) {
	total := 0
	for _, channel := range channels {
		for more := true; more; {
			var n int64
			err := s.write(ctx, "try deliveries again in", func() error {
				r, err := s.conn.ExecContext(background, `UPDATE deliveries SET state = 1, next = 0, attempts = 0
					WHERE (alert, channel) IN (SELECT d.alert, d.channel FROM deliveries d JOIN channels c ON c.name = d.channel
						WHERE d.channel = ? AND d.state = 3 AND c.retired = 0 ORDER BY d.alert LIMIT ?)`, channel, routed)
				if err != nil {
					return err
				}
				n, err = r.RowsAffected()
				return err
			})
			if err != nil {
				return total, err
			}
			total, more = total+int(n), n == routed
		}
	}
	return total, nil
}
