package store

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"detect/engine"
)

// background is what statements of a transaction run with: with a context that can end, the driver would start a
// goroutine for each. A transaction looks at its context between its parts.
var background = context.Background()

// Commit stores one batch's outcome in one transaction. After an error nothing of it is stored.
func (s *Store) Commit(ctx context.Context, c *engine.Commit) error {
	return s.write(ctx, "commit batch to", func() error {
		for _, part := range [...]func(*engine.Commit) error{s.putTimelines, s.putAlerts, s.putSeen, s.putRejects, s.putPlaces, s.putTotals} {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := part(c); err != nil {
				return err
			}
		}
		return nil
	})
}

// write runs f in a transaction of the writer's connection.
func (s *Store) write(ctx context.Context, what string, f func() error) error {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	if err := s.writable(); err != nil {
		return s.failed(what, err)
	}
	if err := ctx.Err(); err != nil {
		return s.failed(what, err)
	}
	if _, err := s.stmt.begin.ExecContext(background); err != nil {
		return s.failed(what, err)
	}
	err := f()
	if err == nil {
		_, err = s.stmt.commit.ExecContext(background)
	}
	if err != nil {
		// SQLite has rolled back already after some errors, and says so by another error that tells nothing new.
		_, _ = s.stmt.rollback.ExecContext(background)
		clear(s.rules) // some may have been undone
		return s.failed(what, err)
	}
	return nil
}

// writable says why the store can't be written.
func (s *Store) writable() error {
	switch {
	case s.conn != nil:
		return nil
	case s.opts.ReadOnly:
		return fmt.Errorf("%w: it was opened to be read", ErrReadOnly)
	default:
		return ErrClosed
	}
}

// rule is the row of a rule's version, 0 if there is none and create is false.
func (s *Store) rule(rule, version string, create bool) (int64, error) {
	rv := ruleVersion{rule, version}
	if id, ok := s.rules[rv]; ok {
		return id, nil
	}
	var id int64
	err := s.stmt.ruleOf.QueryRowContext(background, rule, version).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		if !create {
			return 0, nil
		}
		err = s.stmt.putRule.QueryRowContext(background, rule, version).Scan(&id)
	}
	if err != nil {
		return 0, fmt.Errorf("look up rule %s: %w", rule, err)
	}
	s.rules[rv] = id
	return id, nil
}

// putTimelines writes heads and cells, each in the order of their table, in which pages are found again in the cache.
func (s *Store) putTimelines(c *engine.Commit) error {
	lines := make([]line, len(c.Timelines))
	for i := range c.Timelines {
		t := &c.Timelines[i]
		rule, err := s.rule(t.Rule, t.Version, true)
		if err != nil {
			return err
		}
		lines[i] = line{rule, []byte(t.Key), t}
	}
	slices.SortFunc(lines, func(a, b line) int {
		return cmp.Or(cmp.Compare(a.rule, b.rule), bytes.Compare(a.key, b.key))
	})
	for _, put := range [...]func(*line) error{s.putHead, s.putCells} {
		for i := range lines {
			if err := put(&lines[i]); err != nil {
				return fmt.Errorf("write timeline %s %q: %w", lines[i].Rule, lines[i].key, err)
			}
		}
	}
	return nil
}

// line is a timeline to be written, and the row's key.
type line struct {
	rule int64
	key  []byte
	*engine.TimelineWrite
}

func (s *Store) putHead(l *line) (err error) {
	if l.Head == nil {
		_, err = s.stmt.dropHead.ExecContext(background, l.rule, l.key)
	} else {
		_, err = s.stmt.putHead.ExecContext(background, l.rule, l.key, l.Head, l.Due, l.DueAbsence)
	}
	return err
}

