-- SPDX-License-Identifier: BSD-2-Clause
-- The registry: README.md draws the tables and says what always holds.
--
-- The name of a constraint is the rule in words, since SQLite answers
-- `CHECK constraint failed: <name>`. A CHECK that yields NULL passes, so
-- columns are NOT NULL wherever a rule could be dodged that way. Text with a
-- NUL inside would look like another text to C: its two lengths differ.
--
-- Triggers repeat what the foreign keys do, because the sqlite3 shell leaves
-- foreign keys off. They are few and short: an import of a million rows runs
-- each of them a million times.

PRAGMA application_id = 0x526f6c6c; -- "Roll"

CREATE TABLE registry (
	one INTEGER PRIMARY KEY DEFAULT 1
		CONSTRAINT "registry has one row" CHECK (one = 1),
	id TEXT NOT NULL DEFAULT (lower(hex(randomblob(16)))),
	created_wall_ms INTEGER NOT NULL DEFAULT (
		CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER))
) STRICT;
INSERT INTO registry DEFAULT VALUES;

-- Also against INSERT OR REPLACE, which fires neither of the other two.
CREATE TRIGGER registry_once BEFORE INSERT ON registry
WHEN EXISTS (SELECT 1 FROM registry) BEGIN
	SELECT RAISE(ABORT, 'registry.id is drawn once and stays');
END;
CREATE TRIGGER registry_fixed BEFORE UPDATE ON registry BEGIN
	SELECT RAISE(ABORT, 'registry.id is drawn once and stays');
END;
CREATE TRIGGER registry_stays BEFORE DELETE ON registry BEGIN
	SELECT RAISE(ABORT, 'registry.id is drawn once and stays');
END;

-- ---- services and instances ----------------------------------------------

CREATE TABLE service (
	zone TEXT NOT NULL DEFAULT 'svc.internal',
	name TEXT NOT NULL,
	protocol TEXT NOT NULL DEFAULT 'tcp',
	port INTEGER,
	ttl_s INTEGER,
	max_answers INTEGER,
	on_empty TEXT NOT NULL DEFAULT 'nodata',
	tags TEXT NOT NULL DEFAULT '[]',
	meta TEXT NOT NULL DEFAULT '{}',
	source TEXT NOT NULL DEFAULT 'sql',
	definition TEXT,
	PRIMARY KEY (zone, name),
	CONSTRAINT "service.zone must be lower case labels joined by dots, at most 120 octets, no final dot"
	CHECK (length(CAST(zone AS BLOB)) = length(zone)
		AND length(zone) BETWEEN 1 AND 120
		AND zone NOT GLOB '*[^a-z0-9.-]*'
		AND '.' || zone || '.' NOT GLOB '*[.-].*'
		AND '.' || zone NOT GLOB '*.-*'
		-- 64 octets without a dot
		AND (length(zone) < 64 OR zone NOT GLOB
			'*' || replace(hex(zeroblob(32)), '0', '[^.]') || '*')),
	CONSTRAINT "service.name must be 1..62 of a-z 0-9 '-', no '-' at either end"
	CHECK (length(CAST(name AS BLOB)) = length(name)
		AND length(name) BETWEEN 1 AND 62
		AND name NOT GLOB '*[^a-z0-9-]*'
		AND name GLOB '[^-]*' AND name GLOB '*[^-]'),
	CONSTRAINT "service.protocol must be 1..15 of a-z 0-9 '-', no '-' at either end"
	CHECK (length(CAST(protocol AS BLOB)) = length(protocol)
		AND length(protocol) BETWEEN 1 AND 15
		AND protocol NOT GLOB '*[^a-z0-9-]*'
		AND protocol GLOB '[^-]*' AND protocol GLOB '*[^-]'),
	CONSTRAINT "service.port must be 1..65535"
	CHECK (port BETWEEN 1 AND 65535),
	CONSTRAINT "service.ttl_s must be 0..2147483647"
	CHECK (ttl_s BETWEEN 0 AND 2147483647),
	CONSTRAINT "service.max_answers must be 0..65535 (0: all)"
	CHECK (max_answers BETWEEN 0 AND 65535),
	CONSTRAINT "service.on_empty must be nodata, nxdomain or all"
	CHECK (on_empty = 'nodata' OR on_empty = 'nxdomain' OR on_empty = 'all'),
	CONSTRAINT "service.tags must be a JSON array, at most 4096 octets"
	CHECK (tags = '[]' OR CASE WHEN json_valid(tags)
		THEN json_type(tags) = 'array'
			AND length(CAST(tags AS BLOB)) <= 4096
		ELSE 0 END),
	CONSTRAINT "service.meta must be a JSON object, at most 16384 octets"
	CHECK (meta = '{}' OR CASE WHEN json_valid(meta)
		THEN json_type(meta) = 'object'
			AND length(CAST(meta AS BLOB)) <= 16384
		ELSE 0 END),
	CONSTRAINT "service.source must be 1..255 printable ASCII characters"
	CHECK (length(source) BETWEEN 1 AND 255
		AND source NOT GLOB '*[^ -~]*'),
	CONSTRAINT "service.definition must be a path of 1..4096 characters"
	CHECK (length(definition) BETWEEN 1 AND 4096)
) STRICT, WITHOUT ROWID;

