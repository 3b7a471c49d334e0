-- SPDX-License-Identifier: BSD-2-Clause
-- What a registrar makes of verdicts beside health: the share of its weights
-- that an instance has while it starts slowly, and how much it has flapped.
-- Both outlive the registrar. Only the share shapes answers.

-- 0: all of it.
ALTER TABLE instance ADD COLUMN ramp_percent INTEGER NOT NULL DEFAULT 0
	CONSTRAINT "instance.ramp_percent must be 0 (all of its weight) or 1..99"
	CHECK (ramp_percent BETWEEN 0 AND 99);
-- Thousandths of a flap, as of flap_wall_ms; it decays with the half-life that
-- the definition says.
ALTER TABLE instance ADD COLUMN flap_penalty INTEGER NOT NULL DEFAULT 0
	CONSTRAINT "instance.flap_penalty must be 0..9007199254740991"
	CHECK (flap_penalty BETWEEN 0 AND 9007199254740991);
ALTER TABLE instance ADD COLUMN flap_wall_ms INTEGER NOT NULL DEFAULT 0
	CONSTRAINT "instance.flap_wall_ms must be milliseconds since 1970"
	CHECK (flap_wall_ms BETWEEN 0 AND 9007199254740991);
-- 0: not held back.
ALTER TABLE instance ADD COLUMN damped_until_wall_ms INTEGER NOT NULL DEFAULT 0
	CONSTRAINT "instance.damped_until_wall_ms must be 0 (it is not) or milliseconds since 1970"
	CHECK (damped_until_wall_ms BETWEEN 0 AND 9007199254740991);

CREATE TRIGGER instance_ramped AFTER UPDATE OF ramp_percent ON instance
WHEN NEW.ramp_percent <> OLD.ramp_percent BEGIN
	INSERT INTO change (zone, service) VALUES (NEW.zone, NEW.service);
END;
