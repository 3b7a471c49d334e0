// SPDX-License-Identifier: BSD-2-Clause
/* What a put changes, what it keeps, and what it costs in revisions. */
#include "schema/stmt.h"
#include "tests/unit/schema/support.h"

#include <errno.h>

static void begin(struct fx *f)
{
	struct service_row s = fx_service("web");
	struct instance_row i = fx_instance("web", "i1");

	f->r = fx_open(f, REGISTRY_WRITE);
	fx_ok(f, registry_put_service(f->r, &s, &f->err));
	fx_ok(f, registry_put_instance(f->r, &i, &f->err));
	assert_int_equal(fx_revision(f->r), 2);
}

/* ---- services and instances ------------------------------------------- */

static void put_service_changes_what_differs(void **state)
{
	struct fx *f = *state;
	struct service_row s = fx_service("web");

	begin(f);
	fx_ok(f, registry_put_service(f->r, &s, &f->err));
	assert_int_equal(fx_revision(f->r), 2);
	s.definition = "web.yaml"; /* written, but no change */
	fx_ok(f, registry_put_service(f->r, &s, &f->err));
	assert_int_equal(fx_revision(f->r), 2);
	assert_int_equal(fx_number(f, "SELECT definition = 'web.yaml' "
	                              "FROM service"),
	    1);
	s.ttl_s = 7;
	fx_ok(f, registry_put_service(f->r, &s, &f->err));
	assert_int_equal(fx_revision(f->r), 3);
	s.ttl_s = ROW_DEFAULT;
	fx_ok(f, registry_put_service(f->r, &s, &f->err));
	assert_int_equal(fx_revision(f->r), 4);
	assert_int_equal(fx_number(f, "SELECT ttl_s IS NULL FROM service"), 1);

	s.port = 70000;
	assert_int_equal(registry_put_service(f->r, &s, &f->err), -EINVAL);
	assert_non_null(strstr(f->err.text, "service.port must be 1..65535"));
	/* the connection is good for more */
	s.port = 81;
	fx_ok(f, registry_put_service(f->r, &s, &f->err));
	assert_int_equal(fx_revision(f->r), 5);
}

static void put_instance_keeps_the_verdict(void **state)
{
	struct fx *f = *state;
	struct instance_row i = fx_instance("web", "i1");

	begin(f);
	fx_ok(f, registry_put_health(f->r, Z, "web", "i1", HEALTH_CRITICAL,
	             "refused", 2000000, &f->err));
	fx_ok(f, registry_put_mode(
	             f->r, Z, "web", "i1", MODE_DRAINING, 3000000, &f->err));
	assert_int_equal(fx_revision(f->r), 4);
	fx_ok(f, registry_put_instance(f->r, &i, &f->err));
	assert_int_equal(fx_revision(f->r), 4);
	i.weight = 7;
	i.address = "10.9.9.9";
	i.health = HEALTH_PASSING;
	i.since_wall_ms = 9000000;
	fx_ok(f, registry_put_instance(f->r, &i, &f->err));
	assert_int_equal(fx_revision(f->r), 5);
	assert_int_equal(
	    fx_number(f, "SELECT health = 'critical' AND mode = 'draining' "
	                 "AND since_wall_ms = 3000000 AND reason = 'refused' "
	                 "AND weight = 7 FROM instance"),
	    1);
	i.service = "nix";
	assert_int_equal(registry_put_instance(f->r, &i, &f->err), -EINVAL);
	assert_non_null(strstr(f->err.text, "insert the service first"));
}

static void see_pace(void *arg, const struct instance_row *row)
{
	struct instance_row *seen = arg;

	seen->ramp_percent = row->ramp_percent;
	seen->damping = row->damping;
}

static void ignore_service(void *arg, const struct service_row *row)
{
	(void)arg;
	(void)row;
}

static void ignore_done(void *arg)
{
	(void)arg;
}