-- zone and service are checked where the service is: there must be one.
CREATE TABLE instance (
	zone TEXT NOT NULL DEFAULT 'svc.internal',
	service TEXT NOT NULL,
	name TEXT NOT NULL,
	address TEXT NOT NULL,
	address6 TEXT,
	port INTEGER,
	priority INTEGER NOT NULL DEFAULT 0,
	weight INTEGER NOT NULL DEFAULT 100,
	weight_warning INTEGER,
	health TEXT NOT NULL DEFAULT 'passing',
	mode TEXT NOT NULL DEFAULT 'active',
	state TEXT NOT NULL GENERATED ALWAYS AS (
		CASE mode WHEN 'active' THEN health ELSE mode END),
	lease_until_wall_ms INTEGER NOT NULL DEFAULT 0,
	tags TEXT NOT NULL DEFAULT '[]',
	meta TEXT NOT NULL DEFAULT '{}',
	locality TEXT,
	source TEXT NOT NULL DEFAULT 'sql',
	definition TEXT,
	since_wall_ms INTEGER NOT NULL DEFAULT (
		CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)),
	reason TEXT,
	PRIMARY KEY (zone, service, name),
	FOREIGN KEY (zone, service) REFERENCES service (zone, name)
		ON DELETE CASCADE ON UPDATE CASCADE,
	CONSTRAINT "instance.name must be 1..63 of a-z 0-9 '-', no '-' at either end"
	CHECK (length(CAST(name AS BLOB)) = length(name)
		AND length(name) BETWEEN 1 AND 63
		AND name NOT GLOB '*[^a-z0-9-]*'
		AND name GLOB '[^-]*' AND name GLOB '*[^-]'),
	CONSTRAINT "instance.name must not be tag or zone: T.tag.S.Z and L.zone.S.Z are other names"
	CHECK (name <> 'tag' AND name <> 'zone'),
	CONSTRAINT "instance.address must be IPv4 (four numbers 0..255 without leading zeros) or IPv6 (lower case hex)"
	CHECK (length(CAST(address AS BLOB)) = length(address)
		AND CASE instr(address, ':')
		-- Digits and three dots, each number begins with a digit. None
		-- has a zero before others, four digits, or is 256 to 999.
		-- Patterns that begin with '*[' are slow, so there is only one.
		WHEN 0 THEN address NOT GLOB '*[^0-9.]*'
			AND address GLOB '[0-9]*.[0-9]*.[0-9]*.[0-9]*'
			AND address NOT GLOB '*.*.*.*.*'
			AND address NOT GLOB '0[0-9]*'
			AND address NOT GLOB '*.0[0-9]*'
			AND address NOT GLOB '*1[0-9][0-9][0-9]*'
			AND address NOT GLOB '*2[0-9][0-9][0-9]*'
			AND address NOT GLOB '[3-9][0-9][0-9]*'
			AND address NOT GLOB '*.[3-9][0-9][0-9]*'
			AND (address NOT GLOB '*2[5-9][0-9]*'
			OR address NOT GLOB '*25[6-9]*'
			AND address NOT GLOB '*2[6-9][0-9]*')
		ELSE length(address) <= 39
			AND address NOT GLOB '*[^0-9a-f:]*'
			AND address NOT GLOB
			'*[^:][^:][^:][^:][^:]*'
			AND address NOT GLOB '*:::*'
			AND address NOT GLOB ':[^:]*'
			AND address NOT GLOB '*[^:]:'
			AND CASE length(address) - length(replace(address, '::', ''))
			WHEN 0 THEN -- eight groups
				length(replace(address, ':', '')) = length(address) - 7
			WHEN 2 THEN -- at most seven, and one gap
				length(address) - length(replace(address, ':', '')) <=
				7 + (address GLOB '::*' OR address GLOB '*::')
			ELSE 0 END
		END),
	CONSTRAINT "instance.address6 must be IPv6 (lower case hex)"
	CHECK (address6 IS NULL OR (
		length(CAST(address6 AS BLOB)) = length(address6)
			AND instr(address6, ':') > 0
			AND length(address6) <= 39
			AND address6 NOT GLOB '*[^0-9a-f:]*'
			AND address6 NOT GLOB
			'*[^:][^:][^:][^:][^:]*'
			AND address6 NOT GLOB '*:::*'
			AND address6 NOT GLOB ':[^:]*'
			AND address6 NOT GLOB '*[^:]:'
			AND CASE length(address6) - length(replace(address6, '::', ''))
			WHEN 0 THEN
				length(replace(address6, ':', '')) = length(address6) - 7
			WHEN 2 THEN
				length(address6) - length(replace(address6, ':', '')) <=
				7 + (address6 GLOB '::*' OR address6 GLOB '*::')
			ELSE 0 END)),
	CONSTRAINT "instance.address must be IPv4 where address6 is given"
	CHECK (address6 IS NULL OR instr(address, ':') = 0),
	CONSTRAINT "instance.port must be 1..65535"
	CHECK (port BETWEEN 1 AND 65535),
	CONSTRAINT "instance.priority must be 0..65535"
	CHECK (priority BETWEEN 0 AND 65535),
	CONSTRAINT "instance.weight must be 0..65535"
	CHECK (weight BETWEEN 0 AND 65535),
	CONSTRAINT "instance.weight_warning must be 0..65535"
	CHECK (weight_warning BETWEEN 0 AND 65535),
	CONSTRAINT "instance.health must be starting, passing, warning, critical or dead"
	CHECK (health = 'passing' OR health = 'warning' OR health = 'critical'
		OR health = 'dead' OR health = 'starting'),
	CONSTRAINT "instance.mode must be active, draining or maintenance"
	CHECK (mode = 'active' OR mode = 'draining' OR mode = 'maintenance'),
	-- seconds given by mistake would be a lease that ended in 1970
	CONSTRAINT "instance.lease_until_wall_ms must be 0 (none) or milliseconds since 1970"
	CHECK (lease_until_wall_ms = 0
		OR lease_until_wall_ms BETWEEN 100000000000 AND 9007199254740991),
	CONSTRAINT "instance.tags must be a JSON array, at most 4096 octets"
	CHECK (tags = '[]' OR CASE WHEN json_valid(tags)
		THEN json_type(tags) = 'array'
			AND length(CAST(tags AS BLOB)) <= 4096
		ELSE 0 END),
	CONSTRAINT "instance.meta must be a JSON object, at most 16384 octets"
	CHECK (meta = '{}' OR CASE WHEN json_valid(meta)
		THEN json_type(meta) = 'object'
			AND length(CAST(meta AS BLOB)) <= 16384
		ELSE 0 END),
	CONSTRAINT "instance.locality must be 1..63 of a-z 0-9 '-', no '-' at either end"
	CHECK (locality IS NULL OR (
		length(CAST(locality AS BLOB)) = length(locality)
		AND length(locality) BETWEEN 1 AND 63
		AND locality NOT GLOB '*[^a-z0-9-]*'
		AND locality GLOB '[^-]*' AND locality GLOB '*[^-]')),
	CONSTRAINT "instance.source must be 1..255 printable ASCII characters"
	CHECK (length(source) BETWEEN 1 AND 255
		AND source NOT GLOB '*[^ -~]*'),
	CONSTRAINT "instance.definition must be a path of 1..4096 characters"
	CHECK (length(definition) BETWEEN 1 AND 4096),
	CONSTRAINT "instance.since_wall_ms must be milliseconds since 1970"
	CHECK (since_wall_ms BETWEEN 0 AND 9007199254740991),
	CONSTRAINT "instance.reason must be at most 1024 characters"
	CHECK (length(reason) <= 1024)
) STRICT, WITHOUT ROWID;

