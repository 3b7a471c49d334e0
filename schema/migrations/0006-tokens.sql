-- SPDX-License-Identifier: BSD-2-Clause
-- Copies of a registry have its id, and go on counting from where they were
-- made: two of them may give one revision to different changes. A number drawn
-- for each change tells them apart, so that a reader that knows a revision and
-- its token knows whether what it has read is the past of what it looks at.

-- A column cannot be added with a default that is drawn.
CREATE TABLE change_before AS SELECT revision, zone, service FROM change;
DROP TABLE change;
CREATE TABLE change (
	revision INTEGER PRIMARY KEY,
	zone TEXT NOT NULL,
	service TEXT NOT NULL,
	token INTEGER NOT NULL DEFAULT (random()),
	CONSTRAINT "change.revision must be 1..9007199254740991"
	CHECK (revision BETWEEN 1 AND 9007199254740991)
) STRICT;
INSERT INTO change (revision, zone, service)
	SELECT revision, zone, service FROM change_before ORDER BY revision;
DROP TABLE change_before;

-- As in 0001.
CREATE TRIGGER change_kept AFTER INSERT ON change
WHEN NEW.revision & 127 = 0 BEGIN
	DELETE FROM change WHERE revision <= NEW.revision - 100000;
END;
CREATE TRIGGER change_next AFTER INSERT ON change
WHEN NEW.revision <> (SELECT max(revision) FROM change)
	OR NEW.revision > 1 + (SELECT ifnull(max(revision), 0) FROM change
		WHERE revision < NEW.revision) BEGIN
	SELECT RAISE(ABORT, 'change.revision must be the next number');
END;
CREATE TRIGGER change_stays BEFORE DELETE ON change
WHEN OLD.revision > (SELECT max(revision) FROM change) - 100000 BEGIN
	SELECT RAISE(ABORT, 'change is append-only: the last 100000 revisions stay');
END;
CREATE TRIGGER change_fixed BEFORE UPDATE ON change BEGIN
	SELECT RAISE(ABORT, 'change is append-only: a revision is never rewritten');
END;

-- The version of the schema from which on a program may read this file: it
-- finds all that it needs, and what it does not know of it may leave out. A
-- migration that takes this away sets it to its own number. Only programs
-- that know the whole schema write.
ALTER TABLE registry ADD COLUMN reads_from INTEGER NOT NULL DEFAULT 6
	CONSTRAINT "registry.reads_from must be a version of the schema"
	CHECK (reads_from BETWEEN 1 AND 9999);
DROP TRIGGER registry_fixed;
CREATE TRIGGER registry_fixed BEFORE UPDATE OF one, id, created_wall_ms
ON registry BEGIN
	SELECT RAISE(ABORT, 'registry.id is drawn once and stays');
END;
