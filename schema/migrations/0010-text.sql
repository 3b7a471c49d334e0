-- SPDX-License-Identifier: BSD-2-Clause
-- Two rules about what may be written at all; no row is looked at for them.
--
-- Texts have no NUL: length() and GLOB, which the rules of before are made of,
-- stop there, and so does whoever reads them as C strings.
--
-- Numbers of the history go on by one, as those of `change` do: one near
-- 2^63 - 1 would leave random ones for all after it, in no order.

CREATE TRIGGER service_has_text AFTER INSERT ON service
WHEN instr(NEW.source, char(0)) OR instr(NEW.definition, char(0))
	OR instr(NEW.node, char(0)) OR instr(NEW.tags, char(0))
	OR instr(NEW.meta, char(0)) OR instr(NEW.ports, char(0)) BEGIN
	SELECT RAISE(ABORT, 'texts must not hold the character NUL');
END;
CREATE TRIGGER service_keeps_text AFTER UPDATE OF
	source, definition, node, tags, meta, ports ON service
WHEN instr(NEW.source, char(0)) OR instr(NEW.definition, char(0))
	OR instr(NEW.node, char(0)) OR instr(NEW.tags, char(0))
	OR instr(NEW.meta, char(0)) OR instr(NEW.ports, char(0)) BEGIN
	SELECT RAISE(ABORT, 'texts must not hold the character NUL');
END;
CREATE TRIGGER instance_has_text AFTER INSERT ON instance
WHEN instr(NEW.source, char(0)) OR instr(NEW.definition, char(0))
	OR instr(NEW.reason, char(0)) OR instr(NEW.drain_text, char(0))
	OR instr(NEW.node, char(0)) OR instr(NEW.tags, char(0))
	OR instr(NEW.meta, char(0)) OR instr(NEW.ports, char(0)) BEGIN
	SELECT RAISE(ABORT, 'texts must not hold the character NUL');
END;
CREATE TRIGGER instance_keeps_text AFTER UPDATE OF
	source, definition, node, tags, meta, ports ON instance
WHEN instr(NEW.source, char(0)) OR instr(NEW.definition, char(0))
	OR instr(NEW.node, char(0)) OR instr(NEW.tags, char(0))
	OR instr(NEW.meta, char(0)) OR instr(NEW.ports, char(0)) BEGIN
	SELECT RAISE(ABORT, 'texts must not hold the character NUL');
END;
CREATE TRIGGER instance_keeps_words AFTER UPDATE OF
	reason, drain_text ON instance
WHEN instr(NEW.reason, char(0)) OR instr(NEW.drain_text, char(0)) BEGIN
	SELECT RAISE(ABORT, 'texts must not hold the character NUL');
END;
CREATE TRIGGER service_other_has_text AFTER INSERT ON service_other
WHEN instr(NEW.zone, char(0)) OR instr(NEW.name, char(0))
	OR instr(NEW.node, char(0)) OR instr(NEW.source, char(0))
	OR instr(NEW.definition, char(0)) OR instr(NEW.tags, char(0))
	OR instr(NEW.meta, char(0)) BEGIN
	SELECT RAISE(ABORT, 'texts must not hold the character NUL');
END;
CREATE TRIGGER service_other_keeps_text AFTER UPDATE OF
	zone, name, node, source, definition, tags, meta ON service_other
WHEN instr(NEW.zone, char(0)) OR instr(NEW.name, char(0))
	OR instr(NEW.node, char(0)) OR instr(NEW.source, char(0))
	OR instr(NEW.definition, char(0)) OR instr(NEW.tags, char(0))
	OR instr(NEW.meta, char(0)) BEGIN
	SELECT RAISE(ABORT, 'texts must not hold the character NUL');
END;
CREATE TRIGGER instance_other_has_text AFTER INSERT ON instance_other
WHEN instr(NEW.zone, char(0)) OR instr(NEW.service, char(0))
	OR instr(NEW.name, char(0)) OR instr(NEW.node, char(0))
	OR instr(NEW.source, char(0)) OR instr(NEW.definition, char(0))
	OR instr(NEW.tags, char(0)) OR instr(NEW.meta, char(0)) BEGIN
	SELECT RAISE(ABORT, 'texts must not hold the character NUL');
END;
CREATE TRIGGER instance_other_keeps_text AFTER UPDATE OF
	zone, service, name, node, source, definition, tags, meta ON instance_other
WHEN instr(NEW.zone, char(0)) OR instr(NEW.service, char(0))
	OR instr(NEW.name, char(0)) OR instr(NEW.node, char(0))
	OR instr(NEW.source, char(0)) OR instr(NEW.definition, char(0))
	OR instr(NEW.tags, char(0)) OR instr(NEW.meta, char(0)) BEGIN
	SELECT RAISE(ABORT, 'texts must not hold the character NUL');
END;
CREATE TRIGGER taken_over_has_text AFTER INSERT ON taken_over
WHEN instr(NEW.zone, char(0)) OR instr(NEW.service, char(0))
	OR instr(NEW.instance, char(0)) OR instr(NEW.node, char(0))
	OR instr(NEW.source, char(0)) OR instr(NEW.who, char(0)) BEGIN
	SELECT RAISE(ABORT, 'texts must not hold the character NUL');
END;
CREATE TRIGGER taken_over_keeps_text AFTER UPDATE OF
	zone, service, instance, node, source, who ON taken_over
WHEN instr(NEW.zone, char(0)) OR instr(NEW.service, char(0))
	OR instr(NEW.instance, char(0)) OR instr(NEW.node, char(0))
	OR instr(NEW.source, char(0)) OR instr(NEW.who, char(0)) BEGIN
	SELECT RAISE(ABORT, 'texts must not hold the character NUL');