-- ---- what changed ---------------------------------------------------------

-- One row for each answer-relevant change; its number is the revision. The
-- last 100,000 are kept, or up to 127 more: whoever is further behind reads
-- everything again.
CREATE TABLE change (
	revision INTEGER PRIMARY KEY,
	zone TEXT NOT NULL,
	service TEXT NOT NULL,
	CONSTRAINT "change.revision must be 1..9007199254740991"
	CHECK (revision BETWEEN 1 AND 9007199254740991)
) STRICT;

CREATE TRIGGER change_kept AFTER INSERT ON change
WHEN NEW.revision & 127 = 0 BEGIN
	DELETE FROM change WHERE revision <= NEW.revision - 100000;
END;
-- A number far ahead would leave none for those after it, and one that is
-- there already could replace its row.
CREATE TRIGGER change_next AFTER INSERT ON change
WHEN NEW.revision <> (SELECT max(revision) FROM change)
	OR NEW.revision > 1 + (SELECT ifnull(max(revision), 0) FROM change
		WHERE revision < NEW.revision) BEGIN
	SELECT RAISE(ABORT, 'change.revision must be the next number');
END;
-- Taking the newest away would give its number out a second time.
CREATE TRIGGER change_stays BEFORE DELETE ON change
WHEN OLD.revision > (SELECT max(revision) FROM change) - 100000 BEGIN
	SELECT RAISE(ABORT, 'change is append-only: the last 100000 revisions stay');
