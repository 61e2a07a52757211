package email

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"time"

	"detect/engine"
	"detect/notify"
	"detect/notify/escape"
	"detect/rules/hit"
)

// growth is how long two mails of one alert are apart if there is no more to say than that it grew.
const growth = 15 * time.Minute

// Channel sends mail to a list of recipients.
type Channel struct {
	// Roots are the authorities whose certificates of servers are believed; nil: those of the system. Set it and Dial
	// before the first mail, if at all.
	Roots *x509.CertPool
	// Dial opens connections; nil: over the network.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	name   string
	log    *slog.Logger
	to     []*mail.Address
	from   *mail.Address
	smtp   SMTP
	domain string // of the sender, for the ids of mails
}

// New is the channel of that name. The password is resolved. It starts nothing.
func New(name string, cfg Config) (*Channel, error) {
	if list := cfg.Check(); len(list) > 0 {
		return nil, fmt.Errorf("email channel %s: %s: %s", name, strings.Join(list[0].Path, "."), list[0].Message)
	}
	c := &Channel{name: name, smtp: cfg.SMTP, log: cfg.Log}
	if c.log == nil {
		c.log = slog.Default()
	}
	for _, raw := range cfg.To {
		a, err := address(raw)
		if err != nil {
			return nil, fmt.Errorf("email channel %s: to: %w", name, err)
		}
		c.to = append(c.to, a)
	}
	var err error
	if c.from, err = address(cfg.From); err != nil {
		return nil, fmt.Errorf("email channel %s: from: %w", name, err)
	}
	c.domain = c.from.Address[strings.LastIndexByte(c.from.Address, '@')+1:]
	return c, nil
}

// Kind is email.
func (c *Channel) Kind() string { return "email" }

// EachRevision is false: one mail tells all that changed since the last.
func (c *Channel) EachRevision() bool { return false }

// receipt is what the channel keeps of the last mail of an alert.
type receipt struct {
	First    string       `json:"first"`   // id of the first mail, that the others answer
	Subject  string       `json:"subject"` // of the first mail, or the first of its severity: clients keep a thread together by it
	Severity hit.Severity `json:"severity"`
	At       int64        `json:"at"`                // of the last mail, microseconds
	Refused  []string     `json:"refused,omitempty"` // recipients of whose refusal the others were told
}

// told is the receipt of the last mail of the message's alert; nil if there was none.
func told(m *notify.Message) *receipt {
	var r receipt
	if len(m.Receipt) == 0 || json.Unmarshal(m.Receipt, &r) != nil || r.First == "" {
		return nil
	}
	return &r
}

// Plan sends at once what opens an alert, makes it worse, or changes whether it stands; growth and other changes wait
// until 15 minutes after the last mail, and go together in one. That an alert is final is no news.
func (c *Channel) Plan(m *notify.Message) notify.Plan {
	last := told(m)
	if last == nil {
		never := m.Sent == 0 || m.SentAt == 0 || onlyFinal(m) // of a revision that was skipped there is no time
		if never && !m.Alert.Status.Standing() && !m.Uncertain && m.Via == "" {
			return notify.Plan{Skip: true, Why: "it no longer stood before anybody was mailed"}
		}
		return notify.Plan{Why: "the first mail"}
	}
	if onlyFinal(m) {
		return notify.Plan{Skip: true, Why: "nothing but that it is final"}
	}
	for _, change := range m.Changes {
		if change.Severity > last.Severity {
			return notify.Plan{Why: "higher severity"}
		}
		switch change.Reason {
		case engine.Opened, engine.MergedIn, engine.MergedAway, engine.Gone, engine.Revived, engine.Moved:
			return notify.Plan{Why: change.Reason.String()}
		}
	}
	return notify.Plan{At: time.UnixMicro(last.At).Add(growth), Why: "growth within 15 minutes of the last mail"}
}

// onlyFinal says whether nothing changed but that the alert is final.
func onlyFinal(m *notify.Message) bool {
	return len(m.Changes) > 0 && !slices.ContainsFunc(m.Changes, func(c notify.Change) bool { return c.Reason != engine.Finished })
}

// Send mails what a message tells.
func (c *Channel) Send(ctx context.Context, m *notify.Message) ([]byte, error) {
	next := c.receipt(m)
	err := c.deliver(ctx, func(refused []refusal) ([]byte, error) {
		l := newLetter(notify.NewCard(m))
		if news := unknown(refused, next.Refused); len(news) > 0 {
			c.warn(news)
			l.mark(c.missing(news))
		}
		next.Refused = addresses(refused)
		return c.compose(c.head(m, next), l)
	})
	if err != nil {
		return nil, err
	}
	return json.Marshal(next)
}

