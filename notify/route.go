package notify

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"detect/engine"
	"detect/notify/alertjson"
	"detect/rules/expr"
)

// RouteConfig is one route as it is configured.
type RouteConfig struct {
	// When is a CEL condition over `alert`; empty: always.
	When string `yaml:"when"`
	// To are names of channels. An empty list means nobody, on purpose; it must be written.
	To *[]string `yaml:"to"`
}

// Decision is where an alert goes and why.
type Decision struct {
	Channels []string // names, each once, in the order in which they are configured; nil: nobody
	Route    int      // index of the route that decided; NoRoute if none did
	Why      string   // in words, for the log: "route 1: atLeast(alert.severity, high)"
	Err      error    // of a condition that could not be evaluated, which was taken as holding; else nil
}

// NoRoute is the Route of a decision that no route made.
const NoRoute = -1

// Router says which channels are told of an alert. It is immutable but for its counters and for any goroutine.
type Router struct {
	routes   []route
	channels []string
	fallback string

	unrouted, faulty atomic.Int64
}

type route struct {
	when string
	hold func(*expr.AlertView) (bool, error) // nil: always
	to   []string
}

// NewRouter compiles routes over the given channels. The first route whose condition holds decides; if none does, the
// fallback is told, if there is one. Without any route every channel is told. The router is usable if all problems are
// lint; paths begin at the configuration's root: routes, 0, when.
func NewRouter(routes []RouteConfig, channels []string, fallback string) (*Router, []Problem) {
	r := &Router{channels: slices.Clone(channels), fallback: fallback}
	var problems []Problem
	known := func(name string, path ...string) {
		if !slices.Contains(channels, name) {
			p := Problem{Path: path, Message: fmt.Sprintf("there is no channel %q", name)}
			if near := expr.Nearest(name, channels); near != "" {
				p.Hint = fmt.Sprintf("did you mean %s?", near)
			} else if len(channels) > 0 {
				p.Hint = "there are " + strings.Join(channels, ", ")
			}
			problems = append(problems, p)
		}
	}
	if fallback != "" {
		known(fallback, "fallback")
	}
	for i, c := range routes {
		at := func(rest ...string) []string { return append([]string{"routes", strconv.Itoa(i)}, rest...) }
		compiled := route{when: strings.Join(strings.Fields(c.When), " ")}
		if compiled.when != "" {
			var issues []expr.Issue
			compiled.hold, issues = expr.Route(c.When)
			for _, issue := range issues {
				problems = append(problems, Problem{Path: at("when"), Message: issue.Message, Hint: issue.Hint, Offset: issue.Offset})
			}
		}
		if c.To == nil {
			problems = append(problems, Problem{Path: at(), Message: "the route goes nowhere: to is missing",
				Hint: "write to: [] if nobody is to be told"})
		} else {
			for j, name := range *c.To {
				known(name, at("to", strconv.Itoa(j))...)
				if !slices.Contains(compiled.to, name) {
					compiled.to = append(compiled.to, name)
				}
			}
		}
		r.routes = append(r.routes, compiled)
	}
	return r, append(problems, lintRoutes(r.routes, fallback)...)
}

// lintRoutes finds what works and is probably not meant.
func lintRoutes(routes []route, fallback string) []Problem {
	var problems []Problem
	for i, r := range routes {
		if r.when == "" && i < len(routes)-1 {
			problems = append(problems, Problem{Path: []string{"routes", strconv.Itoa(i + 1)}, Lint: true,
				Message: fmt.Sprintf("no alert gets to this route: route %d before it has no when and takes them all", i+1),
				Hint:    "put the route without when last"})
			return problems
		}
	}
	if n := len(routes); n > 0 && routes[n-1].when != "" && fallback == "" {
		problems = append(problems, Problem{Path: []string{"routes", strconv.Itoa(n - 1)}, Lint: true,
			Message: "an alert for which no route holds reaches nobody",
			Hint:    "add a last route without when, or a fallback"})
	}
	return problems
}

// Route decides for one alert. It depends on the alert alone.
func (r *Router) Route(a *engine.Alert) Decision {
	if len(r.routes) == 0 {
		return Decision{Channels: slices.Clone(r.channels), Route: NoRoute, Why: "no routes: every channel"}
	}
	var view *expr.AlertView
	decide := func(i int, why string) Decision {
		return Decision{Channels: slices.Clone(r.routes[i].to), Route: i, Why: why}
	}
	for i := range r.routes {
		rt := &r.routes[i]
		if rt.hold == nil {
			return decide(i, fmt.Sprintf("route %d", i+1))
		}
		if view == nil {
			view = alertView(a)
		}
		holds, err := rt.hold(view)
		if err != nil {
			r.faulty.Add(1)
			d := decide(i, fmt.Sprintf("route %d, whose when could not be evaluated", i+1))
			d.Err = fmt.Errorf("evaluate when of route %d: %w", i+1, err)
			return d
		}
		if holds {
			return decide(i, fmt.Sprintf("route %d: %s", i+1, rt.when))
		}
	}
	if r.fallback != "" {
		return Decision{Channels: []string{r.fallback}, Route: NoRoute, Why: "no route holds: the fallback"}
	}
	r.unrouted.Add(1)
	return Decision{Route: NoRoute, Why: "no route holds, and there is no fallback"}
}

// Unrouted is how many decisions found no route and no fallback, and Faulty how many met a condition that could not be
// evaluated.
func (r *Router) Unrouted() int64 { return r.unrouted.Load() }

// Faulty is explained at Unrouted.
func (r *Router) Faulty() int64 { return r.faulty.Load() }

func alertView(a *engine.Alert) *expr.AlertView {
	v := &expr.AlertView{
		Rule: a.Rule, Title: a.Title, Status: a.Status.String(), Severity: a.Severity, First: a.First, Last: a.Last,
		Count: a.Count, Attack: a.Attack, Tactics: a.Tactics, Risk: a.Risk, Late: a.Late, Approximate: a.Approximate,
		Staged: a.Staged, By: map[string]string{}, Values: make(map[string][]string, len(a.Values)),
	}
	for _, p := range alertjson.Entity(a.By, a.Key) {
		v.By[p.Name] = p.Value
	}
	for _, c := range a.Values {
		v.Values[c.Name] = c.Values
	}
	return v
}
