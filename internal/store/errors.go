package store

import (
	"context"
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// What a caller may want to tell apart. Test for them with errors.Is.
var (
	ErrInUse    = errors.New("another process has this store open: stop it first, or give this one a store of its own")
	ErrNewer    = errors.New("a newer version of detect wrote this store: use that version, or another store")
	ErrOlder    = errors.New("an older version of detect wrote this store: run detect once to bring it up to date")
	ErrForeign  = errors.New("not a store of detect")
	ErrFull     = errors.New("no space left for the store: free some on its file system")
	ErrAbsent   = errors.New("there is no store yet: detect run makes it")
	ErrNoAccess = errors.New("the store can't be read: do it as the user who runs detect, who must be able to write in the store's folder as well")
	ErrReadOnly = errors.New("the store can't be written: see the permissions of the file and its folder, and how they are mounted")
	ErrDamaged  = errors.New("the store is damaged")
	ErrClosed   = errors.New("the store is closed")
)

// RowError is a row whose content can't be read. It is an ErrDamaged.
type RowError struct {
	Table string
	Row   string // its primary key, for a person
	Err   error
}

func (e *RowError) Error() string { return fmt.Sprintf("table %s, row %s: %v", e.Table, e.Row, e.Err) }

// Unwrap is what was wrong, and ErrDamaged.
func (e *RowError) Unwrap() []error { return []error{ErrDamaged, e.Err} }

// causes are SQLite's primary result codes and what they mean to an operator.
var causes = map[int]error{
	sqlite3.SQLITE_FULL:     ErrFull,
	sqlite3.SQLITE_READONLY: ErrReadOnly,
	sqlite3.SQLITE_CORRUPT:  ErrDamaged,
	sqlite3.SQLITE_NOTADB:   ErrForeign,
	sqlite3.SQLITE_CANTOPEN: ErrReadOnly,
}

// failed says what failed on which file, and why in words that an operator can do something with.
func (s *Store) failed(what string, err error) error {
	var e *sqlite.Error
	if errors.As(err, &e) {
		cause := causes[e.Code()&0xff]
		if e.Code() == sqlite3.SQLITE_IOERR_SHMSIZE { // the index of the log can't grow
			cause = ErrFull
		}
		if errors.Is(cause, ErrReadOnly) && s.opts.ReadOnly {
			cause = ErrNoAccess // a reader too has to write: the index of the log beside the store
		}
		if cause != nil {
			return fmt.Errorf("%s %s: %w (%w)", what, s.opts.Path, cause, err)
		}
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%s: %w", what, err)
	}
	return fmt.Errorf("%s %s: %w", what, s.opts.Path, err)
}
