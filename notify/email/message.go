package email

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/clipperhouse/uax29/v2/graphemes"
	gomail "github.com/wneessen/go-mail"

	"detect/notify"
	"detect/notify/escape"
	"detect/rules/hit"
)

// subjectLength is how many characters, as a reader sees them, a subject has at most.
const subjectLength = 150

// head is what stands above a mail's text.
type head struct {
	id         string
	subject    string
	date       time.Time
	answers    string   // id of the mail that this one answers; empty: none
	references []string // ids of the mails before it in its thread, the oldest first
	urgent     bool

	severity, rule, alert string // of the alert, for filters; empty for a notice
}

// compose makes the mail: text and HTML.
func (c *Channel) compose(h *head, l *letter) ([]byte, error) {
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent(), gomail.WithEncoding(gomail.EncodingQP), gomail.WithBoundary("part-"+h.id[:32]))
	m.FromMailAddress(c.from)
	m.ToMailAddress(c.to...)
	m.Subject(h.subject)
	m.SetMessageIDWithValue(h.id)
	m.SetDateWithValue(h.date.UTC())
	if h.answers != "" {
		m.SetGenHeader(gomail.HeaderInReplyTo, "<"+h.answers+">")
	}
	if len(h.references) > 0 {
		m.SetGenHeader(gomail.HeaderReferences, "<"+strings.Join(h.references, "> <")+">")
	}
	// What keeps out-of-office replies away (RFC 3834, section 5; MS-OXCMAIL, section 2.2.3.2.14). No Precedence: bulk,
	// which some filters take for advertising.
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	m.SetGenHeader("X-Auto-Response-Suppress", "All")
	if h.urgent {
		m.SetImportance(gomail.ImportanceHigh)
	}
	for name, value := range map[gomail.Header]string{"X-Detect-Severity": h.severity, "X-Detect-Rule": h.rule, "X-Detect-Alert": h.alert} {
		if value != "" {
			m.SetGenHeader(name, word(value))
		}
	}
	html, err := l.html()
	if err != nil {
		return nil, err
	}
	m.SetBodyString(gomail.TypeTextPlain, l.plain())
	m.AddAlternativeString(gomail.TypeTextHTML, html)
	var b bytes.Buffer
	if _, err := m.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("write mail: %w", err)
	}
	return b.Bytes(), nil
}

// word is a name in a header, of letters that need no encoding.
func word(s string) string {
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' || r == '?' || r == '=' {
			return '_'
		}
		return r
	}, escape.Cut(s, 100))
}

// subject is that of an alert's mail.
func subject(severity hit.Severity, title string) string {
	return line("[" + strings.ToUpper(severity.String()) + "] " + title)
}

// noticeSubject is that of a notice.
func noticeSubject(n *notify.Notice) string {
	s := "detect"
	if n.Host != "" {
		s += " on " + n.Host
	}
	return line(s + ": " + n.Level.String() + ": " + n.Text)
}

// line is text as a subject: one line without control characters and runs of blanks, nothing that looks like the encoding
// of headers, at most subjectLength characters.
func line(s string) string {
	s = strings.Join(strings.Fields(show(s, 4<<10)), " ")
	s = strings.ReplaceAll(s, "=?", `=\x3f`) // a reader's client would decode what follows (RFC 2047)
	const most = 600                         // bytes: what a reader sees as one character may consist of any number
	end, kept := 0, 0
	for g := graphemes.FromString(s); g.Next() && kept < subjectLength-1 && end+len(g.Value()) <= most; kept++ {
		end += len(g.Value())
	}
	if rest := s[end:]; rest != "" && (kept < subjectLength-1 || more(rest)) {
		return s[:end] + "…"
	}
	return s
}

// more says whether s is more than one character.
func more(s string) bool {
	g := graphemes.FromString(s)
	return g.Next() && len(g.Value()) < len(s)
}
