// SPDX-License-Identifier: BSD-2-Clause
/* Whose a row is: what the database refuses, and who wins. */
#include "schema/eligible.h"
#include "schema/owner.h"
#include "schema/stmt.h"
#include "tests/unit/schema/support.h"

#include <errno.h>

static int set_up(void **state)
{
	(void)fx_setup(state);
	struct fx *f = *state;

	f->r = fx_open(f, REGISTRY_WRITE);
	fx_sql(f, "UPDATE host SET name = 'vm1'");
	fx_sql(f, "INSERT INTO service (name, port, source) VALUES "
	          "('web', 80, 'registrar/b')");
	fx_sql(f, "INSERT INTO instance (service, name, address, source) "
	          "VALUES ('web', 'i1', '192.0.2.1', 'registrar/b')");
	return 0;
}

static void refused(struct fx *f, const char *sql)
{
	if (fx_try_sql(f, sql) != SQLITE_CONSTRAINT)
		fail_msg("not refused: %s", sql);
}

#define OWNER(s)                                                               \
	"SELECT count(*) FROM instance WHERE name = 'i1' AND source = '" s "'"
#define SERVICE_OWNER(s)                                                       \
	"SELECT count(*) FROM service WHERE name = 'web' AND source = '" s "'"

static void keeps_its_owner(void **state)
{
	struct fx *f = *state;

	refused(f, "UPDATE instance SET source = 'sql'");
	refused(f, "UPDATE instance SET node = 'vm2'");
	refused(f, "UPDATE service SET source = 'sql'");
	refused(f, "INSERT OR REPLACE INTO instance (service, name, address) "
	           "VALUES ('web', 'i1', '192.0.2.9')");
	refused(f, "INSERT OR REPLACE INTO service (name) VALUES ('web')");
	assert_int_equal(fx_number(f, OWNER("registrar/b")), 1);
	assert_int_equal(fx_number(f, SERVICE_OWNER("registrar/b")), 1);
	assert_int_equal(fx_number(f, "SELECT count(*) FROM instance "
	                              "WHERE address = '192.0.2.1'"),
	    1);
}

/* Those who say nothing of owners need not know of them. */
static void is_free_otherwise(void **state)
{
	struct fx *f = *state;

	fx_sql(f, "UPDATE instance SET source = source, weight = 7");
	fx_sql(f, "INSERT INTO instance (service, name, address) VALUES "
	          "('web', 'i1', '192.0.2.9') ON CONFLICT DO UPDATE SET "
	          "address = excluded.address");
	fx_sql(f, "INSERT INTO instance (service, name, address) VALUES "
	          "('web', 'i1', '192.0.2.8') ON CONFLICT DO NOTHING");
	fx_sql(f, "INSERT INTO service (name) VALUES ('web') "
	          "ON CONFLICT DO UPDATE SET port = 81");
	assert_int_equal(
	    fx_number(f, "SELECT weight FROM instance WHERE name = 'i1' "
	                 "AND address = '192.0.2.9' "
	                 "AND source = 'registrar/b'"),
	    7);
	/* the note of what may be overwritten is of one statement alone */
	fx_sql(f, "DELETE FROM instance");
	fx_sql(f, "INSERT INTO instance (service, name, address) VALUES "
	          "('web', 'i1', '192.0.2.7')");
	fx_sql(f, "INSERT OR REPLACE INTO instance (service, name, address) "
	          "VALUES ('web', 'i1', '192.0.2.6')");
	fx_sql(f, "DELETE FROM instance");
	fx_sql(f, "DELETE FROM service");
	assert_int_equal(fx_number(f, "SELECT count(*) FROM service"), 0);
}

static void service_stays_for_others(void **state)
{
	struct fx *f = *state;

	fx_sql(f, "INSERT INTO instance (service, name, address) VALUES "
	          "('web', 'i2', '192.0.2.2')");
	refused(f, "DELETE FROM service WHERE name = 'web'");
	assert_int_equal(
	    registry_withdraw_service(f->r, Z, "web", &f->err), -EINVAL);
	assert_int_equal(fx_number(f, "SELECT count(*) FROM instance"), 2);
	fx_sql(f, "INSERT INTO taken_over (service, who) "
	          "VALUES ('web', 'alice')");
	assert_int_equal(fx_number(f, SERVICE_OWNER("sql")), 1);
	assert_int_equal(fx_number(f, OWNER("sql")), 1);
	fx_sql(f, "DELETE FROM service WHERE name = 'web'");
	assert_int_equal(fx_number(f, "SELECT count(*) + (SELECT count(*) FROM "
	                              "instance_other) + (SELECT count(*) FROM "
	                              "service_other) + (SELECT count(*) FROM "
	                              "taken_over) FROM instance"),
	    0);
}

