package record

import (
	"fmt"
	"net/netip"
	"testing"

	"pgregory.net/rapid"
)

func TestParseIP(t *testing.T) {
	for in, want := range map[string]string{
		"1.2.3.4":                       "1.2.3.4",
		"\t1.2.3.4\n":                   "1.2.3.4",
		"1.2.3.4:52378":                 "1.2.3.4",
		"[1.2.3.4]:443":                 "1.2.3.4",
		"[1.2.3.4]":                     "1.2.3.4",
		"::ffff:1.2.3.4":                "1.2.3.4",
		"::ffff:1.2.3.4:443":            "1.2.3.4",
		"[::ffff:1.2.3.4]:443":          "1.2.3.4",
		"2a01:111:f100:9001::1761:914f": "2a01:111:f100:9001::1761:914f",
		"[2a01:111::914f]:52903":        "2a01:111::914f",
		"[2a01:111::914f]":              "2a01:111::914f",
		"2A01:0111:0:0::914F":           "2a01:111::914f",
		"2a01:111::914f-52903":          "2a01:111::914f",
		"1.2.3.4-52378":                 "1.2.3.4",
		"::1":                           "::1",
		"127.0.0.1":                     "127.0.0.1",
		"10.0.0.7:1":                    "10.0.0.7",
		"fe80::1%eth0":                  "fe80::1",
		"[fe80::1%3]:443":               "fe80::1",
	} {
		if got, ok := ParseIP(in); !ok || got.String() != want {
			t.Errorf("%q: %s %v, want %s", in, got, ok, want)
		}
	}
	for _, in := range []string{"", "<null>", "null", "localhost", "host:443", "10.900.0.1", "1.2.3", "1.2.3.4.5", "[1.2.3.4", "[]:1",
		"1.2.3.4:port", "[::1]x", "1.2.3.4, 5.6.7.8", "-", ":", "::g"} {
		if got, ok := ParseIP(in); ok || got.IsValid() {
			t.Errorf("%q: %s, want none", in, got)
		}
	}
}

// TestAnyFormOfAnAddressIsOne holds that the forms with brackets, ports and mapping all give the same address.
func TestAnyFormOfAnAddressIsOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		port := rapid.Uint16().Draw(t, "port")
		var want netip.Addr
		var forms []string
		if rapid.Bool().Draw(t, "v4") {
			want = netip.AddrFrom4([4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "bytes")))
			forms = []string{"%s", "%s:%d", "[%s]:%d", "[%s]", "::ffff:%s", "[::ffff:%s]:%d", "%s-%d"}
		} else {
			want = netip.AddrFrom16([16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "bytes"))).Unmap()
			forms = []string{"%s", "[%s]", "[%s]:%d", "%s-%d"}
			if want.Is4() {
				t.Skip("mapped")
			}
		}
		for _, form := range forms {
			in := fmt.Sprintf(form, want, port)
			if form[len(form)-1] == 's' || form[len(form)-1] == ']' {
				in = fmt.Sprintf(form, want)
			}
			if got, ok := ParseIP(in); !ok || got != want {
				t.Fatalf("%q: %s %v, want %s", in, got, ok, want)
			}
		}
	})
}

func TestIPOfRecord(t *testing.T) {
	for _, c := range []struct {
		raw, want string
	}{
		{`{"Operation":"UserLoggedIn","ActorIpAddress":"1.1.1.1","ClientIP":"2.2.2.2"}`, "1.1.1.1"},
		{`{"RecordType":"AzureActiveDirectoryStsLogon","ActorIpAddress":"<null>","ClientIP":"2.2.2.2:1"}`, "2.2.2.2"},
		{`{"RecordType":50,"ClientIPAddress":"1.1.1.1","ClientIP":"2.2.2.2","ActorIP":"3.3.3.3"}`, "1.1.1.1"},
		{`{"RecordType":2,"ClientIP":"","ActorIP":"3.3.3.3"}`, "3.3.3.3"},
		{`{"RecordType":1,"ClientIP":"2.2.2.2:443","ClientIPAddress":"1.1.1.1"}`, "2.2.2.2"},
		{`{"RecordType":8,"ClientIP":null,"ActorIpAddress":"4.4.4.4"}`, "4.4.4.4"},
		{`{"RecordType":28,"SenderIp":"5.5.5.5"}`, "5.5.5.5"},
		{`{"Operation":"UserLoggedIn","ActorIpAddress":"0.0.0.0","ClientIP":"2.2.2.2"}`, "2.2.2.2"},
		{`{"ClientIP":16843009}`, "invalid IP"},
		{`{"ClientIP":"10.900.0.1"}`, "invalid IP"},
		{`{}`, "invalid IP"},
	} {
		if got := parse(t, c.raw).IP().String(); got != c.want {
			t.Errorf("%s: %s, want %s", c.raw, got, c.want)
		}
	}
}

