package record

import (
	"net/netip"
	"strings"
)

// ParseIP reads an address in any form that records use: with port after a colon or dash, in brackets, IPv4 mapped into
// IPv6; ok is false for "", <null>, names and impossible addresses. The zone of a link-local address is dropped.
func ParseIP(s string) (addr netip.Addr, ok bool) {
	s = strings.Trim(s, " \t\r\n\"'")
	if len(s) < 2 || len(s) > 96 {
		return netip.Addr{}, false
	}
	if s[0] == '[' {
		end := strings.IndexByte(s, ']')
		if end < 0 || !isPort(s[end+1:]) {
			return netip.Addr{}, false
		}
		return plainIP(s[1:end])
	}
	if addr, ok = plainIP(s); ok {
		return addr, true
	}
	// What is left may be IPv4, mapped or not, with a port.
	if i := strings.LastIndexAny(s, ":-"); i > 0 && strings.IndexByte(s[:i], '.') >= 0 && isPort(s[i:]) {
		return plainIP(s[:i])
	}
	// Or IPv6 with a port after a dash; after a colon it can't be told from the address.
	if i := strings.LastIndexByte(s, '-'); i > 0 && isPort(s[i:]) {
		return plainIP(s[:i])
	}
	return netip.Addr{}, false
}

// isPort says whether s is nothing, or a colon or dash and digits. The number is not looked at.
func isPort(s string) bool {
	if s == "" {
		return true
	}
	if s[0] != ':' && s[0] != '-' {
		return false
	}
	return isNumber([]byte(s[1:]))
}

func plainIP(s string) (netip.Addr, bool) {
	addr, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}, false
	}
	return addr.WithZone("").Unmap(), true
}

// IP is the actor's address, unmapped and without port; the zero Addr if there is none. Which field tells it depends on the
// workload: the first that holds an address counts; 0.0.0.0 and :: stand for none.
func (r *Record) IP() netip.Addr { return r.ip.get(r, (*Record).findIP) }

var (
	signInAddresses  = []Field{FActorIpAddress, FClientIP, FClientIPAddress}
	mailboxAddresses = []Field{FClientIPAddress, FClientIP, FActorIP, FActorIpAddress}
	otherAddresses   = []Field{FClientIP, FActorIpAddress, FClientIPAddress, FActorIP, FSenderIp}
)

func (r *Record) findIP() netip.Addr {
	fields := otherAddresses
	switch {
	case r.signIn():
		fields = signInAddresses
	case r.mailboxRecord():
		fields = mailboxAddresses
	}
	for _, f := range fields {
		if v := r.Value(f); KindOf(v) == '"' {
			if addr, ok := ParseIP(r.Text(f)); ok && !addr.IsUnspecified() {
				return addr
			}
		}
	}
	return netip.Addr{}
}

// signIn says whether it is a sign-in to Entra.
func (r *Record) signIn() bool {
	switch r.RecordTypeNumber() {
	case 9, 15:
		return true
	}
	switch r.OperationKey() {
	case "userloggedin", "userloginfailed":
		return true
	}
	return false
}

// mailboxRecord says whether it comes from mailbox auditing.
func (r *Record) mailboxRecord() bool {
	switch r.RecordTypeNumber() {
	case 2, 3, 50, 19:
		return true
	}
	return r.Has(FMailboxGuid) || r.Has(FMailboxOwnerUPN)
}

// maxAddress is the length in bytes of the longest text that is taken for an address.
const maxAddress = 320

// IsAddress says whether s is one plain mail address. Its local part may be quoted, wholly or in parts ("a b"@contoso.example),
// and its domain an address literal (ann@[192.0.2.1]).
func IsAddress(s string) bool {
	at := domainAt(s)
	return at >= 0 && (isDomain(s[at:]) || isLiteral(s[at:]))
}

// domainAt is where the domain of an address begins: after the last @ outside quotes. -1 if there is none, or if what stands
// before it is no local part.
func domainAt(s string) int {
	if len(s) > maxAddress {
		return -1
	}
	at, bad, quoted := -1, -1, false // bad is the first byte that no local part holds
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			quoted = !quoted
		case c < ' ' || c == 0x7f:
			bad = firstOf(bad, i)
		case quoted && c == '\\':
			i++
		case quoted:
		case c == '@':
			if at >= 0 {
				bad = firstOf(bad, at)
			}
			at = i
		case c == ' ' || strings.IndexByte("(),:;<>[\\]", c) >= 0:
			bad = firstOf(bad, i)
		}
	}
	if quoted || at < 1 || bad >= 0 && bad < at {
		return -1
	}
	return at + 1
}

func firstOf(have, i int) int {
	if have >= 0 {
		return have
	}
	return i
}

// isLiteral says whether s is an address in brackets where a domain is wanted: [192.0.2.1], [IPv6:2001:db8::1].
func isLiteral(s string) bool {
	if len(s) < 3 || s[0] != '[' || s[len(s)-1] != ']' {
		return false
	}
	for _, c := range []byte(s[1 : len(s)-1]) {
		if !isDigit(c) && !('a' <= c|0x20 && c|0x20 <= 'z') && strings.IndexByte(".:-_", c) < 0 {
			return false
		}
	}
	return true
}

// isDomain says whether s is made of labels with dots between them. Underscores and letters beyond ASCII are let through.
func isDomain(s string) bool {
	s = strings.TrimSuffix(s, ".")
	if s == "" || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" {
			return false
		}
		for i := range len(label) {
			c := label[i]
			if c <= ' ' || c == 0x7f || strings.IndexByte("\"(),:;<>@[\\]/='", c) >= 0 {
				return false
			}
		}
	}
	return true
}

// Domain is the domain of a mail address in lower case, "" if s is none; that of an address literal keeps its brackets, and so
// lies in no domain.
func Domain(address string) string {
	address = trimScheme(strings.TrimSpace(address))
	if !IsAddress(address) {
		return ""
	}
	domain := address[domainAt(address):]
	return strings.ToLower(strings.TrimSuffix(domain, "."))
}

// InDomain says whether domain is parent or lies under it, by whole labels, without regard to case.
func InDomain(domain, parent string) bool {
	parent = strings.Trim(parent, ".")
	domain = strings.TrimSuffix(domain, ".")
	n := len(domain) - len(parent)
	if parent == "" || n < 0 || !strings.EqualFold(domain[n:], parent) {
		return false
	}
	return n == 0 || domain[n-1] == '.'
}
