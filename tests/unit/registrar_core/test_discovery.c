// SPDX-License-Identifier: BSD-2-Clause
/*
 * The difference between what was and what is found, with a clock set by hand.
 * The source is that for containers, without an engine: it says nothing, and
 * the test speaks for it.
 */
#include "registrar/discovery/discovery_impl.h"
#include "registrar/instance/fleet.h"
#include "support.h"

#include <errno.h>

#define HEAD "service: s\ninstances:\n- for_each: {container: {name: x}}\n  "

struct fx {
	int64_t now_ms;
	struct timers *timers;
	struct store *store;
	struct prober prober;
	struct watch_ops watch;
	struct instance_env env;
	struct fleet *fleet;
	struct discovery *d;
	unsigned watches, started, settled;
};

/* ---- a world ---------------------------------------------------------- */

static int64_t read_clock(void *arg)
{
	return ((struct fx *)arg)->now_ms;
}

static int64_t read_wall(void *arg)
{
	return 1700000000000 + ((struct fx *)arg)->now_ms;
}

static void on_wake(void *arg)
{
	(void)arg; /* nothing is written here */
}

static void on_settled(void *arg)
{
	((struct fx *)arg)->settled++;
}

static struct process_watch *watch_start(
    void *arg, const struct process_spec *spec, process_fn fn, void *fn_arg)
{
	struct fx *f = arg;

	(void)spec;
	f->watches++;
	f->started++;
	fn(fn_arg, PROCESS_ALIVE, "it runs");
	return (struct process_watch *)f;
}

static void watch_stop(struct process_watch *p)
{
	((struct fx *)p)->watches--;
}

static void watch_set_spec(
    struct process_watch *p, const struct process_spec *spec)
{
	(void)p;
	(void)spec;
}

