package rules

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"detect/rules/document"
	"detect/rules/expr"
)

// PackName stands for the embedded pack among Options.Paths.
const PackName = "pack"

// Options is what a set of rules is loaded from. The zero value is the embedded pack in a world without domains, lists
// of its own and places.
type Options struct {
	Paths   []string            // files, folders (read recursively, *.yaml and *.yml) and PackName; empty: the pack
	Files   []File              // further rule files
	Domains []string            // the tenant's own domains; empty: those that records show
	Lists   map[string][]string // added to the pack's lists of the same name, or new
	Geo     expr.Geo            // nil knows no place
}

// File is a rule file in memory.
type File struct {
	Name string // for faults
	Text []byte
}

// Set is what was loaded: rules that compile, and their tests. It is immutable.
type Set struct {
	Rules    []*Rule // that run, by ID; Rule.Index is the place in it
	Disabled []*Rule // that compile and are switched off, by ID
	Cases    []Case  // every rule's tests, and every override's
	Files    int     // how many files were read
	World    *expr.World

	lists map[string][]string // the entries that tests start from
}

// Rule is the rule of that id, running or disabled; nil if there is none.
func (s *Set) Rule(id string) *Rule {
	for _, list := range [][]*Rule{s.Rules, s.Disabled} {
		for _, r := range list {
			if r.ID == id {
				return r
			}
		}
	}
	return nil
}

// Only is the set with the rules of those ids alone, disabled ones too; an unknown id is an error.
func (s *Set) Only(ids ...string) (*Set, error) {
	out := *s
	out.Rules, out.Disabled, out.Cases = nil, nil, nil
	for _, id := range ids {
		r := s.Rule(id)
		if r == nil {
			var known []string
			for _, x := range append(slices.Clone(s.Rules), s.Disabled...) {
				known = append(known, x.ID)
			}
			if near := document.Nearest(id, known); near != "" {
				return nil, fmt.Errorf("no rule %q; did you mean %q?", id, near)
			}
			return nil, fmt.Errorf("no rule %q", id)
		}
		out.Rules = append(out.Rules, r)
	}
	out.order()
	for _, c := range s.Cases {
		if slices.Contains(ids, c.Rule.ID) {
			out.Cases = append(out.Cases, c)
		}
	}
	return &out, nil
}

// order sorts the rules and numbers those that run. Rules of another set are copied first.
func (s *Set) order() {
	for _, list := range []*[]*Rule{&s.Rules, &s.Disabled} {
		slices.SortFunc(*list, func(a, b *Rule) int { return cmp.Compare(a.ID, b.ID) })
		*list = slices.CompactFunc(*list, func(a, b *Rule) bool { return a.ID == b.ID })
	}
	for i, r := range s.Rules {
		c := *r
		c.Index = i
		s.Rules[i] = &c
	}
}

// Load reads, checks and compiles rules. A rule with a fault is never in the set; the faults of every file come at once.
// The set is never nil: whether to run what is right when something is wrong is the caller's decision.
func Load(o Options) (*Set, Faults) {
	l := loader{set: &Set{lists: map[string][]string{}}, unsure: map[string]bool{}}
	files := slices.Clone(o.Files)
	paths := o.Paths
	if len(paths) == 0 && len(files) == 0 {
		paths = []string{PackName}
	}
	for _, p := range paths {
		if p == PackName {
			files = append(files, l.folder(packFS, "pack", "rules/")...)
		} else {
			files = append(files, l.path(p)...)
		}
	}
	l.lists(o)
	l.set.Files = len(files)
	for _, f := range files {
		l.read(f)
	}
	l.compile()
	return l.set, l.faults.Sort()
}

// loader collects what the files hold.
type loader struct {
	set       *Set
	faults    Faults
	rules     []document.Value
	places    map[string]document.Value // of each id
	overrides []override
	unsure    map[string]bool // ids of rules that an override at fault is about: they do not run without it
}

func (l *loader) fail(file string, err error) {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	l.faults = append(l.faults, Fault{File: file, Message: fmt.Sprintf("read rules: %v", err)})
}

func isRuleFile(name string) bool {
	ext := strings.ToLower(path.Ext(name))
	return (ext == ".yaml" || ext == ".yml") && !strings.HasPrefix(path.Base(name), ".")
}

