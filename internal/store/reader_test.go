//go:build unix

package store

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// asChild reads the store in another process, of another user if uid is not 0.
func asChild(t *testing.T, binary, path string, uid uint32) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary)
	cmd.Env = append(os.Environ(), readEnv+"="+path)
	if uid != 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

// TestAKilledWritersStoreIsRead reads a store in other processes: while one writes it, after that one was killed with its
// log left behind, and where files or folder are closed to the reader.
func TestAKilledWritersStoreIsRead(t *testing.T) {
	dir := filepath.Join(forAll(t), "store")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "detect.db")
	if out := asChild(t, os.Args[0], path, 0); !strings.Contains(out, ErrAbsent.Error()) || !strings.Contains(out, path) {
		t.Errorf("no store: %s", out)
	}
	live := open(t, Options{Path: path})
	for n := range int64(30) {
		if err := live.Commit(t.Context(), numbered(n+1)); err != nil {
			t.Fatal(err)
		}
	}
	if out := asChild(t, os.Args[0], path, 0); !strings.Contains(out, "found <nil>") {
		t.Errorf("while it is written: %s", out)
	}
	if err := live.Close(); err != nil {
		t.Fatal(err)
	}
	writeAndKill(t, path, 5)
	if info, err := os.Stat(path + "-wal"); err != nil || info.Size() == 0 {
		t.Fatalf("the killed process left no log: %v", err)
	}
	left := map[string][]byte{}
	for _, name := range []string{path, path + "-wal"} {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		left[name] = b
	}
	if out := asChild(t, os.Args[0], path, 0); !strings.Contains(out, "found <nil>") {
		t.Errorf("after the kill: %s", out)
	}
	for name, b := range left {
		if now, err := os.ReadFile(name); err != nil || !bytes.Equal(now, b) {
			t.Errorf("a reader changed %s: %v", filepath.Base(name), err)
		}
	}
	if os.Getuid() != 0 {
		t.Skip("reading as another user needs to be root")
	}
	binary := copied(t, filepath.Dir(dir))
	const nobody = 65534
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if out := asChild(t, binary, path, nobody); !strings.Contains(out, ErrNoAccess.Error()) || !strings.Contains(out, path) {
		t.Errorf("files of another user: %s", out)
	}
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		if err := os.Chmod(name, 0o644); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	if err := os.Remove(path + "-shm"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	if out := asChild(t, binary, path, nobody); !strings.Contains(out, ErrNoAccess.Error()) || !strings.Contains(out, path) {
		t.Errorf("files to be read in a folder that can't be written: %s", out)
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if out := asChild(t, binary, path, nobody); !strings.Contains(out, ErrNoAccess.Error()) || !strings.Contains(out, path) {
		t.Errorf("a closed folder: %s", out)
	}
}

// forAll is a folder that everybody may read.
func forAll(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "store") // t.TempDir is in a folder of this user's alone
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// copied is a copy of the test's own program that everybody may run.
func copied(t *testing.T, dir string) string {
	t.Helper()
	b, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(dir, "reader")
	if err := errors.Join(os.WriteFile(to, b, 0o755), os.Chmod(to, 0o755)); err != nil {
		t.Fatal(err)
	}
	return to
}
