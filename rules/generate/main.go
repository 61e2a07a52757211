// Command generate makes the lists networks.*.txt of the networks that the autonomous systems of the lists *_asns.txt
// announce, from the CSV files of the npm package @ip-location-db/asn:
//
//	npm install --no-save @ip-location-db/asn@2.3.2026061719
//	go run ./rules/generate -lists rules/lists -asn node_modules/@ip-location-db/asn
package main

import (
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

// kinds are the lists to make. Networks longer than the limits are left out: they are the greater part of a list and hold
// a small part of its addresses.
var kinds = []struct {
	name         string
	bits4, bits6 int
	about        string
}{
	{"microsoft", 32, 128, "Networks of Microsoft."},
	{"hosting", 20, 40, "Networks of hosting and cloud providers, those of IPv4 from /20, those of IPv6 from /40."},
	{"vpn", 24, 48, "Networks of VPN services, cloud proxies, privacy relays and satellite operators."},
}

func run(args []string) error {
	flags := flag.NewFlagSet("generate", flag.ContinueOnError)
	lists := flags.String("lists", ".", "the `folder` of lists")
	asn := flags.String("asn", "node_modules/@ip-location-db/asn", "the `folder` of the npm package")
	if err := flags.Parse(args); err != nil {
		return err
	}
	for _, k := range kinds {
		numbers, err := readList(filepath.Join(*lists, k.name+"_asns.txt"))
		if err != nil {
			return err
		}
		var b strings.Builder
		fmt.Fprintf(&b, "# %s Their addresses do not tell where a person is.\n#\n", k.about)
		fmt.Fprintf(&b, "# Made by rules/generate from %s_asns.txt; do not edit. Origin: the npm package @ip-location-db/asn\n", k.name)
		b.WriteString("# 2.3.2026061719 (RouteViews, DB-IP and NRO, CC BY 4.0). Date: 2026-06-17.\n")
		n := 0
		for _, f := range []struct {
			file string
			bits int
		}{{"asn-ipv4.csv", k.bits4}, {"asn-ipv6.csv", k.bits6}} {
			ranges, err := readRanges(filepath.Join(*asn, f.file), numbers)
			if err != nil {
				return err
			}
			for _, r := range join(ranges) {
				for _, p := range r.prefixes() {
					if p.Bits() <= f.bits {
						fmt.Fprintln(&b, p)
						n++
					}
				}
			}
		}
		path := filepath.Join(*lists, "networks."+k.name+".txt")
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			return err
		}
		fmt.Printf("%s: %d networks\n", path, n)
	}
	return nil
}

// readList reads the entries of a list.
func readList(path string) (map[string]bool, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	entries := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			entries[line] = true
		}
	}
	return entries, nil
}

// span is a range of addresses, both ends in it.
type span struct{ first, last netip.Addr }

// readRanges reads lines of first,last,number,name whose number is wanted.
func readRanges(path string, wanted map[string]bool) ([]span, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var spans []span
	r := csv.NewReader(f)
	r.ReuseRecord, r.FieldsPerRecord = true, -1
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return spans, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		if len(row) < 3 || !wanted[row[2]] {
			continue
		}
		var s span
		if s.first, err = netip.ParseAddr(row[0]); err == nil {
			s.last, err = netip.ParseAddr(row[1])
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		spans = append(spans, s)
	}
}

// join sorts ranges and joins those that touch or overlap.
func join(spans []span) []span {
	slices.SortFunc(spans, func(a, b span) int { return a.first.Compare(b.first) })
	var out []span
	for _, s := range spans {
		if n := len(out); n > 0 && !out[n-1].last.Next().Less(s.first) {
			if out[n-1].last.Less(s.last) {
				out[n-1].last = s.last
			}
			continue
		}
		out = append(out, s)
	}
	return out
}

// prefixes are the fewest networks that hold just the range.
func (s span) prefixes() []netip.Prefix {
	var out []netip.Prefix
	for a := s.first; a.IsValid() && !s.last.Less(a); {
		p := netip.PrefixFrom(a, a.BitLen())
		for p.Bits() > 0 {
			wider := netip.PrefixFrom(a, p.Bits()-1)
			if wider.Masked().Addr() != a || s.last.Less(last(wider)) {
				break
			}
			p = wider
		}
		out = append(out, p)
		a = last(p).Next()
	}
	return out
}

// last is the last address of a network.
func last(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}
