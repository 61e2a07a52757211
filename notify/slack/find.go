package slack

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	api "github.com/slack-go/slack"

	"detect/notify"
)

// What is looked through after an attempt whose end is unknown.
const (
	pageSize  = 200              // messages; Slack recommends no more (https://docs.slack.dev/apis/web-api/pagination)
	pages     = 25               // at most
	clockSkew = 10 * time.Minute // between Slack's clock and this one
)

// found is a message of this program.
type found struct {
	channel, ts string
	revision    int
}

// find looks for the message of an alert that may have been posted since a time, in microseconds; not for the one called
// except. Nil: there is none, or this app may not look; then it is posted once more at worst.
func (c *Channel) find(ctx context.Context, m *notify.Message, since int64, except string) (*found, error) {
	id, err := c.lookUp(ctx)
	if err != nil || id == "" {
		return nil, c.unless(ctx, err)
	}
	from := time.UnixMicro(since).Add(-clockSkew)
	if since <= 0 {
		from = time.UnixMicro(m.Now).Add(-24 * time.Hour)
	}
	params := &api.GetConversationHistoryParameters{ChannelID: id, Limit: pageSize, IncludeAllMetadata: true, Oldest: stamp(from)}
	for range pages {
		page, err := c.web.GetConversationHistoryContext(ctx, params)
		if err != nil {
			return nil, c.unless(ctx, classify("look for a message in "+c.name, err))
		}
		for i := range page.Messages {
			one := &page.Messages[i]
			if one.Timestamp != except && c.mine(&one.Metadata, m.Alert.ID, kindAlert) {
				return &found{channel: id, ts: one.Timestamp, revision: revision(&one.Metadata)}, nil
			}
		}
		if params.Cursor = page.ResponseMetaData.NextCursor; params.Cursor == "" {
			return nil, nil
		}
	}
	return nil, nil
}

// replied is the newest revision that the thread of an alert's message tells of; 0: none, or this app may not look.
func (c *Channel) replied(ctx context.Context, m *notify.Message, at *receipt) (int, error) {
	newest := 0
	params := &api.GetConversationRepliesParameters{ChannelID: at.Channel, Timestamp: at.TS, Limit: pageSize, IncludeAllMetadata: true}
	for range pages {
		messages, _, next, err := c.web.GetConversationRepliesContext(ctx, params)
		if err != nil {
			return newest, c.unless(ctx, classify("read a thread in "+c.name, err))
		}
		for i := range messages {
			if meta := &messages[i].Metadata; c.mine(meta, m.Alert.ID, kindReply) {
				newest = max(newest, revision(meta))
			}
		}
		if params.Cursor = next; next == "" {
			break
		}
	}
	return newest, nil
}

// lookUp is the id of the channel: configured, learned from an answer, or found among the channels that the app is in.
func (c *Channel) lookUp(ctx context.Context) (string, error) {
	if id := c.place(); id != "" {
		return id, nil
	}
	types := []string{"public_channel", "private_channel"}
	params := &api.GetConversationsForUserParameters{Limit: pageSize, Types: types, ExcludeArchived: true}
	for range pages {
		channels, next, err := c.web.GetConversationsForUserContext(ctx, params)
		if err = classify("list the channels of "+c.name, err); code(err) == "missing_scope" && len(params.Types) == 2 {
			params.Types = types[:1] // it may see public channels alone
			continue
		}
		if err != nil {
			return "", err
		}
		for i := range channels {
			if "#"+channels[i].Name == c.to {
				c.learn(channels[i].ID)
				return channels[i].ID, nil
			}
		}
		if params.Cursor = next; next == "" {
			break
		}
	}
	return "", nil
}

// unless lets an error stand that goes away by itself. That the app may not look is no reason to keep an alert back.
func (c *Channel) unless(ctx context.Context, err error) error {
	if err == nil || !permanent(err) {
		return err
	}
	c.log.InfoContext(ctx, "slack: can't tell whether a message was posted before the last crash; it may be repeated",
		"channel", c.name, "error", err, "hint", "give the app the scopes channels:history and channels:read (groups:history and groups:read)")
	return nil
}

func permanent(err error) bool {
	var p *notify.Permanent
	return errors.As(err, &p)
}

// mine says whether metadata is that of a message of this channel about an alert.
func (c *Channel) mine(meta *api.SlackMetadata, alert, kind string) bool {
	return meta.EventType == eventType && meta.EventPayload["alert"] == alert && meta.EventPayload["kind"] == kind &&
		meta.EventPayload["for"] == c.name
}

func revision(meta *api.SlackMetadata) int {
	n, _ := meta.EventPayload["revision"].(float64)
	if n < 0 || n > 1<<40 {
		return 0
	}
	return int(n)
}

// stamp is a time in the form of Slack's ts.
func stamp(t time.Time) string {
	us := max(t.UnixMicro(), 0)
	return strings.TrimSpace(fmt.Sprintf("%d.%06d", us/1e6, us%1e6))
}