// receipt is that of the mail that is about to be sent.
func (c *Channel) receipt(m *notify.Message) *receipt {
	r := &receipt{Severity: m.Alert.Severity, At: m.Now}
	if last := told(m); last != nil {
		r.First, r.Subject, r.Refused = last.First, last.Subject, last.Refused
		if r.Severity > last.Severity { // the inbox must show it, even if a client then begins another thread
			r.Subject = subject(m.Alert.Severity, m.Alert.Title)
		}
		r.Severity = max(last.Severity, r.Severity) // falling and rising again to where it was is no news
		return r
	}
	r.First, r.Subject = c.mailID(m), subject(m.Alert.Severity, m.Alert.Title)
	return r
}

// head is the head of the mail of a message whose receipt is next.
func (c *Channel) head(m *notify.Message, next *receipt) *head {
	a := m.Alert
	h := &head{
		id: c.mailID(m), subject: next.Subject, date: inHeader(time.UnixMicro(m.Now)), references: []string{c.threadID(m)},
		urgent:   a.Severity >= hit.Critical && a.Status.Standing(),
		severity: a.Severity.String(), rule: a.Rule, alert: a.ID,
	}
	last := told(m)
	if last == nil {
		return h
	}
	h.answers = last.First
	h.references = append(h.references, last.First)
	if next.Subject == last.Subject {
		h.subject = "Re: " + h.subject
	}
	return h
}

// inHeader is t, or the nearest time that the head of a mail can hold: years have four digits there.
func inHeader(t time.Time) time.Time {
	switch t = t.UTC(); {
	case t.Year() < 1900:
		return time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)
	case t.Year() > 9999:
		return time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	}
	return t
}

// mailID is the id of the mail that tells of the alert's revision: the same whenever it is sent again, so that servers
// and clients see that they have it already; another one for another store that found the same alert.
func (c *Channel) mailID(m *notify.Message) string {
	return c.id("mail", m.Alert.ID, strconv.FormatInt(m.Detected, 10), strconv.Itoa(m.Alert.Revision))
}

// threadID is an id that no mail has and all mails of the alert refer to. Clients keep them together by it even where
// the first is lost.
func (c *Channel) threadID(m *notify.Message) string {
	return c.id("thread", m.Alert.ID, strconv.FormatInt(m.Detected, 10))
}

// id is made of words, and of the channel.
func (c *Channel) id(words ...string) string {
	h := sha256.New()
	for _, w := range append(words, c.name) {
		fmt.Fprintf(h, "%d:%s", len(w), w)
	}
	return hex.EncodeToString(h.Sum(nil)[:16]) + "@" + c.domain
}

// Tell mails a notice.
func (c *Channel) Tell(ctx context.Context, n *notify.Notice) error {
	at := n.At
	if at.IsZero() {
		at = time.Now()
	}
	h := &head{
		id:      c.id("notice", strconv.FormatInt(at.UnixMicro(), 10), n.Level.String(), n.Text),
		subject: noticeSubject(n), date: inHeader(at), urgent: n.Level >= notify.Trouble,
	}
	return c.deliver(ctx, func(refused []refusal) ([]byte, error) {
		l := noticeLetter(n, at)
		if len(refused) > 0 {
			c.warn(refused)
			l.mark(c.missing(refused))
		}
		return c.compose(h, l)
	})
}

// unknown are the refusals of those who are not among known.
func unknown(refused []refusal, known []string) []refusal {
	var news []refusal
	for _, r := range refused {
		if !slices.Contains(known, r.Address) {
			news = append(news, r)
		}
	}
	return news
}

func addresses(refused []refusal) []string {
	var list []string
	for _, r := range refused {
		list = append(list, r.Address)
	}
	return list
}

// missing says who does not get a mail that the others get.
func (c *Channel) missing(refused []refusal) string {
	parts := make([]string, len(refused))
	for i, r := range refused {
		parts[i] = r.Address + " (" + r.Words + ")"
	}
	return "not delivered to " + strings.Join(parts, ", ") + ": the mail server refused"
}

// warn logs who does not get a mail that the others get.
func (c *Channel) warn(refused []refusal) {
	for _, r := range refused {
		c.log.Warn("the mail server refused a recipient and took the others", "channel", c.name, "recipient", escape.Terminal(r.Address), "error", r.Words)
	}
}
