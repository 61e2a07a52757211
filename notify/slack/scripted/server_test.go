package scripted

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// call calls a method and gives the answer.
func call(t *testing.T, s *Server, method string, form url.Values) map[string]any {
	t.Helper()
	form = with(form, "token", Token)
	resp, err := (&http.Client{Transport: s.Transport()}).PostForm(API+method, form)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var out map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		t.Fatal(err)
	}
	out["status"], out["after"] = resp.StatusCode, resp.Header.Get("Retry-After")
	return out
}

// with is a form with one more value.
func with(form url.Values, key, value string) url.Values {
	out := url.Values{key: {value}}
	for k, v := range form {
		out[k] = v
	}
	return out
}

// posting is a message that Slack takes.
func posting(more ...string) url.Values {
	out := url.Values{"channel": {ChannelName}, "text": {"x"}, "parse": {"none"}, "link_names": {"false"}, "mrkdwn": {"false"}, "unfurl_links": {"false"}, "unfurl_media": {"false"}}
	for i := 0; i < len(more); i += 2 {
		out.Set(more[i], more[i+1])
	}
	return out
}

func repeated(n int, one string) string {
	return "[" + strings.TrimSuffix(strings.Repeat(one+",", n), ",") + "]"
}

func rich(inner string) string {
	return `[{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[` + inner + `]}]}]`
}

func header(text string) string {
	return `[{"type":"header","text":{"type":"plain_text","text":"` + text + `","emoji":false}}]`
}

func TestLimitsAreEnforced(t *testing.T) {
	x := func(n int) string { return strings.Repeat("x", n) }
	field := `{"type":"plain_text","text":"` + x(2000) + `"}`
	for _, c := range []struct{ what, form, value, want string }{
		{"a header of 150", "blocks", header(x(150)), ""},
		{"a header of 151", "blocks", header(x(151)), "invalid_blocks"},
		{"a header of 76 astral characters", "blocks", header(strings.Repeat("🧨", 76)), "invalid_blocks"},
		{"an empty header", "blocks", header(""), "invalid_blocks"},
		{"a header of mrkdwn", "blocks", `[{"type":"header","text":{"type":"mrkdwn","text":"x"}}]`, "invalid_blocks"},
		{"50 blocks", "blocks", repeated(50, `{"type":"divider"}`), ""},
		{"51 blocks", "blocks", repeated(51, `{"type":"divider"}`), "invalid_blocks"},
		{"a text of 3001", "blocks", `[{"type":"section","text":{"type":"plain_text","text":"` + x(3001) + `"}}]`, "invalid_blocks"},
		{"a field of 2000", "blocks", `[{"type":"section","fields":[` + field + `]}]`, ""},
		{"a field of 2001", "blocks", `[{"type":"section","fields":[` + strings.Replace(field, "x", "xx", 1) + `]}]`, "invalid_blocks"},
		{"11 fields", "blocks", `[{"type":"section","fields":` + repeated(11, `{"type":"plain_text","text":"x"}`) + `}]`, "invalid_blocks"},
		{"a section of nothing", "blocks", `[{"type":"section"}]`, "invalid_blocks"},
		{"11 in a context", "blocks", `[{"type":"context","elements":` + repeated(11, `{"type":"plain_text","text":"x"}`) + `}]`, "invalid_blocks"},
		{"an empty text in rich text", "blocks", rich(`{"type":"text","text":""}`), "invalid_blocks"},
		{"an unknown style", "blocks", rich(`{"type":"text","text":"x","style":{"blink":true}}`), "invalid_blocks"},
		{"rich text of nothing", "blocks", `[{"type":"rich_text","elements":[]}]`, "invalid_blocks"},
		{"a list of text", "blocks", `[{"type":"rich_text","elements":[{"type":"rich_text_list","style":"bullet","elements":[{"type":"text","text":"x"}]}]}]`, "invalid_blocks"},
		{"an unknown block", "blocks", `[{"type":"marquee"}]`, "invalid_blocks"},
		{"all together too long", "blocks", repeated(5, `{"type":"section","text":{"type":"plain_text","text":"`+x(2900)+`"}}`), "msg_blocks_too_long"},
		{"no JSON", "blocks", `[{`, "invalid_blocks_format"},
		{"a text of 40001", "text", x(40001), "msg_too_long"},
		{"no text", "text", " ", "no_text"},
		{"metadata without a type", "metadata", `{"event_payload":{}}`, "invalid_metadata_format"},
		{"metadata", "metadata", `{"event_type":"x","event_payload":{"a":1}}`, ""},
	} {
		s := New()
		got, _ := call(t, s, "chat.postMessage", posting(c.form, c.value))["error"].(string)
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.what, got, c.want)
		}
		if (len(s.Violations()) > 0) != (c.want != "") {
			t.Errorf("%s: violations %v", c.what, s.Violations())
		}
	}
}

