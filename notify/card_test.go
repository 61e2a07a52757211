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