static void put_instance_keeps_the_pace(void **state)
{
	struct fx *f = *state;
	struct instance_row i = fx_instance("web", "i1"), seen;
	const struct damping_row d = {
		.penalty = 1500, .at_wall_ms = 2000000, .until_wall_ms = 3000000
	};
	const struct registry_visitor v = { ignore_service, see_pace,
		ignore_done, &seen, NULL };

	begin(f);
	fx_ok(f, registry_put_ramp(f->r, Z, "web", "i1", 40, &f->err));
	assert_int_equal(fx_revision(f->r), 3);
	fx_ok(f, registry_put_ramp(f->r, Z, "web", "i1", 40, &f->err));
	fx_ok(f, registry_put_damping(f->r, Z, "web", "i1", &d, &f->err));
	assert_int_equal(fx_revision(f->r), 3);
	i.weight = 7;
	fx_ok(f, registry_put_instance(f->r, &i, &f->err));
	fx_ok(f, registry_read_service(f->r, Z, "web", &v, &f->err));
	assert_int_equal(seen.ramp_percent, 40);
	assert_int_equal(seen.damping.penalty, 1500);
	assert_int_equal(seen.damping.at_wall_ms, 2000000);
	assert_int_equal(seen.damping.until_wall_ms, 3000000);
	assert_int_equal(
	    registry_put_ramp(f->r, Z, "web", "nix", 1, &f->err), -ENOENT);
	assert_int_equal(
	    registry_put_damping(f->r, Z, "web", "nix", &d, &f->err), -ENOENT);
}

static void put_weight_touches_nothing_else(void **state)
{
	struct fx *f = *state;

	begin(f);
	fx_ok(f, registry_put_weight(f->r, Z, "web", "i1", 5, &f->err));
	assert_int_equal(fx_revision(f->r), 3);
	fx_ok(f, registry_put_weight(f->r, Z, "web", "i1", 5, &f->err));
	assert_int_equal(fx_revision(f->r), 3);
	assert_int_equal(
	    fx_number(f, "SELECT weight_override = 5 AND weight = 100 "
	                 "AND since_wall_ms = 1000000 "
	                 "FROM instance"),
	    1);
	assert_int_equal(
	    registry_put_weight(f->r, Z, "web", "i1", 65536, &f->err), -EINVAL);
	assert_int_equal(
	    registry_put_weight(f->r, Z, "web", "nix", 1, &f->err), -ENOENT);
}

static void a_note_is_history_but_no_change(void **state)
{
	struct fx *f = *state;

	begin(f);
	fx_ok(f, registry_put_mode(
	             f->r, Z, "web", "i1", MODE_MAINTENANCE, 2000000, &f->err));
	fx_ok(f, registry_put_note(f->r, Z, "web", "i1", "command/me", "disk",
	             2000000, &f->err));
	assert_int_equal(fx_revision(f->r), 3);
	assert_int_equal(
	    fx_number(f, "SELECT count(*) FROM history WHERE instance = 'i1' "
	                 "AND was = 'maintenance' AND now = was "
	                 "AND source = 'command/me' AND reason = 'disk'"),
	    1);
	assert_int_equal(registry_put_note(f->r, Z, "web", "nix", "command/me",
	                     "disk", 1, &f->err),
	    -ENOENT);
}

static void puts_many(void **state)
{
	enum { N = STMT_BATCH * 2 + 3 };
	struct fx *f = *state;
	struct instance_row rows[N];
	char names[N][16];
	unsigned done = 99;

	begin(f);
	for (int i = 0; i < N; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "n%d", i);
		rows[i] = fx_instance("web", names[i]);
	}
	fx_ok(f, registry_put_instances(f->r, rows, N, &done, &f->err));
	assert_int_equal(done, N);
	assert_int_equal(fx_revision(f->r), 2 + N);
	fx_ok(f, registry_put_instances(f->r, rows, N, &done, &f->err));
	assert_int_equal(fx_revision(f->r), 2 + N);
	fx_ok(f, registry_put_instances(f->r, rows, 0, &done, &f->err));
	assert_int_equal(done, 0);
	/* each of them with a wrong row: those before it are put */
	for (int bad = 0; bad < N; bad++) {
		for (int i = 0; i < N; i++)
			rows[i].weight = 200 + bad;
		rows[bad].weight = -5;
		assert_int_equal(
		    registry_put_instances(f->r, rows, N, &done, &f->err),
		    -EINVAL);
		assert_int_equal(done, bad);
		assert_non_null(strstr(f->err.text, "instance.weight must"));
	}
	assert_int_equal(
	    fx_number(f, "SELECT sum(weight = 218) FROM instance"), N - 1);
}

