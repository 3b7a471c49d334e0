-- SPDX-License-Identifier: BSD-2-Clause
-- Many hosts. Rows of other hosts (node is not '') are written by `registrar
-- cluster`, which says here what it knows of each host, this one included.

CREATE TABLE member (
	-- '' this host
	node TEXT NOT NULL PRIMARY KEY,
	state TEXT NOT NULL,
	-- what is wrong, or ''
	text TEXT NOT NULL DEFAULT '',
	since_wall_ms INTEGER NOT NULL DEFAULT 0,
	-- of this host: when etcd answered last; of another: when it was known
	-- last to hold its lease
	heard_wall_ms INTEGER NOT NULL DEFAULT 0,
	-- of this host: that its keys hang on
	lease INTEGER NOT NULL DEFAULT 0,
	instances INTEGER NOT NULL DEFAULT 0,
	CONSTRAINT "member.state must be joining, member, cut-off, refused, left, alive, held, dropped or gone"
	CHECK (state IN ('joining', 'member', 'cut-off', 'refused', 'left',
		'alive', 'held', 'dropped', 'gone')),
	CONSTRAINT "texts must not hold the character NUL"
	CHECK (instr(node, char(0)) = 0 AND instr(state, char(0)) = 0
		AND instr(text, char(0)) = 0)
) STRICT, WITHOUT ROWID;

-- What operators here did to instances of other hosts: their owners are still
-- to be told. The mode and weight that are wanted are those of the row.
CREATE TABLE wish (
	zone TEXT NOT NULL,
	service TEXT NOT NULL,
	instance TEXT NOT NULL,
	at_wall_ms INTEGER NOT NULL,
	PRIMARY KEY (zone, service, instance),
	CONSTRAINT "texts must not hold the character NUL"
	CHECK (instr(zone, char(0)) = 0 AND instr(service, char(0)) = 0
		AND instr(instance, char(0)) = 0)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER instance_wished AFTER UPDATE OF mode, weight_override ON instance
WHEN NEW.node <> '' AND (NEW.mode, NEW.weight_override)
	IS NOT (OLD.mode, OLD.weight_override) BEGIN
	INSERT OR REPLACE INTO wish VALUES (NEW.zone, NEW.service, NEW.name,
		CAST(round((julianday('now') - 2440587.5) * 86400000)
		AS INTEGER));
END;
CREATE TRIGGER instance_wished_gone AFTER DELETE ON instance
WHEN OLD.node <> '' BEGIN
	DELETE FROM wish WHERE zone = OLD.zone AND service = OLD.service
		AND instance = OLD.name;
END;
