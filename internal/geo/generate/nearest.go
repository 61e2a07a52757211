package main

import (
	"cmp"
	"math"
	"slices"

	"detect/internal/geo"
)

// tolerance is what is taken off a distance, in km: the spacing of the points, since the nearest points of two outlines
// lie at most half of it from one of theirs, and ten kilometres for each outline's resolution and the islets that a map
// of this scale leaves out.
const tolerance = spacing + 2*10

// node is a part of an outline's points in a tree of boxes.
type node struct {
	low, high   point
	left, right *node
	points      []point // of a leaf
}

// newTree splits points along the longest side of their box until few are left. It sorts points.
func newTree(points []point) *node {
	n := &node{low: points[0], high: points[0]}
	for _, p := range points {
		for i := range p {
			n.low[i], n.high[i] = min(n.low[i], p[i]), max(n.high[i], p[i])
		}
	}
	if len(points) <= 12 {
		n.points = points
		return n
	}
	axis := 0
	for i := range n.low {
		if n.high[i]-n.low[i] > n.high[axis]-n.low[axis] {
			axis = i
		}
	}
	slices.SortFunc(points, func(a, b point) int { return cmp.Compare(a[axis], b[axis]) })
	n.left, n.right = newTree(points[:len(points)/2]), newTree(points[len(points)/2:])
	return n
}

// apart is the least distance of two outlines' points in km.
func apart(a, b *node) float64 {
	best := math.Inf(1)
	nearest(a, b, &best)
	return kilometres(best)
}

// enough is the squared chord below which a distance is 0 once the tolerance is off.
var enough = math.Pow(tolerance/geo.EarthRadius, 2) / 2

// nearest lowers best to the least squared chord of points of a and b.
func nearest(a, b *node, best *float64) {
	if *best < enough || boxes(a, b) >= *best {
		return
	}
	if a.left == nil && b.left == nil {
		for _, p := range a.points {
			for _, q := range b.points {
				*best = min(*best, chord2(p, q))
			}
		}
		return
	}
	if a.left == nil || b.left != nil && size(b) > size(a) {
		a, b = b, a
	}
	x, y := a.left, a.right
	if boxes(y, b) < boxes(x, b) {
		x, y = y, x
	}
	nearest(x, b, best)
	nearest(y, b, best)
}

func size(n *node) float64 { return chord2(n.low, n.high) }

// boxes is the squared distance of two boxes.
func boxes(a, b *node) float64 {
	var sum float64
	for i := range a.low {
		d := max(a.low[i]-b.high[i], b.low[i]-a.high[i], 0)
		sum += d * d
	}
	return sum
}

// chord2 is the squared straight distance of two points.
func chord2(p, q point) float64 {
	x, y, z := p[0]-q[0], p[1]-q[1], p[2]-q[2]
	return x*x + y*y + z*z
}

// kilometres is the length of the great circle over a chord.
func kilometres(chord2 float64) float64 {
	return 2 * geo.EarthRadius * math.Asin(min(math.Sqrt(chord2)/2, 1))
}
