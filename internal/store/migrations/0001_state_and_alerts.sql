-- All times are integer microseconds since 1970, UTC.

-- A rule in one version. State and alerts belong to a version.
CREATE TABLE rules (
	id      INTEGER PRIMARY KEY,
	rule    TEXT NOT NULL,
	version TEXT NOT NULL,
	UNIQUE (rule, version)
) STRICT;

-- How far each source was read.
CREATE TABLE positions (
	source TEXT PRIMARY KEY,
	data   BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Records accepted, a row for each variant. Near the end of the table in time's order, so that inserts stay together.
CREATE TABLE seen (
	time    INTEGER NOT NULL,
	id      BLOB NOT NULL,
	variant INTEGER NOT NULL,
	arrived INTEGER NOT NULL,
	PRIMARY KEY (time, id, variant)
) STRICT, WITHOUT ROWID;

-- The head of each timeline. The greatest integer as due or due_absence means never.
CREATE TABLE timelines (
	rule        INTEGER NOT NULL REFERENCES rules (id),
	key         BLOB NOT NULL,
	head        BLOB NOT NULL,
	due         INTEGER NOT NULL,
	due_absence INTEGER NOT NULL,
	PRIMARY KEY (rule, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX timelines_due ON timelines (due) WHERE due < 9223372036854775807;
CREATE INDEX timelines_due_absence ON timelines (due_absence) WHERE due_absence < 9223372036854775807;

-- The hits of a timeline, by cell.
CREATE TABLE cells (
	rule  INTEGER NOT NULL REFERENCES rules (id),
	key   BLOB NOT NULL,
	start INTEGER NOT NULL,
	data  BLOB NOT NULL,
	PRIMARY KEY (rule, key, start)
) STRICT, WITHOUT ROWID;

-- Every alert in its latest revision. The status column outranks the one in body: an analyst may have changed it.
CREATE TABLE alerts (
	n        INTEGER PRIMARY KEY,
	id       TEXT NOT NULL UNIQUE,
	rule     INTEGER NOT NULL REFERENCES rules (id),
	key      BLOB NOT NULL,
	status   INTEGER NOT NULL,
	severity INTEGER NOT NULL,
	staged   INTEGER NOT NULL,
	final    INTEGER NOT NULL,
	first    INTEGER NOT NULL,
	last     INTEGER NOT NULL,
	revision INTEGER NOT NULL,
	body     BLOB NOT NULL
) STRICT;
CREATE INDEX alerts_timeline ON alerts (rule, key, last);
CREATE INDEX alerts_not_final ON alerts (rule, key) WHERE final = 0;
CREATE INDEX alerts_first ON alerts (first);

-- What each alert was, revision by revision.
CREATE TABLE revisions (
	alert    TEXT NOT NULL REFERENCES alerts (id),
	revision INTEGER NOT NULL,
	created  INTEGER NOT NULL,
	body     BLOB NOT NULL,
	PRIMARY KEY (alert, revision)
) STRICT, WITHOUT ROWID;

-- Revisions to be told, in their order. AUTOINCREMENT: a number is never used twice.
CREATE TABLE outbox (
	n        INTEGER PRIMARY KEY AUTOINCREMENT,
	alert    TEXT NOT NULL REFERENCES alerts (id),
	revision INTEGER NOT NULL,
	created  INTEGER NOT NULL
) STRICT;

-- frontier and absence.
CREATE TABLE clocks (
	name TEXT PRIMARY KEY,
	time INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE watermarks (
	stream TEXT PRIMARY KEY,
	time   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One row: the number of the last batch, and what became of all records read.
CREATE TABLE totals (
	one       INTEGER PRIMARY KEY CHECK (one = 1),
	batch     INTEGER NOT NULL DEFAULT 0,
	read      INTEGER NOT NULL DEFAULT 0,
	accepted  INTEGER NOT NULL DEFAULT 0,
	duplicate INTEGER NOT NULL DEFAULT 0,
	rejected  INTEGER NOT NULL DEFAULT 0,
	late      INTEGER NOT NULL DEFAULT 0,
	differing INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO totals (one) VALUES (1);
