package store

import (
	"context"
	"database/sql"
	"errors"

	"detect/engine"
	"detect/rules/hit"
)

// Waiting is the alerts that one channel was told nothing of yet, of those that stand and are ready to be told.
type Waiting struct {
	Alerts int64                   // how many
	Of     [hit.Critical + 1]int64 // of each severity
	Worst  []*engine.Alert         // some, the gravest first, and among equals the one that is told first
}

// Waiting is what waits for a channel, with at most worst of the alerts; nil if fewer than least wait.
func (s *Store) Waiting(ctx context.Context, channel string, least, worst int) (*Waiting, error) {
	const what = "read what waits in"
	const from = ` FROM deliveries d JOIN alerts a ON a.id = d.alert WHERE d.channel = ? AND d.state = 1 AND d.sent = 0 AND a.status < ?`
	args := []any{channel, int64(engine.Merged)}
	w := new(Waiting)
	// Most of the time few wait: no more are looked at than tell so.
	err := s.query(ctx, what, "SELECT count(*) FROM (SELECT 1"+from+" LIMIT ?)", func(rows *sql.Rows) error { return rows.Scan(&w.Alerts) }, append(args, least)...)
	if err != nil || w.Alerts < int64(least) {
		return nil, err
	}
	w.Alerts = 0
	err = s.query(ctx, what, "SELECT a.severity, count(*)"+from+" GROUP BY a.severity", func(rows *sql.Rows) error {
		var severity, n int64
		if err := rows.Scan(&severity, &n); err != nil {
			return err
		}
		w.Alerts += n
		if severity >= 0 && severity < int64(len(w.Of)) {
			w.Of[severity] += n
		}
		return nil
	}, args...)
	if err != nil {
		return nil, err
	}
	err = s.query(ctx, what, "SELECT "+alertColumns+from+" ORDER BY a.severity DESC, d.n LIMIT ?", func(rows *sql.Rows) error {
		a, err := scanAlert(rows)
		var damaged *RowError
		switch {
		case errors.As(err, &damaged): // whoever delivers it says so
			return nil
		case err != nil:
			return err
		}
		w.Worst = append(w.Worst, a)
		return nil
	}, append(args, worst)...)
	if err != nil {
		return nil, err
	}
	return w, nil
}
