// Package geo tells where an address is, offline, and how far two places are apart at least.
package geo

// Place is what is known of an address's whereabouts. The zero value is an unknown place.
type Place struct {
	Known   bool
	City    string  // English name; "" if the database does not say
	Country string  // ISO 3166-1 alpha-2, upper case; "" if not known
	Lat     float64 // degrees north
	Lon     float64 // degrees east
	Radius  float64 // kilometres around (Lat, Lon) in which the address probably is
	// CountryOnly says that only the country is known: Lat, Lon and Radius mean nothing, and a distance to or from
	// such a place is the least distance of the two countries' outlines.
	CountryOnly bool
}
