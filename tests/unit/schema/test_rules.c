// SPDX-License-Identifier: BSD-2-Clause
/* The database itself refuses a row that breaks a rule, and says which. */
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"
#include "schema/label.h"
#include "tests/unit/schema/support.h"

#define SERVICE "INSERT INTO service (name) VALUES ('web');"
#define A63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A62 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A57 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A59 A57 "aa"
#define A60 A57 "aaa"

/* A column with a value, everything else as the shell leaves it. */
static const struct {
	const char *table, *column, *value;
	const char *rule; /* in the message; NULL: accepted */
} cases[] = {
	{ "service", "name", "'a'", NULL },
	{ "service", "name", "'0-9'", NULL },
	{ "service", "name", "'" A62 "'", NULL },
	{ "service", "name", "'" A63 "'", "service.name must be 1..62" },
	{ "service", "name", "''", "service.name must be" },
	{ "service", "name", "NULL",
	    "NOT NULL constraint failed: service.name" },
	{ "service", "name", "'Web'", "service.name must be" },
	{ "service", "name", "'a.b'", "service.name must be" },
	{ "service", "name", "'a_b'", "service.name must be" },
	{ "service", "name", "'-a'", "service.name must be" },
	{ "service", "name", "'a-'", "service.name must be" },
	{ "service", "name", "'-'", "service.name must be" },
	{ "service", "name", "'\xc3\xa4'", "service.name must be" },
	{ "service", "name", "'a' || char(0)", "service.name must be" },
	{ "service", "name", "'a' || char(0) || 'b'", "service.name must be" },
	{ "service", "name", "x'61'", "cannot store BLOB value" },
	{ "service", "zone", "'example'", NULL },
	{ "service", "zone", "'a-b.c0.' || '" A63 "'", NULL },
	{ "service", "zone", "'a.' || '" A63 "' || 'a'",
	    "service.zone must be" },
	{ "service", "zone", "'" A63 "." A57 "'", "service.zone must be" },
	{ "service", "zone", "'" A62 "." A57 "'", NULL },
	{ "service", "zone", "''", "service.zone must be" },
	{ "service", "zone", "'.'", "service.zone must be" },
	{ "service", "zone", "'a.'", "service.zone must be" },
	{ "service", "zone", "'.a'", "service.zone must be" },
	{ "service", "zone", "'a..b'", "service.zone must be" },
	{ "service", "zone", "'a-.b'", "service.zone must be" },
	{ "service", "zone", "'a.-b'", "service.zone must be" },
	{ "service", "zone", "'-a.b'", "service.zone must be" },
	{ "service", "zone", "'a.b-'", "service.zone must be" },
	{ "service", "zone", "'A.b'", "service.zone must be" },
	{ "service", "zone", "NULL",
	    "NOT NULL constraint failed: service.zone" },
	{ "service", "protocol", "'sctp'", NULL },
	{ "service", "protocol", "'_tcp'", "service.protocol must be" },
	{ "service", "protocol", "''", "service.protocol must be" },
	{ "service", "protocol", "'a234567890123456'",
	    "service.protocol must be 1..15" },
	{ "service", "port", "1", NULL },
	{ "service", "port", "NULL", NULL },
	{ "service", "port", "65535", NULL },
	{ "service", "port", "0", "service.port must be 1..65535" },
	{ "service", "port", "65536", "service.port must be 1..65535" },
	{ "service", "port", "-1", "service.port must be 1..65535" },
	{ "service", "port", "'http'", "cannot store TEXT value" },
	{ "service", "port", "8080.5", "cannot store REAL value" },
	{ "service", "port_name", "'grpc'", NULL },
	{ "service", "port_name", "NULL", NULL },
	{ "service", "port_name", "'" A62 "'", NULL },
	{ "service", "port_name", "'" A63 "'", "service.port_name must be" },
	{ "service", "port_name", "'_grpc'", "service.port_name must be" },
	{ "service", "port_name", "'a' || char(0)",
	    "service.port_name must be" },
	{ "service", "ports", "NULL", NULL },
	{ "service", "ports", "'[]'", NULL },
	{ "service", "ports",
	    "'[{\"port\":1,\"protocol\":\"udp\"},{\"name\":\"a\",\"port\":2},"
	    "{\"port\":65535,\"name\":\"a\",\"protocol\":\"udp\"}]'",
	    NULL },
	{ "service", "ports", "'{}'", "service.ports must be a JSON array" },
	{ "service", "ports", "'['", "service.ports must be a JSON array" },
	{ "service", "ports", "'[' || hex(zeroblob(4096)) || ']'",
	    "service.ports must be a JSON array, at most 8192 octets" },
	{ "service", "ports", "'[1]'", "ports must be objects" },
	{ "service", "ports", "'[null]'", "ports must be objects" },
	{ "service", "ports", "'[\"a\"]'", "ports must be objects" },
	{ "service", "ports", "'[{}]'", "ports must be objects" },
	{ "service", "ports", "'[{\"name\":\"a\"}]'", "ports must be objects" },
	{ "service", "ports", "'[{\"name\":\"a\",\"port\":0}]'",
	    "ports must be objects with \"port\" 1..65535" },
	{ "service", "ports", "'[{\"name\":\"a\",\"port\":65536}]'",
	    "ports must be objects" },
	{ "service", "ports", "'[{\"name\":\"a\",\"port\":\"1\"}]'",
	    "ports must be objects" },
	{ "service", "ports", "'[{\"name\":\"a\",\"port\":1.5}]'",
	    "ports must be objects" },
	{ "service", "ports", "'[{\"name\":\"\",\"port\":1}]'",
	    "ports must be objects" },
	{ "service", "ports", "'[{\"name\":null,\"port\":1}]'",
	    "ports must be objects" },
	{ "service", "ports", "'[{\"name\":\"A\",\"port\":1}]'",
	    "ports must be objects" },
	{ "service", "ports", "'[{\"name\":\"a-\",\"port\":1}]'",
	    "ports must be objects" },
	{ "service", "ports", "'[{\"name\":\"" A62 "\",\"port\":1}]'", NULL },
	{ "service", "ports", "'[{\"name\":\"" A63 "\",\"port\":1}]'",
	    "ports must be objects" },
	{ "service", "ports", "'[{\"name\":\"a\\u0000b\",\"port\":1}]'",
	    "ports must be objects" },
	{ "service", "ports", "'[{\"name\":\"a\",\"port\":1,\"x\":1}]'",
	    "ports must be objects" },
	{ "service", "ports", "'[{\"name\":\"a\",\"port\":1,\"port\":2}]'",
	    "ports must be objects" },
	{ "service", "ports",
	    "'[{\"port\":1,\"protocol\":\"a234567890123456\"}]'",
	    "ports must be objects" },
	{ "service", "ports", "'[{\"port\":1}]'",
	    "one without a name must be the first of its protocol" },
	{ "service", "ports",
	    "'[{\"name\":\"a\",\"port\":1},{\"name\":\"a\",\"port\":2}]'",
	    "ports must differ in name or protocol" },
	{ "service", "ports",
	    "'[{\"name\":\"a\",\"port\":1,\"protocol\":\"udp\"},"
	    "{\"port\":2,\"protocol\":\"udp\"}]'",
	    "one without a name must be the first of its protocol" },
	{ "instance", "ports", "NULL", NULL },
	{ "instance", "ports", "'[{\"name\":\"a\",\"port\":1},{\"port\":2}]'",
	    NULL },
	{ "instance", "ports", "'{}'", "instance.ports must be a JSON array" },
	{ "instance", "ports", "'[{\"name\":\"a\"}]'",
	    "ports must be objects" },
	{ "instance", "ports", "'[{\"port\":1},{\"port\":2}]'",
	    "ports must differ in name or protocol" },
	{ "service", "ttl_s", "0", NULL },
	{ "service", "ttl_s", "2147483647", NULL },
	{ "service", "ttl_s", "2147483648", "service.ttl_s must be" },
	{ "service", "ttl_s", "-1", "service.ttl_s must be" },
	{ "service", "max_answers", "0", NULL },
	{ "service", "max_answers", "-1", "service.max_answers must be" },
	{ "service", "on_empty", "'nxdomain'", NULL },
	{ "service", "on_empty", "'all'", NULL },
	{ "service", "on_empty", "'ALL'", "service.on_empty must be nodata" },
	{ "service", "source", "'registrar/host.example'", NULL },
	{ "service", "source", "''", "service.source must be" },
	{ "service", "source", "'a' || char(10)", "service.source must be" },
	{ "service", "definition", "'/etc/x.yaml'", NULL },
	{ "service", "definition", "''", "service.definition must be" },
	{ "service", "tags", "'[\"v2\", \"a-1\"]'", NULL },
	{ "service", "tags", "'[]'", NULL },
	{ "service", "tags", "'v2'", "service.tags must be a JSON array" },
	{ "service", "tags", "'{}'", "service.tags must be a JSON array" },
	{ "service", "tags", "NULL",
	    "NOT NULL constraint failed: service.tags" },
	{ "service", "tags", "'[1]'", "tags must be different texts" },
	{ "service", "tags", "'[null]'", "tags must be different texts" },
	{ "service", "tags", "'[[\"a\"]]'", "tags must be different texts" },
	{ "service", "tags", "'[\"\"]'", "tags must be different texts" },
	{ "service", "tags", "'[\"V2\",\"v2\"]'", NULL },
	{ "service", "tags", "'[\"a\",\"b\",\"a\"]'",
	    "tags must be different" },
	{ "service", "tags", "'[\"urlprefix-/a.b?c=d \\u00e4\"]'", NULL },
	{ "service", "tags", "'[\"\xc3\xa4\"]'", NULL },
	{ "service", "tags", "'[\"a\\n\"]'", "tags must be different texts" },
	{ "service", "tags", "'[\"\\u007f\"]'", "control characters" },
	{ "service", "tags", "'[\"\\u009f\"]'", "control characters" },
	{ "service", "tags", "'[\"\\u00a0\"]'", NULL },
	{ "service", "tags", "'[\"" A63 "\"]'", NULL },
	{ "service", "tags", "'[\"' || hex(zeroblob(256)) || '\"]'", NULL },
	{ "service", "tags", "'[\"' || hex(zeroblob(256)) || 'x\"]'",
	    "each 1..512 octets" },
	{ "service", "tags", "'[\"a\\u0000b\"]'", "tags must be different" },
	{ "service", "tags", "'[' || hex(zeroblob(2048)) || ']'",
	    "service.tags must be a JSON array" },
	{ "service", "meta", "'{\"version\": \"2.3.1\", \"\xc3\xa4\": \"\"}'",
	    "meta must be strings" },
	{ "service", "meta", "'{\"version\":\"2.3.1\",\"x y\":\"\xc3\xa4=\"}'",
	    NULL },
	{ "service", "meta", "'{\"a\":1}'", "meta must be strings" },
	{ "service", "meta", "'{\"a\":null}'", "meta must be strings" },
	{ "service", "meta", "'{\"a\":{}}'", "meta must be strings" },
	{ "service", "meta", "'{\"\":\"x\"}'", "meta must be strings" },
	{ "service", "meta", "'{\"a=b\":\"x\"}'", "meta must be strings" },
	{ "service", "meta", "'{\"a\tb\":\"x\"}'", "service.meta must be" },
	{ "service", "meta", "'{\"a\\tb\":\"x\"}'", "meta must be strings" },
	{ "service", "meta", "'{\"a\":\"x\\u0000y\"}'",
	    "meta must be strings" },
	{ "service", "meta", "'{\"a\":\"1\",\"A\":\"2\"}'", "meta must be" },
	{ "service", "meta", "'{\"k\":\"' || hex(zeroblob(126)) || 'x\"}'",
	    NULL },
	{ "service", "meta", "'{\"k\":\"' || hex(zeroblob(127)) || '\"}'",
	    "each key=value at most 255 octets" },
	{ "service", "meta", "'[]'", "service.meta must be a JSON object" },
	{ "service", "meta", "'{'", "service.meta must be a JSON object" },
	{ "instance", "name", "'i-1'", NULL },
	{ "instance", "name", "'" A63 "'", NULL },
	{ "instance", "name", "'" A63 "a'", "instance.name must be 1..63" },
	{ "instance", "name", "'tag'",
	    "instance.name must not be tag or zone" },
	{ "instance", "name", "'zone'", "instance.name must not be tag" },
	{ "instance", "name", "'tags'", NULL },
	{ "instance", "name", "'I'", "instance.name must be" },
	{ "instance", "name", "'i' || char(0)", "instance.name must be" },
	{ "instance", "service", "'nix'", "insert the service first" },
	{ "instance", "zone", "'nix'", "insert the service first" },
	{ "instance", "address", "NULL",
	    "constraint failed: instance.address" },
	{ "instance", "address6", "'fd00::1'", NULL },
	{ "instance", "address6", "'10.0.0.2'", "instance.address6 must be" },
	{ "instance", "address6", "''", "instance.address6 must be" },
	{ "instance", "address6", "'fd00::1' || char(0)", "instance.address6" },
	{ "instance", "port", "65536", "instance.port must be 1..65535" },
	{ "instance", "port", "0", "instance.port must be 1..65535" },
	{ "instance", "priority", "65535", NULL },
	{ "instance", "priority", "65536", "instance.priority must be" },
	{ "instance", "priority", "NULL", "constraint failed: instance.pri" },
	{ "instance", "weight", "0", NULL },
	{ "instance", "weight", "65536", "instance.weight must be" },
	{ "instance", "weight", "-1", "instance.weight must be" },
	{ "instance", "weight_warning", "65536", "instance.weight_warning" },
	{ "instance", "weight_warning", "0", NULL },
	{ "instance", "ramp_percent", "99", NULL },
	{ "instance", "ramp_percent", "100", "instance.ramp_percent must be" },
	{ "instance", "ramp_percent", "-1", "instance.ramp_percent must be" },
	{ "instance", "flap_penalty", "-1", "instance.flap_penalty must be" },
	{ "instance", "flap_wall_ms", "-1", "instance.flap_wall_ms must be" },
	{ "instance", "damped_until_wall_ms", "-1",
	    "instance.damped_until_wall_ms must be" },
	{ "instance", "health", "'dead'", NULL },
	{ "instance", "health", "'starting'", NULL },
	{ "instance", "health", "'draining'", "instance.health must be" },
	{ "instance", "health", "NULL", "constraint failed: instance.health" },
	{ "instance", "mode", "'draining'", NULL },
	{ "instance", "mode", "'maintenance'", NULL },
	{ "instance", "mode", "'passing'", "instance.mode must be active" },
	{ "instance", "state", "'dead'", "generated column" },
	{ "instance", "lease_until_wall_ms", "0", NULL },
	{ "instance", "lease_until_wall_ms", "1893456000000", NULL },
	{ "instance", "lease_until_wall_ms", "1893456000",
	    "instance.lease_until_wall_ms must be 0 (none) or milliseconds" },
	{ "instance", "lease_until_wall_ms", "-1", "lease_until_wall_ms" },
	{ "instance", "locality", "'fra-1'", NULL },
	{ "instance", "locality", "'Fra'", "instance.locality must be" },
	{ "instance", "locality", "'fra' || char(0)",
	    "instance.locality must" },
	{ "instance", "since_wall_ms", "-1", "instance.since_wall_ms must" },
	{ "instance", "reason", "hex(zeroblob(512))", NULL },
	{ "instance", "reason", "hex(zeroblob(512)) || 'x'",
	    "instance.reason must be" },
	{ "instance", "source", "'\xc3\xa4'", "instance.source must be" },
	{ "instance", "tags", "'[\"\"]'", "tags must be different texts" },
	{ "instance", "meta", "'{\"a\":1}'", "meta must be strings" },
	{ "instance", "colour", "1", "no column named colour" },
};

