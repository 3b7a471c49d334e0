// SPDX-License-Identifier: BSD-2-Clause
/* What was written comes back, in order, in pages, and by change. */
#include "tests/unit/schema/support.h"

#include <errno.h>

/* Visits as text: "web(i1 i2)api()". */
struct seen {
	char text[4096];
	struct service_row last_service;
	struct instance_row last_instance;
	char last_name[64];
};

static void add(struct seen *s, const char *name, const char *end)
{
	size_t len = strlen(s->text);

	(void)snprintf(s->text + len, sizeof(s->text) - len, "%s%s", name, end);
}

static void on_service(void *arg, const struct service_row *row)
{
	struct seen *s = arg;

	s->last_service = *row;
	(void)snprintf(s->last_name, sizeof(s->last_name), "%s", row->name);
	add(s, row->name, "(");
}

static void on_instance(void *arg, const struct instance_row *row)
{
	struct seen *s = arg;

	assert_string_equal(row->service, s->last_name);
	s->last_instance = *row;
	add(s, row->name, " ");
}

static void on_done(void *arg)
{
	add(arg, "", ")");
}

static struct registry_visitor visitor(struct seen *s)
{
	return (struct registry_visitor){ .service = on_service,
		.instance = on_instance,
		.done = on_done,
		.arg = s };
}

static void put(struct fx *f, const char *service, const char *instances)
{
	struct service_row s = fx_service(service);
	char name[2] = "";

	fx_ok(f, registry_put_service(f->r, &s, &f->err));
	for (; *instances; instances++) {
		struct instance_row i = fx_instance(service, name);

		name[0] = *instances;
		fx_ok(f, registry_put_instance(f->r, &i, &f->err));
	}
}

static void reads_a_service(void **state)
{
	struct fx *f = *state;
	struct seen s = { .text = "" };
	struct registry_visitor v = visitor(&s);

	f->r = fx_open(f, REGISTRY_WRITE);
	put(f, "web", "cab");
	put(f, "api", "");
	fx_ok(f, registry_read_service(f->r, Z, "web", &v, &f->err));
	assert_string_equal(s.text, "web(a b c )");
	s.text[0] = '\0';
	fx_ok(f, registry_read_service(f->r, Z, "api", &v, &f->err));
	assert_string_equal(s.text, "api()");
	assert_int_equal(
	    registry_read_service(f->r, Z, "nix", &v, &f->err), -ENOENT);
	assert_int_equal(
	    registry_read_service(f->r, "other", "web", &v, &f->err), -ENOENT);
}

static void check_columns(void *arg, const struct instance_row *i)
{
	int *n = arg;

	assert_string_equal(i->zone, Z);
	assert_string_equal(i->name, "i1");
	assert_string_equal(i->address, "10.0.0.1");
	assert_string_equal(i->address6, "fd00::1");
	assert_int_equal(i->port, 81);
	assert_int_equal(i->priority, 2);
	assert_int_equal(i->weight, 300);
	assert_int_equal(i->weight_warning, 30);
	assert_int_equal(i->health, HEALTH_WARNING);
	assert_int_equal(i->mode, MODE_DRAINING);
	assert_int_equal(i->lease_until_wall_ms, 1700000000000);
	assert_string_equal(i->tags, "[\"v2\"]");
	assert_string_equal(i->meta, "{\"a\":\"b\"}");
	assert_string_equal(i->locality, "fra1");
	assert_string_equal(i->source, "registrar/h");
	assert_string_equal(i->definition, "web.yaml");
	assert_int_equal(i->since_wall_ms, 1234567);
	assert_string_equal(i->reason, "slow");
	assert_string_equal(i->node, "vm2");
	assert_false(i->is_overridden);
	assert_string_equal(i->ports, "[{\"port\":55}]");
	++*n;
}

static void check_service_columns(void *arg, const struct service_row *s)
{
	int *n = arg;

	assert_string_equal(s->protocol, "udp");
	assert_int_equal(s->port, 53);
	assert_string_equal(s->port_name, "dns");
	assert_string_equal(s->ports, "[{\"port\":54}]");
	assert_int_equal(s->ttl_s, 9);
	assert_int_equal(s->max_answers, 0);
	assert_int_equal(s->on_empty, ON_EMPTY_ALL);
	assert_string_equal(s->tags, "[\"x\"]");
	assert_string_equal(s->meta, "{\"k\":\"v\"}");
	assert_string_equal(s->source, "registrar/h");
	assert_string_equal(s->definition, "web.yaml");
	++*n;
}

static void count_done(void *arg)
{
	int *n = arg;

	++*n;
}

