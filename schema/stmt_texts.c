// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the registry is asked and told, in SQL. Columns come in the order in
 * which registry_*.c binds and reads them.
 */
#include "schema/stmt_texts.h"

#define SERVICE_COLUMNS                                                        \
	"zone, name, protocol, port, ttl_s, max_answers, on_empty, tags, "     \
	"meta, source, definition, node, port_name, ports, mesh"
#define INSTANCE_COLUMNS                                                       \
	"zone, service, name, address, address6, port, priority, weight, "     \
	"weight_warning, health, mode, lease_until_wall_ms, tags, meta, "      \
	"locality, source, definition, since_wall_ms, reason, node, ports"
#define DRAIN_COLUMNS                                                          \
	"drain_step, drain_until_wall_ms, drain_deadline_wall_ms, drain_text"
#define INSTANCE_ALL                                                           \
	INSTANCE_COLUMNS ", ramp_percent, flap_penalty, flap_wall_ms, "        \
	                 "damped_until_wall_ms, " DRAIN_COLUMNS                \
	                 ", weight_override"
/* struct eligible_facts without addresses */
#define FACTS "health, mode, lease_until_wall_ms, drain_until_wall_ms"
#define CHECK_COLUMNS                                                          \
	"zone, service, instance, name, kind, status, output, "                \
	"since_wall_ms, checked_wall_ms"
#define HISTORY_COLUMNS                                                        \
	"id, at_wall_ms, zone, service, instance, was, now, source, reason"

/*
 * Rows are put by one upsert whose WHERE leaves an equal row alone, and that
 * of another owner. What a put keeps of an existing row is simply not named in
 * its SET.
 */
#define IS_OWNED "(node, source) = (excluded.node, excluded.source)"
#define PUT_SERVICE                                                                                  \
	"INSERT INTO service (" SERVICE_COLUMNS ") "                                                 \
	"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ifnull(?, ''), ?, ?, ?) "                          \
	"ON CONFLICT (zone, name) DO UPDATE SET "                                                    \
	"(protocol, port, port_name, ports, ttl_s, max_answers, on_empty, tags, meta, mesh, "        \
	"definition) = (excluded.protocol, excluded.port, excluded.port_name, excluded.ports, "      \
	"excluded.ttl_s, excluded.max_answers, excluded.on_empty, "                                  \
	"excluded.tags, excluded.meta, excluded.mesh, excluded.definition) WHERE " IS_OWNED          \
	" AND (protocol, port, port_name, ports, ttl_s, max_answers, on_empty, tags, meta, mesh, "   \
	"definition) IS NOT (excluded.protocol, excluded.port, excluded.port_name, excluded.ports, " \
	"excluded.ttl_s, excluded.max_answers, excluded.on_empty, "                                  \
	"excluded.tags, excluded.meta, excluded.mesh, excluded.definition)"

#define INSTANCE_ROW                                                           \
	"(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "           \
	"ifnull(?, ''), ?)"
#define INSTANCE_ROWS                                                          \
	INSTANCE_ROW "," INSTANCE_ROW "," INSTANCE_ROW "," INSTANCE_ROW        \
	             "," INSTANCE_ROW "," INSTANCE_ROW "," INSTANCE_ROW        \
	             "," INSTANCE_ROW /* STMT_BATCH of them */
#define PUT_INSTANCES(rows)                                                            \
	"INSERT INTO instance (" INSTANCE_COLUMNS ") VALUES " rows                     \
	"ON CONFLICT (zone, service, name) DO UPDATE SET "                             \
	"(address, address6, port, ports, priority, weight, weight_warning, "          \
	"lease_until_wall_ms, tags, meta, locality, definition) = "                    \
	"(excluded.address, excluded.address6, excluded.port, excluded.ports, "        \
	"excluded.priority, excluded.weight, excluded.weight_warning, "                \
	"excluded.lease_until_wall_ms, excluded.tags, excluded.meta, "                 \
	"excluded.locality, excluded.definition) WHERE " IS_OWNED " AND "              \
	"(address, address6, port, ports, priority, weight, weight_warning, "          \
	"lease_until_wall_ms, tags, meta, locality, definition) "                      \
	"IS NOT (excluded.address, excluded.address6, excluded.port, excluded.ports, " \
	"excluded.priority, excluded.weight, excluded.weight_warning, "                \
	"excluded.lease_until_wall_ms, excluded.tags, excluded.meta, "                 \
	"excluded.locality, excluded.definition)"

