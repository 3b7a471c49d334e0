-- SPDX-License-Identifier: BSD-2-Clause
-- A service has ports, one or several. `port` and `protocol` stay those of the
-- first, which port_name may name; further ones are in `ports`, in order:
--
--	[{"name":"grpc","port":9090},{"port":88,"protocol":"udp"}]
--
-- protocol is tcp where it is not given. All instances of a service have its
-- ports; instance.ports, of the same form, has other numbers for some of the
-- further ones, found by name and protocol, as instance.port has for the
-- first. Numbers of ports that the service does not have mean nothing. NULL:
-- none.

ALTER TABLE service ADD COLUMN port_name TEXT
	CONSTRAINT "service.port_name must be 1..62 of a-z 0-9 '-', no '-' at either end"
	CHECK (port_name IS NULL
		OR (length(CAST(port_name AS BLOB)) = length(port_name)
		AND length(port_name) BETWEEN 1 AND 62
		AND port_name NOT GLOB '*[^a-z0-9-]*'
		AND port_name GLOB '[^-]*' AND port_name GLOB '*[^-]'));
ALTER TABLE service ADD COLUMN ports TEXT
	CONSTRAINT "service.ports must be a JSON array, at most 8192 octets, or NULL"
	CHECK (ports IS NULL OR CASE WHEN json_valid(ports)
		THEN json_type(ports) = 'array'
			AND length(CAST(ports AS BLOB)) <= 8192
		ELSE 0 END);
ALTER TABLE instance ADD COLUMN ports TEXT
	CONSTRAINT "instance.ports must be a JSON array, at most 8192 octets, or NULL"
	CHECK (ports IS NULL OR CASE WHEN json_valid(ports)
		THEN json_type(ports) = 'array'
			AND length(CAST(ports AS BLOB)) <= 8192
		ELSE 0 END);

-- As `words` in 0001: what is put into the view is looked at and thrown away.
-- Name and protocol are those of the first port, NULL where it is not there.
CREATE VIEW port_list (ports, name, protocol) AS SELECT '[]', NULL, NULL;
CREATE TRIGGER port_list_inserted INSTEAD OF INSERT ON port_list BEGIN
	SELECT RAISE(ABORT, 'ports must be objects with "port" 1..65535 and, if any, "name" and "protocol": 1..62 and 1..15 of a-z 0-9 ''-'', no ''-'' at either end')
	FROM json_each(NEW.ports) AS p
	WHERE instr(NEW.ports, '\u0000') OR CASE p.type WHEN 'object' THEN
		ifnull(json_type(p.value, '$.port'), '') <> 'integer'
		OR json_extract(p.value, '$.port') NOT BETWEEN 1 AND 65535
		OR (SELECT count(*) <> count(DISTINCT key)
			OR max(key NOT IN ('name', 'port', 'protocol'))
			FROM json_each(p.value))
		OR (SELECT max(type <> 'text' OR value = ''
			OR length(value) > CASE key WHEN 'name' THEN 62 ELSE 15 END
			OR length(CAST(value AS BLOB)) <> length(value)
			OR value GLOB '*[^a-z0-9-]*' OR value GLOB '-*'
			OR value GLOB '*-')
			FROM json_each(p.value) WHERE key <> 'port')
		ELSE 1 END;
	SELECT RAISE(ABORT, 'ports must be at most 63')
	WHERE json_array_length(NEW.ports) > 63;
	SELECT RAISE(ABORT, 'ports must differ in name or protocol, and one without a name must be the first of its protocol')
	FROM (SELECT p.key AS at, json_extract(p.value, '$.name') AS name,
		ifnull(json_extract(p.value, '$.protocol'), 'tcp') AS protocol
		FROM json_each(NEW.ports) AS p) AS x
	WHERE NEW.protocol IS NOT NULL AND x.protocol = NEW.protocol
		AND (x.name IS NULL OR x.name = NEW.name)
		OR EXISTS (SELECT 1 FROM json_each(NEW.ports) AS q
			WHERE q.key < x.at
			AND ifnull(json_extract(q.value, '$.protocol'), 'tcp') =
				x.protocol
			AND (x.name IS json_extract(q.value, '$.name')
			OR x.name IS NULL AND NEW.protocol IS NOT NULL));
END;