static void is_taken_over_and_given_back(void **state)
{
	struct fx *f = *state;
	struct row_owner o;

	fx_ok(f, registry_take_over(
	             f->r, Z, "web", "i1", "command", "alice", 1, &f->err));
	fx_ok(f, registry_read_owner(f->r, Z, "web", "i1", &o, &f->err));
	assert_string_equal(o.source, "command");
	assert_true(o.is_taken);
	assert_int_equal(
	    fx_number(f, "SELECT count(*) FROM history WHERE source = "
	                 "'command' AND was = now AND reason = "
	                 "'taken over from registrar/b, by alice'"),
	    1);
	/* nobody takes it back by saying something, however low */
	fx_sql(f, "INSERT INTO instance_claim (service, name, address, source)"
	          " VALUES ('web', 'i1', '192.0.2.5', 'api/t')");
	assert_int_equal(fx_number(f, OWNER("command")), 1);
	assert_int_equal(
	    fx_number(f, "SELECT count(*) FROM disagreement WHERE instance = "
	                 "'i1' AND source = 'api/t' AND says = "
	                 "'address 192.0.2.5'"),
	    1);
	fx_sql(f, "DELETE FROM taken_over");
	assert_int_equal(fx_number(f, OWNER("api/t")), 1);
	fx_sql(f, "DELETE FROM instance_claim WHERE source = 'api/t'");
	assert_int_equal(fx_number(f, OWNER("registrar/b")), 1);
	refused(f, "INSERT INTO taken_over (service) VALUES ('nix')");
}

static void lowest_service_wins(void **state)
{
	struct fx *f = *state;
	struct service_row s = fx_service("web");

	s.source = "registrar/c";
	s.protocol = "udp";
	s.definition = "/d/web.yaml";
	fx_ok(f, registry_put_service(f->r, &s, &f->err));
	assert_int_equal(fx_number(f, SERVICE_OWNER("registrar/b")), 1);
	assert_int_equal(
	    fx_number(f, "SELECT count(*) FROM disagreement WHERE service = "
	                 "'web' AND definition = '/d/web.yaml' "
	                 "AND says = 'protocol udp'"),
	    1);
	s.source = "registrar/a";
	fx_ok(f, registry_put_service(f->r, &s, &f->err));
	assert_int_equal(fx_number(f, SERVICE_OWNER("registrar/a")), 1);
	assert_int_equal(
	    fx_number(f, "SELECT count(*) FROM service_claim WHERE wins"), 1);
	assert_int_equal(fx_number(f, "SELECT count(*) FROM service_claim"), 3);
	assert_int_equal(fx_number(f, "SELECT count(*) FROM service "
	                              "WHERE protocol = 'udp'"),
	    1);
	/* its edits are the row's, and those of others are not */
	s.ttl_s = 9;
	fx_ok(f, registry_put_service(f->r, &s, &f->err));
	s.source = "registrar/c";
	s.ttl_s = 10;
	fx_ok(f, registry_put_service(f->r, &s, &f->err));
	assert_int_equal(fx_number(f, "SELECT ttl_s FROM service"), 9);
	/* the next one, when it is withdrawn; the instance stays */
	fx_ok(f, registry_withdraw_service_of(
	             f->r, Z, "web", "registrar/a", &f->err));
	assert_int_equal(fx_number(f, SERVICE_OWNER("registrar/b")), 1);
	fx_ok(f, registry_withdraw_service_of(
	             f->r, Z, "web", "registrar/b", &f->err));
	assert_int_equal(fx_number(f, SERVICE_OWNER("registrar/c")), 1);
	assert_int_equal(fx_number(f, "SELECT ttl_s FROM service"), 10);
	assert_int_equal(fx_number(f, "SELECT count(*) FROM instance"), 1);
}

