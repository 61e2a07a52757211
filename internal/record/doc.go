// Package record reads one Office 365 audit record.
//
// Parse validates the JSON and indexes the top-level members in one pass, without building a map. Everything else is
// read from the raw bytes on demand: fields by Microsoft's own names, tolerant of every encoding that is seen in
// practice, and what rules need in one normal form (time, user, address, mailbox, forwarding, inbox rules, identity).
//
// Records are written by attackers. Whatever the bytes are, nothing here panics, and memory and depth are bounded by
// MaxSize and MaxDepth.
package record

// MaxSize is the size in bytes above which a record is rejected.
const MaxSize = 16 << 20

// MaxDepth is the depth of nesting above which a record is rejected; the record's own object has depth 1.
const MaxDepth = 64
