// SPDX-License-Identifier: BSD-2-Clause
/* Check results, registrars, definitions, history, the WAL. */
#include "schema/registrar_end.h"
#include "tests/unit/schema/support.h"

#include <errno.h>

#define HOUR_MS 3600000L

static void begin(struct fx *f)
{
	struct service_row s = fx_service("web");
	struct instance_row i = fx_instance("web", "i1");

	f->r = fx_open(f, REGISTRY_WRITE);
	fx_ok(f, registry_put_service(f->r, &s, &f->err));
	fx_ok(f, registry_put_instance(f->r, &i, &f->err));
	assert_int_equal(fx_revision(f->r), 2);
}

static void show_check(void *arg, const struct check_row *c)
{
	char *end = strchr(arg, '\0');

	(void)sprintf(end, "%s/%s/%s:%s=%s,%zu ", c->service, c->instance,
	    c->name, c->kind, health_name(c->status), strlen(c->output));
}

static void keeps_check_results(void **state)
{
	struct fx *f = *state;
	char text[512] = "", output[5000];
	struct check_row c = { Z, "web", "i1", "tcp-1", "tcp", HEALTH_STARTING,
		"", 1, 2 };

	memset(output, 'x', sizeof(output));
	output[sizeof(output) - 1] = '\0';
	begin(f);
	fx_ok(f, registry_put_check(f->r, &c, &f->err));
	c.status = HEALTH_CRITICAL;
	c.output = output;
	fx_ok(f, registry_put_check(f->r, &c, &f->err));
	c.name = "http-1";
	c.kind = "http";
	c.output = "";
	fx_ok(f, registry_put_check(f->r, &c, &f->err));
	fx_ok(f, registry_read_checks(f->r, Z, "", show_check, text, &f->err));
	assert_string_equal(text, "web/i1/http-1:http=critical,0 "
	                          "web/i1/tcp-1:tcp=critical,4096 ");
	fx_ok(f,
	    registry_withdraw_check(f->r, Z, "web", "i1", "http-1", &f->err));
	assert_int_equal(
	    registry_withdraw_check(f->r, Z, "web", "i1", "http-1", &f->err),
	    -ENOENT);
	text[0] = '\0';
	fx_ok(
	    f, registry_read_checks(f->r, Z, "web", show_check, text, &f->err));
	assert_string_equal(text, "web/i1/tcp-1:tcp=critical,4096 ");
	assert_int_equal(fx_revision(f->r), 2); /* none of it is a change */
}

static void knows_its_registrars(void **state)
{
	struct fx *f = *state;

	f->r = fx_open(f, REGISTRY_WRITE);
	fx_ok(f, fx_put_registrar(f, 10, 100));
	fx_ok(f, fx_put_registrar(f, 10, 200));
	assert_int_equal(fx_number(f, "SELECT started_wall_ms * 1000 + "
	                              "heartbeat_wall_ms FROM registrar"),
	    100200);
	fx_ok(f, fx_put_registrar(f, 11, 300));
	assert_int_equal(fx_number(f, "SELECT started_wall_ms * 1000 + "
	                              "heartbeat_wall_ms FROM registrar"),
	    300300);
	/* it ends, and begins with the pid it had, as in a container */
	fx_ok(f, registry_begin(f->r, 0, &f->err));
	fx_ok(f, registry_end_registrar(f->r, "h", &f->err));
	fx_ok(f, registry_commit(f->r, &f->err));
	assert_int_equal(fx_number(f, "SELECT started_wall_ms * 1000 + "
	                              "heartbeat_wall_ms FROM registrar"),
	    300);
	fx_ok(f, fx_put_registrar(f, 11, 400));
	assert_int_equal(fx_number(f, "SELECT started_wall_ms * 1000 + "
	                              "heartbeat_wall_ms FROM registrar"),
	    400400);
	assert_int_equal(fx_revision(f->r), 0);
}

static void show_definition(void *arg, const char *file, const char *text)
{
	(void)sprintf(strchr(arg, '\0'), "%s=%s ", file, text);
}

static void keeps_definitions(void **state)
{
	struct fx *f = *state;
	char text[256] = "";

	f->r = fx_open(f, REGISTRY_WRITE);
	fx_ok(f, registry_put_definition(f->r, "a", "y", "1", &f->err));
	fx_ok(f, registry_put_definition(f->r, "a", "x", "", &f->err));
	fx_ok(f, registry_put_definition(f->r, "a", "y", "2", &f->err));
	fx_ok(f, registry_put_definition(f->r, "b", "z", "3", &f->err));
	fx_ok(f, registry_read_definitions(
	             f->r, "a", show_definition, text, &f->err));
	assert_string_equal(text, "x= y=2 ");
	fx_ok(f, registry_withdraw_definition(f->r, "a", "y", &f->err));
	assert_int_equal(
	    registry_withdraw_definition(f->r, "a", "y", &f->err), -ENOENT);
}

