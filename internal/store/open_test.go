package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"detect/engine"
	"detect/rules/hit"
)

// some is a batch that touches every table.
func some(n int64) *engine.Commit {
	line := engine.Timeline{Rule: "r", Version: "1", Key: hit.EncodeKey("k")}
	return &engine.Commit{
		Positions: []engine.Position{{Source: "s", Data: []byte{byte(n)}}},
		Seen:      []engine.Seen{{Time: n, ID: hit.ID{1}, Variant: 1, Arrived: n}},
		Timelines: []engine.TimelineWrite{{Timeline: line, Head: []byte("head"), Cells: []engine.Cell{{Start: n, Data: []byte("cell")}}, Due: n}},
		Alerts:    []*engine.Alert{{ID: "a1", Rule: "r", Version: "1", Key: line.Key, First: n, Last: n, Revision: int(n)}},
		Clocks:    &engine.Clocks{Frontier: n, Absence: n, Watermarks: map[string]int64{"s": n}},
		Counts:    engine.Counts{Read: 1, Accepted: 1},
	}
}

func commit(t *testing.T, s *Store, n int64) {
	t.Helper()
	if err := s.Commit(t.Context(), some(n)); err != nil {
		t.Fatal(err)
	}
}

func TestFilesArePrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a store?#%41.db")
	s := open(t, Options{Path: path})
	defer s.Close()
	commit(t, s, 1)
	files, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(files) < 4 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil || info.Mode().Perm() != 0o600 || !strings.HasPrefix(f.Name(), "a store?#%41.db") {
			t.Errorf("%s: %v, %v", f.Name(), info.Mode(), err)
		}
	}
}

func TestOneWriterAndReadersBeside(t *testing.T) {
	path := filepath.Join(t.TempDir(), "detect.db")
	if _, err := Open(t.Context(), Options{Path: path, ReadOnly: true}); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("reading no store: %v", err)
	}
	s := open(t, Options{Path: path})
	commit(t, s, 1)
	if _, err := Open(t.Context(), Options{Path: path}); !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), path) {
		t.Fatalf("second writer: %v", err)
	}
	r := open(t, Options{Path: path, ReadOnly: true})
	defer r.Close()
	commit(t, s, 2)
	if a, err := r.Find(t.Context(), "a"); err != nil || a.Revision != 2 {
		t.Fatalf("%+v, %v", a, err)
	}
	if err := r.Commit(t.Context(), some(3)); !errors.Is(err, ErrReadOnly) {
		t.Fatalf("commit of a reader: %v", err)
	}
	// A reader sees the store as it was, and does not stop the writer.
	err := s.Each(t.Context(), Query{}, func(a *engine.Alert) error { return s.Commit(t.Context(), some(int64(a.Revision)+1)) })
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, Options{Path: path})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(t.Context(), some(4)); !errors.Is(err, ErrClosed) {
		t.Fatalf("commit after Close: %v", err)
	}
	if _, err := s.List(t.Context(), Query{}); !errors.Is(err, ErrClosed) {
		t.Fatalf("query after Close: %v", err)
	}
}

func TestFilesThatAreNoStoreOfThisVersionAreRefused(t *testing.T) {
	for _, c := range []struct {
		name string
		sql  string
		want error
	}{
		{"newer", "PRAGMA user_version = 999", ErrNewer},
		{"of another program", "PRAGMA application_id = 1", ErrForeign},
		{"without a version", "PRAGMA user_version = 0", ErrForeign},
	} {
		path := filepath.Join(t.TempDir(), "detect.db")
		s := open(t, Options{Path: path})
		commit(t, s, 1)
		if _, err := s.conn.ExecContext(t.Context(), c.sql); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		for _, readOnly := range []bool{false, true} {
			if _, err := Open(t.Context(), Options{Path: path, ReadOnly: readOnly}); !errors.Is(err, c.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("%s, read only %v: %v", c.name, readOnly, err)
			}
		}
	}
	text := filepath.Join(t.TempDir(), "notes.txt")
	content := []byte(strings.Repeat("Not a database. ", 1000))
	if err := os.WriteFile(text, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Options{Path: text}); !errors.Is(err, ErrForeign) {
		t.Errorf("text: %v", err)
	}
	if b, err := os.ReadFile(text); err != nil || !bytes.Equal(b, content) {
		t.Error("the refused file was changed")
	}
	if _, err := Open(t.Context(), Options{Path: "/nowhere/at/all/detect.db"}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
}

func TestAnOlderStoreIsBroughtUpToDate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "detect.db")
	s := open(t, Options{Path: path})
	commit(t, s, 1)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	was := migrations
	defer func() { migrations = was }()
	known := len(was)
	migrations = append(slices.Clone(was), "CREATE TABLE later (a INTEGER) STRICT;", "INSERT INTO later VALUES (7); CREATE TABLE broken (;")
	if _, err := Open(t.Context(), Options{Path: path, ReadOnly: true}); !errors.Is(err, ErrOlder) {
		t.Fatalf("reading an older store: %v", err)
	}
	if _, err := Open(t.Context(), Options{Path: path}); err == nil || !strings.Contains(err.Error(), fmt.Sprint("migrate to schema ", known+2)) {
		t.Fatalf("a broken step: %v", err)
	}
	migrations[known+1] = "INSERT INTO later VALUES (8);"
	s = open(t, Options{Path: path})
	defer s.Close()
	var n, version int
	if err := s.conn.QueryRowContext(t.Context(), "SELECT sum(a) FROM later").Scan(&n); err != nil || n != 8 {
		t.Fatalf("%d, %v: the broken step left something behind", n, err)
	}
	if err := s.conn.QueryRowContext(t.Context(), "PRAGMA user_version").Scan(&version); err != nil || version != known+2 {
		t.Fatalf("version %d, %v", version, err)
	}
	if a, err := s.Find(t.Context(), "a1"); err != nil || a.Revision != 1 {
		t.Fatalf("%+v, %v", a, err)
	}
}

