package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"detect/engine"
	"detect/rules/hit"
)

// own runs f with the writer's connection, outside a transaction.
func (s *Store) own(ctx context.Context, what string, f func() error) error {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	if err := s.writable(); err != nil {
		return s.failed(what, err)
	}
	if err := ctx.Err(); err != nil {
		return s.failed(what, err)
	}
	if err := f(); err != nil {
		return s.failed(what, err)
	}
	return nil
}

// Load is a timeline's stored state; ok says whether there is one.
func (s *Store) Load(ctx context.Context, t engine.Timeline) (saved engine.Saved, ok bool, err error) {
	err = s.own(ctx, "load timeline from", func() error {
		rule, err := s.rule(t.Rule, t.Version, false)
		if err != nil || rule == 0 {
			return err
		}
		key := []byte(t.Key)
		err = s.stmt.head.QueryRowContext(background, rule, key).Scan(&saved.Head)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		saved.Head, ok = notNil(saved.Head), true
		rows, err := s.stmt.cells.QueryContext(background, rule, key)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var c engine.Cell
			if err := rows.Scan(&c.Start, &c.Data); err != nil {
				return err
			}
			c.Data = notNil(c.Data)
			saved.Cells = append(saved.Cells, c)
		}
		return rows.Err()
	})
	if err != nil {
		return engine.Saved{}, false, fmt.Errorf("rule %s: %w", t.Rule, err)
	}
	return saved, ok, nil
}

// notNil is b, which the driver gives as nil if it is empty. To the engine nil means that there is nothing.
func notNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// Due is the timelines whose Due is at most f, in the order of Due, and then those whose DueAbsence is at most t, in that
// order; at most limit in all.
func (s *Store) Due(ctx context.Context, f, t int64, limit int) (due []engine.Timeline, err error) {
	err = s.own(ctx, "look for due timelines in", func() error {
		if due, err = scanTimelines(s.stmt.due.QueryContext(background, f, limit)); err != nil || len(due) >= limit {
			return err
		}
		more, err := scanTimelines(s.stmt.dueAbsence.QueryContext(background, t, f, limit-len(due)))
		due = append(due, more...)
		return err
	})
	return due, err
}

func scanTimelines(rows *sql.Rows, err error) (list []engine.Timeline, _ error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var t engine.Timeline
		var key sql.RawBytes
		if err := rows.Scan(&t.Rule, &t.Version, &key); err != nil {
			return nil, err
		}
		t.Key = string(key)
		list = append(list, t)
	}
	return list, rows.Err()
}

// Forget forgets the identities that arrived before a time, microseconds of the wall clock, and says how many they were.
// It goes through the table a piece at a time, so that batches can be committed between.
func (s *Store) Forget(ctx context.Context, before int64) (forgotten int64, err error) {
	const piece = 20_000
	type place struct {
		time int64
		id   []byte
	}
	at, end := place{math.MinInt64, []byte{}}, false
	for !end {
		err := s.write(ctx, "forget identities in", func() error {
			var to place
			err := s.conn.QueryRowContext(background, "SELECT time, id FROM seen WHERE (time, id) > (?, ?) ORDER BY time, id LIMIT 1 OFFSET ?",
				at.time, at.id, piece-1).Scan(&to.time, &to.id)
			if end = errors.Is(err, sql.ErrNoRows); end {
				to, err = place{math.MaxInt64, slices.Repeat([]byte{255}, len(hit.ID{}))}, nil
			}
			if err != nil {
				return err
			}
			r, err := s.conn.ExecContext(background, "DELETE FROM seen WHERE arrived < ? AND (time, id) > (?, ?) AND (time, id) <= (?, ?)",
				before, at.time, at.id, to.time, to.id)
			if err != nil {
				return err
			}
			n, err := r.RowsAffected()
			at, forgotten = to, forgotten+n
			return err
		})
		if err != nil {
			return forgotten, err
		}
	}
	return forgotten, nil
}

// RuleVersion names a rule in one version.
type RuleVersion struct{ Rule, Version string }

// RemoveRules removes the timelines of all rules but those to keep, and says how many they were. Their alerts stay.
func (s *Store) RemoveRules(ctx context.Context, keep []RuleVersion) (removed int64, err error) {
	err = s.write(ctx, "remove old rules' state from", func() error {
		rows, err := s.conn.QueryContext(background, "SELECT id, rule, version FROM rules ORDER BY id")
		if err != nil {
			return err
		}
		defer rows.Close()
		var gone []int64
		for rows.Next() {
			var id int64
			var rv RuleVersion
			if err := rows.Scan(&id, &rv.Rule, &rv.Version); err != nil {
				return err
			}
			if !slices.Contains(keep, rv) {
				gone = append(gone, id)
			}
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return err
		}
		for _, id := range gone {
			if _, err := s.conn.ExecContext(background, "DELETE FROM cells WHERE rule = ?", id); err != nil {
				return err
			}
			r, err := s.conn.ExecContext(background, "DELETE FROM timelines WHERE rule = ?", id)
			if err != nil {
				return err
			}
			n, err := r.RowsAffected()
			if err != nil {
				return err
			}
			removed += n
		}
		clear(s.rules)
		_, err = s.conn.ExecContext(background, `DELETE FROM rules WHERE NOT EXISTS (SELECT 1 FROM alerts a WHERE a.rule = rules.id)
			AND NOT EXISTS (SELECT 1 FROM timelines t WHERE t.rule = rules.id) AND NOT EXISTS (SELECT 1 FROM cells c WHERE c.rule = rules.id)`)
		return err
	})
	if err != nil {
		return 0, err
	}
	return removed, nil
}

// Alerts is the alerts of one timeline that are not final, and all those of it that touch [from, to], in the order of
// (Opening, ID).
func (s *Store) Alerts(ctx context.Context, t engine.Timeline, from, to int64) (alerts []*engine.Alert, err error) {
	err = s.own(ctx, "load alerts from", func() error {
		rule, err := s.rule(t.Rule, t.Version, false)
		if err != nil || rule == 0 {
			return err
		}
		key := []byte(t.Key)
		add := func(a *engine.Alert) error { alerts = append(alerts, a); return nil }
		if err := scanAlerts(add)(s.stmt.alertsNotFinal.QueryContext(background, rule, key)); err != nil || from > to {
			return err
		}
		return scanAlerts(add)(s.stmt.alertsTouching.QueryContext(background, rule, key, from, to))
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(alerts, func(a, b *engine.Alert) int {
		return cmp.Or(cmp.Compare(a.Opening, b.Opening), strings.Compare(a.ID, b.ID))
	})
	return alerts, nil
}

// Clocks is what the last commit with Clocks stored; ok says whether there was one.
func (s *Store) Clocks(ctx context.Context) (c engine.Clocks, ok bool, err error) {
	c.Watermarks = map[string]int64{}
	err = s.query(ctx, "read clocks of", "SELECT name, time FROM clocks ORDER BY name", func(rows *sql.Rows) error {
		var name string
		var t int64
		if err := rows.Scan(&name, &t); err != nil {
			return err
		}
		switch name {
		case clockFrontier:
			c.Frontier, ok = t, true
		case clockAbsence:
			c.Absence = t
		}
		return nil
	})
	if err != nil || !ok {
		return engine.Clocks{}, false, err
	}
	err = s.query(ctx, "read clocks of", "SELECT stream, time FROM watermarks ORDER BY stream", func(rows *sql.Rows) error {
		var stream string
		var t int64
		err := rows.Scan(&stream, &t)
		c.Watermarks[stream] = t
		return err
	})
	return c, err == nil, err
}
