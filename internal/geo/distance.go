package geo

import (
	"math"
	"time"
)

// EarthRadius is the radius, in kilometres, of the sphere that distances are computed on: the least radius of curvature
// of the WGS 84 ellipsoid (its meridian at the equator, b²/a). A great circle on that sphere is never longer than the
// way on the ellipsoid, and at most 1.1 % shorter, so that distances stay lower bounds.
const EarthRadius = 6335.439

// KM is a lower bound of the distance of two places in kilometres: the great circle less the radii of both, never below
// zero. If of either only the country is known, it is the least distance of the two countries' outlines: 0 within one
// country, for neighbours, and where an outline is not known. The distance to an unknown place is 0.
func KM(a, b Place) float64 {
	switch {
	case !a.Known || !b.Known:
		return 0
	case a.CountryOnly || b.CountryOnly:
		return countryDistance(a.Country, b.Country)
	}
	d := GreatCircle(a.Lat, a.Lon, b.Lat, b.Lon) - (max(a.Radius, 0) + max(b.Radius, 0)) // one sum: the same both ways
	if !(d > 0) || math.IsInf(d, 0) {                                                    // also for what is no number
		return 0
	}
	return d
}

// KMH is a lower bound of the speed, in kilometres an hour, of who was at both places with that gap of time between. It
// is 0 where KM is, and where the gap is not positive: nothing is said of a speed then.
func KMH(a, b Place, gap time.Duration) float64 {
	if gap <= 0 {
		return 0
	}
	return KM(a, b) / gap.Hours()
}

// GreatCircle is the length, in kilometres, of the shortest way between two points on the sphere of EarthRadius; the
// arguments are in degrees.
func GreatCircle(lat1, lon1, lat2, lon2 float64) float64 {
	const rad = math.Pi / 180
	sin := func(x float64) float64 { s := math.Sin(x / 2); return s * s }
	h := sin((lat2-lat1)*rad) + math.Cos(lat1*rad)*math.Cos(lat2*rad)*sin((lon2-lon1)*rad)
	return 2 * EarthRadius * math.Asin(math.Sqrt(min(max(h, 0), 1)))
}
