-- SPDX-License-Identifier: BSD-2-Clause
-- Who may do what over HTTP. A token is known by its hash alone; rules are
-- pairs of a prefix of names of services and rights.
CREATE TABLE token (
	id TEXT NOT NULL PRIMARY KEY,
	hash TEXT NOT NULL,
	rules TEXT NOT NULL,
	note TEXT NOT NULL DEFAULT '',
	created_wall_ms INTEGER NOT NULL DEFAULT 0,
	expires_wall_ms INTEGER NOT NULL DEFAULT 0,
	CONSTRAINT "token.id must be 1..31 of a-z 0-9 '-'"
	CHECK (length(id) BETWEEN 1 AND 31 AND id NOT GLOB '*[^a-z0-9-]*'),
	CONSTRAINT "token.hash must be 64 hex digits (SHA-256)"
	CHECK (length(hash) = 64 AND hash NOT GLOB '*[^0-9a-f]*'),
	CONSTRAINT "token.rules must be a JSON object of rights by prefix, at most 16384 octets"
	CHECK (CASE WHEN json_valid(rules)
		THEN json_type(rules) = 'object'
			AND length(CAST(rules AS BLOB)) <= 16384
		ELSE 0 END),
	CONSTRAINT "token.note must be at most 1024 octets"
	CHECK (length(CAST(note AS BLOB)) <= 1024),
	CONSTRAINT "token.expires_wall_ms must not be negative (0: never)"
	CHECK (expires_wall_ms >= 0),
	CONSTRAINT "texts must not hold the character NUL"
	CHECK (instr(id, char(0)) = 0 AND instr(hash, char(0)) = 0
		AND instr(rules, char(0)) = 0 AND instr(note, char(0)) = 0)
) STRICT, WITHOUT ROWID;
