package simulate

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"detect/internal/record"
)

// This file holds ten rules in their plainest form over a whole log in memory. They say that the truth is true: every
// attack can be found in the records that it left, and nothing else looks like one.

// fact is what the plain rules need of a record.
type fact struct {
	at                            int64
	id, op, user, ip, object, app string
	place                         *network
	system                        bool
}

// naive collects alerts: one for each record, or for each run of records with pauses of less than quiet.
type naive struct{ alerts []Alert }

func (n *naive) alert(rule string, by map[string]string, events ...fact) {
	a := Alert{Rule: rule, By: by, First: time.UnixMicro(events[0].at), Last: time.UnixMicro(events[len(events)-1].at)}
	for _, e := range events {
		a.Records = append(a.Records, e.id)
	}
	n.alerts = append(n.alerts, a)
}

var (
	hidingFolders = []string{"rss feeds", "rss subscriptions", "archive", "junk email", "conversation history", "deleted items"}
	baitWords     = []string{"invoice", "payment", "wire", "bank", "security", "phish", "password"}
	privileged    = []string{"62e90394-69f5-4237-9190-012177145e10", "29232cdf-9323-42fd-ade2-1d097af3e4de", "e8611ab8-c189-46e8-94e1-60213ab1f814"}
)

// single applies the rules over one record.
func (n *naive) single(r *record.Record, f fact, domains []string) {
	by := map[string]string{"user": f.user}
	if f.system {
		return
	}
	outside := func(address string) bool {
		_, d, ok := strings.Cut(address, "@")
		return ok && !slices.ContainsFunc(domains, func(own string) bool { return d == own || strings.HasSuffix(d, "."+own) })
	}
	if slices.ContainsFunc(r.Forwards(), outside) && f.op != "New-TransportRule" {
		n.alert("exchange-external-forwarding", by, f)
	}
	rule := r.Rule()
	if rule.Added && (rule.Deletes || slices.Contains(hidingFolders, strings.ToLower(rule.Folder))) {
		bait := slices.ContainsFunc(rule.Words, func(w string) bool {
			return slices.ContainsFunc(baitWords, func(b string) bool { return strings.Contains(strings.ToLower(w), b) })
		})
		if bait || len(strings.Trim(rule.Name, " .")) == 0 || len(rule.From) == 1 || rule.CatchAll {
			n.alert("exchange-hiding-inbox-rule", by, f)
		}
	}
	rights := strings.ToLower(r.Param("AccessRights"))
	switch f.op {
	case "Add-MailboxPermission", "Add-RecipientPermission":
		if rights == "fullaccess" || rights == "sendas" {
			n.alert("exchange-mailbox-permission", by, f)
		}
	case "Set-Mailbox":
		if r.Param("GrantSendOnBehalfTo") != "" {
			n.alert("exchange-mailbox-permission", by, f)
		}
	case "AnonymousLinkCreated":
		n.alert("sharepoint-anonymous-link", by, f)
	case "Add member to role.":
		if slices.Contains(privileged, strings.Trim(r.Modified("Role.TemplateId").New, `"`)) {
			n.alert("entra-privileged-role", by, f)
		}
	}
	if logon := r.Int(record.FLogonType); logon == 1 || logon == 2 || logon == 6 {
		if !strings.EqualFold(r.Owner(), f.user) {
			by["mailbox"] = r.Owner()
			n.alert("exchange-non-owner-access", by, f)
		}
	}
}

// burst alerts where n different values fall within ten minutes of events of one key.
func (n *naive) burst(rule, entity string, want int, all []fact, key, value func(fact) string) {
	keys := map[string][]fact{}
	for _, f := range all {
		keys[key(f)] = append(keys[key(f)], f)
	}
	for k, events := range keys {
		var marks []fact
		for i, e := range events {
			different := map[string]bool{}
			for j := i; j >= 0 && e.at-events[j].at < (10*time.Minute).Microseconds(); j-- {
				different[value(events[j])] = true
			}
			if len(different) >= want {
				marks = append(marks, e)
			}
		}
		if len(marks) > 0 {
			n.alert(rule, map[string]string{entity: k}, marks...)
		}
	}
}

