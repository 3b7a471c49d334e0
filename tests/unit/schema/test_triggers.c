// SPDX-License-Identifier: BSD-2-Clause
/*
 * What counts as a change and what enters the history, for rows written by
 * hand: on a connection without foreign keys, as the sqlite3 shell has it.
 */
#include "schema/base/clock.h"
#include "tests/unit/schema/support.h"

#include <errno.h>

#define NOW "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"
#define SET(columns) "UPDATE instance SET " columns " WHERE name = 'i1'"

static void begin(struct fx *f)
{
	f->r = fx_open(f, REGISTRY_WRITE);
	fx_sql(f,
	    "INSERT INTO service (name) VALUES ('web'), ('api');"
	    "INSERT INTO instance (service, name, address, port) VALUES "
	    "('web', 'i1', '10.0.0.1', 80), ('web', 'i2', '10.0.0.2', 80);");
}

/* Steps on the same row, one after the other. */
static const struct {
	const char *why, *sql;
	int changes;
} steps[] = {
	{ "the same value", SET("port = 80"), 0 },
	{ "address", SET("address = '10.0.0.9'"), 1 },
	{ "a second address", SET("address6 = 'fd00::1'"), 1 },
	{ "and away", SET("address6 = NULL"), 1 },
	{ "port to none", SET("port = NULL"), 1 },
	{ "port stays none", SET("port = NULL"), 0 },
	{ "priority", SET("priority = 1"), 1 },
	{ "weight", SET("weight = 0"), 1 },
	{ "weight of warning", SET("weight_warning = 1"), 1 },
	{ "health", SET("health = 'critical'"), 1 },
	{ "the same health", SET("health = 'critical'"), 0 },
	{ "mode", SET("mode = 'draining'"), 1 },
	{ "health under a mode", SET("health = 'dead'"), 1 },
	{ "tags", SET("tags = '[\"v2\"]'"), 1 },
	{ "meta", SET("meta = '{\"a\":\"b\"}'"), 1 },
	{ "locality", SET("locality = 'fra'"), 1 },
	{ "ports", SET("ports = '[{\"port\":1}]'"), 1 },
	{ "the same ports", SET("ports = '[{\"port\":1}]'"), 0 },
	{ "no ports", SET("ports = NULL"), 1 },
	{ "several at once are one", SET("port = 81, weight = 7"), 1 },
	{ "source as it is", SET("source = source"), 0 },
	{ "an operator's weight", SET("weight_override = 7"), 1 },
	{ "the same again", SET("weight_override = 7"), 0 },
	{ "nor the definition", SET("definition = 'x.yaml'"), 0 },
	{ "nor since", SET("since_wall_ms = 5"), 0 },
	{ "nor the reason", SET("reason = 'x'"), 0 },
	{ "nor how often it flapped",
	    SET("flap_penalty = 1000, flap_wall_ms = 5, "
	        "damped_until_wall_ms = 6"),
	    0 },
	{ "a share of the weight", SET("ramp_percent = 10"), 1 },
	{ "the same share", SET("ramp_percent = 10"), 0 },
	{ "all of it", SET("ramp_percent = 0"), 1 },
	{ "a lease", SET("lease_until_wall_ms = " NOW " + 60000"), 1 },
	{ "extended while it holds",
	    SET("lease_until_wall_ms = lease_until_wall_ms + 60000"), 0 },
	{ "shortened", SET("lease_until_wall_ms = " NOW " + 30000"), 1 },
	{ "cut to the past", SET("lease_until_wall_ms = " NOW " - 1000"), 1 },
	{ "expired and moved within the past",
	    SET("lease_until_wall_ms = lease_until_wall_ms + 1"), 1 },
	{ "revived", SET("lease_until_wall_ms = " NOW " + 60000"), 1 },
	{ "given up", SET("lease_until_wall_ms = 0"), 1 },
	{ "an extension with a new weight",
	    SET("lease_until_wall_ms = " NOW " + 60000, weight = 8"), 1 },
	{ "check results",
	    "INSERT INTO check_result (service, instance, name, kind) "
	    "VALUES ('web', 'i1', 'c', 'tcp');"
	    "UPDATE check_result SET output = 'x', status = 'critical';"
	    "DELETE FROM check_result",
	    0 },
	{ "a heartbeat",
	    "INSERT INTO registrar (name, pid, version, started_wall_ms, heartbeat_wall_ms) VALUES ('h', 1, '1', 1, 1)",
	    0 },
	{ "a definition", "INSERT INTO definition VALUES ('s', 'f', 't')", 0 },
	{ "ttl of the service", "UPDATE service SET ttl_s = 9", 2 },
	{ "port of the service", "UPDATE service SET port = 9", 2 },
	{ "protocol", "UPDATE service SET protocol = 'udp'", 2 },
	{ "name of the port", "UPDATE service SET port_name = 'a'", 2 },
	{ "the same name", "UPDATE service SET port_name = 'a'", 0 },
	{ "further ports", "UPDATE service SET ports = '[{\"port\":1}]'", 2 },
	{ "the same ones", "UPDATE service SET ports = '[{\"port\":1}]'", 0 },
	{ "none", "UPDATE service SET ports = NULL, port_name = NULL", 2 },
	{ "max_answers", "UPDATE service SET max_answers = 0", 2 },
	{ "on_empty", "UPDATE service SET on_empty = 'all'", 2 },
	{ "tags of the service", "UPDATE service SET tags = '[\"a\"]'", 2 },
	{ "meta of the service", "UPDATE service SET meta = '{\"a\":\"b\"}'",
	    2 },
	{ "definition of the service",
	    "UPDATE service SET source = source, definition = 'y'", 0 },
	{ "the same service again",
	    "INSERT INTO service (name) VALUES ('web') ON CONFLICT DO NOTHING",
	    0 },
	{ "a refused row",
	    "INSERT OR IGNORE INTO instance (service, name, address) "
	    "VALUES ('web', 'i9', 'x')",
	    0 },
	{ "replaced",
	    "REPLACE INTO instance (service, name, address) "
	    "VALUES ('web', 'i1', '10.0.0.1')",
	    1 },
	{ "withdrawn", "DELETE FROM instance WHERE name = 'i1'", 1 },
	{ "was not there", "DELETE FROM instance WHERE name = 'i1'", 0 },
	{ "a service without instances",
	    "DELETE FROM service WHERE name = 'api'", 1 },
};

