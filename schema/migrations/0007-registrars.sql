-- SPDX-License-Identifier: BSD-2-Clause
-- What registrars tell of themselves beside their heartbeat, so that whoever
-- looks at states knows whether they are of now.

-- The last line of its log that was an error or a warning; '': there was none.
ALTER TABLE registrar ADD COLUMN last_error TEXT NOT NULL DEFAULT ''
	CONSTRAINT "registrar.last_error must be at most 1024 characters"
	CHECK (length(last_error) <= 1024);
ALTER TABLE registrar ADD COLUMN last_error_wall_ms INTEGER NOT NULL DEFAULT 0;

-- Leases by their ends, for who takes away what ran out long ago.
CREATE INDEX instance_leases ON instance (lease_until_wall_ms)
	WHERE lease_until_wall_ms > 0;

-- Definition files whose present text is not in force. A row goes when the
-- file is mended or removed.
CREATE TABLE refused_definition (
	source TEXT NOT NULL,
	file TEXT NOT NULL,
	-- all that is wrong: lines of FILE:LINE:COLUMN: FOUND, EXPECTED
	message TEXT NOT NULL,
	-- what it seems to be about: a JSON array of names of services
	services TEXT NOT NULL DEFAULT '[]',
	since_wall_ms INTEGER NOT NULL DEFAULT (
		CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)),
	PRIMARY KEY (source, file),
	CONSTRAINT "refused_definition.source must be 1..255 printable ASCII characters"
	CHECK (length(source) BETWEEN 1 AND 255
		AND source NOT GLOB '*[^ -~]*'),
	CONSTRAINT "refused_definition.file must be a path of 1..4096 characters"
	CHECK (length(file) BETWEEN 1 AND 4096),
	CONSTRAINT "refused_definition.message must be 1..4096 characters"
	CHECK (length(message) BETWEEN 1 AND 4096),
	CONSTRAINT "refused_definition.services must be a JSON array"
	CHECK (CASE WHEN json_valid(services)
		THEN json_type(services) = 'array' ELSE 0 END)
) STRICT, WITHOUT ROWID;
