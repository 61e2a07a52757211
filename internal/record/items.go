package record

import (
	"strings"
)

// Items is how many mails or files the record stands for, at least 1: mailbox auditing puts many into one record.
func (r *Record) Items() int64 {
	n := max(1, r.Int(FOperationCount))
	if r.Has(FFolders) {
		folders := int64(0)
		for _, f := range r.Objects(FFolders) {
			folders += int64(len(f.Objects("FolderItems")))
		}
		n = max(n, folders)
	}
	if r.Has(FAffectedItems) {
		n = max(n, int64(len(r.Objects(FAffectedItems))))
	}
	return n
}

// Subjects are the subjects of the mails touched, each once.
func (r *Record) Subjects() []string {
	var all []string
	all = appendRecipient(all, r.Text(FSubject))
	if r.Has(FItem) {
		all = appendRecipient(all, r.Object(FItem).Text("Subject"))
	}
	if r.Has(FAffectedItems) {
		for _, o := range r.Objects(FAffectedItems) {
			all = appendRecipient(all, o.Text("Subject"))
		}
	}
	if r.Has(FFolders) {
		for _, f := range r.Objects(FFolders) {
			for _, o := range f.Objects("FolderItems") {
				all = appendRecipient(all, o.Text("Subject"))
			}
		}
	}
	if r.Has(FExchangeMetaData) {
		all = appendRecipient(all, r.Object(FExchangeMetaData).Text("Subject"))
	}
	return distinct(all)
}

// Recipients are whom a mail went to, each once, addresses in lower case.
func (r *Record) Recipients() []string {
	var all []string
	for _, f := range [...]Field{FRecipientList, FRecipients, FRecipient} {
		all = recipientsIn(all, r.Value(f), 0)
	}
	if r.Has(FItem) {
		all = recipientsIn(all, r.Object(FItem).Value("Recipients"), 0)
	}
	if r.Has(FExchangeMetaData) {
		o := r.Object(FExchangeMetaData)
		for _, name := range [...]string{"To", "CC", "BCC"} {
			all = recipientsIn(all, o.Value(name), 0)
		}
	}
	return distinct(all)
}

// Failed says whether the activity failed. Of sign-ins the Operation decides, since their ResultStatus lies. A failed call
// to Entra may tell so only by a property named MethodExecutionResult with a period.
func (r *Record) Failed() bool {
	switch r.OperationKey() {
	case "userloginfailed":
		return true
	case "userloggedin":
		return false
	}
	var room [32]byte
	switch status := string(appendFolded(room[:0], []byte(r.Text(FResultStatus)))); status {
	case "failed", "failure", "fail", "false", "error", "faulted", "denied", "unsuccessful", "notsucceeded":
		return true
	}
	return r.Has(FModifiedProperties) && r.Modified("MethodExecutionResult.").Name != ""
}

// Scopes are the permissions that a consent, a permission grant or a role assignment gives, each once.
func (r *Record) Scopes() []string {
	var all []string
	for _, m := range r.Modifications() {
		switch strings.ToLower(m.Name) {
		case "consentaction.permissions":
			all = append(all, consentScopes(m.New)...)
		case "delegatedpermissiongrant.scope", "oauth2permissiongrant.scope":
			all = append(all, without(strings.Fields(m.New), strings.Fields(m.Old))...)
		case "approle.value", "approleassignment.value":
			all = append(all, without(m.News, m.Olds)...)
		}
	}
	return distinct(all)
}

// consentScopes reads ConsentAction.Permissions: [] => [[Id: ..., ConsentType: Principal, Scope: User.Read Mail.Read,
// CreatedDateTime: ...]];. Only grants that are not before the arrow count.
func consentScopes(s string) []string {
	before, after, ok := strings.Cut(s, "=>")
	if !ok {
		before, after = "", s
	}
	known := map[string]bool{}
	for _, g := range consentGrants(before) {
		known[g] = true
	}
	var all []string
	for _, g := range consentGrants(after) {
		if known[g] {
			continue
		}
		if _, rest, ok := cutFold(g, "scope:"); ok {
			scopes, _, _ := strings.Cut(rest, ",")
			all = append(all, strings.Fields(scopes)...)
		}
	}
	return all
}

// consentGrants cuts a list of grants at its brackets.
func consentGrants(s string) []string {
	return strings.FieldsFunc(s, func(c rune) bool { return c == '[' || c == ']' || c == ';' })
}

// cutFold is strings.Cut at an ASCII separator in lower case, without regard to case.
func cutFold(s, sep string) (before, after string, found bool) {
	for i := 0; i+len(sep) <= len(s); i++ {
		if strings.EqualFold(s[i:i+len(sep)], sep) {
			return s[:i], s[i+len(sep):], true
		}
	}
	return s, "", false
}
