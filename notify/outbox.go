package notify

import (
	"context"

	"detect/engine"
	"detect/internal/store"
)

// Outbox is what the Dispatcher keeps what it has done and is to do in: *store.Store, which documents the methods. Each
// of them is one transaction; after an error nothing of it has happened, or nobody knows.
type Outbox interface {
	Route(ctx context.Context, limit int, route func(*engine.Alert) []string) (rows int, err error)
	RetireChannels(ctx context.Context, configured []string, standIn string) (int, error)
	RetryFailed(ctx context.Context, channels []string) (int, error)

	NextDelivery(ctx context.Context, channel string, now int64) (d *store.Delivery, next int64, err error)
	BeginDelivery(ctx context.Context, d *store.Delivery, revision int) error
	EndDelivery(ctx context.Context, d *store.Delivery, revision int, receipt []byte, at int64) error
	DelayDelivery(ctx context.Context, d *store.Delivery, next int64, cause string, failed, certain bool) error
	FailDelivery(ctx context.Context, d *store.Delivery, cause, standIn string) error
	StandInWaiting(ctx context.Context, channel, standIn, cause string, queued, now int64, limit int) (int, error)

	Find(ctx context.Context, id string) (*engine.Alert, error)
	Changes(ctx context.Context, alert string, after int) ([]store.Revision, error)
	Detected(ctx context.Context, alert string) (store.Detection, error)
	Waiting(ctx context.Context, channel string, least, worst int) (*store.Waiting, error)
	Backlog(ctx context.Context) ([]store.Backlog, error)
}

var _ Outbox = (*store.Store)(nil)
