-- SPDX-License-Identifier: BSD-2-Clause
-- Rows have owners. The description of a service and of an instance belongs
-- to a (node, source); health, reason, ramp, damping and check results to the
-- registrars of that node; mode, drain_* and weight_override to operators.
-- README.md says what follows from that for those who write by hand.
--
-- service and instance are what is answered. What other owners say of the
-- same key is in *_other, nearly always empty. Of all claims the lowest
-- (node, source) is the row, unless one was taken over; the views *_claim
-- show and take all of them.

-- ---- this host ------------------------------------------------------------

-- Node '' of a row is this host, whatever it is called. default_names: how a
-- registrar calls instances at 127.0.0.1 that have no name; those of a
-- registry of before stay as they are.
CREATE TABLE host (
	one INTEGER PRIMARY KEY DEFAULT 1
		CONSTRAINT "host has one row" CHECK (one = 1),
	name TEXT NOT NULL DEFAULT '',
	default_names TEXT NOT NULL DEFAULT 'node',
	CONSTRAINT "host.name must be at most 200 printable ASCII characters without blanks"
	CHECK (length(name) <= 200 AND name NOT GLOB '*[^!-~]*'),
	CONSTRAINT "host.default_names must be address or node"
	CHECK (default_names = 'address' OR default_names = 'node')
) STRICT;
INSERT INTO host (default_names) SELECT CASE
	WHEN EXISTS (SELECT 1 FROM instance)
	OR EXISTS (SELECT 1 FROM definition) THEN 'address' ELSE 'node' END;

ALTER TABLE service ADD COLUMN node TEXT NOT NULL DEFAULT ''
	CONSTRAINT "service.node must be '' (this host) or 1..200 printable ASCII characters without blanks"
	CHECK (node = '' OR (length(node) <= 200 AND node NOT GLOB '*[^!-~]*'));
ALTER TABLE instance ADD COLUMN node TEXT NOT NULL DEFAULT ''
	CONSTRAINT "instance.node must be '' (this host) or 1..200 printable ASCII characters without blanks"
	CHECK (node = '' OR (length(node) <= 200 AND node NOT GLOB '*[^!-~]*'));
-- Instead of weight, while it is not NULL.
ALTER TABLE instance ADD COLUMN weight_override INTEGER
	CONSTRAINT "instance.weight_override must be 0..65535 or NULL (weight)"
	CHECK (weight_override BETWEEN 0 AND 65535);

CREATE TRIGGER instance_overridden AFTER UPDATE OF weight_override ON instance
WHEN NEW.weight_override IS NOT OLD.weight_override BEGIN
	INSERT INTO change (zone, service) VALUES (NEW.zone, NEW.service);
END;

-- What an edit of a description did, for those who read the history.
CREATE TRIGGER instance_described AFTER UPDATE OF
	address, address6, port, priority, weight ON instance
WHEN (NEW.address, NEW.address6, NEW.port, NEW.priority, NEW.weight)
	IS NOT (OLD.address, OLD.address6, OLD.port, OLD.priority, OLD.weight) BEGIN
	INSERT INTO history
		(at_wall_ms, zone, service, instance, was, now, source, reason)
	VALUES (CAST(round((julianday('now') - 2440587.5) * 86400000)
		AS INTEGER), NEW.zone, NEW.service, NEW.name, NEW.state,
		NEW.state, NEW.source, substr(
		CASE WHEN NEW.address IS NOT OLD.address THEN ', address '
			|| OLD.address || ' to ' || NEW.address ELSE '' END ||
		CASE WHEN NEW.address6 IS NOT OLD.address6 THEN ', address6 '
			|| ifnull(OLD.address6, 'none') || ' to '
			|| ifnull(NEW.address6, 'none') ELSE '' END ||
		CASE WHEN NEW.port IS NOT OLD.port THEN ', port '
			|| ifnull(OLD.port, 'of the service') || ' to '
			|| ifnull(NEW.port, 'of the service') ELSE '' END ||
		CASE WHEN NEW.priority <> OLD.priority THEN ', priority '
			|| OLD.priority || ' to ' || NEW.priority ELSE '' END ||
		CASE WHEN NEW.weight <> OLD.weight THEN ', weight '
			|| OLD.weight || ' to ' || NEW.weight ELSE '' END, 3));
END;

-- ---- what others say ------------------------------------------------------

