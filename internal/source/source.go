// Package source reads the files that people bring: every form in which Office 365 audit records are exported, recognised by
// content and never by name, as raw records with their places; and unwraps a raw record to the form of the Management
// Activity API that internal/record reads.
//
// The reader is in layers, each of which streams. Files finds the inputs. The open layer takes off gzip, zstd and zip, with
// a limit against bombs. The text layer makes UTF-8 of UTF-16 and takes off a JSON string around a whole file. A cutter
// (one for JSON in all its arrangements, one for CSV) cuts blocks of text into records without copying and without parsing
// more than it must. Decoder, which runs on as many cores as there are, parses and unwraps.
//
// What cannot be read is told and never stops the rest: a Reject is one record lost, with its place and the reason; a
// Warning concerns a file.
package source

import (
	"context"
	"io"

	"detect/internal/record"
)

// Origin is where a record was read. In a compressed file it counts in the decompressed text, in UTF-16 in the same text as
// UTF-8 (each unit a reader sees), and in a file that is a JSON string holding JSON, in the text inside the string.
type Origin struct {
	File   string // as named by the user or found in a folder; "a.zip!member" for a member of an archive, "-" for standard input
	Line   int64  // the record's first line, from 1; 0 if unknown
	Offset int64  // bytes before the record; for a CSV row, before the row; -1 if unknown
}

// Raw is a record as it was cut from its file.
type Raw struct {
	JSON   []byte // a JSON value: mostly an object; unchecked
	Origin Origin

	row row // what the other columns of its CSV row say, if it comes from one
}

// row holds the cells that stand in for what AuditData lacks. They are as the file has them.
type row struct {
	date, operation, user, id []byte
	cell                      bool // the JSON is one cell of a row
	table                     bool // the JSON was made of a row: columns without content are left out, all values are text
}

// Reject is one record, cell, row or tail that is lost.
type Reject struct {
	Origin
	Reason string
}

// Warning concerns a file.
type Warning struct {
	File   string
	Text   string
	Unread bool // the file, or a part of it that cannot be counted in records, could not be read
}

// Position is how far a part of a live source (a file of a folder) was read. It is stored in one transaction with what
// came of the records before it, and given back when the source is opened again.
type Position struct {
	Source string // the stream, a blank, and what the source calls the part
	Data   []byte // opaque; nil: the part is gone, forget it
}

// Batch is what was read in one go. Its memory, the JSON of its records too, is used again after Release.
type Batch struct {
	Records  []Raw
	Rejects  []Reject
	Warnings []Warning

	Positions []Position // how far the source was read with this batch; of live sources only
	Behind    bool       // of live sources: there is more to be read at once, or the last attempt to read to the end failed

	buf   []byte // the block of text that records are slices of
	spare []byte // what could not be a slice of buf, such as a CSV row made into an object
}

// Files reads files.
type Files struct {
	// Paths are files, folders (read recursively, in the order of their names, without hidden entries), glob patterns, or "-"
	// for Stdin. A path that exists is never taken as a pattern.
	Paths []string
	// Stdin is what "-" reads; nil means that it is empty.
	Stdin io.Reader
	// MaxExpansion is how many times its compressed size a compressed input may grow, once it is past 256 MiB; past that
	// it is a bomb and the rest of it is left unread. 0 means 1000, which is about the most that gzip reaches.
	MaxExpansion int64
	// Tmp is the folder for archives that must be written out to be read (a zip from standard input or inside another
	// archive). Empty means the system's.
	Tmp string
	// BlockSize is how much text a batch holds as a rule, in bytes. 0 means 1 MiB.
	BlockSize int
}

const (
	defaultBlock     = 1 << 20
	defaultExpansion = 1000
	freeExpansion    = 256 << 20 // what any compressed input may grow to
)

// Run reads everything and gives it to emit in order, batch by batch; emit owns the batch and must Release it, in any
// goroutine, at any time. Run returns an error only if emit does or ctx ends. What could not be read is told in batches:
// Warnings that are Unread, and Rejects.
func (f *Files) Run(ctx context.Context, emit func(*Batch) error) error {
	run := &run{ctx: ctx, emit: emit, files: *f}
	if run.files.BlockSize <= 0 {
		run.files.BlockSize = defaultBlock
	}
	if run.files.MaxExpansion <= 0 {
		run.files.MaxExpansion = defaultExpansion
	}
	return run.paths()
}

// windowLimit is how much text is held to find the end of one record: more than the largest record, so that a full window
// means that the record is too large.
const windowLimit = record.MaxSize + 64<<10