/* INSERT INTO table with column = value among what the table requires. */
static const char *insert(
    const char *table, const char *column, const char *value)
{
	static const struct {
		const char *table, *column, *value;
	} required[] = {
		{ "service", "name", "'test'" },
		{ "instance", "service", "'web'" },
		{ "instance", "name", "'test'" },
		{ "instance", "address", "'192.0.2.9'" },
	};
	static char sql[2048];
	char columns[256], values[1024];

	(void)snprintf(columns, sizeof(columns), "%s", column);
	(void)snprintf(values, sizeof(values), "%s", value);
	for (size_t i = 0; i < sizeof(required) / sizeof(*required); i++) {
		if (strcmp(required[i].table, table) != 0 ||
		    !strcmp(required[i].column, column))
			continue;
		size_t clen = strlen(columns), vlen = strlen(values);
		(void)snprintf(columns + clen, sizeof(columns) - clen, ", %s",
		    required[i].column);
		(void)snprintf(values + vlen, sizeof(values) - vlen, ", %s",
		    required[i].value);
	}
	(void)snprintf(sql, sizeof(sql), "INSERT INTO %s (%s) VALUES (%s)",
	    table, columns, values);
	return sql;
}

static void check_rule(struct fx *f, const char *sql, const char *rule)
{
	int64_t before = fx_revision(f->r);
	int rc = fx_try_sql(f, sql);

	if (!rule && rc != SQLITE_OK)
		fail_msg("%s\nrefused: %s", sql, f->err.text);
	if (rule && rc == SQLITE_OK)
		fail_msg("%s\naccepted, expected: %s", sql, rule);
	if (rule && !strstr(f->err.text, rule))
		fail_msg("%s\nfound: %s\nexpected: %s", sql, f->err.text, rule);
	assert_true((fx_revision(f->r) > before) == !rule);
}