// path reads a file, or a folder's rule files.
func (l *loader) path(p string) []File {
	info, err := os.Stat(p)
	if err != nil {
		l.fail(p, err)
		return nil
	}
	if info.IsDir() {
		files := l.folder(os.DirFS(p), ".", filepath.ToSlash(filepath.Clean(p))+"/")
		if len(files) == 0 {
			l.faults = append(l.faults, Fault{File: p, Message: "the folder holds no rule files (*.yaml)"})
		}
		return files
	}
	if info.Size() > document.MaxSize {
		l.fail(p, fmt.Errorf("the file is larger than %d MiB", document.MaxSize>>20))
		return nil
	}
	b, err := os.ReadFile(p)
	if err != nil {
		l.fail(p, err)
		return nil
	}
	return []File{{Name: p, Text: b}}
}

// folder reads the rule files under root. Hidden files and folders are left out.
func (l *loader) folder(from fs.FS, root, prefix string) (files []File) {
	err := fs.WalkDir(from, root, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			l.fail(prefix+name, err)
		case name != root && strings.HasPrefix(path.Base(name), "."):
			if d.IsDir() {
				return fs.SkipDir
			}
		case !d.IsDir() && isRuleFile(name):
			b, err := fs.ReadFile(from, name)
			if err != nil {
				l.fail(prefix+name, err)
				return nil
			}
			files = append(files, File{Name: prefix + name, Text: b})
		}
		return nil
	})
	if err != nil {
		l.fail(prefix+root, err)
	}
	return files
}

// read sorts a file's documents into rules and overrides.
func (l *loader) read(f File) {
	docs, faults := document.Parse(f.Name, f.Text)
	l.faults = append(l.faults, faults...)
	for _, d := range docs {
		isOverride := false
		for _, e := range d.Entries() {
			isOverride = isOverride || e.Key.Scalar() == "override"
		}
		if !isOverride {
			l.rules = append(l.rules, d)
			continue
		}
		target := readID(d, "override")
		r := &document.Report{Rule: target}
		if m, ok := r.Mapping(d, overrideKeys); ok {
			if o, ok := readOverride(r, m); ok {
				l.overrides = append(l.overrides, o)
			}
		}
		if len(r.Faults) > 0 {
			l.unsure[target] = true
		}
		l.faults = append(l.faults, r.Faults...)
	}
}

// compile compiles every rule, as it was shipped and with its overrides.
func (l *loader) compile() {
	l.places = map[string]document.Value{}
	if l.set.World == nil {
		return // its fault is there
	}
	for _, d := range l.rules {
		l.rule(d, l.set.World)
	}
	for _, o := range l.overrides {
		if _, ok := l.places[o.target]; ok {
			continue
		}
		r := &document.Report{Rule: o.target}
		hint := ""
		var known []string
		for id := range l.places {
			known = append(known, id)
		}
		slices.Sort(known)
		if near := document.Nearest(o.target, known); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		r.Add(o.id, 0, fmt.Sprintf("there is no rule %q to override", o.target), hint)
		l.faults = append(l.faults, r.Faults...)
	}
	l.set.order()
	slices.SortStableFunc(l.set.Cases, func(a, b Case) int { return cmp.Compare(a.Rule.ID, b.Rule.ID) })
}

// rule compiles one rule.
func (l *loader) rule(d document.Value, w *expr.World) {
	id := readID(d, "id")
	r := &document.Report{Rule: id}
	defer func() { l.faults = append(l.faults, r.Faults...) }()
	m, ok := r.Mapping(d, ruleKeys)
	if !ok {
		return
	}
	if first, ok := l.places[id]; ok && id != "" {
		line, _ := first.Place(0)
		r.Add(m.Get("id"), 0, fmt.Sprintf("two rules have the id %q; the first is at %s:%d", id, first.File(), line), "")
	} else {
		l.places[id] = d
	}
	s := readRule(r, m)
	base := s.compile(w, r)
	var mine []override
	for _, o := range l.overrides {
		if o.target == id {
			mine = append(mine, o)
		}
	}
	rule := base
	if len(mine) > 0 {
		rule = merged(r, d, mine).compile(w, r)
	}
	for _, o := range mine {
		if tests := readTests(r, o.tests); len(tests) > 0 {
			l.set.Cases = append(l.set.Cases, Case{Rule: rule, Tests: tests, set: l.set})
		}
	}
	if len(r.Faults) > 0 || s.later || l.unsure[id] {
		l.set.Cases = slices.DeleteFunc(l.set.Cases, func(c Case) bool { return c.Rule == rule })
		return
	}
	if len(base.Tests) > 0 {
		l.set.Cases = append(l.set.Cases, Case{Rule: base, Tests: base.Tests, set: l.set})
	}
	if rule.Status == Disabled {
		l.set.Disabled = append(l.set.Disabled, rule)
	} else {
		l.set.Rules = append(l.set.Rules, rule)
	}
}