func (s *Store) putCells(l *line) (err error) {
	if l.Head == nil {
		_, err = s.stmt.dropCells.ExecContext(background, l.rule, l.key)
		return err
	}
	for _, cell := range l.Cells {
		if cell.Data == nil {
			_, err = s.stmt.dropCell.ExecContext(background, l.rule, l.key, cell.Start)
		} else {
			_, err = s.stmt.putCell.ExecContext(background, l.rule, l.key, cell.Start, cell.Data)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// putSeen writes the identities of accepted records.
func (s *Store) putSeen(c *engine.Commit) error {
	if s.opts.Ephemeral {
		return nil
	}
	for i := range c.Seen {
		id := &c.Seen[i]
		if _, err := s.stmt.putSeen.ExecContext(background, id.Time, id.ID[:], int64(id.Variant), id.Arrived); err != nil {
			return fmt.Errorf("write identity: %w", err)
		}
	}
	return nil
}

// putAlerts writes alerts, their history and what is to be told of them.
func (s *Store) putAlerts(c *engine.Commit) error {
	if len(c.Alerts) == 0 {
		return nil
	}
	now := time.Now().UnixMicro()
	var buf []byte
	for _, a := range c.Alerts {
		rule, err := s.rule(a.Rule, a.Version, true)
		if err != nil {
			return err
		}
		buf = appendAlert(buf[:0], a)
		if _, err := s.stmt.putAlert.ExecContext(background, a.ID, rule, []byte(a.Key), int64(a.Status), int64(a.Severity),
			a.Staged, a.Final, a.First, a.Last, a.Revision, buf); err != nil {
			return fmt.Errorf("write alert %s: %w", a.ID, err)
		}
		if s.opts.Ephemeral {
			continue
		}
		buf = appendRevision(buf[:0], a)
		if _, err := s.stmt.putRevision.ExecContext(background, a.ID, a.Revision, now, buf); err != nil {
			return fmt.Errorf("write revision %d of alert %s: %w", a.Revision, a.ID, err)
		}
		if a.Staged {
			continue
		}
		if _, err := s.stmt.putOutbox.ExecContext(background, a.ID, a.Revision, now); err != nil {
			return fmt.Errorf("write outbox row of alert %s: %w", a.ID, err)
		}
	}
	return nil
}

// The names of the clocks.
const (
	clockFrontier = "frontier"
	clockAbsence  = "absence"
)

// putPlaces writes how far sources were read and where the clocks stand.
func (s *Store) putPlaces(c *engine.Commit) error {
	for _, p := range c.Positions {
		var err error
		if p.Data == nil {
			_, err = s.stmt.dropPosition.ExecContext(background, p.Source)
		} else {
			_, err = s.stmt.putPosition.ExecContext(background, p.Source, p.Data)
		}
		if err != nil {
			return fmt.Errorf("write position of %s: %w", p.Source, err)
		}
	}
	if c.Clocks == nil {
		return nil
	}
	if _, err := s.stmt.putClock.ExecContext(background, clockFrontier, c.Clocks.Frontier); err != nil {
		return fmt.Errorf("write clock: %w", err)
	}
	if _, err := s.stmt.putClock.ExecContext(background, clockAbsence, c.Clocks.Absence); err != nil {
		return fmt.Errorf("write clock: %w", err)
	}
	if _, err := s.stmt.dropMarks.ExecContext(background); err != nil {
		return fmt.Errorf("write watermarks: %w", err)
	}
	for stream, t := range c.Clocks.Watermarks {
		if _, err := s.stmt.putMark.ExecContext(background, stream, t); err != nil {
			return fmt.Errorf("write watermark of %s: %w", stream, err)
		}
	}
	return nil
}

// putTotals counts the batch.
func (s *Store) putTotals(c *engine.Commit) error {
	n := &c.Counts
	if _, err := s.stmt.addTotals.ExecContext(background, n.Read, n.Accepted, n.Duplicate, n.Rejected, n.Late, n.Differing); err != nil {
		return fmt.Errorf("write counts: %w", err)
	}
	return nil
}
