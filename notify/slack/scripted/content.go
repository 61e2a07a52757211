package scripted

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"

	"detect/notify/escape"
)

// Slack's limits, in UTF-16 units (https://docs.slack.dev/reference/block-kit/blocks and, for the text,
// https://docs.slack.dev/reference/methods/chat.postMessage). That all texts of a message together may have about 12,000,
// with something for each element, is measured, not documented: messages with 11,341 were refused.
const (
	maxBlocks   = 50
	maxHeader   = 150
	maxText     = 3000
	maxFields   = 10
	maxField    = 2000
	maxContext  = 10
	maxAll      = 11000
	perElement  = 40
	maxTopText  = 40000
	wiseTopText = 4000
	maxMetadata = 8000
)

// content checks what a message holds. The reply's body is not nil if Slack would refuse it.
func (s *Server) content(what, text, blocks, metadata string, parsed bool) (json.RawMessage, *Metadata, reply) {
	refuse := func(code, format string, args ...any) reply {
		why := fmt.Sprintf(format, args...)
		s.breach("%s: %s: %s", what, code, why)
		r := fails(code)
		r.body["response_metadata"] = map[string]any{"messages": []string{"[ERROR] " + why}}
		return r
	}
	if strings.TrimSpace(blocks) == "" || blocks == "null" {
		blocks = "[]"
	}
	c := &checker{}
	var all []map[string]any
	if err := json.Unmarshal([]byte(blocks), &all); err != nil {
		return nil, nil, refuse("invalid_blocks_format", "%v", err)
	}
	c.blocks(all)
	switch {
	case len(c.wrong) > 0:
		return nil, nil, refuse("invalid_blocks", "%s", strings.Join(c.wrong, "; "))
	case c.size > maxAll:
		return nil, nil, refuse("msg_blocks_too_long", "%d", c.size)
	case len(all) == 0 && strings.TrimSpace(text) == "":
		return nil, nil, refuse("no_text", "neither text nor blocks")
	case units(text) > maxTopText:
		return nil, nil, refuse("msg_too_long", "%d", units(text))
	case units(text) > wiseTopText:
		s.breach("%s: the text has %d characters", what, units(text))
	case strings.TrimSpace(text) == "":
		s.breach("%s: notifications have no text to show", what)
	}
	for _, one := range append(c.live, liveText(text, parsed)...) {
		s.breach("%s: %s", what, one)
	}
	var meta *Metadata
	if metadata != "" {
		meta = &Metadata{}
		in := json.NewDecoder(strings.NewReader(metadata))
		in.DisallowUnknownFields()
		if err := in.Decode(meta); err != nil || meta.EventType == "" || meta.EventPayload == nil {
			return nil, nil, refuse("invalid_metadata_format", "%s", metadata)
		}
		if units(metadata) > maxMetadata {
			return nil, nil, refuse("metadata_too_large", "%d", units(metadata))
		}
	}
	if len(all) == 0 {
		return nil, meta, reply{}
	}
	var compact bytes.Buffer
	_ = json.Compact(&compact, []byte(blocks))
	return compact.Bytes(), meta, reply{}
}

func units(s string) int { return len(utf16.Encode([]rune(s))) }

// checker walks blocks.
type checker struct {
	wrong []string // what Slack refuses
	live  []string // what would be a mention, a link or formatting, or hides
	size  int      // of all texts, with something for each element
}

func (c *checker) bad(at, format string, args ...any) {
	c.wrong = append(c.wrong, at+": "+fmt.Sprintf(format, args...))
}

func (c *checker) blocks(all []map[string]any) {
	if len(all) > maxBlocks {
		c.bad("blocks", "%d of them", len(all))
	}
	for i, b := range all {
		at := fmt.Sprintf("blocks[%d]", i)
		c.size += perElement
		switch b["type"] {
		case "header":
			c.text(at+"/text", b["text"], maxHeader, true)
		case "divider":
		case "section":
			fields := c.list(at+"/fields", b["fields"], 0, maxFields)
			if b["text"] == nil && len(fields) == 0 {
				c.bad(at, "a section without text or fields")
			}
			if b["text"] != nil {
				c.text(at+"/text", b["text"], maxText, false)
			}
			for _, f := range fields {
				c.text(at+"/fields", f, maxField, false)
			}
		case "context":
			for _, e := range c.list(at+"/elements", b["elements"], 1, maxContext) {
				c.text(at+"/elements", e, maxText, false)
			}
		case "rich_text":
			for _, e := range c.list(at+"/elements", b["elements"], 1, 1000) {
				c.rich(at+"/elements", e)
			}
		default:
			c.bad(at, "unsupported type %v", b["type"])
		}
	}
}

// list is a list of the given length.
func (c *checker) list(at string, v any, least, most int) []any {
	all, ok := v.([]any)
	if v != nil && !ok || len(all) < least || len(all) > most {
		c.bad(at, "not a list of %d to %d", least, most)
	}
	return all
}