-- definition is part of the key, since several files of one registrar may
-- describe a service; '' where there is none.
CREATE TABLE service_other (
	zone TEXT NOT NULL,
	name TEXT NOT NULL,
	node TEXT NOT NULL,
	source TEXT NOT NULL,
	definition TEXT NOT NULL,
	protocol TEXT NOT NULL,
	port INTEGER,
	ttl_s INTEGER,
	max_answers INTEGER,
	on_empty TEXT NOT NULL,
	tags TEXT NOT NULL,
	meta TEXT NOT NULL,
	PRIMARY KEY (zone, name, node, source, definition),
	CONSTRAINT "service_other.protocol must be 1..15 of a-z 0-9 '-', no '-' at either end"
	CHECK (length(CAST(protocol AS BLOB)) = length(protocol)
		AND length(protocol) BETWEEN 1 AND 15
		AND protocol NOT GLOB '*[^a-z0-9-]*'
		AND protocol GLOB '[^-]*' AND protocol GLOB '*[^-]'),
	CONSTRAINT "service_other.port must be 1..65535"
	CHECK (port BETWEEN 1 AND 65535),
	CONSTRAINT "service_other.ttl_s must be 0..2147483647"
	CHECK (ttl_s BETWEEN 0 AND 2147483647),
	CONSTRAINT "service_other.max_answers must be 0..65535 (0: all)"
	CHECK (max_answers BETWEEN 0 AND 65535),
	CONSTRAINT "service_other.on_empty must be nodata, nxdomain or all"
	CHECK (on_empty = 'nodata' OR on_empty = 'nxdomain' OR on_empty = 'all'),
	CONSTRAINT "service_other.tags must be a JSON array, at most 4096 octets"
	CHECK (tags = '[]' OR CASE WHEN json_valid(tags)
		THEN json_type(tags) = 'array'
			AND length(CAST(tags AS BLOB)) <= 4096
		ELSE 0 END),
	CONSTRAINT "service_other.meta must be a JSON object, at most 16384 octets"
	CHECK (meta = '{}' OR CASE WHEN json_valid(meta)
		THEN json_type(meta) = 'object'
			AND length(CAST(meta AS BLOB)) <= 16384
		ELSE 0 END),
	CONSTRAINT "service_other.source must be 1..255 printable ASCII characters"
	CHECK (length(source) BETWEEN 1 AND 255
		AND source NOT GLOB '*[^ -~]*')
) STRICT, WITHOUT ROWID;
CREATE TRIGGER service_other_words AFTER INSERT ON service_other BEGIN
	INSERT INTO words VALUES (NEW.tags, NEW.meta);
END;

CREATE TABLE instance_other (
	zone TEXT NOT NULL,
	service TEXT NOT NULL,
	name TEXT NOT NULL,
	node TEXT NOT NULL,
	source TEXT NOT NULL,
	definition TEXT,
	address TEXT NOT NULL,
	address6 TEXT,
	port INTEGER,
	priority INTEGER NOT NULL,
	weight INTEGER NOT NULL,
	weight_warning INTEGER,
	lease_until_wall_ms INTEGER NOT NULL,
	tags TEXT NOT NULL,
	meta TEXT NOT NULL,
	locality TEXT,
	PRIMARY KEY (zone, service, name, node, source),
	CONSTRAINT "instance_other.address must be IPv4 (four numbers 0..255 without leading zeros) or IPv6 (lower case hex)"
	CHECK (length(CAST(address AS BLOB)) = length(address)
		AND CASE instr(address, ':')
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
			WHEN 0 THEN
				length(replace(address, ':', '')) = length(address) - 7
			WHEN 2 THEN
				length(address) - length(replace(address, ':', '')) <=
				7 + (address GLOB '::*' OR address GLOB '*::')
			ELSE 0 END
		END),
	CONSTRAINT "instance_other.address6 must be IPv6 (lower case hex)"
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
	CONSTRAINT "instance_other.address must be IPv4 where address6 is given"
	CHECK (address6 IS NULL OR instr(address, ':') = 0),
	CONSTRAINT "instance_other.port must be 1..65535"
	CHECK (port BETWEEN 1 AND 65535),
	CONSTRAINT "instance_other.priority must be 0..65535"
	CHECK (priority BETWEEN 0 AND 65535),
	CONSTRAINT "instance_other.weight must be 0..65535"
	CHECK (weight BETWEEN 0 AND 65535),
	CONSTRAINT "instance_other.weight_warning must be 0..65535"
	CHECK (weight_warning BETWEEN 0 AND 65535),
	CONSTRAINT "instance_other.tags must be a JSON array, at most 4096 octets"
	CHECK (tags = '[]' OR CASE WHEN json_valid(tags)
		THEN json_type(tags) = 'array'
			AND length(CAST(tags AS BLOB)) <= 4096
		ELSE 0 END),
	CONSTRAINT "instance_other.meta must be a JSON object, at most 16384 octets"
	CHECK (meta = '{}' OR CASE WHEN json_valid(meta)
		THEN json_type(meta) = 'object'
			AND length(CAST(meta AS BLOB)) <= 16384
		ELSE 0 END),
	CONSTRAINT "instance_other.locality must be 1..63 of a-z 0-9 '-', no '-' at either end"
	CHECK (locality IS NULL OR (
		length(CAST(locality AS BLOB)) = length(locality)
		AND length(locality) BETWEEN 1 AND 63
		AND locality NOT GLOB '*[^a-z0-9-]*'
		AND locality GLOB '[^-]*' AND locality GLOB '*[^-]')),
	CONSTRAINT "instance_other.source must be 1..255 printable ASCII characters"
	CHECK (length(source) BETWEEN 1 AND 255
		AND source NOT GLOB '*[^ -~]*')
) STRICT, WITHOUT ROWID;
CREATE TRIGGER instance_other_words AFTER INSERT ON instance_other BEGIN
	INSERT INTO words VALUES (NEW.tags, NEW.meta);
