package notify

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"detect/engine"
	"detect/notify/alertjson"
	"detect/notify/escape"
	"detect/rules/template"
)

// How much of an alert a message shows; `detect alerts show` has it whole.
const (
	shownValues  = 5
	shownFacts   = 12  // made of captures
	shownValue   = 160 // bytes of one value
	shortFact    = 36  // bytes of all values of a fact that fits beside another
	shownTitle   = 600 // bytes
	shownRecords = 3
	shownChanges = 8
	shownLine    = 300 // bytes of a change or a mark
)

// label is what people call what rules call by a name, for one value and for several.
type label struct{ one, many string }

var labels = map[string]label{
	"user":        {"User", "Users"},
	"account":     {"Account", "Accounts"},
	"target":      {"Target", "Targets"},
	"mailbox":     {"Mailbox", "Mailboxes"},
	"ip":          {"Address", "Addresses"},
	"country":     {"Country", "Countries"},
	"place":       {"Place", "Places"},
	"agent":       {"Program", "Programs"},
	"app":         {"Application", "Applications"},
	"app_name":    {"Application", "Applications"},
	"principal":   {"Service principal", "Service principals"},
	"scopes":      {"Permissions", "Permissions"},
	"scope_of":    {"Granted", "Granted"},
	"role":        {"Role", "Roles"},
	"role_id":     {"Role id", "Role ids"},
	"right":       {"Right", "Rights"},
	"grantee":     {"Given to", "Given to"},
	"member":      {"Given to", "Given to"},
	"destination": {"Sent to", "Sent to"},
	"means":       {"By means of", "By means of"},
	"file":        {"File", "Files"},
	"site":        {"Site", "Sites"},
	"item":        {"Kind of item", "Kinds of items"},
	"items":       {"Items", "Items"},
	"folder":      {"Folder", "Folders"},
	"folder_name": {"Folder", "Folders"},
	"name":        {"Name", "Names"},
	"rule_name":   {"Inbox rule", "Inbox rules"},
	"words":       {"Words", "Words"},
	"sender":      {"Sender", "Senders"},
	"what":        {"What", "What"},
	"whom":        {"Of whom", "Of whom"},
	"whose":       {"Whose", "Whose"},
	"how":         {"How", "How"},
	"where":       {"Where", "Where"},
	"change":      {"Change", "Changes"},
}

// places are the captures that say from where; they stand after what was done.
var places = []string{"ip", "country", "place", "agent"}

// labelOf names a capture or a part of an entity in words.
func labelOf(name string, values int) string {
	if l, ok := labels[name]; ok {
		if values > 1 {
			return l.many
		}
		return l.one
	}
	words := []rune(strings.ReplaceAll(escape.Cut(name, 60), "_", " "))
	if len(words) > 0 {
		words[0] = unicode.ToUpper(words[0])
	}
	return string(words)
}

// facts are who, what, where, when and how many.
func facts(a *engine.Alert) []Fact {
	var who, what, where []Fact
	shown := map[string]bool{"": true} // values that a fact tells already
	entity := map[string]bool{}
	for _, part := range alertjson.Entity(a.By, a.Key) {
		entity[part.Name] = true
		who = append(who, fact(part.Name, []string{part.Value}))
	}
	left := 0
	for _, v := range a.Values {
		values := slices.DeleteFunc(slices.Clone(v.Values[:min(len(v.Values), shownValues+1)]), func(s string) bool { return strings.TrimSpace(s) == "" })
		all := strings.Join(values, "\x00")
		switch {
		case entity[v.Name] || shown[all]:
			continue
		case len(what)+len(where) >= shownFacts:
			left++
			continue
		}
		shown[all] = true
		f := fact(v.Name, values)
		f.More += max(0, len(v.Values)-shownValues-1)
		if slices.Contains(places, v.Name) {
			where = append(where, f)
		} else {
			what = append(what, f)
		}
	}
	list := slices.Concat(who, what, where, []Fact{
		{Label: "When", Values: []string{when(a.First, a.Last)}},
		{Label: "How many", Values: []string{howMany(a)}, Short: true},
	})
	if left > 0 {
		list = append(list, Fact{Label: "Further", Values: []string{counted(int64(left), "captured value") + " not shown"}, Short: true})
	}
	return list
}

