package geo

import (
	"fmt"
	"math"
	"net/netip"
	"runtime/debug"
	"strings"

	"github.com/oschwald/maxminddb-golang/v2"
	"github.com/oschwald/maxminddb-golang/v2/mmdbdata"
)

// DefaultRadius is the radius, in kilometres, of a place in a city database that states none (DB-IP's). MaxMind's own
// radii for cities are mostly between 1 and 50.
const DefaultRadius = 50

// file is an open MaxMind DB file.
type file struct {
	path   string
	reader *maxminddb.Reader
	ipv4   bool // it holds IPv4 addresses only
}

// openFile opens a database and looks at its first records: a file of another kind, or a broken one, is told now and not
// by every look-up. kind is what wanted finds in it, for the error.
func openFile(path, kind string, wanted func(*facts) bool) (f *file, err error) {
	defer func() {
		if p := recover(); p != nil {
			f, err = nil, fmt.Errorf("open %s database %s: not a readable MaxMind DB file: %v", kind, path, p)
		}
	}()
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	r, err := maxminddb.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open %s database %s: %w", kind, path, err)
	}
	f = &file{path: path, reader: r, ipv4: r.Metadata.IPVersion == 4}
	if err := f.probe(kind, wanted); err != nil {
		r.Close()
		return nil, fmt.Errorf("open %s database %s: %w", kind, path, err)
	}
	return f, nil
}

// probed is how many records are looked at when a file is opened.
const probed = 1000

// probe reads the first records.
func (f *file) probe(kind string, wanted func(*facts) bool) error {
	n := 0
	for res := range f.reader.Networks() {
		if err := res.Err(); err != nil {
			return fmt.Errorf("the search tree is broken: %w", err)
		}
		var found facts
		if err := res.Decode(&found); err != nil {
			return fmt.Errorf("the record of %s is broken: %w", res.Prefix(), err)
		}
		if wanted(&found) {
			return nil
		}
		if n++; n >= probed {
			break
		}
	}
	if n == 0 {
		return fmt.Errorf("it holds no network")
	}
	return fmt.Errorf("its type is %q and its first %d records say nothing that a %s database says", f.reader.Metadata.DatabaseType, n, kind)
}

// lookup reads what the file knows of ip; ok is false if that is nothing. A file that was cut or overwritten while it was
// open gives an error.
func (f *file) lookup(ip netip.Addr, to *facts) (ok bool, err error) {
	if f.ipv4 && !ip.Is4() {
		return false, nil
	}
	defer func() {
		if p := recover(); p != nil {
			ok, err = false, fmt.Errorf("look up %s in %s: %v", ip, f.path, p)
		}
	}()
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	res := f.reader.Lookup(ip)
	if err := res.Err(); err != nil {
		return false, fmt.Errorf("look up %s in %s: %w", ip, f.path, err)
	}
	if !res.Found() {
		return false, nil
	}
	if err := res.Decode(to); err != nil {
		return false, fmt.Errorf("look up %s in %s: %w", ip, f.path, err)
	}
	return true, nil
}

// facts is what a record of any of the known shapes says:
//
//   - MaxMind's GeoLite2 and GeoIP2, and DB-IP's own files: city.names.en, country.iso_code, subdivisions,
//     location.latitude, .longitude and .accuracy_radius; for networks autonomous_system_number and _organization
//   - the flat one of the npm packages @ip-location-db: city, country_code, state1, latitude, longitude; for networks the
//     same names as MaxMind's
type facts struct {
	city, country    string
	lat, lon, radius float64
	located          bool // lat and lon are there
	divided          bool // a part of the country is named
	asn              uint32
	network          string
}

// place is where the record says that its addresses are. Coordinates without a city and a part of the country are the
// country's middle, so that only the country counts.
func (f *facts) place() Place {
	p := Place{City: f.city}
	if c := strings.ToUpper(f.country); isCountry(c) {
		p.Country = c
	}
	valid := f.located && math.Abs(f.lat) <= 90 && math.Abs(f.lon) <= 180
	switch {
	case valid && (p.City != "" || f.divided || p.Country == ""):
		p.Known, p.Lat, p.Lon, p.Radius = true, f.lat, f.lon, DefaultRadius
		if f.radius > 0 && f.radius <= 20100 {
			p.Radius = f.radius
		}
	case p.Country != "":
		p.Known, p.CountryOnly = true, true
	default:
		return Place{}
	}
	return p
}