static void show_history(void *arg, const struct history_row *h)
{
	(void)sprintf(strchr(arg, '\0'), "%s/%s:%s>%s@%d ", h->service,
	    h->instance, h->was ? h->was : "-", h->now ? h->now : "-",
	    (int)h->at_wall_ms);
}

static void tells_history(void **state)
{
	struct fx *f = *state;
	struct service_row s = fx_service("api");
	struct instance_row i = fx_instance("api", "x");
	char text[512] = "";
	unsigned n = 0;

	begin(f);
	fx_ok(f, registry_put_service(f->r, &s, &f->err));
	fx_ok(f, registry_put_instance(f->r, &i, &f->err));
	fx_ok(f, registry_put_health(f->r, Z, "web", "i1", HEALTH_DEAD, NULL,
	             2000000, &f->err));
	fx_ok(f, registry_read_history(
	             f->r, Z, NULL, 10, show_history, text, &f->err));
	assert_string_equal(text, "web/i1:passing>dead@2000000 "
	                          "api/x:->passing@1000000 "
	                          "web/i1:->passing@1000000 ");
	text[0] = '\0';
	fx_ok(f, registry_read_history(
	             f->r, Z, "web", 1, show_history, text, &f->err));
	assert_string_equal(text, "web/i1:passing>dead@2000000 ");

	/* by steps, never the newest, never what is younger than keep_ms */
	fx_ok(f, registry_prune_history(
	             f->r, 2 * HOUR_MS, 2 * HOUR_MS, 10, &n, &f->err));
	assert_int_equal(n, 0);
	fx_ok(f, registry_prune_history(
	             f->r, 1500000 + HOUR_MS, HOUR_MS, 1, &n, &f->err));
	assert_int_equal(n, 1);
	fx_ok(f, registry_prune_history(
	             f->r, 9 * HOUR_MS, HOUR_MS, 10, &n, &f->err));
	assert_int_equal(n, 1);
	text[0] = '\0';
	fx_ok(f, registry_read_history(
	             f->r, Z, NULL, 10, show_history, text, &f->err));
	assert_string_equal(text, "web/i1:passing>dead@2000000 ");
}

/* Expired rows go by whose host they are. */
static void prunes_what_is_of_this_host(void **state)
{
	struct fx *f = *state;
	unsigned n = 0;

	begin(f);
	fx_sql(f,
	    "INSERT INTO instance (service, name, address, "
	    "lease_until_wall_ms, node, source) VALUES "
	    "('web', 'here', '192.0.2.7', 200000000000, '', 'command'), "
	    "('web', 'there', '192.0.2.8', 200000000000, 'far', 'command'), "
	    "('web', 'ours', '192.0.2.9', 200000000000, 'far', 'registrar/x'), "
	    "('web', 'mine', '192.0.2.10', 200000000000, '', 'registrar/x')");
	fx_ok(f, registry_prune_expired(
	             f->r, "registrar/x", 300000000000, 10, &n, &f->err));
	assert_int_equal(n, 2);
	assert_int_equal(fx_number(f, "SELECT count(*) FROM instance "
	                              "WHERE node = 'far'"),
	    2);
}

static void keeps_young_history(void **state)
{
	struct fx *f = *state;
	unsigned n = 77;

	begin(f);
	fx_sql(f, "UPDATE instance SET health = 'dead';"
	          "UPDATE instance SET health = 'passing';");
	assert_int_equal(
	    registry_prune_history(f->r, INT64_MAX / 2, 0, 10, &n, &f->err),
	    -EINVAL);
	assert_non_null(strstr(f->err.text, "history is append-only"));
	assert_int_equal(n, 77);
}

static void moves_the_wal(void **state)
{
	struct fx *f = *state;
	struct registry *reader;

	begin(f);
	fx_ok(f, registry_checkpoint(f->r, &f->err));
	/* nobody waits for a reader in a transaction */
	reader = fx_open(f, REGISTRY_READ);
	fx_ok(f, registry_read_begin(reader, &f->err));
	fx_ok(f, registry_put_health(f->r, Z, "web", "i1", HEALTH_DEAD, NULL,
	             2000000, &f->err));
	fx_ok(f, registry_checkpoint(f->r, &f->err));
	assert_int_equal(fx_revision(reader), 2);
	registry_read_end(reader);
	assert_int_equal(fx_revision(reader), 3);
	registry_close(reader);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fx_setup, fx_teardown)
	static const struct CMUnitTest tests[] = {
		TEST(keeps_check_results),
		TEST(knows_its_registrars),
		TEST(keeps_definitions),
		TEST(tells_history),
		TEST(prunes_what_is_of_this_host),
		TEST(keeps_young_history),
		cmocka_unit_test_setup_teardown(
		    prunes_what_is_of_this_host, fx_setup, fx_teardown),
		TEST(moves_the_wal),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