END;
CREATE TRIGGER change_fixed BEFORE UPDATE ON change BEGIN
	SELECT RAISE(ABORT, 'change is append-only: a revision is never rewritten');
END;

-- Transitions of instances: was and now are states, NULL where there was, or
-- is, no instance. No index by service: with a million instances it would cost
-- every flip a page of its own, a third of the writer's time; reading one
-- service's history takes 0.15 s for each million rows instead.
CREATE TABLE history (
	id INTEGER PRIMARY KEY,
	at_wall_ms INTEGER NOT NULL,
	zone TEXT NOT NULL,
	service TEXT NOT NULL,
	instance TEXT NOT NULL,
	was TEXT,
	now TEXT,
	source TEXT,
	reason TEXT
) STRICT;

CREATE TRIGGER history_fixed BEFORE UPDATE ON history BEGIN
	SELECT RAISE(ABORT, 'history is append-only: a row is never rewritten');
END;
CREATE TRIGGER history_stays BEFORE DELETE ON history
WHEN OLD.at_wall_ms >
	(julianday('now') - 2440587.5) * 86400000 - 3600000 BEGIN
	SELECT RAISE(ABORT, 'history is append-only: rows younger than an hour stay');
END;

-- ---- what is inside tags and meta ------------------------------------------

-- CHECK cannot look into JSON. A row put into this view is looked at and
-- thrown away; triggers do so after the CHECKs, so on valid JSON, and only
-- for rows that have tags or meta. JSON's \u0000 would end a string early.
CREATE VIEW words (tags, meta) AS SELECT '[]', '{}';
CREATE TRIGGER words_inserted INSTEAD OF INSERT ON words BEGIN
	SELECT CASE WHEN count(*) <> count(DISTINCT value)
		OR max(type <> 'text' OR length(value) NOT BETWEEN 1 AND 63
			OR value GLOB '*[^a-z0-9-]*' OR value GLOB '-*'
			OR value GLOB '*-') OR instr(NEW.tags, '\u0000')
	THEN RAISE(ABORT, 'tags must be different labels, each 1..63 of a-z 0-9 ''-'', no ''-'' at either end')
	END FROM json_each(NEW.tags);
	SELECT CASE WHEN count(*) <> count(DISTINCT lower(key))
		OR max(type <> 'text' OR key = '' OR key GLOB '*[^ -<>-~]*'
			OR length(key) + 1 + length(CAST(value AS BLOB)) > 255)
		OR instr(NEW.meta, '\u0000')
	THEN RAISE(ABORT, 'meta must be strings under different keys of printable ASCII without ''='', each key=value at most 255 octets')
	END FROM json_each(NEW.meta);
