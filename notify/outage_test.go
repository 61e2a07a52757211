package notify_test

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"detect/notify"
)

// An outage of an hour: the channel is probed and not hammered, the fallback stands in after ten minutes, and then all arrives.
func TestOutage(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := newDesk(t, newMemory(), "oncall", "soc", "oncall")
		began := time.Now()
		d.places["soc"].answer = func(int, *notify.Message) answer {
			if time.Since(began) < time.Hour {
				return answer{err: errDown}
			}
			return answer{}
		}
		stop := d.run()
		var all []string
		for i := range 50 {
			d.commit(revision(fmt.Sprintf("a%02d", i), 1))
			all = append(all, fmt.Sprintf("a%02d 1", i))
			time.Sleep(time.Minute)
		}
		d.commit(revision("a00", 2))
		time.Sleep(9 * time.Minute)
		synctest.Wait()
		if n := d.places["soc"].tries(); n < 8 || n > 20 {
			t.Errorf("%d attempts in an hour", n)
		}
		oncall := d.places["oncall"].messages()
		if len(oncall) < 46 || oncall[0].at.Sub(began) < 10*time.Minute || oncall[0].at.Sub(began) > 12*time.Minute {
			t.Errorf("the fallback got %d messages", len(oncall))
		} else if m := oncall[0].m; m.Via != "soc" || !strings.Contains(m.ViaReason, "could not be reached") {
			t.Errorf("it doesn't say why it was told: %q %q", m.Via, m.ViaReason)
		}
		if stats, _ := d.Stats(t.Context()); stats[1].Down.IsZero() || stats[1].Pending != 50 || stats[1].StoodIn == 0 {
			t.Errorf("numbers: %+v", stats)
		}
		time.Sleep(12 * time.Minute)
		synctest.Wait()
		stop()
		got := d.places["soc"].list()
		all[0] = "a00 2"
		if !slices.Equal(got, all) {
			t.Errorf("afterwards %q, not %q", got, all)
		}
		if !slices.Contains(d.places["oncall"].list(), "a00 2") {
			t.Error("the fallback was not told of a later revision")
		}
		var told []string
		for _, n := range *d.notices {
			told = append(told, n.Text)
		}
		if len(told) != 2 || !strings.Contains(told[0], "soc is down since") || !strings.Contains(told[1], "works again") {
			t.Errorf("operators were told %q", told)
		}
	})
}

// Whenever a service that was not reached is reached again, all arrives in order.
func TestUnreachableKeepsTheOrder(t *testing.T) {
	for _, lasts := range []time.Duration{time.Minute, 100 * time.Second, 3 * time.Minute, 5 * time.Minute, 11 * time.Minute, 25 * time.Minute, 40 * time.Minute, 90 * time.Minute} {
		bubble(t, func(t *testing.T) {
			d := newDesk(t, newMemory(), "", "soc")
			began := time.Now()
			d.places["soc"].answer = func(int, *notify.Message) answer {
				if time.Since(began) < lasts {
					return answer{err: &net.OpError{Op: "dial", Err: errDown}}
				}
				return answer{}
			}
			stop := d.run()
			var all []string
			for i := range 10 {
				d.commit(revision(fmt.Sprint(i), 1))
				all = append(all, fmt.Sprint(i, " 1"))
				time.Sleep(time.Second)
			}
			time.Sleep(lasts + 12*time.Minute)
			stop()
			if got := d.places["soc"].list(); !slices.Equal(got, all) {
				t.Errorf("after %s %q", lasts, got)
			}
		})
	}
}

// What a service asks for is kept within bounds.
func TestRetryAfterIsBounded(t *testing.T) {
	for asked, want := range map[time.Duration]time.Duration{-time.Hour: time.Second, 0: time.Second, 1000 * time.Hour: time.Hour} {
		bubble(t, func(t *testing.T) {
			d := newDesk(t, newMemory(), "", "soc")
			began := time.Now()
			d.places["soc"].answer = fail(&notify.RetryAfter{After: asked, Err: errDown})
			d.commit(revision("a", 1))
			stop := d.run()
			time.Sleep(2 * time.Hour)
			stop()
			if all := d.places["soc"].messages(); len(all) != 1 || all[0].at.Sub(began) < want || all[0].at.Sub(began) > want+time.Second {
				t.Errorf("asked for %s: %+v", asked, all)
			}
		})
	}
}

// An alert that alone makes its channel fail doesn't hold up the others for long.
func TestOnePoisonedAlert(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := newDesk(t, newMemory(), "", "soc")
		poisoned := 0
		d.places["soc"].answer = func(_ int, m *notify.Message) answer {
			if m.Alert.ID == "bad" {
				poisoned++
				return answer{err: errDown}
			}
			return answer{}
		}
		d.commit(revision("bad", 1), revision("b", 1), revision("c", 1))
		stop := d.run()
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		d.expect("soc", "b 1", "c 1")
		before := poisoned
		for i := range 60 {
			d.commit(revision(fmt.Sprintf("d%02d", i), 1))
			time.Sleep(time.Minute)
		}
		synctest.Wait()
		if n := len(d.places["soc"].messages()); n != 62 {
			t.Errorf("%d of 62 alerts arrived", n)
		}
		if n := poisoned - before; n < 3 || n > 20 {
			t.Errorf("it was tried %d times in an hour", n)
		}
		stop()
	})
}
