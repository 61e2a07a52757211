package source

import "bytes"

// autoCutter looks at the beginning of a text and chooses its cutter.
type autoCutter struct {
	place
	named  bool
	chosen cutter
	isCSV  bool
	stop   bool // there is nothing to be had from this input
}

// limit is the largest window. A record may be twice as long in CSV, where each of its quotes is doubled.
func (c *autoCutter) limit() int {
	if c.isCSV {
		return 2 * windowLimit
	}
	return windowLimit
}

func (c *autoCutter) cut(b *Batch, text []byte, r rest) int {
	if c.chosen != nil {
		return c.chosen.cut(b, text, r)
	}
	p := 0
	for p < len(text) {
		if n := blankOrBOM(text[p:]); n > 0 {
			p += n
			continue
		}
		break
	}
	if p == len(text) || r == more && len(text)-p < 3 {
		c.move(text[:p])
		return p
	}
	c.move(text[:p])
	switch {
	case text[p] == '{' || text[p] == '[' || text[p] == '"' && holdsJSON(text[p+1:]):
		c.json(text[:p])
	default:
		t := &csvCutter{place: c.place}
		c.isCSV = true
		n, known := t.begin(text[p:], r)
		switch {
		case known:
			c.chosen = t
			p += n
		case n < 0:
			return p
		case r == more && len(text)-p < searched:
			return p
		case startsInside(text[p:min(len(text), p+searched)]):
			c.isCSV = false
			c.json(text[:p])
		default:
			c.stop = true
			w := Warning{File: c.file, Text: "no form of audit records is recognised in it", Unread: c.named}
			if bytes.IndexByte(text[:min(len(text), p+searched)], 0) < 0 {
				w.Text += "; a CSV file needs a first line with the names of its columns, such as AuditData"
			}
			b.Warnings = append(b.Warnings, w)
			return len(text)
		}
	}
	return p + c.chosen.cut(b, text[p:], r)
}

// searched is how much of a text is searched for the start of JSON after lines that are none.
const searched = 64 << 10

func startsInside(text []byte) bool {
	return bytes.Contains(text, []byte("\n{")) || bytes.Contains(text, []byte("\n["))
}

func (c *autoCutter) json(before []byte) {
	c.chosen = &jsonCutter{place: c.place, midLine: len(before) > 0 && isBlank(before[len(before)-1]) && before[len(before)-1] != '\n'}
}

// blankOrBOM is how many bytes of blank or byte order mark text starts with.
func blankOrBOM(text []byte) int {
	if isBlank(text[0]) {
		return 1
	}
	if bytes.HasPrefix(text, utf8BOM) {
		return len(utf8BOM)
	}
	return 0
}

// holdsJSON says whether text, the inside of a JSON string, starts like JSON.
func holdsJSON(text []byte) bool {
	return len(text) > 0 && (text[0] == '{' || text[0] == '[' || text[0] == '\\' || text[0] == ' ')
}