END;

-- ---- triggers of service --------------------------------------------------

CREATE TRIGGER service_inserted AFTER INSERT ON service BEGIN
	INSERT INTO change (zone, service) VALUES (NEW.zone, NEW.name);
END;

CREATE TRIGGER service_updated AFTER UPDATE OF
	protocol, port, ttl_s, max_answers, on_empty, tags, meta ON service
WHEN (NEW.protocol, NEW.port, NEW.ttl_s, NEW.max_answers, NEW.on_empty,
	NEW.tags, NEW.meta) IS NOT (OLD.protocol, OLD.port, OLD.ttl_s,
	OLD.max_answers, OLD.on_empty, OLD.tags, OLD.meta) BEGIN
	INSERT INTO change (zone, service) VALUES (NEW.zone, NEW.name);
END;

CREATE TRIGGER service_renamed AFTER UPDATE OF zone, name ON service
WHEN (NEW.zone, NEW.name) IS NOT (OLD.zone, OLD.name) BEGIN
	INSERT INTO change (zone, service)
		VALUES (OLD.zone, OLD.name), (NEW.zone, NEW.name);
	UPDATE instance SET zone = NEW.zone, service = NEW.name
		WHERE zone = OLD.zone AND service = OLD.name;
END;

CREATE TRIGGER service_deleted AFTER DELETE ON service BEGIN
	DELETE FROM instance WHERE zone = OLD.zone AND service = OLD.name;
	INSERT INTO change (zone, service) VALUES (OLD.zone, OLD.name);
END;

CREATE TRIGGER service_inserted_words AFTER INSERT ON service
WHEN NEW.tags <> '[]' OR NEW.meta <> '{}' BEGIN
	INSERT INTO words VALUES (NEW.tags, NEW.meta);
END;
CREATE TRIGGER service_updated_words AFTER UPDATE OF tags, meta ON service
WHEN (NEW.tags, NEW.meta) IS NOT (OLD.tags, OLD.meta) BEGIN
	INSERT INTO words VALUES (NEW.tags, NEW.meta);
END;

-- ---- triggers of instance -------------------------------------------------

CREATE TRIGGER instance_inserted AFTER INSERT ON instance BEGIN
	SELECT RAISE(ABORT, 'instance.service must be the name of a service in instance.zone: insert the service first')
	WHERE NOT EXISTS (SELECT 1 FROM service
		WHERE zone = NEW.zone AND name = NEW.service);
	INSERT INTO change (zone, service) VALUES (NEW.zone, NEW.service);
	INSERT INTO history
		(at_wall_ms, zone, service, instance, was, now, source, reason)
	VALUES (NEW.since_wall_ms, NEW.zone, NEW.service, NEW.name,
		NULL, NEW.state, NEW.source, NEW.reason);
END;

