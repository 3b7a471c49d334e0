// SPDX-License-Identifier: BSD-2-Clause
/* What `registrar top` shows: read by difference, judged, filtered, sorted. */
#include "registrar/top/top_model.h"
#include "tests/unit/registrar_core/operation_support.h"

#define NOW 1700000000000

struct shown {
	char text[512];
};

/* "web/a dead, web/b passing" */
static struct shown show(struct top_model *m)
{
	struct shown s = { "" };
	char name[256];

	(void)top_model_judge(m, NOW);
	top_model_arrange(m);
	for (unsigned k = 0; k < m->shown_n; k++) {
		size_t len = strlen(s.text);

		(void)snprintf(s.text + len, sizeof(s.text) - len, "%s%s %s",
		    k ? ", " : "",
		    top_entry_name(m, m->shown[k], name, sizeof(name)),
		    top_state_name(m->shown[k]->state));
	}
	return s;
}

static void put(struct fx *f, const char *name, enum health h, int64_t since)
{
	fx_put_instance(f, &(const struct instance_row){ .name = name,
	                       .health = h,
	                       .weight = (int)(since % 7),
	                       .since_wall_ms = NOW - since });
}

static void fill(struct fx *f)
{
	put(f, "d", HEALTH_PASSING, 4);
	put(f, "a", HEALTH_PASSING, 3);
	put(f, "c", HEALTH_DEAD, 2);
	put(f, "b", HEALTH_CRITICAL, 9);
	put(f, "e", HEALTH_CRITICAL, 1);
}

static void each_order(void **state)
{
	static const char *const orders[TOP_SORT_N] = {
		[TOP_BY_STATE] = "web/c dead, web/e critical, web/b critical, "
		                 "web/a passing, web/d passing",
		[TOP_BY_NAME] = "web/a passing, web/b critical, web/c dead, "
		                "web/d passing, web/e critical",
		[TOP_BY_SINCE] = "web/e critical, web/c dead, web/a passing, "
		                 "web/d passing, web/b critical",
		[TOP_BY_WEIGHT] = "web/d passing, web/a passing, web/b "
		                  "critical, web/c dead, web/e critical",
	};
	struct fx *f = *state;
	struct top_model m;

	fill(f);
	top_model_init(&m, f->path, ZONE);
	assert_true(top_model_refresh(&m));
	assert_false(top_model_refresh(&m));
	for (unsigned s = 0; s < TOP_SORT_N; s++) {
		m.sort = (enum top_sort)s;
		assert_string_equal(show(&m).text, orders[s]);
	}
	assert_int_equal(m.state_n[TOP_CRITICAL], 2);
	assert_int_equal(m.unanswered_n, 0);
	top_model_release(&m);
}

static void filters(void **state)
{
	static const struct {
		const char *filter, *shown;
	} cases[] = {
		{ "B/", "" },
		{ "WEB/B", "web/b critical" },
		{ "dead", "web/c dead" },
		{ "nix", "" },
	};
	struct fx *f = *state;
	struct top_model m;

	fill(f);
	top_model_init(&m, f->path, ZONE);
	(void)top_model_refresh(&m);
	for (size_t k = 1; k < sizeof(cases) / sizeof(*cases); k++) {
		(void)snprintf(
		    m.filter, sizeof(m.filter), "%s", cases[k].filter);
		assert_string_equal(show(&m).text, cases[k].shown);
		/* counts are of all */
		assert_int_equal(m.state_n[TOP_PASSING], 2);
	}
	/* the zone where it is another one */
	m.home = "other";
	(void)snprintf(m.filter, sizeof(m.filter), "svc.test/a");
	assert_string_equal(show(&m).text, "web.svc.test/a passing");
	top_model_release(&m);
}