func TestPragmasReachEveryConnection(t *testing.T) {
	for _, c := range []struct {
		opts Options
		want map[string]string
	}{
		{Options{}, map[string]string{"journal_mode": "wal", "synchronous": "1", "foreign_keys": "1", "busy_timeout": "5000"}},
		{Options{Full: true}, map[string]string{"journal_mode": "wal", "synchronous": "2"}},
		{Options{Ephemeral: true}, map[string]string{"journal_mode": "memory", "synchronous": "0"}},
	} {
		c.opts.Path = filepath.Join(t.TempDir(), "detect.db")
		s := open(t, c.opts)
		defer s.Close()
		for pragma, want := range c.want {
			var got string
			if err := s.conn.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
				t.Errorf("%+v: %s is %s, %v", c.opts, pragma, got, err)
			}
		}
		var readOnly string
		if s.readers == nil {
			continue
		}
		if err := s.readers.QueryRowContext(t.Context(), "PRAGMA query_only").Scan(&readOnly); err != nil || readOnly != "1" {
			t.Errorf("readers: query_only is %s, %v", readOnly, err)
		}
	}
}

func TestAFailedBatchLeavesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "detect.db")
	s := open(t, Options{Path: path})
	defer s.Close()
	commit(t, s, 1)
	before := dump(t, s)
	big := some(2)
	big.Timelines[0].Cells[0].Data = make([]byte, 1<<20)
	pragma := func(sql string) {
		t.Helper()
		if _, err := s.conn.ExecContext(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name, set, unset string
		want             error
	}{
		{"disk full", "PRAGMA max_page_count = 60", "PRAGMA max_page_count = 1000000", ErrFull},
		{"read-only file system", "PRAGMA query_only = 1", "PRAGMA query_only = 0", ErrReadOnly},
	} {
		pragma(c.set)
		err := s.Commit(t.Context(), big)
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", c.name, err)
		}
		pragma(c.unset)
		if after := dump(t, s); after != before {
			t.Errorf("%s: a part of the batch was stored", c.name)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Commit(ctx, some(2)); !errors.Is(err, context.Canceled) {
		t.Errorf("ended context: %v", err)
	}
	twice := some(2) // the same revision of an alert again: a fault of the caller's
	twice.Alerts[0].Revision = 1
	twice.Timelines[0].Rule = "another" // whose row in rules is undone with the rest
	if err := s.Commit(t.Context(), twice); err == nil {
		t.Error("a revision was stored twice")
	}
	if after := dump(t, s); after != before {
		t.Error("a part of the batch was stored")
	}
	twice.Alerts = nil
	if err := s.Commit(t.Context(), twice); err != nil { // and the store goes on
		t.Fatal(err)
	}
}

func TestDamagedRowsAreNamed(t *testing.T) {
	s := open(t, Options{Path: filepath.Join(t.TempDir(), "detect.db")})
	defer s.Close()
	commit(t, s, 1)
	commit(t, s, 2)
	for _, sql := range []string{"UPDATE alerts SET body = x'01ff'", "UPDATE revisions SET body = x'' WHERE revision = 2"} {
		if _, err := s.conn.ExecContext(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	var row *RowError
	if _, err := s.List(t.Context(), Query{}); !errors.As(err, &row) || row.Table != "alerts" || row.Row != "a1" || !errors.Is(err, ErrDamaged) {
		t.Errorf("List: %v", err)
	}
	line := some(1).Timelines[0].Timeline
	if _, err := s.Alerts(t.Context(), line, 0, 9); !errors.As(err, &row) || row.Row != "a1" {
		t.Errorf("Alerts: %v", err)
	}
	if _, err := s.Revisions(t.Context(), "a1"); !errors.As(err, &row) || row.Row != "a1 revision 2" {
		t.Errorf("Revisions: %v", err)
	}
}

func TestADamagedFileIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "detect.db")
	s := open(t, Options{Path: path})
	for n := range int64(200) {
		commit(t, s, n+1)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 4096; i < len(b); i++ { // all pages but the first
		b[i] ^= 0x5A
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err = Open(t.Context(), Options{Path: path})
	if err == nil {
		_, err = s.List(t.Context(), Query{})
		_ = s.Close()
	}
	if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), path) {
		t.Fatal(err)
	}
}
