package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
)

// statements are the writer's prepared statements.
type statements struct {
	begin, commit, rollback *sql.Stmt

	ruleOf, putRule                *sql.Stmt
	head, cells, due, dueAbsence   *sql.Stmt
	putHead, putCell               *sql.Stmt
	dropHead, dropCell, dropCells  *sql.Stmt
	variants, between, putSeen     *sql.Stmt
	alertsNotFinal, alertsTouching *sql.Stmt
	putAlert, putRevision          *sql.Stmt
	putOutbox, putPosition         *sql.Stmt
	putClock, dropMarks, putMark   *sql.Stmt
	addTotals                      *sql.Stmt
	dropPosition                   *sql.Stmt
	putReject, trimRejects         *sql.Stmt
	dispatching

	all []*sql.Stmt
}

const alertColumns = "a.id, a.status, a.body"

// texts are the statements' texts.
func (st *statements) texts() map[**sql.Stmt]string {
	texts := map[**sql.Stmt]string{
		&st.begin:    "BEGIN IMMEDIATE",
		&st.commit:   "COMMIT",
		&st.rollback: "ROLLBACK",

		&st.ruleOf:  "SELECT id FROM rules WHERE rule = ? AND version = ?",
		&st.putRule: "INSERT INTO rules (rule, version) VALUES (?, ?) RETURNING id",

		&st.head:  "SELECT head FROM timelines WHERE rule = ? AND key = ?",
		&st.cells: "SELECT start, data FROM cells WHERE rule = ? AND key = ? ORDER BY start",
		&st.due: `SELECT r.rule, r.version, t.key FROM timelines t JOIN rules r ON r.id = t.rule
			WHERE t.due <= ? AND t.due < 9223372036854775807 ORDER BY t.due, t.rule, t.key LIMIT ?`,
		&st.dueAbsence: `SELECT r.rule, r.version, t.key FROM timelines t JOIN rules r ON r.id = t.rule
			WHERE t.due_absence <= ? AND t.due_absence < 9223372036854775807 AND (t.due > ? OR t.due = 9223372036854775807)
			ORDER BY t.due_absence, t.rule, t.key LIMIT ?`,
		&st.putHead: `INSERT INTO timelines (rule, key, head, due, due_absence) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (rule, key) DO UPDATE SET head = excluded.head, due = excluded.due, due_absence = excluded.due_absence`,
		&st.putCell: `INSERT INTO cells (rule, key, start, data) VALUES (?, ?, ?, ?)
			ON CONFLICT (rule, key, start) DO UPDATE SET data = excluded.data`,
		&st.dropHead:  "DELETE FROM timelines WHERE rule = ? AND key = ?",
		&st.dropCell:  "DELETE FROM cells WHERE rule = ? AND key = ? AND start = ?",
		&st.dropCells: "DELETE FROM cells WHERE rule = ? AND key = ?",

		&st.between:  "SELECT time, id, variant FROM seen WHERE time BETWEEN ? AND ? ORDER BY time, id, variant LIMIT ?",
		&st.variants: "SELECT variant FROM seen WHERE time = ? AND id = ? ORDER BY variant",
		&st.putSeen: `INSERT INTO seen (time, id, variant, arrived) VALUES (?, ?, ?, ?)
			ON CONFLICT (time, id, variant) DO UPDATE SET arrived = max(arrived, excluded.arrived)`,

		&st.alertsNotFinal: "SELECT " + alertColumns + " FROM alerts a WHERE a.rule = ? AND a.key = ? AND a.final = 0",
		&st.alertsTouching: "SELECT " + alertColumns + ` FROM alerts a
			WHERE a.rule = ? AND a.key = ? AND a.last >= ? AND a.first <= ? AND a.final = 1`,
		&st.putAlert: `INSERT INTO alerts (id, rule, key, status, severity, staged, final, first, last, revision, body)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET
				status = CASE WHEN excluded.status = 0 AND status IN (1, 2) THEN status ELSE excluded.status END,
				severity = excluded.severity, staged = excluded.staged, final = excluded.final, first = excluded.first,
				last = excluded.last, revision = excluded.revision, body = excluded.body`,
		&st.putRevision: "INSERT INTO revisions (alert, revision, created, body) VALUES (?, ?, ?, ?)",
		&st.putOutbox:   "INSERT INTO outbox (alert, revision, created) VALUES (?, ?, ?)",

		&st.putPosition: "INSERT INTO positions (source, data) VALUES (?, ?) ON CONFLICT (source) DO UPDATE SET data = excluded.data",
		&st.putClock:    "INSERT INTO clocks (name, time) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET time = excluded.time",
		&st.dropMarks:   "DELETE FROM watermarks",
		&st.putMark:     "INSERT INTO watermarks (stream, time) VALUES (?, ?)",
		&st.addTotals: `UPDATE totals SET batch = batch + 1, read = read + ?, accepted = accepted + ?, duplicate = duplicate + ?,
			rejected = rejected + ?, late = late + ?, differing = differing + ?`,

		&st.dropPosition: "DELETE FROM positions WHERE source = ?",
		&st.putReject:    "INSERT INTO rejects (created, source, file, line, offset, reason) VALUES (?, ?, ?, ?, ?, ?)",
		&st.trimRejects: `DELETE FROM rejects WHERE (SELECT max(n) - min(n) FROM rejects) >= ?1 + ?1 / 10
			AND n <= (SELECT max(n) FROM rejects) - ?1`,
	}
	maps.Copy(texts, st.dispatching.texts())
	return texts
}

// prepare prepares all of them on one connection.
func (st *statements) prepare(ctx context.Context, conn *sql.Conn) error {
	for p, text := range st.texts() {
		stmt, err := conn.PrepareContext(ctx, text)
		if err != nil {
			return fmt.Errorf("prepare %q: %w", text, err)
		}
		*p = stmt
		st.all = append(st.all, stmt)
	}
	return nil
}

func (st *statements) close() error {
	var errs []error
	for _, s := range st.all {
		errs = append(errs, s.Close())
	}
	st.all = nil
	return errors.Join(errs...)
}