func TestWhatIsLiveIsNamed(t *testing.T) {
	for _, text := range []string{"<!channel>", "<@U1>", "<https://x|y>", "a & b", "https://evil.example", "www.evil.example", "see evil.com", "a\u202eb", "\u200b"} {
		s := New()
		call(t, s, "chat.postMessage", posting("text", text))
		if len(s.Violations()) == 0 {
			t.Errorf("%q passes", text)
		}
	}
	for _, text := range []string{"*bold*", "a _b_ c", "~x~", "`x`", ":smile:"} {
		s := New()
		call(t, s, "chat.postMessage", posting("text", text))
		if len(s.Violations()) > 0 {
			t.Errorf("%q with mrkdwn=false: %v", text, s.Violations())
		}
		call(t, s, "chat.postMessage", posting("text", text, "mrkdwn", "true"))
		if len(s.Violations()) == 0 {
			t.Errorf("%q passes", text)
		}
	}
	for _, inner := range []string{`{"type":"user","user_id":"U1"}`, `{"type":"broadcast","range":"channel"}`, `{"type":"link","url":"https://x"}`, `{"type":"text","text":"https://x.example"}`} {
		s := New()
		call(t, s, "chat.postMessage", posting("blocks", rich(inner)))
		if len(s.Violations()) == 0 {
			t.Errorf("%s passes", inner)
		}
	}
	for _, more := range [][]string{{"parse", "full"}, {"link_names", "true"}, {"unfurl_links", "true"}, {"unfurl_media", ""}} {
		s := New()
		call(t, s, "chat.postMessage", posting(more...))
		if len(s.Violations()) == 0 {
			t.Errorf("%v passes", more)
		}
	}
	s := New()
	call(t, s, "chat.postMessage", posting("text", "a_b_c &lt;x&gt; hxxps://evil[.]example mei@contoso.com 08:00:00 report.pdf", "mrkdwn", ""))
	if v := s.Violations(); len(v) > 0 {
		t.Errorf("plain text is taken for something: %v", v)
	}
}

func TestWhoMayDoWhat(t *testing.T) {
	s := New()
	s.Pace(0, 0)
	s.SetRoom(Room{ID: "C0ARCHIVED", Name: "old", Archived: true})
	s.SetRoom(Room{ID: "C0OUTSIDE1", Name: "outside", Outside: true})
	s.SetRoom(Room{ID: "C0PRIVATE1", Name: "private", Private: true, Outside: true})
	f := func(method string, form url.Values, want string) {
		t.Helper()
		if got, _ := call(t, s, method, form)["error"].(string); got != want {
			t.Errorf("%s %v: %q, want %q", method, form, got, want)
		}
	}
	f("auth.test", nil, "")
	f("chat.postMessage", posting(), "")
	f("chat.postMessage", posting("channel", "#old"), "is_archived")
	f("chat.postMessage", posting("channel", "#outside"), "not_in_channel")
	f("chat.postMessage", posting("channel", "#private"), "channel_not_found")
	f("chat.postMessage", posting("channel", "#none"), "channel_not_found")
	ts := s.Messages()[0].TS
	f("chat.update", posting("ts", ts), "channel_not_found") // a name is not enough
	f("chat.update", posting("ts", ts, "channel", ChannelID), "")
	f("chat.update", posting("ts", "1.000001", "channel", ChannelID), "message_not_found")
	f("conversations.replies", posting("ts", "1.000001", "channel", ChannelID), "thread_not_found")
	s.Disown(ts)
	f("chat.update", posting("ts", ts, "channel", ChannelID), "cant_update_message")
	s.Delete(ts)
	f("chat.update", posting("ts", ts, "channel", ChannelID), "message_not_found")
	s.SetScopes("chat:write")
	f("conversations.history", posting("channel", ChannelID), "missing_scope")
	f("users.conversations", posting("types", "public_channel"), "missing_scope")
	s.SetScopes()
	f("chat.postMessage", posting(), "missing_scope")
	s.SetToken("another")
	f("auth.test", nil, "invalid_auth")
	f("no.method", nil, "invalid_auth")
}

func TestPaceIsEnforced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New()
		var outcomes []any
		for range 4 {
			outcomes = append(outcomes, call(t, s, "chat.postMessage", posting())["status"])
		}
		if outcomes[0] != 200 || outcomes[1] != 200 || outcomes[2] != 429 || outcomes[3] != 429 {
			t.Errorf("a burst: %v", outcomes)
		}
		if out := call(t, s, "chat.postMessage", posting()); out["after"] != "1" {
			t.Errorf("Retry-After %v", out["after"])
		}
		time.Sleep(time.Second)
		if out := call(t, s, "chat.postMessage", posting()); out["ok"] != true {
			t.Errorf("after a second: %v", out)
		}
	})
}

