package notify

import (
	"context"
	"time"
)

// The shortest and the longest wait between two attempts.
const (
	leastBackoff = 5 * time.Second
	mostBackoff  = 10 * time.Minute
)

// Backoff is how long to wait after that many failures in a row: 5 s after the first, twice as long after each further
// one, 10 min at most; less by up to a fifth, by the seed, so that those who failed together don't come back together. It
// depends on its arguments alone.
func Backoff(failures int, seed uint64) time.Duration {
	wait := leastBackoff
	for range failures - 1 {
		if wait *= 2; wait >= mostBackoff {
			wait = mostBackoff
			break
		}
	}
	return wait - time.Duration(mix(seed+uint64(max(failures, 0)))%uint64(wait/5)) //nolint:gosec // a remainder of a positive length
}

// mix spreads the bits of x (SplitMix64).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// sleep waits, and says whether it was not cut short by the end of ctx.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// withGrace is a context that ends some time after ctx does.
func withGrace(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	later, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		sleep(later, grace)
		cancel()
	})
	return later, func() { stop(); cancel() }
}