/* Whoever comes first, and on every host. */
static void order_is_of_names_alone(void **state)
{
	struct fx *f = *state;

	/* this host is vm1 */
	fx_sql(f, "INSERT INTO service_claim (name, node, source, port) VALUES "
	          "('web', 'vm0', 'sql', 1), ('web', 'vm2', 'api/a', 2)");
	assert_int_equal(fx_number(f, "SELECT port FROM service"), 1);
	fx_sql(f, "DELETE FROM service_claim WHERE node = 'vm0'");
	assert_int_equal(fx_number(f, "SELECT port FROM service"), 80);
	/* and is called otherwise */
	fx_ok(f, registry_put_host(f->r, "vm3", &f->err));
	assert_int_equal(fx_number(f, "SELECT port FROM service"), 2);
	fx_ok(f, registry_put_host(f->r, "vm1", &f->err));
	assert_int_equal(fx_number(f, "SELECT port FROM service"), 80);
}

static void lowest_instance_wins(void **state)
{
	struct fx *f = *state;
	struct instance_row rows[9];
	char names[9][16];
	unsigned done;

	for (int k = 0; k < 9; k++) {
		(void)snprintf(names[k], sizeof(names[k]), "i%d", k);
		rows[k] = fx_instance("web", names[k]);
		rows[k].address = "192.0.2.77";
		rows[k].source = "registrar/c";
	}
	fx_ok(f, registry_put_instances(f->r, rows, 9, &done, &f->err));
	assert_int_equal(done, 9);
	assert_int_equal(fx_number(f, OWNER("registrar/b")), 1);
	assert_int_equal(fx_number(f, "SELECT count(*) FROM instance_claim "
	                              "WHERE NOT wins AND name = 'i1'"),
	    1);
	fx_sql(f, "UPDATE instance SET health = 'critical', mode = "
	          "'maintenance' WHERE name = 'i1'");
	fx_ok(f, registry_withdraw_instance_of(
	             f->r, Z, "web", "i1", "registrar/b", &f->err));
	/* who describes it is another thing than how it does */
	assert_int_equal(
	    fx_number(f, "SELECT count(*) FROM instance WHERE name = 'i1' "
	                 "AND source = 'registrar/c' AND health = 'critical' "
	                 "AND mode = 'maintenance' "
	                 "AND address = '192.0.2.77'"),
	    1);
	assert_int_equal(registry_withdraw_instance_of(
	                     f->r, Z, "web", "i1", "registrar/b", &f->err),
	    -ENOENT);
	fx_ok(f, registry_withdraw_instance_of(
	             f->r, Z, "web", "i1", "registrar/c", &f->err));
	assert_int_equal(
	    registry_find_instance(f->r, Z, "web", "i1", &f->err), -ENOENT);
}

static void two_files_of_one_owner(void **state)
{
	struct fx *f = *state;
	struct service_row s = fx_service("web");

	s.source = "registrar/b";
	s.definition = "/d/b.yaml";
	s.protocol = "udp";
	s.port = 80;
	fx_ok(f, registry_put_service_also(f->r, &s, &f->err));
	assert_int_equal(
	    fx_number(f, "SELECT count(*) FROM disagreement WHERE source = "
	                 "'registrar/b' AND says = 'protocol udp'"),
	    1);
	/* what is withdrawn is all that it said */
	fx_sql(f, "DELETE FROM instance");
	fx_ok(f, registry_withdraw_service_of(
	             f->r, Z, "web", "registrar/b", &f->err));
	assert_int_equal(fx_number(f, "SELECT count(*) FROM service_claim"), 0);
}

static void adopts_what_another_left(void **state)
{
	struct fx *f = *state;
	unsigned n = 0;

	fx_ok(f, registry_put_definition(
	             f->r, "registrar/b", "/d/web.yaml", "x", &f->err));
	fx_sql(f, "INSERT INTO refused_definition (source, file, message) "
	          "VALUES ('registrar/b', '/d/x.yaml', 'wrong')");
	fx_ok(
	    f, registry_adopt(f->r, "registrar/b", "registrar/z", &n, &f->err));
	assert_int_equal(n, 1);
	assert_int_equal(
	    fx_number(f, "SELECT count(*) FROM refused_definition"), 0);
	assert_int_equal(fx_number(f, OWNER("registrar/z")), 1);
	assert_int_equal(fx_number(f, SERVICE_OWNER("registrar/z")), 1);
	assert_int_equal(fx_number(f, "SELECT count(*) FROM definition "
	                              "WHERE source = 'registrar/z'"),
	    1);
	assert_int_equal(
	    fx_number(f, "SELECT count(*) FROM history WHERE reason = "
	                 "'taken over from registrar/b, adopted'"),
	    1);
	refused(f, "UPDATE instance SET source = 'sql'");
}