func TestHistoryHasPagesAndMetadata(t *testing.T) {
	s := New()
	s.Pace(0, 0)
	for range 5 {
		call(t, s, "chat.postMessage", posting("metadata", `{"event_type":"x","event_payload":{"n":1}}`))
	}
	first := s.Messages()[0].TS
	call(t, s, "chat.postMessage", posting("thread_ts", first))
	page := call(t, s, "conversations.history", url.Values{"channel": {ChannelID}, "limit": {"3"}, "include_all_metadata": {"1"}})
	all, _ := page["messages"].([]any)
	if len(all) != 3 || page["has_more"] != true || all[0].(map[string]any)["ts"] != s.Messages()[4].TS || all[0].(map[string]any)["metadata"] == nil {
		t.Errorf("the first page: %v", page)
	}
	cursor := page["response_metadata"].(map[string]any)["next_cursor"].(string)
	page = call(t, s, "conversations.history", url.Values{"channel": {ChannelID}, "limit": {"3"}, "cursor": {cursor}})
	all, _ = page["messages"].([]any)
	if len(all) != 2 || page["has_more"] != false || all[0].(map[string]any)["metadata"] != nil {
		t.Errorf("the last page: %v", page)
	}
	page = call(t, s, "conversations.history", url.Values{"channel": {ChannelID}, "oldest": {first}})
	if all, _ = page["messages"].([]any); len(all) != 4 {
		t.Errorf("after the first: %d", len(all))
	}
	page = call(t, s, "conversations.replies", url.Values{"channel": {ChannelID}, "ts": {first}})
	if all, _ = page["messages"].([]any); len(all) != 2 {
		t.Errorf("the thread: %v", page)
	}
}

// TestFaults runs over a real connection and without one.
func TestFaults(t *testing.T) {
	for _, real := range []bool{false, true} {
		s := New()
		s.Pace(0, 0)
		client, root := &http.Client{Transport: s.Transport()}, API
		if real {
			server := httptest.NewServer(s)
			defer server.Close()
			server.Config.ErrorLog = nil
			client, root = server.Client(), server.URL+"/api/"
		}
		client.Timeout = 200 * time.Millisecond
		post := func() (status int, after string, err error) {
			resp, err := client.PostForm(root+"chat.postMessage", with(posting(), "token", Token))
			if err != nil {
				return 0, "", err
			}
			defer resp.Body.Close()
			_, err = io.Copy(io.Discard, resp.Body)
			return resp.StatusCode, resp.Header.Get("Retry-After"), err
		}
		for _, f := range []Fault{Reset(false), Reset(true), Hang(false), Hang(true)} {
			before := len(s.Messages())
			s.Script("chat.postMessage", f)
			if _, _, err := post(); err == nil {
				t.Errorf("%s: no error", f)
			} else if !real && f.Reset && !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("%s: %v", f, err)
			}
			if after := len(s.Messages()); (after > before) != f.Effect {
				t.Errorf("%s: %d messages, then %d", f, before, after)
			}
		}
		for _, f := range []Fault{RateLimited(3 * time.Second), Status(500), Refuse("invalid_auth")} {
			s.Script("*", f)
			status, after, err := post()
			if err != nil || f.Status != 0 && status != f.Status || f.RetryAfter != 0 && after != "3" {
				t.Errorf("%s: %d %s %v", f, status, after, err)
			}
		}
		s.Down(&Fault{Status: 503})
		for range 3 {
			if status, _, err := post(); err != nil || status != 503 {
				t.Errorf("down: %d %v", status, err)
			}
		}
		s.Down(nil)
		if status, _, err := post(); err != nil || status != 200 {
			t.Errorf("up again: %d %v", status, err)
		}
		if n := len(s.Calls()); n != 11 {
			t.Errorf("%d calls", n)
		}
	}
}

func TestWebhook(t *testing.T) {
	s := New()
	s.Pace(0, 0)
	client := &http.Client{Transport: s.Transport()}
	post := func(address, body string) string {
		t.Helper()
		resp, err := client.Post(address, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		return string(b)
	}
	quiet := `"unfurl_links":false,"unfurl_media":false`
	if got := post(Webhook, `{"text":"x",`+quiet+`}`); got != "ok" || len(s.Violations()) > 0 {
		t.Errorf("%q %v", got, s.Violations())
	}
	if got := post(Webhook+"x", `{"text":"x",`+quiet+`}`); got != "no_service" {
		t.Errorf("%q", got)
	}
	if got := post(Webhook, `{"text":"x"`); got != "invalid_payload" {
		t.Errorf("%q", got)
	}
	if got := post(Webhook, `{"blocks":[{"type":"x"}],`+quiet+`}`); got != "invalid_blocks" {
		t.Errorf("%q", got)
	}
	if n := len(s.Messages()); n != 1 {
		t.Errorf("%d messages", n)
	}
}