CREATE TRIGGER service_ports_inserted AFTER INSERT ON service
WHEN NEW.ports IS NOT NULL BEGIN
	INSERT INTO port_list VALUES (NEW.ports, NEW.port_name, NEW.protocol);
END;
CREATE TRIGGER service_ports_updated AFTER UPDATE OF
	protocol, port_name, ports ON service
WHEN NEW.ports IS NOT NULL AND (NEW.protocol, NEW.port_name, NEW.ports)
	IS NOT (OLD.protocol, OLD.port_name, OLD.ports) BEGIN
	INSERT INTO port_list VALUES (NEW.ports, NEW.port_name, NEW.protocol);
END;
CREATE TRIGGER service_ports_changed AFTER UPDATE OF
	port_name, ports ON service
WHEN (NEW.port_name, NEW.ports) IS NOT (OLD.port_name, OLD.ports) BEGIN
	INSERT INTO change (zone, service) VALUES (NEW.zone, NEW.name);
END;

CREATE TRIGGER instance_ports_inserted AFTER INSERT ON instance
WHEN NEW.ports IS NOT NULL BEGIN
	INSERT INTO port_list VALUES (NEW.ports, NULL, NULL);
END;
CREATE TRIGGER instance_ports_updated AFTER UPDATE OF ports ON instance
WHEN NEW.ports IS NOT OLD.ports BEGIN
	INSERT INTO port_list SELECT NEW.ports, NULL, NULL
		WHERE NEW.ports IS NOT NULL;
	INSERT INTO change (zone, service) VALUES (NEW.zone, NEW.service);
END;

-- What others say of them has the rules of what is answered.
ALTER TABLE service_other ADD COLUMN port_name TEXT
	CONSTRAINT "service_other.port_name must be 1..62 of a-z 0-9 '-', no '-' at either end"
	CHECK (port_name IS NULL
		OR (length(CAST(port_name AS BLOB)) = length(port_name)
		AND length(port_name) BETWEEN 1 AND 62
		AND port_name NOT GLOB '*[^a-z0-9-]*'
		AND port_name GLOB '[^-]*' AND port_name GLOB '*[^-]'));
ALTER TABLE service_other ADD COLUMN ports TEXT
	CONSTRAINT "service_other.ports must be a JSON array, at most 8192 octets, or NULL"
	CHECK (ports IS NULL OR CASE WHEN json_valid(ports)
		THEN json_type(ports) = 'array'
			AND length(CAST(ports AS BLOB)) <= 8192
		ELSE 0 END);
ALTER TABLE instance_other ADD COLUMN ports TEXT
	CONSTRAINT "instance_other.ports must be a JSON array, at most 8192 octets, or NULL"
	CHECK (ports IS NULL OR CASE WHEN json_valid(ports)
		THEN json_type(ports) = 'array'
			AND length(CAST(ports AS BLOB)) <= 8192
		ELSE 0 END);
CREATE TRIGGER service_other_ports AFTER INSERT ON service_other
WHEN NEW.ports IS NOT NULL BEGIN
	INSERT INTO port_list VALUES (NEW.ports, NEW.port_name, NEW.protocol);
END;
CREATE TRIGGER instance_other_ports AFTER INSERT ON instance_other
WHEN NEW.ports IS NOT NULL BEGIN
	INSERT INTO port_list VALUES (NEW.ports, NULL, NULL);
END;