static void put_health_writes_transitions(void **state)
{
	struct fx *f = *state;
	char reason[2000];

	begin(f);
	fx_ok(f, registry_put_health(f->r, Z, "web", "i1", HEALTH_PASSING, NULL,
	             2000000, &f->err));
	assert_int_equal(
	    fx_number(f, "SELECT since_wall_ms FROM instance"), 1000000);
	fx_ok(f, registry_put_health(f->r, Z, "web", "i1", HEALTH_PASSING,
	             "200 OK", 2000000, &f->err));
	assert_int_equal(fx_revision(f->r), 2);
	assert_int_equal(fx_number(f, "SELECT since_wall_ms = 1000000 AND "
	                              "reason = '200 OK' FROM instance"),
	    1);
	fx_ok(f, registry_put_health(f->r, Z, "web", "i1", HEALTH_DEAD, "gone",
	             3000000, &f->err));
	assert_int_equal(fx_revision(f->r), 3);
	assert_int_equal(fx_number(f, "SELECT since_wall_ms = 3000000 AND "
	                              "reason = 'gone' FROM instance"),
	    1);
	assert_int_equal(fx_number(f, "SELECT at_wall_ms FROM history "
	                              "WHERE was = 'passing' AND now = 'dead' "
	                              "AND reason = 'gone'"),
	    3000000);
	assert_int_equal(registry_put_health(f->r, Z, "web", "nix", HEALTH_DEAD,
	                     NULL, 1, &f->err),
	    -ENOENT);
	assert_non_null(strstr(f->err.text, "no instance 'nix' of service"));
	assert_int_equal(registry_put_mode(f->r, Z, "nix", "i1",
	                     MODE_MAINTENANCE, 1, &f->err),
	    -ENOENT);

	/* cut at 1024 octets, not within a character */
	memset(reason, 'x', sizeof(reason));
	memcpy(reason + 1023, "\xc3\xa4", 2);
	reason[1999] = '\0';
	fx_ok(f, registry_put_health(f->r, Z, "web", "i1", HEALTH_CRITICAL,
	             reason, 4000000, &f->err));
	assert_int_equal(
	    fx_number(f, "SELECT length(reason) FROM instance"), 1023);
}

static void withdraws(void **state)
{
	struct fx *f = *state;
	struct check_row c = { Z, "web", "i1", "tcp-1", "tcp", HEALTH_PASSING,
		"ok", 1, 2 };

	begin(f);
	fx_ok(f, registry_put_check(f->r, &c, &f->err));
	fx_ok(f, registry_withdraw_instance(f->r, Z, "web", "i1", &f->err));
	assert_int_equal(fx_revision(f->r), 3);
	assert_int_equal(fx_number(f, "SELECT count(*) FROM check_result"), 0);
	assert_int_equal(
	    registry_withdraw_instance(f->r, Z, "web", "i1", &f->err), -ENOENT);
	fx_ok(f, registry_withdraw_service(f->r, Z, "web", &f->err));
	assert_int_equal(fx_revision(f->r), 4);
	assert_int_equal(
	    registry_withdraw_service(f->r, Z, "web", &f->err), -ENOENT);
	assert_int_equal(fx_revision(f->r), 4);
}

static void withdraws_a_service_whole(void **state)
{
	struct fx *f = *state;

	begin(f);
	fx_ok(f, registry_withdraw_service(f->r, Z, "web", &f->err));
	assert_int_equal(fx_number(f, "SELECT count(*) FROM instance"), 0);
	assert_int_equal(fx_number(f, "SELECT count(*) FROM history "
	                              "WHERE now IS NULL"),
	    1); /* once, although key and trigger both see to it */
}

/* ---- transactions ----------------------------------------------------- */

static void commits_and_rolls_back(void **state)
{
	struct fx *f = *state;
	struct registry *reader;

	begin(f);
	reader = fx_open(f, REGISTRY_READ);
	fx_ok(f, registry_begin(f->r, 0, &f->err));
	fx_ok(f, registry_put_health(f->r, Z, "web", "i1", HEALTH_DEAD, NULL,
	             2000000, &f->err));
	assert_int_equal(fx_revision(f->r), 3);
	assert_int_equal(fx_revision(reader), 2);
	/* a refused row leaves the rest of the transaction */
	struct service_row bad = fx_service("Bad");
	assert_int_equal(registry_put_service(f->r, &bad, &f->err), -EINVAL);
	fx_ok(f, registry_commit(f->r, &f->err));
	assert_int_equal(fx_revision(reader), 3);

	fx_ok(f, registry_begin(f->r, 0, &f->err));
	fx_ok(f, registry_withdraw_service(f->r, Z, "web", &f->err));
	registry_rollback(f->r);
	registry_rollback(f->r); /* harmless */
	assert_int_equal(fx_revision(f->r), 3);
	fx_ok(f, registry_begin(f->r, 0, &f->err));
	fx_ok(f, registry_commit(f->r, &f->err)); /* empty */
	registry_close(reader);
}