static int setup(void **state)
{
	struct fx *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	log_setup("test", LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	f->now_ms = 1000;
	f->timers = timers_new(read_clock, f);
	const struct store_config store = { .path = "/nonexistent/registry.db",
		.name = "h",
		.source = "registrar/h",
		.timers = f->timers,
		.wall_ms = read_wall,
		.wake = on_wake,
		.arg = f };

	f->store = store_new(&store);
	f->prober = (struct prober){
		.timers = f->timers, .wall_ms = read_wall, .arg = f
	};
	prober_init(&f->prober);
	f->watch = (struct watch_ops){ .start = watch_start,
		.stop = watch_stop,
		.set_spec = watch_set_spec,
		.arg = f };
	f->env = (struct instance_env){ .prober = &f->prober,
		.store = f->store,
		.watch = &f->watch,
		.needs = needs_new(f->timers, f->store, instance_on_need),
		.followers = followers_new(),
		.source = "registrar/h" };
	f->fleet = fleet_new(&f->env);
	const struct discovery_env env = { .fleet = f->fleet,
		.timers = f->timers,
		.settled = on_settled,
		.arg = f };

	f->d = discovery_new(&env);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fx *f = *state;

	discovery_free(f->d);
	fleet_free(f->fleet);
	assert_int_equal(f->watches, 0);
	prober_release(&f->prober);
	needs_free(f->env.needs);
	followers_free(f->env.followers);
	store_free(f->store);
	timers_free(f->timers);
	free(f);
	return 0;
}

static void pass(struct fx *f, int64_t ms)
{
	f->now_ms += ms;
	timers_run(f->timers);
}

static void settle(struct fx *f)
{
	discovery_settle(f->d);
	fleet_settle(f->fleet);
}

/* As the loader does; the set of its first for_each, or NULL. */
static struct each_set *define(struct fx *f, const char *file, const char *text)
{
	static const struct definition_defaults defaults = { "svc.test",
		"127.0.0.1", NULL };
	struct definition *d = NULL;
	struct diags e = { 0 };

	if (definition_parse(file, text, strlen(text), &defaults, &d, &e) < 0)
		fail_msg("%s", e.items[0].text);
	assert_int_equal(fleet_put(f->fleet, d, &e), 0);
	discovery_put(f->d, d);
	settle(f);
	return LIST_FIRST(&f->d->sets);
}

static void put(struct each_set *s, const char *key, const char *name)
{
	const struct each_found found = { .name = name,
		.port = 80,
		.process = { PROCESS_CONTAINER, "c" },
		.vars = { .n = 0 } };

	each_set_put(s, key, &found);
}

static bool has(const struct fx *f, const char *name)
{
	return fleet_has(f->fleet, "svc.test", "s", name);
}

/* ---- tests ------------------------------------------------------------ */

static void test_difference(void **state)
{
	struct fx *f = *state;
	struct each_set *s = define(f, "f", HEAD);

	assert_true(fleet_has(f->fleet, "svc.test", "s", NULL));
	assert_true(discovery_is_unsure(f->d, "f"));
	assert_false(discovery_is_unsure(f->d, "g"));
	each_set_begin(s);
	put(s, "1", "a");
	put(s, "2", "b");
	each_set_end(s);
	assert_false(discovery_is_unsure(f->d, "f"));
	assert_int_equal(f->settled, 1);
	assert_true(has(f, "a") && has(f, "b"));
	each_set_begin(s);
	put(s, "2", "b");
	put(s, "3", "c");
	each_set_end(s);
	assert_true(has(f, "a") && has(f, "b") && has(f, "c"));
	pass(f, DISCOVERY_LINGER_MS - 1);
	assert_true(has(f, "a"));
	pass(f, 1);
	assert_true(!has(f, "a") && has(f, "b") && has(f, "c"));
	assert_int_equal(f->started, 3);
	assert_int_equal(f->settled, 1);
}

static void test_returns(void **state)
{
	struct fx *f = *state;
	struct each_set *s = define(f, "f", "deregister_after: 10s\n" HEAD);

	put(s, "1", "a");
	for (int n = 0; n < 3; n++) {
		each_set_gone(s, "1");
		pass(f, 9999);
		assert_true(each_set_seen(s, "1"));
	}
	pass(f, 100000);
	assert_true(has(f, "a"));
	assert_int_equal(f->started, 1);
	each_set_gone(s, "1");
	pass(f, 10000);
	assert_false(has(f, "a"));
	assert_false(each_set_seen(s, "1"));
	/* as a new one */
	put(s, "1", "a");
	assert_true(has(f, "a"));
	assert_int_equal(f->started, 2);
}

/* Those that have gone leave in the order in which they did. */
static void test_each_in_its_time(void **state)
{
	struct fx *f = *state;
	struct each_set *s = define(f, "f", "deregister_after: 10s\n" HEAD);

	put(s, "1", "a");
	put(s, "2", "b");
	put(s, "3", "c");
	each_set_gone(s, "2");
	pass(f, 4000);
	each_set_gone(s, "1");
	each_set_gone(s, "3");
	pass(f, 6000);
	assert_true(has(f, "a") && !has(f, "b") && has(f, "c"));
	assert_true(each_set_seen(s, "3"));
	pass(f, 4000);
	assert_true(!has(f, "a") && has(f, "c"));
}

static void test_twins(void **state)
{
	struct fx *f = *state;
	struct each_set *s = define(f, "f", HEAD);

	put(s, "1", "A_1");
	put(s, "2", "a-1");
	put(s, "3", "a.1");
	assert_true(has(f, "a-1"));
	assert_int_equal(f->watches, 1);
	each_set_gone(s, "1");
	/* another one has it at once; the first one's time means nothing */
	pass(f, 2 * (int64_t)DISCOVERY_LINGER_MS);
	assert_true(has(f, "a-1"));
	assert_int_equal(f->watches, 1);
	/* and when the first is back it is one of those that wait */
	put(s, "1", "A_1");
	each_set_gone(s, "2");
	each_set_gone(s, "3");
	pass(f, 2 * (int64_t)DISCOVERY_LINGER_MS);
	assert_true(has(f, "a-1"));
	each_set_gone(s, "1");
	pass(f, DISCOVERY_LINGER_MS);
	assert_false(has(f, "a-1"));
	assert_int_equal(f->watches, 0);
}

static void test_another_name(void **state)
{
	struct fx *f = *state;
	struct each_set *s = define(f, "f", HEAD);

	put(s, "1", "a");
	put(s, "1", "b");
	assert_true(!has(f, "a") && has(f, "b"));
	assert_int_equal(f->watches, 1);
}

static void test_unwatched(void **state)
{
	struct fx *f = *state;
	struct each_set *s = define(f, "f", HEAD "process: none\n");

	put(s, "1", "a");
	assert_true(has(f, "a"));
	each_set_gone(s, "1");
	assert_false(has(f, "a"));
}

static void test_no_instance(void **state)
{
	struct fx *f = *state;
	struct each_set *s = define(f, "f", HEAD);
	struct each_found found = { .name = "a",
		.missing = "it cannot be",
		.port = 80,
		.process = { PROCESS_CONTAINER, "c" } };

	each_set_put(s, "1", &found);
	assert_false(has(f, "a"));
	found.missing = NULL;
	each_set_put(s, "1", &found);
	assert_true(has(f, "a"));
	/* what it says now makes none */
	found.name = "---";
	each_set_put(s, "1", &found);
	assert_false(has(f, "a"));
	each_set_gone(s, "1");
	assert_false(each_set_seen(s, "1"));
}

static void test_edits(void **state)
{
	struct fx *f = *state;
	struct each_set *s = define(f, "f", HEAD);

	put(s, "1", "a");
	put(s, "2", "b");
	each_set_gone(s, "2");
	/* the same search: all goes on, also what has gone */
	assert_ptr_equal(define(f, "f", HEAD "weight: 7\n"), s);
	assert_true(has(f, "a") && has(f, "b"));
	assert_int_equal(f->started, 2);
	pass(f, DISCOVERY_LINGER_MS);
	assert_true(has(f, "a") && !has(f, "b"));
	/* the name that it makes is another one */
	s = define(f, "f", HEAD "name: 'n-{label.x}'\n");
	assert_false(has(f, "a"));
	put(s, "1", "a");
	/* a file that is wrong for what is there has none of it */
	(void)define(f, "f", HEAD "weight: '{label.x}'\n");
	assert_int_equal(f->watches, 0);
	(void)define(f, "f", HEAD);
	assert_true(has(f, "a"));
	/* another search: nothing is there until it is told */
	s = define(f, "f",
	    "service: s\ninstances:\n- for_each: {container: {name: y}}");
	assert_false(has(f, "a"));
	put(s, "1", "a");
	assert_true(has(f, "a"));
	discovery_remove(f->d, "f");
	fleet_remove(f->fleet, "f");
	settle(f);
	assert_false(has(f, "a"));
}

static void test_other_files(void **state)
{
	struct fx *f = *state;
	struct each_set *s =
	    define(f, "f", HEAD "weight: 1\n- {name: own, port: 1}\n");

	(void)define(f, "g", "service: s\ninstances: [{name: a, port: 1}]");
	each_set_begin(s);
	put(s, "1", "a");
	put(s, "2", "own");
	put(s, "3", "c");
	each_set_end(s);
	assert_int_equal(f->watches, 1);
	/* given up by the other file: in the same burst it is taken */
	fleet_remove(f->fleet, "g");
	settle(f);
	assert_true(has(f, "a"));
	assert_int_equal(f->watches, 2);
	/* what is found is claimed like what is written */
	static const struct definition_defaults defaults = { "svc.test",
		"127.0.0.1", NULL };
	static const char text[] =
	    "service: s\ninstances: [{name: c, port: 1}]";
	struct definition *d = NULL;
	struct diags e = { 0 };

	assert_int_equal(
	    definition_parse("g", text, strlen(text), &defaults, &d, &e), 0);
	assert_int_equal(fleet_put(f->fleet, d, &e), -EEXIST);
	each_set_gone(s, "3");
	pass(f, DISCOVERY_LINGER_MS);
	assert_int_equal(fleet_put(f->fleet, d, &e), 0);
	fleet_settle(f->fleet);
}

static void test_limit(void **state)
{
	struct fx *f = *state;
	struct each_set *s = define(f, "f", HEAD "process: none\n");
	unsigned n;
	char name[32];

	for (n = 0; n < DEFINITION_MAX_INSTANCES + 2; n++) {
		(void)snprintf(name, sizeof(name), "i-%u", n);
		put(s, name, name);
	}
	assert_true(has(f, "i-0"));
	(void)snprintf(name, sizeof(name), "i-%u", n - 3);
	assert_true(has(f, name));
	assert_false(has(f, "i-20000"));
	assert_false(has(f, "i-20001"));
	each_set_gone(s, "i-7");
	assert_int_equal(has(f, "i-20000") + has(f, "i-20001"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    test_difference, setup, teardown),
		cmocka_unit_test_setup_teardown(test_returns, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_each_in_its_time, setup, teardown),
		cmocka_unit_test_setup_teardown(test_twins, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_another_name, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_unwatched, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_no_instance, setup, teardown),
		cmocka_unit_test_setup_teardown(test_edits, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_other_files, setup, teardown),
		cmocka_unit_test_setup_teardown(test_limit, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
