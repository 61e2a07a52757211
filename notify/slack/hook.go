package slack

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"

	api "github.com/slack-go/slack"

	"detect/notify"
)

// sendWebhook posts an alert by the incoming webhook.
func (c *Channel) sendWebhook(ctx context.Context, m *notify.Message) (*receipt, error) {
	var notes []string
	if m.Sent > 0 {
		notes = append(notes, "This replaces an earlier message, which can't be edited")
	}
	if m.Uncertain {
		notes = append(notes, "This may repeat an earlier message")
	}
	if err := c.hook(ctx, c.alertMessage(m, notes...)); err != nil {
		return nil, err
	}
	return &receipt{}, nil
}

// hook posts by the webhook, with blocks, or without if Slack refuses them.
func (c *Channel) hook(ctx context.Context, said *content) error {
	err := c.hookOnce(ctx, said.text, said.blocks)
	if !refusals[code(err)] || code(err) == "invalid_token" {
		return err
	}
	c.log.WarnContext(ctx, "slack refused the layout of a message; it is sent as plain text", "channel", c.name, "about", said.about, "error", err)
	return c.hookOnce(ctx, said.whole, nil)
}

// hookOnce posts once. A webhook answers with a word as plain text (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks).
func (c *Channel) hookOnce(ctx context.Context, text string, blocks []api.Block) error {
	if err := c.wait(ctx); err != nil {
		return err
	}
	no := false
	msg := api.WebhookMessage{Text: text, Parse: "none", UnfurlLinks: &no, UnfurlMedia: &no}
	if len(blocks) > 0 {
		msg.Blocks = &api.Blocks{BlockSet: blocks}
	}
	body, err := json.Marshal(&msg)
	if err != nil {
		return classify("write a message for "+c.name, err)
	}
	doing := "post to the webhook of " + c.name
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.webhook, bytes.NewReader(body))
	if err != nil {
		return classify(doing, err)
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	resp, err := c.http.Do(req)
	if err != nil {
		return classify(doing, err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 200))
	switch {
	case resp.StatusCode == http.StatusOK:
		return classify(doing, err)
	case resp.StatusCode == http.StatusTooManyRequests:
		return classify(doing, limited(resp.Header.Get("Retry-After")))
	case resp.StatusCode >= 400 && resp.StatusCode < 500:
		if _, known := hints[strings.TrimSpace(string(answer))]; known || refusals[strings.TrimSpace(string(answer))] {
			return named(doing, strings.TrimSpace(string(answer)), "")
		}
	}
	return unnamed(doing, resp.StatusCode)
}
