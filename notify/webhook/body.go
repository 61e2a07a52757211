package webhook

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"detect/engine"
	"detect/notify"
	"detect/notify/alertjson"
	"detect/notify/escape"
)

// Limits of one request. An alert that does not fit is cut, and the body says what was.
const (
	maxBody    = 1 << 20 // bytes; SIEM collectors take 1 MiB as a rule
	maxText    = 4 << 10 // bytes of a text of an alert that is too large
	maxValue   = 512     // bytes of a value of such an alert
	maxValues  = 100     // values of each name of such an alert
	maxRecords = 100     // ids of records of such an alert
	maxChanges = 100     // changes that are listed
	maxNotice  = 16 << 10
)

// body is what is posted for one revision of an alert. Names and forms are a contract with receivers; more may be added.
type body struct {
	Alert    alertjson.Alert `json:"alert"`
	Revision int             `json:"revision"`
	Reason   string          `json:"reason"`
	Note     string          `json:"note"`
	Changes  []change        `json:"changes"`            // since the revision sent before, oldest first: one, as every revision is sent
	Detected *time.Time      `json:"detected,omitempty"` // when the alert's first revision was stored
	Sent     time.Time       `json:"sent"`
	Repeat   bool            `json:"repeat,omitempty"` // this revision may have been posted already
	Via      *via            `json:"via,omitempty"`
	Cut      []string        `json:"cut,omitempty"` // the fields of the alert that are not whole, for its size or its age
}

type change struct {
	Revision int        `json:"revision"`
	Reason   string     `json:"reason"`
	Note     string     `json:"note"`
	Severity string     `json:"severity"`
	Count    int64      `json:"count"`
	At       *time.Time `json:"at,omitempty"`
}

// via names the channel that could not deliver and for which the webhook stands in.
type via struct {
	Channel string `json:"channel"`
	Reason  string `json:"reason"`
}

// notice is what the program has to say of itself.
type notice struct {
	Level string    `json:"level"` // information, warning, trouble
	Text  string    `json:"text"`
	Hint  string    `json:"hint,omitempty"`
	At    time.Time `json:"at"`
	Host  string    `json:"host"`
}

// render is the body of a message that is sent now: at most maxBody bytes of JSON.
func render(m *notify.Message, now time.Time) ([]byte, error) {
	a := m.Alert
	b := body{
		Alert: alertjson.New(a), Revision: a.Revision, Reason: word(a.Reason), Note: a.Note, Changes: []change{},
		Detected: at(m.Detected), Sent: inJSON(now.UTC().Truncate(time.Microsecond)), Repeat: m.Uncertain,
	}
	b.Alert.First, b.Alert.Last = inJSON(b.Alert.First), inJSON(b.Alert.Last)
	if m.Abridged {
		b.Cut = []string{"records", "respond", "values"}
	}
	if m.Via != "" {
		b.Via = &via{escape.Cut(m.Via, maxValue), escape.Cut(m.ViaReason, maxText)}
	}
	for _, c := range m.Changes[max(0, len(m.Changes)-maxChanges):] {
		b.Changes = append(b.Changes, change{c.Revision, word(c.Reason), c.Note, c.Severity.String(), c.Count, at(c.At)})
	}
	if size(a, m) < maxBody/8 { // JSON writes a byte in six at most
		return encode(b)
	}
	out, err := encode(b)
	if err != nil || len(out) <= maxBody {
		return out, err
	}
	b.cut()
	if out, err = encode(b); err != nil || len(out) <= maxBody {
		return out, err
	}
	// Only an alert with thousands of names gets here.
	b.Alert.Values, b.Alert.By = map[string][]string{}, map[string]string{}
	b.Alert.Attack = b.Alert.Attack[:min(len(b.Alert.Attack), maxRecords)]
	b.Cut = append(b.Cut, "by", "attack")
	return encode(b)
}

// word is a reason as the JSON of an alert has it.
func word(r engine.Reason) string { return r.String() }

// at is a time, or nil for none.
func at(us int64) *time.Time {
	if us == 0 {
		return nil
	}
	t := inJSON(alertjson.UTC(us))
	return &t
}

// inJSON is t, or the nearest time that JSON can hold: years have four digits there.
func inJSON(t time.Time) time.Time {
	switch {
	case t.Year() < 1:
		return time.Time{}
	case t.Year() > 9999:
		return time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	}
	return t
}

// size is about how many bytes of text a message holds.
func size(a *engine.Alert, m *notify.Message) int {
	n := len(a.Title) + len(a.Note) + len(a.Respond) + len(a.Key)*2 + len(m.ViaReason) + 4<<10
	for _, v := range a.Values {
		n += len(v.Name) + 4
		for _, s := range v.Values {
			n += len(s) + 4
		}
	}
	for _, s := range a.Records {
		n += len(s) + 4
	}
	for _, c := range m.Changes {
		n += len(c.Note) + 200
	}
	return n
}

// cut shortens what is long, and names it.
func (b *body) cut() {
	text := func(field string, s *string, limit int) {
		if len(*s) > limit {
			*s = escape.Cut(*s, limit)
			if !slices.Contains(b.Cut, field) {
				b.Cut = append(b.Cut, field)
			}
		}
	}
	text("title", &b.Alert.Title, maxText)
	text("note", &b.Alert.Note, maxText)
	text("note", &b.Note, maxText)
	text("respond", &b.Alert.Respond, maxText)
	for i := range b.Changes {
		text("changes", &b.Changes[i].Note, maxValue)
	}
	for name, value := range b.Alert.By {
		text("by", &value, maxValue)
		b.Alert.By[name] = value
	}
	for name, values := range b.Alert.Values {
		if len(values) > maxValues {
			b.Cut = append(b.Cut, "values")
		}
		values = slices.Clone(values[:min(len(values), maxValues)])
		for i := range values {
			text("values", &values[i], maxValue)
		}
		b.Alert.Values[name] = values
	}
	if len(b.Alert.Records) > maxRecords {
		b.Cut = append(b.Cut, "records")
	}
	b.Alert.Records = slices.Clone(b.Alert.Records[:min(len(b.Alert.Records), maxRecords)])
	for i := range b.Alert.Records {
		text("records", &b.Alert.Records[i], maxValue)
	}
	slices.Sort(b.Cut)
	b.Cut = slices.Compact(b.Cut)
}

// renderNotice is the body of a notice.
func renderNotice(n *notify.Notice) ([]byte, error) {
	return encode(struct {
		Notice notice `json:"notice"`
	}{notice{
		Level: n.Level.String(), Text: escape.Cut(n.Text, maxNotice), Hint: escape.Cut(n.Hint, maxNotice),
		At: inJSON(n.At.UTC()), Host: escape.Cut(n.Host, maxValue),
	}})
}

// encode writes JSON without the escapes that are for JSON inside HTML.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(escape.JSON(&b))
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("encode body: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