/* All that the registry can do between two looks. */
static void changes_are_read(void **state)
{
	struct fx *f = *state;
	struct top_model m;
	struct registry *r;

	fill(f);
	top_model_init(&m, f->path, ZONE);
	(void)top_model_refresh(&m);
	r = fx_open(f);
	assert_int_equal(0, registry_put_health(r, ZONE, "web", "a",
	                        HEALTH_WARNING, "slow", NOW, NULL));
	assert_int_equal(
	    0, registry_withdraw_instance(r, ZONE, "web", "c", NULL));
	assert_true(top_model_refresh(&m));
	assert_string_equal(show(&m).text,
	    "web/e critical, web/b critical, web/a warning, web/d passing");
	assert_string_equal(m.recent[0].instance, "c");
	assert_null(m.recent[0].now);
	/* a service that is new, and one that has nobody */
	fx_put_service(f, &(const struct service_row){ .name = "api" });
	assert_true(top_model_refresh(&m));
	assert_int_equal(m.service_n, 2);
	(void)show(&m);
	assert_int_equal(m.unanswered_n, 1);
	assert_int_equal(0, registry_withdraw_service(r, ZONE, "web", NULL));
	assert_true(top_model_refresh(&m));
	assert_string_equal(show(&m).text, "");
	assert_int_equal(m.n, 0);
	/* more than are read one by one */
	assert_int_equal(0, registry_begin(r, 1000, NULL));
	for (int k = 0; k < 1500; k++) {
		char name[16];
		const struct service_row row = { .zone = ZONE,
			.name = name,
			.protocol = "tcp",
			.port = 1,
			.ttl_s = ROW_DEFAULT,
			.max_answers = ROW_DEFAULT,
			.tags = "[]",
			.meta = "{}",
			.source = "sql" };

		(void)snprintf(name, sizeof(name), "s%d", k);
		assert_int_equal(0, registry_put_service(r, &row, NULL));
	}
	assert_int_equal(0, registry_commit(r, NULL));
	assert_true(top_model_refresh(&m));
	assert_int_equal(m.service_n, 1501);
	registry_close(r);
	top_model_release(&m);
}

static void time_and_modes_make_states(void **state)
{
	static const struct {
		const char *why;
		struct instance_row row;
		enum top_state state;
	} cases[] = {
		{ "lease ran out",
		    { .name = "i",
		        .mode = MODE_MAINTENANCE,
		        .health = HEALTH_DEAD,
		        .lease_until_wall_ms = NOW },
		    TOP_EXPIRED },
		{ "lease holds",
		    { .name = "i",
		        .health = HEALTH_PASSING,
		        .lease_until_wall_ms = NOW + 1 },
		    TOP_PASSING },
		{ "maintenance",
		    { .name = "i",
		        .mode = MODE_MAINTENANCE,
		        .health = HEALTH_DEAD },
		    TOP_MAINTENANCE },
		{ "draining",
		    { .name = "i",
		        .mode = MODE_DRAINING,
		        .drain = { DRAIN_WAITING, NOW + 1, 0, NULL } },
		    TOP_DRAINING },
		{ "drained",
		    { .name = "i",
		        .mode = MODE_DRAINING,
		        .drain = { DRAIN_WAITING, NOW, 0, NULL } },
		    TOP_DRAINED },
		{ "what followed has failed",
		    { .name = "i",
		        .mode = MODE_DRAINING,
		        .drain = { DRAIN_FAILED, NOW, 0, "x" } },
		    TOP_FAILED },
	};
	struct fx *f = *state;

	for (size_t k = 0; k < sizeof(cases) / sizeof(*cases); k++) {
		struct registry *r = fx_open(f);
		struct top_model m;

		(void)registry_withdraw_instance(r, ZONE, "web", "i", NULL);
		registry_close(r);
		fx_put_instance(f, &cases[k].row);
		top_model_init(&m, f->path, ZONE);
		(void)top_model_refresh(&m);
		(void)show(&m);
		if (m.shown_n != 1 || m.shown[0]->state != cases[k].state)
			fail_msg("%s", cases[k].why);
		top_model_release(&m);
	}
}

static void a_registry_may_be_away(void **state)
{
	struct fx *f = *state;
	struct top_model m;
	char path[128];

	(void)snprintf(path, sizeof(path), "%.100s-away", f->path);
	top_model_init(&m, path, ZONE);
	assert_true(top_model_refresh(&m));
	fx_expect_in(m.trouble, path);
	assert_false(top_model_refresh(&m)); /* no news */
	put(f, "a", HEALTH_PASSING, 1);
	assert_int_equal(symlink(f->path, path), 0);
	assert_true(top_model_refresh(&m));
	assert_string_equal(m.trouble, "");
	assert_int_equal(unlink(path), 0);
	assert_true(top_model_refresh(&m));
	fx_expect_in(m.trouble, path);
	/* what was read last stays */
	assert_string_equal(show(&m).text, "web/a passing");
	top_model_release(&m);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, fx_setup, fx_teardown)
	const struct CMUnitTest tests[] = {
		T(each_order),
		T(filters),
		T(changes_are_read),
		T(time_and_modes_make_states),
		T(a_registry_may_be_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
