package source

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"detect/internal/record"
)

// tailing follows a folder step by step, under a clock of its own.
type tailing struct {
	t   testing.TB
	dir string
	now time.Time
	f   Follow
	w   *follower

	committed map[string][]byte
	kill      int // fail the batch after so many; 0: never

	ids      []string // of the records, in order
	origins  []Origin
	rejects  []Reject
	warnings []Warning
	behind   bool
	batches  int
}

func tail(t testing.TB) *tailing {
	dir := t.TempDir()
	x := &tailing{t: t, dir: dir, now: time.Now(), f: Follow{Path: dir}, committed: map[string][]byte{}}
	x.start()
	t.Cleanup(func() { x.w.close() })
	return x
}

var errKilled = errors.New("killed")

// start begins from what was committed.
func (x *tailing) start() {
	if x.w != nil {
		x.w.close()
	}
	x.f.Positions = nil
	for _, source := range slices.Sorted(maps.Keys(x.committed)) {
		x.f.Positions = append(x.f.Positions, Position{source, x.committed[source]})
	}
	x.w = newFollower(context.Background(), &x.f, x.commit)
}

func (x *tailing) commit(b *Batch) error {
	defer b.Release()
	x.batches++
	if x.kill > 0 {
		if x.kill--; x.kill == 0 {
			return errKilled
		}
	}
	for _, p := range b.Positions {
		if x.committed[p.Source] = p.Data; p.Data == nil {
			delete(x.committed, p.Source)
		}
	}
	var d Decoder
	x.behind = b.Behind
	x.rejects = append(x.rejects, b.Rejects...)
	x.warnings = append(x.warnings, b.Warnings...)
	for _, raw := range b.Records {
		_ = d.Decode(raw, func(r *record.Record, o Origin) error {
			x.ids = append(x.ids, r.Text(record.FId))
			x.origins = append(x.origins, o)
			return nil
		}, func(r Reject) { x.rejects = append(x.rejects, r) })
	}
	return nil
}

// pass lets time pass, and has all read that is to be read then.
func (x *tailing) pass(d time.Duration) {
	x.t.Helper()
	x.now = x.now.Add(d)
	for range 1000 {
		err := x.w.scan(x.now)
		for n := 0; err == nil && x.w.busy(); n++ {
			if err = x.w.read(x.now); n > 10000 {
				x.t.Fatal("reading does not end")
			}
		}
		if err == nil {
			err = x.w.rest(x.now)
		}
		if errors.Is(err, errKilled) {
			x.start()
			continue
		}
		if err != nil {
			x.t.Fatal(err)
		}
		return
	}
}

func (x *tailing) path(name string) string { return filepath.Join(x.dir, name) }

// touch dates a file by the clock.
func (x *tailing) touch(name string) {
	if err := os.Chtimes(x.path(name), x.now, x.now); err != nil {
		x.t.Fatal(err)
	}
}

func (x *tailing) must(err error) {
	x.t.Helper()
	if err != nil {
		x.t.Fatal(err)
	}
}

func (x *tailing) write(name string, content []byte) {
	x.t.Helper()
	x.must(os.MkdirAll(filepath.Dir(x.path(name)), 0o700))
	x.must(os.WriteFile(x.path(name), content, 0o600))
	x.touch(name)
}

func (x *tailing) append(name, text string) {
	x.t.Helper()
	f, err := os.OpenFile(x.path(name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	x.must(err)
	_, err = f.WriteString(text)
	x.must(err)
	x.must(f.Close())
	x.touch(name)
}

func (x *tailing) rename(from, to string) { x.t.Helper(); x.must(os.Rename(x.path(from), x.path(to))) }
func (x *tailing) remove(name string)     { x.t.Helper(); x.must(os.Remove(x.path(name))) }

// want asserts what came so far and that nothing was lost or told.
func (x *tailing) want(ids ...string) {
	x.t.Helper()
	if got := strings.Join(x.ids, " "); got != strings.Join(ids, " ") {
		x.t.Errorf("records %q, want %q", got, strings.Join(ids, " "))
	}
	if len(x.rejects) > 0 {
		x.t.Errorf("rejects %v", x.rejects)
	}
	if len(x.warnings) > 0 {
		x.t.Errorf("warnings %v", x.warnings)
	}
}

// rec is a record of a given id.
func rec(id string) string {
	return fmt.Sprintf(`{"CreationTime":"2026-03-02T09:11:00","Id":%q,"Operation":"UserLoggedIn","OrganizationId":"o","UserId":"ann@contoso.example","ObjectId":"Müller, \"Plan\" 😀 {id}","Note":%q}`,
		id, strings.Repeat("x", 300))
}

func lines(ids ...string) string {
	var b strings.Builder
	for _, id := range ids {
		b.WriteString(rec(id) + "\n")
	}
	return b.String()
}

const second = time.Second

func TestFollowGrowingFile(t *testing.T) {
	x := tail(t)
	x.append("a.log", lines("1", "2"))
	x.pass(second)
	x.want("1", "2")
	if x.behind {
		t.Error("behind")
	}
	half := rec("3")
	x.append("a.log", half[:100])
	x.pass(second)
	x.want("1", "2")
	x.append("a.log", half[100:]+"\n"+lines("4"))
	x.pass(second)
	x.want("1", "2", "3", "4")
	x.append("a.log", rec("5")) // no line break
	x.pass(second)
	x.want("1", "2", "3", "4")
	x.pass(2 * second)
	x.want("1", "2", "3", "4", "5")
	x.start()
	x.append("a.log", "\n"+lines("6"))
	x.pass(second)
	x.want("1", "2", "3", "4", "5", "6")
}

func TestFollowRotation(t *testing.T) {
	for name, rotate := range map[string]func(x *tailing){
		"rename": func(x *tailing) { x.rename("a.log", "a.log.1"); x.append("a.log", lines("4")) },
		"copy and truncate": func(x *tailing) {
			data, _ := os.ReadFile(x.path("a.log"))
			x.write("a.log.1", data)
			x.must(os.Truncate(x.path("a.log"), 0))
			x.append("a.log", lines("4"))
		},
		"compress": func(x *tailing) {
			data, _ := os.ReadFile(x.path("a.log"))
			x.write("a.log.1.gz", gzipped(data))
			x.remove("a.log")
			x.append("a.log", lines("4"))
		},
	} {
		for _, restart := range []bool{false, true} {
			for _, late := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, restart %v, late %v", name, restart, late), func(t *testing.T) {
					x := tail(t)
					x.append("a.log", lines("1", "2"))
					x.pass(second)
					if restart {
						x.start()
					}
					x.append("a.log", lines("3"))
					if !late {
						x.pass(second)
					}
					rotate(x)
					x.pass(second)
					x.pass(3 * second)
					x.pass(100 * second)
					slices.Sort(x.ids)
					x.want("1", "2", "3", "4")
				})
			}
		}
	}
}

func TestFollowRun(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	got := make(chan int, 100)
	done := make(chan error)
	go func() {
		f := &Follow{Path: dir, Poll: time.Hour}
		done <- f.Run(ctx, func(b *Batch) error {
			n := len(b.Records)
			b.Release()
			got <- n
			return nil
		})
	}()
	if n := <-got; n != 0 {
		t.Errorf("%d records at first", n)
	}
	for range 3 {
		f, _ := os.OpenFile(filepath.Join(dir, "a"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		_, _ = f.WriteString(lines("1"))
		_ = f.Close()
		for n := range got {
			if n == 1 {
				break
			}
		}
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
