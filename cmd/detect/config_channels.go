package main

import (
	"fmt"
	"log/slog"

	"detect/notify"
	"detect/notify/email"
	"detect/notify/slack"
	"detect/notify/webhook"
)

// openChannels makes the channels of a configuration that checkRun found nothing in. Nothing is connected to.
func (c *config) openChannels(log *slog.Logger) (map[string]notify.Channel, error) {
	channels := map[string]notify.Channel{}
	for _, name := range c.channelNames() {
		ch, err := c.Channels[name].open(name, log.With("channel", name))
		if err != nil {
			return nil, usageError(fmt.Errorf("channel %s: %w", name, err))
		}
		channels[name] = ch
	}
	return channels, nil
}

func (c channelConfig) open(name string, log *slog.Logger) (notify.Channel, error) {
	switch {
	case c.Slack != nil:
		cfg := *c.Slack
		cfg.Log = log
		return slack.New(name, cfg)
	case c.Email != nil:
		cfg := *c.Email
		cfg.Log = log
		return email.New(name, cfg)
	default:
		return webhook.New(name, *c.Webhook)
	}
}

// kind is the configuration's word for the channel.
func (c channelConfig) kind() string {
	switch {
	case c.Slack != nil:
		return "slack"
	case c.Email != nil:
		return "email"
	default:
		return "webhook"
	}
}
