package record

import (
	"strings"
)

// commandPairs reads the parameters of a PowerShell command line as SecurityComplianceCenter writes them:
// -Name "x" -Export -TeamsLocation ("ALL"). A value reaches up to the next -Name outside quotes and brackets.
func commandPairs(dst []pair, s string) []pair {
	s = strings.TrimSpace(s)
	var open unclosed
	for startsParameter(s) {
		n := 1
		for n < len(s) && isNameByte(s[n]) {
			n++
		}
		name := s[1:n]
		s = strings.TrimPrefix(s[n:], ":")
		end := open.valueEnd(s)
		dst = append(dst, commandPair(name, strings.TrimSpace(s[:end])))
		s = s[end:]
	}
	return dst
}

// unclosed counts the quotes and brackets of a command line that nothing closes. Each costs a look at all that follows, so
// after maxUnclosed no more are looked for.
type unclosed int

const maxUnclosed = 32

func startsParameter(s string) bool {
	return len(s) > 1 && s[0] == '-' && (s[1]|0x20 >= 'a' && s[1]|0x20 <= 'z')
}

func isNameByte(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' || isDigit(c) || c == '_' || c == '-'
}

// valueEnd is where the next parameter begins. Quotes and brackets that are never closed mean nothing: else one of them
// would hide every parameter after it.
func (open *unclosed) valueEnd(s string) int {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '"', '\'', '(':
			if *open >= maxUnclosed {
				continue
			}
			if n := closing(s[i:]); n > 0 {
				i += n
			} else {
				*open++
			}
		case '-':
			if i > 0 && s[i-1] <= ' ' && startsParameter(s[i:]) {
				return i
			}
		}
	}
	return len(s)
}

// closing is the position of what closes the quote or bracket that s begins with, 0 if nothing does.
func closing(s string) int {
	if s[0] != '(' {
		return strings.IndexByte(s[1:], s[0]) + 1
	}
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"', '\'':
			i += strings.IndexByte(s[i+1:], s[i]) + 1
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return 0
}

func commandPair(name, value string) pair {
	p := pair{name: []byte(name), text: unquote(value)}
	if value == "" {
		p.text = "True"
	}
	if inner, ok := strings.CutSuffix(strings.TrimPrefix(value, "@"), ")"); ok && strings.HasPrefix(inner, "(") {
		p.items = commandItems(inner[1:])
	} else if len(value) > 1 && (value[0] == '"' || value[0] == '\'') {
		if items := commandItems(value); len(items) > 1 {
			p.items = items
		}
	}
	if len(p.items) == 1 {
		p.text = p.items[0]
	}
	switch strings.ToLower(p.text) {
	case "$true":
		p.text = "True"
	case "$false":
		p.text = "False"
	case "$null":
		p.text = ""
	}
	return p
}

// commandItems cuts a PowerShell list at its commas.
func commandItems(s string) []string {
	var items []string
	start := 0
	add := func(item string) {
		if item = unquote(strings.TrimSpace(item)); item != "" {
			items = append(items, item)
		}
	}
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"', '\'':
			i += closing(s[i:])
		case ',':
			add(s[start:i])
			start = i + 1
		}
	}
	add(s[start:])
	return items
}

// unquote takes off quotes around the whole of s and resolves doubled ones inside.
func unquote(s string) string {
	if len(s) < 2 || s[0] != s[len(s)-1] || (s[0] != '"' && s[0] != '\'') {
		return s
	}
	q := s[:1]
	inner := s[1 : len(s)-1]
	if strings.Contains(strings.ReplaceAll(inner, q+q, ""), q) {
		return s // "a","b"
	}
	return strings.ReplaceAll(inner, q+q, q)
}

// splitOutsideQuotes cuts s at sep outside double quotes, trims the parts and leaves out empty ones. A quote that is never
// closed means nothing.
func splitOutsideQuotes(s string, sep byte) []string {
	if strings.Count(s, `"`)%2 != 0 {
		return splitAll(s, sep)
	}
	var parts []string
	quoted, start := false, 0
	for i := 0; i <= len(s); i++ {
		switch {
		case i == len(s) || s[i] == sep && !quoted:
			if part := strings.TrimSpace(s[start:i]); part != "" {
				parts = append(parts, unquote(part))
			}
			start = i + 1
		case s[i] == '"':
			quoted = !quoted
		}
	}
	return parts
}

func splitAll(s string, sep byte) []string {
	var parts []string
	for part := range strings.SplitSeq(s, string(sep)) {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}
