package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"detect/engine"
	"detect/rules/hit"
)

// query runs a query on a reader's connection and calls each for every row.
func (s *Store) query(ctx context.Context, what, text string, each func(*sql.Rows) error, args ...any) error {
	if s.closed.Load() {
		return s.failed(what, ErrClosed)
	}
	rows, err := s.read.QueryContext(ctx, text, args...)
	if err != nil {
		return s.failed(what, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows); err != nil {
			return s.failed(what, err)
		}
	}
	if err := rows.Err(); err != nil {
		return s.failed(what, err)
	}
	return nil
}

// scanAlerts makes a function that decodes the rows of a query for alertColumns and hands them on.
func scanAlerts(each func(*engine.Alert) error) func(*sql.Rows, error) error {
	return func(rows *sql.Rows, err error) error {
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			a, err := scanAlert(rows)
			if err == nil {
				err = each(a)
			}
			if err != nil {
				return err
			}
		}
		return rows.Err()
	}
}

// scanAlert decodes one row of alertColumns.
func scanAlert(rows scanner) (*engine.Alert, error) {
	var id string
	var status int64
	var body sql.RawBytes
	if err := rows.Scan(&id, &status, &body); err != nil {
		return nil, err
	}
	return readAlert(id, status, body)
}

// readAlert decodes the columns of one row of alertColumns.
func readAlert(id string, status int64, body []byte) (*engine.Alert, error) {
	a, err := decodeAlert(body)
	switch {
	case err != nil:
		return nil, &RowError{Table: "alerts", Row: id, Err: err}
	case a.ID != id:
		return nil, &RowError{Table: "alerts", Row: id, Err: fmt.Errorf("holds alert %q", a.ID)}
	case status < 0 || status > int64(engine.Withdrawn):
		return nil, &RowError{Table: "alerts", Row: id, Err: fmt.Errorf("status %d", status)}
	}
	a.Status = engine.Status(status)
	return a, nil
}

// Query says which alerts are wanted. The zero value wants those that stand.
type Query struct {
	All      bool         // the merged and withdrawn ones too
	Rules    []string     // ids; none: of all rules
	Severity hit.Severity // at least
	Since    int64        // whose Last is at or after it, microseconds; 0: any
	Until    int64        // whose First is at or before it, microseconds; 0: any

	Statuses []engine.Status // those that have one of them, All or not; none: as All says
	Entity   string          // that concern it: a part of the key is this, but for upper and lower case; empty: any
	Live     bool            // without those of rules that are staged

	Newest bool // the latest First first
	Limit  int  // at most so many, the first ones in the order asked for; 0: all
}

// where is the query's condition and its arguments.
func (q *Query) where() (string, []any) {
	conds, args := []string{"true"}, []any(nil)
	switch {
	case len(q.Statuses) > 0:
		conds = append(conds, "a.status IN (?"+strings.Repeat(", ?", len(q.Statuses)-1)+")")
		for _, status := range q.Statuses {
			args = append(args, int64(status))
		}
	case !q.All:
		conds, args = append(conds, "a.status < ?"), append(args, int64(engine.Merged))
	}
	if q.Severity > 0 {
		conds, args = append(conds, "a.severity >= ?"), append(args, int64(q.Severity))
	}
	if q.Since != 0 {
		conds, args = append(conds, "a.last >= ?"), append(args, q.Since)
	}
	if q.Until != 0 {
		conds, args = append(conds, "a.first <= ?"), append(args, q.Until)
	}
	if q.Live {
		conds = append(conds, "a.staged = 0")
	}
	if len(q.Rules) > 0 {
		conds = append(conds, "r.rule IN (?"+strings.Repeat(", ?", len(q.Rules)-1)+")")
		for _, r := range q.Rules {
			args = append(args, r)
		}
	}
	return strings.Join(conds, " AND "), args
}

// concerns says whether a key has the query's entity among its parts.
func (q *Query) concerns(key []byte) bool {
	return q.Entity == "" || slices.ContainsFunc(hit.DecodeKey(string(key)), func(part string) bool {
		return strings.EqualFold(part, q.Entity)
	})
}

// errEnough ends a query that has all that was asked for.
var errEnough = errors.New("enough")

// Each calls f for every alert that the query wants, in the order of (First, Rule, By), ties by id, without
// holding them all; with Newest the order of First is turned round. It sees the store as it was when it began.
func (s *Store) Each(ctx context.Context, q Query, f func(*engine.Alert) error) error {
	where, args := q.where()
	var ties []*engine.Alert // with the same First and Rule
	var stop error           // of f: not the store's
	told := 0
	flush := func() error {
		slices.SortFunc(ties, compareAlerts)
		for _, a := range ties {
			if stop = f(a); stop != nil {
				return stop
			}
			if told++; told == q.Limit {
				return errEnough
			}
		}
		clear(ties)
		ties = ties[:0]
		return nil
	}
	order := "a.first, r.rule"
	if q.Newest {
		order = "a.first DESC, r.rule"
	}
	text := "SELECT a.key, " + alertColumns + " FROM alerts a JOIN rules r ON r.id = a.rule WHERE " + where + " ORDER BY " + order
	err := s.query(ctx, "read alerts of", text, func(rows *sql.Rows) error {
		var id string
		var status int64
		var key, body sql.RawBytes
		if err := rows.Scan(&key, &id, &status, &body); err != nil || !q.concerns(key) {
			return err
		}
		a, err := readAlert(id, status, body)
		if err != nil {
			return err
		}
		if len(ties) > 0 && (ties[0].First != a.First || ties[0].Rule != a.Rule) {
			if err := flush(); err != nil {
				return err
			}
		}
		ties = append(ties, a)
		return nil
	}, args...)
	if err == nil {
		err = flush()
	}
	switch {
	case stop != nil:
		return stop
	case errors.Is(err, errEnough):
		return nil
	}
	return err
}

