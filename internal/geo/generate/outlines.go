package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
)

// territories are parts of a country that addresses are given out in under a code of their own, while the outlines count
// them in: polygons within the box (degrees) are taken out. With French Guiana in it, France would lie beside Brazil.
var territories = []struct {
	of, code                 string
	west, east, south, north float64
}{
	{"FR", "GF", -55, -51, 2, 6},
	{"FR", "GP", -62, -60.9, 15.7, 16.7},
	{"FR", "MQ", -61.4, -60.6, 14.3, 15},
	{"FR", "RE", 55, 56, -21.5, -20.7},
	{"FR", "YT", 44.9, 45.5, -13.2, -12.5},
	{"NO", "SJ", 10, 35, 74, 81},
	{"NO", "SJ", -10, -7, 70, 72},
	{"NO", "BV", 3, 4, -55, -54},
	{"NL", "BQ", -69, -62, 11.5, 18},
	{"NZ", "TK", -173, -171, -10, -8},
}

// unnumbered are the outlines without an ISO number and the countries that addresses there may be counted in. An outline
// may serve several countries: that makes distances shorter, never longer.
var unnumbered = map[string][]string{
	"Akrotiri":                {"CY", "GB"},
	"Baikonur":                {"KZ", "RU"},
	"Clipperton I.":           {"PF"},
	"Coral Sea Is.":           {"AU"},
	"Cyprus U.N. Buffer Zone": {"CY"},
	"Dhekelia":                {"CY", "GB"},
	"Indian Ocean Ter.":       {"CC", "CX"},
	"Kosovo":                  {"XK", "RS", "AL"},
	"N. Cyprus":               {"CY", "TR"},
	"Siachen Glacier":         {"IN", "PK"},
	"Somaliland":              {"SO"},
	"USNB Guantanamo Bay":     {"CU", "US"},
}

// point is a point on the unit sphere.
type point [3]float64

// spacing is the greatest distance of two neighbouring points of an outline in km, once it is filled up.
const spacing = 4

// topology is the part of TopoJSON that is needed.
type topology struct {
	Transform struct{ Scale, Translate [2]float64 }
	Arcs      [][][2]float64
	Objects   struct {
		Countries struct {
			Geometries []struct {
				Type       string
				ID         string
				Arcs       json.RawMessage
				Properties struct{ Name string }
			}
		}
	}
}

// readOutlines reads the points of every country's outline.
func readOutlines(path string, codes map[string]string) (map[string][]point, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var t topology
	if err := json.Unmarshal(b, &t); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	arcs := make([][][2]float64, len(t.Arcs)) // in degrees
	for i, arc := range t.Arcs {
		var x, y float64
		for _, d := range arc {
			x, y = x+d[0], y+d[1]
			arcs[i] = append(arcs[i], [2]float64{
				x*t.Transform.Scale[0] + t.Transform.Translate[0], y*t.Transform.Scale[1] + t.Transform.Translate[1],
			})
		}
	}
	outlines := map[string][]point{}
	for _, g := range t.Objects.Countries.Geometries {
		var polygons [][][]int // polygon, ring, arc
		switch g.Type {
		case "Polygon":
			polygons = make([][][]int, 1)
			err = json.Unmarshal(g.Arcs, &polygons[0])
		case "MultiPolygon":
			err = json.Unmarshal(g.Arcs, &polygons)
		default:
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %s: %w", path, g.Properties.Name, err)
		}
		owners := unnumbered[g.Properties.Name]
		if c, ok := codes[g.ID]; ok {
			owners = []string{c}
		}
		for _, polygon := range polygons {
			var line [][2]float64
			for _, ring := range polygon {
				for _, i := range ring {
					line = append(line, arcs[max(i, ^i)]...)
				}
			}
			points := fill(polygon, arcs)
			for _, c := range owners {
				c = territory(c, line)
				outlines[c] = append(outlines[c], points...)
			}
		}
	}
	return outlines, nil
}

// territory is the code of the territory of country that a polygon is, or country.
func territory(country string, line [][2]float64) string {
	if country == "CC" || country == "CX" { // one outline for two groups of islands, at 97 and 105 degrees east
		if line[0][0] < 101 {
			return "CC"
		}
		return "CX"
	}
next:
	for _, t := range territories {
		if t.of != country {
			continue
		}
		for _, p := range line {
			if p[0] < t.west || p[0] > t.east || p[1] < t.south || p[1] > t.north {
				continue next
			}
		}
		return t.code
	}
	return country
}

// fill is the points of a polygon's arcs, with points between those that are more than spacing apart.
func fill(polygon [][]int, arcs [][][2]float64) []point {
	var points []point
	for _, ring := range polygon {
		for _, i := range ring {
			arc := arcs[max(i, ^i)]
			for k, p := range arc {
				if k > 0 {
					q := arc[k-1]
					n := math.Ceil(kilometres(chord2(onSphere(q), onSphere(p))) / spacing)
					for s := 1.0; s < n; s++ {
						points = append(points, onSphere([2]float64{q[0] + (p[0]-q[0])*s/n, q[1] + (p[1]-q[1])*s/n}))
					}
				}
				points = append(points, onSphere(p))
			}
		}
	}
	return points
}

func onSphere(p [2]float64) point {
	lon, lat := p[0]*math.Pi/180, p[1]*math.Pi/180
	return point{math.Cos(lat) * math.Cos(lon), math.Cos(lat) * math.Sin(lon), math.Sin(lat)}
}
