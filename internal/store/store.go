// Package store keeps the engine's state and the alerts in one SQLite file, and is the only place that speaks SQL.
//
// A batch is one transaction: after a kill at any moment the file holds whole batches. There is one connection that
// writes, and readers have connections of their own. All times are integer microseconds UTC.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"detect/engine"
)

// Options say how a store is opened. Path alone is enough.
type Options struct {
	Path string // the database file; made, readable by its owner alone, if it does not exist

	// Full syncs every batch to the disk before its Commit returns. Without it a power failure may undo the last batches
	// (never a part of one), which is right where the source can be read again from the committed position.
	Full bool

	// Ephemeral is for a replay, whose file nobody opens again: no identities, revisions and outbox rows are kept, and
	// nothing is synced to the disk. Variants knows no identity.
	Ephemeral bool

	// ReadOnly opens an existing store for the queries, also while another process writes it.
	ReadOnly bool
}

// Store is an open store. It implements engine.Store; its methods may be called from several goroutines.
type Store struct {
	opts   Options
	lock   *lock
	closed atomic.Bool

	readers *sql.DB // connections that only read; nil if ephemeral
	read    querier // what queries go through: readers, or conn if there are none

	turn  chan struct{} // holds one while the writer's connection is in use; unlike a mutex it lets a test's clock go on meanwhile
	db    *sql.DB       // the writer's; nil if read only
	conn  *sql.Conn     // db's only connection
	stmt  statements
	rules map[ruleVersion]int64 // rows of table rules that are known
}

var _ engine.Store = (*Store)(nil)

// querier is a connection or a pool of them.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// ruleVersion names a rule in one version.
type ruleVersion struct{ rule, version string }

// Open opens the store, makes it if there is none, and brings an older one up to date. It refuses with ErrInUse if
// another process has it open for writing, with ErrNewer if a newer version of the program wrote it, and with ErrForeign
// if it is no store at all. To be read alone, it refuses with ErrAbsent if there is none, and with ErrNoAccess if this
// user may not read it.
func Open(ctx context.Context, opts Options) (_ *Store, err error) {
	path, err := filepath.Abs(opts.Path)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	opts.Path = path
	s := &Store{opts: opts, turn: make(chan struct{}, 1), rules: map[ruleVersion]int64{}}
	defer func() {
		if err != nil {
			_ = s.Close()
		}
	}()
	if opts.ReadOnly {
		switch _, err := os.Stat(path); {
		case errors.Is(err, os.ErrNotExist):
			return nil, fmt.Errorf("open store %s: %w (%w)", path, ErrAbsent, os.ErrNotExist)
		case errors.Is(err, os.ErrPermission):
			return nil, fmt.Errorf("open store %s: %w (%w)", path, ErrNoAccess, os.ErrPermission)
		case err != nil:
			return nil, fmt.Errorf("open store: %w", err)
		}
		return s, s.openReaders(ctx)
	}
	if s.lock, err = acquire(path + ".lock"); err != nil {
		return nil, fmt.Errorf("open store %s: %w", path, err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) // SQLite gives its side files the mode of this one
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	if err := f.Close(); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	if err := s.openWriter(ctx); err != nil {
		return nil, err
	}
	if opts.Ephemeral {
		s.read = s.conn
		return s, nil
	}
	return s, s.openReaders(ctx)
}

// openWriter opens the writer's connection, migrates and prepares the statements.
func (s *Store) openWriter(ctx context.Context) (err error) {
	pragmas := []string{"busy_timeout(5000)", "foreign_keys(1)", "cache_size(-16000)", "temp_store(memory)"}
	// A page that many batches write goes to the file once in 16 MiB of them, and the log does not stay long for ever.
	wal := []string{"journal_mode(wal)", "wal_autocheckpoint(4000)", "journal_size_limit(67108864)"}
	switch {
	case s.opts.Ephemeral:
		// Nothing but a failed statement's own undoing is needed of the journal, and no other process has a claim.
		pragmas = append(pragmas, "journal_mode(memory)", "synchronous(off)", "locking_mode(exclusive)")
	case s.opts.Full:
		pragmas = append(append(pragmas, wal...), "synchronous(full)")
	default:
		pragmas = append(append(pragmas, wal...), "synchronous(normal)")
	}
	if s.db, err = sql.Open("sqlite", dsn(s.opts.Path, pragmas, "_txlock", "immediate")); err != nil {
		return s.failed("open store", err)
	}
	s.db.SetMaxOpenConns(1)
	if s.conn, err = s.db.Conn(ctx); err != nil {
		return s.failed("open store", err)
	}
	if err := migrate(ctx, s.conn); err != nil {
		return s.failed("open store", err)
	}
	if err := s.stmt.prepare(ctx, s.conn); err != nil {
		return s.failed("open store", err)
	}
	return nil
}

// openReaders opens the connections that only read.
func (s *Store) openReaders(ctx context.Context) (err error) {
	pragmas := []string{"busy_timeout(5000)", "query_only(1)", "temp_store(memory)"}
	if s.readers, err = sql.Open("sqlite", dsn(s.opts.Path, pragmas, "mode", "ro")); err != nil {
		return s.failed("open store", err)
	}
	s.readers.SetMaxOpenConns(max(2, runtime.NumCPU()))
	s.read = s.readers
	version, err := schemaVersion(ctx, s.readers)
	if err == nil && version < len(migrations) {
		err = ErrOlder
	}
	if err != nil {
		return s.failed("open store", err)
	}
	return nil
}

// dsn is the name by which the driver opens a file. Pragmas stand in it so that each connection has them.
func dsn(path string, pragmas []string, more ...string) string {
	q := url.Values{"_pragma": pragmas}
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	path = filepath.ToSlash(path)
	if path[0] != '/' { // a drive letter
		path = "/" + path
	}
	return (&url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}).String()
}

// Path is the store's file, absolute.
func (s *Store) Path() string { return s.opts.Path }

// Close closes the store and lets other processes have it.
func (s *Store) Close() error {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	s.closed.Store(true)
	var errs []error
	errs = append(errs, s.stmt.close())
	if s.conn != nil {
		errs = append(errs, s.conn.Close())
	}
	if s.readers != nil {
		errs = append(errs, s.readers.Close())
	}
	if s.db != nil {
		errs = append(errs, s.db.Close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.release())
	}
	s.conn, s.readers, s.db, s.lock = nil, nil, nil, nil
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close store %s: %w", s.opts.Path, err)
	}
	return nil
}
