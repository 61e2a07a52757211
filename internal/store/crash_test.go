package store

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"detect/engine"
	"detect/rules/hit"
)

// crashEnv names the store that this test binary, run as a child, is to write until it is killed.
const crashEnv = "DETECT_STORE_TO_WRITE"

// readEnv has the child read the store instead, and tell what it finds or why it can't.
const readEnv = "DETECT_STORE_TO_READ"

func readAlone(path string) {
	s, err := Open(context.Background(), Options{Path: path, ReadOnly: true})
	if err == nil {
		_, err = s.Find(context.Background(), "alert1")
		fmt.Println("found", err)
	}
	for _, known := range []error{ErrAbsent, ErrNoAccess, ErrReadOnly, ErrInUse} {
		if errors.Is(err, known) {
			fmt.Println(known)
		}
	}
	fmt.Println(err)
}

func TestMain(m *testing.M) {
	if path := os.Getenv(readEnv); path != "" {
		readAlone(path)
		os.Exit(0)
	}
	if path := os.Getenv(crashEnv); path != "" {
		write := writeOn
		if from, err := strconv.ParseInt(os.Getenv(deliverEnv), 10, 64); err == nil {
			write = func(path string) error { return deliverOn(path, from) }
		}
		if err := write(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// writeOn commits one batch after the other, from where the store stands, and tells each once it is stored.
func writeOn(path string) error {
	s, err := Open(context.Background(), Options{Path: path})
	if err != nil {
		return err
	}
	_, n, err := s.Totals(context.Background())
	for ; err == nil; n++ {
		if err = s.Commit(context.Background(), numbered(n+1)); err == nil {
			_, err = fmt.Println(n + 1)
		}
	}
	return err
}

// numbered is the batch of a number: of some size, with every kind of change.
func numbered(n int64) *engine.Commit {
	c := &engine.Commit{
		Positions: []engine.Position{{Source: "s", Data: []byte(strconv.FormatInt(n, 10))}},
		Clocks:    &engine.Clocks{Frontier: n - 100, Absence: n, Watermarks: map[string]int64{"s": n, fmt.Sprint("w", n%3): n}},
		Counts:    engine.Counts{Read: n, Accepted: n},
	}
	for i := range n % 97 {
		c.Seen = append(c.Seen, engine.Seen{Time: n, ID: hit.ID{byte(i)}, Variant: uint64(n * i), Arrived: n})
		w := engine.TimelineWrite{
			Timeline: engine.Timeline{Rule: fmt.Sprint("r", i%5), Version: "1", Key: hit.EncodeKey(strconv.FormatInt(i*n%50, 10), fmt.Sprint(i))},
			Head:     []byte(fmt.Sprint("head", n)), Due: n + i, DueAbsence: n - i,
		}
		for cell := range i % 4 {
			w.Cells = append(w.Cells, engine.Cell{Start: cell, Data: make([]byte, n*i%3000)})
		}
		if (n+i)%11 == 0 {
			w.Head, w.Cells = nil, nil
		}
		c.Timelines = append(c.Timelines, w)
	}
	for i := range n % 5 {
		id := fmt.Sprintf("alert%d", i)
		c.Alerts = append(c.Alerts, &engine.Alert{ID: id, Rule: "r1", Version: "1", First: i, Last: n, Revision: int(n), Staged: i == 2})
	}
	return c
}

func TestKillsLeaveWholeBatches(t *testing.T) {
	kills := 6
	if more, err := strconv.Atoi(os.Getenv("DETECT_CHECKS")); err == nil {
		kills = min(more, 30)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "detect.db")
	want := open(t, Options{Path: filepath.Join(dir, "uninterrupted.db")})
	defer want.Close()
	var stored int64
	for kill := range kills {
		told := writeAndKill(t, path, kill*7%20)
		s := open(t, Options{Path: path})
		_, batches, err := s.Totals(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if batches < told {
			t.Fatalf("batch %d was told to be stored, the store ends with %d", told, batches)
		}
		for ; stored < batches; stored++ {
			if err := want.Commit(t.Context(), numbered(stored+1)); err != nil {
				t.Fatal(err)
			}
		}
		if dump(t, s) != dump(t, want) {
			t.Fatalf("after kill %d the store does not hold what %d whole batches make", kill, batches)
		}
		var ok string
		if err := s.conn.QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&ok); err != nil || ok != "ok" {
			t.Fatalf("integrity: %s, %v", ok, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if stored < int64(kills) {
		t.Fatalf("only %d batches were stored", stored)
	}
}

// writeAndKill runs a child that writes the store, kills it when it has told some batches, and returns the last told.
func writeAndKill(t *testing.T, path string, batches int, env ...string) (told int64) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(append(os.Environ(), crashEnv+"="+path), env...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for n := 0; lines.Scan(); n++ {
		if told, err = strconv.ParseInt(lines.Text(), 10, 64); err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			if _, err := Open(t.Context(), Options{Path: path}); err == nil {
				t.Error("two processes have the store open for writing")
			}
		}
		if n == batches {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil {
		t.Fatal("the child ended by itself")
	}
	return told
}