END;

-- ---- changes of owner -----------------------------------------------------

-- Private to the triggers below: there is a row while one of them changes an
-- owner, so never between two statements.
CREATE TABLE owner_change (
	one INTEGER PRIMARY KEY DEFAULT 1
		CONSTRAINT "owner_change has one row" CHECK (one = 1),
	why TEXT
) STRICT;

-- A row here takes its service (instance '': with all its instances) or its
-- instance over from whoever had it, for as long as it is here: (node, source)
-- owns it then though others may be lower. Deleting it gives back.
CREATE TABLE taken_over (
	zone TEXT NOT NULL DEFAULT 'svc.internal',
	service TEXT NOT NULL,
	instance TEXT NOT NULL DEFAULT '',
	node TEXT NOT NULL DEFAULT '',
	source TEXT NOT NULL DEFAULT 'sql',
	who TEXT NOT NULL DEFAULT 'sql',
	at_wall_ms INTEGER NOT NULL DEFAULT (
		CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)),
	PRIMARY KEY (zone, service, instance),
	CONSTRAINT "taken_over.who must be 1..255 printable ASCII characters"
	CHECK (length(who) BETWEEN 1 AND 255 AND who NOT GLOB '*[^ -~]*')
) STRICT, WITHOUT ROWID;

CREATE TRIGGER service_owner AFTER UPDATE OF node, source ON service
WHEN (NEW.node, NEW.source) IS NOT (OLD.node, OLD.source)
	AND NOT EXISTS (SELECT 1 FROM owner_change WHERE one = 1) BEGIN
	SELECT RAISE(ABORT, 'service.source: a row keeps its owner: take it over by a row in taken_over');
END;
CREATE TRIGGER instance_owner AFTER UPDATE OF node, source ON instance
WHEN (NEW.node, NEW.source) IS NOT (OLD.node, OLD.source)
	AND NOT EXISTS (SELECT 1 FROM owner_change WHERE one = 1) BEGIN
	SELECT RAISE(ABORT, 'instance.source: a row keeps its owner: take it over by a row in taken_over');
END;
CREATE TRIGGER instance_owned AFTER UPDATE OF node, source ON instance
WHEN (NEW.node, NEW.source) IS NOT (OLD.node, OLD.source) BEGIN
	-- for registrars, which follow this log: whose it is now
	INSERT INTO change (zone, service) VALUES (NEW.zone, NEW.service);
	INSERT INTO history
		(at_wall_ms, zone, service, instance, was, now, source, reason)
	VALUES (CAST(round((julianday('now') - 2440587.5) * 86400000)
		AS INTEGER), NEW.zone, NEW.service, NEW.name, NEW.state,
		NEW.state, NEW.source, 'taken over from ' || OLD.source
		|| CASE OLD.node WHEN '' THEN '' ELSE ' of ' || OLD.node END
		|| ifnull((SELECT ', ' || why FROM owner_change
			WHERE one = 1 AND why IS NOT NULL), ''));
END;

-- REPLACE fires no trigger of the row that it takes away. So that row is noted
-- before, and the new one refused after; an ON CONFLICT DO UPDATE gets as far
-- as the note alone, and may go on.
CREATE TABLE overwritten (
	one INTEGER PRIMARY KEY DEFAULT 1
		CONSTRAINT "overwritten has one row" CHECK (one = 1),
	zone TEXT NOT NULL,
	service TEXT NOT NULL,
	instance TEXT NOT NULL
) STRICT;

CREATE TRIGGER service_overwriting BEFORE INSERT ON service
WHEN EXISTS (SELECT 1 FROM overwritten WHERE one = 1) OR EXISTS (SELECT 1 FROM service
	WHERE zone = NEW.zone AND name = NEW.name
	AND (node, source) IS NOT (NEW.node, NEW.source)) BEGIN
	DELETE FROM overwritten WHERE one = 1;
	INSERT INTO overwritten (zone, service, instance)
	SELECT zone, name, '' FROM service
	WHERE zone = NEW.zone AND name = NEW.name
		AND (node, source) IS NOT (NEW.node, NEW.source);
