package daemon

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"detect/engine"
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

// tellLate tells of records that came too late for windows: how many, and from which streams and files.
func (s *sequencer) tellLate(units []*unit, late int64) {
	var streams, files []string
	for _, u := range units {
		old := slices.ContainsFunc(u.items, func(it engine.Item) bool { return it.Time < s.clocks.Frontier })
		if !old {
			continue
		}
		if !slices.Contains(streams, u.stream.name) {
			streams = append(streams, u.stream.name)
		}
		if len(u.raw.Records) > 0 {
			if file := u.raw.Records[0].Origin.File; !slices.Contains(files, file) {
				files = append(files, file)
			}
		}
	}
	s.told.warn("records came too late for windows", "records", late, "older_than", time.UnixMicro(s.clocks.Frontier).UTC(),
		"streams", escape.Terminal(strings.Join(streams, ", ")), "files", escape.Terminal(escape.Cut(strings.Join(files, ", "), 500)))
	for _, name := range streams {
		s.say(notify.Notice{
			Level: notify.Warning, Text: fmt.Sprintf("stream %s delivers records that are too late for windows: they go through the rules on single records alone", name),
			Hint: "give a folder its files oldest first, replay old ones with detect test, or raise store.lateness; the log names the files",
		})
	}
}
