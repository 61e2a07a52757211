package geo

import (
	"errors"
	"net/netip"
	"sync/atomic"
)

// Config says what a DB knows. The zero value is the country table alone that the program carries.
type Config struct {
	// Cities are the paths of MaxMind DB files that say where addresses are, asked in this order; a file for IPv4 and one
	// for IPv6 may stand side by side. They may change in place only by renaming a new file over the old one.
	Cities []string
	// Networks are the paths of MaxMind DB files that say whose network an address is in (ASN), asked in this order.
	Networks []string
	// Tables take precedence over every file, also for addresses that have no place, such as private ones; the first that
	// holds an address counts.
	Tables []*Table
	// NoCountries leaves the embedded country table out: what the files and tables do not know has no place.
	NoCountries bool
}

// DB tells where addresses are. It is safe for concurrent use.
type DB struct {
	cities, networks []*file
	tables           []*Table
	countries        bool
	faults           atomic.Int64
	fault            atomic.Pointer[error]
}

// Open opens the files of cfg. The error holds every file that can't be used, and says why.
func Open(cfg Config) (*DB, error) {
	db := &DB{tables: cfg.Tables, countries: !cfg.NoCountries}
	var faults []error
	for _, path := range cfg.Cities {
		f, err := openFile(path, "city", func(f *facts) bool { return f.place().Known })
		if err != nil {
			faults = append(faults, err)
			continue
		}
		db.cities = append(db.cities, f)
	}
	for _, path := range cfg.Networks {
		f, err := openFile(path, "network", func(f *facts) bool { return f.asn != 0 })
		if err != nil {
			faults = append(faults, err)
			continue
		}
		db.networks = append(db.networks, f)
	}
	if len(faults) > 0 {
		return nil, errors.Join(append(faults, db.Close())...)
	}
	return db, nil
}

// Close releases the files. No look-up may run or follow.
func (db *DB) Close() error {
	var errs []error
	for _, f := range append(db.cities, db.networks...) {
		errs = append(errs, f.reader.Close())
	}
	db.cities, db.networks = nil, nil
	return errors.Join(errs...)
}

// Place is where ip is; the zero Place if that is not known or ip is nobody's on the internet.
func (db *DB) Place(ip netip.Addr) Place {
	ip = plain(ip)
	for _, t := range db.tables {
		if e, ok := t.Lookup(ip); ok {
			return e.Place
		}
	}
	if !Public(ip) {
		return Place{}
	}
	for _, f := range db.cities {
		var found facts
		ok, err := f.lookup(ip, &found)
		if err != nil {
			db.count(err)
			continue
		}
		if ok {
			if p := found.place(); p.Known {
				return p
			}
		}
	}
	if db.countries {
		if c := countryOf(ip); c != "" {
			return Place{Known: true, Country: c, CountryOnly: true}
		}
	}
	return Place{}
}

// ASN is the number of the network that ip is in and the name of its holder; 0 and "" if that is not known.
func (db *DB) ASN(ip netip.Addr) (number uint32, network string) {
	ip = plain(ip)
	for _, t := range db.tables {
		if e, ok := t.Lookup(ip); ok && (e.ASN != 0 || e.Network != "") {
			return e.ASN, e.Network
		}
	}
	if !Public(ip) {
		return 0, ""
	}
	for _, f := range db.networks {
		var found facts
		ok, err := f.lookup(ip, &found)
		if err != nil {
			db.count(err)
			continue
		}
		if ok && (found.asn != 0 || found.network != "") {
			return found.asn, found.network
		}
	}
	return 0, ""
}

// Faults is how many look-ups met a broken record of a file, and the first such error. The address counted as not in
// that file.
func (db *DB) Faults() (int64, error) {
	if p := db.fault.Load(); p != nil {
		return db.faults.Load(), *p
	}
	return db.faults.Load(), nil
}

func (db *DB) count(err error) {
	db.faults.Add(1)
	db.fault.CompareAndSwap(nil, &err)
}