END;
CREATE TRIGGER service_overwritten AFTER INSERT ON service
WHEN EXISTS (SELECT 1 FROM overwritten WHERE one = 1) BEGIN
	SELECT RAISE(ABORT, 'service.source: the row that is there belongs to another: take it over by a row in taken_over')
	FROM overwritten WHERE one = 1
	AND zone = NEW.zone AND service = NEW.name AND instance = '';
	DELETE FROM overwritten WHERE one = 1;
END;
CREATE TRIGGER instance_overwriting BEFORE INSERT ON instance
WHEN EXISTS (SELECT 1 FROM overwritten WHERE one = 1) OR EXISTS (SELECT 1 FROM instance
	WHERE zone = NEW.zone AND service = NEW.service AND name = NEW.name
	AND (node, source) IS NOT (NEW.node, NEW.source)) BEGIN
	DELETE FROM overwritten WHERE one = 1;
	INSERT INTO overwritten (zone, service, instance)
	SELECT zone, service, name FROM instance
	WHERE zone = NEW.zone AND service = NEW.service AND name = NEW.name
		AND (node, source) IS NOT (NEW.node, NEW.source);
END;
CREATE TRIGGER instance_overwritten AFTER INSERT ON instance
WHEN EXISTS (SELECT 1 FROM overwritten WHERE one = 1) BEGIN
	SELECT RAISE(ABORT, 'instance.source: the row that is there belongs to another: take it over by a row in taken_over')
	FROM overwritten WHERE one = 1 AND zone = NEW.zone
		AND service = NEW.service
		AND instance = NEW.name;
	DELETE FROM overwritten WHERE one = 1;
END;