static void keeps_every_column(void **state)
{
	struct fx *f = *state;
	int n = 0;
	struct registry_visitor v = { check_service_columns, check_columns,
		count_done, &n, NULL };
	struct service_row s = { .zone = Z,
		.name = "web",
		.protocol = "udp",
		.port = 53,
		.port_name = "dns",
		.ports = "[{\"port\":54}]",
		.ttl_s = 9,
		.max_answers = 0,
		.on_empty = ON_EMPTY_ALL,
		.tags = "[\"x\"]",
		.meta = "{\"k\":\"v\"}",
		.source = "registrar/h",
		.definition = "web.yaml",
		.node = "vm2" };
	struct instance_row i = { .zone = Z,
		.service = "web",
		.name = "i1",
		.address = "10.0.0.1",
		.address6 = "fd00::1",
		.port = 81,
		.ports = "[{\"port\":55}]",
		.priority = 2,
		.weight = 300,
		.weight_warning = 30,
		.health = HEALTH_WARNING,
		.mode = MODE_DRAINING,
		.lease_until_wall_ms = 1700000000000,
		.tags = "[\"v2\"]",
		.meta = "{\"a\":\"b\"}",
		.locality = "fra1",
		.source = "registrar/h",
		.definition = "web.yaml",
		.since_wall_ms = 1234567,
		.reason = "slow",
		.node = "vm2" };

	f->r = fx_open(f, REGISTRY_WRITE);
	fx_ok(f, registry_put_service(f->r, &s, &f->err));
	fx_ok(f, registry_put_instance(f->r, &i, &f->err));
	fx_ok(f, registry_read_service(f->r, Z, "web", &v, &f->err));
	assert_int_equal(n, 3);
	/* they may be taken away again */
	s.port_name = NULL;
	s.ports = NULL;
	i.ports = NULL;
	fx_ok(f, registry_put_service(f->r, &s, &f->err));
	fx_ok(f, registry_put_instance(f->r, &i, &f->err));
	assert_int_equal(
	    fx_number(f, "SELECT count(*) FROM service JOIN instance "
	                 "WHERE port_name IS NULL AND service.ports IS NULL "
	                 "AND instance.ports IS NULL"),
	    1);
}

static void reads_pages_in_order(void **state)
{
	static const struct {
		const char *after;
		unsigned limit, n;
		const char *text;
	} pages[] = {
		{ "", 2, 2, "a(x )b()" },
		{ "b", 2, 2, "c(x y )d(z )" },
		{ "d", 2, 1, "e()" },
		{ "e", 2, 0, "" },
		{ "", 100, 5, "a(x )b()c(x y )d(z )e()" },
	};
	struct fx *f = *state;

	f->r = fx_open(f, REGISTRY_WRITE);
	put(f, "e", "");
	put(f, "d", "z");
	put(f, "c", "yx");
	put(f, "b", "");
	put(f, "a", "x");
	for (size_t i = 0; i < sizeof(pages) / sizeof(*pages); i++) {
		struct seen s = { .text = "" };
		struct registry_visitor v = visitor(&s);
		unsigned n = 99;

		struct registry_key after = { .zone = Z };

		(void)snprintf(
		    after.name, sizeof(after.name), "%s", pages[i].after);
		fx_ok(f, registry_read_page(
		             f->r, &after, pages[i].limit, &v, &n, &f->err));
		assert_string_equal(s.text, pages[i].text);
		assert_int_equal(n, pages[i].n);
	}
}

static void add_change(
    void *arg, int64_t revision, const char *zone, const char *service)
{
	size_t len = strlen(arg);

	assert_string_equal(zone, Z);
	(void)snprintf(
	    (char *)arg + len, 256 - len, "%d%s ", (int)revision, service);
}

static void names_what_changed(void **state)
{
	static const struct {
		int64_t since;
		unsigned limit;
		int error;
		int64_t revision;
		const char *text;
	} cases[] = {
		{ 0, 100, 0, 4, "1b 2b 3a 4a " },
		{ 0, 3, 0, 3, "1b 2b 3a " },
		{ 3, 100, 0, 4, "4a " },
		{ 4, 100, 0, 4, "" },
		{ 5, 100, -ESTALE, 77, "" },
	};
	struct fx *f = *state;

	f->r = fx_open(f, REGISTRY_WRITE);
	assert_int_equal(fx_revision(f->r), 0);
	put(f, "b", "x");
	put(f, "a", "x");
	assert_int_equal(fx_revision(f->r), 4);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char text[256] = "";
		int64_t revision = 77;

		assert_int_equal(
		    registry_changes(f->r, cases[i].since, cases[i].limit,
		        add_change, text, &revision, &f->err),
		    cases[i].error);
		assert_int_equal(revision, cases[i].revision);
		assert_string_equal(text, cases[i].text);
	}
}

static void sees_one_moment(void **state)
{
	struct fx *f = *state;
	struct registry *reader;

	f->r = fx_open(f, REGISTRY_WRITE);
	reader = fx_open(f, REGISTRY_READ);
	fx_ok(f, registry_read_begin(reader, &f->err));
	put(f, "a", "x");
	assert_int_equal(fx_revision(reader), 0);
	registry_read_end(reader);
	registry_read_end(reader); /* harmless */
	assert_int_equal(fx_revision(reader), 2);
	registry_close(reader);
}