// text is a text object.
func (c *checker) text(at string, v any, most int, plain bool) {
	o, _ := v.(map[string]any)
	text, _ := o["text"].(string)
	kind, _ := o["type"].(string)
	c.size += units(text) + perElement
	switch {
	case kind != "plain_text" && kind != "mrkdwn", plain && kind != "plain_text":
		c.bad(at, "type %q", kind)
	case text == "" || units(text) > most:
		c.bad(at, "%d characters, not 1 to %d", units(text), most)
	}
	if kind == "mrkdwn" {
		c.live = append(c.live, liveText(text, true)...)
	} else {
		c.live = append(c.live, hides(text)...)
		c.live = append(c.live, links(text)...)
		if emoji, _ := o["emoji"].(bool); emoji && emojiName.MatchString(text) {
			c.live = append(c.live, "an emoji: "+quote(text))
		}
	}
}

// rich is an element of rich text.
func (c *checker) rich(at string, v any) {
	o, _ := v.(map[string]any)
	kind, _ := o["type"].(string)
	switch kind {
	case "rich_text_section", "rich_text_quote", "rich_text_preformatted":
		for _, e := range c.list(at+"/"+kind, o["elements"], 1, 1000) {
			c.leaf(at+"/"+kind, e, kind == "rich_text_preformatted")
		}
	case "rich_text_list":
		if o["style"] != "bullet" && o["style"] != "ordered" {
			c.bad(at, "style %v", o["style"])
		}
		for _, e := range c.list(at+"/"+kind, o["elements"], 1, 1000) {
			if s, _ := e.(map[string]any); s["type"] != "rich_text_section" {
				c.bad(at, "a list of %v", s["type"])
				continue
			}
			c.rich(at+"/"+kind, e)
		}
	default:
		c.bad(at, "type %q in rich text", kind)
	}
}

// leaf is an element of a section of rich text.
func (c *checker) leaf(at string, v any, preformatted bool) {
	o, _ := v.(map[string]any)
	kind, _ := o["type"].(string)
	text, _ := o["text"].(string)
	c.size += units(text) + perElement
	if style, ok := o["style"].(map[string]any); ok {
		for name := range style {
			if !slices.Contains([]string{"bold", "italic", "strike", "code"}, name) || preformatted {
				c.bad(at, "style %s", name)
			}
		}
	}
	switch kind {
	case "text":
		if text == "" || units(text) > maxText {
			c.bad(at, "%d characters, not 1 to %d", units(text), maxText)
		}
		c.live = append(c.live, hides(text)...)
		if !preformatted {
			c.live = append(c.live, links(text)...)
		}
	case "link", "user", "usergroup", "broadcast", "channel", "team":
		c.live = append(c.live, "a live "+kind+" in rich text")
	case "emoji", "date":
	default:
		c.bad(at, "type %q in a section of rich text", kind)
	}
}

var (
	emojiName = regexp.MustCompile(`:[a-z0-9_+'-]+:`)
	entity    = regexp.MustCompile(`&(amp|lt|gt);`)
	address   = regexp.MustCompile(`(?i)\b(https?|ftp|slack|file)://|\bmailto:\S|\bwww\.[\p{L}\p{N}]|\b([a-z0-9-]+\.)+(com|net|org|io|ru)\b`)
	emphasis  = regexp.MustCompile("(^|[\\s(\\[{\"'.,;:!?-])([*_~`])[^\\s]")
	mailName  = regexp.MustCompile(`\S+@\S+`)
)

// liveText is what in a text that Slack parses is not plain.
func liveText(text string, parsed bool) []string {
	out := append(hides(text), links(text)...)
	if rest := entity.ReplaceAllString(text, ""); strings.ContainsAny(rest, "<>&") {
		out = append(out, "an unescaped <, > or &: "+quote(text))
	}
	if !parsed {
		return out
	}
	if emphasis.MatchString(text) {
		out = append(out, "formatting: "+quote(emphasis.FindString(text))+" in "+quote(text))
	}
	if name := emojiName.FindString(text); strings.ContainsFunc(name, unicode.IsLetter) {
		out = append(out, "an emoji: "+quote(name))
	}
	return out
}

// links is what clients make links of by themselves.
func links(text string) []string {
	if found := address.FindString(mailName.ReplaceAllString(text, "")); found != "" {
		return []string{"a link: " + quote(found) + " in " + quote(text)}
	}
	return nil
}

// hides is what changes how the rest is shown.
func hides(text string) []string {
	if strings.ContainsFunc(text, func(r rune) bool { return r != '\n' && escape.Hidden(r) }) {
		return []string{"a hidden character: " + quote(text)}
	}
	return nil
}

func quote(s string) string { return fmt.Sprintf("%.120q", s) }
