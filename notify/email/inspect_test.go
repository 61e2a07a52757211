package email

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"detect/notify/escape"
)

type lockedBuilder struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedBuilder) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuilder) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// open takes a mail apart: its headers and the decoded parts by their type.
func open(data []byte) (mail.Header, map[string]string, error) {
	m, err := mail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		return nil, nil, fmt.Errorf("read mail: %w", err)
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		return nil, nil, fmt.Errorf("content type %q: %v", m.Header.Get("Content-Type"), err)
	}
	parts := map[string]string{}
	var order []string
	for r := multipart.NewReader(m.Body, params["boundary"]); ; {
		p, err := r.NextRawPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, nil, fmt.Errorf("read part: %w", err)
		}
		if enc := p.Header.Get("Content-Transfer-Encoding"); enc != "quoted-printable" {
			return nil, nil, fmt.Errorf("a part is encoded as %q", enc)
		}
		text, err := io.ReadAll(quotedprintable.NewReader(p))
		if err != nil {
			return nil, nil, fmt.Errorf("decode part: %w", err)
		}
		kind, params, _ := mime.ParseMediaType(p.Header.Get("Content-Type"))
		if !strings.EqualFold(params["charset"], "utf-8") {
			return nil, nil, fmt.Errorf("a part has the character set %q", params["charset"])
		}
		order = append(order, kind)
		parts[kind] = strings.ReplaceAll(string(text), "\r\n", "\n")
	}
	if !slices.Equal(order, []string{"text/plain", "text/html"}) {
		return nil, nil, fmt.Errorf("the parts are %v", order)
	}
	return m.Header, parts, nil
}

// parse is open, and fails the test if the mail is broken.
func parse(t *testing.T, data []byte) (mail.Header, map[string]string) {
	t.Helper()
	h, parts, err := open(data)
	if err != nil {
		t.Fatalf("%v\n%s", err, data)
	}
	return h, parts
}

// The headers that a mail may have, each once.
var allowed = []string{
	"Auto-Submitted", "Content-Type", "Date", "From", "Importance", "In-Reply-To", "Message-Id", "Mime-Version", "Priority", "References",
	"Subject", "To", "X-Auto-Response-Suppress", "X-Detect-Alert", "X-Detect-Rule", "X-Detect-Severity", "X-Msmail-Priority", "X-Priority",
}

var (
	tag       = regexp.MustCompile(`<(/?)([a-zA-Z!][a-zA-Z]*)([^<>]*)>`)
	attribute = regexp.MustCompile(` ([a-zA-Z-]+)="([^"<>]*)"`)
	liveURL   = regexp.MustCompile(`(?i)\b(?:https?|ftp|file)://[^\s<>"]*|\bwww\.[a-z0-9-]+\.|\b(?:mailto|javascript):\S`)
	elements  = []string{"!doctype", "html", "head", "meta", "title", "body", "table", "tr", "td", "div", "span", "br", "a"}
	named     = []string{"lang", "charset", "name", "content", "style", "role", "width", "cellpadding", "cellspacing", "border", "valign", "href", "rel"}
)

// inspect finds what no mail may be, whatever a record holds.
func inspect(data []byte) []string {
	var wrong []string
	bad := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if len(data) > 256<<10 {
		bad("it has %d bytes", len(data))
	}
	if !utf8.Valid(data) || bytes.ContainsFunc(data, func(r rune) bool { return r > '~' || r < ' ' && r != '\r' && r != '\n' && r != '\t' }) {
		bad("it is not all ASCII")
	}
	for _, s := range strings.Split(string(data), "\r\n") {
		if len(s) > 998 || strings.ContainsAny(s, "\r\n") {
			bad("a line of %d bytes, or a bare line end: %.80q", len(s), s)
		}
	}
	h, parts, err := open(data)
	if err != nil {
		return append(wrong, err.Error())
	}
	for name, values := range h {
		if !slices.Contains(allowed, name) || len(values) != 1 {
			bad("the header %q is there %d times", name, len(values))
		}
	}
	subject, err := (&mime.WordDecoder{}).DecodeHeader(h.Get("Subject"))
	if err != nil || strings.ContainsFunc(subject, escape.Hidden) || strings.TrimSpace(subject) == "" || len(subject) > 700 {
		bad("the subject is %q: %v", subject, err)
	}
	if to, err := h.AddressList("To"); err != nil || len(to) == 0 {
		bad("the recipients are %q: %v", h.Get("To"), err)
	}
	if _, err := h.Date(); err != nil {
		bad("the date is %q: %v", h.Get("Date"), err)
	}
	for kind, text := range parts {
		if !utf8.ValidString(text) || strings.ContainsFunc(strings.ReplaceAll(text, "\n", ""), escape.Hidden) {
			bad("the part %s hides something", kind)
		}
	}
	for _, url := range liveURL.FindAllString(parts["text/plain"], -1) {
		if !rulesOwn(url) {
			bad("the text has a live address: %s", url)
		}
	}
	return append(wrong, inspectHTML(parts["text/html"])...)
}

// rulesOwn says whether an address comes from a rule, not from a record.
func rulesOwn(url string) bool {
	return strings.HasPrefix(url, "https://attack.mitre.org/techniques/T") || strings.HasPrefix(url, "https://learn.microsoft.com/")
}

// inspectHTML finds elements and attributes that the template does not have.
func inspectHTML(page string) []string {
	var wrong []string
	bad := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	open := map[string]int{}
	for _, m := range tag.FindAllStringSubmatch(page, -1) {
		name := strings.ToLower(m[2])
		if !slices.Contains(elements, name) {
			bad("the element %.60s", m[0])
		}
		if m[1] == "/" {
			open[name]--
		} else {
			open[name]++
		}
		if left := strings.TrimSpace(attribute.ReplaceAllString(m[3], "")); left != "" && name != "!doctype" {
			bad("what stands in an element: %q", left)
		}
		for _, a := range attribute.FindAllStringSubmatch(m[3], -1) {
			if !slices.Contains(named, strings.ToLower(a[1])) {
				bad("the attribute %.60s", a[0])
			}
			if strings.Contains(a[2], "url(") || strings.EqualFold(a[1], "href") && !rulesOwn(a[2]) {
				bad("the attribute loads or leads elsewhere: %s", a[0])
			}
		}
	}
	for name, n := range open {
		if n != 0 && name != "meta" && name != "br" && name != "!doctype" {
			bad("%d elements %s are not closed", n, name)
		}
	}
	text := tag.ReplaceAllString(page, " ")
	if strings.ContainsAny(text, "<>") {
		bad("a bracket of no element")
	}
	for _, url := range liveURL.FindAllString(text, -1) {
		if !rulesOwn(url) {
			bad("the page has a live address: %s", url)
		}
	}
	return wrong
}
