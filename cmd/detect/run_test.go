//go:build unix

package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// process is `detect run` in a process of its own, whose output is waited for.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	out  *bufio.Scanner
	errs *bufio.Scanner
	logs bytes.Buffer
}

func start(t *testing.T, args ...string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, cmd: exec.Command(self, args...)}
	p.cmd.Env = append(os.Environ(), asDetect+"=1")
	lines := func(open func() (io.ReadCloser, error)) *bufio.Scanner {
		r, err := open()
		if err != nil {
			t.Fatal(err)
		}
		return bufio.NewScanner(r)
	}
	p.out, p.errs = lines(p.cmd.StdoutPipe), lines(p.cmd.StderrPipe)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	return p
}

// until reads lines until one fits.
func (p *process) until(lines *bufio.Scanner, pattern string) []string {
	p.t.Helper()
	re := regexp.MustCompile(pattern)
	for lines.Scan() {
		fmt.Fprintln(&p.logs, lines.Text())
		if m := re.FindStringSubmatch(lines.Text()); m != nil {
			return m
		}
	}
	p.t.Fatalf("the end came before %s:\n%s", pattern, &p.logs)
	return nil
}

// end waits for the end and gives the exit status and the rest of the log.
func (p *process) end() (status int, rest string) {
	for p.errs.Scan() {
		rest += p.errs.Text() + "\n"
	}
	for p.out.Scan() {
	}
	_ = p.cmd.Wait()
	return p.cmd.ProcessState.ExitCode(), rest
}

// forwarding is a record that raises an alert; who is put into it as it is.
func forwarding(n int, who string) string {
	return fmt.Sprintf(`{"Id":"1e2d3c4b-0000-0000-0000-%012d","CreationTime":"2026-03-01T08:%02d:00","Operation":"New-InboxRule","RecordType":1,"Workload":"Exchange","UserId":"%s","UserType":0,"OrganizationId":"a","ClientIP":"203.0.113.9:4711","ObjectId":"x","ResultStatus":"True","Parameters":[{"Name":"Name","Value":"."},{"Name":"ForwardTo","Value":"exfil%d@evil.example"}]}`+"\n", n, n, who, n)
}

func appendTo(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = f.WriteString(text)
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestFollow runs the daemon on a folder: alerts are printed as records arrive, a second process is refused, rules are
// loaded anew when they change and when they are told to, a bad edit changes nothing, SIGTERM ends it, and the next one
// goes on where it was.
func TestFollow(t *testing.T) {
	dir := t.TempDir()
	spool := filepath.Join(dir, "in")
	if err := os.Mkdir(spool, 0o700); err != nil {
		t.Fatal(err)
	}
	config := write(t, filepath.Join(dir, "detect.yaml"), []byte("org: {domains: [contoso.example]}\nsources: [{follow: {path: in}}]\nmetrics: {address: 127.0.0.1:0}\n"))
	p := start(t, "run", "--config", config)
	address := p.until(p.errs, `msg="detect runs" .*reads=follow:in .*metrics=(\S+)`)[1]
	p.until(p.errs, "has started")

	hostile := `zoe\u202e\"}\n# TYPE x\nevil{a=\"b@contoso.example`
	appendTo(t, filepath.Join(spool, "a.ndjson"), forwarding(1, "ann@contoso.example")+forwarding(2, hostile))
	p.until(p.out, `ann@contoso\.example sends mail`)

	second := start(t, "run", "--config", config)
	if status, log := second.end(); status != exitUsage || !strings.Contains(log, "another process has this store open") {
		t.Errorf("a second process: exit status %d: %s", status, log)
	}
	for path, want := range map[string]string{"healthz": "^ok\n$", "readyz": "^ok\n$", "metrics": `detect_records_read_total\{stream="follow:in"\} 2\n`} {
		body := fetch(t, "http://"+address+"/"+path)
		if !regexp.MustCompile(want).MatchString(body) {
			t.Errorf("/%s says %s", path, body)
		}
		if strings.Contains(body, "zoe") || strings.Contains(body, "evil") {
			t.Errorf("/%s shows what records hold: %s", path, body)
		}
	}

	good, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	write(t, config, append(good, []byte("fallbak: x\n")...))
	p.until(p.errs, `fault in what was to be loaded anew.*no key .*fallbak`)
	write(t, config, append(good, []byte("rules: [pack]\n")...))
	p.until(p.errs, "were loaded anew")
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	p.until(p.errs, "were loaded anew")

	appendTo(t, filepath.Join(spool, "a.ndjson"), forwarding(3, "bob@contoso.example"))
	p.until(p.out, `bob@contoso\.example sends mail`)
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if status, log := p.end(); status != exitOK {
		t.Errorf("exit status %d after SIGTERM: %s", status, log)
	}

	appendTo(t, filepath.Join(spool, "a.ndjson"), forwarding(4, "eve@contoso.example"))
	again := start(t, "run", "--config", config)
	again.until(again.out, `sends mail`)
	if strings.Contains(again.logs.String(), "bob@") || !strings.Contains(again.logs.String(), "eve@") {
		t.Errorf("the next process printed %s", &again.logs)
	}
	if err := again.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if status, log := again.end(); status != exitOK {
		t.Errorf("exit status %d: %s", status, log)
	}
}

// TestEarlyHangup: a SIGHUP that comes while the daemon still starts is a reload, and not its end.
func TestEarlyHangup(t *testing.T) {
	dir := t.TempDir()
	config := write(t, filepath.Join(dir, "detect.yaml"), []byte("lists: {vips: {file: vips.txt}}\nsources: [{follow: {path: in}}]\n"))
	list := filepath.Join(dir, "vips.txt")
	if err := syscall.Mkfifo(list, 0o600); err != nil {
		t.Skip(err)
	}
	p := start(t, "run", "--config", config)
	pipe, err := os.OpenFile(list, os.O_WRONLY, 0) // waits until it is read
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(write(t, filepath.Join(dir, "new"), []byte("ann@contoso.example\n")), list); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	if err := pipe.Close(); err != nil {
		t.Fatal(err)
	}
	p.until(p.errs, "were loaded anew")
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if status, log := p.end(); status != exitOK {
		t.Errorf("exit status %d: %s", status, log)
	}
}

// TestNobodyReads: when nobody reads what is printed the daemon ends in order, with a status that says so, though nobody
// may read the log either.
func TestNobodyReads(t *testing.T) {
	dir := t.TempDir()
	spool := filepath.Join(dir, "in")
	if err := os.Mkdir(spool, 0o700); err != nil {
		t.Fatal(err)
	}
	config := write(t, filepath.Join(dir, "detect.yaml"), []byte("sources: [{follow: {path: in}}]\n"))
	appendTo(t, filepath.Join(spool, "a.ndjson"), forwarding(1, "ann@contoso.example"))
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "run", "--config", config, "--drain", "100ms")
	cmd.Env = append(os.Environ(), asDetect+"=1")
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	if err := errors.Join(in.Close(), out.Close()); err != nil {
		t.Fatal(err)
	}
	if _ = cmd.Wait(); cmd.ProcessState.ExitCode() != exitIO {
		t.Error(cmd.ProcessState)
	}
}

func fetch(t *testing.T, url string) string {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
