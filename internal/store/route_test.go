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

// TestRetiredChannelLosesNothing has a channel renamed for which alerts wait, and were given up, without a fallback.
func TestRetiredChannelLosesNothing(t *testing.T) {
	s := open(t, Options{Path: filepath.Join(t.TempDir(), "detect.db")})
	defer s.Close()
	commitAll(t, s, &engine.Alert{ID: "refused", Rule: "r", Revision: 1}, &engine.Alert{ID: "told", Rule: "r", Revision: 1}, &engine.Alert{ID: "waiting", Rule: "r", Revision: 1})
	routeTo(t, s, "slakc")
	for _, end := range []func(d *Delivery) error{
		func(d *Delivery) error { return s.FailDelivery(t.Context(), d, "channel_not_found", "") },
		func(d *Delivery) error { return s.EndDelivery(t.Context(), d, 1, nil, 5) },
	} {
		d, _, err := s.NextDelivery(t.Context(), "slakc", 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := end(d); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // once more changes nothing
		if _, err := s.RetireChannels(t.Context(), []string{"slack"}, ""); err != nil {
			t.Fatal(err)
		}
	}
	asked := routeTo(t, s, "slack")
	if slices.Sort(asked); !slices.Equal(asked, []string{"refused", "waiting"}) {
		t.Errorf("asked where %q go", asked)
	}
	for id, want := range map[string]int{"refused": 2, "told": 1, "waiting": 2} {
		rows, err := s.Deliveries(t.Context(), id)
		if err != nil || len(rows) != want {
			t.Errorf("%s: %+v %v", id, rows, err)
			continue
		}
		if d := rows[0]; want == 2 && (d.Channel != "slack" || !d.Pending() || d.Wanted != 1) {
			t.Errorf("%s: %+v", id, d)
		}
	}
}
