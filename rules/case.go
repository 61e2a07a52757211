package rules

import (
	"fmt"
	"maps"
	"net/netip"

	"detect/internal/geo"
	"detect/rules/document"
	"detect/rules/expr"
)

// Case is a rule with tests: those of its own document with the rule as shipped, those of an override with the rule as
// overridden.
type Case struct {
	Rule  *Rule
	Tests []Test
	set   *Set
}

// Compile compiles the case's rule in the world that a test gives: its domains, its places, its lists in place of those
// of the same name. Of lists that the test does not give, it sees the shipped ones without what the configuration adds,
// so that a shipped test says the same everywhere. The rule's Index is 0.
func (c Case) Compile(g Given) (*Rule, *expr.World, error) {
	entries := maps.Clone(c.set.lists)
	maps.Copy(entries, g.Lists)
	w, errs := newWorld(g.Domains, entries, given(g.Geo))
	if len(errs) > 0 {
		return nil, nil, errs[0]
	}
	r := &document.Report{Rule: c.Rule.ID}
	rule := c.Rule.recipe.compile(w, r)
	if len(r.Faults) > 0 {
		return nil, nil, fmt.Errorf("compile with what the test gives: %w", r.Faults[0])
	}
	return rule, w, nil
}

// given is a test's places. It knows nothing of any other address.
type given []GivenPlace

func (g given) find(a netip.Addr) (best GivenPlace) {
	bits := -1
	for _, p := range g {
		if p.Prefix.Contains(a.Unmap()) && p.Prefix.Bits() > bits {
			best, bits = p, p.Prefix.Bits()
		}
	}
	return best
}

func (g given) Place(a netip.Addr) geo.Place { return g.find(a).Place }

func (g given) ASN(a netip.Addr) (uint32, string) {
	p := g.find(a)
	return p.ASN, p.Network
}
