-- SPDX-License-Identifier: BSD-2-Clause
-- The mesh: what a service says of who may call it and how, and what its
-- certificate authority has done. registrar/mesh reads `mesh`; here it is only
-- an object, since its keys are those of a definition and grow with them. What
-- cannot be understood there lets nobody in.

ALTER TABLE service ADD COLUMN mesh TEXT
	CONSTRAINT "service.mesh must be a JSON object, at most 16384 octets, or NULL"
	CHECK (mesh IS NULL OR CASE WHEN json_valid(mesh)
		THEN json_type(mesh) = 'object'
			AND length(CAST(mesh AS BLOB)) <= 16384
			AND instr(mesh, char(0)) = 0
		ELSE 0 END);
ALTER TABLE service_other ADD COLUMN mesh TEXT
	CONSTRAINT "service_other.mesh must be a JSON object, at most 16384 octets, or NULL"
	CHECK (mesh IS NULL OR CASE WHEN json_valid(mesh)
		THEN json_type(mesh) = 'object'
			AND length(CAST(mesh AS BLOB)) <= 16384
			AND instr(mesh, char(0)) = 0
		ELSE 0 END);

-- No answer of DNS changes; but whoever follows the changes follows this.
CREATE TRIGGER service_mesh_changed AFTER UPDATE OF mesh ON service
WHEN NEW.mesh IS NOT OLD.mesh BEGIN
	INSERT INTO change (zone, service) VALUES (NEW.zone, NEW.name);
END;

-- Everything that was issued: written before it is handed out.
CREATE TABLE mesh_certificate (
	serial TEXT PRIMARY KEY NOT NULL,
	zone TEXT NOT NULL,
	service TEXT NOT NULL,
	instance TEXT NOT NULL,
	asked_by TEXT NOT NULL,
	issued_wall_ms INTEGER NOT NULL,
	until_wall_ms INTEGER NOT NULL,
	CONSTRAINT "mesh_certificate.serial must be 1..40 hex digits"
	CHECK (length(serial) BETWEEN 1 AND 40
		AND serial NOT GLOB '*[^0-9a-f]*'),
	CONSTRAINT "mesh_certificate.asked_by must be 1..255 printable ASCII characters"
	CHECK (length(asked_by) BETWEEN 1 AND 255
		AND asked_by NOT GLOB '*[^ -~]*'),
	CONSTRAINT "mesh_certificate.until_wall_ms must be after issued_wall_ms"
	CHECK (until_wall_ms > issued_wall_ms),
	CONSTRAINT "texts must not hold the character NUL"
	CHECK (instr(serial, char(0)) = 0 AND instr(zone, char(0)) = 0
		AND instr(service, char(0)) = 0
		AND instr(instance, char(0)) = 0
		AND instr(asked_by, char(0)) = 0)
) STRICT, WITHOUT ROWID;
CREATE INDEX mesh_certificate_until ON mesh_certificate (until_wall_ms);
CREATE TRIGGER mesh_certificate_fixed BEFORE UPDATE ON mesh_certificate BEGIN
	SELECT RAISE(ABORT, 'mesh_certificate: what was issued stays as it was');
END;
CREATE TRIGGER mesh_certificate_kept BEFORE DELETE ON mesh_certificate
WHEN OLD.until_wall_ms > CAST(round((julianday('now') - 2440587.5) * 86400000)
	AS INTEGER) BEGIN
	SELECT RAISE(ABORT, 'mesh_certificate: one that is valid still stays');
END;

-- Identities that count no longer, whatever certificate they have: nobody lets
-- them in and none is issued, until the row is deleted.
CREATE TABLE mesh_revoked (
	zone TEXT NOT NULL DEFAULT 'svc.internal',
	service TEXT NOT NULL,
	who TEXT NOT NULL DEFAULT 'sql',
	reason TEXT NOT NULL DEFAULT '',
	since_wall_ms INTEGER NOT NULL DEFAULT (
		CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)),
	PRIMARY KEY (zone, service),
	CONSTRAINT "mesh_revoked.who must be 1..255 printable ASCII characters"
	CHECK (length(who) BETWEEN 1 AND 255 AND who NOT GLOB '*[^ -~]*'),
	CONSTRAINT "mesh_revoked.reason must be at most 1024 octets"
	CHECK (length(CAST(reason AS BLOB)) <= 1024),
	CONSTRAINT "texts must not hold the character NUL"
	CHECK (instr(zone, char(0)) = 0 AND instr(service, char(0)) = 0
		AND instr(who, char(0)) = 0 AND instr(reason, char(0)) = 0)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER mesh_revoked_inserted AFTER INSERT ON mesh_revoked BEGIN
	INSERT INTO change (zone, service) VALUES (NEW.zone, NEW.service);
END;
CREATE TRIGGER mesh_revoked_fixed BEFORE UPDATE OF zone, service
	ON mesh_revoked BEGIN
	SELECT RAISE(ABORT, 'mesh_revoked: delete the row and insert another');
