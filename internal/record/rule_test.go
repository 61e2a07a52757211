package record

import (
	"reflect"
	"testing"
)

// cmdlet is a record of an Exchange cmdlet.
func cmdlet(op, object string, params ...string) m {
	list := []m{}
	for i := 0; i+1 < len(params); i += 2 {
		list = append(list, m{"Name": params[i], "Value": params[i+1]})
	}
	return m{"RecordType": 1, "Operation": op, "ObjectId": object, "UserId": "Ann@contoso.example", "ResultStatus": "True", "Parameters": list}
}

// update is a record of UpdateInboxRules.
func update(props ...string) m {
	r := cmdlet("UpdateInboxRules", "", props...)
	r["OperationProperties"], r["RecordType"], r["ResultStatus"] = r["Parameters"], 2, "Succeeded"
	delete(r, "Parameters")
	return r
}

func TestForwards(t *testing.T) {
	for _, c := range []struct {
		name string
		r    m
		want []string
	}{
		{"inbox rule, several", cmdlet("New-InboxRule", `ann\.`, "ForwardTo", "boss@contoso.example;smtp:Drop@Evil.example", "RedirectTo", "drop@evil.example"),
			[]string{"boss@contoso.example", "drop@evil.example"}},
		{"display form", cmdlet("set-inboxrule", "", "ForwardAsAttachmentTo", `"Drop; Dead" [SMTP:Drop@Evil.example]; "X" [EX:/o=ExchangeLabs/cn=Recipients/cn=ab-ann]`),
			[]string{"drop@evil.example", "EX:/o=ExchangeLabs/cn=Recipients/cn=ab-ann"}},
		{"angle brackets", cmdlet("New-InboxRule", "", "RedirectTo", `Doe, John <j@evil.example>, k@evil.example`), []string{"Doe", "j@evil.example", "k@evil.example"}},
		{"a comma in a display name", cmdlet("New-InboxRule", "", "RedirectTo", `Doe, John <j@evil.example>`), []string{"j@evil.example"}},
		{"a name before an address", cmdlet("New-InboxRule", "", "RedirectTo", `x, drop@evil.example`), []string{"x", "drop@evil.example"}},
		{"commas between addresses", cmdlet("New-InboxRule", "", "RedirectTo", `a@x.example,b@y.example`), []string{"a@x.example", "b@y.example"}},
		{"a comma in a name", cmdlet("New-InboxRule", "", "RedirectTo", `Doe, John`), []string{"Doe, John"}},
		{"a comma in a path", cmdlet("New-InboxRule", "", "RedirectTo", `CN=ann,OU=contoso,DC=x`), []string{"CN=ann,OU=contoso,DC=x"}},
		{"an odd quote hides nothing", cmdlet("New-InboxRule", "", "ForwardTo", `"x;drop@evil.example`), []string{`"x`, "drop@evil.example"}},
		{"quoted address", cmdlet("New-InboxRule", "", "ForwardTo", `'drop@evil.example'`), []string{"drop@evil.example"}},
		{"mailbox", cmdlet("Set-Mailbox", "ann", "ForwardingSmtpAddress", "smtp:Drop@Evil.example", "DeliverToMailboxAndForward", "False"), []string{"drop@evil.example"}},
		{"mailbox, cleared", cmdlet("Set-Mailbox", "ann", "ForwardingSmtpAddress", "", "DeliverToMailboxAndForward", "False"), nil},
		{"mailbox, cleared by $null", cmdlet("Set-Mailbox", "ann", "ForwardingAddress", "$null"), nil},
		{"mailbox, both", cmdlet("Set-Mailbox", "ann", "ForwardingSmtpAddress", "smtp:a@evil.example", "ForwardingAddress", "Contact 1"), []string{"Contact 1", "a@evil.example"}},
		{"contact", cmdlet("New-MailContact", "", "ExternalEmailAddress", "SMTP:a@evil.example"), []string{"a@evil.example"}},
		{"transport rule", cmdlet("New-TransportRule", "", "BlindCopyTo", "a@evil.example", "RedirectMessageTo", "b@evil.example", "CopyTo", "c@x.example", "AddToRecipients", "d@x.example"),
			[]string{"a@evil.example", "c@x.example", "b@evil.example", "d@x.example"}},
		{"journal rule", cmdlet("New-JournalRule", "", "JournalEmailAddress", "j@evil.example"), []string{"j@evil.example"}},
		{"removed", cmdlet("Remove-InboxRule", `ann\.`, "ForwardTo", "a@evil.example"), nil},
		{"disabled", cmdlet("Disable-InboxRule", `ann\.`, "ForwardTo", "a@evil.example"), nil},
		{"a name that holds an address", cmdlet("New-InboxRule", "", "Name", "a@evil.example"), nil},
		{"another cmdlet", cmdlet("Set-CASMailbox", "", "ForwardTo", "a@evil.example"), nil},
		{"form A", update("RuleOperation", "AddMailboxRule", "RuleActions", `[{"ActionType":"Forward","Recipients":["Drop@Evil.example"]},{"ActionType":"Move"}]`), []string{"drop@evil.example"}},
		{"form A, redirect by path", update("RuleOperation", "AddMailboxRule", "RuleActions", `[{"ActionType":"Redirect","Recipients":[{"LegacyExchangeDN":"EX:/o=x/cn=y"}]}]`), []string{"EX:/o=x/cn=y"}},
		{"form A, recipients elsewhere", update("RuleOperation", "AddMailboxRule", "RuleActions", `[{"ActionType":"Forward","To":{"Deep":["x <a@evil.example>","nobody"]}}]`), []string{"a@evil.example"}},
		{"form A, removed", update("RuleOperation", "RemoveMailboxRule", "RuleActions", `[{"ActionType":"Forward","Recipients":["a@evil.example"]}]`), nil},
		{"form B", update("RuleOperation", "Create", "Actions", `[{"$type":"ForwardToRecipientsAction","Recipients":[{"Values":[{"Name":"Smtp","Value":"a@evil.example"}]},{"Values":[{"Value":"EX:/o=x/cn=y"}]}]}]`),
			[]string{"a@evil.example", "EX:/o=x/cn=y"}},
		{"form B, no forward", update("RuleOperation", "Create", "Actions", `[{"ActionType":"MoveToFolderAction","Recipients":["a@evil.example"]}]`), nil},
	} {
		if got := from(t, c.r).Forwards(); !reflect.DeepEqual(got, c.want) && len(got)+len(c.want) > 0 {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	list := cmdlet("New-InboxRule", "")
	list["Parameters"] = m{"ForwardTo": []string{"a@evil.example", "B <b@evil.example>"}}
	if got := from(t, list).Forwards(); !reflect.DeepEqual(got, []string{"a@evil.example", "b@evil.example"}) {
		t.Errorf("a list: %q", got)
	}
}

// TestNoAddressHides holds that odd but valid ways to write an address, and lists that no cmdlet writes, show every address.
func TestNoAddressHides(t *testing.T) {
	for in, want := range map[string][]string{
		`"x"@Evil.example`:                                                           {`"x"@evil.example`},
		`"a b"@evil.example`:                                                         {`"a b"@evil.example`},
		`"a@contoso.example"@evil.example`:                                           {`"a@contoso.example"@evil.example`},
		`"a;b"@evil.example; boss@contoso.example`:                                   {`"a;b"@evil.example`, "boss@contoso.example"},
		`"a,b"@evil.example,boss@contoso.example`:                                    {`"a,b"@evil.example`, "boss@contoso.example"},
		`"a [SMTP:boss@contoso.example]"@evil.example`:                               {`"a [smtp:boss@contoso.example]"@evil.example`},
		`"a\";b"@evil.example`:                                                       {`"a\"`, "b@evil.example"},
		`"boss@contoso.example;drop@evil.example"`:                                   {"boss@contoso.example", "drop@evil.example"},
		`x@[203.0.113.9]`:                                                            {"x@[203.0.113.9]"},
		`"Drop" [SMTP:x@[203.0.113.9]]`:                                              {"x@[203.0.113.9]"},
		`Drop <x@[203.0.113.9]>`:                                                     {"x@[203.0.113.9]"},
		`drop@evil.example (Ann)`:                                                    {"drop@evil.example"},
		`(Ann (HR)) drop@evil.example`:                                               {"drop@evil.example"},
		`SIP:Drop@evil.example`:                                                      {"drop@evil.example"},
		"boss@contoso.example\r\ndrop@evil.example":                                  {"boss@contoso.example", "drop@evil.example"},
		"boss@contoso.example drop@evil.example":                                     {"boss@contoso.example", "drop@evil.example"},
		"Boss <boss@contoso.example>\nDrop <drop@evil.example>":                      {"boss@contoso.example", "drop@evil.example"},
		"Ann Smith drop@evil.example":                                                {"drop@evil.example"},
		`"Ann Smith" [SMTP:a@evil.example]`:                                          {"a@evil.example"},
		"EX:/o=ExchangeLabs/ou=Group (FYDIBOHF23SPDLT)/cn=Recipients/cn=a@b.example": {"EX:/o=ExchangeLabs/ou=Group (FYDIBOHF23SPDLT)/cn=Recipients/cn=a@b.example"},
		"contoso.onmicrosoft.com/Users/Ann Smith":                                    {"contoso.onmicrosoft.com/Users/Ann Smith"},
	} {
		if got := from(t, cmdlet("New-InboxRule", "", "ForwardTo", in)).Forwards(); !reflect.DeepEqual(got, want) {
			t.Errorf("ForwardTo %q: %q, want %q", in, got, want)
		}
		if got := from(t, cmdlet("Set-Mailbox", "", "ForwardingSmtpAddress", in)).Forwards(); !reflect.DeepEqual(got, want) {
			t.Errorf("ForwardingSmtpAddress %q: %q, want %q", in, got, want)
		}
	}
}

// TestSwitchWithoutValue holds that a cmdlet's switch needs no Value, while other named values without one are blank.
func TestSwitchWithoutValue(t *testing.T) {
	r := parse(t, `{"Operation":"New-InboxRule","Parameters":[{"Name":"DeleteMessage"},{"Name":"From","Value":""},{"Name":"SentTo","Value":null}],
		"OperationProperties":[{"Name":"RuleName"}],"ExtendedProperties":[{"Name":"UserAgent"}]}`)
	if got := r.Param("DeleteMessage"); got != "True" || !r.Rule().Deletes {
		t.Errorf("a switch without value: %q", got)
	}
	if got := r.Param("From") + r.Param("SentTo") + r.Property("RuleName") + r.Ext("UserAgent"); got != "" {
		t.Errorf("blank values: %q", got)
	}
}

func TestRule(t *testing.T) {
	const path = "EURPR04A009.PROD.OUTLOOK.COM/Microsoft Exchange Hosted Organizations/contoso.onmicrosoft.com/ann"
	for _, c := range []struct {
		name string
		r    m
		want InboxRule
	}{
		{"hiding", cmdlet("New-InboxRule", `ann\.`, "Name", ".", "SubjectContainsWords", "invoice;payment", "BodyContainsWords", "invoice", "From", "Boss <ceo@x.example>",
			"MoveToFolder", `ann@contoso.example:\RSS Feeds`, "MarkAsRead", "True", "StopProcessingRules", "True", "DeleteMessage", "False"),
			InboxRule{Name: ".", Added: true, Conditions: 3, Words: []string{"invoice", "payment"}, From: []string{"ceo@x.example"}, Folder: "RSS Feeds", MarksRead: true, Stops: true}},
		{"no condition", cmdlet("New-InboxRule", `ann\all`, "Name", "all", "DeleteMessage", "True", "ExceptIfFrom", "x", "SentTo", "", "HasAttachment", "False"),
			InboxRule{Name: "all", Added: true, CatchAll: true, Deletes: true}},
		{"a blank name survives in ObjectId", cmdlet("New-InboxRule", `ann\ `, "Name", ""), InboxRule{Name: " ", Added: true, CatchAll: true}},
		{"a dot survives in ObjectId", cmdlet("New-InboxRule", path+`\.`, "Name", ""), InboxRule{Name: ".", Added: true, CatchAll: true}},
		{"a backslash in a name", cmdlet("New-InboxRule", `ann\a\b`, "Name", ""), InboxRule{Name: `a\b`, Added: true, CatchAll: true}},
		{"renamed", cmdlet("Set-InboxRule", `ann\old`, "Identity", `ann\old`, "Name", "new"), InboxRule{Name: "new", Added: true}},
		{"set, named by ObjectId", cmdlet("Set-InboxRule", path+`\junk`, "Identity", "1234567890", "PermanentDelete", "True"), InboxRule{Name: "junk", Added: true, Deletes: true}},
		{"set, named by Identity", cmdlet("Set-InboxRule", "", "Identity", `ann\junk`), InboxRule{Name: "junk", Added: true}},
		{"set, bare Identity", cmdlet("Set-InboxRule", "", "Identity", "Delete and Forward Rule", "ForwardTo", "a@x.example"),
			InboxRule{Name: "Delete and Forward Rule", Added: true, Forwards: []string{"a@x.example"}}},
		{"enabled", cmdlet("Enable-InboxRule", `ann\.`), InboxRule{Name: ".", Added: true}},
		{"removed", cmdlet("Remove-InboxRule", `ann\.`, "DeleteMessage", "True"), InboxRule{Name: "."}},
		{"no rule", cmdlet("Set-Mailbox", `ann\.`, "Name", "x"), InboxRule{}},
		{"form A", update("RuleOperation", "AddMailboxRule", "RuleState", "Enabled, ExitAfterExecution", "RuleName", ".",
			"RuleCondition", `{([SenderSearchKey Equal SMTP:PAY@CONTOSO.EXAMPLE]) AND ([SubjectProperty ContainsSubstring wire transfer])}`,
			"RuleActions", `[{"ActionType":"Delete"},{"ActionType":"MarkAsRead"}]`),
			InboxRule{Name: ".", Added: true, Conditions: 2, From: []string{"pay@contoso.example"}, Words: []string{"wire transfer"}, Deletes: true, MarksRead: true, Stops: true}},
		{"form A, move", update("RuleOperation", "AddMailboxRule", "RuleName", "x", "RuleCondition", "{}", "RuleActions", `[{"ActionType":"Move","DestinationFolderId":"LgAAA","FolderIsInThisStore":"True"}]`),
			InboxRule{Name: "x", Added: true, CatchAll: true, Folder: "LgAAA"}},
		{"form A, blank", update("RuleOperation", "ModifyMailboxRule", "RuleId", "1", "RuleCondition", "{}", "RuleActions", "[]"), InboxRule{}},
		{"form A, filled modification", update("RuleOperation", "ModifyMailboxRule", "RuleName", "x", "RuleActions", `[{"ActionType":"Delete"}]`), InboxRule{Name: "x", Deletes: true}},
		{"form A, one action without a list", update("RuleOperation", "AddMailboxRule", "RuleName", "x", "RuleActions", `{"ActionType":"Forward","Recipients":["a@evil.example"]}`),
			InboxRule{Name: "x", Added: true, CatchAll: true, Forwards: []string{"a@evil.example"}}},
		{"form B, filled update", update("RuleOperation", "Update", "Name", "x", "Actions", `["DeleteAction"]`), InboxRule{Name: "x", Added: true, Deletes: true}},
		{"a size that all mail has", cmdlet("New-InboxRule", "", "Name", "x", "WithinSizeRangeMinimum", "1023"), InboxRule{Name: "x", Added: true, CatchAll: true}},
		{"a size in words", cmdlet("New-InboxRule", "", "Name", "x", "WithinSizeRangeMinimum", "1 B (1 bytes)"), InboxRule{Name: "x", Added: true, CatchAll: true}},
		{"a size that limits", cmdlet("New-InboxRule", "", "Name", "x", "WithinSizeRangeMinimum", "1 MB (1,048,576 bytes)"), InboxRule{Name: "x", Added: true, Conditions: 1}},
		{"words of NUL", cmdlet("New-InboxRule", "", "Name", "x", "SubjectOrBodyContainsWords", "\x00"), InboxRule{Name: "x", Added: true, CatchAll: true, Words: []string{"\x00"}}},
		{"decomposed accents", cmdlet("Set-InboxRule", "", "Name", "x", "MoveToFolder", "ann:\\Courrier inde\u0301sirable"), InboxRule{Name: "x", Added: true, Folder: "Courrier ind\u00e9sirable"}},
		{"form A, removed", update("RuleOperation", "RemoveMailboxRule", "RuleName", "x", "RuleActions", `[{"ActionType":"Delete"}]`), InboxRule{Name: "x"}},
		{"form B", update("RuleOperation", "Create", "Name", "y", "Conditions", `[{"ConditionType":"ContainsSubjectStringCondition","Values":["invoice"]},{"ConditionType":"FromRecipientsCondition","Recipients":[{"Values":[{"Value":"boss@x.example"}]}]}]`,
			"Actions", `["StopProcessingAction",{"ActionType":"PermanentDeleteAction"},{"ActionType":"MoveToFolderAction","Folder":{"DisplayName":"Archive"}}]`),
			InboxRule{Name: "y", Added: true, Conditions: 2, Words: []string{"invoice"}, From: []string{"boss@x.example"}, Deletes: true, Stops: true, Folder: "Archive"}},
		{"form B, conditions by name", update("RuleOperation", "Create", "Name", "y", "Conditions", `{"SubjectContains":["a","b"],"FromAddresses":["q@x.example"],"HasAttachments":false,"SentTo":null}`),
			InboxRule{Name: "y", Added: true, Conditions: 2, Words: []string{"a", "b"}, From: []string{"q@x.example"}}},
		{"form B, deleted", update("RuleOperation", "Delete", "Name", "y"), InboxRule{Name: "y"}},
	} {
		r := from(t, c.r)
		if got := r.Rule(); !reflect.DeepEqual(normal(got), normal(c.want)) {
			t.Errorf("%s:\n got %+v\nwant %+v", c.name, got, c.want)
		}
		c.r["ResultStatus"] = "Failed"
		if got := from(t, c.r).Rule(); got.Added || got.CatchAll {
			t.Errorf("%s: added although it failed", c.name)
		}
	}
}

// normal makes empty lists nil, for comparison.
func normal(r InboxRule) InboxRule {
	for _, list := range []*[]string{&r.Forwards, &r.Words, &r.From} {
		if len(*list) == 0 {
			*list = nil
		}
	}
	return r
}

func FuzzRule(f *testing.F) {
	f.Add("AddMailboxRule", `[{"ActionType":"Forward","Recipients":[{"Values":[{"Value":"a@x.example"}]}]}]`, "{([SenderSearchKey Equal SMTP:A@X.EXAMPLE])}", "a;b")
	f.Add("Create", `["DeleteAction"]`, `[{"ConditionType":"x","Values":["y"]}]`, `"X" [EX:/o=a/cn=b], c@d.example`)
	r := new(Record)
	f.Fuzz(func(t *testing.T, operation, actions, condition, recipients string) {
		for _, v := range []m{
			update("RuleOperation", operation, "RuleActions", actions, "Actions", actions, "RuleCondition", condition, "Conditions", condition),
			cmdlet("New-InboxRule", condition, "Name", operation, "ForwardTo", recipients, "SubjectContainsWords", condition, "MoveToFolder", actions),
		} {
			if err := r.Parse([]byte(asText(v))); err != nil {
				t.Fatal(err)
			}
			rule := r.Rule()
			for _, s := range append(append(rule.Forwards, r.Forwards()...), rule.From...) {
				if s == "" || Domain(s) != "" && IsAddress(s) != true {
					t.Fatalf("recipient %q", s)
				}
			}
			_, _ = r.Mailbox(), r.Target()
		}
	})
}
