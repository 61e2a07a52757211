package geo

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Entry says where the addresses of a network are and whose it is. An unknown place is an answer too: these addresses
// have no place.
type Entry struct {
	Prefix  netip.Prefix
	Place   Place
	ASN     uint32 // 0: none
	Network string // the name of the network's holder; "" if not known
}

// Table is a static list of networks, which takes precedence over every database: an organisation's own offices, a
// simulator's addresses. The longest prefix that holds an address counts. It is immutable; the zero value is empty.
type Table struct {
	entries map[netip.Prefix]Entry
	bits4   []int // the lengths of prefixes that occur, the longest first
	bits6   []int
}

// NewTable makes a table of entries. Of two entries with the same prefix the later counts.
func NewTable(entries []Entry) *Table {
	t := &Table{entries: make(map[netip.Prefix]Entry, len(entries))}
	for _, e := range entries {
		if !e.Prefix.IsValid() {
			continue
		}
		if a := e.Prefix.Addr(); a.Is4In6() && e.Prefix.Bits() >= 96 {
			e.Prefix = netip.PrefixFrom(a.Unmap(), e.Prefix.Bits()-96)
		}
		e.Prefix = e.Prefix.Masked()
		t.entries[e.Prefix] = e
		bits := &t.bits6
		if e.Prefix.Addr().Is4() {
			bits = &t.bits4
		}
		if !slices.Contains(*bits, e.Prefix.Bits()) {
			*bits = append(*bits, e.Prefix.Bits())
		}
	}
	descending := func(a, b int) int { return b - a }
	slices.SortFunc(t.bits4, descending)
	slices.SortFunc(t.bits6, descending)
	return t
}

// Len is the number of networks in the table.
func (t *Table) Len() int { return len(t.entries) }

// Lookup is the entry with the longest prefix that holds ip; ok says whether there is one.
func (t *Table) Lookup(ip netip.Addr) (e Entry, ok bool) {
	ip = plain(ip)
	bits := t.bits6
	if ip.Is4() {
		bits = t.bits4
	}
	for _, b := range bits {
		p, err := ip.Prefix(b)
		if err != nil {
			continue
		}
		if e, ok = t.entries[p]; ok {
			return e, true
		}
	}
	return Entry{}, false
}

// maxTable is the size in bytes up to which a table is read.
const maxTable = 64 << 20

// LoadTable reads a table from a CSV file (see ParseTable).
func LoadTable(path string) (*Table, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open table: %w", err)
	}
	defer f.Close()
	return ParseTable(f, path)
}

// columns are the names that a table's first line may have. Only prefix is required.
var columns = []string{"prefix", "country", "city", "lat", "lon", "radius", "asn", "network"}

// ParseTable reads a table from CSV. Its first line names the columns, in any order: prefix (a network or one address),
// country (two letters), city, lat and lon (degrees), radius (km), asn, network. Lines that start with # are comments. A
// network without lat and lon is known to its country only; one without a country either has no place. Every fault of the
// text is in the error, as name:line: what is wrong.
func ParseTable(r io.Reader, name string) (*Table, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxTable+1))
	if err != nil {
		return nil, fmt.Errorf("read table %s: %w", name, err)
	}
	if len(text) > maxTable {
		return nil, fmt.Errorf("read table %s: larger than %d MiB", name, maxTable>>20)
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	c := csv.NewReader(bytes.NewReader(text))
	c.Comment, c.TrimLeadingSpace, c.FieldsPerRecord = '#', true, -1
	head, err := c.Read()
	if err != nil {
		return nil, fmt.Errorf("read table %s: no first line with the columns %s: %w", name, strings.Join(columns, ","), err)
	}
	index, err := header(head)
	if err != nil {
		return nil, fmt.Errorf("%s:1: %w", name, err)
	}
	var entries []Entry
	var faults []error
	for {
		row, err := c.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", name, err))
			break
		}
		e, err := entry(row, index)
		if err != nil {
			line, _ := c.FieldPos(0)
			faults = append(faults, fmt.Errorf("%s:%d: %w", name, line, err))
			if len(faults) >= 100 {
				break
			}
			continue
		}
		entries = append(entries, e)
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return NewTable(entries), nil
}

