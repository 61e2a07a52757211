package source

import (
	"bytes"
	"fmt"
	"strings"

	"detect/internal/record"
)

// csvCutter cuts the rows of a CSV file into records: the cell that holds one, or the row as an object.
type csvCutter struct {
	place
	header
	split splitter
	rows  int64    // rows of data
	told  bool     // something was rejected
	lost  bool     // the next good row has to be found, something bad before it is already told
	notes []string // about the columns, not yet told
	tries int      // how often a row was tried in vain since then
}

// begin reads the column names. n is how far, or -1 if more text is needed; known is whether they are of an export.
func (c *csvCutter) begin(text []byte, r rest) (n int, known bool) {
	n, delim := preamble(text, r)
	if n < 0 {
		return -1, false
	}
	line, cr, wait := firstLine(text[n:], r)
	if wait {
		return -1, false
	}
	if delim == 0 {
		delim = delimiterOf(line)
	}
	c.split.delim = delim
	if cr { // old programs of the Mac, and whatever turns CR LF into CR CR LF
		c.split.cr = true
		if q, v := c.split.row(text, n, r != more); v == whole && c.columns(text) {
			c.place.cr = true
			c.move(text[:q])
			return q, true
		}
		c.split.cr = false
	}
	q, v := c.split.row(text, n, r != more)
	if v == partial {
		if r == more && len(text) < longestHeader {
			return -1, false
		}
		return 0, false
	}
	if !c.columns(text) {
		return 0, false
	}
	c.move(text[:q])
	return q, true
}

// columns takes the row that was just split for the column names.
func (c *csvCutter) columns(text []byte) bool {
	cells := make([][]byte, len(c.split.cells))
	for i, x := range c.split.cells {
		cells[i] = bytes.ReplaceAll(text[x.start:x.end], []byte(`""`), []byte(`"`))
	}
	h, notes, known := parseHeader(cells)
	if known {
		c.header = h
		c.notes = notes
	}
	return known
}

func (c *csvCutter) cut(b *Batch, text []byte, r rest) int {
	for _, n := range c.notes {
		b.warn(c.file, n)
	}
	c.notes = nil
	p := 0
	for p < len(text) {
		if text[p] == '\n' || text[p] == '\r' && c.split.cr || text[p] == '\r' && p+1 < len(text) && text[p+1] == '\n' {
			p = c.pass(text, p, p+1)
			continue
		}
		q, v := c.split.row(text, p, r == end)
		if v == partial && r == more {
			return p
		}
		switch {
		case c.lost:
			if v == partial || !c.sane(text, p, q) {
				if p = c.nextLine(text, p, r); c.tries > maxTries {
					p = c.pass(text, p, len(text))
				}
				continue
			}
			c.lost, c.tries = false, 0
		case v == partial && r == full:
			c.reject(b, "row is over 32 MiB")
		case v == partial:
			c.reject(b, "row is cut off: the input ends inside a quoted cell")
		case c.swallowed(text):
			v = broken
			c.reject(b, "row is damaged: a quoted cell is not closed")
		}
		if v != whole {
			c.lost = true
			p = c.nextLine(text, p, r)
			continue
		}
		c.row(b, text)
		p = c.pass(text, p, q)
	}
	if r == end && c.rows == 0 && !c.told {
		b.warn(c.file, "holds the names of columns and not a single row")
	}
	if r == end && (c.rows == 5000 || c.rows == 50000) {
		b.warn(c.file, fmt.Sprintf("has exactly %d rows, the most that such an export holds: it is probably cut, and records are missing", c.rows))
	}
	return p
}

// maxTries bounds how often a damaged part of a file is scanned to its end in vain.
const maxTries = 64

func (c *csvCutter) pass(text []byte, p, q int) int {
	c.move(text[p:q])
	return q
}

// nextLine passes to the next line.
func (c *csvCutter) nextLine(text []byte, p int, r rest) int {
	i := c.split.lineEnd(text[p:])
	if i < 0 {
		return c.pass(text, p, len(text))
	}
	return c.pass(text, p, p+i+1)
}

