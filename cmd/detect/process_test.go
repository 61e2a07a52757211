package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"detect/notify/slack/scripted"
)

// daemonProcess is `detect run` in a process of its own.
type daemonProcess struct {
	cmd     *exec.Cmd
	commits chan commitSeen // closed at the end of the log
	log     *bytes.Buffer
	runs    chan struct{} // closed when it says that it runs, or at the end of the log
	done    chan struct{} // the log has ended
}

// commitSeen is one commit of which the log tells.
type commitSeen struct {
	read int64 // records
	at   time.Time
}

// startDaemon starts this test's program anew as detect.
func startDaemon(t testing.TB, args ...string) *daemonProcess {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	d := &daemonProcess{cmd: exec.Command(self, args...), commits: make(chan commitSeen, 1<<16), log: &bytes.Buffer{}, runs: make(chan struct{}), done: make(chan struct{})}
	d.cmd.Env = append(os.Environ(), asDetect+"=1", "SLACK_BOT_TOKEN="+scripted.Token)
	stderr, err := d.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.cmd.Process.Kill() })
	go d.follow(stderr)
	return d
}

var committed = regexp.MustCompile(`msg=committed .*\bread=(\d+)`)

// follow reads the log.
func (d *daemonProcess) follow(r io.Reader) {
	defer close(d.done)
	defer close(d.commits)
	running := sync.OnceFunc(func() { close(d.runs) })
	defer running()
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if bytes.Contains(lines.Bytes(), []byte("detect runs")) {
			running()
		}
		d.log.Write(lines.Bytes())
		d.log.WriteByte('\n')
		if m := committed.FindSubmatch(lines.Bytes()); m != nil {
			n, _ := strconv.ParseInt(string(m[1]), 10, 64)
			d.commits <- commitSeen{n, time.Now()}
		}
	}
}

// until waits until n records more were read and committed, and says whether they were.
func (d *daemonProcess) until(n int64) bool {
	for n > 0 {
		c, ok := <-d.commits
		if !ok {
			return false
		}
		n -= c.read
	}
	return true
}

// end sends the signal and waits for the end, which may have come already. A signal other than SIGKILL is sent once the
// process runs, as before it would end it at once.
func (d *daemonProcess) end(sig os.Signal) error {
	if sig != syscall.SIGKILL {
		<-d.runs
	}
	if err := d.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-d.done
	return d.cmd.Wait()
}

// tenantConfig adds to a simulated tenant's configuration that a folder is followed, and more. It gives the new file and
// the folder.
func tenantConfig(t testing.TB, dir, more string) (config, spool string) {
	t.Helper()
	spool = filepath.Join(dir, "spool")
	if err := os.Mkdir(spool, 0o700); err != nil {
		t.Fatal(err)
	}
	plain, err := os.ReadFile(filepath.Join(dir, "detect.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	config = filepath.Join(dir, "run.yaml")
	text := string(plain) + "\nstore: {path: detect.db}\nsources: [{follow: {path: spool}}]\n" + more
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return config, spool
}