// compareAlerts orders alerts of one First and one rule.
func compareAlerts(a, b *engine.Alert) int {
	if c := hit.CompareKeys(a.Key, b.Key); c != 0 {
		return c
	}
	return strings.Compare(a.ID, b.ID)
}

// List is the alerts that the query wants, in the order of Each.
func (s *Store) List(ctx context.Context, q Query) (alerts []*engine.Alert, err error) {
	err = s.Each(ctx, q, func(a *engine.Alert) error { alerts = append(alerts, a); return nil })
	return alerts, err
}

// ErrNoAlert is returned when there is no alert of an id, ErrManyAlerts when a prefix of ids has several.
var (
	ErrNoAlert    = errors.New("no such alert")
	ErrManyAlerts = errors.New("several alerts have such an id")
)

// Find is the alert with that id, or the only one whose id begins so, whatever its status.
func (s *Store) Find(ctx context.Context, prefix string) (*engine.Alert, error) {
	var found []*engine.Alert // the one with the very id would be the first
	// substr rather than LIKE, to which some characters of a prefix would mean something
	text := "SELECT " + alertColumns + " FROM alerts a WHERE a.id >= ? AND substr(a.id, 1, length(?)) = ? ORDER BY a.id LIMIT 2"
	err := s.query(ctx, "find alert in", text, func(rows *sql.Rows) error {
		a, err := scanAlert(rows)
		found = append(found, a)
		return err
	}, prefix, prefix, prefix)
	switch {
	case err != nil:
		return nil, err
	case len(found) == 0 || prefix == "":
		return nil, fmt.Errorf("find alert %q: %w", prefix, ErrNoAlert)
	case len(found) > 1 && found[0].ID != prefix:
		return nil, fmt.Errorf("find alert %q: %w: %s, %s", prefix, ErrManyAlerts, found[0].ID, found[1].ID)
	}
	return found[0], nil
}

// maxRevision is how many bytes an old revision takes at most, but for its entity, title and note: an alert that grows a
// thousand times must not be kept with its thousand records a thousand times.
const maxRevision = 4 << 10

// Revision is what an alert was at some time.
type Revision struct {
	Alert   *engine.Alert // without State; without Records, Values and Respond if it is Abridged
	Created int64         // when it was stored, microseconds of the wall clock
	// Abridged says that Records, Values and Respond were too long to be kept with each revision.
	Abridged bool
}

// appendRevision appends what is kept of a revision: whether it is abridged, and the alert.
func appendRevision(b []byte, a *engine.Alert) []byte {
	r := *a
	r.State = nil
	start := len(b)
	if b = appendAlert(append(b, 0), &r); len(b)-start <= maxRevision {
		return b
	}
	r.Records, r.Values, r.Respond = nil, nil, ""
	return appendAlert(append(b[:start], 1), &r)
}

// Revisions is the history of the alert with an id, first revision first.
func (s *Store) Revisions(ctx context.Context, id string) ([]Revision, error) {
	return s.revisions(ctx, id, 0)
}

// revisions is the revisions of an alert after one of them.
func (s *Store) revisions(ctx context.Context, id string, after int) (list []Revision, err error) {
	text := "SELECT revision, created, body FROM revisions WHERE alert = ? AND revision > ? ORDER BY revision"
	err = s.query(ctx, "read revisions of", text, func(rows *sql.Rows) error {
		var number int64
		var r Revision
		var body sql.RawBytes
		if err := rows.Scan(&number, &r.Created, &body); err != nil {
			return err
		}
		err := errors.New("empty")
		if len(body) > 0 {
			r.Abridged = body[0] != 0
			r.Alert, err = decodeAlert(body[1:])
		}
		if err != nil {
			return &RowError{Table: "revisions", Row: fmt.Sprintf("%s revision %d", id, number), Err: err}
		}
		list = append(list, r)
		return nil
	}, id, after)
	return list, err
}

// Outgoing is a revision of an alert that is to be told.
type Outgoing struct {
	N        int64  // its number: greater ones were committed later
	Alert    string // id
	Revision int
	Created  int64 // microseconds of the wall clock
}

// Outbox is the first rows of the outbox after number after, in their order, at most limit.
func (s *Store) Outbox(ctx context.Context, after int64, limit int) (list []Outgoing, err error) {
	text := "SELECT n, alert, revision, created FROM outbox WHERE n > ? ORDER BY n LIMIT ?"
	err = s.query(ctx, "read outbox of", text, func(rows *sql.Rows) error {
		var o Outgoing
		err := rows.Scan(&o.N, &o.Alert, &o.Revision, &o.Created)
		list = append(list, o)
		return err
	}, after, limit)
	return list, err
}

// Positions is how far each source was read, by its name.
func (s *Store) Positions(ctx context.Context) (list []engine.Position, err error) {
	err = s.query(ctx, "read positions of", "SELECT source, data FROM positions ORDER BY source", func(rows *sql.Rows) error {
		var p engine.Position
		err := rows.Scan(&p.Source, &p.Data)
		list = append(list, p)
		return err
	})
	return list, err
}

// Totals is what became of all records ever read, and how many batches were committed.
func (s *Store) Totals(ctx context.Context) (n engine.Counts, batches int64, err error) {
	text := "SELECT batch, read, accepted, duplicate, rejected, late, differing FROM totals"
	err = s.query(ctx, "read counts of", text, func(rows *sql.Rows) error {
		return rows.Scan(&batches, &n.Read, &n.Accepted, &n.Duplicate, &n.Rejected, &n.Late, &n.Differing)
	})
	return n, batches, err
}
