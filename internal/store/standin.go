package store

import (
	"context"
	"errors"
)

// StandInWaiting asks another channel to stand in for what has waited for a channel since before a time (queued,
// microseconds of the wall clock), the longest waiting first, at most limit deliveries; their number is returned. Those
// that wait at now though no attempt failed are left out: they are put off on purpose. So are those it was asked for
// already.
func (s *Store) StandInWaiting(ctx context.Context, channel, standIn, cause string, queued, now int64, limit int) (n int, err error) {
	if standIn == "" || standIn == channel {
		return 0, nil
	}
	err = s.write(ctx, "ask for a stand-in in", func() error {
		rows, err := s.stmt.alone.QueryContext(background, channel, queued, now, limit)
		if err != nil {
			return err
		}
		var list []*Delivery
		for err == nil && rows.Next() {
			var d *Delivery
			d, err = scanDelivery(rows)
			list = append(list, d)
		}
		if err := errors.Join(err, rows.Err(), rows.Close()); err != nil {
			return err
		}
		for _, d := range list {
			if err := s.standIn(d, standIn, cause); err != nil {
				return err
			}
		}
		n = len(list)
		return nil
	})
	return n, err
}
