package tables

import (
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestCountriesRoundTrip packs random ranges, with starts at every scale, and holds look-ups to a search from the front.
func TestCountriesRoundTrip(t *testing.T) {
	codes := []string{"", "DE", "FR", "US"}
	v4 := rapid.Custom(func(t *rapid.T) netip.Addr {
		n := rapid.Uint32().Draw(t, "n") >> rapid.IntRange(0, 31).Draw(t, "shift")
		return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
	})
	v6 := rapid.Custom(func(t *rapid.T) netip.Addr {
		var b [16]byte
		for range rapid.IntRange(0, 4).Draw(t, "bytes") {
			b[rapid.IntRange(0, 15).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
		}
		b[0] |= 0x20 // no IPv4 in disguise
		return netip.AddrFrom16(b)
	})
	rapid.Check(t, func(t *rapid.T) {
		family := func(addr *rapid.Generator[netip.Addr]) (ranges []Range) {
			starts := rapid.SliceOfNDistinct(addr, 0, 12, func(a netip.Addr) netip.Addr { return a }).Draw(t, "starts")
			slices.SortFunc(starts, netip.Addr.Compare)
			for _, s := range starts {
				ranges = append(ranges, Range{s, rapid.SampledFrom(codes).Draw(t, "country")})
			}
			return ranges
		}
		r4, r6 := family(v4), family(v6)
		packed, err := EncodeCountries(r4, r6)
		if err != nil {
			t.Fatal(err)
		}
		table, err := DecodeCountries(packed)
		if err != nil {
			t.Fatal(err)
		}
		check := func(ranges []Range, ip netip.Addr) {
			want := ""
			for _, r := range ranges {
				if !ip.Less(r.Start) {
					want = r.Country
				}
			}
			if got := table.Lookup(ip); got != want {
				t.Fatalf("%s is in %q, want %q of %v", ip, got, want, ranges)
			}
		}
		for _, r := range slices.Concat(r4, r6) {
			ranges := r4
			if r.Start.Is6() {
				ranges = r6
			}
			for _, ip := range []netip.Addr{r.Start.Prev(), r.Start, r.Start.Next()} {
				if ip.IsValid() && !ip.Is4In6() {
					check(ranges, ip)
				}
			}
		}
		check(r4, v4.Draw(t, "ip"))
		check(r6, v6.Draw(t, "ip"))
	})
}

func TestEncodeCountriesFaults(t *testing.T) {
	a, b := netip.MustParseAddr("1.0.0.0"), netip.MustParseAddr("2.0.0.0")
	if _, err := EncodeCountries([]Range{{b, "DE"}, {a, "FR"}}, nil); err == nil {
		t.Error("ranges out of order are packed")
	}
	if _, err := EncodeCountries([]Range{{a, "GER"}}, nil); err == nil {
		t.Error("a country of three letters is packed")
	}
}

func TestDistancesRoundTrip(t *testing.T) {
	codes := []string{"AA", "BB", "CC", "DD", "EE"}
	table, err := NewDistances(codes, func(i, j int) float64 { return float64(10*i+j) + 0.9 })
	if err != nil {
		t.Fatal(err)
	}
	packed, err := table.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if table, err = DecodeDistances(packed); err != nil {
		t.Fatal(err)
	}
	for i, a := range codes {
		for j, b := range codes {
			want := float64(10*min(i, j) + max(i, j))
			if i == j {
				want = 0
			}
			if got := table.KM(a, b); got != want {
				t.Errorf("%s %s: %f km, want %f", a, b, got, want)
			}
		}
	}
	if d := table.KM("AA", "AB"); d != 0 {
		t.Errorf("%f km to a country that is not there", d)
	}
	if d := (&Distances{}).KM("AA", "BB"); d != 0 {
		t.Errorf("%f km in an empty table", d)
	}
	far, err := NewDistances(codes, func(int, int) float64 { return 1e9 })
	if err != nil || far.KM("AA", "BB") != 65535 {
		t.Errorf("a distance over the limit is %f, %v", far.KM("AA", "BB"), err)
	}
	if _, err := NewDistances([]string{"B", "A"}, nil); err == nil {
		t.Error("unsorted countries make a table")
	}
}

func FuzzDecode(f *testing.F) {
	countries, err := EncodeCountries([]Range{{netip.MustParseAddr("1.0.0.0"), "DE"}, {netip.MustParseAddr("1.1.0.0"), ""}}, []Range{{netip.MustParseAddr("2000::"), "US"}})
	if err != nil {
		f.Fatal(err)
	}
	d, err := NewDistances([]string{"DE", "US"}, func(int, int) float64 { return 5 })
	if err != nil {
		f.Fatal(err)
	}
	distances, err := d.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(countries)
	f.Add(distances)
	f.Fuzz(func(t *testing.T, b []byte) {
		if packed, err := compress(b); err == nil { // so that mutations reach the text
			decodeBoth(packed)
		}
		decodeBoth(b)
	})
}

func decodeBoth(b []byte) {
	if t, err := DecodeCountries(b); err == nil {
		for _, ip := range []string{"0.0.0.0", "1.0.0.1", "255.255.255.255", "::1", "2000::1", "ffff::"} {
			t.Lookup(netip.MustParseAddr(ip))
		}
	}
	if t, err := DecodeDistances(b); err == nil {
		for _, a := range t.Countries() {
			t.KM(a, "US")
		}
	}
}
