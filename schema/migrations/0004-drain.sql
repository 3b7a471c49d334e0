-- SPDX-License-Identifier: BSD-2-Clause
-- How far a drain has come. While mode is draining an instance has weight 0 in
-- SRV and is in no A or AAAA; from drain_until_wall_ms on it is in no answer,
-- whether a registrar runs or not. Then its registrar does what the definition
-- says of it. Whoever sets mode alone gets the default of drain_until_wall_ms:
-- the TTL of its service, or that of dnsd by default, and 200 ms for dnsd to
-- see it.

-- waiting: for caches, then for its registrar; hook: it is at work on it.
ALTER TABLE instance ADD COLUMN drain_step TEXT NOT NULL DEFAULT 'none'
	CONSTRAINT "instance.drain_step must be none, waiting, hook, done or failed"
	CHECK (drain_step = 'none' OR drain_step = 'waiting'
		OR drain_step = 'hook' OR drain_step = 'done'
		OR drain_step = 'failed');
ALTER TABLE instance ADD COLUMN drain_until_wall_ms INTEGER NOT NULL DEFAULT 0
	CONSTRAINT "instance.drain_until_wall_ms must be 0 (no drain) or milliseconds since 1970"
	CHECK (drain_until_wall_ms = 0
		OR drain_until_wall_ms BETWEEN 100000000000 AND 9007199254740991);
-- 0: none. Nothing of the drain is waited for any longer.
ALTER TABLE instance ADD COLUMN drain_deadline_wall_ms INTEGER NOT NULL DEFAULT 0
	CONSTRAINT "instance.drain_deadline_wall_ms must be 0 (none) or milliseconds since 1970"
	CHECK (drain_deadline_wall_ms = 0
		OR drain_deadline_wall_ms BETWEEN 100000000000 AND 9007199254740991);
-- How it ended, in words.
ALTER TABLE instance ADD COLUMN drain_text TEXT
	CONSTRAINT "instance.drain_text must be at most 1024 characters"
	CHECK (length(drain_text) <= 1024);

-- What a registrar looks through: those of its own that are not over.
CREATE INDEX instance_drains ON instance (source)
	WHERE drain_step IN ('waiting', 'hook');

-- A drain has all of its columns, and nothing else has any of them.
CREATE TRIGGER instance_drain_begun AFTER UPDATE OF mode ON instance
WHEN NEW.mode = 'draining' AND NEW.drain_step = 'none' BEGIN
	UPDATE instance SET drain_step = 'waiting', drain_until_wall_ms =
		CASE NEW.drain_until_wall_ms WHEN 0 THEN
		CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)
		+ 200 + 1000 * ifnull((SELECT ttl_s FROM service
			WHERE zone = NEW.zone AND name = NEW.service), 5)
		ELSE NEW.drain_until_wall_ms END
	WHERE zone = NEW.zone AND service = NEW.service AND name = NEW.name;
END;
CREATE TRIGGER instance_drain_inserted AFTER INSERT ON instance
WHEN NEW.mode = 'draining' AND NEW.drain_step = 'none' BEGIN
	UPDATE instance SET drain_step = 'waiting', drain_until_wall_ms =
		CASE NEW.drain_until_wall_ms WHEN 0 THEN
		CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)
		+ 200 + 1000 * ifnull((SELECT ttl_s FROM service
			WHERE zone = NEW.zone AND name = NEW.service), 5)
		ELSE NEW.drain_until_wall_ms END
	WHERE zone = NEW.zone AND service = NEW.service AND name = NEW.name;
END;
CREATE TRIGGER instance_drain_ended AFTER UPDATE OF mode ON instance
WHEN NEW.mode <> 'draining' AND NEW.drain_step <> 'none' BEGIN
	UPDATE instance SET drain_step = 'none', drain_until_wall_ms = 0,
		drain_deadline_wall_ms = 0, drain_text = NULL
	WHERE zone = NEW.zone AND service = NEW.service AND name = NEW.name;
END;

-- Its beginning and its end are changes of mode, which count already.
CREATE TRIGGER instance_drain_moved AFTER UPDATE OF drain_until_wall_ms ON instance
WHEN NEW.drain_until_wall_ms <> OLD.drain_until_wall_ms
	AND OLD.drain_until_wall_ms <> 0 AND NEW.drain_until_wall_ms <> 0 BEGIN
	INSERT INTO change (zone, service) VALUES (NEW.zone, NEW.service);
END;

-- Drains of before have no end yet. No answer changes by this now.
UPDATE instance SET drain_step = 'waiting', drain_until_wall_ms =
	CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)
	+ 200 + 1000 * ifnull((SELECT ttl_s FROM service
		WHERE service.zone = instance.zone
		AND service.name = instance.service), 5)
WHERE mode = 'draining';

CREATE TRIGGER instance_drain_whole AFTER UPDATE OF drain_step,
	drain_until_wall_ms, drain_deadline_wall_ms, drain_text ON instance
WHEN CASE NEW.mode WHEN 'draining'
	THEN NEW.drain_step <> 'none' AND NEW.drain_until_wall_ms = 0
	ELSE (NEW.drain_step, NEW.drain_until_wall_ms,
		NEW.drain_deadline_wall_ms, NEW.drain_text)
		IS NOT ('none', 0, 0, NULL) END BEGIN
	SELECT RAISE(ABORT, 'instance.drain_* belong to mode draining, which has an end');
END;
CREATE TRIGGER instance_drain_whole_inserted AFTER INSERT ON instance
WHEN CASE NEW.mode WHEN 'draining'
	THEN NEW.drain_step <> 'none' AND NEW.drain_until_wall_ms = 0
	ELSE (NEW.drain_step, NEW.drain_until_wall_ms,
		NEW.drain_deadline_wall_ms, NEW.drain_text)
		IS NOT ('none', 0, 0, NULL) END BEGIN
	SELECT RAISE(ABORT, 'instance.drain_* belong to mode draining, which has an end');
END;
