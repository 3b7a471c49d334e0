-- SPDX-License-Identifier: BSD-2-Clause
-- What an insert of an instance costs: each trigger is a program of its own
-- whose condition is looked at inside, so what most rows have no need of is in
-- one; and a key is looked up once. The rules are those of before.

DROP TRIGGER instance_fits;
DROP TRIGGER instance_overwriting;
CREATE TRIGGER instance_inserting BEFORE INSERT ON instance
WHEN length(NEW.zone) + length(NEW.service) + length(NEW.name) > 233
	OR EXISTS (SELECT 1 FROM instance WHERE zone = NEW.zone
	AND service = NEW.service AND name = NEW.name) BEGIN
	SELECT RAISE(ABORT, 'instance.name is too long for DNS: I._S._P.Z must be at most 255 octets')
	FROM service WHERE zone = NEW.zone AND name = NEW.service
		AND length(zone) + length(name) + length(protocol)
			+ length(NEW.name) > 248;
	-- of another owner: see instance_inserted
	DELETE FROM overwritten WHERE one = 1;
	INSERT INTO overwritten (zone, service, instance)
	SELECT zone, service, name FROM instance
	WHERE zone = NEW.zone AND service = NEW.service AND name = NEW.name
		AND (node, source) IS NOT (NEW.node, NEW.source);
END;

-- A row of overwritten may be left of an upsert that changed nothing. It goes
-- before the next insert with its key, or with the row of that.
DROP TRIGGER instance_overwritten;
DROP TRIGGER instance_inserted;
DROP TRIGGER instance_has_text;
CREATE TRIGGER instance_inserted AFTER INSERT ON instance BEGIN
	SELECT RAISE(ABORT, 'texts must not hold the character NUL')
	WHERE instr(NEW.source, char(0)) OR instr(NEW.definition, char(0))
		OR instr(NEW.reason, char(0)) OR instr(NEW.node, char(0));
	SELECT RAISE(ABORT, 'instance.service must be the name of a service in instance.zone: insert the service first')
	WHERE NOT EXISTS (SELECT 1 FROM service
		WHERE zone = NEW.zone AND name = NEW.service);
	SELECT RAISE(ABORT, 'instance.source: the row that is there belongs to another: take it over by a row in taken_over')
	FROM overwritten WHERE one = 1 AND zone = NEW.zone
		AND service = NEW.service AND instance = NEW.name;
	INSERT INTO change (zone, service) VALUES (NEW.zone, NEW.service);
	INSERT INTO history
		(at_wall_ms, zone, service, instance, was, now, source, reason)
	VALUES (NEW.since_wall_ms, NEW.zone, NEW.service, NEW.name,
		NULL, NEW.state, NEW.source, NEW.reason);
END;
CREATE TRIGGER instance_overwritten_gone AFTER DELETE ON instance
WHEN EXISTS (SELECT 1 FROM overwritten WHERE one = 1) BEGIN
	DELETE FROM overwritten WHERE one = 1 AND zone = OLD.zone
		AND service = OLD.service AND instance = OLD.name;
END;
CREATE TRIGGER instance_overwritten_renamed AFTER UPDATE OF
	zone, service, name ON instance
WHEN EXISTS (SELECT 1 FROM overwritten WHERE one = 1) BEGIN
	DELETE FROM overwritten WHERE one = 1;
END;

-- Of the log that each row makes.
DROP TRIGGER change_kept;
DROP TRIGGER change_next;
CREATE TRIGGER change_next AFTER INSERT ON change
WHEN NEW.revision & 127 = 0
	OR NEW.revision <> (SELECT max(revision) FROM change)
	OR NEW.revision > 1 + (SELECT ifnull(max(revision), 0) FROM change
		WHERE revision < NEW.revision)
	OR instr(NEW.zone, char(0)) OR instr(NEW.service, char(0)) BEGIN
	SELECT RAISE(ABORT, 'texts must not hold the character NUL')
	WHERE instr(NEW.zone, char(0)) OR instr(NEW.service, char(0));
	SELECT RAISE(ABORT, 'change.revision must be the next number')
	WHERE NEW.revision <> (SELECT max(revision) FROM change)
		OR NEW.revision > 1 + (SELECT ifnull(max(revision), 0)
			FROM change WHERE revision < NEW.revision);
	DELETE FROM change WHERE NEW.revision & 127 = 0
		AND revision <= NEW.revision - 100000;