static void counts_what_alters_answers(void **state)
{
	struct fx *f = *state;

	begin(f);
	assert_int_equal(fx_revision(f->r), 4);
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		int64_t before = fx_revision(f->r);

		fx_sql(f, steps[i].sql);
		if (fx_revision(f->r) - before != steps[i].changes) {
			fail_msg("%s: %d changes", steps[i].why,
			    (int)(fx_revision(f->r) - before));
		}
	}
}

static void rolled_back_is_no_change(void **state)
{
	struct fx *f = *state;

	begin(f);
	fx_sql(f, "BEGIN; DELETE FROM instance; ROLLBACK");
	assert_int_equal(fx_revision(f->r), 4);
	fx_sql(f, SET("port = 1"));
	assert_int_equal(fx_revision(f->r), 5);
}

static void service_takes_all_along(void **state)
{
	struct fx *f = *state;

	begin(f);
	fx_sql(f, "INSERT INTO check_result (service, instance, name, kind) "
	          "VALUES ('web', 'i1', 'c', 'tcp');"
	          "DELETE FROM service WHERE name = 'web'");
	assert_int_equal(fx_number(f, "SELECT count(*) FROM instance"), 0);
	assert_int_equal(fx_number(f, "SELECT count(*) FROM check_result"), 0);
	assert_int_equal(fx_number(f, "SELECT count(*) FROM history "
	                              "WHERE service = 'web' AND was = "
	                              "'passing' AND now IS NULL AND reason = "
	                              "'withdrawn'"),
	    2);
	assert_int_equal(fx_revision(f->r), 7);
}

static void renames_touch_both(void **state)
{
	struct fx *f = *state;

	begin(f);
	fx_sql(f, "INSERT INTO check_result (service, instance, name, kind) "
	          "VALUES ('web', 'i1', 'c', 'tcp');"
	          "UPDATE service SET name = 'www' WHERE name = 'web'");
	assert_int_equal(fx_number(f, "SELECT count(*) FROM instance "
	                              "WHERE service = 'www'"),
	    2);
	assert_int_equal(fx_number(f, "SELECT count(*) FROM check_result "
	                              "WHERE service = 'www'"),
	    1);
	assert_int_equal(
	    fx_number(f, "SELECT count(DISTINCT service) FROM change "
	                 "WHERE revision > 4 AND service IN ('web', 'www')"),
	    2);

	int64_t before = fx_revision(f->r);
	fx_sql(f, "UPDATE instance SET service = 'api', name = 'x' "
	          "WHERE name = 'i1'");
	assert_int_equal(fx_revision(f->r), before + 2);
	assert_int_equal(fx_number(f, "SELECT count(*) FROM history WHERE "
	                              "reason = 'renamed' AND ((service = "
	                              "'www' AND instance = 'i1' AND now IS "
	                              "NULL) OR (service = 'api' AND instance "
	                              "= 'x' AND was IS NULL))"),
	    2);
	assert_int_equal(fx_number(f, "SELECT count(*) FROM check_result "
	                              "WHERE service = 'api' AND instance = "
	                              "'x'"),
	    1);
}