END;
CREATE TRIGGER check_result_has_text AFTER INSERT ON check_result
WHEN instr(NEW.name, char(0)) OR instr(NEW.kind, char(0))
	OR instr(NEW.output, char(0)) BEGIN
	SELECT RAISE(ABORT, 'texts must not hold the character NUL');
END;
CREATE TRIGGER check_result_keeps_text AFTER UPDATE OF
	name, kind, output ON check_result
WHEN instr(NEW.name, char(0)) OR instr(NEW.kind, char(0))
	OR instr(NEW.output, char(0)) BEGIN
	SELECT RAISE(ABORT, 'texts must not hold the character NUL');
END;
CREATE TRIGGER registrar_has_text AFTER INSERT ON registrar
WHEN instr(NEW.name, char(0)) OR instr(NEW.version, char(0))
	OR instr(NEW.last_error, char(0)) BEGIN
	SELECT RAISE(ABORT, 'texts must not hold the character NUL');
END;
CREATE TRIGGER registrar_keeps_text AFTER UPDATE OF
	name, version, last_error ON registrar
WHEN instr(NEW.name, char(0)) OR instr(NEW.version, char(0))
	OR instr(NEW.last_error, char(0)) BEGIN
	SELECT RAISE(ABORT, 'texts must not hold the character NUL');
END;
CREATE TRIGGER definition_has_text AFTER INSERT ON definition
WHEN instr(NEW.source, char(0)) OR instr(NEW.file, char(0))
	OR instr(NEW.text, char(0)) BEGIN
	SELECT RAISE(ABORT, 'texts must not hold the character NUL');
END;
CREATE TRIGGER definition_keeps_text AFTER UPDATE OF
	source, file, text ON definition
WHEN instr(NEW.source, char(0)) OR instr(NEW.file, char(0))
	OR instr(NEW.text, char(0)) BEGIN
	SELECT RAISE(ABORT, 'texts must not hold the character NUL');
END;
CREATE TRIGGER refused_definition_has_text AFTER INSERT ON refused_definition
WHEN instr(NEW.source, char(0)) OR instr(NEW.file, char(0))
	OR instr(NEW.message, char(0)) OR instr(NEW.services, char(0)) BEGIN
	SELECT RAISE(ABORT, 'texts must not hold the character NUL');
END;
CREATE TRIGGER refused_definition_keeps_text AFTER UPDATE OF
	source, file, message, services ON refused_definition
WHEN instr(NEW.source, char(0)) OR instr(NEW.file, char(0))
	OR instr(NEW.message, char(0)) OR instr(NEW.services, char(0)) BEGIN
	SELECT RAISE(ABORT, 'texts must not hold the character NUL');
END;
CREATE TRIGGER host_keeps_text AFTER UPDATE OF
	name ON host
WHEN instr(NEW.name, char(0)) BEGIN
	SELECT RAISE(ABORT, 'texts must not hold the character NUL');
END;

-- Rows of these two come with every change, so one trigger says all of it.
DROP TRIGGER change_next;
CREATE TRIGGER change_next AFTER INSERT ON change
WHEN NEW.revision <> (SELECT max(revision) FROM change)
	OR NEW.revision > 1 + (SELECT ifnull(max(revision), 0) FROM change
		WHERE revision < NEW.revision)
	OR instr(NEW.zone, char(0)) OR instr(NEW.service, char(0)) BEGIN
	SELECT RAISE(ABORT, 'texts must not hold the character NUL')
	WHERE instr(NEW.zone, char(0)) OR instr(NEW.service, char(0));
	SELECT RAISE(ABORT, 'change.revision must be the next number');
END;

-- ---- numbers of the history -------------------------------------------------

-- Where they are random already they are given anew, in the order of time.
DROP TRIGGER history_fixed;
DROP TRIGGER history_stays;
CREATE TABLE history_before AS
SELECT * FROM history
WHERE (SELECT max(id) FROM history) > 9007199254740991
	OR (SELECT min(id) FROM history) < 1
ORDER BY at_wall_ms, id;
DELETE FROM history WHERE EXISTS (SELECT 1 FROM history_before);
INSERT INTO history
	(at_wall_ms, zone, service, instance, was, now, source, reason)
SELECT at_wall_ms, zone, service, instance, was, now, source, reason
FROM history_before ORDER BY rowid;
DROP TABLE history_before;

CREATE TRIGGER history_next AFTER INSERT ON history
WHEN NEW.id < 1 OR NEW.id <> (SELECT max(id) FROM history)
	OR NEW.id > 1 AND NOT EXISTS (SELECT 1 FROM history
		WHERE id = NEW.id - 1)
	OR instr(NEW.zone || NEW.service || NEW.instance || ifnull(NEW.was, '')
		|| ifnull(NEW.now, '') || ifnull(NEW.source, '')
		|| ifnull(NEW.reason, ''), char(0)) BEGIN
	SELECT RAISE(ABORT, 'texts must not hold the character NUL')
	WHERE instr(NEW.zone || NEW.service || NEW.instance
		|| ifnull(NEW.was, '') || ifnull(NEW.now, '')
		|| ifnull(NEW.source, '') || ifnull(NEW.reason, ''), char(0));
	SELECT RAISE(ABORT, 'history.id must be the next number');
END;
CREATE TRIGGER history_fixed BEFORE UPDATE ON history BEGIN
	SELECT RAISE(ABORT, 'history is append-only: a row is never rewritten');
END;
CREATE TRIGGER history_stays BEFORE DELETE ON history
WHEN OLD.at_wall_ms >
	(julianday('now') - 2440587.5) * 86400000 - 3600000 BEGIN
	SELECT RAISE(ABORT, 'history is append-only: rows younger than an hour stay');
END;
