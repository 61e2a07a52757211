package source

// pageHead finds out whether the object at text[p] is a page: an answer that holds records in a list, after a few members of
// its own. If so, whole: head is the position after the list's opening bracket, and levels how many objects are open around
// it. The members that hold such lists are "value" (Microsoft Graph, Azure), "results" and "records" (Splunk and others),
// and "hits" in "hits" (Elasticsearch). The names of a record's own members start with capitals, which ends the search at
// the first.
func pageHead(text []byte, p int) (head int, levels int64, v verdict) {
	levels = 1
	p++
	for range 64 {
		if p = skipBlank(text, p); p >= len(text) {
			return p, 0, partial
		}
		if text[p] != '"' {
			return p, 0, broken
		}
		if p+1 < len(text) && 'A' <= text[p+1] && text[p+1] <= 'Z' {
			return p, 0, broken
		}
		start := p + 1
		if p, v = scanKey(text, p); v != whole {
			return p, 0, v
		}
		name := keyAt(text, start)
		if p = skipBlank(text, p); p >= len(text) {
			return p, 0, partial
		}
		switch {
		case text[p] == '[' && (name == "value" || name == "results" || name == "records" || name == "hits"):
			return p + 1, levels, whole
		case text[p] == '{' && name == "hits" && levels == 1:
			levels++
			p++
			continue
		}
		if p, v = scanValue(text, p); v != whole {
			return p, 0, v
		}
		if p = skipBlank(text, p); p >= len(text) {
			return p, 0, partial
		}
		if text[p] != ',' {
			return p, 0, broken
		}
		p++
	}
	return p, 0, broken
}

// keyAt is the name that starts at text[p], up to its quote; empty if it is longer than any that matters.
func keyAt(text []byte, p int) string {
	for q := p; q < len(text) && q < p+16; q++ {
		if text[q] == '"' {
			return string(text[p:q])
		}
	}
	return ""
}
