package rules

import (
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"detect/rules/expr"
)

// packFS holds the shipped rules and their lists.
//
//go:embed pack lists
var packFS embed.FS

// Pack is the shipped files: rules under pack/, lists under lists/.
func Pack() fs.FS { return packFS }

// ParseList reads a list file: one entry a line, without the blanks around it; empty lines and those that begin with #
// are left out.
func ParseList(text string) []string {
	entries := []string{}
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "#") {
			entries = append(entries, line)
		}
	}
	return entries
}

// packLists is the shipped lists' entries by name: a file's name without .txt. They are read once, and not to be changed.
var packLists = sync.OnceValue(readPackLists)

func readPackLists() map[string][]string {
	lists := map[string][]string{}
	files, _ := fs.Glob(packFS, "lists/*.txt")
	for _, f := range files {
		b, err := packFS.ReadFile(f)
		if err != nil {
			continue // it was listed: it is embedded
		}
		lists[strings.TrimSuffix(path.Base(f), ".txt")] = ParseList(string(b))
	}
	return lists
}

// lists makes the world's lists: the shipped ones, extended by the configuration's. Tests start from the shipped ones as
// they are, and from those that the configuration alone knows.
func (l *loader) lists(o Options) {
	all := maps.Clone(packLists())
	for name, entries := range all {
		l.set.lists[name] = entries
	}
	for name, entries := range o.Lists {
		if _, shipped := all[name]; !shipped {
			l.set.lists[name] = entries
		}
		all[name] = append(slices.Clone(all[name]), entries...)
	}
	w, problems := newWorld(o.Domains, all, o.Geo)
	for _, p := range problems {
		l.faults = append(l.faults, Fault{File: "lists", Message: p.Error()})
	}
	l.set.World = w
}

// shippedLists is the shipped lists as they are, made once: thousands of networks are not read anew for every world.
var shippedLists = sync.OnceValue(func() map[string]*expr.List {
	lists := map[string]*expr.List{}
	for name, entries := range packLists() {
		if list, problems := expr.NewList(name, entries); len(problems) == 0 {
			lists[name] = list
		}
	}
	return lists
})

func newList(name string, entries []string) (*expr.List, []expr.EntryError) {
	shipped := packLists()[name]
	if list := shippedLists()[name]; list != nil && len(shipped) == len(entries) && (len(entries) == 0 || &shipped[0] == &entries[0]) {
		return list, nil
	}
	return expr.NewList(name, entries)
}

// newWorld makes a world of lists. Entries at fault are left out and told.
func newWorld(domains []string, entries map[string][]string, g expr.Geo) (*expr.World, []error) {
	var (
		lists []*expr.List
		errs  []error
	)
	for _, name := range slices.Sorted(mapKeys(entries)) {
		list, problems := newList(name, entries[name])
		for _, p := range problems {
			errs = append(errs, p)
		}
		lists = append(lists, list)
	}
	w, err := expr.NewWorld(domains, lists, g)
	if err != nil {
		errs = append(errs, fmt.Errorf("make the world of expressions: %w", err))
	}
	return w, errs
}