// UnmarshalMaxMindDBCursor reads a record of any of the known shapes and steps over whatever else is in it.
func (f *facts) UnmarshalMaxMindDBCursor(c mmdbdata.Cursor) (mmdbdata.Cursor, error) {
	*f = facts{lat: math.NaN(), lon: math.NaN()}
	return eachMember(c, f.member)
}

func (f *facts) member(key []byte, c mmdbdata.Cursor) (mmdbdata.Cursor, error) {
	switch string(key) {
	case "city":
		if isMap(c) {
			return eachMember(c, func(key []byte, c mmdbdata.Cursor) (mmdbdata.Cursor, error) {
				if string(key) != "names" {
					return c.Skip()
				}
				return eachMember(c, func(key []byte, c mmdbdata.Cursor) (mmdbdata.Cursor, error) {
					if string(key) != "en" {
						return c.Skip()
					}
					return readText(c, &f.city)
				})
			})
		}
		return readText(c, &f.city)
	case "country":
		return eachMember(c, func(key []byte, c mmdbdata.Cursor) (mmdbdata.Cursor, error) {
			if string(key) != "iso_code" {
				return c.Skip()
			}
			return readText(c, &f.country)
		})
	case "country_code":
		return readText(c, &f.country)
	case "location":
		return eachMember(c, f.member)
	case "latitude":
		return f.coordinate(c, &f.lat)
	case "longitude":
		return f.coordinate(c, &f.lon)
	case "accuracy_radius":
		return readNumber(c, &f.radius)
	case "subdivisions":
		f.divided = true
		return c.Skip()
	case "state1":
		var state string
		next, err := readText(c, &state)
		f.divided = f.divided || state != ""
		return next, err
	case "autonomous_system_number":
		var n float64
		next, err := readNumber(c, &n)
		if n > 0 && n <= math.MaxUint32 {
			f.asn = uint32(n)
		}
		return next, err
	case "autonomous_system_organization":
		return readText(c, &f.network)
	default:
		return c.Skip()
	}
}

func (f *facts) coordinate(c mmdbdata.Cursor, to *float64) (mmdbdata.Cursor, error) {
	next, err := readNumber(c, to)
	f.located = !math.IsNaN(f.lat) && !math.IsNaN(f.lon)
	return next, err
}

func isMap(c mmdbdata.Cursor) bool {
	k, err := c.Kind()
	return err == nil && k == mmdbdata.KindMap
}

// eachMember calls f for every member of a map; what is no map is stepped over.
func eachMember(c mmdbdata.Cursor, f func(key []byte, c mmdbdata.Cursor) (mmdbdata.Cursor, error)) (mmdbdata.Cursor, error) {
	if !isMap(c) {
		return c.Skip()
	}
	m, err := c.Map()
	if err != nil {
		return mmdbdata.Cursor{}, err
	}
	var next mmdbdata.Cursor
	for {
		key, value, ok := m.Next(next)
		if !ok {
			return m.End()
		}
		if next, err = f(key, value); err != nil {
			return mmdbdata.Cursor{}, err
		}
	}
}

// readText reads a text; what is none is stepped over.
func readText(c mmdbdata.Cursor, to *string) (mmdbdata.Cursor, error) {
	if k, err := c.Kind(); err != nil || k != mmdbdata.KindString {
		return c.Skip()
	}
	s, next, err := c.ReadString()
	*to = s
	return next, err
}

// readNumber reads a number of any kind; what is none is stepped over.
func readNumber(c mmdbdata.Cursor, to *float64) (mmdbdata.Cursor, error) {
	k, err := c.Kind()
	if err != nil {
		return c.Skip()
	}
	switch k {
	case mmdbdata.KindFloat32, mmdbdata.KindFloat64:
		n, next, err := c.ReadFloat()
		*to = n
		return next, err
	case mmdbdata.KindUint16, mmdbdata.KindUint32, mmdbdata.KindUint64:
		n, next, err := c.ReadUint()
		*to = float64(n)
		return next, err
	case mmdbdata.KindInt32:
		n, next, err := c.ReadInt32()
		*to = float64(n)
		return next, err
	default:
		return c.Skip()
	}
}
