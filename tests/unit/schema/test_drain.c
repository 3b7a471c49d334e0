// SPDX-License-Identifier: BSD-2-Clause
/* How far a drain has come: columns, triggers, who may say what. */
#include "schema/stmt.h"
#include "tests/unit/schema/support.h"

#include <errno.h>

#define UNTIL "SELECT drain_until_wall_ms FROM instance WHERE name = 'i1'"
#define NOW "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"

static void ok(struct fx *f, int error)
{
	if (error < 0)
		fail_msg("%d: %s", error, f->err.text);
}

static int set_up(void **state)
{
	(void)fx_setup(state);
	struct fx *f = *state;

	f->r = fx_open(f, REGISTRY_WRITE);
	fx_sql(f, "INSERT INTO service (name, ttl_s) VALUES ('web', 60), "
	          "('db', NULL)");
	fx_sql(f, "INSERT INTO instance (service, name, address, source) "
	          "VALUES ('web', 'i1', '192.0.2.1', 'registrar/h'), "
	          "('web', 'i2', '192.0.2.2', 'sql'), "
	          "('db', 'i3', '192.0.2.3', 'registrar/h')");
	return 0;
}

struct seen {
	unsigned n;
	char names[64];
	struct drain_row last;
};

static void on_drain(void *arg, const char *zone, const char *service,
    const char *instance, const struct drain_row *drain)
{
	struct seen *s = arg;
	size_t len = strlen(s->names);

	assert_string_equal(zone, Z);
	s->n++;
	(void)snprintf(s->names + len, sizeof(s->names) - len, "%s/%s ",
	    service, instance);
	s->last = *drain;
	s->last.text = NULL;
}

static struct seen drains_of(struct fx *f, const char *source)
{
	struct seen s = { .n = 0 };

	ok(f, registry_read_drains(f->r, source, on_drain, &s, &f->err));
	return s;
}

/* Whoever sets the mode alone gets the rest, and loses it again. */
static void a_mode_by_hand_is_a_drain(void **state)
{
	struct fx *f = *state;
	int64_t revision = fx_revision(f->r);

	fx_sql(f, "UPDATE instance SET mode = 'draining'");
	assert_int_equal(fx_revision(f->r), revision + 3);
	assert_in_range(fx_number(f, "SELECT drain_until_wall_ms - " NOW
	                             " FROM instance WHERE name = 'i1'"),
	    56000, 61201);
	assert_in_range(fx_number(f, "SELECT drain_until_wall_ms - " NOW
	                             " FROM instance WHERE name = 'i3'"),
	    2000, 6201);
	assert_string_equal(drains_of(f, "registrar/h").names, "db/i3 web/i1 ");
	fx_sql(f, "UPDATE instance SET mode = 'maintenance'");
	assert_int_equal(
	    fx_number(f, "SELECT count(*) FROM instance WHERE (drain_step, "
	                 "drain_until_wall_ms, drain_deadline_wall_ms, "
	                 "drain_text) IS ('none', 0, 0, NULL)"),
	    3);
	assert_int_equal(fx_revision(f->r), revision + 6);
	fx_sql(f, "INSERT INTO instance (service, name, address, mode) "
	          "VALUES ('web', 'i4', '192.0.2.4', 'draining')");
	assert_int_equal(fx_number(f, "SELECT drain_step = 'waiting' AND "
	                              "drain_until_wall_ms > 0 FROM instance "
	                              "WHERE name = 'i4'"),
	    1);
}