-- Instances go with their service, so those of others keep it.
CREATE TRIGGER service_kept BEFORE DELETE ON service
WHEN EXISTS (SELECT 1 FROM instance
	WHERE zone = OLD.zone AND service = OLD.name
	AND (node, source) IS NOT (OLD.node, OLD.source))
	AND NOT EXISTS (SELECT 1 FROM owner_change WHERE one = 1) BEGIN
	SELECT RAISE(ABORT, 'service.source: it has instances of others: take it over by a row in taken_over, with instance ''''');
END;

-- What belongs to a key goes with its row, and moves with it.
CREATE TRIGGER service_deleted_others AFTER DELETE ON service BEGIN
	DELETE FROM service_other WHERE zone = OLD.zone AND name = OLD.name;
	DELETE FROM taken_over WHERE zone = OLD.zone
		AND service = OLD.name AND instance = '';
END;
CREATE TRIGGER instance_deleted_others AFTER DELETE ON instance BEGIN
	DELETE FROM instance_other WHERE zone = OLD.zone
		AND service = OLD.service AND name = OLD.name;
	DELETE FROM taken_over WHERE zone = OLD.zone
		AND service = OLD.service AND instance = OLD.name;
END;
CREATE TRIGGER service_renamed_others AFTER UPDATE OF zone, name ON service
WHEN (NEW.zone, NEW.name) IS NOT (OLD.zone, OLD.name) BEGIN
	UPDATE OR REPLACE service_other SET zone = NEW.zone, name = NEW.name
		WHERE zone = OLD.zone AND name = OLD.name;
	UPDATE OR REPLACE taken_over SET zone = NEW.zone, service = NEW.name
		WHERE zone = OLD.zone AND service = OLD.name AND instance = '';
END;
CREATE TRIGGER instance_renamed_others AFTER UPDATE OF
	zone, service, name ON instance
WHEN (NEW.zone, NEW.service, NEW.name) IS NOT
	(OLD.zone, OLD.service, OLD.name) BEGIN
	UPDATE OR REPLACE instance_other
		SET zone = NEW.zone, service = NEW.service, name = NEW.name
		WHERE zone = OLD.zone AND service = OLD.service
		AND name = OLD.name;
	UPDATE OR REPLACE taken_over SET zone = NEW.zone,
		service = NEW.service, instance = NEW.name
		WHERE zone = OLD.zone AND service = OLD.service
		AND instance = OLD.name;
END;

-- ---- who wins -------------------------------------------------------------

-- A row put into these views lets the lowest of *_other be the row. leaves:
-- its owner gives it up; else what the owner says joins the others first.
-- Nothing is lower than a row that was taken over.
CREATE VIEW service_settle (zone, name, leaves) AS SELECT '', '', 0;
CREATE TRIGGER service_settled INSTEAD OF INSERT ON service_settle
WHEN EXISTS (SELECT 1 FROM service_other
	WHERE zone = NEW.zone AND name = NEW.name)
	AND (NEW.leaves OR NOT EXISTS (SELECT 1 FROM taken_over
	WHERE zone = NEW.zone AND service = NEW.name AND instance = '')) BEGIN
	INSERT OR REPLACE INTO service_other (zone, name, node, source,
		definition, protocol, port, ttl_s, max_answers, on_empty,
		tags, meta)
	SELECT zone, name, node, source, ifnull(definition, ''), protocol,
		port, ttl_s, max_answers, on_empty, tags, meta
	FROM service
	WHERE zone = NEW.zone AND name = NEW.name AND NOT NEW.leaves;
	DELETE FROM taken_over WHERE NEW.leaves AND zone = NEW.zone
		AND service = NEW.name AND instance = '';
	INSERT OR REPLACE INTO owner_change (why)
		VALUES ('the lowest that describes it');
	UPDATE service SET (node, source, definition, protocol, port, ttl_s,
		max_answers, on_empty, tags, meta) = (SELECT node, source,
		nullif(definition, ''), protocol, port, ttl_s, max_answers,
		on_empty, tags, meta FROM service_other
		WHERE zone = NEW.zone AND name = NEW.name
		ORDER BY CASE node WHEN '' THEN (SELECT name FROM host WHERE one = 1)
			ELSE node END, source, definition LIMIT 1)
	WHERE zone = NEW.zone AND name = NEW.name;
	DELETE FROM service_other WHERE (zone, name, node, source, definition)
		= (SELECT zone, name, node, source, ifnull(definition, '')
		FROM service WHERE zone = NEW.zone AND name = NEW.name);
	DELETE FROM owner_change WHERE one = 1;
END;

CREATE VIEW instance_settle (zone, service, name, leaves) AS
	SELECT '', '', '', 0;
CREATE TRIGGER instance_settled INSTEAD OF INSERT ON instance_settle
WHEN EXISTS (SELECT 1 FROM instance_other WHERE zone = NEW.zone
	AND service = NEW.service AND name = NEW.name)
	AND (NEW.leaves OR NOT EXISTS (SELECT 1 FROM taken_over
	WHERE zone = NEW.zone AND service = NEW.service
	AND instance = NEW.name)) BEGIN
	INSERT OR REPLACE INTO instance_other (zone, service, name, node,
		source, definition, address, address6, port, priority, weight,
		weight_warning, lease_until_wall_ms, tags, meta, locality)
	SELECT zone, service, name, node, source, definition, address,
		address6, port, priority, weight, weight_warning,
		lease_until_wall_ms, tags, meta, locality
	FROM instance WHERE zone = NEW.zone AND service = NEW.service
		AND name = NEW.name AND NOT NEW.leaves;
	DELETE FROM taken_over WHERE NEW.leaves AND zone = NEW.zone
		AND service = NEW.service AND instance = NEW.name;
	INSERT OR REPLACE INTO owner_change (why)
		VALUES ('the lowest that describes it');
	UPDATE instance SET (node, source, definition, address, address6, port,
		priority, weight, weight_warning, lease_until_wall_ms, tags,
		meta, locality) = (SELECT node, source, definition, address,
		address6, port, priority, weight, weight_warning,
		lease_until_wall_ms, tags, meta, locality FROM instance_other
		WHERE zone = NEW.zone AND service = NEW.service
		AND name = NEW.name
		ORDER BY CASE node WHEN '' THEN (SELECT name FROM host WHERE one = 1)
			ELSE node END, source LIMIT 1)
	WHERE zone = NEW.zone AND service = NEW.service AND name = NEW.name;
	DELETE FROM instance_other WHERE (zone, service, name, node, source)
		= (SELECT zone, service, name, node, source FROM instance
		WHERE zone = NEW.zone AND service = NEW.service
		AND name = NEW.name);
	DELETE FROM owner_change WHERE one = 1;
END;

CREATE TRIGGER host_renamed AFTER UPDATE OF name ON host
WHEN NEW.name <> OLD.name BEGIN
	INSERT INTO service_settle
		SELECT DISTINCT zone, name, 0 FROM service_other;
	INSERT INTO instance_settle
		SELECT DISTINCT zone, service, name, 0 FROM instance_other;
END;

CREATE TRIGGER taken_over_begun AFTER INSERT ON taken_over BEGIN
	SELECT RAISE(ABORT, 'taken_over: there is no such service or instance')
	WHERE CASE NEW.instance WHEN '' THEN NOT EXISTS (SELECT 1 FROM service
		WHERE zone = NEW.zone AND name = NEW.service)
	ELSE NOT EXISTS (SELECT 1 FROM instance WHERE zone = NEW.zone
		AND service = NEW.service AND name = NEW.instance) END;
	INSERT OR REPLACE INTO taken_over
		(zone, service, instance, node, source, who, at_wall_ms)
	SELECT zone, service, name, NEW.node, NEW.source, NEW.who,
		NEW.at_wall_ms FROM instance
	WHERE NEW.instance = '' AND zone = NEW.zone
		AND service = NEW.service
		AND (node, source) IS NOT (NEW.node, NEW.source);
	-- what was said until now stays, as what another says
	INSERT OR REPLACE INTO service_other (zone, name, node, source,
		definition, protocol, port, ttl_s, max_answers, on_empty,
		tags, meta)
	SELECT zone, name, node, source, ifnull(definition, ''), protocol,
		port, ttl_s, max_answers, on_empty, tags, meta
	FROM service WHERE NEW.instance = '' AND zone = NEW.zone
		AND name = NEW.service
		AND (node, source) IS NOT (NEW.node, NEW.source);
	INSERT OR REPLACE INTO instance_other (zone, service, name, node,
		source, definition, address, address6, port, priority, weight,
		weight_warning, lease_until_wall_ms, tags, meta, locality)
	SELECT zone, service, name, node, source, definition, address,
		address6, port, priority, weight, weight_warning,
		lease_until_wall_ms, tags, meta, locality
	FROM instance WHERE zone = NEW.zone AND service = NEW.service
		AND NEW.instance IN ('', name)
		AND (node, source) IS NOT (NEW.node, NEW.source);
	INSERT OR REPLACE INTO owner_change (why) VALUES ('by ' || NEW.who);
	UPDATE service SET node = NEW.node, source = NEW.source,
		definition = NULL
	WHERE NEW.instance = '' AND zone = NEW.zone AND name = NEW.service
		AND (node, source) IS NOT (NEW.node, NEW.source);
	UPDATE instance SET node = NEW.node, source = NEW.source,
		definition = NULL
	WHERE zone = NEW.zone AND service = NEW.service
		AND NEW.instance IN ('', name)
		AND (node, source) IS NOT (NEW.node, NEW.source);
	DELETE FROM service_other WHERE NEW.instance = ''
		AND zone = NEW.zone AND name = NEW.service
		AND (node, source) = (NEW.node, NEW.source);
	DELETE FROM instance_other WHERE zone = NEW.zone
		AND service = NEW.service AND NEW.instance IN ('', name)
		AND (node, source) = (NEW.node, NEW.source);
	DELETE FROM owner_change WHERE one = 1;
END;
-- Who gives an instance back does not claim it any more, if others do.
CREATE TRIGGER taken_over_ended AFTER DELETE ON taken_over
WHEN NOT EXISTS (SELECT 1 FROM owner_change WHERE one = 1) BEGIN
	INSERT INTO service_settle SELECT zone, name, 1 FROM service
		WHERE OLD.instance = '' AND zone = OLD.zone
		AND name = OLD.service
		AND (node, source) = (OLD.node, OLD.source);
	INSERT INTO instance_settle SELECT zone, service, name, 1
		FROM instance WHERE zone = OLD.zone
		AND service = OLD.service AND name = OLD.instance
		AND (node, source) = (OLD.node, OLD.source);
END;
CREATE TRIGGER taken_over_fixed BEFORE UPDATE OF
	node, source, who, at_wall_ms ON taken_over BEGIN
	SELECT RAISE(ABORT, 'taken_over: delete the row and insert another');
END;

-- ---- claims ---------------------------------------------------------------

-- All that is said of a service, wins: is it the row? To say something is an
-- INSERT, also again; it replaces all that this (node, source) said. To take it
-- back is a DELETE: the next one becomes the row, or the row goes; a service
-- stays while it has instances.
CREATE VIEW service_claim (zone, name, node, source, definition, protocol,
	port, ttl_s, max_answers, on_empty, tags, meta, wins) AS
SELECT zone, name, node, source, ifnull(definition, ''), protocol, port,
	ttl_s, max_answers, on_empty, tags, meta, 1 FROM service
UNION ALL
SELECT zone, name, node, source, definition, protocol, port, ttl_s,
	max_answers, on_empty, tags, meta, 0 FROM service_other;

CREATE TRIGGER service_claimed INSTEAD OF INSERT ON service_claim BEGIN
	DELETE FROM service_other
	WHERE zone = ifnull(NEW.zone, 'svc.internal') AND name = NEW.name
		AND node = ifnull(NEW.node, '')
		AND source = ifnull(NEW.source, 'sql');
	INSERT INTO service_other (zone, name, node, source, definition,
		protocol, port, ttl_s, max_answers, on_empty, tags, meta)
	SELECT zone, name, ifnull(NEW.node, ''), ifnull(NEW.source, 'sql'),
		ifnull(NEW.definition, ''), ifnull(NEW.protocol, 'tcp'),
		NEW.port, NEW.ttl_s, NEW.max_answers,
		ifnull(NEW.on_empty, 'nodata'), ifnull(NEW.tags, '[]'),
		ifnull(NEW.meta, '{}') FROM service
	WHERE zone = ifnull(NEW.zone, 'svc.internal') AND name = NEW.name
		AND (node, source) IS NOT
		(ifnull(NEW.node, ''), ifnull(NEW.source, 'sql'));
	INSERT INTO service (zone, name, node, source, definition, protocol,
		port, ttl_s, max_answers, on_empty, tags, meta)
	SELECT ifnull(NEW.zone, 'svc.internal'), NEW.name,
		ifnull(NEW.node, ''), ifnull(NEW.source, 'sql'),
		nullif(NEW.definition, ''), ifnull(NEW.protocol, 'tcp'),
		NEW.port, NEW.ttl_s, NEW.max_answers,
		ifnull(NEW.on_empty, 'nodata'), ifnull(NEW.tags, '[]'),
		ifnull(NEW.meta, '{}')
	WHERE NOT EXISTS (SELECT 1 FROM service_other
		WHERE zone = ifnull(NEW.zone, 'svc.internal')
		AND name = NEW.name AND node = ifnull(NEW.node, '')
		AND source = ifnull(NEW.source, 'sql'))
	ON CONFLICT (zone, name) DO UPDATE SET (definition, protocol, port,
		ttl_s, max_answers, on_empty, tags, meta) =
		(excluded.definition, excluded.protocol, excluded.port,
		excluded.ttl_s, excluded.max_answers, excluded.on_empty,
		excluded.tags, excluded.meta);
	INSERT INTO service_settle
		VALUES (ifnull(NEW.zone, 'svc.internal'), NEW.name, 0);
END;
CREATE TRIGGER service_unclaimed INSTEAD OF DELETE ON service_claim BEGIN
	DELETE FROM service_other WHERE (zone, name, node, source) =
		(OLD.zone, OLD.name, OLD.node, OLD.source);
	DELETE FROM service WHERE (zone, name, node, source) =
		(OLD.zone, OLD.name, OLD.node, OLD.source)
		AND NOT EXISTS (SELECT 1 FROM service_other
			WHERE zone = OLD.zone AND name = OLD.name)
		AND NOT EXISTS (SELECT 1 FROM instance
			WHERE zone = OLD.zone AND service = OLD.name);
	INSERT INTO service_settle SELECT zone, name, 1 FROM service
	WHERE (zone, name, node, source) =
		(OLD.zone, OLD.name, OLD.node, OLD.source);
END;

CREATE VIEW instance_claim (zone, service, name, node, source, definition,
	address, address6, port, priority, weight, weight_warning,
	lease_until_wall_ms, tags, meta, locality, wins) AS
SELECT zone, service, name, node, source, definition, address, address6, port,
	priority, weight, weight_warning, lease_until_wall_ms, tags, meta,
	locality, 1 FROM instance
UNION ALL
SELECT zone, service, name, node, source, definition, address, address6, port,
	priority, weight, weight_warning, lease_until_wall_ms, tags, meta,
	locality, 0 FROM instance_other;

CREATE TRIGGER instance_claimed INSTEAD OF INSERT ON instance_claim BEGIN
	INSERT OR REPLACE INTO instance_other (zone, service, name, node,
		source, definition, address, address6, port, priority, weight,
		weight_warning, lease_until_wall_ms, tags, meta, locality)
	SELECT zone, service, name, ifnull(NEW.node, ''),
		ifnull(NEW.source, 'sql'), NEW.definition, NEW.address,
		NEW.address6, NEW.port, ifnull(NEW.priority, 0),
		ifnull(NEW.weight, 100), NEW.weight_warning,
		ifnull(NEW.lease_until_wall_ms, 0), ifnull(NEW.tags, '[]'),
		ifnull(NEW.meta, '{}'), NEW.locality FROM instance
	WHERE zone = ifnull(NEW.zone, 'svc.internal')
		AND service = NEW.service AND name = NEW.name
		AND (node, source) IS NOT
		(ifnull(NEW.node, ''), ifnull(NEW.source, 'sql'));
	INSERT INTO instance (zone, service, name, node, source, definition,
		address, address6, port, priority, weight, weight_warning,
		lease_until_wall_ms, tags, meta, locality)
	SELECT ifnull(NEW.zone, 'svc.internal'), NEW.service, NEW.name,
		ifnull(NEW.node, ''), ifnull(NEW.source, 'sql'),
		NEW.definition, NEW.address, NEW.address6, NEW.port,
		ifnull(NEW.priority, 0), ifnull(NEW.weight, 100),
		NEW.weight_warning, ifnull(NEW.lease_until_wall_ms, 0),
		ifnull(NEW.tags, '[]'), ifnull(NEW.meta, '{}'), NEW.locality
	WHERE NOT EXISTS (SELECT 1 FROM instance_other
		WHERE zone = ifnull(NEW.zone, 'svc.internal')
		AND service = NEW.service AND name = NEW.name
		AND node = ifnull(NEW.node, '')
		AND source = ifnull(NEW.source, 'sql'))
	ON CONFLICT (zone, service, name) DO UPDATE SET (definition, address,
		address6, port, priority, weight, weight_warning,
		lease_until_wall_ms, tags, meta, locality) =
		(excluded.definition, excluded.address, excluded.address6,
		excluded.port, excluded.priority, excluded.weight,
		excluded.weight_warning, excluded.lease_until_wall_ms,
		excluded.tags, excluded.meta, excluded.locality);
	INSERT INTO instance_settle VALUES
		(ifnull(NEW.zone, 'svc.internal'), NEW.service, NEW.name, 0);
END;
CREATE TRIGGER instance_unclaimed INSTEAD OF DELETE ON instance_claim BEGIN
	DELETE FROM instance_other WHERE (zone, service, name, node, source) =
		(OLD.zone, OLD.service, OLD.name, OLD.node, OLD.source);
	DELETE FROM instance WHERE (zone, service, name, node, source) =
		(OLD.zone, OLD.service, OLD.name, OLD.node, OLD.source)
		AND NOT EXISTS (SELECT 1 FROM instance_other
			WHERE zone = OLD.zone AND service = OLD.service
			AND name = OLD.name);
	INSERT INTO instance_settle SELECT zone, service, name, 1
	FROM instance WHERE (zone, service, name, node, source) =
		(OLD.zone, OLD.service, OLD.name, OLD.node, OLD.source);
END;

-- What others say differently, in words; instance '': of the service.
CREATE VIEW disagreement (zone, service, instance, node, source, definition,
	says) AS
SELECT o.zone, o.name, '', o.node, o.source, o.definition, substr(
	CASE WHEN o.protocol <> s.protocol
		THEN ', protocol ' || o.protocol ELSE '' END ||
	CASE WHEN o.port IS NOT s.port
		THEN ', port ' || ifnull(o.port, 'none') ELSE '' END ||
	CASE WHEN o.ttl_s IS NOT s.ttl_s
		THEN ', ttl ' || ifnull(o.ttl_s || 's', 'none') ELSE '' END ||
	CASE WHEN o.max_answers IS NOT s.max_answers THEN ', max_answers '
		|| ifnull(o.max_answers, 'none') ELSE '' END ||
	CASE WHEN o.on_empty <> s.on_empty
		THEN ', on_empty ' || o.on_empty ELSE '' END ||
	CASE WHEN o.tags <> s.tags THEN ', tags ' || o.tags ELSE '' END ||
	CASE WHEN o.meta <> s.meta THEN ', meta ' || o.meta ELSE '' END,
	3, 400)
FROM service_other AS o JOIN service AS s USING (zone, name)
WHERE (o.protocol, o.port, o.ttl_s, o.max_answers, o.on_empty, o.tags, o.meta)
	IS NOT (s.protocol, s.port, s.ttl_s, s.max_answers, s.on_empty,
	s.tags, s.meta)
UNION ALL
SELECT o.zone, o.service, o.name, o.node, o.source, ifnull(o.definition, ''),
	substr(
	CASE WHEN o.address <> i.address
		THEN ', address ' || o.address ELSE '' END ||
	CASE WHEN o.address6 IS NOT i.address6 THEN ', address6 '
		|| ifnull(o.address6, 'none') ELSE '' END ||
	CASE WHEN o.port IS NOT i.port THEN ', port '
		|| ifnull(o.port, 'of the service') ELSE '' END ||
	CASE WHEN o.priority <> i.priority
		THEN ', priority ' || o.priority ELSE '' END ||
	CASE WHEN o.weight <> i.weight
		THEN ', weight ' || o.weight ELSE '' END ||
	CASE WHEN o.weight_warning IS NOT i.weight_warning
		THEN ', weight while warning '
		|| ifnull(o.weight_warning, 'the same') ELSE '' END ||
	CASE WHEN o.lease_until_wall_ms <> i.lease_until_wall_ms
		THEN ', another lease' ELSE '' END ||
	CASE WHEN o.tags <> i.tags THEN ', tags ' || o.tags ELSE '' END ||
	CASE WHEN o.meta <> i.meta THEN ', meta ' || o.meta ELSE '' END ||
	CASE WHEN o.locality IS NOT i.locality
		THEN ', locality ' || ifnull(o.locality, 'none') ELSE '' END,
	3, 400)
FROM instance_other AS o JOIN instance AS i USING (zone, service, name)
WHERE (o.address, o.address6, o.port, o.priority, o.weight, o.weight_warning,
	o.lease_until_wall_ms, o.tags, o.meta, o.locality) IS NOT (i.address,
	i.address6, i.port, i.priority, i.weight, i.weight_warning,
	i.lease_until_wall_ms, i.tags, i.meta, i.locality);
