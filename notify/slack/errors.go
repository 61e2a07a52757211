package slack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	api "github.com/slack-go/slack"

	"detect/notify"
)

// What is done when Slack names no time to wait, and the longest that it is believed to mean.
const (
	defaultWait = 30 * time.Second
	longestWait = time.Hour
)

// hints say what somebody can do about an error that will not go away by itself. The codes are those of
// https://docs.slack.dev/reference/methods/chat.postMessage and of chat.update.
var hints = map[string]string{
	"invalid_auth":                             "the token is wrong: copy the \"Bot User OAuth Token\" of the app again",
	"not_authed":                               "no token reached Slack: copy the \"Bot User OAuth Token\" of the app again",
	"account_inactive":                         "the app was removed from the workspace, or its user deactivated: install it again and use its new token",
	"token_revoked":                            "install the app again and use its new token",
	"token_expired":                            "the token rotates: turn token rotation off, or use a new token",
	"org_login_required":                       "the workspace is being migrated; ask its administrators",
	"ekm_access_denied":                        "the administrators of the workspace suspended posting",
	"access_denied":                            "the app may not post here: ask the administrators of the workspace",
	"team_access_not_granted":                  "grant the app access to the workspace",
	"not_allowed_token_type":                   "use a bot token (xoxb-...)",
	"no_permission":                            "install the app again with the scope chat:write",
	"missing_scope":                            "give the app the scope chat:write (and chat:write.public to post where it is no member), then install it again",
	"channel_not_found":                        "write the channel as \"#name\" or by its id; into a private channel the app must be invited: /invite @app",
	"not_in_channel":                           "invite the app into the channel: /invite @app",
	"is_archived":                              "unarchive the channel, or name another one",
	"restricted_action":                        "the workspace's settings keep the app from posting there: ask its administrators",
	"restricted_action_read_only_channel":      "the channel is read-only: let the app post there, or name another one",
	"restricted_action_thread_only_channel":    "only replies are allowed in that channel: name another one",
	"restricted_action_non_threadable_channel": "replies are not allowed in that channel: name another one",
	"team_added_to_org":                        "the workspace is being migrated; ask its administrators",
	"msg_too_long":                             "the message is too long even as plain text",
	"no_text":                                  "the message was empty",
	"no_service":                               "the webhook was disabled or its app removed: make a new one",
	"no_team":                                  "the webhook's workspace is gone: make a new one",
	"invalid_token":                            "the webhook's address is wrong or was revoked: make a new one",
	"action_prohibited":                        "the workspace's administrators restrict the webhook",
	"posting_to_general_channel_denied":        "the webhook may not post to the general channel: make one for another channel",
	"channel_is_archived":                      "unarchive the channel, or make a webhook for another one",
	"user_not_found":                           "the webhook's user is gone: make a new one",
	"invalid_payload":                          "Slack did not understand the message",
	"metadata_too_large":                       "the message's metadata is too large",
}

// passing are errors of Slack's own that go away.
var passing = map[string]bool{
	"internal_error": true, "fatal_error": true, "service_unavailable": true, "request_timeout": true,
	"team_not_found": true, "rollup_error": true, "message_limit_exceeded": true,
}

// refused is an error that Slack named: with the status 200 and ok false, or as the text of a webhook's reply.
type refused struct {
	code   string
	needed string // the scope that is missing; mostly empty
}

func (e *refused) Error() string {
	if e.needed != "" {
		return fmt.Sprintf("slack answered %s (needs %s)", e.code, e.needed)
	}
	return "slack answered " + e.code
}

// code is the word of Slack for what went wrong; empty if the error is none of Slack's.
func code(err error) string {
	var r *refused
	if errors.As(err, &r) {
		return r.code
	}
	return ""
}

// classify makes an error of the library one that the dispatcher acts on, without any address or token in it.
func classify(doing string, err error) error {
	if err == nil {
		return nil
	}
	var limited *api.RateLimitedError
	var answer api.SlackErrorResponse
	var status api.StatusCodeError
	switch {
	case errors.As(err, &limited):
		return &notify.RetryAfter{After: wait(limited.RetryAfter), Err: fmt.Errorf("%s: slack asks to slow down", doing)}
	case errors.As(err, &answer):
		return named(doing, word(answer.Err), word(answer.Needed))
	case errors.As(err, &status):
		return unnamed(doing, status.Code)
	}
	return fmt.Errorf("%s: %w", doing, bare(err))
}

// named classifies an error that Slack gave a code.
func named(doing, code, needed string) error {
	err := fmt.Errorf("%s: %w", doing, &refused{code: code, needed: needed})
	switch {
	case code == "ratelimited" || code == "rate_limited" || code == "rate_limit_exceeded":
		return &notify.RetryAfter{After: defaultWait, Err: err}
	case code == "" || passing[code]:
		return err
	}
	return &notify.Permanent{Err: err, Hint: hints[code]}
}

// unnamed classifies a reply that has nothing but an HTTP status.
func unnamed(doing string, status int) error {
	err := fmt.Errorf("%s: slack answered with the status %d %s", doing, status, http.StatusText(status))
	switch {
	case status == http.StatusTooManyRequests:
		return &notify.RetryAfter{After: defaultWait, Err: err}
	case status >= 500, status == http.StatusRequestTimeout, status == http.StatusTooEarly, status < 300:
		return err
	case status < 400:
		return &notify.Permanent{Err: err, Hint: "something on the way redirects: a proxy, or a wrong api"}
	}
	return &notify.Permanent{Err: err, Hint: "is the address right, and does a proxy on the way let it through?"}
}

// wait bounds a time that came from outside.
func wait(d time.Duration) time.Duration { return min(max(d, time.Second), longestWait) }

// limited is the library's error for a reply that asks to slow down.
func limited(retryAfter string) error {
	seconds, err := strconv.Atoi(retryAfter)
	if err != nil {
		return &api.RateLimitedError{RetryAfter: defaultWait}
	}
	return &api.RateLimitedError{RetryAfter: time.Duration(min(max(seconds, 0), 3600)) * time.Second}
}

// word is a code that came from outside, if it is a word at all.
func word(s string) string {
	for i, r := range s {
		if i >= 100 || (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '_' && r != ':' && r != ',' {
			return "an error that is no word"
		}
	}
	return s
}

// bare is an error without the address that net/http puts before it: with a webhook the address is the secret.
func bare(err error) error {
	var u *url.Error
	for errors.As(err, &u) {
		err = u.Err
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("no answer in time: %w", context.DeadlineExceeded)
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("the connection ended before the answer: %w", io.ErrUnexpectedEOF)
	}
	return err
}

// longestReply bounds what is read of a reply; a page of history with 200 long messages has about 3 MB.
const longestReply = 16 << 20

// bounded keeps a peer from filling the memory.
type bounded struct{ next http.RoundTripper }

// RoundTrip is that of next, its body cut at longestReply.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.next.RoundTrip(r)
	if err == nil && resp.Body != nil {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, longestReply), resp.Body}
	}
	return resp, err
}