static void history_tells_transitions(void **state)
{
	struct fx *f = *state;
	int64_t start = clock_wall_ms();

	begin(f);
	assert_int_equal(fx_number(f, "SELECT count(*) FROM history WHERE was "
	                              "IS NULL AND now = 'passing'"),
	    2);
	fx_sql(f, SET("health = 'critical', reason = 'refused'"));
	fx_sql(f, SET("mode = 'maintenance'"));
	fx_sql(f, SET("health = 'passing', reason = 'fine'")); /* unseen */
	fx_sql(f, SET("mode = 'active', since_wall_ms = 77"));
	fx_sql(f, SET("weight = 1"));
	assert_int_equal(fx_number(f, "SELECT count(*) FROM history"), 6);
	assert_int_equal(fx_number(f, "SELECT count(*) FROM history WHERE was "
	                              "= now AND reason = 'weight 100 to 1'"),
	    1);
	assert_int_equal(fx_number(f, "SELECT count(*) FROM history WHERE was "
	                              "= 'passing' AND now = 'critical' AND "
	                              "reason = 'refused' AND source = 'sql'"),
	    1);
	assert_int_equal(
	    fx_number(f, "SELECT count(*) FROM history WHERE was = 'critical' "
	                 "AND now = 'maintenance' AND reason IS NULL"),
	    1);
	assert_int_equal(
	    fx_number(f, "SELECT at_wall_ms FROM history WHERE was = "
	                 "'maintenance' AND now = 'passing'"),
	    77);
	assert_in_range(
	    fx_number(f, "SELECT min(at_wall_ms) FROM history WHERE id < 5"),
	    start - 2, clock_wall_ms() + 2);
}

/* since is of the present state, also when the shell does not think of it. */
static void since_follows_by_itself(void **state)
{
	struct fx *f = *state;
	int64_t start = clock_wall_ms();

	begin(f);
	fx_sql(f, SET("since_wall_ms = 5"));
	fx_sql(f, SET("weight = 9"));
	assert_int_equal(fx_number(f, "SELECT min(since_wall_ms) "
	                              "FROM instance"),
	    5);
	fx_sql(f, SET("health = 'critical'"));
	assert_in_range(fx_number(f, "SELECT min(since_wall_ms) FROM instance"),
	    start - 2, clock_wall_ms() + 2);
	fx_sql(f, SET("health = 'passing', since_wall_ms = 6"));
	assert_int_equal(fx_number(f, "SELECT min(since_wall_ms) "
	                              "FROM instance"),
	    6);
}

static void count_change(
    void *arg, int64_t revision, const char *zone, const char *service)
{
	(void)revision;
	(void)zone;
	(void)service;
	++*(int *)arg;
}

static void change_is_kept_short(void **state)
{
	struct fx *f = *state;
	int64_t last = 77;
	int n = 0;

	begin(f);
	fx_sql(f, "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 "
	          "FROM n WHERE i < 100500) INSERT INTO change (zone, service) "
	          "SELECT 'svc.internal', 'web' FROM n");
	assert_int_equal(fx_revision(f->r), 100504);
	assert_in_range(
	    fx_number(f, "SELECT count(*) FROM change"), 100000, 100127);
	/* who is further behind is told so */
	assert_int_equal(
	    registry_changes(f->r, 300, 10, count_change, &n, &last, &f->err),
	    -ESTALE);
	assert_int_equal(n, 0);
	assert_int_equal(last, 77);
	fx_ok(f, registry_changes(
	             f->r, 504, 200000, count_change, &n, &last, &f->err));
	assert_int_equal(n, 100000);
	assert_int_equal(last, 100504);

	/* the newest stays whatever is deleted, so no number comes twice */
	fx_sql(f, "DELETE FROM change WHERE revision < 504");
	assert_int_not_equal(
	    fx_try_sql(f, "DELETE FROM change WHERE revision = 100504"),
	    SQLITE_OK);
}

static void old_history_may_go(void **state)
{
	struct fx *f = *state;

	begin(f);
	fx_sql(
	    f, SET("health = 'critical', since_wall_ms = " NOW " - 3700000"));
	fx_sql(f, "DELETE FROM history WHERE now = 'critical'");
	assert_int_equal(fx_number(f, "SELECT count(*) FROM history"), 2);
	fx_sql(f, SET("health = 'dead', since_wall_ms = " NOW " - 3500000"));
	assert_int_not_equal(
	    fx_try_sql(f, "DELETE FROM history WHERE now = 'dead'"), SQLITE_OK);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fx_setup, fx_teardown)
	static const struct CMUnitTest tests[] = {
		TEST(counts_what_alters_answers),
		TEST(rolled_back_is_no_change),
		TEST(service_takes_all_along),
		TEST(renames_touch_both),
		TEST(history_tells_transitions),
		TEST(since_follows_by_itself),
		TEST(change_is_kept_short),
		TEST(old_history_may_go),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
