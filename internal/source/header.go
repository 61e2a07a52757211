package source

import (
	"bytes"
	"fmt"
	"strings"
)

// header is what the first line of a CSV file says about its columns. The columns of the same purpose have many names, and
// may stand in any order among any others.
type header struct {
	names []string // as written, without blanks around and without the zone in brackets
	flat  bool     // no column holds a whole record: the row itself is one

	audit, raw                int // columns with a whole record; -1 if there is none
	date, operation, user, id int
}

// synonyms of the columns that are looked for, folded as foldName does, the better name first.
var (
	auditNames     = []string{"auditdata", "detail", "details"}
	rawNames       = []string{"raw", "eventoriginal", "event.original", "rawdata"}
	dateNames      = []string{"creationtime", "creationdate", "timegenerated", "createddatetime", "starttime", "date", "time"}
	operationNames = []string{"operation", "operations", "activity"}
	userNames      = []string{"userid", "userids", "userprincipalname", "user"}
	idNames        = []string{"recordid", "identity", "officeid", "id"}
)

// foldName makes a column's name comparable: lower case, without blanks, lines and hyphens.
func foldName(name string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case ' ', '_', '-':
			return -1
		}
		return r
	}, strings.ToLower(name))
}

// parseHeader reads the cells of a first line; warnings are about columns; known says whether this is an export at all.
func parseHeader(cells [][]byte) (h header, warnings []string, known bool) {
	at := map[string]int{}
	for i, c := range cells {
		name := strings.TrimSpace(strings.TrimPrefix(strings.ToValidUTF8(string(c), "?"), "\ufeff"))
		if open := strings.LastIndex(name, " ["); open > 0 && strings.HasSuffix(name, "]") {
			if zone := name[open+2 : len(name)-1]; !strings.EqualFold(zone, "UTC") {
				warnings = append(warnings, fmt.Sprintf("column %q is taken for UTC", name))
			}
			name = name[:open]
		}
		h.names = append(h.names, name)
		if f := foldName(name); f != "" {
			if _, ok := at[f]; !ok {
				at[f] = i
			}
		}
	}
	find := func(names []string) int {
		for _, n := range names {
			if i, ok := at[n]; ok {
				return i
			}
		}
		return -1
	}
	h.audit, h.raw = find(auditNames), find(rawNames)
	if _, ok := at["auditdata"]; !ok && len(cells) > 8 { // Detail is an old name of AuditData, but in a narrow table only
		h.audit = -1
	}
	h.date, h.operation, h.user, h.id = find(dateNames), find(operationNames), find(userNames), find(idNames)
	_, elastic := at["o365.audit.operation"]
	_, signIn := at["userprincipalname"]
	h.flat = h.audit < 0 && h.raw < 0
	known = !h.flat || elastic || h.date >= 0 && (h.operation >= 0 || signIn)
	return h, warnings, known && len(h.names) > 0
}

// delimiterOf is what separates the cells of a first line: what occurs most outside of quotes.
func delimiterOf(line []byte) byte {
	var count [256]int
	inside := false
	for _, c := range line {
		if c == '"' {
			inside = !inside
		} else if !inside {
			count[c]++
		}
	}
	best := byte(',')
	for _, c := range []byte{';', '\t', '|'} {
		if count[c] > count[best] {
			best = c
		}
	}
	return best
}

// firstLine is the first line of a text, up to a line break outside of quoted cells; cr says that it is a bare CR; wait, that
// only what follows can tell. The delimiter is not known yet, so a quote opens a cell after any of them.
func firstLine(text []byte, r rest) (line []byte, cr, wait bool) {
	const delimiters = ",;\t|"
	inside := false
	for i := 0; i < len(text); i++ {
		last := i+1 == len(text)
		switch c := text[i]; {
		case inside && c == '"':
			switch {
			case last:
				return text, false, r == more
			case text[i+1] == '"':
				i++
			default: // a quote that nothing ends is part of the cell
				inside = strings.IndexByte(delimiters+"\r\n", text[i+1]) < 0
			}
		case inside:
		case c == '"':
			inside = i == 0 || strings.IndexByte(delimiters, text[i-1]) >= 0
		case c == '\n':
			return text[:i], false, false
		case c == '\r':
			return text[:i], last || text[i+1] != '\n', last && r == more
		}
	}
	return text, false, r == more && len(text) < longestHeader
}

// longestHeader is how long a line of column names may be, in bytes.
const longestHeader = 1 << 20

// preamble takes off lines that may stand before the column names: #TYPE (Export-Csv of PowerShell 5) and sep= (Excel). It
// returns -1 if the line is not whole.
func preamble(text []byte, r rest) (n int, delim byte) {
	for {
		p := n
		for p < len(text) && blankOrBOM(text[p:]) > 0 {
			p += blankOrBOM(text[p:])
		}
		line := bytes.TrimPrefix(text[p:], []byte{'"'})
		isType := bytes.HasPrefix(line, []byte("#TYPE"))
		isSep := len(line) > 4 && bytes.EqualFold(line[:4], []byte("sep="))
		if !isType && !isSep {
			return p, delim
		}
		if isSep {
			delim = line[4]
		}
		i := bytes.IndexAny(text[p:], "\r\n")
		if r == more && (i < 0 || p+i+1 == len(text)) { // after a CR its LF may follow
			return -1, 0
		}
		if i < 0 {
			return len(text), delim
		}
		if n = p + i + 1; text[n-1] == '\r' && n < len(text) && text[n] == '\n' {
			n++
		}
	}
}
