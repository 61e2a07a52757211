package daemon

import (
	"log/slog"
	"sync"
	"time"
)

// A kind of warning is logged this often in such a time; the rest of it is summed up.
const (
	quotaLines = 10
	quotaTime  = time.Minute
)

// quota logs warnings of which there may be many.
type quota struct {
	log *slog.Logger

	mu    sync.Mutex
	kinds map[string]*allowance
}

type allowance struct {
	since  time.Time
	told   int
	untold int
}

func newQuota(log *slog.Logger) *quota { return &quota{log: log, kinds: map[string]*allowance{}} }

// of is the allowance of a kind, renewed if its time is over. q.mu is held.
func (q *quota) of(kind string) *allowance {
	a := q.kinds[kind]
	if a == nil {
		a = &allowance{since: time.Now()}
		q.kinds[kind] = a
	}
	if time.Since(a.since) >= quotaTime {
		q.sum(kind, a)
		*a = allowance{since: time.Now()}
	}
	return a
}

// warn logs a warning of a kind, or counts it.
func (q *quota) warn(kind string, args ...any) {
	q.mu.Lock()
	defer q.mu.Unlock()
	a := q.of(kind)
	if a.told >= quotaLines {
		a.untold++
		return
	}
	a.told++
	q.log.Warn(kind, args...)
}

// add counts n warnings that are not to be told one by one.
func (q *quota) add(kind string, n int) {
	if n <= 0 {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.of(kind).untold += n
}

// flush sums up what was counted in times that are over.
func (q *quota) flush() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for kind, a := range q.kinds {
		if time.Since(a.since) >= quotaTime {
			q.sum(kind, a)
			delete(q.kinds, kind)
		}
	}
}

// close sums up all that was counted.
func (q *quota) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for kind, a := range q.kinds {
		q.sum(kind, a)
	}
	clear(q.kinds)
}

func (q *quota) sum(kind string, a *allowance) {
	if a.untold > 0 {
		q.log.Warn(kind, "more", a.untold, "within", time.Since(a.since).Round(time.Second))
	}
}