func TestAddresses(t *testing.T) {
	for in, domain := range map[string]string{
		"Ann@Contoso.Example": "contoso.example", "smtp:x@evil.example": "evil.example", " SMTP:a.b+c@x.y.example ": "x.y.example",
		"o'neil@contoso.example": "contoso.example", "ann@localhost": "localhost", "ann@contoso.example.": "contoso.example",
		"ann": "", "": "", "@x.example": "", "a@": "", "a b@x.example": "", "a@b@x.example": "", "a@x..example": "", "a@-x.example": "-x.example",
		"EX:/o=ExchangeLabs/cn=a@b": "", `"Ann" <a@x.example>`: "", "a@x.example;b@y.example": "", "a@x example": "", "ann@bücher.example": "bücher.example",
	} {
		if got := Domain(in); got != domain {
			t.Errorf("domain of %q: %q, want %q", in, got, domain)
		}
	}
	for in, domain := range map[string]string{
		`"x"@evil.example`: "evil.example", `"a b"@evil.example`: "evil.example", `"a@contoso.example"@evil.example`: "evil.example",
		`"a;b"@evil.example`: "evil.example", `smtp:"a\"@contoso.example"@evil.example`: "evil.example", `a."b c".d@evil.example`: "evil.example",
		"x@[203.0.113.9]": "[203.0.113.9]", "SIP:x@[IPv6:2001:db8::1]": "[ipv6:2001:db8::1]", "SIP:drop@Evil.example": "evil.example",
		"X500:drop@evil.example": "evil.example", "x500:/o=x/cn=a@evil.example": "", `"x@evil.example`: "", `a"b@evil.example`: "", `"a\`: "",
		"x@[]": "", "x@[a b]": "", "x@[1.2.3.4]]": "", `"a@b"`: "", "\"a\nb\"@evil.example": "", "cn=drop@evil.example": "evil.example",
	} {
		if got := Domain(in); got != domain {
			t.Errorf("domain of %q: %q, want %q", in, got, domain)
		}
	}
	for _, c := range []struct {
		domain, parent string
		want           bool
	}{
		{"[203.0.113.9]", "contoso.example", false}, {"[203.0.113.9]", "[203.0.113.9]", true},
		{"contoso.example", "Contoso.example", true}, {"mail.contoso.example", "contoso.example", true},
		{"evilcontoso.example", "contoso.example", false}, {"contoso.example", "mail.contoso.example", false},
		{"contoso.example.", "contoso.example", true}, {"contoso.example", ".contoso.example", true}, {"x.example", "", false}, {"", "", false},
	} {
		if got := InDomain(c.domain, c.parent); got != c.want {
			t.Errorf("%q in %q: %v", c.domain, c.parent, got)
		}
	}
}

func FuzzParseIP(f *testing.F) {
	for _, s := range []string{"1.2.3.4:80", "[::1]:443", "::ffff:1.2.3.4-9", "fe80::1%z", "<null>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := ParseIP(s)
		if ok != got.IsValid() || got.Zone() != "" || got.Is4In6() {
			t.Fatalf("%q: %v %v", s, got, ok)
		}
		if ok {
			if again, ok := ParseIP(got.String()); !ok || again != got {
				t.Fatalf("%q: %s reads as %s", s, got, again)
			}
		}
		if d := Domain(s); d != "" && !InDomain(d, d) {
			t.Fatalf("%q: domain %q is not in itself", s, d)
		}
	})
}