static void add_meta(void *arg, const char *key, const char *value)
{
	size_t len = strlen(arg);

	(void)snprintf((char *)arg + len, 256 - len, "%s=%s;", key, value);
}

static void splits_meta(void **state)
{
	struct fx *f = *state;
	char text[256] = "";

	f->r = fx_open(f, REGISTRY_WRITE);
	assert_int_equal(registry_meta_each(f->r, "{}", add_meta, text), 0);
	assert_int_equal(
	    registry_meta_each(
	        f->r, "{\"b\":\"\\\"1\\u00e4\",\"a\":\"\"}", add_meta, text),
	    0);
	assert_string_equal(text, "b=\"1\xc3\xa4;a=;");
	assert_true(registry_meta_each(f->r, "{", add_meta, text) < 0);
}

// clang-format off
static const struct {
	const char *why, *sql;
	bool any;
	struct service_tally tally;
	const char *state; /* of instance a: mode, health; NULL: none */
} elections[] = {
	/* one after the other, NOW is 5000000000000 */
	{ "no such service", "SELECT 1", false, { 0, 0, 0, 0 }, NULL },
	{ "no instance", "INSERT INTO service (name) VALUES ('s')", false, { 0, 0, 0, 0 }, NULL },
	{ "one that is starting",
	  "INSERT INTO instance (service, name, address, health) VALUES ('s', 'a', '10.0.0.1', 'starting')",
	  false, { 1, 0, 0, 1 }, "active starting" },
	{ "warning", "UPDATE instance SET health = 'warning'", true, { 1, 0, 1, 0 }, "active warning" },
	{ "draining", "UPDATE instance SET mode = 'draining'", false, { 1, 0, 0, 0 }, "draining warning" },
	{ "its lease ran out",
	  "UPDATE instance SET mode = 'active', health = 'passing', lease_until_wall_ms = 5000000000000",
	  false, { 1, 0, 0, 0 }, "active passing expired" },
	{ "its lease holds", "UPDATE instance SET lease_until_wall_ms = 5000000000001", true, { 1, 1, 0, 0 }, "active passing" },
	{ "critical", "UPDATE instance SET health = 'critical'", false, { 1, 0, 0, 0 }, "active critical" },
	{ "another one is passing",
	  "INSERT INTO instance (service, name, address) VALUES ('s', 'b', '10.0.0.1')",
	  true, { 2, 1, 0, 0 }, "active critical" },
	{ "not of this service",
	  "INSERT INTO service (name) VALUES ('t'); UPDATE instance SET service = 't' WHERE name = 'b'",
	  false, { 1, 0, 0, 0 }, "active critical" },
};
// clang-format on

static const int64_t election_ms = INT64_C(5000000000000);

static void check_state(struct fx *f, const char *why, const char *expected)
{
	struct instance_state st;
	char text[64];
	int r =
	    registry_read_state(f->r, Z, "s", "a", election_ms, &st, &f->err);

	if (!expected) {
		assert_int_equal(r, -ENOENT);
		return;
	}
	fx_ok(f, r);
	(void)snprintf(text, sizeof(text), "%s %s%s", mode_name(st.mode),
	    health_name(st.health), st.expired ? " expired" : "");
	if (strcmp(text, expected) != 0)
		fail_msg("%s: %s", why, text);
}

static void check_tally(
    struct fx *f, const char *why, const struct service_tally *expected)
{
	struct service_tally t;

	fx_ok(f, registry_tally(f->r, Z, "s", election_ms, &t, &f->err));
	if (memcmp(&t, expected, sizeof(t)) != 0) {
		fail_msg("%s: %u, %u passing, %u warning, %u starting", why,
		    t.n, t.passing, t.warning, t.starting);
	}
}

static void has_eligible(void **state)
{
	struct fx *f = *state;

	f->r = fx_open(f, REGISTRY_WRITE);
	for (size_t n = 0; n < sizeof(elections) / sizeof(elections[0]); n++) {
		bool any = !elections[n].any;

		fx_sql(f, elections[n].sql);
		fx_ok(f, registry_has_eligible(
		             f->r, Z, "s", election_ms, &any, &f->err));
		if (any != elections[n].any)
			fail_msg("%s", elections[n].why);
		check_tally(f, elections[n].why, &elections[n].tally);
		check_state(f, elections[n].why, elections[n].state);
	}
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fx_setup, fx_teardown)
	static const struct CMUnitTest tests[] = {
		TEST(reads_a_service),
		TEST(keeps_every_column),
		TEST(reads_pages_in_order),
		TEST(names_what_changed),
		TEST(has_eligible),
		TEST(sees_one_moment),
		TEST(splits_meta),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
