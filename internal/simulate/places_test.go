package simulate

import (
	"bytes"
	"net/netip"
	"testing"

	"detect/internal/geo"
)

func TestPlacesAgree(t *testing.T) {
	table, err := geo.ParseTable(bytes.NewReader(Places()), "places.csv")
	if err != nil {
		t.Fatal(err)
	}
	if table.Len() != len(networks) {
		t.Errorf("%d networks, want %d", table.Len(), len(networks))
	}
	for i, n := range networks {
		for _, other := range networks[i+1:] {
			if n.prefix.Overlaps(other.prefix) {
				t.Errorf("%s and %s overlap", n.prefix, other.prefix)
			}
		}
		a := n.prefix.Addr().Next()
		e, ok := table.Lookup(a)
		if number, name := (Geo{}).ASN(a); !ok || e.Place != (Geo{}).Place(a) || e.ASN != number || e.Network != name {
			t.Errorf("%s: table %+v, want %+v %d %s", a, e, (Geo{}).Place(a), number, name)
		}
		if n.city >= 0 && n.city != amsterdam && n.city != ashburn && geo.Public(a) {
			t.Errorf("%s may be somebody's", n.prefix)
		}
	}
}

func TestAddressesHavePlaces(t *testing.T) {
	d := newDice(1, 1)
	for range 2000 {
		for c := range towns {
			for _, s := range []string{homeAddress(c, &d), homeAddress6(c, &d), mobileAddress(c, &d), mobileAddress6(c, &d)} {
				expectCity(t, s, c)
			}
		}
		for c := range offices {
			expectCity(t, officeAddress(c), c)
		}
		for c := range attackers {
			expectCity(t, attackerAddress(towns+c, &d), towns+c)
		}
		expectCity(t, hostingAddress(amsterdam, &d), amsterdam)
		expectCity(t, hostingAddress(ashburn, &d), ashburn)
		if n := lookup(netip.MustParseAddr(microsoftAddress(&d))); n == nil || n.asn != 8075 {
			t.Fatal("not Microsoft's")
		}
	}
}

func expectCity(t *testing.T, address string, c int) {
	t.Helper()
	if n := lookup(netip.MustParseAddr(address)); n == nil || n.city != c {
		t.Fatalf("%s is not in %s", address, cities[c].name)
	}
}
