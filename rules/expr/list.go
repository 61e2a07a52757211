package expr

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// List is a named set of texts or, if its name begins with "networks.", of address prefixes. It is immutable.
type List struct {
	name    string
	entries []string // texts, folded, sorted, without repeats
	texts   map[string]struct{}
	nets    *prefixes // nil for a list of texts
}

// EntryError tells which entry of a list is at fault.
type EntryError struct {
	Index int // in what NewList was given
	Err   error
}

func (e EntryError) Error() string { return e.Err.Error() }

// NewList makes a list. Its errors are entries that were left out: empty ones, and in networks.NAME what is neither an
// address nor a prefix.
func NewList(name string, entries []string) (*List, []EntryError) {
	l := &List{name: name, texts: make(map[string]struct{}, len(entries))}
	if strings.HasPrefix(name, "networks.") {
		l.nets = &prefixes{}
	}
	var errs []EntryError
	for i, e := range entries {
		if strings.TrimSpace(e) == "" {
			errs = append(errs, EntryError{i, fmt.Errorf("list %s: entry %d is empty", name, i+1)})
			continue
		}
		if l.nets != nil {
			p, err := parsePrefix(strings.TrimSpace(e))
			if err != nil {
				errs = append(errs, EntryError{i, fmt.Errorf("list %s: %q is neither an address nor a prefix such as 192.0.2.0/24", name, e)})
				continue
			}
			l.nets.add(p)
			continue
		}
		f := Fold(e)
		if _, ok := l.texts[f]; !ok {
			l.texts[f] = struct{}{}
			l.entries = append(l.entries, f)
		}
	}
	slices.Sort(l.entries)
	return l, errs
}

func parsePrefix(s string) (netip.Prefix, error) {
	if !strings.Contains(s, "/") {
		a, err := netip.ParseAddr(s)
		if err != nil || a.Zone() != "" {
			return netip.Prefix{}, fmt.Errorf("parse address %q", s)
		}
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return p, err
	}
	if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
	}
	return p.Masked(), nil
}

// Name is the list's name as rules write it behind `lists.`.
func (l *List) Name() string { return l.name }

// Networks says that it holds address prefixes.
func (l *List) Networks() bool { return l.nets != nil }

// Len is the number of different entries.
func (l *List) Len() int {
	if l.nets != nil {
		return l.nets.n
	}
	return len(l.entries)
}

// Has says whether s is an entry, letter case aside; in a list of networks, whether s is an address in one of them.
func (l *List) Has(s string) bool {
	if l.nets != nil {
		a, err := netip.ParseAddr(s)
		return err == nil && l.nets.contains(a.Unmap().WithZone(""))
	}
	_, ok := l.texts[Fold(s)]
	return ok
}

// Contains says whether a is in one of the networks.
func (l *List) Contains(a netip.Addr) bool {
	return l.nets != nil && a.IsValid() && l.nets.contains(a.Unmap().WithZone(""))
}

// MentionedIn says whether any entry is part of s, letter case aside.
func (l *List) MentionedIn(s string) bool {
	if len(l.entries) == 0 || s == "" {
		return false
	}
	s = Fold(s)
	for _, e := range l.entries {
		if strings.Contains(s, e) {
			return true
		}
	}
	return false
}

// WordIn says whether any entry stands in s as a word: no letter or digit touches it on either side.
func (l *List) WordIn(s string) bool {
	if len(l.entries) == 0 || s == "" {
		return false
	}
	s = Fold(s)
	for _, e := range l.entries {
		if wordIn(s, e) {
			return true
		}
	}
	return false
}

// wordIn says whether word, not empty, stands in s without a letter or digit at its sides.
func wordIn(s, word string) bool {
	for at := 0; ; {
		i := strings.Index(s[at:], word)
		if i < 0 {
			return false
		}
		i += at
		before, _ := utf8.DecodeLastRuneInString(s[:i])
		after, _ := utf8.DecodeRuneInString(s[i+len(word):])
		if (i == 0 || !wordRune(before)) && (i+len(word) == len(s) || !wordRune(after)) {
			return true
		}
		_, size := utf8.DecodeRuneInString(s[i:])
		at = i + size
	}
}

func wordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// Fold is s with letter case taken out: two texts are equal letter case aside, as strings.EqualFold has it, iff their
// folds are equal. It allocates only if it changes something.
func Fold(s string) string {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c >= utf8.RuneSelf || 'A' <= c && c <= 'Z' {
			return foldFrom(s, i)
		}
	}
	return s
}

func foldFrom(s string, i int) string {
	b := make([]byte, i, len(s)+8)
	copy(b, s[:i])
	for i < len(s) {
		if c := s[i]; c < utf8.RuneSelf {
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			b = append(b, c)
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			b = utf8.AppendRune(b, utf8.RuneError) // as EqualFold reads it
		} else {
			b = utf8.AppendRune(b, foldRune(r))
		}
		i += size
	}
	return string(b)
}

// foldRune is one fixed rune of all those that differ from r by case only: the lower case of the least of them.
func foldRune(r rune) rune {
	least := r
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		least = min(least, f)
	}
	if 'A' <= least && least <= 'Z' {
		return least + 'a' - 'A'
	}
	return least
}

// prefixes is a set of address prefixes, looked up by the lengths that occur.
type prefixes struct {
	n    int
	bits [2][]int // lengths that occur, longest first: of IPv4 and IPv6
	set  map[netip.Prefix]struct{}
}

func (p *prefixes) add(n netip.Prefix) {
	if p.set == nil {
		p.set = make(map[netip.Prefix]struct{})
	}
	if _, ok := p.set[n]; ok {
		return
	}
	p.set[n] = struct{}{}
	p.n++
	family := 0
	if n.Addr().Is6() {
		family = 1
	}
	if !slices.Contains(p.bits[family], n.Bits()) {
		p.bits[family] = append(p.bits[family], n.Bits())
	}
}

func (p *prefixes) contains(a netip.Addr) bool {
	family := 0
	if a.Is6() {
		family = 1
	}
	for _, bits := range p.bits[family] {
		n, err := a.Prefix(bits)
		if err != nil {
			continue
		}
		if _, ok := p.set[n]; ok {
			return true
		}
	}
	return false
}
