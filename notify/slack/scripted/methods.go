package scripted

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// method answers a call of the Web API. The lock is held.
func (s *Server) method(name string, r *http.Request) reply {
	token := r.Form.Get("token")
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		token = bearer
	}
	switch {
	case r.URL.Query().Has("token"):
		s.breach("%s: the token is in the URL", name)
		return fails("invalid_auth")
	case token == "":
		return fails("not_authed")
	case token != s.token:
		return fails("invalid_auth")
	}
	switch name {
	case "auth.test":
		return reply{body: map[string]any{"ok": true, "team": "scripted", "user": "detect", "bot_id": "B0SCRIPTED"}}
	case "chat.postMessage":
		return s.post(r)
	case "chat.update":
		return s.update(r)
	case "conversations.history":
		return s.history(r)
	case "conversations.replies":
		return s.replies(r)
	case "users.conversations":
		return s.conversations(r)
	}
	return fails("unknown_method")
}

func (s *Server) may(scope string) bool { return slices.Contains(s.scopes, scope) }

// room is the channel of that id, or, for a post, of that name.
func (s *Server) room(name string, byName bool) *Room {
	for _, r := range s.rooms {
		if r.ID == name || byName && "#"+r.Name == name {
			return r
		}
	}
	return nil
}

func (s *Server) find(room *Room, ts string) *Message {
	for _, m := range s.messages {
		if m.Channel == room.ID && m.TS == ts && !m.Deleted {
			return m
		}
	}
	return nil
}

// reach is what keeps the app from posting in a channel; its code is empty if nothing does.
func (s *Server) reach(r *http.Request, byName bool) (*Room, reply) {
	if !s.may("chat:write") {
		return nil, s.lacks("chat:write")
	}
	room := s.room(r.Form.Get("channel"), byName)
	switch {
	case room == nil, room.Private && room.Outside:
		return nil, fails("channel_not_found")
	case room.Archived:
		return nil, fails("is_archived")
	case room.Outside && !s.may("chat:write.public"):
		return nil, fails("not_in_channel")
	}
	return room, reply{}
}

func (s *Server) post(r *http.Request) reply {
	room, no := s.reach(r, true)
	if room == nil {
		return no
	}
	if after := s.limited(room.ID, s.every, s.burst); after > 0 {
		return reply{after: after, body: map[string]any{"ok": false, "error": "ratelimited"}}
	}
	f := r.Form
	blocks, meta, no := s.content("chat.postMessage", f.Get("text"), f.Get("blocks"), f.Get("metadata"), f.Get("mrkdwn") != "false")
	if no.body != nil {
		return no
	}
	for key, want := range map[string]string{"unfurl_links": "false", "unfurl_media": "false"} {
		if f.Get(key) != want {
			s.breach("chat.postMessage: %s is %q", key, f.Get(key))
		}
	}
	s.plain("chat.postMessage", f.Get("parse"), f.Get("link_names"))
	thread := f.Get("thread_ts")
	if thread != "" && s.find(room, thread) == nil {
		s.breach("chat.postMessage: an answer to %s, which is not there, is posted outside of any thread", thread)
		thread = ""
	}
	m := s.keep(&Message{Channel: room.ID, Thread: thread, Text: f.Get("text"), Blocks: blocks, Metadata: meta})
	return reply{body: map[string]any{"ok": true, "channel": room.ID, "ts": m.TS, "message": shown(m, true)}}
}

// keep adds a message, with a ts of its own.
func (s *Server) keep(m *Message) *Message {
	m.At = time.Now()
	s.last = max(s.last+1, m.At.UnixMicro())
	m.TS = fmt.Sprintf("%d.%06d", s.last/1e6, s.last%1e6)
	s.messages = append(s.messages, m)
	return m
}

func (s *Server) plain(what, parse, linkNames string) {
	if parse != "" && parse != "none" {
		s.breach("%s: parse is %q: names and addresses would be linked", what, parse)
	}
	if linkNames != "" && linkNames != "false" && linkNames != "0" {
		s.breach("%s: link_names is %q: names would be mentions", what, linkNames)
	}
}

func (s *Server) update(r *http.Request) reply {
	room, no := s.reach(r, false)
	if room == nil {
		return no
	}
	if after := s.limited("chat.update", s.every*60/50, 20); after > 0 { // tier 3: 50 a minute and more
		return reply{after: after, body: map[string]any{"ok": false, "error": "ratelimited"}}
	}
	f := r.Form
	m := s.find(room, f.Get("ts"))
	switch {
	case m == nil:
		return fails("message_not_found")
	case m.foreign, m.ByWebhook:
		return fails("cant_update_message")
	}
	blocks, meta, no := s.content("chat.update", f.Get("text"), f.Get("blocks"), f.Get("metadata"), true)
	if no.body != nil {
		return no
	}
	s.plain("chat.update", f.Get("parse"), f.Get("link_names"))
	m.Earlier = append(m.Earlier, Version{Text: m.Text, Blocks: m.Blocks, Metadata: m.Metadata})
	m.Text = f.Get("text")
	if f.Has("blocks") {
		m.Blocks = blocks
	}
	if meta != nil {
		m.Metadata = meta
	}
	return reply{body: map[string]any{"ok": true, "channel": room.ID, "ts": m.TS, "text": m.Text, "message": shown(m, true)}}
}

