package store

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"detect/engine"
)

// commitAll stores alerts in one batch.
func commitAll(t *testing.T, s *Store, alerts ...*engine.Alert) {
	t.Helper()
	if err := s.Commit(t.Context(), &engine.Commit{Alerts: alerts}); err != nil {
		t.Fatal(err)
	}
}

// routeTo routes all that is in the outbox, and says of which alerts it was asked.
func routeTo(t *testing.T, s *Store, channels ...string) (asked []string) {
	t.Helper()
	_, err := s.Route(t.Context(), 100, func(a *engine.Alert) []string {
		asked = append(asked, a.ID)
		return channels
	})
	if err != nil {
		t.Fatal(err)
	}
	return asked
}

func TestDamagedAlertHoldsUpNone(t *testing.T) {
	s := open(t, Options{Path: filepath.Join(t.TempDir(), "detect.db")})
	defer s.Close()
	commitAll(t, s, &engine.Alert{ID: "a", Rule: "r", Revision: 1}, &engine.Alert{ID: "b", Rule: "r", Revision: 1})
	if _, err := s.conn.ExecContext(t.Context(), "UPDATE alerts SET body = x'ff' WHERE id = 'a'"); err != nil {
		t.Fatal(err)
	}
	if asked := routeTo(t, s, "soc"); !slices.Equal(asked, []string{"a", "b"}) {
		t.Errorf("asked where %q go", asked)
	}
	if rows, _, err := s.Unrouted(t.Context()); rows != 0 || err != nil {
		t.Errorf("%d rows are left in the outbox, error %v", rows, err)
	}
	var damaged *RowError
	if _, err := s.Find(t.Context(), "a"); !errors.As(err, &damaged) {
		t.Errorf("who delivers it meets %v", err)
	}
	for _, id := range []string{"a", "b"} {
		if rows, err := s.Deliveries(t.Context(), id); err != nil || len(rows) != 1 || !rows[0].Pending() {
			t.Errorf("%s: %+v %v", id, rows, err)
		}
	}
}
