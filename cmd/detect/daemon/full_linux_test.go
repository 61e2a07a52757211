package daemon

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"detect/internal/store"
)

// TestRealFullDisk runs on a file system of its own that is full for a while.
func TestRealFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=24m"); err != nil {
		t.Skipf("a file system of its own needs to be root: %v", err)
	}
	defer func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	}()
	lines, domains := tenant(t, 5, 3000)
	set := loadRules(t, domains)
	want := replayed(t, set, lines)
	now := time.Now()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(now))
		st, err := store.Open(context.Background(), store.Options{Path: filepath.Join(dir, "detect.db")})
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		ballast := filepath.Join(dir, "ballast")
		_ = os.WriteFile(ballast, make([]byte, 24<<20), 0o600) // as much of it as there is room for
		out := newOutbox()
		f := replaying("a", lines, func() int { return 300 }, true)
		d := &Daemon{Setup: setup(set, f.source("")).with(t, out), Store: st, Log: new(logs).logger()}
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Minute)
		defer cancel()
		time.AfterFunc(10*time.Minute, func() {
			if err := d.ready(); err == nil || !strings.Contains(err.Error(), "no space left") {
				t.Errorf("ready though the disk is full: %v", err)
			}
			if err := os.Remove(ballast); err != nil {
				t.Error(err)
			}
		})
		if err := d.Run(ctx); err != nil {
			t.Fatal(err)
		}
		same(t, want, standing(t, st))
		if n := totals(t, st); n.Read != int64(len(lines)) || n.Duplicate > 0 {
			t.Errorf("%+v of %d records", n, len(lines))
		}
		for _, a := range standing(t, st) {
			if out.told[a.ID] != a.Revision {
				t.Errorf("told revision %d of %d of %s", out.told[a.ID], a.Revision, a.Title)
			}
		}
	})
}
