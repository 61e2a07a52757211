package slack

import "detect/notify"

// cardOf is the card of a message.
func cardOf(m *notify.Message) *notify.Card {
	a := m.Alert
	return &notify.Card{ID: a.ID, Rule: a.Rule, Title: a.Title, Severity: a.Severity, Status: a.Status, Revision: a.Revision,
		Respond: a.Respond, Evidence: a.Records, Records: len(a.Records), Attack: a.Attack}
}