-- An extension of a lease that still holds changes no answer: dnsd looks at
-- the row again when the lease it knows runs out.
CREATE TRIGGER instance_updated AFTER UPDATE OF
	address, address6, port, priority, weight, weight_warning, health, mode,
	lease_until_wall_ms, tags, meta, locality ON instance
WHEN (NEW.address, NEW.address6, NEW.port, NEW.priority, NEW.weight,
	NEW.weight_warning, NEW.health, NEW.mode, NEW.tags, NEW.meta,
	NEW.locality) IS NOT (OLD.address, OLD.address6, OLD.port,
	OLD.priority, OLD.weight, OLD.weight_warning, OLD.health, OLD.mode,
	OLD.tags, OLD.meta, OLD.locality)
	OR (NEW.lease_until_wall_ms <> OLD.lease_until_wall_ms
	AND NOT (NEW.lease_until_wall_ms > OLD.lease_until_wall_ms
	AND OLD.lease_until_wall_ms >
	(julianday('now') - 2440587.5) * 86400000)) BEGIN
	INSERT INTO change (zone, service) VALUES (NEW.zone, NEW.service);
	INSERT INTO history
		(at_wall_ms, zone, service, instance, was, now, source, reason)
	SELECT CASE WHEN NEW.since_wall_ms <> OLD.since_wall_ms
		THEN NEW.since_wall_ms
		ELSE CAST(round((julianday('now') - 2440587.5) * 86400000)
			AS INTEGER) END,
		NEW.zone, NEW.service, NEW.name, OLD.state, NEW.state,
		NEW.source,
		CASE WHEN NEW.health <> OLD.health THEN NEW.reason END
	WHERE NEW.state <> OLD.state;
	-- whoever writes a health by hand need not think of the rest
	UPDATE instance SET since_wall_ms =
		CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)
	WHERE NEW.since_wall_ms = OLD.since_wall_ms
		AND (NEW.health <> OLD.health OR NEW.mode <> OLD.mode)
		AND zone = NEW.zone AND service = NEW.service
		AND name = NEW.name;
END;

CREATE TRIGGER instance_renamed AFTER UPDATE OF
	zone, service, name ON instance
WHEN (NEW.zone, NEW.service, NEW.name) IS NOT
	(OLD.zone, OLD.service, OLD.name) BEGIN
	SELECT RAISE(ABORT, 'instance.service must be the name of a service in instance.zone: insert the service first')
	WHERE NOT EXISTS (SELECT 1 FROM service
		WHERE zone = NEW.zone AND name = NEW.service);
	INSERT INTO change (zone, service)
		VALUES (OLD.zone, OLD.service), (NEW.zone, NEW.service);
	INSERT INTO history
		(at_wall_ms, zone, service, instance, was, now, source, reason)
	SELECT CAST(round((julianday('now') - 2440587.5) * 86400000)
		AS INTEGER), z, s, i, was, now, NEW.source, 'renamed'
	FROM (SELECT OLD.zone AS z, OLD.service AS s, OLD.name AS i,
			OLD.state AS was, NULL AS now
		UNION ALL
		SELECT NEW.zone, NEW.service, NEW.name, NULL, NEW.state);
	UPDATE check_result
		SET zone = NEW.zone, service = NEW.service, instance = NEW.name
		WHERE zone = OLD.zone AND service = OLD.service
		AND instance = OLD.name;
END;

CREATE TRIGGER instance_deleted AFTER DELETE ON instance BEGIN
	INSERT INTO change (zone, service) VALUES (OLD.zone, OLD.service);
	INSERT INTO history
		(at_wall_ms, zone, service, instance, was, now, source, reason)
	VALUES (CAST(round((julianday('now') - 2440587.5) * 86400000)
		AS INTEGER), OLD.zone, OLD.service, OLD.name, OLD.state, NULL,
		OLD.source, 'withdrawn');
	DELETE FROM check_result WHERE zone = OLD.zone
		AND service = OLD.service AND instance = OLD.name;
END;

CREATE TRIGGER instance_inserted_words AFTER INSERT ON instance
WHEN NEW.tags <> '[]' OR NEW.meta <> '{}' BEGIN
	INSERT INTO words VALUES (NEW.tags, NEW.meta);