-- As in 0008, with the ports.
DROP TRIGGER service_settled;
CREATE TRIGGER service_settled INSTEAD OF INSERT ON service_settle
WHEN EXISTS (SELECT 1 FROM service_other
	WHERE zone = NEW.zone AND name = NEW.name)
	AND (NEW.leaves OR NOT EXISTS (SELECT 1 FROM taken_over
	WHERE zone = NEW.zone AND service = NEW.name AND instance = '')) BEGIN
	INSERT OR REPLACE INTO service_other (zone, name, node, source,
		definition, protocol, port, port_name, ports, ttl_s, max_answers, on_empty,
		tags, meta)
	SELECT zone, name, node, source, ifnull(definition, ''), protocol,
		port, port_name, ports, ttl_s, max_answers, on_empty, tags, meta
	FROM service
	WHERE zone = NEW.zone AND name = NEW.name AND NOT NEW.leaves;
	DELETE FROM taken_over WHERE NEW.leaves AND zone = NEW.zone
		AND service = NEW.name AND instance = '';
	INSERT OR REPLACE INTO owner_change (why)
		VALUES ('the lowest that describes it');
	UPDATE service SET (node, source, definition, protocol, port, port_name, ports, ttl_s,
		max_answers, on_empty, tags, meta) = (SELECT node, source,
		nullif(definition, ''), protocol, port, port_name, ports, ttl_s, max_answers,
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

DROP TRIGGER instance_settled;
CREATE TRIGGER instance_settled INSTEAD OF INSERT ON instance_settle
WHEN EXISTS (SELECT 1 FROM instance_other WHERE zone = NEW.zone
	AND service = NEW.service AND name = NEW.name)
	AND (NEW.leaves OR NOT EXISTS (SELECT 1 FROM taken_over
	WHERE zone = NEW.zone AND service = NEW.service
	AND instance = NEW.name)) BEGIN
	INSERT OR REPLACE INTO instance_other (zone, service, name, node,
		source, definition, address, address6, port, ports, priority, weight,
		weight_warning, lease_until_wall_ms, tags, meta, locality)
	SELECT zone, service, name, node, source, definition, address,
		address6, port, ports, priority, weight, weight_warning,
		lease_until_wall_ms, tags, meta, locality
	FROM instance WHERE zone = NEW.zone AND service = NEW.service
		AND name = NEW.name AND NOT NEW.leaves;
	DELETE FROM taken_over WHERE NEW.leaves AND zone = NEW.zone
		AND service = NEW.service AND instance = NEW.name;
	INSERT OR REPLACE INTO owner_change (why)
		VALUES ('the lowest that describes it');
	UPDATE instance SET (node, source, definition, address, address6, port, ports,
		priority, weight, weight_warning, lease_until_wall_ms, tags,
		meta, locality) = (SELECT node, source, definition, address,
		address6, port, ports, priority, weight, weight_warning,
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
		tags, meta)
	SELECT zone, name, node, source, ifnull(definition, ''), protocol,
		port, port_name, ports, ttl_s, max_answers, on_empty, tags, meta
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

DROP VIEW service_claim;
CREATE VIEW service_claim (zone, name, node, source, definition, protocol,
	port, port_name, ports, ttl_s, max_answers, on_empty, tags, meta, wins) AS
SELECT zone, name, node, source, ifnull(definition, ''), protocol, port, port_name, ports,
	ttl_s, max_answers, on_empty, tags, meta, 1 FROM service
UNION ALL
SELECT zone, name, node, source, definition, protocol, port, port_name, ports, ttl_s,
	max_answers, on_empty, tags, meta, 0 FROM service_other;

CREATE TRIGGER service_claimed INSTEAD OF INSERT ON service_claim BEGIN
	DELETE FROM service_other
	WHERE zone = ifnull(NEW.zone, 'svc.internal') AND name = NEW.name
		AND node = ifnull(NEW.node, '')
		AND source = ifnull(NEW.source, 'sql');
	INSERT INTO service_other (zone, name, node, source, definition,
		protocol, port, port_name, ports, ttl_s, max_answers, on_empty, tags, meta)
	SELECT zone, name, ifnull(NEW.node, ''), ifnull(NEW.source, 'sql'),
		ifnull(NEW.definition, ''), ifnull(NEW.protocol, 'tcp'),
		NEW.port, NEW.port_name, NEW.ports, NEW.ttl_s, NEW.max_answers,
		ifnull(NEW.on_empty, 'nodata'), ifnull(NEW.tags, '[]'),
		ifnull(NEW.meta, '{}') FROM service
	WHERE zone = ifnull(NEW.zone, 'svc.internal') AND name = NEW.name
		AND (node, source) IS NOT
		(ifnull(NEW.node, ''), ifnull(NEW.source, 'sql'));
	INSERT INTO service (zone, name, node, source, definition, protocol,
		port, port_name, ports, ttl_s, max_answers, on_empty, tags, meta)
	SELECT ifnull(NEW.zone, 'svc.internal'), NEW.name,
		ifnull(NEW.node, ''), ifnull(NEW.source, 'sql'),
		nullif(NEW.definition, ''), ifnull(NEW.protocol, 'tcp'),
		NEW.port, NEW.port_name, NEW.ports, NEW.ttl_s, NEW.max_answers,
		ifnull(NEW.on_empty, 'nodata'), ifnull(NEW.tags, '[]'),
		ifnull(NEW.meta, '{}')
	WHERE NOT EXISTS (SELECT 1 FROM service_other
		WHERE zone = ifnull(NEW.zone, 'svc.internal')
		AND name = NEW.name AND node = ifnull(NEW.node, '')
		AND source = ifnull(NEW.source, 'sql'))
	ON CONFLICT (zone, name) DO UPDATE SET (definition, protocol, port, port_name, ports,
		ttl_s, max_answers, on_empty, tags, meta) =
		(excluded.definition, excluded.protocol, excluded.port, excluded.port_name,
		excluded.ports, excluded.ttl_s, excluded.max_answers, excluded.on_empty,
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

DROP VIEW instance_claim;
CREATE VIEW instance_claim (zone, service, name, node, source, definition,
	address, address6, port, ports, priority, weight, weight_warning,
	lease_until_wall_ms, tags, meta, locality, wins) AS
SELECT zone, service, name, node, source, definition, address, address6, port, ports,
	priority, weight, weight_warning, lease_until_wall_ms, tags, meta,
	locality, 1 FROM instance
UNION ALL
SELECT zone, service, name, node, source, definition, address, address6, port, ports,
	priority, weight, weight_warning, lease_until_wall_ms, tags, meta,
	locality, 0 FROM instance_other;

CREATE TRIGGER instance_claimed INSTEAD OF INSERT ON instance_claim BEGIN
	INSERT OR REPLACE INTO instance_other (zone, service, name, node,
		source, definition, address, address6, port, ports, priority, weight,
		weight_warning, lease_until_wall_ms, tags, meta, locality)
	SELECT zone, service, name, ifnull(NEW.node, ''),
		ifnull(NEW.source, 'sql'), NEW.definition, NEW.address,
		NEW.address6, NEW.port, NEW.ports, ifnull(NEW.priority, 0),
		ifnull(NEW.weight, 100), NEW.weight_warning,
		ifnull(NEW.lease_until_wall_ms, 0), ifnull(NEW.tags, '[]'),
		ifnull(NEW.meta, '{}'), NEW.locality FROM instance
	WHERE zone = ifnull(NEW.zone, 'svc.internal')
		AND service = NEW.service AND name = NEW.name
		AND (node, source) IS NOT
		(ifnull(NEW.node, ''), ifnull(NEW.source, 'sql'));
	INSERT INTO instance (zone, service, name, node, source, definition,
		address, address6, port, ports, priority, weight, weight_warning,
		lease_until_wall_ms, tags, meta, locality)
	SELECT ifnull(NEW.zone, 'svc.internal'), NEW.service, NEW.name,
		ifnull(NEW.node, ''), ifnull(NEW.source, 'sql'),
		NEW.definition, NEW.address, NEW.address6, NEW.port, NEW.ports,
		ifnull(NEW.priority, 0), ifnull(NEW.weight, 100),
		NEW.weight_warning, ifnull(NEW.lease_until_wall_ms, 0),
		ifnull(NEW.tags, '[]'), ifnull(NEW.meta, '{}'), NEW.locality
	WHERE NOT EXISTS (SELECT 1 FROM instance_other
		WHERE zone = ifnull(NEW.zone, 'svc.internal')
		AND service = NEW.service AND name = NEW.name
		AND node = ifnull(NEW.node, '')
		AND source = ifnull(NEW.source, 'sql'))
	ON CONFLICT (zone, service, name) DO UPDATE SET (definition, address,
		address6, port, ports, priority, weight, weight_warning,
		lease_until_wall_ms, tags, meta, locality) =
		(excluded.definition, excluded.address, excluded.address6,
		excluded.port, excluded.ports, excluded.priority, excluded.weight,
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
	CASE WHEN o.meta <> s.meta THEN ', meta ' || o.meta ELSE '' END,
	3, 400)
FROM service_other AS o JOIN service AS s USING (zone, name)
WHERE (o.protocol, o.port, o.port_name, o.ports, o.ttl_s, o.max_answers, o.on_empty, o.tags, o.meta)
	IS NOT (s.protocol, s.port, s.port_name, s.ports, s.ttl_s, s.max_answers, s.on_empty,
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
