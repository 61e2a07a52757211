package source

import "bytes"

// cell is one cell of a row, without its outer quotes.
type cell struct {
	start, end int
	doubled    bool // it has doubled quotes, to be made single ones
}

// splitter splits a row of CSV in place. It follows RFC 4180 and is as lenient as encoding/csv with LazyQuotes: a quote
// inside an unquoted cell, and a single quote inside a quoted one, stand for themselves.
type splitter struct {
	delim  byte
	cr     bool // a bare CR outside of quotes ends a row too; an LF after it is then a row of nothing
	cells  []cell
	loose  bool // a quoted cell holds a single quote: a sign that a quote was lost before
	breaks bool // a quoted cell holds a line break
}

// row splits the row that starts at text[p]; q is where the next one starts. Unless last, a row without its line break is
// partial, as more of it may follow. With last, partial means that a quote is not closed.
func (s *splitter) row(text []byte, p int, last bool) (q int, v verdict) {
	s.cells, s.loose, s.breaks = s.cells[:0], false, false
	for {
		var done bool
		if p < len(text) && text[p] == '"' {
			p, done, v = s.quoted(text, p+1, last)
		} else {
			p, done, v = s.bare(text, p, last)
		}
		if v != whole || done {
			return p, v
		}
	}
}

func (s *splitter) bare(text []byte, p int, last bool) (q int, done bool, v verdict) {
	for q = p; q < len(text); q++ {
		switch text[q] {
		case s.delim:
			s.cells = append(s.cells, cell{p, q, false})
			return q + 1, false, whole
		case '\n':
			s.cells = append(s.cells, cell{p, beforeCR(text, p, q), false})
			return q + 1, true, whole
		case '\r':
			if s.cr {
				s.cells = append(s.cells, cell{p, q, false})
				return q + 1, true, whole
			}
		}
	}
	if !last {
		return q, false, partial
	}
	s.cells = append(s.cells, cell{p, beforeCR(text, p, q), false})
	return q, true, whole
}

func beforeCR(text []byte, p, q int) int {
	if q > p && text[q-1] == '\r' {
		return q - 1
	}
	return q
}

// quoted takes the position after an opening quote.
func (s *splitter) quoted(text []byte, p int, last bool) (q int, done bool, v verdict) {
	c := cell{start: p}
	for q = p; ; {
		i := bytes.IndexByte(text[q:], '"')
		if i < 0 {
			return len(text), false, partial
		}
		q += i + 1
		if q == len(text) {
			if !last {
				return q, false, partial
			}
			return q, true, s.add(text, c, q-1)
		}
		switch next := text[q]; {
		case next == '"':
			c.doubled = true
			q++
		case next == s.delim:
			return q + 1, false, s.add(text, c, q-1)
		case next == '\n' || next == '\r' && s.cr:
			return q + 1, true, s.add(text, c, q-1)
		case next == '\r' && q+1 == len(text):
			if !last {
				return q, false, partial
			}
			return q + 1, true, s.add(text, c, q-1)
		case next == '\r' && text[q+1] == '\n':
			return q + 2, true, s.add(text, c, q-1)
		default:
			s.loose = true
		}
	}
}

func (s *splitter) add(text []byte, c cell, end int) verdict {
	c.end = end
	s.cells = append(s.cells, c)
	if !s.breaks {
		s.breaks = s.lineEnd(text[c.start:c.end]) >= 0
	}
	return whole
}

// lineEnd is where the first line of text ends: at its line break, or -1.
func (s *splitter) lineEnd(text []byte) int {
	if s.cr {
		return bytes.IndexAny(text, "\r\n")
	}
	return bytes.IndexByte(text, '\n')
}

// content is a cell's text with its doubled quotes made single, which it does in place.
func (s *splitter) content(text []byte, i int) []byte {
	if i < 0 || i >= len(s.cells) {
		return nil
	}
	c := &s.cells[i]
	if c.doubled {
		c.end = c.start + undouble(text[c.start:c.end])
		c.doubled = false
	}
	return text[c.start:c.end:c.end]
}

// undouble makes doubled quotes single ones, in place, and returns the new length. A single quote stays.
func undouble(b []byte) int {
	w, p := 0, 0
	for {
		i := bytes.IndexByte(b[p:], '"')
		if i < 0 {
			break
		}
		i++ // with the quote
		if w != p {
			copy(b[w:], b[p:p+i])
		}
		w, p = w+i, p+i
		if p < len(b) && b[p] == '"' {
			p++
		}
	}
	return w + copy(b[w:], b[p:])
}