static void steps_follow_one_drain(void **state)
{
	struct fx *f = *state;
	struct drain_row d = { DRAIN_WAITING, 1700000005000, 0, NULL };

	ok(f, registry_put_drain(
	          f->r, Z, "web", "i1", &d, 1700000000000, &f->err));
	assert_int_equal(fx_number(f, UNTIL), 1700000005000);
	assert_int_equal(fx_number(f, "SELECT since_wall_ms FROM instance "
	                              "WHERE name = 'i1'"),
	    1700000000000);
	int64_t revision = fx_revision(f->r);

	d.step = DRAIN_HOOK;
	ok(f, registry_step_drain(f->r, Z, "web", "i1", &d, &f->err));
	assert_int_equal(drains_of(f, "registrar/h").last.step, DRAIN_HOOK);
	/* no answer changes by it */
	assert_int_equal(fx_revision(f->r), revision);
	/* of another drain: it was resumed and begun anew meanwhile */
	d.until_wall_ms++;
	assert_int_equal(
	    registry_step_drain(f->r, Z, "web", "i1", &d, &f->err), -ENOENT);
	d.until_wall_ms--;
	d.step = DRAIN_DONE;
	d.text = "SIGTERM: sent";
	ok(f, registry_step_drain(f->r, Z, "web", "i1", &d, &f->err));
	assert_int_equal(drains_of(f, "registrar/h").n, 0);
	/* what is over stays as it is */
	d.step = DRAIN_FAILED;
	assert_int_equal(
	    registry_step_drain(f->r, Z, "web", "i1", &d, &f->err), -ENOENT);
	assert_int_equal(
	    registry_step_drain(f->r, Z, "web", "nix", &d, &f->err), -ENOENT);
	/* an end that moves is a change of answers */
	d = (struct drain_row){ DRAIN_WAITING, 1700000009000, 1700000010000,
		NULL };
	ok(f, registry_put_drain(
	          f->r, Z, "web", "i1", &d, 1700000001000, &f->err));
	assert_int_equal(fx_revision(f->r), revision + 1);
	/* and it drains since it began */
	assert_int_equal(fx_number(f, "SELECT since_wall_ms FROM instance "
	                              "WHERE name = 'i1'"),
	    1700000000000);
	ok(f, registry_put_mode(
	          f->r, Z, "web", "i1", MODE_ACTIVE, 1700000002000, &f->err));
	assert_int_equal(fx_number(f, UNTIL), 0);
}

static void what_is_no_step_is_refused(void **state)
{
	static const char *const texts[] = {
		"UPDATE instance SET drain_step = 'soon'",
		"UPDATE instance SET drain_until_wall_ms = 5",
		"UPDATE instance SET drain_deadline_wall_ms = -1",
		"UPDATE instance SET drain_text = hex(zeroblob(600))",
	};
	struct fx *f = *state;

	for (size_t k = 0; k < sizeof(texts) / sizeof(*texts); k++) {
		if (fx_try_sql(f, texts[k]) == SQLITE_OK)
			fail_msg("%s", texts[k]);
		assert_non_null(strstr(f->err.text, "instance.drain_"));
	}
}

/* Years from now, so that nothing else gives it. */
#define GIVEN 4000000000000

static void an_end_that_is_given_holds(void **state)
{
	struct fx *f = *state;

	fx_sql(f, "UPDATE instance SET mode = 'draining', "
	          "drain_until_wall_ms = 4000000000000 WHERE name = 'i1'");
	assert_int_equal(fx_number(f, "SELECT drain_until_wall_ms FROM instance"
	                              " WHERE name = 'i1'"),
	    GIVEN);
	/* it has one as long as it drains, and none when it does not */
	assert_int_not_equal(
	    fx_try_sql(f, "UPDATE instance SET drain_until_wall_ms = 0 "
	                  "WHERE name = 'i1'"),
	    SQLITE_OK);
	assert_non_null(strstr(f->err.text, "which has an end"));
	assert_int_not_equal(
	    fx_try_sql(f, "UPDATE instance SET drain_step = 'waiting' "
	                  "WHERE name = 'i3'"),
	    SQLITE_OK);
	assert_non_null(strstr(f->err.text, "belong to mode draining"));
	fx_sql(f, "UPDATE instance SET mode = 'active' WHERE name = 'i1'");
	assert_int_equal(fx_number(f, "SELECT drain_until_wall_ms FROM instance"
	                              " WHERE name = 'i1'"),
	    0);
}

static void a_heartbeat_is_found(void **state)
{
	struct fx *f = *state;
	int64_t at_ms = 0;

	assert_int_equal(
	    registry_read_heartbeat(f->r, "h", &at_ms, &f->err), -ENOENT);
	ok(f, fx_put_registrar(f, 1, 1700000000000));
	ok(f, registry_read_heartbeat(f->r, "h", &at_ms, &f->err));
	assert_int_equal(at_ms, 1700000000000);
}

/* By its own index, in order, without a sorter. */
static void drains_are_found_at_once(void **state)
{
	struct fx *f = *state;
	char sql[1024];
	sqlite3_stmt *st;

	(void)snprintf(
	    sql, sizeof(sql), "EXPLAIN QUERY PLAN %s", stmt_sql(STMT_DRAINS));
	assert_int_equal(
	    sqlite3_prepare_v2(f->r->db, sql, -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	assert_non_null(strstr((const char *)sqlite3_column_text(st, 3),
	    "USING INDEX instance_drains"));
	assert_int_equal(sqlite3_step(st), SQLITE_DONE);
	sqlite3_finalize(st);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, fx_teardown)
	static const struct CMUnitTest tests[] = {
		T(a_mode_by_hand_is_a_drain),
		T(steps_follow_one_drain),
		T(what_is_no_step_is_refused),
		T(an_end_that_is_given_holds),
		T(a_heartbeat_is_found),
		T(drains_are_found_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
