package record

import (
	"strings"
)

// Mailbox is the mailbox acted on, lower case: an address where the record gives one, else an alias; "" if none is.
//
// Mailbox auditing names it in MailboxOwnerUPN. Of cmdlets it is the parameter Mailbox, else Identity, else ObjectId, each
// possibly a path. An alias that is the local part of the actor's own address is the actor's mailbox.
func (r *Record) Mailbox() string {
	if s := strings.TrimSpace(r.Text(FMailboxOwnerUPN)); s != "" {
		return r.intern(strings.ToLower(s))
	}
	op := r.OperationKey()
	verb, noun, isCmdlet := strings.Cut(op, "-")
	if !isCmdlet || verb == "" || !mailboxNoun(noun) {
		return ""
	}
	isRule := noun == "inboxrule" || noun == "sweeprule"
	cut := mailboxOfPath
	if isRule {
		cut = mailboxOfRule
	}
	named := [...]string{mailboxName(r.Param("Mailbox")), mailboxName(cut(r.Param("Identity"), noun)),
		mailboxName(cut(r.Text(FObjectId), noun))}
	best := ""
	for _, s := range named {
		if rankMailbox(s) > rankMailbox(best) {
			best = s
		}
	}
	user := r.User()
	if local, _, isAddress := strings.Cut(user, "@"); isAddress {
		if best == local || best == "" && isRule {
			return user
		}
	}
	return r.intern(best)
}

// rankMailbox prefers addresses to aliases and aliases to GUIDs.
func rankMailbox(s string) int {
	switch {
	case IsAddress(s):
		return 3
	case isGUID(s):
		return 1
	case s != "":
		return 2
	}
	return 0
}

// mailboxNoun says whether a cmdlet of that noun, lower case, acts on one mailbox.
func mailboxNoun(noun string) bool {
	switch noun {
	case "inboxrule", "sweeprule", "recipientpermission", "casmailbox", "mailuser", "remotemailbox", "calendarprocessing":
		return true
	}
	return strings.HasPrefix(noun, "mailbox") && noun != "mailboxplan" && noun != "mailboxdatabase" || noun == "groupmailbox" ||
		noun == "unifiedgroup"
}

// mailboxOfRule is the mailbox in a rule's identity, mailbox\rule; a rule's bare name holds none.
func mailboxOfRule(s, _ string) string {
	mailbox, _, ok := strings.Cut(s, `\`)
	if !ok {
		return ""
	}
	return mailbox
}

// mailboxOfPath takes off what a cmdlet's identity adds to the mailbox: \rule, :\folder.
func mailboxOfPath(s, noun string) string {
	if noun == "mailboxfolderpermission" || noun == "mailboxfolder" {
		s, _, _ = strings.Cut(s, ":")
	}
	s, _, _ = strings.Cut(s, `\`)
	return s
}

// mailboxName is the mailbox that a path names in its last part, lower case: EURPR04A009.PROD.OUTLOOK.COM/Microsoft Exchange
// Hosted Organizations/tenant.onmicrosoft.com/ann, or CN=ann,OU=...
func mailboxName(s string) string {
	s = strings.TrimSpace(s)
	if isPath(s) {
		s = strings.ToLower(s)
		if i := strings.LastIndex(s, "/cn="); i >= 0 {
			return s[i+4:]
		}
		first, _, _ := strings.Cut(strings.TrimPrefix(s, "cn="), ",")
		return first
	}
	s = s[strings.LastIndexByte(s, '/')+1:]
	return strings.ToLower(trimScheme(strings.TrimSpace(s)))
}

// Owner is the owner of the mailbox acted on, lower case.
func (r *Record) Owner() string { return r.Mailbox() }

// grantees are the parameters that name who is given something, by the cmdlet's noun.
var grantees = map[string][]string{
	"mailboxpermission": {"User"}, "recipientpermission": {"Trustee"}, "mailboxfolderpermission": {"User"},
	"rolegroupmember": {"Member"}, "managementroleassignment": {"User", "SecurityGroup", "App", "Policy"},
	"ediscoverycaseadmin": {"User"}, "distributiongroupmember": {"Member"}, "unifiedgrouplinks": {"Links"},
	"rolegroup": {"Members"}, "compliancecasemember": {"Member"},
}

// Target is who or what is acted on: of sharing the one shared with, of grants the one who is given something, of Entra the
// object (its user name where it has one), of sign-ins the application signed in to, of Teams the member, of mailboxes the
// mailbox, else ObjectId. Addresses come in lower case.
func (r *Record) Target() string {
	if t := strings.TrimSpace(r.Text(FTargetUserOrGroupName)); t != "" {
		return r.comparableName(t)
	}
	if _, noun, ok := strings.Cut(r.OperationKey(), "-"); ok {
		for _, name := range grantees[noun] {
			if t := strings.TrimSpace(r.Param(name)); t != "" {
				return r.comparableName(t)
			}
		}
	}
	if t := r.entraTarget(); t != "" {
		return r.comparableName(t)
	}
	if r.Has(FMembers) {
		for _, m := range r.Objects(FMembers) {
			if upn := m.Text("UPN"); upn != "" {
				return r.comparableName(upn)
			}
		}
	}
	if m := r.Mailbox(); m != "" {
		return m
	}
	return r.comparableName(strings.TrimSpace(r.Text(FObjectId)))
}

// comparableName is a name for comparison: an address in lower case, anything else as it is.
func (r *Record) comparableName(s string) string {
	if IsAddress(s) || strings.Contains(s, "#EXT#") {
		s = strings.ToLower(s)
	}
	return r.intern(s)
}

// Kinds of identity in the lists Actor and Target of Entra's records, as they are on the wire.
const (
	identityName = 1
	identityUPN  = 5
)

// entraTarget is the object of one of Entra's records: its user name, else ObjectId, else its display name, else the first
// that there is.
func (r *Record) entraTarget() string {
	if !r.Has(FTarget) {
		return ""
	}
	var first, display string
	for _, t := range r.Objects(FTarget) {
		id := strings.TrimSpace(t.Text("ID"))
		if id == "" {
			continue
		}
		switch kind := t.Int("Type"); {
		case kind == identityUPN && IsAddress(id):
			return id
		case kind == identityName && display == "":
			display = id
		}
		if first == "" {
			first = id
		}
	}
	if id := strings.TrimSpace(r.Text(FObjectId)); id != "" && id != "Not Available" {
		return id
	}
	if display != "" {
		return display
	}
	return first
}
