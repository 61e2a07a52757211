// Package alertjson is the JSON form of an alert: the same object in every command's output and in what webhooks receive.
// Its field names are a contract with scripts; fields may be added.
package alertjson

import (
	"time"

	"detect/engine"
	"detect/rules/hit"
)

// Alert is one alert. Times are UTC. Records, Attack, By and Values are never null.
type Alert struct {
	ID          string              `json:"id"`
	Rule        string              `json:"rule"`
	Title       string              `json:"title"`
	Severity    string              `json:"severity"`
	Status      string              `json:"status"` // open, acknowledged, closed, merged, withdrawn
	Staged      bool                `json:"staged"`
	Late        bool                `json:"late"`
	By          map[string]string   `json:"by"`
	First       time.Time           `json:"first"`
	Last        time.Time           `json:"last"`
	Count       int64               `json:"count"`
	Values      map[string][]string `json:"values"`
	Records     []string            `json:"records"` // Ids of the records that made it, in event-time order, at most 1,000
	Attack      []string            `json:"attack"`
	Approximate bool                `json:"approximate"`
	Final       bool                `json:"final"`
	Revision    int                 `json:"revision"`
	Reason      string              `json:"reason"`
	Note        string              `json:"note,omitempty"` // what this revision changed, in numbers
	Into        string              `json:"into,omitempty"` // id of the alert that it was merged into or moved to
	From        string              `json:"from,omitempty"` // id of the alert that moved here
	Respond     string              `json:"respond,omitempty"`
}

// New is the JSON form of a.
func New(a *engine.Alert) Alert {
	r := Alert{
		ID: a.ID, Rule: a.Rule, Title: a.Title, Severity: a.Severity.String(), Status: a.Status.String(),
		Staged: a.Staged, Late: a.Late, By: map[string]string{}, First: UTC(a.First), Last: UTC(a.Last),
		Count: a.Count, Values: map[string][]string{}, Records: a.Records, Attack: a.Attack,
		Approximate: a.Approximate, Final: a.Final, Revision: a.Revision, Reason: a.Reason.String(),
		Note: a.Note, Into: a.Into, From: a.From, Respond: a.Respond,
	}
	for _, p := range Entity(a.By, a.Key) {
		r.By[p.Name] = p.Value
	}
	for _, v := range a.Values {
		r.Values[v.Name] = v.Values
	}
	if r.Records == nil {
		r.Records = []string{}
	}
	if r.Attack == nil {
		r.Attack = []string{}
	}
	return r
}

// The first and the last time that RFC 3339 can write, microseconds.
const (
	firstTime = -62167219200_000_000
	lastTime  = 253402300799_999_999
)

// UTC is a time in microseconds as JSON shows it: a year has four digits there, and what is beyond is shown as the nearest.
func UTC(us int64) time.Time { return time.UnixMicro(min(max(us, firstTime), lastTime)).UTC() }

// Part is one part of the entity that an alert is about.
type Part struct{ Name, Value string }

// Entity pairs the names of a key's parts with their values, in the rule's order.
func Entity(names []string, key string) []Part {
	var list []Part
	for i, value := range hit.DecodeKey(key) {
		if i < len(names) {
			list = append(list, Part{names[i], value})
		}
	}
	return list
}