END;
CREATE TRIGGER mesh_revoked_deleted AFTER DELETE ON mesh_revoked BEGIN
	INSERT INTO change (zone, service) VALUES (OLD.zone, OLD.service);
END;

-- As in 0009, with the mesh.
DROP TRIGGER service_settled;
CREATE TRIGGER service_settled INSTEAD OF INSERT ON service_settle
WHEN EXISTS (SELECT 1 FROM service_other
	WHERE zone = NEW.zone AND name = NEW.name)
	AND (NEW.leaves OR NOT EXISTS (SELECT 1 FROM taken_over
	WHERE zone = NEW.zone AND service = NEW.name AND instance = '')) BEGIN
	INSERT OR REPLACE INTO service_other (zone, name, node, source,
		definition, protocol, port, port_name, ports, ttl_s, max_answers, on_empty,
		tags, meta, mesh)
	SELECT zone, name, node, source, ifnull(definition, ''), protocol,
		port, port_name, ports, ttl_s, max_answers, on_empty, tags, meta, mesh
	FROM service
	WHERE zone = NEW.zone AND name = NEW.name AND NOT NEW.leaves;
	DELETE FROM taken_over WHERE NEW.leaves AND zone = NEW.zone
		AND service = NEW.name AND instance = '';
	INSERT OR REPLACE INTO owner_change (why)
		VALUES ('the lowest that describes it');
	UPDATE service SET (node, source, definition, protocol, port, port_name, ports, ttl_s,
		max_answers, on_empty, tags, meta, mesh) = (SELECT node, source,
		nullif(definition, ''), protocol, port, port_name, ports, ttl_s, max_answers,
		on_empty, tags, meta, mesh FROM service_other
		WHERE zone = NEW.zone AND name = NEW.name
		ORDER BY CASE node WHEN '' THEN (SELECT name FROM host WHERE one = 1)
			ELSE node END, source, definition LIMIT 1)
	WHERE zone = NEW.zone AND name = NEW.name;
	DELETE FROM service_other WHERE (zone, name, node, source, definition)
		= (SELECT zone, name, node, source, ifnull(definition, '')
		FROM service WHERE zone = NEW.zone AND name = NEW.name);
	DELETE FROM owner_change WHERE one = 1;
END;

DROP TRIGGER taken_over_begun;
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
		definition, protocol, port, port_name, ports, ttl_s, max_answers, on_empty,
		tags, meta, mesh)
	SELECT zone, name, node, source, ifnull(definition, ''), protocol,
		port, port_name, ports, ttl_s, max_answers, on_empty, tags, meta, mesh
	FROM service WHERE NEW.instance = '' AND zone = NEW.zone
		AND name = NEW.service
		AND (node, source) IS NOT (NEW.node, NEW.source);
	INSERT OR REPLACE INTO instance_other (zone, service, name, node,
		source, definition, address, address6, port, ports, priority, weight,
		weight_warning, lease_until_wall_ms, tags, meta, locality)
	SELECT zone, service, name, node, source, definition, address,
		address6, port, ports, priority, weight, weight_warning,
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

-- As in 0010: what is created last looks first, so that the fault that is told
-- is the text and not what there is no row for.
DROP TRIGGER taken_over_has_text;
CREATE TRIGGER taken_over_has_text AFTER INSERT ON taken_over
WHEN instr(NEW.zone, char(0)) OR instr(NEW.service, char(0))
	OR instr(NEW.instance, char(0)) OR instr(NEW.node, char(0))
	OR instr(NEW.source, char(0)) OR instr(NEW.who, char(0)) BEGIN
	SELECT RAISE(ABORT, 'texts must not hold the character NUL');
END;

DROP VIEW service_claim;
CREATE VIEW service_claim (zone, name, node, source, definition, protocol,
	port, port_name, ports, ttl_s, max_answers, on_empty, tags, meta, mesh, wins) AS
SELECT zone, name, node, source, ifnull(definition, ''), protocol, port, port_name, ports,
	ttl_s, max_answers, on_empty, tags, meta, mesh, 1 FROM service
UNION ALL
SELECT zone, name, node, source, definition, protocol, port, port_name, ports, ttl_s,
	max_answers, on_empty, tags, meta, mesh, 0 FROM service_other;

