package slack

import (
	"context"
	"errors"

	api "github.com/slack-go/slack"

	"detect/notify"
)

// eventType marks the messages of this program among all metadata.
const eventType = "detect_alert"

// What the metadata of a message calls it.
const (
	kindAlert = "alert" // the alert's message
	kindReply = "reply" // an answer in its thread
)

// content is a message before it is sent: the same for a post, an edit and a webhook.
type content struct {
	blocks []api.Block
	text   string             // the fallback: notifications show it, and readers of screens read it
	whole  string             // what is sent without blocks if Slack refuses them
	meta   *api.SlackMetadata // nil: none
	about  string             // for the log
}

// metadata says which alert and revision a message is about, so that it is found again after a crash.
func (c *Channel) metadata(m *notify.Message, kind string) *api.SlackMetadata {
	return &api.SlackMetadata{EventType: eventType, EventPayload: map[string]any{
		"alert": m.Alert.ID, "revision": m.Alert.Revision, "kind": kind, "for": c.name,
	}}
}

// sendApp posts or edits, then answers in the thread.
func (c *Channel) sendApp(ctx context.Context, m *notify.Message) (*receipt, error) {
	at := parse(m.Receipt)
	revision := m.Sent
	if at == nil || at.TS == "" {
		at = nil
		if m.Uncertain {
			known, err := c.find(ctx, m, m.Detected, "")
			if err != nil {
				return nil, err
			}
			if known != nil {
				at, revision = &receipt{Channel: known.channel, TS: known.ts, Severity: m.Changes[0].Severity}, known.revision
			}
		}
	}
	if at == nil {
		return c.post(ctx, c.alertMessage(m), nil)
	}
	if revision < m.Alert.Revision {
		again, err := c.edit(ctx, m, at)
		if err != nil || again != nil {
			return again, err
		}
	}
	if err := c.reply(ctx, m, at, revision); err != nil {
		return nil, err
	}
	return &receipt{Channel: at.Channel, TS: at.TS}, nil
}

// final are the codes of an edit that no later edit will overcome: the message must be posted anew.
var final = map[string]string{
	"message_not_found":   "the message about it was deleted",
	"thread_not_found":    "the message about it was deleted",
	"cant_update_message": "the message about it is not this app's to edit",
	"edit_window_closed":  "the message about it can't be edited any more",
	"channel_not_found":   "the channel of the message about it is gone",
	"is_archived":         "the channel of the message about it is archived",
	"not_in_channel":      "this app can't reach the channel of the message about it",
}

// edit shows the latest revision in the message. If it can't be edited any more, a new one is posted that says so, and
// its receipt returned.
func (c *Channel) edit(ctx context.Context, m *notify.Message, at *receipt) (*receipt, error) {
	err := c.update(ctx, c.alertMessage(m), at)
	why, gone := final[code(err)]
	if !gone {
		return nil, err
	}
	if m.Uncertain { // the new one may have been posted already
		known, err := c.find(ctx, m, m.SentAt, at.TS)
		if err != nil {
			return nil, err
		}
		if known != nil {
			if known.revision < m.Alert.Revision {
				err = c.update(ctx, c.alertMessage(m, "Posted again: "+why), &receipt{Channel: known.channel, TS: known.ts})
			}
			return &receipt{Channel: known.channel, TS: known.ts}, err
		}
	}
	return c.post(ctx, c.alertMessage(m, "Posted again: "+why), nil)
}

// reply says in the thread what is worth reading and was not said there yet. That it can't is no reason to fail: the
// message itself says it too.
func (c *Channel) reply(ctx context.Context, m *notify.Message, at *receipt, said int) error {
	if m.Uncertain {
		replied, err := c.replied(ctx, m, at)
		if err != nil {
			return err
		}
		said = max(said, replied)
	}
	worth := notable(m, at.Severity, said)
	if len(worth) == 0 {
		return nil
	}
	_, err := c.post(ctx, c.replyMessage(m, worth), at)
	if err != nil && permanent(err) {
		c.log.WarnContext(ctx, "slack: no answer in the thread of an alert", "channel", c.name, "alert", m.Alert.ID, "error", err)
		return nil
	}
	return err
}

// post sends a new message, in the thread of another if one is given.
func (c *Channel) post(ctx context.Context, said *content, thread *receipt) (*receipt, error) {
	to := c.to
	options := []api.MsgOption{api.MsgOptionDisableMarkdown(), api.MsgOptionDisableLinkUnfurl(), api.MsgOptionDisableMediaUnfurl()}
	if thread != nil {
		to = thread.Channel
		options = append(options, api.MsgOptionTS(thread.TS))
	}
	var at receipt
	err := c.layOut(ctx, said, func(content ...api.MsgOption) (err error) {
		at.Channel, at.TS, err = c.web.PostMessageContext(ctx, to, append(content, options...)...)
		if err == nil && at.TS == "" {
			err = errNoTime
		}
		return classify("post to "+c.name, err)
	})
	if err != nil {
		return nil, err
	}
	if thread == nil {
		c.learn(at.Channel)
	}
	return &at, nil
}

// update edits a message.
func (c *Channel) update(ctx context.Context, said *content, at *receipt) error {
	return c.layOut(ctx, said, func(content ...api.MsgOption) error {
		_, ts, _, err := c.web.UpdateMessageContext(ctx, at.Channel, at.TS, content...)
		if err == nil && ts == "" {
			err = errNoTime
		}
		return classify("edit a message in "+c.name, err)
	})
}

var errNoTime = errors.New("slack's answer names no message")

// refusals are the codes for a layout that Slack does not take.
var refusals = map[string]bool{
	"invalid_blocks": true, "invalid_blocks_format": true, "msg_blocks_too_long": true, "msg_too_long": true, "block_mismatch": true,
	"invalid_metadata_format": true, "invalid_metadata_schema": true, "metadata_too_large": true, "metadata_must_be_sent_from_app": true,
	"invalid_payload": true, "invalid_arguments": true,
}

// layOut sends a message with its blocks, and if Slack refuses these, as plain text: an alert is not lost for its layout.
func (c *Channel) layOut(ctx context.Context, said *content, send func(...api.MsgOption) error) error {
	if err := c.wait(ctx); err != nil {
		return err
	}
	options := func(text string, blocks []api.Block) []api.MsgOption {
		out := []api.MsgOption{api.MsgOptionText(text, false), api.MsgOptionBlocks(blocks...), api.MsgOptionParse(false), api.MsgOptionLinkNames(false)}
		if said.meta != nil {
			out = append(out, api.MsgOptionMetadata(*said.meta))
		}
		return out
	}
	err := send(options(said.text, said.blocks)...)
	if !refusals[code(err)] {
		return err
	}
	c.log.WarnContext(ctx, "slack refused the layout of a message; it is sent as plain text", "channel", c.name, "about", said.about, "error", err)
	if err := c.wait(ctx); err != nil {
		return err
	}
	if err = send(options(said.whole, nil)...); !refusals[code(err)] || said.meta == nil {
		return err
	}
	said.meta = nil // rather a message that isn't found again than none
	if err := c.wait(ctx); err != nil {
		return err
	}
	return send(options(said.text, nil)...)
}