static void see_weight(void *arg, const struct instance_row *row)
{
	*(struct instance_row *)arg = *row;
}

static void ignore_check(void *arg, const struct check_row *row)
{
	(void)arg;
	(void)row;
}

static void override_is_the_operators(void **state)
{
	struct fx *f = *state;
	struct instance_row i = fx_instance("web", "i1"), seen;
	int64_t revision = fx_revision(f->r);

	fx_ok(f, registry_put_weight(f->r, Z, "web", "i1", 5, &f->err));
	assert_int_equal(fx_revision(f->r), revision + 1);
	i.source = "registrar/b";
	i.weight = 70;
	fx_ok(f, registry_put_instance(f->r, &i, &f->err));
	fx_ok(f, registry_read_instance(f->r, Z, "web", "i1", see_weight,
	             ignore_check, &seen, &f->err));
	assert_true(seen.is_overridden);
	assert_int_equal(seen.weight, 70);
	assert_int_equal(eligible_weight(&seen), 5);
	fx_ok(
	    f, registry_put_weight(f->r, Z, "web", "i1", ROW_DEFAULT, &f->err));
	fx_ok(f, registry_read_instance(f->r, Z, "web", "i1", see_weight,
	             ignore_check, &seen, &f->err));
	assert_int_equal(eligible_weight(&seen), 70);
	refused(f, "UPDATE instance SET weight_override = 65536");
	assert_int_equal(
	    fx_number(f, "SELECT count(*) FROM history WHERE reason LIKE "
	                 "'%weight 100 to 70%' AND source = 'registrar/b'"),
	    1);
}

static void others_follow_a_new_name(void **state)
{
	struct fx *f = *state;

	fx_sql(f, "INSERT INTO service_claim (name, source, port) "
	          "VALUES ('web', 'sql', 90)");
	fx_sql(f, "INSERT INTO instance_claim (service, name, address) "
	          "VALUES ('web', 'i1', '192.0.2.3')");
	fx_sql(f, "UPDATE service SET name = 'shop' WHERE name = 'web'");
	fx_sql(f, "UPDATE instance SET name = 'k1' WHERE name = 'i1'");
	assert_int_equal(
	    fx_number(f, "SELECT count(*) FROM disagreement WHERE service = "
	                 "'shop' AND instance IN ('', 'k1')"),
	    2);
}

static void rules_hold_for_all(void **state)
{
	struct fx *f = *state;

	refused(f, "INSERT INTO service_claim (name, port) "
	           "VALUES ('web', 70000)");
	refused(f, "INSERT INTO instance_claim (service, name, address) "
	           "VALUES ('web', 'i1', '300.0.0.1')");
	refused(f, "INSERT INTO instance_claim (service, name, address, tags) "
	           "VALUES ('web', 'i1', '192.0.2.3', '[1]')");
	refused(f, "INSERT INTO instance_claim (service, name, address) "
	           "VALUES ('nix', 'i1', '192.0.2.3')");
}

/* A registry of before keeps the names that it has. */
static void knows_which_names(void **state)
{
	struct fx *f = *state;
	struct host_row h;

	fx_ok(f, registry_read_host(f->r, &h, &f->err));
	assert_false(h.plain_names);
	assert_string_equal(h.name, "vm1");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, fx_teardown)
	const struct CMUnitTest tests[] = {
		TEST(keeps_its_owner),
		TEST(is_free_otherwise),
		TEST(service_stays_for_others),
		TEST(is_taken_over_and_given_back),
		TEST(lowest_service_wins),
		TEST(order_is_of_names_alone),
		TEST(lowest_instance_wins),
		TEST(two_files_of_one_owner),
		TEST(adopts_what_another_left),
		TEST(override_is_the_operators),
		TEST(others_follow_a_new_name),
		TEST(rules_hold_for_all),
		TEST(knows_which_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