CREATE TRIGGER service_claimed INSTEAD OF INSERT ON service_claim BEGIN
	DELETE FROM service_other
	WHERE zone = ifnull(NEW.zone, 'svc.internal') AND name = NEW.name
		AND node = ifnull(NEW.node, '')
		AND source = ifnull(NEW.source, 'sql');
	INSERT INTO service_other (zone, name, node, source, definition,
		protocol, port, port_name, ports, ttl_s, max_answers, on_empty, tags, meta, mesh)
	SELECT zone, name, ifnull(NEW.node, ''), ifnull(NEW.source, 'sql'),
		ifnull(NEW.definition, ''), ifnull(NEW.protocol, 'tcp'),
		NEW.port, NEW.port_name, NEW.ports, NEW.ttl_s, NEW.max_answers,
		ifnull(NEW.on_empty, 'nodata'), ifnull(NEW.tags, '[]'),
		ifnull(NEW.meta, '{}'), NEW.mesh FROM service
	WHERE zone = ifnull(NEW.zone, 'svc.internal') AND name = NEW.name
		AND (node, source) IS NOT
		(ifnull(NEW.node, ''), ifnull(NEW.source, 'sql'));
	INSERT INTO service (zone, name, node, source, definition, protocol,
		port, port_name, ports, ttl_s, max_answers, on_empty, tags, meta, mesh)
	SELECT ifnull(NEW.zone, 'svc.internal'), NEW.name,
		ifnull(NEW.node, ''), ifnull(NEW.source, 'sql'),
		nullif(NEW.definition, ''), ifnull(NEW.protocol, 'tcp'),
		NEW.port, NEW.port_name, NEW.ports, NEW.ttl_s, NEW.max_answers,
		ifnull(NEW.on_empty, 'nodata'), ifnull(NEW.tags, '[]'),
		ifnull(NEW.meta, '{}'), NEW.mesh
	WHERE NOT EXISTS (SELECT 1 FROM service_other
		WHERE zone = ifnull(NEW.zone, 'svc.internal')
		AND name = NEW.name AND node = ifnull(NEW.node, '')
		AND source = ifnull(NEW.source, 'sql'))
	ON CONFLICT (zone, name) DO UPDATE SET (definition, protocol, port, port_name, ports,
		ttl_s, max_answers, on_empty, tags, meta, mesh) =
		(excluded.definition, excluded.protocol, excluded.port, excluded.port_name,
		excluded.ports, excluded.ttl_s, excluded.max_answers, excluded.on_empty,
		excluded.tags, excluded.meta,
		excluded.mesh);
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

DROP VIEW disagreement;
CREATE VIEW disagreement (zone, service, instance, node, source, definition,
	says) AS
SELECT o.zone, o.name, '', o.node, o.source, o.definition, substr(
	CASE WHEN o.protocol <> s.protocol
		THEN ', protocol ' || o.protocol ELSE '' END ||
	CASE WHEN o.port IS NOT s.port
		THEN ', port ' || ifnull(o.port, 'none') ELSE '' END ||
	CASE WHEN o.port_name IS NOT s.port_name THEN ', port_name '
		|| ifnull(o.port_name, 'none') ELSE '' END ||
	CASE WHEN o.ports IS NOT s.ports
		THEN ', ports ' || ifnull(o.ports, 'none') ELSE '' END ||
	CASE WHEN o.ttl_s IS NOT s.ttl_s
		THEN ', ttl ' || ifnull(o.ttl_s || 's', 'none') ELSE '' END ||
	CASE WHEN o.max_answers IS NOT s.max_answers THEN ', max_answers '
		|| ifnull(o.max_answers, 'none') ELSE '' END ||
	CASE WHEN o.on_empty <> s.on_empty
		THEN ', on_empty ' || o.on_empty ELSE '' END ||
	CASE WHEN o.tags <> s.tags THEN ', tags ' || o.tags ELSE '' END ||
	CASE WHEN o.meta <> s.meta THEN ', meta ' || o.meta ELSE '' END ||
	CASE WHEN o.mesh IS NOT s.mesh
		THEN ', mesh ' || ifnull(o.mesh, 'none') ELSE '' END,
	3, 400)
FROM service_other AS o JOIN service AS s USING (zone, name)
WHERE (o.protocol, o.port, o.port_name, o.ports, o.ttl_s, o.max_answers, o.on_empty, o.tags, o.meta, o.mesh)
	IS NOT (s.protocol, s.port, s.port_name, s.ports, s.ttl_s, s.max_answers, s.on_empty,
	s.tags, s.meta, s.mesh)
UNION ALL
SELECT o.zone, o.service, o.name, o.node, o.source, ifnull(o.definition, ''),
	substr(
	CASE WHEN o.address <> i.address
		THEN ', address ' || o.address ELSE '' END ||
	CASE WHEN o.address6 IS NOT i.address6 THEN ', address6 '
		|| ifnull(o.address6, 'none') ELSE '' END ||
	CASE WHEN o.port IS NOT i.port THEN ', port '
		|| ifnull(o.port, 'of the service') ELSE '' END ||
	CASE WHEN o.ports IS NOT i.ports THEN ', ports '
		|| ifnull(o.ports, 'of the service') ELSE '' END ||
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
WHERE (o.address, o.address6, o.port, o.ports, o.priority, o.weight, o.weight_warning,
	o.lease_until_wall_ms, o.tags, o.meta, o.locality) IS NOT (i.address,
	i.address6, i.port, i.ports, i.priority, i.weight, i.weight_warning,
	i.lease_until_wall_ms, i.tags, i.meta, i.locality);