END;
CREATE TRIGGER instance_updated_words AFTER UPDATE OF tags, meta ON instance
WHEN (NEW.tags, NEW.meta) IS NOT (OLD.tags, OLD.meta) BEGIN
	INSERT INTO words VALUES (NEW.tags, NEW.meta);
END;

-- ---- checks, registrars, definitions --------------------------------------

-- The last verdict of each check. No answer depends on it: instance.health
-- is what the registrar made of it.
CREATE TABLE check_result (
	zone TEXT NOT NULL DEFAULT 'svc.internal',
	service TEXT NOT NULL,
	instance TEXT NOT NULL,
	name TEXT NOT NULL,
	kind TEXT NOT NULL,
	status TEXT NOT NULL DEFAULT 'starting',
	output TEXT NOT NULL DEFAULT '',
	since_wall_ms INTEGER NOT NULL DEFAULT (
		CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)),
	checked_wall_ms INTEGER NOT NULL DEFAULT (
		CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)),
	PRIMARY KEY (zone, service, instance, name),
	FOREIGN KEY (zone, service, instance)
		REFERENCES instance (zone, service, name)
		ON DELETE CASCADE ON UPDATE CASCADE,
	CONSTRAINT "check_result.name must be 1..255 printable ASCII characters"
	CHECK (length(name) BETWEEN 1 AND 255 AND name NOT GLOB '*[^ -~]*'),
	CONSTRAINT "check_result.kind must be 1..63 of a-z 0-9 '-'"
	CHECK (length(kind) BETWEEN 1 AND 63
		AND kind NOT GLOB '*[^a-z0-9-]*'),
	CONSTRAINT "check_result.status must be starting, passing, warning, critical or dead"
	CHECK (status = 'passing' OR status = 'warning' OR status = 'critical'
		OR status = 'dead' OR status = 'starting'),
	CONSTRAINT "check_result.output must be at most 4096 characters"
	CHECK (length(output) <= 4096)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER check_result_inserted AFTER INSERT ON check_result
WHEN NOT EXISTS (SELECT 1 FROM instance WHERE zone = NEW.zone
	AND service = NEW.service AND name = NEW.instance) BEGIN
	SELECT RAISE(ABORT, 'check_result.instance must be the name of an instance: insert the instance first');
END;
CREATE TRIGGER check_result_renamed AFTER UPDATE OF
	zone, service, instance ON check_result
WHEN NOT EXISTS (SELECT 1 FROM instance WHERE zone = NEW.zone
	AND service = NEW.service AND name = NEW.instance) BEGIN
	SELECT RAISE(ABORT, 'check_result.instance must be the name of an instance: insert the instance first');
END;

CREATE TABLE registrar (
	name TEXT NOT NULL PRIMARY KEY,
	pid INTEGER NOT NULL,
	version TEXT NOT NULL,
	started_wall_ms INTEGER NOT NULL,
	heartbeat_wall_ms INTEGER NOT NULL,
	CONSTRAINT "registrar.name must be 1..255 printable ASCII characters"
	CHECK (length(name) BETWEEN 1 AND 255 AND name NOT GLOB '*[^ -~]*'),
	CONSTRAINT "registrar.pid must be a process id"
	CHECK (pid BETWEEN 1 AND 4194304)
) STRICT, WITHOUT ROWID;

-- The last good text of each definition file.
CREATE TABLE definition (
	source TEXT NOT NULL,
	file TEXT NOT NULL,
	text TEXT NOT NULL,
	PRIMARY KEY (source, file),
	CONSTRAINT "definition.source must be 1..255 printable ASCII characters"
	CHECK (length(source) BETWEEN 1 AND 255
		AND source NOT GLOB '*[^ -~]*'),
	CONSTRAINT "definition.file must be a path of 1..4096 characters"
	CHECK (length(file) BETWEEN 1 AND 4096)
) STRICT, WITHOUT ROWID;
