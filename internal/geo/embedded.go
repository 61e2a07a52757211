package geo

import (
	_ "embed"
	"net/netip"
	"sync"

	"detect/internal/geo/tables"
)

// The tables are made by `go generate` from what Debian's packages tor-geoipdb and iso-codes and the npm package
// world-atlas@2.0.2 install; data/README says of which versions.
//
//go:generate go run ./generate -data data -atlas node_modules/world-atlas/countries-10m.json

//go:embed data/countries.bin.zst
var packedCountries []byte

//go:embed data/distances.bin.zst
var packedDistances []byte

// The tables are unpacked when they are first asked, in about 20 ms: who has a city database and no address outside it
// never pays for them. They are part of the program, and a test unpacks them, so that an error can't happen in one that
// was built from tested sources; if it did, nothing would be known of any country.
var (
	countries = sync.OnceValue(func() *tables.Countries {
		t, err := tables.DecodeCountries(packedCountries)
		if err != nil {
			return &tables.Countries{}
		}
		return t
	})
	distances = sync.OnceValue(func() *tables.Distances {
		t, err := tables.DecodeDistances(packedDistances)
		if err != nil {
			return &tables.Distances{}
		}
		return t
	})
)

// countryOf is the country of an address in the embedded table; "" if it is not there.
func countryOf(ip netip.Addr) string { return countries().Lookup(ip) }

// countryDistance is the least distance of two countries' outlines in km; 0 if either is not known.
func countryDistance(a, b string) float64 {
	if a == b {
		return 0
	}
	return distances().KM(a, b)
}
