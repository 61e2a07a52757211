package simulate

import (
	"fmt"
	"net/netip"
	"strings"

	"detect/internal/geo"
)

// city is a place that the make-believe tenant, its travellers or its attackers sign in from.
type city struct {
	name, country string
	lat, lon      float64
	offset        int64 // minutes east of UTC; standard time all year
}

// The first offices cities are the tenant's own, up to towns those where people travel, the rest the attackers'.
var cities = []city{
	{"Berlin", "DE", 52.52, 13.405, 60},
	{"Hamburg", "DE", 53.551, 9.994, 60},
	{"London", "GB", 51.507, -0.128, 0},
	{"Madrid", "ES", 40.417, -3.704, 60},
	{"Chicago", "US", 41.878, -87.63, -360},
	{"Singapore", "SG", 1.352, 103.82, 480},
	{"Paris", "FR", 48.857, 2.352, 60},
	{"Vienna", "AT", 48.208, 16.373, 60},
	{"Zurich", "CH", 47.377, 8.542, 60},
	{"New York", "US", 40.713, -74.006, -300},
	{"Warsaw", "PL", 52.23, 21.012, 60},
	{"Tokyo", "JP", 35.677, 139.65, 540},
	{"Milan", "IT", 45.464, 9.19, 60},
	{"Munich", "DE", 48.137, 11.575, 60},
	{"São Paulo", "BR", -23.551, -46.633, -180},
	{"Jakarta", "ID", -6.209, 106.846, 420},
	{"Johannesburg", "ZA", -26.204, 28.047, 120},
	{"Toronto", "CA", 43.653, -79.383, -300},
	{"Bangkok", "TH", 13.756, 100.502, 420},
	{"Manila", "PH", 14.6, 120.984, 480},
	{"Auckland", "NZ", -36.85, 174.763, 720},
	{"Bogotá", "CO", 4.711, -74.072, -300},
	{"Amsterdam", "NL", 52.368, 4.904, 60},
	{"Ashburn", "US", 39.044, -77.487, -300},
}

const (
	offices   = 6
	towns     = 14
	attackers = 8 // cities towns .. towns+attackers-1
	amsterdam = towns + attackers
	ashburn   = amsterdam + 1
	nowhere   = -1 // of an address that belongs to Microsoft, not to a person's whereabouts
)

// network is one row of the table of places.
type network struct {
	prefix netip.Prefix
	city   int // index in cities, nowhere for Microsoft's
	radius float64
	asn    uint32
	name   string
}

// networks are all addresses that a simulated record carries: the documentation ranges of RFC 5737 and RFC 3849, the
// benchmarking range of RFC 2544, none of which is anybody's, and ranges that Microsoft publishes for its own services.
// The numbers of autonomous systems are those that RFC 5398 keeps for documentation, but for Microsoft's 8075.
var networks = func() []network {
	var t []network
	add := func(city int, radius float64, asn uint32, name, format string, args ...any) {
		t = append(t, network{netip.MustParsePrefix(fmt.Sprintf(format, args...)), city, radius, asn, name})
	}
	for c := range towns {
		if c < offices {
			add(c, 5, 64496, "Contoso Corporate Network", "192.0.2.%d/27", c*32)
		}
		add(c, 40, 64498, cities[c].name+" Mobile", "198.18.%d.0/22", c*16)
		add(c, 20, 64497, cities[c].name+" Broadband", "198.18.%d.0/21", c*16+8)
		add(c, 20, 64497, cities[c].name+" Broadband", "2001:db8:%x::/48", 0x100+c)
		add(c, 40, 64498, cities[c].name+" Mobile", "2001:db8:%x::/48", 0x200+c)
	}
	for i := range attackers {
		add(towns+i, 25, 64500, cities[towns+i].name+" Telecom", "203.0.113.%d/27", i*32)
		add(towns+i, 25, 64500, cities[towns+i].name+" Telecom", "2001:db8:%x::/48", 0x900+i)
	}
	add(amsterdam, 10, 64505, "Polder Hosting", "198.51.100.0/25")
	add(ashburn, 10, 64506, "Redbrick Cloud Hosting", "198.51.100.128/25")
	for _, p := range []string{"40.126.0.0/18", "20.190.128.0/18", "52.96.0.0/14", "13.107.136.0/22", "2603:1026::/36"} {
		add(nowhere, 1000, 8075, "MICROSOFT-CORP-MSN-AS-BLOCK", "%s", p)
	}
	return t
}()