/* After a full disk SQLite may have ended the transaction: nothing of what
 * follows may be committed on its own. */
static void lost_transaction_stays_lost(void **state)
{
	struct fx *f = *state;

	begin(f);
	fx_ok(f, registry_begin(f->r, 0, &f->err));
	fx_ok(f, registry_put_health(f->r, Z, "web", "i1", HEALTH_DEAD, NULL,
	             2000000, &f->err));
	assert_int_equal(sqlite3_exec(f->r->db, "ROLLBACK", 0, 0, 0),
	    SQLITE_OK); /* as SQLite would by itself */
	assert_int_equal(registry_put_health(f->r, Z, "web", "i1",
	                     HEALTH_WARNING, NULL, 2000000, &f->err),
	    -EIO);
	assert_int_equal(registry_commit(f->r, &f->err), -EIO);
	assert_non_null(strstr(f->err.text, "rolled back"));
	assert_int_equal(fx_revision(f->r), 2);
	fx_ok(f, registry_put_health(f->r, Z, "web", "i1", HEALTH_WARNING, NULL,
	             2000000, &f->err));
}

static void full_database(void **state)
{
	struct fx *f = *state;
	char output[4097];
	int error = 0;

	begin(f);
	memset(output, 'x', sizeof(output) - 1);
	output[sizeof(output) - 1] = '\0';
	assert_int_equal(
	    sqlite3_exec(f->r->db, "PRAGMA max_page_count = 60", 0, 0, 0),
	    SQLITE_OK);
	fx_ok(f, registry_begin(f->r, 0, &f->err));
	for (int i = 0; i < 100 && error == 0; i++) {
		char name[16];
		struct check_row c = { Z, "web", "i1", name, "tcp",
			HEALTH_PASSING, output, 1, 2 };

		(void)snprintf(name, sizeof(name), "c%d", i);
		error = registry_put_check(f->r, &c, &f->err);
	}
	assert_int_equal(error, -ENOSPC);
	registry_rollback(f->r);
	assert_int_equal(fx_number(f, "SELECT count(*) FROM check_result"), 0);
	fx_ok(f, registry_put_health(f->r, Z, "web", "i1", HEALTH_DEAD, NULL,
	             2000000, &f->err));
	assert_int_equal(fx_revision(f->r), 3);
}

static void words_are_those_of_the_database(void **state)
{
	struct fx *f = *state;

	begin(f);
	for (int h = 0; h < HEALTH_N; h++) {
		enum health back = HEALTH_STARTING;

		fx_ok(f, registry_put_health(f->r, Z, "web", "i1",
		             (enum health)h, NULL, 2000000, &f->err));
		assert_int_equal(
		    health_parse(health_name((enum health)h), &back), 0);
		assert_int_equal(back, h);
	}
	for (int m = 0; m < MODE_N; m++) {
		enum mode back = MODE_ACTIVE;

		fx_ok(f, registry_put_mode(f->r, Z, "web", "i1", (enum mode)m,
		             2000000, &f->err));
		assert_int_equal(mode_parse(mode_name((enum mode)m), &back), 0);
		assert_int_equal(back, m);
	}
	for (int e = 0; e < ON_EMPTY_N; e++) {
		struct service_row s = fx_service("web");
		enum on_empty back = ON_EMPTY_NODATA;

		s.on_empty = (enum on_empty)e;
		fx_ok(f, registry_put_service(f->r, &s, &f->err));
		assert_int_equal(
		    on_empty_parse(on_empty_name(s.on_empty), &back), 0);
		assert_int_equal(back, e);
	}
	enum health h = HEALTH_DEAD;
	assert_int_equal(health_parse("Passing", &h), -EINVAL);
	assert_int_equal(h, HEALTH_DEAD);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fx_setup, fx_teardown)
	static const struct CMUnitTest tests[] = {
		TEST(put_service_changes_what_differs),
		TEST(put_instance_keeps_the_verdict),
		TEST(puts_many),
		TEST(put_health_writes_transitions),
		TEST(put_instance_keeps_the_pace),
		TEST(put_weight_touches_nothing_else),
		TEST(a_note_is_history_but_no_change),
		TEST(withdraws),
		TEST(withdraws_a_service_whole),
		TEST(commits_and_rolls_back),
		TEST(lost_transaction_stays_lost),
		TEST(full_database),
		TEST(words_are_those_of_the_database),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