/* What one owner says of a key; all that it said before is replaced. */
#define CLAIM_SERVICE                                                                           \
	"INSERT INTO service_claim (zone, name, protocol, port, ttl_s, "                        \
	"max_answers, on_empty, tags, meta, source, definition, node, port_name, ports, mesh) " \
	"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
#define CLAIM_INSTANCE                                                         \
	"INSERT INTO instance_claim (zone, service, name, address, address6, " \
	"port, priority, weight, weight_warning, lease_until_wall_ms, tags, "  \
	"meta, locality, source, definition, node, ports) "                    \
	"VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?12, ?13, ?14, ?15, "     \
	"?16, ?17, ?20, ?21)"

const char *const stmt_texts[STMT_N] = {
	[STMT_MARK] = "SELECT c.revision, c.token, r.id FROM registry r "
	              "LEFT JOIN change c ON c.revision = "
	              "(SELECT max(revision) FROM change) WHERE r.one = 1",
	[STMT_TOKEN] = "SELECT token FROM change WHERE revision = ?",
	[STMT_VERSION] = "PRAGMA user_version",
	[STMT_CHANGE_BOUNDS] = "SELECT (SELECT min(revision) FROM change), "
	                       "(SELECT max(revision) FROM change)",
	[STMT_CHANGES] = "SELECT revision, zone, service FROM change "
	                 "WHERE revision > ? ORDER BY revision LIMIT ?",
	[STMT_SERVICE] = "SELECT " SERVICE_COLUMNS " FROM service "
	                 "WHERE zone = ? AND name = ?",
	[STMT_SERVICE_INSTANCES] = "SELECT " INSTANCE_ALL " FROM instance "
	                           "WHERE zone = ? AND service = ? "
	                           "ORDER BY name",
	[STMT_FACTS] = "SELECT " FACTS " FROM instance "
	               "WHERE zone = ? AND service = ?",
	[STMT_FACTS_OF] = "SELECT " FACTS " FROM instance "
	                  "WHERE zone = ? AND service = ? AND name = ?",
	[STMT_PEEK_INSTANCES] = "SELECT zone, service, name FROM instance "
	                        "WHERE (zone, service, name) >= (?, ?, ?) "
	                        "ORDER BY zone, service, name LIMIT 2",
	[STMT_PUT_SERVICE] = PUT_SERVICE,
	[STMT_CLAIM_SERVICE] = CLAIM_SERVICE,
	[STMT_ALSO_SERVICE] =
	    "INSERT OR REPLACE INTO service_other (" SERVICE_COLUMNS ") "
	    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ifnull(?, ''), "
	    "ifnull(?, ''), ?, ?, ?)",
	[STMT_PUT_MESH_CERTIFICATE] =
	    "INSERT INTO mesh_certificate (serial, zone, service, instance, "
	    "asked_by, issued_wall_ms, until_wall_ms) "
	    "VALUES (?, ?, ?, ?, ?, ?, ?)",
	[STMT_MESH_CERTIFICATES] =
	    "SELECT serial, zone, service, instance, asked_by, "
	    "issued_wall_ms, until_wall_ms FROM mesh_certificate "
	    "ORDER BY until_wall_ms DESC LIMIT ?",
	[STMT_PRUNE_MESH_CERTIFICATES] =
	    "DELETE FROM mesh_certificate WHERE serial IN "
	    "(SELECT serial FROM mesh_certificate WHERE until_wall_ms < ? "
	    "ORDER BY until_wall_ms LIMIT ?)",
	[STMT_PUT_MESH_REVOKED] =
	    "INSERT INTO mesh_revoked (zone, service, who, reason, "
	    "since_wall_ms) VALUES (?, ?, ?, ?, ?) "
	    "ON CONFLICT (zone, service) DO NOTHING",
	[STMT_WITHDRAW_MESH_REVOKED] =
	    "DELETE FROM mesh_revoked WHERE zone = ? AND service = ?",
	[STMT_MESH_REVOKED] =
	    "SELECT 1 FROM mesh_revoked WHERE zone = ? AND service = ?",
	[STMT_CLEAR_ALSO] =
	    "DELETE FROM service_other WHERE zone = ?1 AND name = ?2 "
	    "AND node = '' AND source = ?3 AND definition <> ifnull(?4, '')",
	[STMT_PUT_INSTANCE] = PUT_INSTANCES(INSTANCE_ROW),
	[STMT_PUT_INSTANCES] = PUT_INSTANCES(INSTANCE_ROWS),
	[STMT_CLAIM_INSTANCE] = CLAIM_INSTANCE,
	[STMT_OWNER_OF_SERVICE] =
	    "SELECT node, source, EXISTS (SELECT 1 FROM taken_over WHERE "
	    "zone = ?1 AND service = ?2 AND instance = '') "
	    "FROM service WHERE zone = ?1 AND name = ?2",
	[STMT_OWNER_OF_INSTANCE] =
	    "SELECT node, source, EXISTS (SELECT 1 FROM taken_over WHERE "
	    "zone = ?1 AND service = ?2 AND instance = ?3) "
	    "FROM instance WHERE zone = ?1 AND service = ?2 AND name = ?3",
	[STMT_TAKE_OVER] =
	    "INSERT OR REPLACE INTO taken_over (zone, service, instance, "
	    "source, who, at_wall_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
	[STMT_UNCLAIM_SERVICE] =
	    "DELETE FROM service_claim WHERE zone = ?1 AND name = ?2 "
	    "AND node = '' AND source = ?3",
	[STMT_UNCLAIM_INSTANCE] =
	    "DELETE FROM instance_claim WHERE zone = ?1 AND service = ?2 "
	    "AND name = ?3 AND node = '' AND source = ?4",
	[STMT_HAS_CLAIM] =
	    "SELECT 1 FROM instance_other WHERE zone = ?1 AND service = ?2 "
	    "AND name = ?3 AND node = '' AND source = ?4",
	[STMT_UNCLAIM_SERVICE_AT] =
	    "DELETE FROM service_claim WHERE zone = ?1 AND name = ?2 "
	    "AND node = ?3",
	[STMT_UNCLAIM_INSTANCE_AT] =
	    "DELETE FROM instance_claim WHERE zone = ?1 AND service = ?2 "
	    "AND name = ?3 AND node = ?4",
	[STMT_OWN_SERVICE] = "SELECT " SERVICE_COLUMNS " FROM service "
	                     "WHERE zone = ?1 AND name = ?2 AND node = '' "
	                     "UNION ALL SELECT " SERVICE_COLUMNS
	                     " FROM service_other WHERE zone = ?1 "
	                     "AND name = ?2 AND node = '' LIMIT 1",
	[STMT_PUT_MEMBER] =
	    "INSERT INTO member (node, state, text, since_wall_ms, "
	    "heard_wall_ms, lease, instances) VALUES (?, ?, ?, ?, ?, ?, ?) "
	    "ON CONFLICT (node) DO UPDATE SET (state, text, since_wall_ms, "
	    "heard_wall_ms, lease, instances) = (excluded.state, "
	    "excluded.text, excluded.since_wall_ms, excluded.heard_wall_ms, "
	    "excluded.lease, excluded.instances)",
	[STMT_WITHDRAW_MEMBER] = "DELETE FROM member WHERE node = ?",
	[STMT_MEMBERS] = "SELECT node, state, text, since_wall_ms, "
	                 "heard_wall_ms, lease, instances FROM member "
	                 "ORDER BY node",
	[STMT_WISHES] = "SELECT zone, service, instance, at_wall_ms FROM wish",
	[STMT_HAS_WISH] = "SELECT 1 FROM wish WHERE zone = ? AND service = ? "
	                  "AND instance = ?",
	[STMT_WITHDRAW_WISH] = "DELETE FROM wish WHERE zone = ?1 "
	                       "AND service = ?2 AND instance = ?3 "
	                       "AND ?4 IN (0, at_wall_ms)",
	[STMT_HOST] = "SELECT name, default_names FROM host WHERE one = 1",
	[STMT_PUT_HOST] =
	    "UPDATE host SET name = ?1 WHERE one = 1 AND name <> ?1",
	[STMT_PUT_HEALTH] =
	    "UPDATE instance SET health = ?4, reason = ?5, since_wall_ms = "
	    "CASE health WHEN ?4 THEN since_wall_ms ELSE ?6 END "
	    "WHERE zone = ?1 AND service = ?2 AND name = ?3 "
	    "AND (health, reason) IS NOT (?4, ?5)",
	[STMT_PUT_MODE] =
	    "UPDATE instance SET mode = ?4, since_wall_ms = ?5 "
	    "WHERE zone = ?1 AND service = ?2 AND name = ?3 AND mode <> ?4",
	[STMT_PUT_WEIGHT] =
	    "UPDATE instance SET weight_override = ?4 WHERE zone = ?1 "
	    "AND service = ?2 AND name = ?3 AND weight_override IS NOT ?4",
	[STMT_PUT_LEASE] =
	    "UPDATE instance SET lease_until_wall_ms = ?4 WHERE zone = ?1 "
	    "AND service = ?2 AND name = ?3 "
	    "AND lease_until_wall_ms BETWEEN 1 AND ?4 - 1",
	[STMT_PUT_RAMP] =
	    "UPDATE instance SET ramp_percent = ?4 WHERE zone = ?1 "
	    "AND service = ?2 AND name = ?3 AND ramp_percent <> ?4",
	[STMT_PUT_DAMPING] =
	    "UPDATE instance SET (flap_penalty, flap_wall_ms, "
	    "damped_until_wall_ms) = (?4, ?5, ?6) "
	    "WHERE zone = ?1 AND service = ?2 AND name = ?3 "
	    "AND (flap_penalty, flap_wall_ms, damped_until_wall_ms) "
	    "IS NOT (?4, ?5, ?6)",
	[STMT_PUT_DRAIN] =
	    "UPDATE instance SET mode = 'draining', since_wall_ms = "
	    "CASE mode WHEN 'draining' THEN since_wall_ms ELSE ?8 END, "
	    "(" DRAIN_COLUMNS ") = (?4, ?5, ?6, ?7) "
	    "WHERE zone = ?1 AND service = ?2 AND name = ?3 "
	    "AND (mode, " DRAIN_COLUMNS ") IS NOT ('draining', ?4, ?5, ?6, ?7)",
	[STMT_STEP_DRAIN] =
	    "UPDATE instance SET drain_step = ?4, drain_text = ?6 "
	    "WHERE zone = ?1 AND service = ?2 AND name = ?3 "
	    "AND mode = 'draining' AND drain_until_wall_ms = ?5 "
	    "AND drain_step IN ('waiting', 'hook')",
	[STMT_DRAINS] = "SELECT zone, service, name, " DRAIN_COLUMNS " "
	                "FROM instance WHERE source = ? "
	                "AND drain_step IN ('waiting', 'hook') "
	                "ORDER BY zone, service, name",
	[STMT_HEARTBEAT] = "SELECT heartbeat_wall_ms FROM registrar "
	                   "WHERE name = ? AND started_wall_ms > 0",
	[STMT_PUT_NOTE] =
	    "INSERT INTO history (at_wall_ms, zone, service, instance, was, "
	    "now, source, reason) SELECT ?6, zone, service, name, state, "
	    "state, ?4, ?5 FROM instance "
	    "WHERE zone = ?1 AND service = ?2 AND name = ?3",
	[STMT_INSTANCE_EXISTS] = "SELECT 1 FROM instance "
	                         "WHERE zone = ? AND service = ? AND name = ?",
	[STMT_WITHDRAW_SERVICE] =
	    "DELETE FROM service WHERE zone = ? AND name = ?",
	[STMT_WITHDRAW_INSTANCE] = "DELETE FROM instance WHERE zone = ? "
	                           "AND service = ? AND name = ?",
	[STMT_WITHDRAW_INSTANCE_OF] =
	    "DELETE FROM instance WHERE zone = ?1 AND service = ?2 "
	    "AND name = ?3 AND node = '' AND source = ?4 AND NOT EXISTS "
	    "(SELECT 1 FROM instance_other WHERE zone = ?1 "
	    "AND service = ?2 AND name = ?3)",
	[STMT_INSTANCE] = "SELECT " INSTANCE_ALL " FROM instance "
	                  "WHERE zone = ? AND service = ? AND name = ?",
	[STMT_CHECKS_OF_INSTANCE] =
	    "SELECT " CHECK_COLUMNS " FROM check_result "
	    "WHERE zone = ? AND service = ? AND instance = ? ORDER BY name",
	[STMT_CHECK] = "SELECT " CHECK_COLUMNS " FROM check_result "
	               "WHERE zone = ? AND service = ? AND instance = ? "
	               "AND name = ?",
	[STMT_PUT_CHECK] =
	    "INSERT INTO check_result (" CHECK_COLUMNS ") "
	    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) "
	    "ON CONFLICT (zone, service, instance, name) DO UPDATE SET "
	    "(kind, status, output, since_wall_ms, checked_wall_ms) = "
	    "(excluded.kind, excluded.status, excluded.output, "
	    "excluded.since_wall_ms, excluded.checked_wall_ms) WHERE "
	    "(kind, status, output, since_wall_ms, checked_wall_ms) IS NOT "
	    "(excluded.kind, excluded.status, excluded.output, "
	    "excluded.since_wall_ms, excluded.checked_wall_ms)",
	[STMT_WITHDRAW_CHECK] =
	    "DELETE FROM check_result WHERE zone = ? AND service = ? "
	    "AND instance = ? AND name = ?",
	[STMT_PUT_REGISTRAR] =
	    "INSERT INTO registrar (name, pid, version, started_wall_ms, "
	    "heartbeat_wall_ms, last_error, last_error_wall_ms) "
	    "VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?6) "
	    "ON CONFLICT (name) DO UPDATE SET started_wall_ms = "
	    "CASE WHEN (pid, version) = (excluded.pid, excluded.version) "
	    "AND started_wall_ms > 0 THEN started_wall_ms ELSE excluded.started_wall_ms END, "
	    "pid = excluded.pid, version = excluded.version, "
	    "heartbeat_wall_ms = excluded.heartbeat_wall_ms, "
	    "last_error = excluded.last_error, "
	    "last_error_wall_ms = excluded.last_error_wall_ms",
	[STMT_END_REGISTRAR] =
	    "UPDATE registrar SET started_wall_ms = 0 WHERE name = ?",
	[STMT_REGISTRARS] =
	    "SELECT name, pid, version, started_wall_ms, heartbeat_wall_ms, "
	    "last_error, last_error_wall_ms FROM registrar ORDER BY name",
	[STMT_ENDED_LEASES] =
	    "SELECT zone, service, name FROM instance "
	    "WHERE lease_until_wall_ms > 0 AND lease_until_wall_ms > ?1 "
	    "AND lease_until_wall_ms <= ?2 AND node = '' "
	    "AND source LIKE 'api/%' AND health <> 'critical' "
	    "ORDER BY lease_until_wall_ms LIMIT ?3",
	[STMT_PUT_REGISTRATION] =
	    "INSERT OR REPLACE INTO registration "
	    "(zone, service, instance, source, text, updated_wall_ms) "
	    "SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE NOT EXISTS (SELECT 1 "
	    "FROM registration WHERE zone = ?1 AND service = ?2 "
	    "AND instance = ?3 AND source = ?4 AND text IS ?5) "
	    /* an end only of what there is */
	    "AND (?5 IS NOT NULL OR EXISTS (SELECT 1 FROM registration "
	    "WHERE zone = ?1 AND service = ?2 AND instance = ?3 "
	    "AND text IS NOT NULL))",
	[STMT_REGISTRATIONS] =
	    "SELECT number, zone, service, instance, source, text, "
	    "updated_wall_ms FROM registration WHERE number > ? "
	    "ORDER BY number LIMIT ?",
	[STMT_PRUNE_REGISTRATIONS] =
	    "DELETE FROM registration WHERE number IN (SELECT number "
	    "FROM registration WHERE text IS NULL AND updated_wall_ms < ? "
	    "LIMIT ?)",
	[STMT_PUT_ACCESS] = "INSERT INTO token (id, hash, rules, note, "
	                    "created_wall_ms, expires_wall_ms) "
	                    "VALUES (?, ?, ?, ?, ?, ?)",
	[STMT_WITHDRAW_ACCESS] = "DELETE FROM token WHERE id = ?",
	[STMT_ACCESS] = "SELECT id, hash, rules, note, created_wall_ms, "
	                "expires_wall_ms FROM token WHERE id = ?",
	[STMT_ACCESSES] = "SELECT id, hash, rules, note, created_wall_ms, "
	                  "expires_wall_ms FROM token ORDER BY id",
	[STMT_PUT_REFUSED] =
	    "INSERT INTO refused_definition (source, file, message, services, "
	    "since_wall_ms) VALUES (?, ?, ?, ?, ?) "
	    "ON CONFLICT (source, file) DO UPDATE SET (message, services, "
	    "since_wall_ms) = (excluded.message, excluded.services, "
	    "excluded.since_wall_ms) WHERE (message, services) IS NOT "
	    "(excluded.message, excluded.services)",
	[STMT_WITHDRAW_REFUSED] =
	    "DELETE FROM refused_definition WHERE source = ? AND file = ?",
	[STMT_CLEAR_REFUSED] =
	    "DELETE FROM refused_definition WHERE source = ?",
	[STMT_REFUSED] =
	    "SELECT source, file, message, services, since_wall_ms "
	    "FROM refused_definition ORDER BY source, file",
	[STMT_PUT_DEFINITION] =
	    "INSERT INTO definition (source, file, text) VALUES (?, ?, ?) "
	    "ON CONFLICT (source, file) DO UPDATE SET text = excluded.text "
	    "WHERE text <> excluded.text",
	[STMT_WITHDRAW_DEFINITION] =
	    "DELETE FROM definition WHERE source = ? AND file = ?",
	[STMT_PRUNE_EXPIRED] =
	    "DELETE FROM instance WHERE (zone, service, name) IN "
	    "(SELECT zone, service, name FROM instance "
	    "WHERE lease_until_wall_ms > 0 AND lease_until_wall_ms < ?2 "
	    "AND node = '' AND (source = ?1 OR source NOT LIKE 'registrar/%') "
	    "ORDER BY lease_until_wall_ms LIMIT ?3) RETURNING zone, service",
	[STMT_PRUNE_EMPTY] =
	    "DELETE FROM service WHERE zone = ?2 AND name = ?3 "
	    "AND node = '' AND (source = ?1 OR source NOT LIKE 'registrar/%') "
	    "AND source <> 'sql' AND NOT EXISTS (SELECT 1 FROM instance "
	    "WHERE zone = ?2 AND service = ?3)",
	/* the newest row stays, so that its id is not given out again */
	[STMT_PRUNE_HISTORY] =
	    "DELETE FROM history WHERE id IN "
	    "(SELECT id FROM history ORDER BY id LIMIT ?2) AND "
	    "at_wall_ms < ?1 AND id < (SELECT max(id) FROM history)",
	[STMT_BEGIN] = "BEGIN",
	[STMT_BEGIN_WRITE] = "BEGIN IMMEDIATE",
	[STMT_COMMIT] = "COMMIT",
	[STMT_ROLLBACK] = "ROLLBACK",
	[STMT_PAGE_SERVICES] = "SELECT " SERVICE_COLUMNS " FROM service "
	                       "WHERE (zone, name) > (?, ?) "
	                       "ORDER BY zone, name LIMIT ?",
	[STMT_PAGE_INSTANCES] = "SELECT " INSTANCE_ALL " FROM instance "
	                        "WHERE (zone, service) > (?, ?) "
	                        "ORDER BY zone, service, name",
	[STMT_MODES] = "SELECT zone, service, name, " DRAIN_COLUMNS ", mode "
	               "FROM instance WHERE mode <> 'active'",
	[STMT_NAMES] = "SELECT zone, name FROM service ORDER BY zone, name",
	[STMT_META] = "SELECT key, value FROM json_each(?)",
	[STMT_PORTS] = "SELECT json_extract(value, '$.name'), "
	               "ifnull(json_extract(value, '$.protocol'), 'tcp'), "
	               "json_extract(value, '$.port') FROM json_each(?)",
	[STMT_CHECKS] = "SELECT " CHECK_COLUMNS " FROM check_result "
	                "WHERE zone = ? ORDER BY service, instance, name",
	[STMT_CHECKS_OF_SERVICE] = "SELECT " CHECK_COLUMNS " FROM check_result "
	                           "WHERE zone = ? AND service = ? "
	                           "ORDER BY instance, name",
	[STMT_HISTORY_OF_ALL] = "SELECT " HISTORY_COLUMNS " FROM history "
	                        "ORDER BY id DESC LIMIT ?",
	[STMT_HISTORY] = "SELECT " HISTORY_COLUMNS " FROM history "
	                 "WHERE zone = ? ORDER BY id DESC LIMIT ?",
	[STMT_HISTORY_OF_SERVICE] = "SELECT " HISTORY_COLUMNS " FROM history "
	                            "WHERE zone = ? AND service = ? "
	                            "ORDER BY id DESC LIMIT ?",
	[STMT_CLAIMS_OF] =
	    "SELECT zone, service, name, definition FROM instance_other "
	    "WHERE node = '' AND source = ?1 UNION ALL "
	    "SELECT DISTINCT zone, name, '', NULL FROM service_other "
	    "WHERE node = '' AND source = ?1",
	[STMT_DISAGREEMENTS] =
	    "SELECT zone, service, instance, node, source, definition, says "
	    "FROM disagreement ORDER BY zone, service, instance, node, source",
	[STMT_DISAGREEMENTS_OF] =
	    "SELECT zone, service, instance, node, source, definition, says "
	    "FROM disagreement WHERE zone = ? AND service = ? "
	    "ORDER BY instance, node, source, definition",
	[STMT_OWNER_OPEN] =
	    "INSERT OR REPLACE INTO owner_change (why) VALUES (?)",
	[STMT_OWNER_CLOSE] = "DELETE FROM owner_change WHERE one = 1",
	[STMT_RESOURCE_SERVICES] = "UPDATE service SET source = ?2 "
	                           "WHERE source = ?1 AND node = ''",
	[STMT_RESOURCE_SERVICE_OTHERS] =
	    "UPDATE OR REPLACE service_other SET source = ?2 "
	    "WHERE source = ?1 AND node = ''",
	[STMT_RESOURCE_INSTANCES] = "UPDATE instance SET source = ?2 "
	                            "WHERE source = ?1 AND node = ''",
	[STMT_RESOURCE_INSTANCE_OTHERS] =
	    "UPDATE OR REPLACE instance_other SET source = ?2 "
	    "WHERE source = ?1 AND node = ''",
	[STMT_RESOURCE_DEFINITIONS] =
	    "UPDATE OR IGNORE definition SET source = ?2 WHERE source = ?1",
	[STMT_RESOURCE_REFUSED] =
	    "DELETE FROM refused_definition WHERE source = ?1",
	[STMT_RESOURCE_REST] = "DELETE FROM definition WHERE source = ?1",
	[STMT_DEFINITIONS] = "SELECT file, text FROM definition "
	                     "WHERE source = ? ORDER BY file",
};
