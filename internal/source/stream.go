package source

import (
	"bytes"
	"encoding/json"
	"fmt"

	"detect/internal/record"
)

// jsonCutter cuts JSON in any arrangement: a record a line, one object, lists, several of them one after the other, pages
// with their records in "value", and records as text. Between records it takes brackets and commas for separators, so that
// a missing one loses nothing.
//
// A whole line from { to } is taken for a record without looking inside, which is what makes the most common form fast;
// Decoder finds out if it is two.
type jsonCutter struct {
	place
	midLine bool // the position is not at the start of a line
	skip    skipper
	lists   int  // lists open around the records
	page    page // the page that is open around them
	lost    bool // the next record has to be found, something bad before it is already told
	hurt    bool // was ever lost
}

// page is an object that holds a list of records.
type page struct {
	lists  int   // how many lists are open inside it at its records; 0 is no page
	levels int64 // objects to be closed after the list
}

const tooLarge = "record is over 16 MiB"
const tooDeep = "record is nested over 64 deep"

func (c *jsonCutter) cut(b *Batch, text []byte, r rest) int {
	p := 0
	for p < len(text) {
		if c.skip.active {
			p = c.pass(text, p, p+c.skip.feed(text[p:]))
			continue
		}
		if c.lost {
			q, found := c.find(text, p, r)
			p = c.pass(text, p, q)
			if !found {
				return p
			}
			continue
		}
		q, wait := c.next(b, text, p, r)
		if wait {
			return p
		}
		p = q
	}
	if r == end {
		c.finish(b)
	}
	return p
}

// pass moves the place over text[p:q] and returns q.
func (c *jsonCutter) pass(text []byte, p, q int) int {
	if q > p {
		c.move(text[p:q])
		c.midLine = text[q-1] != '\n' && !(bytes.Equal(text[p:q], utf8BOM) && !c.midLine)
	}
	return q
}

func (p *place) move(text []byte) {
	if p.fixed || len(text) == 0 {
		return
	}
	p.line += int64(bytes.Count(text, newline))
	p.offset += int64(len(text))
	if p.cr {
		p.line += int64(bytes.Count(text, carriageReturn) - bytes.Count(text, crlf))
		if p.lastCR && text[0] == '\n' {
			p.line--
		}
		p.lastCR = text[len(text)-1] == '\r'
	}
}

var (
	newline        = []byte{'\n'}
	carriageReturn = []byte{'\r'}
	crlf           = []byte("\r\n")
	utf8BOM        = []byte("\xef\xbb\xbf")
)

// next takes what stands at p: a separator, a record, or something bad.
func (c *jsonCutter) next(b *Batch, text []byte, p int, r rest) (q int, wait bool) {
	switch ch := text[p]; {
	case ch == '{':
		if q, ok := c.wholeLine(b, text, p, r); ok {
			return q, false
		}
		return c.object(b, text, p, r)
	case ch == '}' && c.hurt: // closes what was broken off before
		return c.pass(text, p, p+1), false
	case isBlank(ch) || ch == ',':
		for q = p + 1; q < len(text) && (isBlank(text[q]) || text[q] == ','); q++ {
		}
		return c.pass(text, p, q), false
	case ch == '[':
		c.lists++
		return c.pass(text, p, p+1), false
	case ch == ']':
		c.closeList()
		return c.pass(text, p, p+1), false
	case ch == '"':
		return c.text(b, text, p, r)
	case bytes.HasPrefix(text[p:], utf8BOM):
		return c.pass(text, p, p+len(utf8BOM)), false
	case ch == utf8BOM[0] && len(text)-p < len(utf8BOM) && r == more:
		return p, true
	}
	return c.junk(b, text, p, r)
}

// wholeLine takes a line that starts with { and ends with } for a record.
func (c *jsonCutter) wholeLine(b *Batch, text []byte, p int, r rest) (q int, ok bool) {
	if c.midLine || c.page.lists > 0 || p+2 < len(text) && text[p+1] == '"' && (text[p+2] == '@' || 'a' <= text[p+2] && text[p+2] <= 'z') {
		return p, false // it may be a page, or the end of one
	}
	q = bytes.IndexByte(text[p:], '\n')
	switch {
	case q >= 0:
		q += p + 1
	case r == end:
		q = len(text)
	default:
		return p, false
	}
	last := q
	for last > p && isBlank(text[last-1]) {
		last--
	}
	if text[last-1] != '}' || last-p > record.MaxSize {
		return p, false
	}
	b.Records = append(b.Records, Raw{JSON: text[p:last:last], Origin: c.origin()})
	if !c.fixed {
		c.offset += int64(q - p)
		if text[q-1] == '\n' {
			c.line++
		}
	}
	return q, true
}

// object takes an object that may run over many lines.
func (c *jsonCutter) object(b *Batch, text []byte, p int, r rest) (q int, wait bool) {
	head, levels, v := pageHead(text, p)
	if v == partial && r == more {
		return p, true
	}
	if v == whole {
		c.lists++
		c.page = page{lists: c.lists, levels: levels}
		return c.pass(text, p, head), false
	}
	q, v = scanValue(text, p)
	if (v == broken || v == whole) && r == more && !c.midLine && len(text)-q < searched && bytes.IndexByte(text[p:], '\n') < 0 {
		return p, true // it may be a whole line, which Decoder looks into
	}
	return c.value(b, text, p, q, v, r)
}

// text takes a JSON string, which may hold a record or many.
func (c *jsonCutter) text(b *Batch, text []byte, p int, r rest) (q int, wait bool) {
	q, v := scanString(text, p+1)
	return c.value(b, text, p, q, v, r)
}

