package slack

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"detect/engine"
	"detect/notify"
	"detect/notify/notifytest"
	"detect/notify/slack/scripted"
	"detect/rules/hit"
)

// now sets the clock of a message to that of the test.
func now(m *notify.Message) *notify.Message {
	shift := time.Now().UnixMicro() - m.Now
	m.Now += shift
	m.Detected += shift
	if m.SentAt != 0 {
		m.SentAt += shift
	}
	return m
}

func bubble(t *testing.T, run func(t *testing.T)) { t.Helper(); synctest.Test(t, run) }

func TestOneMessageIsEditedAndItsThreadSaysWhatMatters(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := scripted.New()
		c, _ := open(t, s)
		receipt := send(t, c, now(notifytest.Opened()))
		grown := notifytest.Grown()
		receipt = send(t, c, told(grown, receipt))
		send(t, c, told(notifytest.Withdrawn(), receipt))
		all := s.Messages()
		if len(all) != 3 {
			t.Fatalf("%d messages, not one and two answers", len(all))
		}
		if all[0].Channel != scripted.ChannelID || len(all[0].Earlier) != 2 || !strings.Contains(string(all[0].Blocks), "ithdrawn") {
			t.Errorf("the message: %s, %d edits: %s", all[0].Channel, len(all[0].Earlier), all[0].Blocks)
		}
		for i, want := range []string{"medium → high", "Withdrawn"} {
			if answer := all[i+1]; answer.Thread != all[0].TS || !strings.Contains(string(answer.Blocks), want) {
				t.Errorf("answer %d: %s", i+1, answer.Blocks)
			}
		}
		if meta := all[0].Metadata; meta == nil || meta.EventPayload["alert"] != grown.Alert.ID || meta.EventPayload["revision"] != 3.0 {
			t.Errorf("metadata %+v", meta)
		}
		for _, call := range s.Calls() {
			if call.Method == "chat.update" && call.Form.Get("channel") != scripted.ChannelID {
				t.Errorf("an edit in channel %q", call.Form.Get("channel"))
			}
		}
		fine(t, s)
	})
}

func TestGrowthAloneIsOnlyEdited(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := scripted.New()
		c, _ := open(t, s)
		receipt := send(t, c, notifytest.Opened())
		m := told(notifytest.Grown(), receipt)
		m.Alert.Severity, m.Changes[0].Severity = hit.Medium, hit.Medium
		send(t, c, m)
		if all := s.Messages(); len(all) != 1 || len(all[0].Earlier) != 1 {
			t.Errorf("%d messages: %s", len(all), all[0].Blocks)
		}
		fine(t, s)
	})
}

func TestPaceIsOneMessageASecond(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := scripted.New()
		s.Pace(time.Second, 1)
		c, _ := open(t, s)
		began := time.Now()
		for range 5 {
			send(t, c, notifytest.Opened())
		}
		if took := time.Since(began); took != 4*time.Second {
			t.Errorf("five messages took %s", took)
		}
		for _, call := range s.Calls() {
			if call.Outcome != "ok" {
				t.Errorf("%s: %s", call.Method, call.Outcome)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		if _, err := c.Send(ctx, notifytest.Opened()); !notify.Certain(err) {
			t.Errorf("no time to wait: %v", err)
		}
	})
}

// crashed is a send whose end nobody recorded: what came of it is in the scripted Slack, and the message is sent again.
func crashed(t *testing.T, c *Channel, s *scripted.Server, m *notify.Message, method string, fault scripted.Fault) []byte {
	t.Helper()
	s.Script(method, fault)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	_, err := c.Send(ctx, m)
	if err == nil {
		t.Fatalf("%s %s: no error", method, fault)
	}
	m.Uncertain = m.Uncertain || !notify.Certain(err)
	return send(t, c, m)
}

