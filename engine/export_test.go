package engine

import (
	"fmt"
	"reflect"
)

// WithFault is the configuration with one mistake switched on.
func (c Config) WithFault(name string) Config {
	f := faultField(&c.faults, name)
	*f = true
	return c
}

// WithRoom is the configuration with cells that keep n hits.
func (c Config) WithRoom(n int64) Config {
	c.cellRoom = n
	return c
}

// Faults are the names of all mistakes.
func Faults() (names []string) {
	t := reflect.TypeFor[faults]()
	for i := range t.NumField() {
		names = append(names, t.Field(i).Name)
	}
	return names
}

func faultField(f *faults, name string) *bool {
	switch name {
	case "halfContext":
		return &f.halfContext
	case "decideEarly":
		return &f.decideEarly
	case "freezeFrontier":
		return &f.freezeFrontier
	case "forgetOpen":
		return &f.forgetOpen
	case "futureMoves":
		return &f.futureMoves
	case "beyondAbsence":
		return &f.beyondAbsence
	case "byExtent":
		return &f.byExtent
	case "strictEdge":
		return &f.strictEdge
	case "oneSided":
		return &f.oneSided
	case "perHit":
		return &f.perHit
	case "youngerStays":
		return &f.youngerStays
	case "countDuplicates":
		return &f.countDuplicates
	case "forgetVariants":
		return &f.forgetVariants
	case "forgetCells":
		return &f.forgetCells
	}
	panic(fmt.Sprintf("no fault %q", name))
}

// CacheBytes is the memory that the timelines in the cache are counted with, and how many they are.
func (e *Engine) CacheBytes() (bytes, timelines int) { return e.cache.bytes, len(e.cache.timelines) }
