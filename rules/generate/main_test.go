package main

import (
	"net/netip"
	"testing"

	"pgregory.net/rapid"
)

// TestPrefixesHoldTheRanges compares networks made of random, overlapping ranges with the ranges themselves, address by
// address.
func TestPrefixesHoldTheRanges(t *testing.T) {
	for _, base := range []string{"198.51.100.0", "2001:db8::"} {
		start := netip.MustParseAddr(base)
		at := func(n int) netip.Addr {
			b := start.AsSlice()
			b[len(b)-1] = byte(n)
			a, _ := netip.AddrFromSlice(b)
			return a
		}
		rapid.Check(t, func(t *rapid.T) {
			var spans []span
			var in [256]bool
			for range rapid.IntRange(0, 6).Draw(t, "ranges") {
				first := rapid.IntRange(0, 255).Draw(t, "first")
				last := rapid.IntRange(first, 255).Draw(t, "last")
				spans = append(spans, span{at(first), at(last)})
				for i := first; i <= last; i++ {
					in[i] = true
				}
			}
			var got [256]int
			for _, s := range join(spans) {
				for _, p := range s.prefixes() {
					for i := range got {
						if p.Contains(at(i)) {
							got[i]++
						}
					}
				}
			}
			for i := range in {
				if in[i] != (got[i] == 1) || got[i] > 1 {
					t.Fatalf("%s is in %d networks, and in the ranges: %v", at(i), got[i], in[i])
				}
			}
		})
	}
	whole := span{netip.MustParseAddr("0.0.0.0"), netip.MustParseAddr("255.255.255.255")}
	if p := whole.prefixes(); len(p) != 1 || p[0].String() != "0.0.0.0/0" {
		t.Errorf("all addresses are %v", p)
	}
}
