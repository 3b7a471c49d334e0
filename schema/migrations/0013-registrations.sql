-- SPDX-License-Identifier: BSD-2-Clause
-- What services that register themselves want to be checked for: a definition
-- each, as a file would have it. Its number is new with each change, so who
-- takes them up asks for those above the last one that he has seen; text NULL:
-- it has ended.
CREATE TABLE registration (
	number INTEGER PRIMARY KEY AUTOINCREMENT,
	zone TEXT NOT NULL,
	service TEXT NOT NULL,
	instance TEXT NOT NULL,
	source TEXT NOT NULL,
	text TEXT,
	updated_wall_ms INTEGER NOT NULL DEFAULT 0,
	UNIQUE (zone, service, instance),
	CONSTRAINT "registration.text must be at most 65536 octets"
	CHECK (length(CAST(text AS BLOB)) <= 65536),
	CONSTRAINT "registration.source must be 1..255 printable ASCII characters"
	CHECK (length(source) BETWEEN 1 AND 255
		AND source NOT GLOB '*[^ -~]*'),
	CONSTRAINT "texts must not hold the character NUL"
	CHECK (instr(zone, char(0)) = 0 AND instr(service, char(0)) = 0
		AND instr(instance, char(0)) = 0
		AND instr(source, char(0)) = 0
		AND instr(ifnull(text, ''), char(0)) = 0)
) STRICT;
CREATE INDEX registration_ended ON registration (updated_wall_ms)
	WHERE text IS NULL;

-- It is of an instance, and ends with it, whoever takes that away.
CREATE TRIGGER instance_unregistered AFTER DELETE ON instance
WHEN EXISTS (SELECT 1 FROM registration WHERE zone = OLD.zone
	AND service = OLD.service AND instance = OLD.name
	AND source = OLD.source AND text IS NOT NULL) BEGIN
	DELETE FROM registration WHERE zone = OLD.zone
		AND service = OLD.service AND instance = OLD.name;
	INSERT INTO registration
		(zone, service, instance, source, text, updated_wall_ms)
	VALUES (OLD.zone, OLD.service, OLD.name, OLD.source, NULL,
		CAST(round((julianday('now') - 2440587.5) * 86400000)
		AS INTEGER));
END;
