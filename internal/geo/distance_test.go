package geo

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func city(lat, lon, radius float64) Place {
	return Place{Known: true, Country: "DE", City: "x", Lat: lat, Lon: lon, Radius: radius}
}

func country(code string) Place { return Place{Known: true, Country: code, CountryOnly: true} }

func TestKM(t *testing.T) {
	berlin, newYork := city(52.52, 13.405, 10), city(40.7128, -74.006, 20)
	f := func(name string, a, b Place, low, high float64) {
		t.Helper()
		if got := KM(a, b); got < low || got > high {
			t.Errorf("%s: %f km, want %g to %g", name, got, low, high)
		}
	}
	f("Berlin to New York: 6,385 km on the ellipsoid, less 30", berlin, newYork, 6285, 6355)
	f("to itself", berlin, berlin, 0, 0)
	f("the radii meet", city(0, 0, 100), city(0, 1, 100), 0, 0)
	f("over the date line", city(0, 179.5, 0), city(0, -179.5, 0), 110, 111.4)
	f("the antipode", city(0, 0, 0), city(0, 180, 0), 19900, 20004)
	f("the poles", city(90, 0, 0), city(-90, 77, 0), 19900, 20004)
	f("unknown", Place{}, newYork, 0, 0)
	f("no number", city(math.NaN(), 0, 0), newYork, 0, 0)
	f("endless radius", city(0, 0, math.Inf(1)), newYork, 0, 0)

	f("within a country", country("US"), country("US"), 0, 0)
	f("neighbours", country("DE"), country("FR"), 0, 0)
	f("across the Channel: 33 km", country("GB"), country("FR"), 0, 33)
	f("Germany to the United States", country("DE"), country("US"), 4500, 5100)
	f("a city against a country counts as its country", berlin, country("US"), 4500, 5100)
	f("a territory lies where it is", country("FR"), country("GF"), 6000, 7000)
	f("and its mother country does not border on its neighbours", country("FR"), country("BR"), 5000, 6000)
	f("no outline", country("DE"), country("ZZ"), 0, 0)
	f("no country", country("DE"), country(""), 0, 0)
}

func TestKMH(t *testing.T) {
	a, b := city(0, 0, 0), city(0, 10, 0) // 1,105.7 km on the sphere
	f := func(gap time.Duration, low, high float64) {
		t.Helper()
		if got := KMH(a, b, gap); got < low || got > high {
			t.Errorf("in %s: %f km/h, want %g to %g", gap, got, low, high)
		}
	}
	f(time.Hour, 1105, 1106)
	f(30*time.Minute, 2211, 2212)
	f(time.Second, 3.98e6, 3.99e6)
	f(0, 0, 0)
	f(-time.Hour, 0, 0)
}

// TestDistanceProperties holds distances to what a lower bound must be, for cities and countries alike.
func TestDistanceProperties(t *testing.T) {
	codes := append(distances().Countries(), "ZZ", "")
	place := rapid.Custom(func(t *rapid.T) Place {
		return Place{
			Known: rapid.IntRange(0, 3).Draw(t, "unknown") > 0, Country: rapid.SampledFrom(codes).Draw(t, "country"),
			Lat: rapid.Float64Range(-90, 90).Draw(t, "lat"), Lon: rapid.Float64Range(-180, 180).Draw(t, "lon"),
			Radius: rapid.Float64Range(0, 3000).Draw(t, "radius"), CountryOnly: rapid.IntRange(0, 3).Draw(t, "only") == 0,
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := place.Draw(t, "a"), place.Draw(t, "b")
		d := KM(a, b)
		if d != KM(b, a) {
			t.Fatalf("%f there and %f back", d, KM(b, a))
		}
		if !(d >= 0 && d <= math.Pi*EarthRadius) {
			t.Fatalf("%f km on a sphere of radius %f", d, EarthRadius)
		}
		if KM(a, a) != 0 {
			t.Fatalf("%f km to itself", KM(a, a))
		}
		if !a.CountryOnly && !b.CountryOnly && d > GreatCircle(a.Lat, a.Lon, b.Lat, b.Lon) {
			t.Fatalf("%f km is more than the great circle", d)
		}
		wider := a
		wider.Radius += 10
		if KM(wider, b) > d {
			t.Fatalf("a wider place is farther: %f than %f", KM(wider, b), d)
		}
		gap := time.Duration(rapid.Int64Range(1, int64(1000*time.Hour)).Draw(t, "gap"))
		if s := KMH(a, b, gap); !(s >= 0) || math.Abs(s*gap.Hours()-d) > 1e-6*(d+1) {
			t.Fatalf("%f km/h over %s are not %f km", s, gap, d)
		}
	})
}

// TestCountriesAreLowerBounds compares the table of countries with well-known cities: a city lies in its country, so that
// no two cities may be nearer than their countries are said to be.
func TestCountriesAreLowerBounds(t *testing.T) {
	cities := map[string][2]float64{
		"AR": {-34.60, -58.38}, "AU": {-33.87, 151.21}, "BR": {-23.55, -46.63}, "CA": {45.42, -75.70}, "CH": {47.38, 8.54}, "CN": {31.23, 121.47},
		"DE": {52.52, 13.40}, "EG": {30.04, 31.24}, "ES": {40.42, -3.70}, "FR": {48.86, 2.35}, "GB": {51.51, -0.13}, "GF": {4.92, -52.31},
		"HK": {22.32, 114.17}, "IN": {28.61, 77.21}, "IS": {64.15, -21.94}, "JP": {35.68, 139.69}, "KE": {-1.29, 36.82}, "KR": {37.57, 126.98},
		"MC": {43.73, 7.42}, "MT": {35.90, 14.51}, "MX": {19.43, -99.13}, "NG": {6.52, 3.38}, "NL": {52.37, 4.90}, "NO": {59.91, 10.75},
		"NZ": {-36.85, 174.76}, "RE": {-20.88, 55.45}, "RU": {55.76, 37.62}, "SG": {1.35, 103.82}, "SJ": {78.22, 15.65}, "TR": {41.01, 28.98},
		"US": {40.71, -74.01}, "VA": {41.90, 12.45}, "XK": {42.66, 21.17}, "ZA": {-26.20, 28.05},
	}
	zero := 0
	for a, p := range cities {
		for b, q := range cities {
			least, actual := KM(country(a), country(b)), GreatCircle(p[0], p[1], q[0], q[1])
			if least > actual {
				t.Errorf("%s and %s are said to be %f km apart at least, but two cities are %f", a, b, least, actual)
			}
			if a != b && least == 0 {
				zero++
			}
		}
	}
	if pairs := len(cities) * (len(cities) - 1); zero > pairs/8 {
		t.Errorf("%d of %d pairs are said to touch", zero, pairs)
	}
}
