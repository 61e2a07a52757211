package rules

import (
	"fmt"
	"net/netip"
	"strings"
	"unicode"
)

// CheckDomain says what is wrong with an entry of org.domains, and what to write instead; message is empty if nothing is.
// A domain is written as in the right part of an address, with at least two labels: one label alone, such as a top-level
// domain, would make half the world an insider, and patterns and addresses match nothing.
func CheckDomain(domain string) (message, hint string) {
	name := strings.TrimSuffix(domain, ".")
	hint = "write contoso.example; its subdomains are included"
	_, notAddress := netip.ParseAddr(name)
	switch {
	case strings.TrimSpace(domain) == "":
		return "a domain is empty", hint
	case strings.Contains(name, "://"):
		return fmt.Sprintf("%q is a URL and no domain", domain), hint
	case strings.Contains(name, "@"):
		return fmt.Sprintf("%q is an address and no domain", domain), hint
	case strings.Contains(name, "*"):
		return fmt.Sprintf("%q is a pattern and no domain", domain), hint
	case notAddress == nil:
		return fmt.Sprintf("%q is an IP address and no domain", domain), hint
	}
	labels := strings.Split(name, ".")
	for _, l := range labels {
		if l == "" || len(l) > 63 || l[0] == '-' || l[len(l)-1] == '-' || strings.ContainsFunc(l, notInDomain) {
			return fmt.Sprintf("%q is no domain", domain), hint
		}
	}
	if len(labels) < 2 {
		return fmt.Sprintf("%q is a single label, and every domain under it would count as own", domain), hint
	}
	return "", ""
}

func notInDomain(r rune) bool {
	return r != '-' && r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
}
