package notify

import (
	"detect/engine"
	"detect/rules/hit"
)

// Card is a message as people read it, the same on every channel: what the renderings have in common. All of its texts are
// plain: whatever comes from a record is in them as it was, and each rendering escapes it for its place.
type Card struct {
	ID       string // of the alert, whole
	Rule     string
	Title    string
	Severity hit.Severity
	Status   engine.Status
	Revision int

	// State is empty for an alert that is news, else a few words for what became of it: "withdrawn", "merged into 1a2b3c4d", "moved".
	State string
	// Facts are who, what, where, when, how many, in the order in which they are read.
	Facts []Fact
	// Why says what the rule looks for and why that matters, in sentences.
	Why string
	// Changes say what changed since the channel was last told, a line each, oldest first; empty for the first message.
	Changes []string
	// Respond is PowerShell, a command a line.
	Respond string
	// Evidence is the ids of the records that made it, the first few; Records says how many there are.
	Evidence []string
	Records  int
	// Attack is ATT&CK techniques such as T1114.003, References are addresses of the rule's own documentation.
	Attack, References []string
	// FalsePositives is what may look like this and be harmless.
	FalsePositives []string
	// Marks are what must be known to read it rightly: "approximate: ...", "late: ...", "sent here because soc could not be reached: ...".
	Marks []string
	// Delays are the times between what happened and this message, such as "happened 08:00:00, detected 64 min later".
	Delays string
}

// Fact is one line of a card.
type Fact struct {
	Label  string
	Values []string // distinct, in the order to be shown; the first few of them
	More   int      // how many more there are
	Short  bool     // that two such facts fit beside each other
}
