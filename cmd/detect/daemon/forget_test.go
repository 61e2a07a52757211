package daemon

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"detect/engine"
	"detect/internal/source"
	"detect/rules/hit"
)

// TestForget: identities are forgotten ten days after they arrived, by a process that has just started and by one that
// goes on.
func TestForget(t *testing.T) {
	set := loadRules(t, nil)
	synctest.Test(t, func(t *testing.T) {
		st, now := openStore(t), time.Now()
		arrived := func(id byte, days float64) engine.Seen {
			at := now.Add(-time.Duration(days * 24 * float64(time.Hour)))
			return engine.Seen{Time: int64(id), ID: hit.ID{id}, Variant: 1, Arrived: at.UnixMicro()}
		}
		all := []engine.Seen{arrived(1, 10.1), arrived(2, 9.9), arrived(3, 1)}
		if err := st.Commit(context.Background(), &engine.Commit{Seen: all}); err != nil {
			t.Fatal(err)
		}
		known := func() (n int) {
			found, err := st.Variants(context.Background(), all)
			if err != nil {
				t.Error(err)
			}
			for _, variants := range found {
				n += len(variants)
			}
			return n
		}
		idle := feed{"idle", func(ctx context.Context, _ int, _ func(*source.Batch) error) error {
			<-ctx.Done()
			return nil
		}}
		ctx, end := context.WithCancel(context.Background())
		go func() {
			defer end()
			time.Sleep(time.Minute)
			if n := known(); n != 2 {
				t.Errorf("a minute after the start %d are known", n)
			}
			time.Sleep(4 * time.Hour)
			if n := known(); n != 1 {
				t.Errorf("four hours after the start %d are known", n)
			}
		}()
		d := &Daemon{Setup: setup(set, idle.source("")).with(t, newOutbox()), Store: st, Log: new(logs).logger()}
		if err := d.Run(ctx); err != nil {
			t.Fatal(err)
		}
	})
}