// header is the place of each of columns in head, -1 if it is not there.
func header(head []string) ([]int, error) {
	index := make([]int, len(columns))
	for i := range index {
		index[i] = -1
	}
	for i, h := range head {
		k := slices.Index(columns, strings.ToLower(strings.TrimSpace(h)))
		if k < 0 {
			return nil, fmt.Errorf("unknown column %q: known are %s", h, strings.Join(columns, ","))
		}
		if index[k] >= 0 {
			return nil, fmt.Errorf("column %q occurs twice", h)
		}
		index[k] = i
	}
	if index[0] < 0 {
		return nil, errors.New("no column prefix")
	}
	return index, nil
}

// entry reads one row of a table.
func entry(row []string, index []int) (Entry, error) {
	cell := func(name string) string {
		if i := index[slices.Index(columns, name)]; i >= 0 && i < len(row) {
			return strings.TrimSpace(row[i])
		}
		return ""
	}
	if len(row) > len(columns) {
		return Entry{}, fmt.Errorf("%d values in a table of at most %d columns", len(row), len(columns))
	}
	var e Entry
	var err error
	if e.Prefix, err = parsePrefix(cell("prefix")); err != nil {
		return Entry{}, err
	}
	e.Network = cell("network")
	if a := cell("asn"); a != "" {
		n, err := strconv.ParseUint(strings.TrimPrefix(strings.ToUpper(a), "AS"), 10, 32)
		if err != nil {
			return Entry{}, fmt.Errorf("asn %q is no number", a)
		}
		e.ASN = uint32(n)
	}
	e.Place, err = place(cell("country"), cell("city"), cell("lat"), cell("lon"), cell("radius"))
	return e, err
}

// place makes a place of a row's texts.
func place(country, city, lat, lon, radius string) (Place, error) {
	p := Place{Country: strings.ToUpper(country), City: city}
	if p.Country != "" && !isCountry(p.Country) {
		return Place{}, fmt.Errorf("country %q is not two letters", country)
	}
	for _, n := range []struct {
		name, text string
		limit      float64
		to         *float64
	}{{"lat", lat, 90, &p.Lat}, {"lon", lon, 180, &p.Lon}, {"radius", radius, 20100, &p.Radius}} {
		if n.text == "" {
			continue
		}
		f, err := strconv.ParseFloat(n.text, 64)
		if err != nil || math.IsNaN(f) || math.Abs(f) > n.limit || n.name == "radius" && f < 0 {
			return Place{}, fmt.Errorf("%s %q is not a number within %g", n.name, n.text, n.limit)
		}
		*n.to = f
	}
	if (lat == "") != (lon == "") {
		return Place{}, errors.New("one of lat and lon is missing")
	}
	p.CountryOnly = lat == "" && p.Country != ""
	p.Known = lat != "" || p.Country != ""
	if !p.Known {
		return Place{}, nil
	}
	if p.CountryOnly {
		p.Radius = 0
	}
	return p, nil
}

// parsePrefix reads a network or a single address.
func parsePrefix(s string) (netip.Prefix, error) {
	if strings.Contains(s, "/") {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return netip.Prefix{}, fmt.Errorf("%q is no network", s)
		}
		return p, nil
	}
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return netip.Prefix{}, fmt.Errorf("%q is no network", s)
	}
	return netip.PrefixFrom(a, a.BitLen()), nil
}

func isCountry(s string) bool {
	return len(s) == 2 && s[0] >= 'A' && s[0] <= 'Z' && s[1] >= 'A' && s[1] <= 'Z'
}
