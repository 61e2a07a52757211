package notify_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"detect/engine"
	"detect/notify"
	"detect/rules/hit"
)

var routable = &engine.Alert{
	ID: "1", Rule: "exchange-external-forwarding", Title: "ann sends mail on", Key: hit.EncodeKey("ann@contoso.example"), By: []string{"user"},
	Severity: hit.High, Attack: []string{"T1114.003"}, Tactics: []string{"collection"}, Risk: 70, Count: 12, First: 1_772_500_000_000_000,
	Last: 1_772_503_600_000_000, Values: []engine.Values{{Name: "destination", Values: []string{"x@evil.example", "y@evil.example"}}}, Late: true,
}

func to(names ...string) *[]string { return &names }

func TestConditions(t *testing.T) {
	holds := func(when string, want bool) {
		t.Helper()
		r, problems := notify.NewRouter([]notify.RouteConfig{{When: when, To: to("a")}, {To: to("b")}}, []string{"a", "b"}, "")
		if len(problems) > 0 {
			t.Errorf("%s: %+v", when, problems)
			return
		}
		d := r.Route(routable)
		if d.Err != nil || slices.Contains(d.Channels, "a") != want {
			t.Errorf("%s: %+v", when, d)
		}
	}
	holds(`atLeast(alert.severity, high)`, true)
	holds(`atLeast(alert.severity, critical)`, false)
	holds(`alert.severity == high`, true)
	holds(`alert.rule == 'exchange-external-forwarding'`, true)
	holds(`alert.rule.startsWith('entra-')`, false)
	holds(`alert.title.is('Ann Sends MAIL on')`, true)
	holds(`alert.by.user == 'ann@contoso.example'`, true)
	holds(`domain(alert.by['user']) == 'contoso.example'`, true)
	holds(`alert.by.ip == ''`, true)
	holds(`alert.by['ip'] != ''`, false)
	holds(`has(alert.by.ip)`, false)
	holds(`has(alert.by.user) && 'user' in alert.by`, true)
	holds(`'x@evil.example' in alert.values.destination`, true)
	holds(`alert.values.destination.exists(d, d.endsWith('.example'))`, true)
	holds(`alert.values.file.size() > 0 || 'x' in alert.values['site']`, false)
	holds(`alert.count >= 12 && alert.risk > 69.5`, true)
	holds(`'T1114.003' in alert.attack && 'collection' in alert.tactics`, true)
	holds(`alert.last - alert.first == duration('1h')`, true)
	holds(`alert.first.getFullYear() == 2026`, true)
	holds(`alert.late && !alert.approximate && !alert.staged && alert.status == 'open'`, true)
}

func TestRouteProblems(t *testing.T) {
	fault := func(when, message, hint, at string) {
		t.Helper()
		_, problems := notify.NewRouter([]notify.RouteConfig{{When: when, To: to("a")}, {To: to("a")}}, []string{"a"}, "")
		if len(problems) == 0 {
			t.Errorf("%s: it is taken", when)
			return
		}
		p := problems[0]
		if !strings.Contains(p.Message, message) || !strings.Contains(p.Hint, hint) || !strings.HasPrefix(when[p.Offset:], at) || p.Lint {
			t.Errorf("%s: %+v", when, p)
		}
		if !slices.Equal(p.Path, []string{"routes", "0", "when"}) {
			t.Errorf("%s: at %q", when, p.Path)
		}
	}
	fault("alert.severty == high", "no field severty", "did you mean severity?", "severty")
	fault("alert.user == 'x'", "no field user", "", "user")
	fault("true && count > 3", "there is no count", "write alert.count", "count")
	fault("atLeast(alert.severity, hgih)", "there is no hgih", "did you mean high?", "hgih")
	fault("atleast(alert.severity, high)", "no function atleast", "did you mean atLeast?", "atleast")
	fault("alert.severity == 'high'", "", "", "")
	fault("alert.count", "must be bool", "compare it", "alert.count")
	fault("alert.title", "must be", "", "")
	fault("record.UserId == 'x'", "there is no record", "", "record")
	fault("alert.count >", "", "", "")
	fault("alert.by.user > 3", "", "", "")
	fault("alert.values.ip == 'x'", "", "", "")
	fault("alert", "must be", "", "")
	fault("@at(alert.by, 'x') == ''", "", "", "")

	config := func(fallback string, message string, lint bool, routes ...notify.RouteConfig) {
		t.Helper()
		_, problems := notify.NewRouter(routes, []string{"soc", "oncall"}, fallback)
		switch {
		case message == "" && len(problems) > 0:
			t.Errorf("%+v", problems)
		case message != "" && (len(problems) != 1 || !strings.Contains(problems[0].Message+problems[0].Hint, message) || problems[0].Lint != lint):
			t.Errorf("not %q: %+v", message, problems)
		}
	}
	config("", "", false)
	config("oncall", "", false, notify.RouteConfig{When: "alert.late", To: to("soc")})
	config("", "", false, notify.RouteConfig{When: "alert.late", To: to("soc")}, notify.RouteConfig{To: to()})
	config("oncal", "did you mean oncall?", false)
	config("", "did you mean soc?", false, notify.RouteConfig{To: to("sock")})
	config("", "to is missing", false, notify.RouteConfig{})
	config("", "reaches nobody", true, notify.RouteConfig{When: "alert.late", To: to("soc")})
	config("", "takes them all", true, notify.RouteConfig{To: to("soc")}, notify.RouteConfig{To: to("oncall")})
	config("", "takes them all", true, notify.RouteConfig{When: " \n", To: to("soc")}, notify.RouteConfig{To: to("oncall")})
}