func TestNothingIsPostedTwiceAfterACrash(t *testing.T) {
	configs := map[string]func(*Config){"by name": func(*Config) {}, "by id": byID}
	for name, config := range configs {
		for _, fault := range []scripted.Fault{scripted.Reset(true), scripted.Reset(false), scripted.Hang(true), scripted.Hang(false), {Status: 500, Effect: true}, scripted.Status(502)} {
			t.Run(name+" "+fault.String(), func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					s := scripted.New()
					if s.Pace(0, 0); fault.Reset { // others talk too, for more than a page
						others, _ := open(t, s, func(cfg *Config) { cfg.Pace = 1 })
						for range pageSize + 10 {
							if err := others.Tell(t.Context(), notifytest.Notices()[0]); err != nil {
								t.Fatal(err)
							}
						}
					}
					c, _ := open(t, s, config)
					receipt := crashed(t, c, s, now(notifytest.Opened()), "chat.postMessage", fault)
					c, _ = open(t, s, config)
					m := now(told(notifytest.Grown(), receipt))
					receipt = crashed(t, c, s, m, "chat.update", fault)
					m.Uncertain = false
					again := now(told(notifytest.Grown(), receipt))
					again.Alert.Revision, again.Sent, again.Changes[0].Revision = 3, 2, 3
					again.Alert.Severity, again.Changes[0].Severity = hit.Critical, hit.Critical
					crashed(t, c, s, again, "chat.postMessage", fault) // the answer
					var posts, replies int
					for _, one := range s.Messages() {
						switch {
						case one.Metadata == nil:
						case one.Thread == "":
							posts++
						default:
							replies++
						}
					}
					if posts != 1 || replies != 2 {
						t.Errorf("%d messages and %d answers", posts, replies)
					}
					fine(t, s)
				})
			})
		}
	}
}

func TestWithoutTheScopeToLookAMessageMayRepeatOnce(t *testing.T) {
	for _, scopes := range [][]string{{"chat:write"}, {"chat:write", "channels:read"}, {"chat:write", "channels:history"}} {
		bubble(t, func(t *testing.T) {
			s := scripted.New()
			s.SetScopes(scopes...)
			c, log := open(t, s)
			crashed(t, c, s, now(notifytest.Opened()), "chat.postMessage", scripted.Reset(true))
			if all := s.Messages(); len(all) != 2 {
				t.Errorf("%v: %d messages", scopes, len(all))
			}
			if !strings.Contains(log.String(), "channels:history") {
				t.Errorf("the log doesn't say what to do: %s", log)
			}
		})
	}
}

func TestPublicChannelIsFoundWithoutThePrivateScope(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := scripted.New()
		s.SetScopes("chat:write", "channels:read", "channels:history")
		c, _ := open(t, s)
		crashed(t, c, s, now(notifytest.Opened()), "chat.postMessage", scripted.Reset(true))
		if all := s.Messages(); len(all) != 1 {
			t.Errorf("%d messages", len(all))
		}
	})
}

func TestAMessageThatIsGoneIsPostedAgain(t *testing.T) {
	for name, spoil := range map[string]func(*scripted.Server, string){
		"deleted":         func(s *scripted.Server, ts string) { s.Delete(ts) },
		"somebody else's": func(s *scripted.Server, ts string) { s.Disown(ts) },
		"too old":         func(s *scripted.Server, _ string) { s.Script("chat.update", scripted.Refuse("edit_window_closed")) },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := scripted.New()
				c, _ := open(t, s)
				receipt := send(t, c, now(notifytest.Opened()))
				first := s.Messages()[0]
				spoil(s, first.TS)
				m := now(told(notifytest.Grown(), receipt))
				receipt = crashed(t, c, s, m, "chat.postMessage", scripted.Reset(true)) // the post after the edit that failed
				all := s.Messages()
				if len(all) < 2 || len(all) > 3 || !strings.Contains(string(all[1].Blocks), "Posted again") {
					t.Fatalf("%d messages, the last %s", len(all), all[len(all)-1].Blocks)
				}
				send(t, c, now(told(notifytest.Withdrawn(), receipt)))
				if all = s.Messages(); name != "too old" && len(all[1].Earlier) == 0 {
					t.Errorf("the new message isn't edited: %s", all[1].Blocks)
				}
				fine(t, s)
			})
		})
	}
}