static void inserts_obey(void **state)
{
	struct fx *f = *state;

	f->r = fx_open(f, REGISTRY_WRITE);
	fx_sql(f, SERVICE);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		check_rule(f,
		    insert(cases[i].table, cases[i].column, cases[i].value),
		    cases[i].rule);
		fx_sql(f, "DELETE FROM instance;"
		          "DELETE FROM service WHERE name <> 'web'");
	}
}

/* The same rules hold for what is changed later. */
static void updates_obey(void **state)
{
	struct fx *f = *state;
	char sql[1200];

	f->r = fx_open(f, REGISTRY_WRITE);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		if (!cases[i].rule || !strcmp(cases[i].column, "colour"))
			continue;
		fx_sql(f, "DELETE FROM service;" SERVICE
		          "INSERT INTO instance (service, name, address) "
		          "VALUES ('web', 'test', '192.0.2.9')");
		(void)snprintf(sql, sizeof(sql), "UPDATE %s SET %s = %s",
		    cases[i].table, cases[i].column, cases[i].value);
		if (fx_try_sql(f, sql) == SQLITE_OK)
			fail_msg("%s\naccepted", sql);
		if (!strstr(f->err.text, cases[i].rule))
			fail_msg("%s\nfound: %s", sql, f->err.text);
	}
}