func fact(name string, values []string) Fact {
	f := Fact{Label: labelOf(name, len(values)), More: max(0, len(values)-shownValues)}
	length := 0
	for _, v := range values[:min(len(values), shownValues)] {
		if strings.TrimSpace(v) == "" || strings.TrimSpace(v) != v {
			v = `"` + v + `"` // else nobody would see it
		}
		v = middle(v, shownValue)
		length += len(v)
		f.Values = append(f.Values, v)
	}
	f.Short = length <= shortFact && f.More == 0 && len(f.Values) <= 2
	return f
}

// middle cuts a long text in its middle, since addresses and paths differ at their ends.
func middle(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	tail := len(s) - limit/2
	for tail < len(s) && !utf8.RuneStart(s[tail]) {
		tail++
	}
	return escape.Cut(s, limit-limit/2) + s[tail:]
}

// when is from when to when an alert lasts.
func when(first, last int64) string {
	const day, clock = "2006-01-02", "15:04:05"
	a, b := time.UnixMicro(first).UTC(), time.UnixMicro(last).UTC()
	if first == last {
		return a.Format(day + " " + clock + " UTC")
	}
	end := b.Format(clock)
	if a.Format(day) != b.Format(day) {
		end = b.Format(day + " " + clock)
	}
	return a.Format(day+" "+clock) + " to " + end + " UTC (" + lag(first, last) + ")"
}

// lag is the time between two times, in words.
func lag(from, to int64) string {
	d := to - from
	if to > from && d < 0 || d > math.MaxInt64/1000 {
		d = math.MaxInt64 / 1000
	} else if to < from && d > 0 || d < -math.MaxInt64/1000 {
		d = -math.MaxInt64 / 1000
	}
	length := time.Duration(d) * time.Microsecond
	if length >= 10*time.Second || length <= -10*time.Second {
		length = length.Round(time.Second)
	} else {
		length = length.Round(100 * time.Millisecond)
	}
	return template.Duration(length)
}

func howMany(a *engine.Alert) string {
	if a.Approximate {
		return "at least " + counted(a.Count, "record")
	}
	return counted(a.Count, "record")
}

// counted is a number of things.
func counted(n int64, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return template.Grouped(n) + " " + noun
}

// short is the beginning of an alert's id, enough to find it by.
func short(id string) string { return strings.ToValidUTF8(id[:min(len(id), 8)], "") }

// atOnce is how long a step may take, in microseconds, before it is worth telling apart from the one before it.
const atOnce = 60 * 1e6

// delays says how long each step took between what happened and this message. What it measures is the alert as it was
// detected: what happened or was learned later is said of the change.
func delays(m *Message) string {
	happened := cmp.Or(m.Happened, m.Alert.Last)
	if happened == 0 || m.Detected == 0 || m.Now == 0 {
		return ""
	}
	layout := "15:04:05 UTC"
	last := time.UnixMicro(happened).UTC()
	if last.Format(time.DateOnly) != time.UnixMicro(m.Now).UTC().Format(time.DateOnly) {
		layout = "2006-01-02 15:04:05 UTC"
	}
	text := "happened " + last.Format(layout) + ", "
	detected := max(happened, m.Detected)
	switch known := m.Available >= happened && m.Available <= detected; {
	case known && detected-m.Available < atOnce:
		text += "available and detected " + lag(happened, detected) + " later"
	case known:
		text += "available " + lag(happened, m.Available) + " later, detected " + lag(m.Available, detected) + " after that"
	default:
		text += "detected " + lag(happened, detected) + " later"
	}
	since := m.Detected
	if n := len(m.Changes); n > 0 && m.Changes[n-1].At-since >= atOnce {
		text += ", changed " + lag(since, m.Changes[n-1].At) + " after that"
		since = m.Changes[n-1].At
	}
	if m.Now > since && (m.Now-since >= atOnce || m.Now-since < 0) {
		text += ", sent " + lag(since, m.Now) + " after that"
	}
	return text
}