func TestARefusedLayoutIsSentAsPlainText(t *testing.T) {
	for name, config := range map[string]func(*Config){"app": func(*Config) {}, "webhook": byWebhook} {
		for _, code := range []string{"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"} {
			bubble(t, func(t *testing.T) {
				s := scripted.New()
				c, log := open(t, s, config)
				method := map[string]string{"app": "chat.postMessage", "webhook": "webhook"}[name]
				s.Script(method, scripted.Refuse(code))
				receipt := send(t, c, notifytest.Opened())
				all := s.Messages()
				if len(all) != 1 || len(all[0].Blocks) > 0 || !strings.Contains(all[0].Text, "mei.adams@contoso.example") || !strings.Contains(all[0].Text, "Revoke-MgUserSignInSession") {
					t.Fatalf("%s: %d messages, the first %s %s", name, len(all), all[0].Blocks, all[0].Text)
				}
				if !strings.Contains(log.String(), code) {
					t.Errorf("the log is silent: %s", log)
				}
				if name == "app" {
					s.Script("chat.update", scripted.Refuse(code))
					send(t, c, told(notifytest.Grown(), receipt))
					if one := s.Messages()[0]; len(one.Blocks) > 0 || !strings.Contains(one.Text, "512") {
						t.Errorf("after an edit: %s %s", one.Blocks, one.Text)
					}
				}
				fine(t, s)
			})
		}
	}
}

func TestWhatSlackAnswersDecidesWhatIsDoneAboutIt(t *testing.T) {
	refused := func(t *testing.T, s *scripted.Server, change func(*Config)) error {
		t.Helper()
		c, _ := open(t, s, change)
		_, err := c.Send(t.Context(), notifytest.Opened())
		if err == nil {
			t.Fatal("no error")
		}
		if strings.Contains(err.Error(), scripted.Token) || strings.Contains(err.Error(), scripted.WebhookPath) {
			t.Errorf("the error holds a secret: %v", err)
		}
		return err
	}
	none := func(*Config) {}
	bubble(t, func(t *testing.T) {
		s := scripted.New()
		s.Script("*", scripted.RateLimited(17*time.Second))
		var after *notify.RetryAfter
		if err := refused(t, s, none); !errors.As(err, &after) || after.After != 17*time.Second {
			t.Errorf("rate limited: %v", err)
		}
		for _, code := range []string{"internal_error", "fatal_error", "service_unavailable", "request_timeout"} {
			s.Script("*", scripted.Refuse(code))
			if err := refused(t, s, none); permanent(err) || notify.Certain(err) {
				t.Errorf("%s: %v", code, err)
			}
		}
		for _, code := range []string{"invalid_auth", "account_inactive", "token_revoked", "channel_not_found", "not_in_channel", "is_archived", "missing_scope", "restricted_action"} {
			s.Script("*", scripted.Refuse(code))
			err := refused(t, s, none)
			var p *notify.Permanent
			if !errors.As(err, &p) || p.Hint == "" || !strings.Contains(p.Error(), code) {
				t.Errorf("%s: %v", code, err)
			}
		}
		for _, code := range []string{"no_service", "channel_is_archived", "invalid_token", "action_prohibited"} {
			s.Script("webhook", scripted.Refuse(code))
			var p *notify.Permanent
			if err := refused(t, s, byWebhook); !errors.As(err, &p) || p.Hint == "" || !strings.Contains(p.Error(), code) {
				t.Errorf("webhook %s: %v", code, err)
			}
		}
	})
	bubble(t, func(t *testing.T) {
		s := scripted.New()
		s.SetScopes()
		if err := refused(t, s, none); !permanent(err) || !strings.Contains(err.Error(), "chat:write") {
			t.Errorf("no scope: %v", err)
		}
		s.SetScopes(scripted.AllScopes...)
		s.SetRoom(scripted.Room{ID: "C0OTHER001", Name: "other", Outside: true})
		if err := refused(t, s, func(c *Config) { c.Channel = "#other" }); !permanent(err) || !strings.Contains(err.Error(), "/invite") {
			t.Errorf("no member: %v", err)
		}
		s.SetToken("another")
		if err := refused(t, s, none); !permanent(err) || !strings.Contains(err.Error(), "invalid_auth") {
			t.Errorf("wrong token: %v", err)
		}
	})
}