END;

-- Lists and drains, which most have none of. A drain that is begun by SQL
-- lasts as long as one by `registrar drain`: caches may hold what they have a
-- second longer than its TTL.
DROP TRIGGER instance_inserted_words;
DROP TRIGGER instance_ports_inserted;
DROP TRIGGER instance_drain_inserted;
DROP TRIGGER instance_drain_whole_inserted;
CREATE TRIGGER instance_inserted_more AFTER INSERT ON instance
WHEN NEW.tags <> '[]' OR NEW.meta <> '{}' OR NEW.ports IS NOT NULL
	OR NEW.mode = 'draining' OR NEW.drain_step <> 'none'
	OR NEW.drain_until_wall_ms <> 0 OR NEW.drain_deadline_wall_ms <> 0
	OR NEW.drain_text IS NOT NULL BEGIN
	SELECT RAISE(ABORT, 'texts must not hold the character NUL')
	WHERE instr(NEW.drain_text, char(0)) OR instr(NEW.tags, char(0))
		OR instr(NEW.meta, char(0)) OR instr(NEW.ports, char(0));
	INSERT INTO words SELECT NEW.tags, NEW.meta
	WHERE NEW.tags <> '[]' OR NEW.meta <> '{}';
	INSERT INTO port_list SELECT NEW.ports, NULL, NULL
	WHERE NEW.ports IS NOT NULL;
	SELECT RAISE(ABORT, 'instance.drain_* belong to mode draining, which has an end')
	WHERE CASE NEW.mode WHEN 'draining'
		THEN NEW.drain_step <> 'none' AND NEW.drain_until_wall_ms = 0
		ELSE (NEW.drain_step, NEW.drain_until_wall_ms,
			NEW.drain_deadline_wall_ms, NEW.drain_text)
			IS NOT ('none', 0, 0, NULL) END;
	UPDATE instance SET drain_step = 'waiting', drain_until_wall_ms =
		CASE NEW.drain_until_wall_ms WHEN 0 THEN
		CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)
		+ 1200 + 1000 * ifnull((SELECT ttl_s FROM service
			WHERE zone = NEW.zone AND name = NEW.service), 5)
		ELSE NEW.drain_until_wall_ms END
	WHERE NEW.mode = 'draining' AND NEW.drain_step = 'none'
		AND zone = NEW.zone AND service = NEW.service
		AND name = NEW.name;
END;

DROP TRIGGER instance_drain_begun;
CREATE TRIGGER instance_drain_begun AFTER UPDATE OF mode ON instance
WHEN NEW.mode = 'draining' AND NEW.drain_step = 'none' BEGIN
	UPDATE instance SET drain_step = 'waiting', drain_until_wall_ms =
		CASE NEW.drain_until_wall_ms WHEN 0 THEN
		CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)
		+ 1200 + 1000 * ifnull((SELECT ttl_s FROM service
			WHERE zone = NEW.zone AND name = NEW.service), 5)
		ELSE NEW.drain_until_wall_ms END
	WHERE zone = NEW.zone AND service = NEW.service AND name = NEW.name;
END;

-- Edits of further ports are told like those of the first.
CREATE TRIGGER instance_ports_described AFTER UPDATE OF ports ON instance
WHEN NEW.ports IS NOT OLD.ports BEGIN
	INSERT INTO history
		(at_wall_ms, zone, service, instance, was, now, source, reason)
	VALUES (CAST(round((julianday('now') - 2440587.5) * 86400000)
		AS INTEGER), NEW.zone, NEW.service, NEW.name, NEW.state,
		NEW.state, NEW.source, substr('ports '
		|| ifnull(OLD.ports, 'of the service') || ' to '
		|| ifnull(NEW.ports, 'of the service'), 1, 1024));
END;
