package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"detect/internal/simulate"
)

// replayed runs `detect test --format json` on logs and gives the report.
func replayed(t *testing.T, args ...string) *report {
	t.Helper()
	var out, errs bytes.Buffer
	if status := run(context.Background(), append([]string{"test", "--format", "json", "--quiet"}, args...), strings.NewReader(""), &out, &errs); status != 0 {
		t.Fatalf("detect test %v: exit status %d: %s", args, status, &errs)
	}
	var r report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	return &r
}

// tenant writes the files of a simulated tenant and gives its folder, its records and the truth about them.
func tenant(t *testing.T, cfg simulate.Config) (dir string, lines [][]byte, truth simulate.Truth) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "tenant")
	truth, err := simulateTo(dir, cfg, false)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "records.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	return dir, bytes.Split(bytes.TrimSuffix(data, []byte("\n")), []byte("\n")), truth
}

func write(t *testing.T, path string, data []byte) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestSimulatedAttacks replays a tenant under every scripted attack: each is found, and nothing else is.
func TestSimulatedAttacks(t *testing.T) {
	dir, _, truth := tenant(t, simulate.Config{Seed: 11, Records: 30_000, Attacks: []string{"all"}})
	r := replayed(t, "--config", filepath.Join(dir, "detect.yaml"), filepath.Join(dir, "records.ndjson"))
	checkTruth(t, r, truth)
}

// TestSample replays the embedded sample, whose story must be told whole.
func TestSample(t *testing.T) {
	_, truth, err := simulate.Sample()
	if err != nil {
		t.Fatal(err)
	}
	checkTruth(t, replayed(t), truth)
}

func checkTruth(t *testing.T, r *report, truth simulate.Truth) {
	t.Helper()
	var ids []string
	for _, rule := range r.Rules {
		ids = append(ids, rule.ID)
		if rule.Errors > 0 {
			t.Errorf("%s: %d evaluation errors, the first %s", rule.ID, rule.Errors, rule.FirstError)
		}
	}
	if r.Records.Rejected > 0 {
		t.Errorf("%d records rejected", r.Records.Rejected)
	}
	var alerts []simulate.Alert
	for _, a := range r.Alerts {
		alerts = append(alerts, simulate.Alert{Rule: a.Rule, By: a.By, First: a.First, Last: a.Last, Records: a.Records})
	}
	missing, wrong := truth.Check(ids, alerts)
	for _, m := range missing {
		t.Errorf("%s of %s by %v at %s: not found", m.Attack, m.Rule, m.By, m.First.Format(time.DateTime))
	}
	for _, i := range wrong {
		t.Errorf("nothing explains %s %v at %s: %s", r.Alerts[i].Rule, r.Alerts[i].By, r.Alerts[i].First.Format(time.DateTime), r.Alerts[i].Title)
	}
	if len(r.Alerts) == 0 {
		t.Error("no alerts at all")
	}
}

// TestOrderAndPacking replays the same records in other orders and files: the alerts must be the same, and the counts
// but for repeats.
func TestOrderAndPacking(t *testing.T) {
	dir, lines, _ := tenant(t, simulate.Config{Seed: 5, Records: 12_000, Attacks: []string{"all"}})
	sameInAnyOrder(t, dir, lines)
}

// TestYearOfDisorder is TestOrderAndPacking for a year, in which the order is wrong by months.
func TestYearOfDisorder(t *testing.T) {
	dir, lines, _ := tenant(t, simulate.Config{Seed: 6, Users: 40, Records: 15_000, Duration: 365 * 24 * time.Hour, Attacks: []string{"all"}})
	sameInAnyOrder(t, dir, lines)
}

func sameInAnyOrder(t *testing.T, dir string, lines [][]byte) {
	t.Helper()
	config := filepath.Join(dir, "detect.yaml")
	want := replayed(t, "--config", config, filepath.Join(dir, "records.ndjson"))
	if len(want.Alerts) < 10 {
		t.Fatalf("only %d alerts to compare", len(want.Alerts))
	}
	join := func(lines [][]byte) []byte { return append(bytes.Join(lines, []byte("\n")), '\n') }
	dice := rand.New(rand.NewPCG(1, uint64(len(lines))))
	shuffled := slices.Clone(lines)
	dice.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	reversed := slices.Clone(lines)
	slices.Reverse(reversed)

	packs := map[string]func(folder string) (repeats int64){
		"reversed": func(folder string) int64 {
			write(t, folder+"/a.ndjson", join(reversed))
			return 0
		},
		"shuffled, as one array": func(folder string) int64 {
			write(t, folder+"/a.json", append(append([]byte{'['}, bytes.Join(shuffled, []byte(", "))...), ']'))
			return 0
		},
		"split over files that overlap, each packed another way": func(folder string) int64 {
			third := len(lines) / 3
			parts := [][][]byte{shuffled[:2*third], shuffled[third:], reversed[:third]}
			var gz, zs bytes.Buffer
			g := gzip.NewWriter(&gz)
			if _, err := g.Write(join(parts[1])); err != nil || g.Close() != nil {
				t.Fatal(err)
			}
			z, err := zstd.NewWriter(&zs)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := z.Write(join(parts[2])); err != nil || z.Close() != nil {
				t.Fatal(err)
			}
			write(t, folder+"/one", join(parts[0]))
			write(t, folder+"/deep/two", gz.Bytes())
			write(t, folder+"/three.log", zs.Bytes())
			return int64(len(parts[0]) + len(parts[1]) + len(parts[2]) - len(lines))
		},
	}
	for name, pack := range packs {
		folder := filepath.Join(dir, strings.ReplaceAll(name, " ", "-"))
		repeats := pack(folder)
		got := replayed(t, "--config", config, folder)
		if diff := cmp.Diff(standing(want), standing(got)); diff != "" {
			t.Errorf("%s: other alerts (-in order +so):\n%s", name, diff)
		}
		counts := want.Records
		counts.Read += repeats
		counts.Duplicate += repeats
		if counts != got.Records {
			t.Errorf("%s: counts %+v, want %+v", name, got.Records, counts)
		}
		for i := range want.Rules {
			w, g := want.Rules[i], got.Rules[i]
			if w.Alerts != g.Alerts {
				t.Errorf("%s: rule %s raised %d alerts, want %d", name, w.ID, g.Alerts, w.Alerts)
			}
		}
	}
}

// standing is what two runs must agree in.
func standing(r *report) []string {
	var list []string
	for _, a := range r.Alerts {
		list = append(list, fmt.Sprintf("%s %s %v %s..%s %d %s %q %v %v", a.ID, a.Rule, a.By, a.First, a.Last, a.Count, a.Severity, a.Title, a.Values, a.Records))
	}
	return list
}