func TestAWebhookSaysWhatItCannotDo(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := scripted.New()
		c, _ := open(t, s, byWebhook)
		if c.Limits() == "" {
			t.Error("its limits are nothing to log")
		}
		receipt := send(t, c, notifytest.Opened())
		if all := s.Messages(); len(all) != 1 || !all[0].ByWebhook {
			t.Fatalf("%d messages", len(all))
		}
		m := told(notifytest.Grown(), receipt)
		if p := c.Plan(m); p.Skip || !p.At.IsZero() {
			t.Errorf("a higher severity waits: %+v", p)
		}
		receipt = send(t, c, m)
		if all := s.Messages(); len(all) != 2 || !strings.Contains(string(all[1].Blocks), "can't be edited") {
			t.Errorf("%d messages: %s", len(all), all[len(all)-1].Blocks)
		}
		m.Sent, m.SentAt, m.Receipt = 2, m.Now, receipt
		if p := c.Plan(m); p.At != time.UnixMicro(m.Now).Add(15*time.Minute) {
			t.Errorf("growth: %+v", p)
		}
		if p := c.Plan(told(notifytest.Withdrawn(), receipt)); p.Skip || !p.At.IsZero() {
			t.Errorf("a withdrawal waits: %+v", p)
		}
		fine(t, s)
	})
}

func TestWhatNobodyNeedReadIsSkipped(t *testing.T) {
	c, _ := open(t, scripted.New())
	m := notifytest.Grown()
	m.Receipt = []byte(`{"channel":"C0ALERTS01","ts":"1.2","severity":2}`)
	m.Changes[0].Reason = engine.Finished
	if p := c.Plan(m); !p.Skip {
		t.Errorf("final: %+v", p)
	}
	m = notifytest.Withdrawn()
	m.Sent, m.Receipt = 0, nil
	if p := c.Plan(m); !p.Skip {
		t.Errorf("withdrawn before it was told: %+v", p)
	}
	m.Via = "soc" // which may have been told of it as it stood
	if p := c.Plan(m); p.Skip {
		t.Errorf("withdrawn, and told to another channel before: %+v", p)
	}
	m.Via, m.Sent = "", 1 // a revision before was skipped
	if m.SentAt = 0; !c.Plan(m).Skip {
		t.Errorf("withdrawn once more before it was told: %+v", c.Plan(m))
	}
	if m.SentAt = m.Now; c.Plan(m).Skip {
		t.Error("withdrawn after it was told by something else that the channel was")
	}
}

func TestRedirectsAreNotFollowedWithASecret(t *testing.T) {
	var asked []string
	carrier := roundTrip(func(r *http.Request) (*http.Response, error) {
		asked = append(asked, r.URL.Host)
		return &http.Response{StatusCode: http.StatusTemporaryRedirect, Header: http.Header{"Location": {"http://evil.example/"}}, Body: http.NoBody, Request: r}, nil
	})
	for _, config := range []func(*Config){func(*Config) {}, byWebhook} {
		c, _ := open(t, scripted.New(), config, func(cfg *Config) { cfg.Transport = carrier })
		if _, err := c.Send(t.Context(), notifytest.Opened()); !permanent(err) {
			t.Errorf("redirected: %v", err)
		}
	}
	if strings.Contains(strings.Join(asked, " "), "evil") {
		t.Errorf("asked %v", asked)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
