package geo

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

const offices = "\ufeffprefix,country,city,lat,lon,radius,asn,network\n" +
	"# the head office\n" +
	"198.51.100.0/24,de,Berlin,52.5,13.4,20,AS64496,\"Contoso, Berlin\"\n" +
	"198.51.100.128/25,FR,,,,,64497,\n" +
	"198.51.100.7,,,,,,,\n" +
	"2001:db8:1::/48,US,New York,40.7,-74,,,\n"

func TestTable(t *testing.T) {
	table, err := ParseTable(strings.NewReader(offices), "offices.csv")
	if err != nil {
		t.Fatal(err)
	}
	f := func(ip string, want Place, asn uint32, network string) {
		t.Helper()
		e, _ := table.Lookup(netip.MustParseAddr(ip))
		if d := cmp.Diff(want, e.Place); d != "" {
			t.Errorf("%s: %s", ip, d)
		}
		if e.ASN != asn || e.Network != network {
			t.Errorf("%s: network %d %q, want %d %q", ip, e.ASN, e.Network, asn, network)
		}
	}
	berlin := Place{Known: true, City: "Berlin", Country: "DE", Lat: 52.5, Lon: 13.4, Radius: 20}
	f("198.51.100.1", berlin, 64496, "Contoso, Berlin")
	f("::ffff:198.51.100.1", berlin, 64496, "Contoso, Berlin")
	f("198.51.100.127", berlin, 64496, "Contoso, Berlin")
	f("198.51.100.128", Place{Known: true, Country: "FR", CountryOnly: true}, 64497, "")
	f("198.51.100.7", Place{}, 0, "")
	f("2001:db8:1:2::3%lo", Place{Known: true, City: "New York", Country: "US", Lat: 40.7, Lon: -74}, 0, "")
	for _, ip := range []string{"198.51.101.1", "2001:db8:2::1", "1.1.1.1"} {
		if e, ok := table.Lookup(netip.MustParseAddr(ip)); ok {
			t.Errorf("%s is in %s", ip, e.Prefix)
		}
	}
	if _, ok := table.Lookup(netip.Addr{}); ok {
		t.Error("no address is in a table")
	}
}

func TestTableFaults(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		_, err := ParseTable(strings.NewReader(text), "t.csv")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
	f("", "no first line")
	f("country,city\n", "t.csv:1: no column prefix")
	f("prefix,colour\n", `t.csv:1: unknown column "colour"`)
	f("prefix,lat,lat\n", `column "lat" occurs twice`)
	f("prefix\n10.0.0.0/33\n", `t.csv:2: "10.0.0.0/33" is no network`)
	f("prefix\nfe80::1%a\n", "is no network")
	f("prefix,country\n10.0.0.0/8,GER\n", `t.csv:2: country "GER" is not two letters`)
	f("prefix,lat,lon\n10.0.0.0/8,91,0\n", `lat "91" is not a number within 90`)
	f("prefix,lat,lon\n10.0.0.0/8,NaN,0\n", "not a number")
	f("prefix,lat,lon\n10.0.0.0/8,1,\n", "one of lat and lon is missing")
	f("prefix,radius\n10.0.0.0/8,-1\n", `radius "-1"`)
	f("prefix,asn\n10.0.0.0/8,ASX\n", `asn "ASX" is no number`)
	f("prefix\n\"10\n", "t.csv: ")
	f("prefix\nx\n\ny\n", "t.csv:4:") // every fault, with its own line
}

// TestTableIsLongestPrefix holds a table to the plain meaning of a longest prefix.
func TestTableIsLongestPrefix(t *testing.T) {
	addr := rapid.Custom(func(t *rapid.T) netip.Addr { // few addresses, so that networks overlap
		if rapid.Bool().Draw(t, "v6") {
			return netip.AddrFrom16([16]byte{0: 0x20, 5: byte(rapid.IntRange(0, 3).Draw(t, "a")), 15: byte(rapid.IntRange(0, 3).Draw(t, "b"))})
		}
		return netip.AddrFrom4([4]byte{198, byte(rapid.IntRange(0, 3).Draw(t, "a")), 0, byte(rapid.IntRange(0, 3).Draw(t, "b"))})
	})
	rapid.Check(t, func(t *rapid.T) {
		var entries []Entry
		for i := range rapid.IntRange(0, 12).Draw(t, "n") {
			a := addr.Draw(t, "addr")
			p := netip.PrefixFrom(a, rapid.IntRange(0, a.BitLen()).Draw(t, "bits"))
			entries = append(entries, Entry{Prefix: p, ASN: uint32(i + 1)})
		}
		table, ip := NewTable(entries), addr.Draw(t, "ip")
		var want Entry
		for _, e := range entries {
			if e.Prefix.Contains(ip) && (!want.Prefix.IsValid() || e.Prefix.Bits() >= want.Prefix.Bits()) {
				want = e
			}
		}
		got, ok := table.Lookup(ip)
		if ok != want.Prefix.IsValid() || got.ASN != want.ASN {
			t.Fatalf("%s is in %v, want %v", ip, got, want)
		}
	})
}

func FuzzParseTable(f *testing.F) {
	f.Add([]byte(offices))
	f.Add([]byte("prefix\n::/0\n::ffff:0:0/97\n"))
	f.Add([]byte("prefix,network\n1.2.3.4,\"a\nb\"\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		table, err := ParseTable(strings.NewReader(string(text)), "t.csv")
		if err != nil {
			return
		}
		for p, e := range table.entries {
			got, ok := table.Lookup(p.Addr())
			if !ok || got.Prefix.Bits() < p.Bits() {
				t.Fatalf("%s is not found under %s: %v", p.Addr(), p, got)
			}
			if d := KM(e.Place, Place{Known: true, Country: "DE"}); !(d >= 0) {
				t.Fatalf("%v is %f km away", e.Place, d)
			}
		}
	})
}
