package notify_test

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"detect/engine"
	"detect/notify"
	"detect/rules/hit"
)

// Of many alerts at once people are told how many wait and which are the gravest, and then each of them.
func TestStormIsSummedUp(t *testing.T) {
	for _, open := range []func(*testing.T) backend{openMemory, sqlite} {
		bubble(t, func(t *testing.T) {
			outbox := open(t)
			if c, ok := outbox.(io.Closer); ok {
				defer c.Close()
			}
			d := newDesk(t, outbox, "", "soc", "siem")
			d.Channels["siem"].(*channel).each = true
			for _, p := range d.places {
				p.answer = func(int, *notify.Message) answer { return answer{takes: time.Second} }
			}
			var all []*engine.Alert
			for i := range 400 {
				all = append(all, revision(fmt.Sprintf("a%03d", i), 1))
			}
			all[399].Severity, all[399].Title = hit.Critical, "the last of many <!channel>"
			d.commit(all...)
			stop := d.run()
			time.Sleep(500 * time.Second)
			d.commit(revision("later", 1))
			time.Sleep(5 * time.Second)
			stop()
			if n := len(d.places["soc"].messages()); n != 401 {
				t.Errorf("%d of 401 alerts were told", n)
			}
			told := d.places["soc"].told
			if len(told) != 1 || len(d.places["siem"].told) != 0 {
				t.Fatalf("told %+v, and a program %+v", told, d.places["siem"].told)
			}
			if n := told[0]; !strings.HasPrefix(n.Text, "370 alerts wait to be told here (1 critical, 369 high)") || !strings.Contains(n.Hint, "such as a399, critical: the last of many") {
				t.Errorf("it says %q %q", n.Text, n.Hint)
			}
		})
	}
	bubble(t, func(t *testing.T) { // a service that wants to be left alone just then
		d := newDesk(t, newMemory(), "", "soc")
		asked := false
		d.places["soc"].answer = func(_ int, m *notify.Message) answer {
			if m == nil && !asked {
				asked = true
				return answer{err: &notify.RetryAfter{After: 45 * time.Second, Err: errDown}}
			}
			return answer{takes: time.Second}
		}
		for i := range 200 {
			d.commit(revision(fmt.Sprint(i), 1))
		}
		stop := d.run()
		time.Sleep(70 * time.Second)
		if n := len(d.places["soc"].messages()); n != 30 || !asked {
			t.Errorf("%d messages before it wants more", n)
		}
		time.Sleep(200 * time.Second)
		stop()
		if n := len(d.places["soc"].messages()); n != 200 || len(d.places["soc"].told) != 1 {
			t.Errorf("%d messages, told %+v", n, d.places["soc"].told)
		}
	})
	bubble(t, func(t *testing.T) { // few, or fast
		d := newDesk(t, newMemory(), "", "soc", "fast")
		d.places["soc"].answer = func(int, *notify.Message) answer { return answer{takes: time.Second} }
		for i := range 80 {
			d.commit(revision(fmt.Sprint(i), 1))
		}
		stop := d.run()
		time.Sleep(2 * time.Minute)
		stop()
		if n := len(d.places["soc"].told) + len(d.places["fast"].told); n != 0 || len(d.places["soc"].messages()) != 80 {
			t.Errorf("%d notices", n)
		}
	})
}