static void other_tables_obey(void **state)
{
	static const struct {
		const char *sql, *rule;
	} rows[] = {
		{ "INSERT INTO instance (service, name, address, address6) "
		  "VALUES ('web', 'i', '::1', '::2')",
		    "instance.address must be IPv4 where address6 is given" },
		{ "INSERT INTO check_result (service, instance, name, kind) "
		  "VALUES ('web', 'nix', 'c', 'tcp')",
		    "check_result.instance must be the name of an instance" },
		{ "INSERT INTO check_result (service, instance, name, kind, "
		  "status) VALUES ('web', 'x', 'c', 'tcp', 'ok')",
		    "check_result.status must be" },
		{ "INSERT INTO check_result (service, instance, name, kind) "
		  "VALUES ('web', 'x', 'c', 'TCP')",
		    "check_result.kind must be" },
		{ "INSERT INTO check_result (service, instance, name, kind) "
		  "VALUES ('web', 'x', '', 'tcp')",
		    "check_result.name must be" },
		{ "INSERT INTO check_result (service, instance, name, kind, "
		  "output) VALUES ('web', 'x', 'c', 'tcp', "
		  "hex(zeroblob(2049)))",
		    "check_result.output must be at most 4096" },
		{ "UPDATE check_result SET instance = 'nix'",
		    "check_result.instance must be the name of an instance" },
		{ "INSERT INTO registrar (name, pid, version, started_wall_ms, heartbeat_wall_ms) VALUES ('h', 0, '1', 1, 1)",
		    "registrar.pid must be a process id" },
		{ "INSERT INTO registrar (name, pid, version, started_wall_ms, heartbeat_wall_ms) VALUES ('', 1, '1', 1, 1)",
		    "registrar.name must be" },
		{ "INSERT INTO definition VALUES ('', 'f', '')",
		    "definition.source must be" },
		{ "INSERT INTO definition VALUES ('s', '', '')",
		    "definition.file must be" },
		{ "INSERT INTO registry DEFAULT VALUES",
		    "registry.id is drawn once" },
		{ "INSERT INTO registry (one) VALUES (2)",
		    "registry.id is drawn once" },
		{ "UPDATE registry SET id = 'x'", "registry.id is drawn once" },
		{ "DELETE FROM registry", "registry.id is drawn once" },
		{ "UPDATE change SET service = 'x'", "change is append-only" },
		{ "DELETE FROM change", "change is append-only" },
		{ "INSERT INTO change VALUES (9007199254740992, 'a', 'b', 1)",
		    "change.revision must be" },
		{ "INSERT INTO change VALUES (9007199254740991, 'a', 'b', 1)",
		    "change.revision must be the next number" },
		{ "UPDATE history SET now = 'dead'", "history is append-only" },
		{ "DELETE FROM history", "history is append-only" },
	};
	struct fx *f = *state;

	f->r = fx_open(f, REGISTRY_WRITE);
	fx_sql(f,
	    SERVICE "INSERT INTO instance (service, name, address) "
	            "VALUES ('web', 'x', '192.0.2.9');"
	            "INSERT INTO check_result (service, instance, name, kind) "
	            "VALUES ('web', 'x', 'c1', 'tcp')");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		check_rule(f, rows[i].sql, rows[i].rule);
}