func TestDecisions(t *testing.T) {
	decide := func(fallback string, want []string, route int, why string, routes ...notify.RouteConfig) {
		t.Helper()
		r, _ := notify.NewRouter(routes, []string{"soc", "oncall"}, fallback)
		d := r.Route(routable)
		if !slices.Equal(d.Channels, want) || d.Route != route || !strings.Contains(d.Why, why) {
			t.Errorf("%+v", d)
		}
		if nobody := len(want) == 0 && route == notify.NoRoute; (r.Unrouted() == 1) != nobody {
			t.Errorf("%d alerts found no route", r.Unrouted())
		}
	}
	decide("", []string{"soc", "oncall"}, notify.NoRoute, "every channel")
	late, staged := "alert.late", "alert.staged"
	decide("", []string{"oncall"}, 1, "route 2: alert.late", notify.RouteConfig{When: staged, To: to("soc")}, notify.RouteConfig{When: late, To: to("oncall", "oncall")}, notify.RouteConfig{To: to("soc")})
	decide("oncall", nil, 0, "route 1", notify.RouteConfig{When: late, To: to()})
	decide("oncall", []string{"oncall"}, notify.NoRoute, "fallback", notify.RouteConfig{When: staged, To: to("soc")})
	decide("", nil, notify.NoRoute, "no fallback", notify.RouteConfig{When: staged, To: to("soc")})

	r, problems := notify.NewRouter([]notify.RouteConfig{{When: "10 / (alert.count - 12) > 1", To: to("soc")}, {To: to("oncall")}}, []string{"soc", "oncall"}, "")
	if d := r.Route(routable); len(problems) > 0 || d.Err == nil || !slices.Equal(d.Channels, []string{"soc"}) || r.Faulty() != 1 {
		t.Errorf("a condition that can't be evaluated: %+v %+v", problems, d)
	}
}

// Routing is bounded by the alert, and no alert makes it panic.
func TestHostileRoutes(t *testing.T) {
	r, problems := notify.NewRouter([]notify.RouteConfig{{
		When: "alert.values.file.exists(x, alert.values.file.exists(y, alert.values.file.all(z, x == y + z + 'q')))", To: to("soc"),
	}, {To: to("soc")}}, []string{"soc"}, "")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	a := *routable
	list := make([]string, 10_000)
	a.Values = []engine.Values{{Name: "file", Values: list}}
	if d := r.Route(&a); d.Err == nil || r.Faulty() != 1 {
		t.Errorf("a thousand billion steps: %+v", d)
	}
	rapid.Check(t, func(t *rapid.T) {
		a := &engine.Alert{Key: rapid.String().Draw(t, "key"), By: []string{"a", "b"}, First: rapid.Int64().Draw(t, "first"),
			Severity: hit.Severity(rapid.Byte().Draw(t, "severity")), Title: rapid.String().Draw(t, "title")}
		r.Route(a)
	})
}

func FuzzRoute(f *testing.F) {
	for _, s := range []string{"alert.late", "alert.by.user == ''", "alert.values['x'].exists(v, v == alert.title)", "(", "alert.first > timestamp('x')"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, when string) {
		r, problems := notify.NewRouter([]notify.RouteConfig{{When: when, To: to("a")}, {To: to("a")}}, []string{"a"}, "")
		for _, p := range problems {
			if p.Offset < 0 || p.Offset > len(when) || p.Message == "" {
				t.Errorf("%+v", p)
			}
			if !p.Lint {
				return
			}
		}
		if d := r.Route(routable); !slices.Equal(d.Channels, []string{"a"}) {
			t.Errorf("%+v", d)
		}
	})
}
