package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"detect/internal/geo/tables"
)

// readRanges reads lines of first,last,country, where addresses are written as IPv6 or as the number of an IPv4 address.
// Ranges of what is no country (unknown, "EU", "AP", countries that are no more) are left out, and what lies between two
// ranges belongs to none.
func readRanges(path string, known map[string]bool) ([]tables.Range, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var ranges []tables.Range
	var next netip.Addr // the address after the last range
	s := bufio.NewScanner(f)
	for n := 1; s.Scan(); n++ {
		if strings.HasPrefix(s.Text(), "#") || s.Text() == "" {
			continue
		}
		parts := strings.Split(s.Text(), ",")
		if len(parts) != 3 {
			return nil, fmt.Errorf("%s:%d: not first,last,country", path, n)
		}
		first, err := parseAddr(parts[0])
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, n, err)
		}
		last, err := parseAddr(parts[1])
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, n, err)
		}
		if next.IsValid() && next.Less(first) {
			ranges = append(ranges, tables.Range{Start: next})
		}
		country := parts[2]
		if country == "UK" {
			country = "GB"
		}
		if !known[country] {
			country = ""
		}
		ranges = append(ranges, tables.Range{Start: first, Country: country})
		next = last.Next()
	}
	if next.IsValid() {
		ranges = append(ranges, tables.Range{Start: next})
	}
	return ranges, s.Err()
}

func parseAddr(s string) (netip.Addr, error) {
	if n, err := strconv.ParseUint(s, 10, 32); err == nil {
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], uint32(n))
		return netip.AddrFrom4(b), nil
	}
	return netip.ParseAddr(s)
}
