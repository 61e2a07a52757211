package record

import "fmt"

// ID is a record's identity, digested.
type ID [16]byte

// Variant ranks copies of one record that differ: the whole one, then the one of more bytes of canonical JSON, then the
// one of the greater digest.
type Variant struct {
	Whole  bool   // nothing in it was cut off by whoever exported it
	Size   int64  // bytes of canonical JSON
	Digest uint64 // of the canonical JSON
}

// SyntaxError says why bytes are not a record.
type SyntaxError struct {
	Offset int // byte in the input
	Reason string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("byte %d: %s", e.Offset, e.Reason) }

// Record is one audit record. It is made to be used again: Parse resets it. The zero value is ready for Parse. It is not
// for concurrent use, not even for reading, since it remembers what it computed. Text that it hands out stays valid after
// the next Parse; Value, Unknown, Object and Raw are views of the bytes given to Parse.
type Record struct {
	state
}
