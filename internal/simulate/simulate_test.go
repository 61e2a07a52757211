package simulate

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"detect/internal/record"
)

// generate collects the lines of a simulation.
func generate(t testing.TB, cfg Config) ([][]byte, Truth) {
	t.Helper()
	var lines [][]byte
	truth, err := Generate(cfg, func(line []byte) error {
		lines = append(lines, bytes.Clone(line))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines, truth
}

func everything() Config {
	return Config{Seed: 7, Users: 150, Records: 30_000, Duration: 14 * 24 * time.Hour, Attacks: []string{"all"}}
}

func TestSameSeedSameBytes(t *testing.T) {
	digest := func(cfg Config) string {
		h := sha256.New()
		truth, err := Write(h, cfg)
		if err != nil {
			t.Fatal(err)
		}
		if err := truth.WriteJSON(h); err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%x", h.Sum(nil))
	}
	cfg := everything()
	first := digest(cfg)
	if again := digest(cfg); again != first {
		t.Error("the same configuration gave different bytes")
	}
	cfg.Seed++
	if other := digest(cfg); other == first {
		t.Error("another seed gave the same bytes")
	}
}

func TestRecordsAreSound(t *testing.T) {
	lines, truth := generate(t, everything())
	ids := map[string]time.Time{}
	operations := map[string]int{}
	var r record.Record
	var newest int64
	var size int
	for _, line := range lines {
		if err := r.Parse(line); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		if bytes.ContainsAny(line, "\n\r") { // json.Unmarshal below says the rest
			t.Fatalf("not one line of JSON: %s", line)
		}
		var common struct{ Id, Operation, CreationTime, UserId, OrganizationId, Workload string }
		if err := json.Unmarshal(line, &common); err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse("2006-01-02T15:04:05", common.CreationTime)
		if err != nil || common.UserId == "" || common.OrganizationId == "" || common.Workload == "" {
			t.Fatalf("incomplete: %s", line)
		}
		if us, ok := r.Time(); !ok || us != at.UnixMicro() {
			t.Fatalf("time %d, %v, want %s", us, ok, at)
		}
		if _, twice := ids[common.Id]; twice {
			t.Fatalf("Id %s is there twice", common.Id)
		}
		ids[common.Id] = at
		operations[common.Operation]++
		if late := newest - at.UnixMicro(); late > Disorder.Microseconds() {
			t.Fatalf("%d µs late: %s", late, line)
		}
		newest = max(newest, at.UnixMicro())
		if at.Before(truth.Start) || !at.Before(truth.End) {
			t.Fatalf("outside of %s to %s: %s", truth.Start, truth.End, line)
		}
		size += len(line)
		if a := r.IP(); a.IsValid() && !a.IsLoopback() && !(Geo{}).Place(a).Known {
			t.Fatalf("no place for %s in %s", a, line)
		}
	}
	if len(operations) < 27 {
		t.Errorf("%d operations: %v", len(operations), operations)
	}
	if mean := size / len(lines); mean < 1500 || mean > 2100 {
		t.Errorf("mean size %d", mean)
	}
	t.Logf("%d records, mean %d bytes, %d operations", len(lines), size/len(lines), len(operations))
	checkTruth(t, truth, ids)
}

// checkTruth is that each record of the truth exists, at its time.
func checkTruth(t *testing.T, truth Truth, ids map[string]time.Time) {
	t.Helper()
	if int(truth.Records) != len(ids) {
		t.Errorf("truth says %d records, there are %d", truth.Records, len(ids))
	}
	seen := map[string]bool{}
	for _, e := range truth.Expected {
		seen[e.Attack] = true
		if len(e.Records) == 0 || len(e.By) == 0 {
			t.Errorf("empty: %+v", e)
		}
		for _, id := range e.Records {
			at, ok := ids[id]
			if !ok {
				t.Fatalf("%s: no record %s", e.Attack, id)
			}
			if at.Before(e.First) || at.After(e.Last) {
				t.Errorf("%s: record at %s is not within %s to %s", e.Attack, at, e.First, e.Last)
			}
		}
		if e.Attack == "ordinary life" {
			t.Errorf("ordinary life looks like an attack: %+v", e)
		}
	}
	for _, a := range Attacks() {
		if !seen[a.Name] && a.Name != "breach" {
			t.Errorf("the truth says nothing of %s", a.Name)
		}
	}
}

func TestRecordsAsAsked(t *testing.T) {
	for _, cfg := range []Config{
		{Users: 100, Records: 20_000, Duration: 7 * 24 * time.Hour},
		{Users: 1000, Records: 30_000, Duration: 30 * 24 * time.Hour},
		{Users: 40, Records: 40_000, Duration: 7 * 24 * time.Hour},
		{Users: 300, Records: 20_000},
		{Users: 300, Records: 10_000, Duration: 24 * time.Hour},
	} {
		truth, err := Generate(cfg, func([]byte) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		got := int(truth.Records)
		t.Logf("%d users, %s, %d records wanted: %d (%+.1f %%)", cfg.Users, truth.End.Sub(truth.Start), cfg.Records, got, 100*float64(got-cfg.Records)/float64(cfg.Records))
		if got < cfg.Records*9/10 || got > cfg.Records*11/10 {
			t.Errorf("%d records instead of %d", got, cfg.Records)
		}
	}
}

// TestOrdinaryLifeStaysBelow holds that people without a part in an attack never come near what the rules count.
func TestOrdinaryLifeStaysBelow(t *testing.T) {
	lines, truth := generate(t, Config{Seed: 3, Users: 60, Records: 60_000, Duration: 3 * 24 * time.Hour})
	for _, e := range truth.Expected {
		if !e.Optional {
			t.Errorf("expected without an attack: %+v", e)
		}
	}
	type event struct {
		at     int64
		object string
	}
	wrong, sprayed, downloads := map[string][]event{}, map[string][]event{}, map[string][]event{}
	var r record.Record
	for _, line := range lines {
		if err := r.Parse(line); err != nil {
			t.Fatal(err)
		}
		us, _ := r.Time()
		switch op := r.Text(record.FOperation); {
		case op == "UserLoginFailed" && r.Text(record.FErrorNumber) == "50126":
			wrong[r.User()] = append(wrong[r.User()], event{us, string(line)})
			sprayed[r.IP().String()] = append(sprayed[r.IP().String()], event{us, r.User()})
		case op == "FileDownloaded":
			downloads[r.User()] = append(downloads[r.User()], event{us, r.Text(record.FObjectId)})
		case op == "AnonymousLinkCreated":
			t.Errorf("open to anyone: %s", line)
		}
	}
	below := func(what string, m map[string][]event, n int) {
		for who, events := range m {
			slices.SortFunc(events, func(a, b event) int { return int(a.at - b.at) })
			for i := range events {
				different := map[string]bool{}
				for j := i; j >= 0 && events[i].at-events[j].at < int64(10*time.Minute/time.Microsecond); j-- {
					different[events[j].object] = true
				}
				if len(different) >= n {
					t.Errorf("%s: %d by %s within ten minutes", what, len(different), who)
					break
				}
			}
		}
	}
	below("wrong passwords", wrong, 10)
	below("people sprayed", sprayed, 10)
	below("downloads", downloads, 50)
}

func TestTravelIsPossible(t *testing.T) {
	lines, _ := generate(t, Config{Seed: 11, Users: 300, Records: 30_000, Duration: 90 * 24 * time.Hour})
	type stop struct {
		at   int64
		addr netip.Addr
	}
	journeys := map[string][]stop{}
	var r record.Record
	trips := 0
	for _, line := range lines {
		if err := r.Parse(line); err != nil {
			t.Fatal(err)
		}
		_, network := Geo{}.ASN(r.IP())
		if r.Text(record.FOperation) != "UserLoggedIn" || strings.HasPrefix(network, "MICROSOFT") {
			continue
		}
		us, _ := r.Time()
		journeys[r.User()] = append(journeys[r.User()], stop{us, r.IP()})
	}
	for user, stops := range journeys {
		slices.SortFunc(stops, func(a, b stop) int { return int(a.at - b.at) })
		for i := 1; i < len(stops); i++ {
			a, b := Geo{}.Place(stops[i-1].addr), Geo{}.Place(stops[i].addr)
			km := kilometres(city{lat: a.Lat, lon: a.Lon}, city{lat: b.Lat, lon: b.Lon})
			if km < 100 {
				continue
			}
			trips++
			if h := float64(stops[i].at-stops[i-1].at) / 3.6e9; km/h > 750 {
				t.Errorf("%s went from %s to %s in %.1f h", user, a.City, b.City, h)
			}
		}
	}
	if trips < 100 {
		t.Errorf("only %d trips", trips)
	}
}

func TestSample(t *testing.T) {
	log, truth, err := Sample()
	if err != nil {
		t.Fatal(err)
	}
	rules := map[string]int{}
	for _, e := range truth.Expected {
		if e.Optional || !e.Fires {
			t.Errorf("the sample leaves open: %+v", e)
		}
		rules[e.Rule]++
	}
	want := map[string]int{"entra-password-spray": 1, "entra-impossible-travel": 2, "exchange-hiding-inbox-rule": 1, "exchange-external-forwarding": 1,
		"exchange-mailbox-permission": 1, "exchange-non-owner-access": 1, "sharepoint-mass-download": 1, "sharepoint-anonymous-link": 1, "entra-privileged-role": 1}
	if fmt.Sprint(rules) != fmt.Sprint(want) {
		t.Errorf("the sample's story is %v, want %v", rules, want)
	}
	if n := bytes.Count(log, []byte("\n")); n < 3000 || n > 4200 {
		t.Errorf("%d records", n)
	}
}

func TestBadConfig(t *testing.T) {
	for _, c := range []struct {
		cfg  Config
		want string
	}{
		{Config{Users: 3}, "40 to 200,000"},
		{Config{Duration: time.Second}, "an hour to twenty years"},
		{Config{Records: -1}, "negative"},
		{Config{Domain: "no domain"}, "contoso.example"},
		{Config{Attacks: []string{"hidin-rule"}}, `no attack is called "hidin-rule"`},
		{Config{Duration: time.Hour, Attacks: []string{"breach"}}, "it takes 24h"},
	} {
		if _, err := Generate(c.cfg, func([]byte) error { return nil }); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.cfg, err, c.want)
		}
	}
	stop := fmt.Errorf("full")
	n := 0
	if _, err := Generate(Config{}, func([]byte) error { n++; return stop }); err != stop || n != 1 {
		t.Errorf("an error of emit gave %v after %d calls", err, n)
	}
}

// TestAnyConfig holds that whatever is asked for is either refused or done, with records that can be read.
func TestAnyConfig(t *testing.T) {
	d := newDice(4, 4)
	names := Attacks()
	for range 120 {
		cfg := Config{Seed: d.pcg.Uint64(), Start: time.Unix(d.span(0, 250_000_000_000), 5), Duration: time.Duration(d.span(1, 1+int64(d.few(60*24)))) * time.Hour,
			Users: 40 + d.few(400), Records: 1 + d.few(4000), Domain: pick(&d, []string{"", "a.b", "-.x", "x..y.", "Long-Name.Example"}), NoShared: d.n(2) == 0}
		for range d.n(4) {
			cfg.Attacks = append(cfg.Attacks, names[d.n(len(names))].Name)
		}
		var r record.Record
		truth, err := Generate(cfg, r.Parse)
		if err != nil && !strings.Contains(err.Error(), "it takes") && !strings.Contains(err.Error(), "the year") {
			t.Fatalf("%+v: %v", cfg, err)
		}
		for _, e := range truth.Expected {
			if e.Last.Before(e.First) || e.First.Before(truth.Start) || !e.Last.Before(truth.End) {
				t.Errorf("%+v: %+v", cfg, e)
			}
		}
	}
}

func TestCheck(t *testing.T) {
	at := time.Date(2026, 3, 3, 9, 0, 0, 0, time.UTC)
	truth := Truth{Expected: []Expectation{
		{Rule: "a", By: map[string]string{"user": "x@contoso.example", "ip": "203.0.113.1"}, First: at, Last: at.Add(time.Minute), Records: []string{"1"}, Fires: true},
		{Rule: "a", By: map[string]string{"user": "y@contoso.example"}, First: at, Last: at, Records: []string{"2"}},
		{Rule: "b", By: map[string]string{"user": "y@contoso.example"}, First: at, Last: at, Records: []string{"3"}, Fires: true},
	}}
	good := Alert{Rule: "a", By: map[string]string{"user": "X@contoso.example"}, First: at, Last: at, Records: []string{"1"}}
	near := Alert{Rule: "a", By: map[string]string{"user": "y@contoso.example"}, First: at, Last: at, Records: []string{"2"}}
	late := good
	late.First, late.Last = at.Add(time.Hour), at.Add(time.Hour)
	if missing, wrong := truth.Check([]string{"a"}, []Alert{near, good, late}); len(missing) != 0 || !slices.Equal(wrong, []int{0, 2}) {
		t.Errorf("missing %v, wrong %v", missing, wrong)
	}
	if missing, _ := truth.Check([]string{"a", "b"}, nil); len(missing) != 2 {
		t.Errorf("missing %v", missing)
	}
}

func FuzzText(f *testing.F) {
	for _, s := range []string{"", "a", `"\`, "\x00\x1f\u007f", "\xff\xfe", "é\u2028\U0001f600", "a\xc3", "\r\n\t"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var got, want string
		if err := json.Unmarshal(appendText(nil, s), &got); err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b, &want); err != nil || got != want {
			t.Errorf("%q became %q, want %q", s, got, want)
		}
	})
}

func TestTime(t *testing.T) {
	d := newDice(1, 1)
	for range 20_000 {
		at := d.span(-1<<31, 253402300799)
		if got, want := string(appendTime(nil, at)), time.Unix(at, 0).UTC().Format("2006-01-02T15:04:05"); got != want {
			t.Fatalf("%d is %s, want %s", at, got, want)
		}
	}
}

func BenchmarkGenerate(b *testing.B) {
	cfg := Config{Seed: 1, Users: 5000, Records: 100_000, Duration: 30 * 24 * time.Hour, Attacks: []string{"all"}}
	b.ReportAllocs()
	var records, bytes int64
	for b.Loop() {
		truth, err := Generate(cfg, func([]byte) error { return nil })
		if err != nil {
			b.Fatal(err)
		}
		records, bytes = records+truth.Records, bytes+truth.Bytes
	}
	b.ReportMetric(float64(records)/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(float64(bytes)/1e6/b.Elapsed().Seconds(), "MB/s")
}