// value deals with what a scan from p to q found.
func (c *jsonCutter) value(b *Batch, text []byte, p, q int, v verdict, r rest) (int, bool) {
	switch {
	case v == whole && q-p <= record.MaxSize:
		b.Records = append(b.Records, Raw{JSON: text[p:q:q], Origin: c.origin()})
		return c.pass(text, p, q), false
	case v == whole:
		c.reject(b, tooLarge)
		return c.pass(text, p, q), false
	case v == deep:
		c.reject(b, tooDeep)
		c.skip = skipper{active: true}
		return p, false
	case v == partial && r == more:
		return p, true
	case v == partial && r == full:
		c.reject(b, tooLarge)
		c.skip = skipper{active: true}
		return p, false
	case v == partial:
		c.reject(b, "record is cut off: the input ends inside it")
	default:
		c.reject(b, fmt.Sprintf("record is not JSON: its byte %d does not belong there", q-p))
	}
	c.lost, c.hurt = true, true
	return c.pass(text, p, p+1), false
}

// junk takes what cannot be a record. A scalar in a list or alone on its line is one loss; of anything else nobody knows where it ends, so that the
// next record has to be found.
func (c *jsonCutter) junk(b *Batch, text []byte, p int, r rest) (q int, wait bool) {
	if r == more && len(text)-p < 2*junkShown {
		return p, true
	}
	shown := text[p:min(len(text), p+junkShown)]
	for q = p; q < p+len(shown) && isWord(text[q]); q++ {
	}
	listed := q > p && q < len(text) && (text[q] == ',' || text[q] == ']')
	if listed || q > p && isScalar(text[p:q]) && endsLine(text[q:min(len(text), p+2*junkShown)]) {
		c.reject(b, fmt.Sprintf("not a record: %q", text[p:q]))
		return c.pass(text, p, q), false
	}
	if i := bytes.IndexByte(shown, '\n'); i >= 0 {
		shown = shown[:i]
	}
	c.reject(b, fmt.Sprintf("not a record: %q", shown))
	c.lost, c.hurt = true, true
	return c.pass(text, p, max(q, p+1)), false
}

// endsLine says whether nothing but blanks stands before the end of the line, or of the list. after is short unless the
// text ends there.
func endsLine(after []byte) bool {
	i := skipBlank(after, 0)
	if bytes.IndexByte(after[:i], '\n') >= 0 {
		return true
	}
	if i == len(after) {
		return i < junkShown
	}
	return after[i] == ',' || after[i] == ']'
}

// isScalar says whether a word is a scalar of JSON.
func isScalar(word []byte) bool {
	switch string(word) {
	case "null", "true", "false":
		return true
	}
	return (word[0] == '-' || '0' <= word[0] && word[0] <= '9') && json.Valid(word)
}

// junkShown is how much of what is no record is shown.
const junkShown = 40

func (c *jsonCutter) reject(b *Batch, reason string) {
	b.Rejects = append(b.Rejects, Reject{c.origin(), reason})
}

func (c *jsonCutter) closeList() {
	if c.lists == 0 {
		return
	}
	if c.page.lists == c.lists {
		c.skip = skipper{active: true, depth: c.page.levels}
		c.page = page{}
	}
	c.lists--
}

// finish tells of what only the end of the text shows.
func (c *jsonCutter) finish(b *Batch) {
	switch {
	case c.skip.active && c.skip.depth > 0 && c.lists == 0 && !c.hurt:
		b.warn(c.file, "the input ends inside an object: it may have been cut")
	case c.lists > 0 && !c.hurt:
		b.warn(c.file, "the input ends inside a list: it may have been cut")
	}
}

// find looks for the next record after something bad: an object that is whole and either has the members of a record or is
// a line of its own. It returns where that starts; or, not found, up to where there is nothing to find.
func (c *jsonCutter) find(text []byte, p int, r rest) (q int, found bool) {
	for {
		i := bytes.IndexByte(text[p:], '{')
		if i < 0 {
			return len(text), false
		}
		p += i
		if c.startsLine(text, p) {
			head, _, v := pageHead(text, p)
			if v == partial && r == more {
				return p, false
			}
			if head = skipBlank(text, head); v == whole && head < len(text) && text[head] == '{' {
				c.lost = false
				return p, true
			}
		}
		e, v := scanValue(text, p)
		switch {
		case v == whole:
			own, wait := c.ownLine(text, p, e, r)
			if wait {
				return p, false
			}
			if own || plausible(text[p:e]) {
				c.lost = false
				return p, true
			}
		case v == partial && (r == more || r == full && p > len(text)/2):
			return p, false
		}
		p++
	}
}

func (c *jsonCutter) startsLine(text []byte, p int) bool {
	return p == 0 && !c.midLine || p > 0 && text[p-1] == '\n'
}

// ownLine says whether text[p:e] is one line and nothing else is on it.
func (c *jsonCutter) ownLine(text []byte, p, e int, r rest) (own, wait bool) {
	if !c.startsLine(text, p) || bytes.IndexByte(text[p:e], '\n') >= 0 {
		return false, false
	}
	for ; e < len(text) && text[e] != '\n'; e++ {
		if !isBlank(text[e]) {
			return false, false
		}
	}
	return true, e == len(text) && r == more
}

// recordKeys are members that tell a record or a wrapper of one from an object inside a record.
var recordKeys = map[string]bool{
	"CreationTime": true, "CreationDate": true, "AuditData": true, "auditData": true, "createdDateTime": true,
	"TimeGenerated": true, "OfficeWorkload": true, "_raw": true, "_source": true, "o365": true, "event.original": true,
}

func plausible(object []byte) bool {
	for name := range record.ObjectOf(object).Members() {
		if recordKeys[name] {
			return true
		}
	}
	return false
}
