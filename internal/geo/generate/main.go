// Command generate makes the tables that internal/geo carries from what Debian's packages tor-geoipdb and iso-codes and
// the npm package world-atlas install:
//
//	apt-get install tor-geoipdb iso-codes
//	npm install --no-save world-atlas@2.0.2
//	go generate ./internal/geo
package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"detect/internal/geo/tables"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run(args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("generate", flag.ContinueOnError)
	data := flags.String("data", "data", "the `folder` to write to")
	geoip := flags.String("geoip", "/usr/share/tor/geoip", "the `file` of IPv4 ranges")
	geoip6 := flags.String("geoip6", "/usr/share/tor/geoip6", "the `file` of IPv6 ranges")
	iso := flags.String("iso", "/usr/share/iso-codes/json/iso_3166-1.json", "the `file` of country codes")
	atlas := flags.String("atlas", "countries-10m.json", "the TopoJSON `file` of outlines")
	if err := flags.Parse(args); err != nil {
		return err
	}
	codes, err := readCodes(*iso)
	if err != nil {
		return err
	}
	countries, err := makeCountries(*geoip, *geoip6, codes)
	if err != nil {
		return err
	}
	distances, err := makeDistances(*atlas, codes)
	if err != nil {
		return err
	}
	readme, err := describe(*geoip, *geoip6, *iso, *atlas)
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		text []byte
	}{{"countries.bin.zst", countries}, {"distances.bin.zst", distances}, {"README", readme}} {
		if err := os.WriteFile(filepath.Join(*data, f.name), f.text, 0o644); err != nil {
			return err
		}
		fmt.Fprintf(stdout, "%s: %d bytes\n", f.name, len(f.text))
	}
	return nil
}

// readCodes reads ISO 3166-1: numeric code to two letters.
func readCodes(path string) (map[string]string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var doc struct {
		Countries []struct {
			Alpha2  string `json:"alpha_2"`
			Numeric string `json:"numeric"`
		} `json:"3166-1"`
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	codes := map[string]string{}
	for _, c := range doc.Countries {
		codes[c.Numeric] = c.Alpha2
	}
	return codes, nil
}

func makeCountries(geoip, geoip6 string, codes map[string]string) ([]byte, error) {
	known := map[string]bool{}
	for _, c := range codes {
		known[c] = true
	}
	v4, err := readRanges(geoip, known)
	if err != nil {
		return nil, err
	}
	v6, err := readRanges(geoip6, known)
	if err != nil {
		return nil, err
	}
	return tables.EncodeCountries(v4, v6)
}

func makeDistances(atlas string, codes map[string]string) ([]byte, error) {
	outlines, err := readOutlines(atlas, codes)
	if err != nil {
		return nil, err
	}
	var names []string
	for c := range outlines {
		names = append(names, c)
	}
	slices.Sort(names)
	trees := make([]*node, len(names))
	for i, c := range names {
		trees[i] = newTree(outlines[c])
	}
	t, err := tables.NewDistances(names, func(i, j int) float64 { return apart(trees[i], trees[j]) - tolerance })
	if err != nil {
		return nil, err
	}
	return t.Encode()
}

// describe says of what the tables are made.
func describe(paths ...string) ([]byte, error) {
	var b strings.Builder
	b.WriteString("Made by `go generate ./internal/geo`; do not edit. ../../../NOTICE holds the licences.\n\n")
	b.WriteString("countries.bin.zst: IPFire's location database (CC BY-SA 4.0), from Debian's package tor-geoipdb.\n")
	b.WriteString("distances.bin.zst: Natural Earth's outlines at 1:10m (public domain), from the npm package world-atlas.\n\n")
	for _, p := range paths {
		text, err := os.ReadFile(p)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "%s  %s%s\n", fmt.Sprintf("%x", sha256.Sum256(text)), filepath.Base(p), generated(string(text)))
	}
	return []byte(b.String()), nil
}

// generated is when a file of ranges says that it was made.
func generated(text string) string {
	s := bufio.NewScanner(strings.NewReader(text))
	for s.Scan() && strings.HasPrefix(s.Text(), "#") {
		if _, date, ok := strings.Cut(s.Text(), "Generated: "); ok {
			return "  " + date
		}
	}
	return ""
}
