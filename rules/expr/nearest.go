package expr

import (
	"sort"
	"strings"
)

// Nearest is the name that is most like what was written, "" if none is like it: for "did you mean".
func Nearest(written string, names []string) string {
	sorted := append([]string(nil), names...)
	sort.Strings(sorted)
	folded := Fold(written)
	best, least := "", len(written)/4+2
	for _, n := range sorted {
		f := Fold(n)
		if f == folded {
			return n
		}
		if len(f) > len(folded)+least || len(folded) > len(f)+least {
			continue
		}
		if d := distance(folded, f, least); d < least {
			best, least = n, d
		}
	}
	if best == "" && len(written) >= 3 {
		for _, n := range sorted {
			if strings.HasSuffix(Fold(n), folded) || strings.HasPrefix(Fold(n), folded) {
				return n
			}
		}
	}
	return best
}

// distance is how many single letters must be put in, left out, replaced or swapped with their neighbour to make a of b;
// at most limit.
func distance(a, b string, limit int) int {
	x, y := []rune(a), []rune(b)
	before, prev, cur := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(x); i++ {
		cur[0] = i
		row := i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				cur[j] = min(cur[j], before[j-2]+1)
			}
			row = min(row, cur[j])
		}
		if row >= limit {
			return limit
		}
		before, prev, cur = prev, cur, before
	}
	return min(prev[len(y)], limit)
}