// shown is a message as an answer holds it.
func shown(m *Message, metadata bool) map[string]any {
	out := map[string]any{"type": "message", "ts": m.TS, "text": m.Text, "bot_id": "B0SCRIPTED"}
	if len(m.Blocks) > 0 {
		out["blocks"] = m.Blocks
	}
	if m.Thread != "" {
		out["thread_ts"] = m.Thread
	}
	if metadata && m.Metadata != nil {
		out["metadata"] = m.Metadata
	}
	return out
}

// readable is the channel that the app asks to read.
func (s *Server) readable(r *http.Request) (*Room, reply) {
	room := s.room(r.Form.Get("channel"), false)
	if room == nil {
		return nil, fails("channel_not_found")
	}
	needed := "channels:history"
	if room.Private {
		needed = "groups:history"
	}
	switch {
	case !s.may(needed):
		return nil, s.lacks(needed)
	case room.Outside:
		return nil, fails("not_in_channel")
	}
	return room, reply{}
}

func (s *Server) history(r *http.Request) reply {
	room, no := s.readable(r)
	if room == nil {
		return no
	}
	oldest, latest := r.Form.Get("oldest"), r.Form.Get("latest")
	var all []*Message
	for _, m := range slices.Backward(s.messages) {
		if m.Channel == room.ID && !m.Deleted && m.Thread == "" && (oldest == "" || m.TS > oldest) && (latest == "" || m.TS < latest) {
			all = append(all, m)
		}
	}
	return page(r, "messages", all, func(m *Message) any { return shown(m, r.Form.Get("include_all_metadata") == "1") })
}

func (s *Server) replies(r *http.Request) reply {
	room, no := s.readable(r)
	if room == nil {
		return no
	}
	ts := r.Form.Get("ts")
	if s.find(room, ts) == nil {
		return fails("thread_not_found")
	}
	var all []*Message
	for _, m := range s.messages {
		if m.Channel == room.ID && !m.Deleted && (m.TS == ts || m.Thread == ts) {
			all = append(all, m)
		}
	}
	return page(r, "messages", all, func(m *Message) any { return shown(m, r.Form.Get("include_all_metadata") == "1") })
}

// conversations are the channels that the app is in.
func (s *Server) conversations(r *http.Request) reply {
	types := strings.Split(r.Form.Get("types"), ",")
	for _, one := range types {
		if needed := map[string]string{"public_channel": "channels:read", "private_channel": "groups:read"}[one]; !s.may(needed) {
			return s.lacks(needed)
		}
	}
	var all []*Room
	for _, room := range s.rooms {
		kind := "public_channel"
		if room.Private {
			kind = "private_channel"
		}
		if !room.Outside && slices.Contains(types, kind) && (!room.Archived || r.Form.Get("exclude_archived") != "true") {
			all = append(all, room)
		}
	}
	return page(r, "channels", all, func(room *Room) any { return map[string]any{"id": room.ID, "name": room.Name, "is_channel": true} })
}

// page is a part of a list, from the cursor on.
func page[T any](r *http.Request, key string, all []T, show func(T) any) reply {
	limit, err := strconv.Atoi(r.Form.Get("limit"))
	if err != nil || limit <= 0 || limit > 999 {
		limit = 100
	}
	from, _ := strconv.Atoi(strings.TrimPrefix(r.Form.Get("cursor"), "from:"))
	from = min(max(from, 0), len(all))
	to := min(from+limit, len(all))
	part := make([]any, 0, to-from)
	for _, one := range all[from:to] {
		part = append(part, show(one))
	}
	next := ""
	if to < len(all) {
		next = fmt.Sprintf("from:%d", to)
	}
	return reply{body: map[string]any{"ok": true, key: part, "has_more": next != "", "response_metadata": map[string]any{"next_cursor": next}}}
}

// webhook answers a post to the incoming webhook.
func (s *Server) webhook(r *http.Request, body []byte) reply {
	if r.URL.Path != WebhookPath {
		return reply{status: http.StatusNotFound, text: "no_service"}
	}
	room := s.rooms[0]
	if room.Archived {
		return reply{status: http.StatusGone, text: "channel_is_archived"}
	}
	if after := s.limited("webhook", s.every, s.burst); after > 0 {
		return reply{after: after, text: "rate_limited"}
	}
	var in struct {
		Text, Parse string
		LinkNames   any `json:"link_names"`
		Blocks      json.RawMessage
		UnfurlLinks *bool `json:"unfurl_links"`
		UnfurlMedia *bool `json:"unfurl_media"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		s.breach("webhook: the body is no JSON: %v", err)
		return reply{status: http.StatusBadRequest, text: "invalid_payload"}
	}
	blocks, _, no := s.content("webhook", in.Text, string(in.Blocks), "", true)
	if no.body != nil {
		return reply{status: http.StatusBadRequest, text: fmt.Sprint(no.body["error"])}
	}
	s.plain("webhook", in.Parse, "")
	if in.LinkNames != nil || in.UnfurlLinks == nil || *in.UnfurlLinks || in.UnfurlMedia == nil || *in.UnfurlMedia {
		s.breach("webhook: names or addresses would be linked or shown")
	}
	s.keep(&Message{Channel: room.ID, Text: in.Text, Blocks: blocks, ByWebhook: true})
	return reply{text: "ok"}
}