// Places is the table that resolves every address of a simulated record, as CSV with the header
// prefix,country,city,lat,lon,radius,asn,network (degrees, kilometres).
func Places() []byte {
	var b strings.Builder
	b.WriteString("prefix,country,city,lat,lon,radius,asn,network\n")
	for _, n := range networks {
		p := n.place()
		fmt.Fprintf(&b, "%s,%s,%s,%g,%g,%g,%d,%s\n", n.prefix, p.Country, p.City, p.Lat, p.Lon, p.Radius, n.asn, n.name)
	}
	return []byte(b.String())
}

func (n network) place() geo.Place {
	if n.city == nowhere { // where a geo database puts an address that is used all over the world
		return geo.Place{Known: true, Country: "US", City: "Redmond", Lat: 47.674, Lon: -122.121, Radius: n.radius}
	}
	c := cities[n.city]
	return geo.Place{Known: true, Country: c.country, City: c.name, Lat: c.lat, Lon: c.lon, Radius: n.radius}
}

// Geo resolves addresses by the table that Places prints, without a file.
type Geo struct{}

// Place is where a is; unknown for an address that no simulated record carries.
func (Geo) Place(a netip.Addr) geo.Place {
	if n := lookup(a); n != nil {
		return n.place()
	}
	return geo.Place{}
}

// ASN is the number and name of a's network; 0 and "" if there is none.
func (Geo) ASN(a netip.Addr) (number uint32, name string) {
	if n := lookup(a); n != nil {
		return n.asn, n.name
	}
	return 0, ""
}

func lookup(a netip.Addr) *network {
	a = a.Unmap()
	for i := range networks { // no two overlap
		if networks[i].prefix.Contains(a) {
			return &networks[i]
		}
	}
	return nil
}

func officeAddress(c int) string { return fmt.Sprintf("192.0.2.%d", c*32+10) }

func homeAddress(c int, d *dice) string {
	return fmt.Sprintf("198.18.%d.%d", c*16+8+d.n(8), 1+d.n(254))
}

func homeAddress6(c int, d *dice) string {
	return fmt.Sprintf("2001:db8:%x:%x::%x", 0x100+c, 1+d.n(0xfffe), 1+d.n(0xfffe))
}

func mobileAddress(c int, d *dice) string {
	return fmt.Sprintf("198.18.%d.%d", c*16+d.n(4), 1+d.n(254))
}

func mobileAddress6(c int, d *dice) string {
	return fmt.Sprintf("2001:db8:%x:%x::%x", 0x200+c, 1+d.n(0xfffe), 1+d.n(0xfffe))
}

// attackerAddress is an address in an attackers' city, of an ordinary access network.
func attackerAddress(c int, d *dice) string {
	return fmt.Sprintf("203.0.113.%d", (c-towns)*32+1+d.n(30))
}

func hostingAddress(c int, d *dice) string {
	if c == ashburn {
		return fmt.Sprintf("198.51.100.%d", 129+d.n(126))
	}
	return fmt.Sprintf("198.51.100.%d", 1+d.n(126))
}

// microsoftAddress is an address that a record shows when a service of Microsoft acted for the user.
func microsoftAddress(d *dice) string {
	switch d.n(4) {
	case 0:
		return fmt.Sprintf("52.%d.%d.%d", 96+d.n(4), d.n(256), 1+d.n(254))
	case 1:
		return fmt.Sprintf("13.107.%d.%d", 136+d.n(4), 1+d.n(254))
	case 2:
		return fmt.Sprintf("2603:1026:%x:%x::%x", d.n(0xfff), d.n(0xfff), 1+d.n(0xfff))
	}
	return microsoftSignIn(d)
}

// microsoftSignIn is an address of Microsoft's sign-in service.
func microsoftSignIn(d *dice) string {
	if d.n(2) == 0 {
		return fmt.Sprintf("40.126.%d.%d", d.n(64), 1+d.n(254))
	}
	return fmt.Sprintf("20.190.%d.%d", 128+d.n(64), 1+d.n(254))
}
