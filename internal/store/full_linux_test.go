package store

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"detect/engine"
	"detect/engine/enginetest"
)

// TestAFullDisk fills a small file system of its own: what was committed stays, what comes then is refused whole, and once
// there is space the same store goes on, with a new engine.
func TestAFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=8m"); err != nil {
		t.Skipf("a file system of its own needs to be root: %v", err)
	}
	defer func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	}()
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 7<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, Options{Path: filepath.Join(dir, "detect.db")})
	defer s.Close()
	want := open(t, Options{Path: filepath.Join(t.TempDir(), "roomy.db")})
	defer want.Close()
	toSOC := func(*engine.Alert) []string { return []string{"soc"} }
	n := int64(0)
	var full error
	for full == nil && n < 2000 {
		if full = s.Commit(t.Context(), numbered(n+1)); full == nil {
			n++
			if err := want.Commit(t.Context(), numbered(n)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !errors.Is(full, ErrFull) || !strings.Contains(full.Error(), s.Path()) {
		t.Fatalf("after %d batches: %v", n, full)
	}
	if n < 5 {
		t.Fatalf("full after %d batches", n)
	}
	for range 3 { // and so it stays
		if err := s.Commit(t.Context(), numbered(96)); !errors.Is(err, ErrFull) {
			t.Errorf("no space, still: %v", err)
		}
	}
	if dump(t, s) != dump(t, want) {
		t.Error("the full store does not hold the batches that were committed")
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*Store{s, want} {
		e, err := engine.New(t.Context(), enginetest.Rules(), s, engine.Config{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.Process(t.Context(), &engine.Batch{Positions: []engine.Position{{Source: "s", Data: []byte("on")}}}); err != nil {
			t.Fatalf("once there is space: %v", err)
		}
	}
	for ; n < 30; n++ {
		if err := errors.Join(s.Commit(t.Context(), numbered(n+1)), want.Commit(t.Context(), numbered(n+1))); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range []*Store{s, want} {
		if _, err := s.Route(t.Context(), 1000, toSOC); err != nil {
			t.Fatal(err)
		}
	}
	if dump(t, s) != dump(t, want) {
		t.Error("the store did not go on where it was")
	}
	var ok string
	if err := s.conn.QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&ok); err != nil || ok != "ok" {
		t.Errorf("integrity: %s, %v", ok, err)
	}
}
