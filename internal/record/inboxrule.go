package record

import (
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// InboxRule is an inbox rule as the record sets it, whatever its encoding. The zero value is no rule.
type InboxRule struct {
	Name       string
	Added      bool     // made, changed or enabled, with success; false for removed ones and what Outlook's resynchronisation writes
	CatchAll   bool     // made, with success, without any condition: it applies to all mail
	Conditions int      // how many conditions the record names
	Forwards   []string // as Record.Forwards
	Words      []string // that subject, body or header must contain
	From       []string // senders, or words of their addresses, that it applies to
	Folder     string   // where it moves mail, without the mailbox before it
	Deletes    bool
	Stops      bool // no further rules are applied
	MarksRead  bool
}

// Rule is the inbox rule that the record is about: of the cmdlets on inbox rules, whose parameters tell what was set, and of
// UpdateInboxRules in both its forms. Its lists must not be changed.
func (r *Record) Rule() InboxRule { return r.rule.get(r, (*Record).findRule) }

func (r *Record) findRule() InboxRule {
	op := r.OperationKey()
	if op == "updateinboxrules" {
		return r.updatedRule()
	}
	verb, isRule := strings.CutSuffix(op, "-inboxrule")
	if !isRule {
		return InboxRule{}
	}
	rule := InboxRule{Name: r.ruleName()}
	switch verb {
	case "new", "set", "enable":
	default:
		return rule
	}
	rule.Added = !r.Failed()
	rule.Forwards = r.Forwards()
	rule.Words = r.paramLists("SubjectContainsWords", "BodyContainsWords", "SubjectOrBodyContainsWords", "HeaderContainsWords")
	rule.From = r.senders()
	rule.Folder = folderName(r.Param("MoveToFolder"))
	rule.Deletes = isOn(r.Param("DeleteMessage")) || isOn(r.Param("SoftDeleteMessage")) || isOn(r.Param("PermanentDelete"))
	rule.Stops = isOn(r.Param("StopProcessingRules"))
	rule.MarksRead = isOn(r.Param("MarkAsRead"))
	for _, p := range r.pairs(namedParameters) {
		if name := strings.ToLower(string(p.name)); isCondition(name) && !isUnset(p.value()) && !takesAll(name, p.value()) {
			rule.Conditions++
		}
	}
	rule.CatchAll = verb == "new" && rule.Added && rule.Conditions == 0
	return rule
}

// ruleName is the rule's name: the parameter Name, which is left empty where the name is a dot or a blank; else what
// follows the mailbox in ObjectId, where such a name survives; else what Identity names.
func (r *Record) ruleName() string {
	if name := r.Param("Name"); name != "" {
		return name
	}
	if _, name, ok := strings.Cut(r.Text(FObjectId), `\`); ok && name != "" {
		return name
	}
	identity := r.Param("Identity")
	if _, name, ok := strings.Cut(identity, `\`); ok && name != "" {
		return name
	}
	return identity
}

// paramLists are the elements of several parameters together, each once.
func (r *Record) paramLists(names ...string) []string {
	var all []string
	for _, name := range names {
		for _, s := range r.Params(name) {
			all = appendRecipient(all, s)
		}
	}
	return distinct(all)
}

// senders are whom a rule applies to, whether named as recipients or by words of their addresses.
func (r *Record) senders() []string {
	var all []string
	for _, s := range r.Params("From") {
		all = appendRecipients(all, s)
	}
	for _, s := range r.Params("FromAddressContainsWords") {
		all = appendRecipient(all, s)
	}
	return distinct(all)
}

// folderName takes the mailbox off a folder as cmdlets write it: mailbox:\RSS Feeds. Letters with accents come as one
// character each (NFC), so that names compare.
func folderName(s string) string {
	if _, name, ok := strings.Cut(s, `:\`); ok {
		s = name
	}
	return norm.NFC.String(strings.TrimSpace(strings.TrimPrefix(s, `\`)))
}

// ruleConditions are the parameters, in lower case, that limit what an inbox rule applies to, beside those that end in
// containswords.
var ruleConditions = map[string]bool{
	"from": true, "sentto": true, "fromsubscription": true, "mynameintobox": true, "mynameinccbox": true,
	"mynameintoorccbox": true, "mynamenotintobox": true, "senttome": true, "sentonlytome": true, "hasattachment": true,
	"hasclassification": true, "flaggedforaction": true, "messagetypematches": true, "receivedafterdate": true,
	"receivedbeforedate": true, "withimportance": true, "withsensitivity": true, "withinsizerangeminimum": true,
	"withinsizerangemaximum": true,
}

// isCondition says whether a parameter, in lower case, is a condition; exceptions (ExceptIf...) are none.
func isCondition(name string) bool {
	return ruleConditions[name] || strings.HasSuffix(name, "containswords") && !strings.HasPrefix(name, "exceptif")
}

// takesAll says whether a condition, in lower case, is one that all mail fulfils: a least size below that of any mail, or
// words that are nothing but blanks, NULs and separators.
func takesAll(name, value string) bool {
	if name == "withinsizerangeminimum" {
		number, _, _ := strings.Cut(strings.TrimSpace(value), " ")
		if number = strings.TrimSuffix(strings.ToUpper(number), "B"); number == "" {
			return false
		}
		n, err := strconv.ParseInt(number, 10, 64)
		unit := strings.ToUpper(value)
		return err == nil && n < 1024 && (n == 0 || !containsAny(unit, "KB", "MB", "GB", "TB"))
	}
	return strings.HasSuffix(name, "containswords") && strings.Trim(value, " \t\r\n\x00\u00a0;") == ""
}

// isUnset says whether a parameter's value leaves a condition out.
func isUnset(value string) bool {
	switch strings.ToLower(strings.TrimSpace(value)) {
	case "", "false", "$false", "$null", "{}", "[]":
		return true
	}
	return false
}

// updatedRule reads UpdateInboxRules, which Outlook and programs write through MAPI and EWS.
func (r *Record) updatedRule() InboxRule {
	rule := InboxRule{Name: r.Property("RuleName")}
	if rule.Name == "" {
		rule.Name = r.Property("Name")
	}
	made, synced := false, false
	switch strings.ToLower(strings.TrimSpace(r.Property("RuleOperation"))) {
	case "addmailboxrule", "create", "add", "new":
		made = true
	case "modifymailboxrule":
		// Outlook writes these in bursts of hundreds when it synchronises; only AddMailboxRule tells that somebody made a rule.
		synced = true
	case "removemailboxrule", "delete", "remove", "disable":
		return rule
	}
	actions := 0
	for _, name := range [...]string{"RuleActions", "Actions"} {
		if p, ok := r.find(namedOperation, name); ok {
			actions += rule.addActions(p)
		}
	}
	if strings.Contains(strings.ToLower(r.Property("RuleState")), "exitafterexecution") {
		rule.Stops = true
	}
	rule.addClauses(r.Property("RuleCondition"))
	if p, ok := r.find(namedOperation, "Conditions"); ok && p.raw != nil {
		rule.addConditions(p.raw, 0)
	}
	rule.Forwards, rule.Words, rule.From = distinct(rule.Forwards), distinct(rule.Words), distinct(rule.From)
	rule.Added = (made || actions > 0) && !synced && !r.Failed()
	rule.CatchAll = made && rule.Added && rule.Conditions == 0
	return rule
}

// addActions reads the actions, a JSON list, and returns how many it holds.
func (rule *InboxRule) addActions(p pair) int {
	raw := p.raw
	if inner := jsonInText(raw); inner != nil {
		raw = inner
	}
	elements := Elements(raw)
	if KindOf(raw) == '{' { // one action that stands without a list around it
		elements = func(yield func([]byte) bool) { yield(raw) }
	}
	n := 0
	for e := range elements {
		n++
		o := ObjectOf(e)
		kind := actionKind(e)
		switch {
		case containsAny(kind, "forward", "redirect", "delegate"):
			found := recipientsIn(nil, o.foldValue("Recipients"), 0)
			if len(found) == 0 {
				found = addressesIn(nil, e, 0)
			}
			for _, s := range found {
				rule.Forwards = appendRecipient(rule.Forwards, s)
			}
		case strings.Contains(kind, "delete"):
			rule.Deletes = true
		case strings.Contains(kind, "move"):
			rule.Folder = moveFolder(o)
		case strings.Contains(kind, "read"):
			rule.MarksRead = true
		case strings.Contains(kind, "stop"):
			rule.Stops = true
		}
	}
	return n
}

// actionKind is what an action says that it does, in lower case: ActionType, or the name of its class, or the text itself.
func actionKind(e []byte) string {
	if KindOf(e) == '"' {
		return strings.ToLower(TextOf(e))
	}
	for _, name := range [...]string{"ActionType", "Action", "Type", "Name", "@odata.type", "__type", "$type"} {
		if v := ObjectOf(e).foldValue(name); KindOf(v) == '"' {
			return strings.ToLower(TextOf(v))
		}
	}
	return ""
}

func containsAny(s string, parts ...string) bool {
	return slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(s, p) })
}

// moveFolder names the folder of a move by the best that the action tells.
func moveFolder(o Object) string {
	for _, name := range [...]string{"DestinationFolderName", "DestinationFolderPath", "FolderName", "FolderPath",
		"DestinationFolder", "Folder", "DestinationFolderId", "FolderId"} {
		v := o.foldValue(name)
		if inner := ObjectOf(v); inner.raw != nil {
			for _, part := range [...]string{"DisplayName", "Name", "Path", "Id"} {
				if t := TextOf(inner.foldValue(part)); t != "" {
					return folderName(t)
				}
			}
		} else if t := TextOf(v); t != "" {
			return folderName(t)
		}
	}
	return ""
}

// addressesIn collects the mail addresses of an action whose recipients stand in a shape that is not known.
func addressesIn(all []string, raw []byte, depth int) []string {
	switch KindOf(raw) {
	case '{', '[':
		if depth > 8 {
			return all
		}
		for v := range values(raw) {
			all = addressesIn(all, v, depth+1)
		}
	case '"':
		for _, s := range SplitRecipients(TextOf(raw)) {
			if IsAddress(s) {
				all = appendRecipient(all, s)
			}
		}
	}
	return all
}
