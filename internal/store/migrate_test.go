package store

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"detect/engine"
)

// TestAFileOfVersion1IsMigrated makes a file with the first version's own statements, with an alert that was to be told,
// and a rule's state, and goes on with it.
func TestAFileOfVersion1IsMigrated(t *testing.T) {
	path := filepath.Join(t.TempDir(), "detect.db")
	first, err := os.ReadFile("migrations/0001_state_and_alerts.sql")
	if err != nil {
		t.Fatal(err)
	}
	alert := &engine.Alert{ID: "a1", Rule: "r", Version: "1", Revision: 2, First: 5, Last: 9}
	db, err := sql.Open("sqlite", dsn(path, []string{"journal_mode(wal)"}))
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		text string
		args []any
	}{
		{text: string(first)},
		{text: "PRAGMA application_id = 1685349236"}, // dtct
		{text: "PRAGMA user_version = 1"},
		{text: "INSERT INTO rules VALUES (1, 'r', '1')"},
		{text: "INSERT INTO timelines VALUES (1, x'01', x'02', 3, 4)"},
		{text: "INSERT INTO positions VALUES ('s', x'07')"},
		{"INSERT INTO alerts VALUES (1, 'a1', 1, x'', 1, 0, 0, 0, 5, 9, 2, ?)", []any{appendAlert(nil, alert)}},
		{"INSERT INTO revisions VALUES ('a1', 1, 100, ?), ('a1', 2, 200, ?)", []any{appendRevision(nil, alert), appendRevision(nil, alert)}},
		{text: "INSERT INTO outbox (alert, revision, created) VALUES ('a1', 1, 100), ('a1', 2, 200)"},
		{text: "UPDATE totals SET batch = 3, read = 4, accepted = 4"},
	} {
		if _, err := db.ExecContext(t.Context(), step.text, step.args...); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s := open(t, Options{Path: path})
	defer s.Close()
	counts, batches, err := s.Totals(t.Context())
	must(t, "counts", engine.Counts{Read: 4, Accepted: 4}, counts, err)
	must(t, "batches", int64(3), batches, nil)
	saved, ok, err := s.Load(t.Context(), engine.Timeline{Rule: "r", Version: "1", Key: "\x01"})
	must(t, "timeline", engine.Saved{Head: []byte{2}}, saved, err)
	must(t, "there is a timeline", true, ok, nil)
	rows, err := s.Route(t.Context(), 10, func(a *engine.Alert) []string {
		if a.ID != "a1" || a.Status != engine.Acknowledged {
			t.Errorf("%+v", a)
		}
		return []string{"soc"}
	})
	must(t, "rows of the outbox", 2, rows, err)
	d, _, err := s.NextDelivery(t.Context(), "soc", 0)
	must(t, "delivery", &Delivery{Alert: "a1", Channel: "soc", Wanted: 2, Queued: 100}, d, err)
	if err := s.Commit(t.Context(), some(3)); err != nil {
		t.Fatal(err)
	}

	made := open(t, Options{Path: filepath.Join(t.TempDir(), "new.db")})
	defer made.Close()
	must(t, "schema of a migrated file against that of a new one", schemaOf(t, made), schemaOf(t, s), nil)
}

func schemaOf(t *testing.T, s *Store) (list []string) {
	t.Helper()
	err := s.query(context.Background(), "read schema of", "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name", func(rows *sql.Rows) error {
		var text string
		err := rows.Scan(&text)
		list = append(list, text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return slices.Clip(list)
}
