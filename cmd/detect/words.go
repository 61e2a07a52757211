package main

import (
	"detect/rules/template"
	"maps"
	"slices"
	"strings"
)

// plural is n of a noun.
func plural(n int, noun string) string {
	if n != 1 {
		if stem, ok := strings.CutSuffix(noun, "y"); ok {
			noun = stem + "ies"
		} else {
			noun += "s"
		}
	}
	return template.Grouped(int64(n)) + " " + noun
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
