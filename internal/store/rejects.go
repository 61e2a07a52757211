package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"detect/engine"
)

const (
	keptRejects = 10_000  // how many rejects are kept at least, if there were so many; a tenth more at most
	maxPlace    = 4 << 10 // bytes of a reject's source, file and reason, each
)

// Reject is something that was read and is no usable record.
type Reject struct {
	engine.Reject
	Created int64 // when it was stored, microseconds of the wall clock
}

// putRejects writes what was refused, and removes the oldest of what there is too much of.
func (s *Store) putRejects(c *engine.Commit) error {
	if s.opts.Ephemeral || len(c.Rejects) == 0 {
		return nil
	}
	now := time.Now().UnixMicro()
	newest := c.Rejects[max(0, len(c.Rejects)-keptRejects):]
	for i := range newest {
		r := &newest[i]
		_, err := s.stmt.putReject.ExecContext(background, now, cut(r.Source, maxPlace), cut(r.File, maxPlace), r.Line, r.Offset, cut(r.Reason, maxPlace))
		if err != nil {
			return fmt.Errorf("write reject: %w", err)
		}
	}
	if _, err := s.stmt.trimRejects.ExecContext(background, keptRejects); err != nil {
		return fmt.Errorf("trim rejects: %w", err)
	}
	return nil
}

// Rejects is what was refused last, the newest first, at most limit. Totals counts all of them.
func (s *Store) Rejects(ctx context.Context, limit int) (list []Reject, err error) {
	text := "SELECT created, source, file, line, offset, reason FROM rejects ORDER BY n DESC LIMIT ?"
	err = s.query(ctx, "read rejects of", text, func(rows *sql.Rows) error {
		var r Reject
		err := rows.Scan(&r.Created, &r.Source, &r.File, &r.Line, &r.Offset, &r.Reason)
		list = append(list, r)
		return err
	}, limit)
	return list, err
}
