package daemon

import (
	"cmp"
	"fmt"
	"math"
	"time"

	"detect/notify"
	"detect/notify/escape"
)

// tell logs what could not be read.
func (s *sequencer) tell(u *unit) {
	for i := range u.rejects {
		r := &u.rejects[i]
		s.told.warn("record rejected", "stream", escape.Terminal(r.Source), "file", escape.Terminal(r.File), "line", r.Line, "offset", r.Offset,
			"reason", escape.Terminal(escape.Cut(r.Reason, 1000)))
	}
	s.told.add("record rejected", u.rejected-len(u.rejects))
	for _, w := range u.raw.Warnings {
		s.told.warn("source", "stream", escape.Terminal(u.stream.name), "file", escape.Terminal(w.File), "text", escape.Terminal(w.Text))
		if w.Unread {
			u.stream.unread.Store(true)
			s.say(notify.Notice{Level: notify.Trouble, Text: fmt.Sprintf("%s could not be read: %s", cmp.Or(w.File, u.stream.name), w.Text)})
		}
	}
}

// tellErrors logs the first error of each rule.
func (s *sequencer) tellErrors() {
	counts := s.p.counts()
	s.counts(counts)
	for id, n := range counts {
		if n.errors > 0 && !s.erred[id] {
			s.erred[id] = true
			s.log.Warn("a rule's expression could not be evaluated and counts as not fulfilled", "rule", id, "times", n.errors,
				"first", escape.Terminal(escape.Cut(n.firstError, 1000)))
		}
	}
}

// overtaken tells of streams for which the others wait no more.
func (s *sequencer) overtaken() {
	for _, st := range s.gen.streams {
		mark, ok := s.clocks.Watermarks[st.name]
		if !ok || mark == math.MinInt64 {
			continue
		}
		over := minus(mark, s.gen.engine.Lateness) < s.clocks.Frontier
		if over && !st.overtaken {
			text := fmt.Sprintf("stream %s has delivered nothing newer than %s: the others wait for it no longer, and its records count as late until it has caught up",
				st.name, time.UnixMicro(mark).UTC().Format(time.RFC3339))
			s.say(notify.Notice{Level: notify.Warning, Text: text, Hint: "see whether records still arrive there; store.hold says how long the others wait"})
		}
		st.overtaken = over
	}
}