// sane says whether what was split can be a row, after damage.
func (c *csvCutter) sane(text []byte, p, q int) bool {
	if q-p > 1<<20 {
		c.tries++
	}
	if c.split.loose || c.flat {
		return !c.split.loose && len(c.split.cells) == len(c.names)
	}
	i := max(c.audit, c.raw)
	if i >= len(c.split.cells) {
		return false
	}
	x := c.split.cells[i]
	head := bytes.TrimLeft(text[x.start:x.end], " \r\n\t")
	return len(head) > 0 && (head[0] == '{' || head[0] == '"' || head[0] == '[')
}

// swallowed says whether the row that was split runs over the ones after it since the quote that should close a cell is
// missing. Its signs are a single quote in a quoted cell of several lines, where no JSON is whole.
func (c *csvCutter) swallowed(text []byte) bool {
	if !c.split.loose || !c.split.breaks {
		return false
	}
	if c.flat {
		return len(c.split.cells) != len(c.names)
	}
	i := c.audit
	if i < 0 {
		i = c.raw
	}
	if i >= len(c.split.cells) {
		return true
	}
	x := c.split.cells[i]
	inner := bytes.Clone(text[x.start:x.end])
	inner = inner[:undouble(inner)]
	e, v := scanValue(inner, 0)
	return v != whole || skipBlank(inner, e) < len(inner)
}

func (c *csvCutter) reject(b *Batch, reason string) {
	c.told = true
	b.Rejects = append(b.Rejects, Reject{c.origin(), reason})
}

// row makes a record of the row that was just split.
func (c *csvCutter) row(b *Batch, text []byte) {
	cells := c.split.cells
	if c.blank() {
		return
	}
	if c.flat {
		if c.again(text, c.operation) {
			return
		}
		c.rows++
		c.object(b, text)
		return
	}
	if c.again(text, max(c.audit, c.raw)) {
		return
	}
	c.rows++
	json := bytes.TrimSpace(c.split.content(text, c.audit))
	if len(json) == 0 {
		json = bytes.TrimSpace(c.split.content(text, c.raw))
	}
	switch {
	case len(json) == 0 && max(c.audit, c.raw) >= len(cells):
		c.reject(b, fmt.Sprintf("row has %d cells, %s is the %d-th", len(cells), c.names[max(c.audit, c.raw)], max(c.audit, c.raw)+1))
	case len(json) == 0:
		c.reject(b, c.names[max(c.audit, c.raw)]+" is empty")
	case len(json) > record.MaxSize:
		c.reject(b, tooLarge)
	default:
		b.Records = append(b.Records, Raw{JSON: json, Origin: c.origin(), row: row{
			cell: true,
			date: c.split.content(text, c.date), operation: c.split.content(text, c.operation),
			user: c.split.content(text, c.user), id: c.split.content(text, c.id),
		}})
	}
}

// blank says whether a row has no content at all, as spreadsheets append.
func (c *csvCutter) blank() bool {
	for _, x := range c.split.cells {
		if x.end > x.start {
			return false
		}
	}
	return true
}

// again says whether the row repeats the column names, as in files put together from several, and if so takes their order.
func (c *csvCutter) again(text []byte, column int) bool {
	cells := c.split.cells
	if len(cells) > 0 && bytes.HasPrefix(text[cells[0].start:cells[0].end], []byte("#TYPE")) {
		return true
	}
	if column < 0 || column >= len(cells) {
		return false
	}
	x, name := text[cells[column].start:cells[column].end], c.names[column]
	return len(x) == len(name) && strings.EqualFold(string(x), name) && c.columns(text)
}

// object makes a JSON object of a row, each cell as text under the name of its column.
func (c *csvCutter) object(b *Batch, text []byte) {
	start := len(b.spare)
	b.spare = append(b.spare, '{')
	for i := range c.split.cells {
		if i >= len(c.names) || c.names[i] == "" {
			continue
		}
		v := c.split.content(text, i)
		if len(v) == 0 {
			continue
		}
		if len(b.spare) > start+1 {
			b.spare = append(b.spare, ',')
		}
		b.spare = appendQuoted(b.spare, []byte(c.names[i]))
		b.spare = append(b.spare, ':')
		b.spare = appendQuoted(b.spare, v)
	}
	b.spare = append(b.spare, '}')
	if len(b.spare)-start > record.MaxSize {
		c.reject(b, tooLarge)
		return
	}
	b.Records = append(b.Records, Raw{JSON: b.spare[start:len(b.spare):len(b.spare)], Origin: c.origin(), row: row{table: true}})
}
