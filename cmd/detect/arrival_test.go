package main

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"detect/internal/simulate"
)

// dropbox is a folder in which records arrive in every way that people have them arrive: in a file that grows and is rotated
// (renamed, compressed, copied and truncated, or replaced), and in exports of every form, dropped whole, that overlap.
type dropbox struct {
	dir    string
	random *rand.Rand
	n      int
	live   *os.File
	since  time.Time // when the first of its records arrived; zero: it is empty
	before [][]byte  // the last lines that an export may hold once more
}

// write has arrivals arrive.
func (d *dropbox) write(arrivals []simulate.Arrival) error {
	for len(arrivals) > 0 {
		n := min(len(arrivals), 1+d.random.IntN(300))
		begin, at := arrivals[0].At, arrivals[n-1].At
		lines := make([][]byte, n)
		for i, a := range arrivals[:n] {
			lines[i] = a.Line
		}
		arrivals = arrivals[n:]
		if !d.since.IsZero() && at.Sub(d.since) > 12*time.Hour { // what is in one file must not be older than lateness allows
			if err := d.turn(); err != nil {
				return err
			}
		}
		if d.random.IntN(4) == 0 {
			if err := d.export(lines); err != nil {
				return err
			}
		} else {
			if d.since.IsZero() {
				d.since = begin
			}
			if err := d.grow(lines); err != nil {
				return err
			}
		}
		d.before = lines[max(0, n-40):]
	}
	return nil
}

const liveName = "audit.ndjson"

// grow appends to the file that grows, in parts that end anywhere.
func (d *dropbox) grow(lines [][]byte) (err error) {
	if d.live == nil {
		if d.live, err = os.OpenFile(filepath.Join(d.dir, liveName), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
			return err
		}
	}
	text := append(bytes.Join(lines, []byte("\n")), '\n')
	for len(text) > 0 {
		n := min(len(text), 1+d.random.IntN(200_000))
		if _, err := d.live.Write(text[:n]); err != nil {
			return err
		}
		text = text[n:]
	}
	return nil
}

// turn rotates the file that grows.
func (d *dropbox) turn() error {
	d.n++
	d.since = time.Time{}
	name := filepath.Join(d.dir, liveName)
	old := fmt.Sprintf("%s.%d", name, d.n)
	switch way := d.random.IntN(4); way {
	case 0: // copied and truncated
		data, err := os.ReadFile(name)
		if err == nil {
			err = os.WriteFile(old, data, 0o600)
		}
		if err != nil {
			return err
		}
		return d.live.Truncate(0)
	case 1: // compressed beside, then truncated
		data, err := os.ReadFile(name)
		if err == nil {
			err = d.put(old+".gz", gzipped(data))
		}
		if err != nil {
			return err
		}
		return d.live.Truncate(0)
	case 2: // renamed; the writer goes on in a new one
		live := d.live
		d.live = nil
		if err := os.Rename(name, old); err != nil {
			return err
		}
		return live.Close()
	default: // compressed and removed
		live := d.live
		d.live = nil
		data, err := os.ReadFile(name)
		if err == nil {
			err = d.put(old+".gz", gzipped(data))
		}
		if err == nil {
			err = os.Remove(name)
		}
		if err != nil {
			return err
		}
		return live.Close()
	}
}

