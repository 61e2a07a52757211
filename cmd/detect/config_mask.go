package main

import (
	"bytes"
	"regexp"
	"strings"

	"detect/rules/document"
)

var (
	topKey = regexp.MustCompile(`^([\w"']+)[ \t]*:`)
	key    = regexp.MustCompile(`^[ \t]*(?:-[ \t]+)*["']?[\w.-]+["']?[ \t]*:(?:[ \t]|$)`)
)

// open are the sections that hold no secrets, whose lines may be shown as they are.
var openSections = map[string]bool{
	"org": true, "lists": true, "geo": true, "store": true, "rules": true, "settle": true, "routes": true, "fallback": true,
	"ops": true, "digests": true, "metrics": true,
}

// maskUnparsed makes faults fit to be shown that belong to a file which is no YAML as a whole, so that nobody can tell
// what of it is a secret: outside the sections that hold none, a line shows its key alone, and a message nothing of the
// line.
func maskUnparsed(faults document.Faults, data []byte) document.Faults {
	lines := bytes.Split(bytes.TrimPrefix(data, []byte("\ufeff")), []byte("\n"))
	for i := range faults {
		f := &faults[i]
		section := ""
		for n := min(f.Line, len(lines)); n > 0 && section == ""; n-- {
			if m := topKey.FindSubmatch(lines[n-1]); m != nil {
				section = strings.Trim(string(m[1]), `"'`)
			}
		}
		if openSections[section] || f.Line == 0 {
			continue
		}
		shown := key.FindString(f.Source)
		rest := f.Source[len(shown):]
		for _, word := range strings.Fields(rest) {
			if word = strings.Trim(word, `"',{}[]`); len(word) > 2 {
				f.Message = strings.ReplaceAll(f.Message, word, "***")
				f.Hint = strings.ReplaceAll(f.Hint, word, "***")
			}
		}
		f.Source = shown + strings.Map(func(r rune) rune {
			if r == ' ' || r == '\t' {
				return r
			}
			return '*'
		}, rest)
	}
	return faults
}
