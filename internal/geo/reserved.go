package geo

import "net/netip"

// special are the networks that nobody on the internet has an address in, so that they have no place: those of the IANA
// special-purpose address registries (RFC 6890 and its updates), multicast, and the tunnels whose address says nothing of
// where their user is.
var special = prefixes(
	"0.0.0.0/8",       // this network
	"10.0.0.0/8",      // private
	"100.64.0.0/10",   // carrier-grade NAT
	"127.0.0.0/8",     // loopback
	"169.254.0.0/16",  // link-local
	"172.16.0.0/12",   // private
	"192.0.0.0/24",    // protocol assignments
	"192.0.2.0/24",    // documentation
	"192.88.99.0/24",  // 6to4 relays, deprecated
	"192.168.0.0/16",  // private
	"198.18.0.0/15",   // benchmarks
	"198.51.100.0/24", // documentation
	"203.0.113.0/24",  // documentation
	"224.0.0.0/4",     // multicast
	"240.0.0.0/4",     // reserved, and the broadcast address

	"2001::/23",     // protocol assignments: Teredo, benchmarks, ORCHID
	"2001:db8::/32", // documentation
	"2002::/16",     // 6to4
	"3fff::/20",     // documentation
)

// unicast is the part of IPv6 that is given out; all else is loopback, local, multicast or reserved.
var unicast = netip.MustParsePrefix("2000::/3")

func prefixes(texts ...string) []netip.Prefix {
	ps := make([]netip.Prefix, len(texts))
	for i, t := range texts {
		ps[i] = netip.MustParsePrefix(t)
	}
	return ps
}

// Public says whether an address can be somebody's on the internet: it is not private, loopback, link-local, for
// documentation, carrier-grade NAT, reserved, multicast or a tunnel's.
func Public(ip netip.Addr) bool {
	ip = plain(ip)
	if !ip.IsValid() || ip.Is6() && !unicast.Contains(ip) {
		return false
	}
	for _, p := range special {
		if p.Contains(ip) {
			return false
		}
	}
	return true
}

// plain is the address without a zone and without the IPv6 form of an IPv4 address.
func plain(ip netip.Addr) netip.Addr { return ip.Unmap().WithZone("") }