/* Each part of a name is right and the whole is not: I._S._P.Z. */
static const struct {
	const char *why, *zone, *service, *protocol, *instance;
	bool fits;
} long_names[] = {
	{ "248 octets of labels", A59 "." A59, A62, "sctp", A63, true },
	{ "one more in the zone", A60 "." A59, A62, "sctp", A63, false },
	{ "one less of the instance", A60 "." A59, A62, "sctp", A62, true },
	{ "a longer protocol", A59 "." A59, A62, "sctpx", A63, false },
	{ "a shorter service", A59 "." A59, A60, "sctpxy", A63, true },
	{ "an ordinary one", "svc.internal", "web", "tcp", "i1", true },
};

static void long_names_obey(void **state)
{
	struct fx *f = *state;

	registry_close(fx_open(f, REGISTRY_WRITE));
	for (unsigned i = 0; i < sizeof(long_names) / sizeof(*long_names);
	     i++) {
		const char *zone = long_names[i].zone;
		const char *service = long_names[i].service;
		const char *protocol = long_names[i].protocol;
		const char *instance = long_names[i].instance;
		bool fits = long_names[i].fits;

		assert_int_equal(
		    label_fits(instance, service, protocol, zone), fits);
		scoped_free char *put = xasprintf(
		    "DELETE FROM service;"
		    "INSERT INTO service (zone, name, protocol) VALUES "
		    "('%s', '%s', '%s');"
		    "INSERT INTO instance (zone, service, name, address) "
		    "VALUES ('%s', '%s', '%s', '10.0.0.1')",
		    zone, service, protocol, zone, service, instance);
		if ((fx_try_sql(f, put) == SQLITE_OK) != fits)
			fail_msg("%s", long_names[i].why);
		if (!fits) {
			assert_non_null(
			    strstr(f->err.text, "too long for DNS"));
		}
		/* by a new name, and by a new protocol */
		scoped_free char *rename = xasprintf(
		    "DELETE FROM service;"
		    "INSERT INTO service (zone, name, protocol) VALUES "
		    "('%s', '%s', 'a');"
		    "INSERT INTO instance (zone, service, name, address) "
		    "VALUES ('%s', '%s', 'i', '10.0.0.1');"
		    "UPDATE service SET protocol = '%s';"
		    "UPDATE instance SET name = '%s'",
		    zone, service, zone, service, protocol, instance);
		if ((fx_try_sql(f, rename) == SQLITE_OK) != fits)
			fail_msg("%s, renamed", long_names[i].why);
	}
	fx_sql(f, "DELETE FROM service;"
	          "INSERT INTO service (zone, name, protocol) VALUES "
	          "('" A59 "." A59 "', '" A62 "', 'sctp');"
	          "INSERT INTO instance (zone, service, name, address) VALUES "
	          "('" A59 "." A59 "', '" A62 "', '" A63 "', '10.0.0.1')");
	assert_int_not_equal(
	    fx_try_sql(f, "UPDATE service SET protocol = 'sctpx'"), SQLITE_OK);
	assert_int_equal(
	    fx_try_sql(f, "UPDATE service SET protocol = 'udp'"), SQLITE_OK);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fx_setup, fx_teardown)
	static const struct CMUnitTest tests[] = {
		TEST(inserts_obey),
		TEST(updates_obey),
		TEST(other_tables_obey),
		TEST(long_names_obey),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
