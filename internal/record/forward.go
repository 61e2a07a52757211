package record

import (
	"strings"
)

// forwardParameters are the parameters of cmdlets that make mail go to somebody, by cmdlet in lower case.
//
// Of a mailbox whose ForwardingAddress and ForwardingSmtpAddress are both set the former wins while it is set; both are
// listed, since the latter takes effect as soon as the former is cleared.
var forwardParameters = func() map[string][]string {
	inbox := []string{"ForwardTo", "ForwardAsAttachmentTo", "RedirectTo"}
	mailbox := []string{"ForwardingAddress", "ForwardingSmtpAddress"}
	contact := []string{"ExternalEmailAddress"}
	transport := []string{"BlindCopyTo", "CopyTo", "RedirectMessageTo", "AddToRecipients", "GenerateIncidentReport"}
	journal := []string{"JournalEmailAddress"}
	return map[string][]string{
		"new-inboxrule": inbox, "set-inboxrule": inbox, "enable-inboxrule": inbox,
		"set-mailbox": mailbox, "new-mailbox": mailbox, "enable-mailbox": mailbox, "set-groupmailbox": mailbox,
		"set-mailpublicfolder": mailbox, "set-unifiedgroup": mailbox,
		"set-mailuser": append(mailbox[:2:2], contact...), "new-mailuser": contact, "enable-mailuser": contact,
		"new-mailcontact": contact, "set-mailcontact": contact, "enable-mailcontact": contact,
		"new-transportrule": transport, "set-transportrule": transport, "enable-transportrule": transport,
		"new-journalrule": journal, "set-journalrule": journal, "enable-journalrule": journal,
	}
}()

// Forwards are all recipients that the record makes mail go to, each once: addresses in lower case, other names and
// directory paths (EX:/o=...) as they are. Cleared settings give none. Whether the record failed is not looked at.
func (r *Record) Forwards() []string { return r.forwards.get(r, (*Record).findForwards) }

func (r *Record) findForwards() []string {
	op := r.OperationKey()
	if op == "updateinboxrules" {
		return r.Rule().Forwards
	}
	var all []string
	for _, name := range forwardParameters[op] {
		p, ok := r.find(namedParameters, name)
		if !ok {
			continue
		}
		if list, isList := p.list(); isList {
			for _, s := range list {
				all = appendRecipients(all, s)
			}
			continue
		}
		if s := p.value(); !strings.EqualFold(strings.TrimSpace(s), "$null") {
			for _, one := range SplitRecipients(s) {
				all = appendRecipient(all, one)
			}
		}
	}
	return distinct(all)
}