func (n *naive) travel(all []fact) {
	last := map[string]fact{}
	for _, f := range all {
		p, ok := last[f.user]
		last[f.user] = f
		if !ok || p.ip == f.ip || f.at-p.at >= (24*time.Hour).Microseconds() {
			continue
		}
		km := kilometres(cities[p.place.city], cities[f.place.city]) - p.place.radius - f.place.radius
		if km > 500 && km/(float64(f.at-p.at+1e6)/3.6e9) > 900 {
			n.alert("entra-impossible-travel", map[string]string{"user": f.user}, f)
		}
	}
}

// plainAlerts is what the ten rules find in lines.
func plainAlerts(t *testing.T, lines [][]byte, domains []string) []Alert {
	t.Helper()
	var n naive
	var signIns, wrong, downloads []fact
	var r record.Record
	for _, line := range lines {
		if err := r.Parse(line); err != nil {
			t.Fatal(err)
		}
		at, _ := r.Time()
		f := fact{at: at, id: r.Text(record.FId), op: r.Text(record.FOperation), user: r.User(), object: r.Text(record.FObjectId), app: r.App(), system: r.System()}
		if a := r.IP(); a.IsValid() {
			f.ip, f.place = a.String(), lookup(a)
		}
		n.single(&r, f, domains)
		switch {
		case f.op == "UserLoggedIn" && f.place.city != nowhere:
			signIns = append(signIns, f)
		case f.op == "UserLoginFailed" && r.Text(record.FErrorNumber) == "50126":
			wrong = append(wrong, f)
		case strings.HasPrefix(f.op, "FileDownloaded") || strings.HasPrefix(f.op, "FileSyncDownloaded") && f.app != appSync.id:
			downloads = append(downloads, f)
		}
	}
	for _, s := range [][]fact{signIns, wrong, downloads} {
		slices.SortStableFunc(s, func(a, b fact) int { return int(a.at - b.at) })
	}
	user, ip := func(f fact) string { return f.user }, func(f fact) string { return f.ip }
	n.travel(signIns)
	n.burst("entra-password-spray", "ip", 10, wrong, ip, user)
	n.burst("entra-brute-force", "user", 10, wrong, user, func(f fact) string { return f.id })
	n.burst("sharepoint-mass-download", "user", 50, downloads, user, func(f fact) string { return f.object })
	return n.alerts
}

var tenRules = []string{
	"exchange-external-forwarding", "exchange-hiding-inbox-rule", "exchange-non-owner-access", "exchange-mailbox-permission", "sharepoint-mass-download",
	"sharepoint-anonymous-link", "entra-impossible-travel", "entra-brute-force", "entra-password-spray", "entra-privileged-role",
}

// TestTruthIsTrue plays many tenants; DETECT_CHECKS raises their number.
func TestTruthIsTrue(t *testing.T) {
	n, _ := strconv.Atoi(os.Getenv("DETECT_CHECKS"))
	configs := []Config{SampleConfig(), everything()}
	for seed := range uint64(max(6, n)) {
		d := newDice(seed, 99)
		configs = append(configs, Config{Seed: seed, Users: 50 + d.n(400), Records: 8000 + d.n(20_000), Duration: time.Duration(3+d.n(30)) * 24 * time.Hour,
			Attacks: [][]string{nil, {"all"}, {"all", "all"}, {"password-spray", "mass-download", "mass-download", "brute-force"}}[d.n(4)]})
	}
	for _, cfg := range configs {
		t.Run(fmt.Sprintf("seed %d, %d users, %v", cfg.Seed, cfg.Users, cfg.Attacks), func(t *testing.T) {
			lines, truth := generate(t, cfg)
			alerts := plainAlerts(t, lines, truth.Domains)
			t.Logf("%d records, %d alerts, %d expectations", truth.Records, len(alerts), len(truth.Expected))
			missing, wrong := truth.Check(tenRules, alerts)
			for _, e := range missing {
				t.Errorf("not found: %+v", e)
			}
			for _, i := range wrong {
				t.Errorf("not explained: %+v", alerts[i])
			}
		})
	}
}
