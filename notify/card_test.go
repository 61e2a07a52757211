package notify_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"detect/engine"
	"detect/notify"
	"detect/notify/escape"
	"detect/notify/notifytest"
)

// size is about how many bytes a card holds.
func size(c *notify.Card) int { return len(fmt.Sprint(*c)) }

// checkCard checks what holds for the card of any message.
func checkCard(t *testing.T, m *notify.Message) {
	t.Helper()
	c := notify.NewCard(m)
	if n := size(c); n > 256<<10 {
		t.Errorf("a card of %d bytes", n)
	}
	if c.Title == "" {
		t.Error("a card without title")
	}
	for _, limit := range []int{0, 1, 10, 100, 1000, 40_000} {
		text := notify.Text(c, limit)
		if len(text) > limit {
			t.Errorf("%d bytes of at most %d", len(text), limit)
		}
		if !utf8.ValidString(text) {
			t.Errorf("text of at most %d bytes is no UTF-8: %q", limit, text)
		}
		if i := strings.IndexFunc(text, func(r rune) bool { return r != '\n' && escape.Hidden(r) }); i >= 0 {
			t.Errorf("a hidden character: %q", text[max(0, i-20):min(len(text), i+20)])
		}
	}
}

func TestHostileCards(t *testing.T) {
	for name, m := range notifytest.Hostile() {
		t.Run(name, func(t *testing.T) { checkCard(t, m) })
	}
}

func FuzzCard(f *testing.F) {
	f.Add("x", "records", "1 -> 2 records", uint8(1), int64(5), int64(7))
	f.Fuzz(func(t *testing.T, text, name, note string, n uint8, first, last int64) {
		m := notifytest.Filled(text)
		m.Alert.By = []string{name, text}
		m.Alert.Values[0].Name, m.Alert.First, m.Alert.Last = name, first, last
		m.Sent, m.Alert.ID, m.Alert.Into = int(n%2), note, text
		for i := range n % 20 {
			c := m.Changes[0]
			c.Note, c.Reason = note, engine.Reason(i)%(engine.Moved+1)
			if i%3 == 0 {
				c.Reason = engine.Grew
			}
			m.Changes = append(m.Changes, c)
		}
		checkCard(t, m)
	})
}

func TestDelays(t *testing.T) {
	const minute = int64(60 * 1e6)
	start := int64(1_772_546_400_000_000) // 2026-03-03 14:00
	f := func(want string, m notify.Message) {
		t.Helper()
		for i := range m.Changes {
			m.Changes[i].Revision = i + 1
		}
		if m.Alert == nil {
			m.Alert = &engine.Alert{ID: "1a2b3c4d", Last: m.Happened}
		}
		if got := notify.NewCard(&m).Delays; got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
	at := func(minutes int64) int64 { return start + minutes*minute }
	f("happened 14:00:00 UTC, available and detected 62 min later", notify.Message{Happened: start, Available: at(62), Detected: at(62) + 1e6, Now: at(62) + 2e6})
	f("happened 14:00:00 UTC, available 1 h later, detected 2 min after that, sent 90 min after that",
		notify.Message{Happened: start, Available: at(60), Detected: at(62), Now: at(152)})
	f("happened 14:00:00 UTC, detected 62 min later", notify.Message{Alert: &engine.Alert{Last: start}, Detected: at(62), Now: at(62)})
	f("", notify.Message{Happened: start, Now: at(62)})
	// Hours later it grows, and later still it is final: what was detected was detected then.
	grown := &engine.Alert{ID: "1a2b3c4d", Last: at(300)}
	f("happened 14:00:00 UTC, available and detected 62 min later, changed 5 h after that, sent 4 min after that",
		notify.Message{Alert: grown, Happened: start, Available: at(62), Detected: at(62), Sent: 1, Now: at(366), Changes: []notify.Change{{At: at(361)}, {At: at(362)}}})
}