// put drops a file whole: by a rename, or written in place.
func (d *dropbox) put(path string, data []byte) error {
	if d.random.IntN(2) == 0 {
		return os.WriteFile(path, data, 0o600)
	}
	tmp := filepath.Join(d.dir, "."+filepath.Base(path))
	if err := os.WriteFile(tmp, data, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}

// export drops lines, with some of those before, as an export; now and then in the place of another.
func (d *dropbox) export(lines [][]byte) error {
	d.n++
	lines = append(slices.Clone(d.before[:d.random.IntN(len(d.before)+1)]), lines...)
	var data []byte
	switch d.random.IntN(3) {
	case 0:
		data = append(bytes.Join(lines, []byte("\n")), '\n')
	case 1:
		data = fmt.Appendf(nil, "[%s]", bytes.Join(lines, []byte(",\n")))
	default:
		data = portalCSV(lines)
	}
	name := fmt.Sprintf("export-%d", d.n)
	switch d.random.IntN(4) {
	case 0:
	case 1:
		data = gzipped(data)
	case 2:
		z, err := zstd.NewWriter(nil)
		if err != nil {
			return err
		}
		data = z.EncodeAll(data, nil)
	default:
		var out bytes.Buffer
		z := zip.NewWriter(&out)
		w, err := z.Create("inside/" + name)
		if err == nil {
			_, err = w.Write(data)
		}
		if err == nil {
			err = z.Close()
		}
		if err != nil {
			return err
		}
		data = out.Bytes()
	}
	return d.put(filepath.Join(d.dir, name), data)
}

func gzipped(data []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, _ = z.Write(data) // of a buffer never fails
	_ = z.Close()
	return out.Bytes()
}

// portalCSV is the export of the portal.
func portalCSV(lines [][]byte) []byte {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	_ = w.Write([]string{"RecordId", "CreationDate", "RecordType", "Operation", "UserId", "AuditData"}) // of a buffer never fails
	for i, line := range lines {
		_ = w.Write([]string{strconv.Itoa(i), "", "1", "", "", string(line)})
	}
	w.Flush()
	return out.Bytes()
}

// arrivalRound is how much of the tenant's life arrives before all of it must have been read: with the delays that records
// have, no more than lateness allows to come in any order.
const arrivalRound = 72*time.Hour - simulate.MaxDelay - 4*time.Hour

// TestEveryWayToArrive has a simulated week arrive in every way there is while the daemon runs, is killed and starts again.
// The alerts must be those of a replay, with no record lost, rejected or late.
func TestEveryWayToArrive(t *testing.T) {
	t.Parallel()
	kills, seed := 2, uint64(time.Now().UnixNano())
	for name, to := range map[string]any{"DETECT_KILLS": &kills, "DETECT_SEED": &seed} {
		if given := os.Getenv(name); given != "" {
			if _, err := fmt.Sscan(given, to); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Logf("about %d kills, DETECT_SEED=%d", kills, seed)
	random := rand.New(rand.NewPCG(seed, 8))
	dir, lines, _ := tenant(t, simulate.Config{Seed: 22, Users: 60, Records: 12_000, Attacks: []string{"all"}})
	arrivals, err := simulate.Arrivals(seed, lines)
	if err != nil {
		t.Fatal(err)
	}
	config, in := tenantConfig(t, dir, "")
	db := filepath.Join(dir, "detect.db")
	run := []string{"run", "--config", config, "-v", "--format", "json"}
	box := &dropbox{dir: in, random: rand.New(rand.NewPCG(seed, 9))}
	different := map[*byte]bool{}
	for end := arrivals[0].At; len(arrivals) > 0; {
		end = end.Add(arrivalRound)
		n := 0
		for ; n < len(arrivals) && !arrivals[n].At.After(end); n++ {
			different[&arrivals[n].Line[0]] = true
		}
		now := arrivals[:n]
		arrivals = arrivals[n:]
		cut := random.IntN(n + 1)
		if err := box.write(now[:cut]); err != nil {
			t.Fatal(err)
		}
		wrote := make(chan error, 1)
		go func() { wrote <- box.write(now[cut:]) }()
		for range random.IntN(kills/2 + 1) { // of some five rounds
			d := startDaemon(t, run...)
			d.within(1+random.Int64N(int64(n)), time.Second)
			if err := d.end(syscall.SIGKILL); err == nil || d.cmd.ProcessState.Exited() {
				t.Fatalf("the daemon ended by itself:\n%s", d.log)
			}
		}
		if err := <-wrote; err != nil {
			t.Fatal(err)
		}
		d := startDaemon(t, run...)
		for start := time.Now(); acceptedSoFar(t, db) < int64(len(different)) && time.Since(start) < time.Minute; {
			d.within(1, time.Second)
		}
		if err := d.end(syscall.SIGTERM); err != nil {
			t.Fatalf("%v:\n%s", err, d.log)
		}
	}
	want := replayed(t, "--config", filepath.Join(dir, "detect.yaml"), "--until", time.Now().Format(time.RFC3339), filepath.Join(dir, "records.ndjson"))
	st := openStore(t, db)
	defer st.Close()
	c, _, err := st.Totals(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if c.Accepted != want.Records.Accepted || c.Rejected != 0 || c.Late != 0 || c.Accepted+c.Duplicate != c.Read {
		t.Errorf("of %d records: %+v", want.Records.Accepted, c)
	}
	t.Logf("%+v", c)
	if diff := cmp.Diff(essence(want.Alerts), essence(storedAlerts(t, config))); diff != "" {
		t.Errorf("the alerts differ from those of a replay (-replay +run):\n%s", diff)
	}
}

// within waits until n records more were read and committed, for so long at most.
func (d *daemonProcess) within(n int64, limit time.Duration) {
	late := time.After(limit)
	for n > 0 {
		select {
		case c, ok := <-d.commits:
			if !ok {
				return
			}
			n -= c.read
		case <-late:
			return
		}
	}
}

func acceptedSoFar(t *testing.T, db string) int64 {
	t.Helper()
	if _, err := os.Stat(db); err != nil {
		return 0
	}
	st := openStore(t, db)
	defer st.Close()
	counts, _, err := st.Totals(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return counts.Accepted
}
