package rules

import "testing"

func TestCheckDomain(t *testing.T) {
	for domain, ok := range map[string]bool{
		"contoso.example": true, "Mail.Contoso.example.": true, "contoso.onmicrosoft.com": true, "m\u00fcnchen.example": true, "xn--mnchen-3ya.example": true,
		"": false, " ": false, ".": false, "example": false, "localhost": false, "*.contoso.example": false, "@contoso.example": false, "ann@contoso.example": false,
		"https://contoso.example": false, "contoso.example/": false, "contoso..example": false, ".contoso.example": false, "10.0.0.1": false, "2001:db8::1": false,
		"con toso.example": false, "-a.example": false, "contoso.example, fabrikam.example": false,
	} {
		message, hint := CheckDomain(domain)
		if (message == "") != ok || (hint == "") != ok {
			t.Errorf("CheckDomain(%q) = %q, %q; right: %v", domain, message, hint, ok)
		}
	}
}
