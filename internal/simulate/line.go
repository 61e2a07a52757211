package simulate

import (
	"strconv"
	"unicode/utf8"
)

// line is one record while it is written: JSON appended to a buffer that is used again for the next one.
type line struct{ b []byte }

func (l *line) open() { l.b = append(l.b[:0], '{') }

func (l *line) close() []byte {
	l.b = append(l.b, '}')
	return l.b
}

// name writes a member's name, which needs no escaping, after a comma where one is due.
func (l *line) name(n string) {
	l.comma()
	l.b = append(l.b, '"')
	l.b = append(l.b, n...)
	l.b = append(l.b, '"', ':')
}

func (l *line) comma() {
	switch l.b[len(l.b)-1] {
	case '{', '[', ':':
	default:
		l.b = append(l.b, ',')
	}
}

func (l *line) text(name, v string) {
	l.name(name)
	l.b = appendText(l.b, v)
}

// join writes the parts as one text.
func (l *line) join(name string, parts ...string) {
	l.name(name)
	l.b = append(l.b, '"')
	for _, p := range parts {
		l.b = appendEscaped(l.b, p)
	}
	l.b = append(l.b, '"')
}

func (l *line) num(name string, v int64) {
	l.name(name)
	l.b = strconv.AppendInt(l.b, v, 10)
}

func (l *line) flag(name string, v bool) {
	l.name(name)
	l.b = strconv.AppendBool(l.b, v)
}

func (l *line) null(name string) {
	l.name(name)
	l.b = append(l.b, "null"...)
}

func (l *line) id(name string, v guid) {
	l.name(name)
	l.b = append(l.b, '"')
	l.b = v.append(l.b)
	l.b = append(l.b, '"')
}

// object and list open a nested value; with an empty name, an element of a list. end and endList close it.
func (l *line) object(name string) { l.nest(name, '{') }
func (l *line) list(name string)   { l.nest(name, '[') }
func (l *line) end()               { l.b = append(l.b, '}') }
func (l *line) endList()           { l.b = append(l.b, ']') }

func (l *line) nest(name string, open byte) {
	if name == "" {
		l.comma()
	} else {
		l.name(name)
	}
	l.b = append(l.b, open)
}

// pair is a {"Name", "Value"} element of a list.
func (l *line) pair(name, value string) {
	l.object("")
	l.text("Name", name)
	l.text("Value", value)
	l.end()
}

// typed is an {"ID", "Type"} element of Actor and Target.
func (l *line) typed(id string, kind int64) {
	l.object("")
	l.text("ID", id)
	l.num("Type", kind)
	l.end()
}

// change is a {"Name", "NewValue", "OldValue"} element of ModifiedProperties.
func (l *line) change(name, now, before string) {
	l.object("")
	l.text("Name", name)
	l.text("NewValue", now)
	l.text("OldValue", before)
	l.end()
}

// at writes a time in the form of the audit log: UTC, whole seconds, no zone.
func (l *line) at(name string, t int64) {
	l.name(name)
	l.b = append(l.b, '"')
	l.b = appendTime(l.b, t)
	l.b = append(l.b, '"')
}

// plain says which bytes stand for themselves in a JSON text.
var plain = func() (t [256]bool) {
	for c := 0x20; c < 0x80; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// appendText appends s as a JSON text. Bytes that are not UTF-8 become U+FFFD, as encoding/json has it.
func appendText(b []byte, s string) []byte {
	b = append(b, '"')
	b = appendEscaped(b, s)
	return append(b, '"')
}

func appendEscaped(b []byte, s string) []byte {
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if plain[c] {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError || n > 1 {
				i += n
				continue
			}
			b = append(b, s[start:i]...)
			b = append(b, `\ufffd`...)
			i++
			start = i
			continue
		}
		b = append(b, s[start:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		start = i
	}
	return append(b, s[start:]...)
}

// appendTime appends t, seconds since 1970 UTC, as 2006-01-02T15:04:05.
func appendTime(b []byte, t int64) []byte {
	days, s := t/86400, t%86400
	if s < 0 {
		days, s = days-1, s+86400
	}
	y, m, d := civil(days)
	b = append(appendPadded(b, y, 4), '-')
	b = append(appendPadded(b, m, 2), '-')
	b = append(appendPadded(b, d, 2), 'T')
	b = append(appendPadded(b, s/3600, 2), ':')
	b = append(appendPadded(b, s/60%60, 2), ':')
	return appendPadded(b, s%60, 2)
}

// appendPadded appends n with leading zeros up to that width.
func appendPadded(b []byte, n int64, width int) []byte {
	at := len(b)
	for range width {
		b = append(b, '0')
	}
	for i := at + width - 1; i >= at && n > 0; i-- {
		b[i] = byte('0' + n%10)
		n /= 10
	}
	return b
}

// civil is the Gregorian date of a day counted from 1970-01-01. Years are counted from March, so that the leap day
// ends one; 400 of them are 146,097 days.
func civil(days int64) (year, month, day int64) {
	days += 719468
	era := days / 146097
	if days < 0 {
		era = (days - 146096) / 146097
	}
	inEra := days - era*146097
	y := (inEra - inEra/1460 + inEra/36524 - inEra/146096) / 365
	inYear := inEra - (365*y + y/4 - y/100)
	m := (5*inYear + 2) / 153
	day = inYear - (153*m+2)/5 + 1
	month = m + 3
	if month > 12 {
		month -= 12
	}
	year = y + era*400
	if month <= 2 {
		year++
	}
	return year, month, day
}
