package geo

import (
	"bytes"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
)

type m = mmdbtype.Map

// write makes a MaxMind DB file of records by network.
func write(t testing.TB, name, kind string, version int, records map[string]m) string {
	t.Helper()
	w, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: kind, IPVersion: version, RecordSize: 24, IncludeReservedNetworks: true})
	if err != nil {
		t.Fatal(err)
	}
	for network, r := range records {
		_, n, err := net.ParseCIDR(network)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Insert(n, r); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if _, err := w.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// maxmind is a city database in MaxMind's shape.
func maxmind(t testing.TB) string {
	return write(t, "GeoLite2-City.mmdb", "GeoLite2-City", 6, map[string]m{
		"81.2.69.0/24": {
			"city":      m{"geoname_id": mmdbtype.Uint32(1), "names": m{"de": mmdbtype.String("London (de)"), "en": mmdbtype.String("London")}},
			"continent": m{"names": m{"en": mmdbtype.String("Europe")}}, "country": m{"iso_code": mmdbtype.String("GB")},
			"location": m{"accuracy_radius": mmdbtype.Uint16(100), "latitude": mmdbtype.Float64(51.5142), "longitude": mmdbtype.Float64(-0.0931)},
		},
		"89.160.20.0/24": { // a part of a country, without a city or a radius
			"country": m{"iso_code": mmdbtype.String("SE")}, "location": m{"latitude": mmdbtype.Float64(58.4), "longitude": mmdbtype.Float64(15.6)},
			"subdivisions": mmdbtype.Slice{m{"iso_code": mmdbtype.String("E")}},
		},
		"5.83.124.0/24": { // the middle of a country
			"country": m{"iso_code": mmdbtype.String("US")}, "location": m{"accuracy_radius": mmdbtype.Uint16(1000), "latitude": mmdbtype.Float64(37.751), "longitude": mmdbtype.Float64(-97.822)},
		},
		"2a02:ec00::/32": {"country": m{"iso_code": mmdbtype.String("FR")}},
		"5.83.125.0/24":  {"traits": m{"is_anycast": mmdbtype.Bool(true)}}, // nothing of use
		"5.83.126.0/24":  {"country": mmdbtype.String("Germany"), "location": mmdbtype.Slice{}, "city": mmdbtype.Uint32(3)},
		"10.0.0.0/8":     {"country": m{"iso_code": mmdbtype.String("DE")}},
	})
}

func flat(city, country string, lat, lon float32) m {
	return m{
		"city": mmdbtype.String(city), "country_code": mmdbtype.String(country), "latitude": mmdbtype.Float32(lat), "longitude": mmdbtype.Float32(lon),
		"postcode": mmdbtype.String(""), "state1": mmdbtype.String(""), "state2": mmdbtype.String(""), "timezone": mmdbtype.String(""),
	}
}

func open(t testing.TB, cfg Config) *DB {
	t.Helper()
	db, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func places(t *testing.T, db *DB, want map[string]Place) {
	t.Helper()
	for ip, p := range want {
		if d := cmp.Diff(p, db.Place(netip.MustParseAddr(ip))); d != "" {
			t.Errorf("%s: %s", ip, d)
		}
	}
	if n, err := db.Faults(); n != 0 {
		t.Errorf("%d faults: %v", n, err)
	}
}

func TestMaxMindShape(t *testing.T) {
	db := open(t, Config{Cities: []string{maxmind(t)}, NoCountries: true})
	places(t, db, map[string]Place{
		"81.2.69.142":          {Known: true, City: "London", Country: "GB", Lat: 51.5142, Lon: -0.0931, Radius: 100},
		"::ffff:81.2.69.142":   {Known: true, City: "London", Country: "GB", Lat: 51.5142, Lon: -0.0931, Radius: 100},
		"89.160.20.112":        {Known: true, Country: "SE", Lat: 58.4, Lon: 15.6, Radius: DefaultRadius},
		"5.83.124.1":           {Known: true, Country: "US", CountryOnly: true},
		"2a02:ec00::1":         {Known: true, Country: "FR", CountryOnly: true},
		"5.83.125.1":           {},
		"5.83.126.1":           {},
		"10.1.2.3":             {}, // private, whatever the file says
		"1.1.1.1":              {},
		"2a00:1450:4001::1%lo": {},
	})
}

func TestFlatShapeInTwoFiles(t *testing.T) {
	v4 := write(t, "dbip-city-ipv4.mmdb", "city ipv4", 4, map[string]m{
		"81.2.69.0/24": flat("London", "GB", 51.5, -0.25), "81.2.70.0/24": flat("", "gb", 54, -2), "81.2.71.0/24": flat("Nowhere", "", 1, 1),
	})
	v6 := write(t, "dbip-city-ipv6.mmdb", "city ipv6", 6, map[string]m{"2a00:1450::/32": flat("Frankfurt am Main", "DE", 50.125, 8.75)})
	db := open(t, Config{Cities: []string{v4, v6}, NoCountries: true})
	places(t, db, map[string]Place{
		"81.2.69.142":    {Known: true, City: "London", Country: "GB", Lat: 51.5, Lon: -0.25, Radius: DefaultRadius},
		"81.2.70.1":      {Known: true, Country: "GB", CountryOnly: true},
		"81.2.71.1":      {Known: true, City: "Nowhere", Lat: 1, Lon: 1, Radius: DefaultRadius},
		"2a00:1450::1":   {Known: true, City: "Frankfurt am Main", Country: "DE", Lat: 50.125, Lon: 8.75, Radius: DefaultRadius},
		"2a00:1451::1":   {},
		"81.3.0.0":       {},
		"fe80::1%eth0":   {},
		"::ffff:1.2.3.4": {},
	})
}

func TestEmbeddedCountries(t *testing.T) {
	db := open(t, Config{})
	only := func(c string) Place { return Place{Known: true, Country: c, CountryOnly: true} }
	places(t, db, map[string]Place{
		"8.8.8.8": only("US"), "81.2.69.142": only("GB"), "193.99.144.80": only("DE"), "202.12.29.205": only("AU"), "2a02:2e0:3fe:1001:302::": only("DE"),
		"2001:200::1": only("JP"), "10.0.0.1": {}, "::1": {}, "198.51.100.1": {}, "2001:db8::1": {}, "0.0.0.0": {}, "255.255.255.255": {},
	})
	v4, v6 := countries().Len()
	if v4 < 300_000 || v6 < 200_000 {
		t.Errorf("only %d and %d ranges", v4, v6)
	}
	if number, network := db.ASN(netip.MustParseAddr("8.8.8.8")); number != 0 || network != "" {
		t.Errorf("network %d %q without a file", number, network)
	}
	if db.Place(netip.Addr{}) != (Place{}) {
		t.Error("no address has a place")
	}
}

func TestPrecedence(t *testing.T) {
	table := NewTable([]Entry{
		{Prefix: netip.MustParsePrefix("198.51.100.0/24"), Place: country("NZ"), ASN: 64496, Network: "Contoso"},
		{Prefix: netip.MustParsePrefix("81.2.69.0/28"), Place: country("NZ")},
		{Prefix: netip.MustParsePrefix("8.8.8.0/24")}, // no place, by decision
	})
	asn := write(t, "GeoLite2-ASN.mmdb", "GeoLite2-ASN", 6, map[string]m{
		"81.2.69.0/24": {"autonomous_system_number": mmdbtype.Uint32(20712), "autonomous_system_organization": mmdbtype.String("Andrews & Arnold")},
	})
	db := open(t, Config{Cities: []string{maxmind(t)}, Networks: []string{asn}, Tables: []*Table{NewTable(nil), table}})
	places(t, db, map[string]Place{
		"198.51.100.3": country("NZ"), // even a documentation network, since the table says so
		"198.18.0.1":   {},
		"81.2.69.1":    country("NZ"),
		"8.8.8.8":      {},
		"81.2.69.142":  {Known: true, City: "London", Country: "GB", Lat: 51.5142, Lon: -0.0931, Radius: 100},
		"5.83.126.1":   country("IT"), // what the file does not know, the embedded table does
	})
	f := func(ip string, number uint32, network string) {
		t.Helper()
		if n, s := db.ASN(netip.MustParseAddr(ip)); n != number || s != network {
			t.Errorf("%s: network %d %q, want %d %q", ip, n, s, number, network)
		}
	}
	f("198.51.100.3", 64496, "Contoso")
	f("81.2.69.142", 20712, "Andrews & Arnold")
	f("81.2.69.1", 20712, "Andrews & Arnold") // the table only says where it is
	f("1.1.1.1", 0, "")
	f("10.0.0.1", 0, "")
}

func TestOpenFaults(t *testing.T) {
	good := maxmind(t)
	asn := write(t, "asn.mmdb", "GeoLite2-ASN", 6, map[string]m{"81.2.69.0/24": {"autonomous_system_number": mmdbtype.Uint32(1)}})
	empty := write(t, "empty.mmdb", "GeoLite2-City", 6, nil)
	text := filepath.Join(t.TempDir(), "text.mmdb")
	if err := os.WriteFile(text, []byte("prefix,country\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := func(cfg Config, wants ...string) {
		t.Helper()
		db, err := Open(cfg)
		if err == nil {
			db.Close()
			t.Errorf("%v opens", cfg)
			return
		}
		for _, want := range wants {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("error %q does not say %q", err, want)
			}
		}
	}
	f(Config{Cities: []string{"no-such-file.mmdb"}}, "open city database no-such-file.mmdb", "no such file")
	f(Config{Cities: []string{text}}, "open city database", text)
	f(Config{Cities: []string{asn}}, `its type is "GeoLite2-ASN"`, "city database")
	f(Config{Networks: []string{good}}, `its type is "GeoLite2-City"`, "network database")
	f(Config{Cities: []string{empty}}, "it holds no network")
	f(Config{Cities: []string{good, text}, Networks: []string{"missing"}}, text, "missing") // every fault at once
}

// TestCutWhileOpen overwrites a file that is open, as a careless update does: look-ups must neither crash the program nor
// pass the fault over.
func TestCutWhileOpen(t *testing.T) {
	path := maxmind(t)
	db := open(t, Config{Cities: []string{path}})
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	if p := db.Place(netip.MustParseAddr("81.2.69.142")); p != country("GB") {
		t.Errorf("%v, want what the embedded table says", p)
	}
	if n, err := db.Faults(); n != 1 || err == nil {
		t.Errorf("%d faults, %v", n, err)
	}
}

func TestConcurrentLookups(t *testing.T) {
	db := open(t, Config{Cities: []string{maxmind(t)}})
	want := db.Place(netip.MustParseAddr("81.2.69.142"))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 1000 {
				if got := db.Place(netip.MustParseAddr("81.2.69.142")); got != want {
					t.Errorf("%v, want %v", got, want)
					return
				}
				db.Place(netip.MustParseAddr("8.8.8.8"))
			}
		})
	}
	wg.Wait()
}

