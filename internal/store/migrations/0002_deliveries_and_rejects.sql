-- Channels that were ever to be told of an alert. A retired one is configured no more: nothing new is queued for it.
CREATE TABLE channels (
	name    TEXT PRIMARY KEY,
	retired INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- What each channel was told of each alert, and what it is still to be told. state: 0 told all that is wanted, 1 ready
-- to be tried, in the order of n, 2 not to be tried before next, 3 given up.
CREATE TABLE deliveries (
	alert      TEXT NOT NULL REFERENCES alerts (id),
	channel    TEXT NOT NULL REFERENCES channels (name),
	n          INTEGER NOT NULL,
	state      INTEGER NOT NULL,
	wanted     INTEGER NOT NULL,
	sent       INTEGER NOT NULL DEFAULT 0,
	sent_at    INTEGER NOT NULL DEFAULT 0,
	receipt    BLOB,
	trying     INTEGER NOT NULL DEFAULT 0,
	attempts   INTEGER NOT NULL DEFAULT 0,
	next       INTEGER NOT NULL DEFAULT 0,
	queued     INTEGER NOT NULL,
	error      TEXT NOT NULL DEFAULT '',
	stand_in   INTEGER NOT NULL DEFAULT 0,
	via        TEXT NOT NULL DEFAULT '',
	via_reason TEXT NOT NULL DEFAULT '',
	PRIMARY KEY (alert, channel)
) STRICT, WITHOUT ROWID;
CREATE INDEX deliveries_ready ON deliveries (channel, n, queued) WHERE state = 1;
CREATE INDEX deliveries_waiting ON deliveries (channel, next, queued) WHERE state = 2;
CREATE INDEX deliveries_alone ON deliveries (channel, queued) WHERE stand_in = 0 AND state IN (1, 2);
CREATE INDEX deliveries_failed ON deliveries (channel) WHERE state = 3;

-- The newest of what was read and is no usable record. Rows are removed at the lower end alone, so that the numbers have
-- no gaps.
CREATE TABLE rejects (
	n       INTEGER PRIMARY KEY,
	created INTEGER NOT NULL,
	source  TEXT NOT NULL,
	file    TEXT NOT NULL,
	line    INTEGER NOT NULL,
	offset  INTEGER NOT NULL,
	reason  TEXT NOT NULL
) STRICT;

-- The last number that was given to a delivery.
ALTER TABLE totals ADD COLUMN queued INTEGER NOT NULL DEFAULT 0;
