package store

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"detect/engine"
)

// deliverEnv has the child route and deliver instead, from the step of that number on.
const deliverEnv = "DETECT_STORE_STEP"

// deliverOn takes one step after the other, and tells the number of each once it is stored.
func deliverOn(path string, n int64) error {
	s, err := Open(context.Background(), Options{Path: path})
	for ; err == nil; n++ {
		if err = deliverStep(s, n); err == nil {
			_, err = fmt.Println(n)
		}
	}
	return err
}

// deliverStep is the step of a number, one transaction at most: alerts, routing, or one change to one delivery.
func deliverStep(s *Store, n int64) error {
	ctx := context.Background()
	channel := channelNames[n/8%3]
	next := func() (*Delivery, error) {
		d, _, err := s.NextDelivery(ctx, channel, n/8*8)
		return d, err
	}
	switch n % 8 {
	case 0:
		c := &engine.Commit{Positions: []engine.Position{{Source: "s", Data: []byte(strconv.FormatInt(n, 10))}}}
		for i := range n / 8 % 7 {
			id := fmt.Sprint("alert", (n/8*i)%11)
			revisions, err := s.Revisions(ctx, id)
			if err != nil {
				return err
			}
			if len(c.Alerts) == 0 || c.Alerts[0].ID != id && c.Alerts[len(c.Alerts)-1].ID != id {
				c.Alerts = append(c.Alerts, &engine.Alert{ID: id, Rule: "r", Revision: len(revisions) + 1})
			}
		}
		return s.Commit(ctx, c)
	case 1:
		_, err := s.Route(ctx, 5, func(a *engine.Alert) []string {
			return channelNames[:1+(a.Revision+int(a.ID[len(a.ID)-1]))%2]
		})
		return err
	case 2: // what is due becomes ready
		_, err := next()
		return err
	case 3, 5:
		d, err := next()
		if err != nil || d == nil {
			return err
		}
		return s.BeginDelivery(ctx, d, d.Wanted)
	}
	d, err := next()
	if err != nil || d == nil {
		return err
	}
	switch n / 8 % 5 {
	case 0:
		return s.DelayDelivery(ctx, d, n+100, "later", true, n%3 == 0)
	case 1:
		return s.FailDelivery(ctx, d, "never", "soc")
	case 2:
		return s.StandIn(ctx, d, "soc", "slow")
	default:
		return s.EndDelivery(ctx, d, d.Wanted, []byte(fmt.Sprint(n)), n)
	}
}

// TestKillsLeaveWholeSteps kills a process that routes and delivers: what is stored is what some whole steps make, the
// last told one among them. So no row leaves the outbox but with its deliveries, and no stand-in is asked for but with the
// failure that asks for it.
func TestKillsLeaveWholeSteps(t *testing.T) {
	kills := 5
	if more, err := strconv.Atoi(os.Getenv("DETECT_CHECKS")); err == nil {
		kills = min(more, 30)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "detect.db")
	want := open(t, Options{Path: filepath.Join(dir, "uninterrupted.db")})
	defer want.Close()
	var taken int64 // steps, numbered from 0
	for kill := range kills {
		told := writeAndKill(t, path, 20+kill*37%60, deliverEnv+"="+strconv.FormatInt(taken, 10))
		for ; taken <= told; taken++ {
			if err := deliverStep(want, taken); err != nil {
				t.Fatal(err)
			}
		}
		s := open(t, Options{Path: path})
		// The child may have taken more steps than it could tell; none of them is taken twice.
		for extra := 0; dump(t, s) != dump(t, want); extra++ {
			if extra == 64 {
				t.Fatalf("after kill %d the store holds nothing that whole steps from %d on make", kill, told)
			}
			if err := deliverStep(want, taken); err != nil {
				t.Fatal(err)
			}
			taken++
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	var rows int
	if err := want.conn.QueryRowContext(t.Context(), "SELECT count(*) FROM deliveries WHERE attempts + sent > 0").Scan(&rows); err != nil || rows < 5 {
		t.Fatalf("%d deliveries were tried: %v", rows, err)
	}
}