// FuzzOpen opens what is no good database and asks it: no panic, and no place that is out of the world.
func FuzzOpen(f *testing.F) {
	for _, path := range []string{maxmind(f), write(f, "flat", "city ipv4", 4, map[string]m{"81.2.69.0/24": flat("London", "GB", 51.5, -0.25)})} {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	path := filepath.Join(f.TempDir(), "fuzz.mmdb")
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		db, err := Open(Config{Cities: []string{path}, NoCountries: true})
		if err != nil {
			return
		}
		defer db.Close()
		for _, ip := range []string{"81.2.69.142", "1.1.1.1", "2a02:ec00::1", "255.255.255.255"} {
			p := db.Place(netip.MustParseAddr(ip))
			if p.Known && !p.CountryOnly && !(p.Lat >= -90 && p.Lat <= 90 && p.Lon >= -180 && p.Lon <= 180 && p.Radius > 0) {
				t.Errorf("%s is at %v", ip, p)
			}
		}
	})
}

func BenchmarkPlace(b *testing.B) {
	ips := make([]netip.Addr, 0, 4096)
	for i := range 4096 {
		ips = append(ips, netip.AddrFrom4([4]byte{byte(1 + i%223), byte(i * 7), byte(i * 13), 1}))
	}
	run := func(name string, cfg Config) {
		b.Run(name, func(b *testing.B) {
			db := open(b, cfg)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				db.Place(ips[i%len(ips)])
			}
		})
	}
	run("countries", Config{})
	run("table", Config{Tables: []*Table{NewTable([]Entry{{Prefix: netip.MustParsePrefix("0.0.0.0/1"), Place: country("DE")}, {Prefix: netip.MustParsePrefix("128.0.0.0/1"), Place: country("FR")}})}})
	run("maxmind", Config{Cities: []string{write(b, "c", "c", 6, map[string]m{"0.0.0.0/1": {
		"city": m{"names": m{"en": mmdbtype.String("London")}}, "country": m{"iso_code": mmdbtype.String("GB")},
		"location": m{"accuracy_radius": mmdbtype.Uint16(100), "latitude": mmdbtype.Float64(51.5142), "longitude": mmdbtype.Float64(-0.0931)},
	}})}})
	if path := os.Getenv("DETECT_CITY_MMDB"); path != "" {
		run("file", Config{Cities: []string{path}})
	}
}

func BenchmarkKM(b *testing.B) {
	b.Run("cities", func(b *testing.B) {
		for b.Loop() {
			KM(city(52.52, 13.405, 10), city(40.7128, -74.006, 20))
		}
	})
	b.Run("countries", func(b *testing.B) {
		for b.Loop() {
			KM(country("DE"), country("US"))
		}
	})
}
