// SPDX-License-Identifier: BSD-2-Clause
/*
 * Stories of a clock of our own: what changes, when, and which serials the
 * zones have after it. Text goes to world.h; `at` moves both clocks.
 */
#include "dnsd/message/data/reverse.h"
#include "dnsd/publication/publication.h"
#include "schema/base/xalloc.h"
#include "tests/support/ask.h"

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

#include <stdlib.h>
#include <string.h>

struct stage {
	struct world *world;
	struct publication *publication;
	int64_t now_ms;
	int64_t due_ms; /* when the next step was said to be; -1: not */
	bool was_woken;
};

static void on_wake(void *arg)
{
	struct stage *s = arg;

	s->was_woken = true;
}

static void step(struct stage *s)
{
	int64_t wait_ms = publication_step(s->publication, s->now_ms);

	assert_true(wait_ms <= PUBLICATION_STEP_MS);
	s->due_ms = wait_ms < 0 ? -1 : s->now_ms + wait_ms;
}

/* As a loop does it: steps when woken, and when due. */
static void turn(struct stage *s)
{
	if (s->was_woken && s->due_ms < 0)
		step(s);
	s->was_woken = false;
}

static void pass(struct stage *s, int64_t until_ms)
{
	while (s->due_ms >= 0 && s->due_ms <= until_ms) {
		s->now_ms = s->due_ms;
		step(s);
	}
	s->now_ms = until_ms;
	s->world->now_wall_ms = WORLD_NOW_WALL_MS + until_ms;
}

static const struct zone *zone_of(const struct stage *s, const char *name)
{
	struct dname n;

	assert_true(dname_from_text(&n, name));
	dname_hash(&n, catalog_seed(s->world->catalog));
	const struct zone *z = catalog_find_zone(s->world->catalog, &n);
	assert_non_null(z);
	return z;
}

static uint32_t serial_of(const struct stage *s, const char *name)
{
	return atomic_load(&zone_of(s, name)->serial);
}

static void change(struct stage *s, const char *text)
{
	world_add(s->world, text);
	turn(s);
}

static void drop(struct stage *s, const char *zone, const char *service)
{
	world_add(s->world, zone);
	(void)world_remove(s->world, service);
	turn(s);
}

static void keep(struct stage *s, const char *name, uint32_t serial,
    bool is_exact, uint64_t digest)
{
	const struct kept k = { serial, is_exact, digest };
	struct dname n;

	assert_true(dname_from_text(&n, name));
	publication_restore(s->publication, &n, &k);
}

static struct kept kept_of(const struct stage *s, const char *name)
{
	for (unsigned i = 0; i < publication_n(s->publication); i++) {
		if (publication_zone(s->publication, i) == zone_of(s, name))
			return publication_kept(s->publication, i);
	}
	fail_msg("no zone %s", name);
	return (struct kept){ 0 };
}

static void arrange(struct stage *s, const char *text)
{
	*s = (struct stage){ .world = world_new(text), .due_ms = -1 };
	s->publication = publication_new(s->world->catalog, on_wake, s);
}

static void begin(struct stage *s, int64_t revision)
{
	if (revision >= 0)
		catalog_loaded(s->world->catalog, revision);
	publication_begin(s->publication, s->now_ms);
	s->was_woken = false;
}

static void clear(struct stage *s)
{
	publication_free(s->publication);
	world_free(s->world);
}

static const char two_zones[] = "zone b.test\n"
                                "service db\n"
                                "instance d1 192.0.2.9\n"
                                "zone a.test\n"
                                "service web\n"
                                "instance i1 192.0.2.1\n"
                                "instance i2 192.0.2.2\n";

/* ---- steps ------------------------------------------------------------ */

// NOLINTNEXTLINE(readability-function-size): one course of events
static void test_moves_with_answers_alone(void **state)
{
	static const struct {
		const char *why;
		const char *text;
		bool moves;
	} cases[] = {
		{ "an address",
		    "service web\ninstance i1 192.0.2.1\n"
		    "instance i2 192.0.2.3\n",
		    true },
		{ "the same again",
		    "service web\ninstance i1 192.0.2.1\n"
		    "instance i2 192.0.2.3\n",
		    false },
		{ "health",
		    "service web\ninstance i1 192.0.2.1\n"
		    "instance i2 192.0.2.3 health critical\n",
		    true },
		{ "worse health of who is out",
		    "service web\ninstance i1 192.0.2.1\n"
		    "instance i2 192.0.2.3 health dead\n",
		    false },
		{ "a warning that weighs the same",
		    "service web\ninstance i1 192.0.2.1 health warning\n"
		    "instance i2 192.0.2.3 health dead\n",
		    false },
		{ "a weight",
		    "service web\ninstance i1 192.0.2.1 weight 11\n"
		    "instance i2 192.0.2.3 health dead\n",
		    true },
		{ "a lease that holds",
		    "service web\ninstance i1 192.0.2.1 weight 11 "
		    "lease 2000000\n"
		    "instance i2 192.0.2.3 health dead\n",
		    false },
		{ "on_empty of who is not empty",
		    "service web empty nxdomain\n"
		    "instance i1 192.0.2.1 weight 11\n"
		    "instance i2 192.0.2.3 health dead\n",
		    false },
		{ "nobody is left",
		    "service web\n"
		    "instance i1 192.0.2.1 weight 11 health dead\n"
		    "instance i2 192.0.2.3 health dead\n",
		    true },
		{ "on_empty of who is",
		    "service web empty nxdomain\n"
		    "instance i1 192.0.2.1 weight 11 health dead\n"
		    "instance i2 192.0.2.3 health dead\n",
		    true },
		{ "TTL",
		    "service web empty nxdomain ttl 9\n"
		    "instance i1 192.0.2.1 weight 11 health dead\n"
		    "instance i2 192.0.2.3 health dead\n",
		    true },
		{ "metadata",
		    "service web empty nxdomain ttl 9\nmeta k v\n"
		    "instance i1 192.0.2.1 weight 11 health dead\n"
		    "instance i2 192.0.2.3 health dead\n",
		    true },
		{ "a static record", "record mail 300 A 192.0.2.80\n", true },
		{ "the same static record", "record mail 300 A 192.0.2.80\n",
		    false },
	};
	struct stage s;

	(void)state;
	arrange(&s, two_zones);
	begin(&s, 40);
	assert_int_equal(serial_of(&s, "a.test"), 40);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint32_t before = serial_of(&s, "a.test");

		pass(&s, s.now_ms + PUBLICATION_STEP_MS);
		change(&s, cases[i].text);
		if (serial_of(&s, "a.test") - before != cases[i].moves) {
			fail_msg("%s: %u -> %u", cases[i].why, before,
			    serial_of(&s, "a.test"));
		}
		assert_int_equal(serial_of(&s, "b.test"), 40);
	}
	drop(&s, "zone b.test\n", "nobody");
	assert_int_equal(serial_of(&s, "b.test"), 40);
	drop(&s, "zone b.test\n", "db");
	assert_int_equal(serial_of(&s, "b.test"), 41);
	clear(&s);
}

/* The first at once, more of them 50 ms later, the last one always. */
static void test_one_step_each_50_ms(void **state)
{
	struct stage s;
	char text[80];

	(void)state;
	arrange(&s, two_zones);
	begin(&s, 0);
	uint32_t first = serial_of(&s, "a.test");
	for (unsigned ms = 0; ms < 1000; ms++) {
		pass(&s, ms);
		(void)snprintf(text, sizeof(text),
		    "zone a.test\nservice web\ninstance i1 10.0.%u.%u\n",
		    ms / 256, ms % 256);
		change(&s, text);
		assert_int_equal(serial_of(&s, "a.test"), first + 1 + ms / 50);
	}
	pass(&s, 2000);
	assert_int_equal(serial_of(&s, "a.test"), first + 1 + 20);
	assert_int_equal(s.due_ms, -1);
	assert_false(zone_of(&s, "a.test")->has_moved);
	/* zones do not wait for one another */
	change(&s, "zone a.test\nservice web\ninstance i1 192.0.2.77\n");
	pass(&s, 2001);
	uint32_t other = serial_of(&s, "b.test");
	change(&s, "zone b.test\nservice db\ninstance d1 192.0.2.78\n");
	pass(&s, 2051);
	assert_int_equal(serial_of(&s, "b.test"), other + 1);
	clear(&s);
}

/* Answers are there before their number is. */
static void test_answers_do_not_wait(void **state)
{
	struct stage s;

	(void)state;
	arrange(&s, two_zones);
	begin(&s, 5);
	change(&s, "zone a.test\nservice web\ninstance i1 192.0.2.3\n");
	pass(&s, 10);
	change(&s, "zone a.test\nservice web\ninstance i1 192.0.2.4\n");
	char *now = ask_text(s.world, "web.a.test A");
	assert_non_null(strstr(now, "192.0.2.4"));
	free(now);
	char *soa = ask_text(s.world, "a.test SOA");
	assert_non_null(strstr(soa, " 6 3600 "));
	free(soa);
	pass(&s, 50);
	soa = ask_text(s.world, "no.a.test A");
	assert_non_null(strstr(soa, " 7 3600 "));
	free(soa);
	clear(&s);
}

static const char leased[] = "zone a.test\n"
                             "service web\n"
                             "instance i1 192.0.2.1 lease 1000300\n"
                             "instance i2 192.0.2.2 mode draining\n";

/* The loader looks again when a lease ends: nobody has written anything. */
static void test_time_moves_it(void **state)
{
	struct stage s;

	(void)state;
	arrange(&s, leased);
	begin(&s, 9);
	int64_t end_wall_ms = s.world->last.next_expiry_wall_ms;
	assert_int_equal(end_wall_ms, WORLD_NOW_WALL_MS + 300);
	pass(&s, 299);
	change(&s, leased);
	assert_int_equal(serial_of(&s, "a.test"), 9);
	pass(&s, end_wall_ms - WORLD_NOW_WALL_MS);
	change(&s, leased);
	assert_int_equal(serial_of(&s, "a.test"), 10);
	/* looked at again and again, for nothing */
	for (unsigned i = 0; i < 5; i++) {
		pass(&s, s.world->last.next_expiry_wall_ms - WORLD_NOW_WALL_MS);
		change(&s, leased);
	}
	assert_int_equal(serial_of(&s, "a.test"), 10);
	clear(&s);
}

/* Names of addresses move with what PTR says alone. */
// NOLINTNEXTLINE(readability-function-size): one course of events
static void test_reverse_zones(void **state)
{
	static const struct {
		const char *why, *text;
		bool four, six;
	} cases[] = {
		{ "health",
		    "zone a.test\nservice web\n"
		    "instance i1 192.0.2.1 health dead\n"
		    "instance i2 192.0.2.2\n",
		    false, false },
		{ "another instance with an address that has a name",
		    "zone a.test\nservice web\n"
		    "instance i1 192.0.2.1\ninstance i2 192.0.2.2\n"
		    "instance i3 192.0.2.2\n",
		    false, false },
		{ "an address outside",
		    "zone a.test\nservice web\n"
		    "instance i1 192.0.2.1\ninstance i2 192.0.2.2\n"
		    "instance i3 198.51.100.2\n",
		    false, false },
		{ "TTL",
		    "zone a.test\nservice web ttl 77\n"
		    "instance i1 192.0.2.1\ninstance i2 192.0.2.2\n",
		    true, false },
		{ "a service after it with its address",
		    "zone a.test\nservice zzz\ninstance z 192.0.2.1\n", false,
		    false },
		{ "one before it",
		    "zone a.test\nservice aaa\ninstance a 192.0.2.1\n", true,
		    false },
		{ "that one has no instance with it any more",
		    "zone a.test\nservice aaa\ninstance a 192.0.2.200\n", true,
		    false },
		{ "its instance is called otherwise",
		    "zone a.test\nservice aaa\ninstance b 192.0.2.200\n", true,
		    false },
		{ "an IPv6 address",
		    "zone a.test\nservice aaa\n"
		    "instance b 192.0.2.200 six fd00::1\n",
		    false, true },
	};
	struct stage s;

	(void)state;
	arrange(&s, "zone 2.0.192.in-addr.arpa\nzone 0.0.d.f.ip6.arpa\n"
	            "zone a.test\nservice web\n"
	            "instance i1 192.0.2.1\ninstance i2 192.0.2.2\n");
	begin(&s, 3);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint32_t four = serial_of(&s, "2.0.192.in-addr.arpa");
		uint32_t six = serial_of(&s, "0.0.d.f.ip6.arpa");

		pass(&s, s.now_ms + PUBLICATION_STEP_MS);
		change(&s, cases[i].text);
		if (serial_of(&s, "2.0.192.in-addr.arpa") - four !=
		        cases[i].four ||
		    serial_of(&s, "0.0.d.f.ip6.arpa") - six != cases[i].six)
			fail_msg("%s", cases[i].why);
	}
	pass(&s, s.now_ms + PUBLICATION_STEP_MS);
	uint32_t six = serial_of(&s, "0.0.d.f.ip6.arpa");
	drop(&s, "zone a.test\n", "aaa");
	assert_int_equal(serial_of(&s, "0.0.d.f.ip6.arpa"), six + 1);
	clear(&s);
}

/* ---- from run to run -------------------------------------------------- */

/* What one run keeps of a.test. */
static struct kept run_once(const char *text)
{
	struct stage s;

	arrange(&s, text);
	begin(&s, 100);
	publication_end(s.publication);
	struct kept k = kept_of(&s, "a.test");
	assert_true(k.is_exact);
	assert_int_equal(k.serial, 100);
	clear(&s);
	return k;
}

static void test_runs_that_follow(void **state)
{
	const struct kept before = run_once(two_zones);
	static const struct {
		const char *why, *text;
		int64_t revision; /* -1: nothing is loaded yet */
		uint32_t serial;  /* that was kept */
		bool is_exact;
		uint32_t begins;
	} cases[] = {
		{ "the same answers", two_zones, 100, 100, true, 100 },
		{ "of a replaced registry", two_zones, 2, 100, true, 100 },
		{ "others", leased, 2, 100, true, 101 },
		{ "killed", two_zones, 100, 1099, false, 1100 },
		{ "around", two_zones, 100, UINT32_MAX, false, 0 },
		{ "not loaded", "zone a.test\n", -1, 100, true, 100 },
		{ "not loaded, and killed", "zone a.test\n", -1, 100, false,
		    101 },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct stage s;

		arrange(&s, cases[i].text);
		keep(&s, "a.test", cases[i].serial, cases[i].is_exact,
		    before.digest);
		keep(&s, "elsewhere.test", 5, true, 1);
		begin(&s, cases[i].revision);
		if (serial_of(&s, "a.test") != cases[i].begins) {
			fail_msg(
			    "%s: %u", cases[i].why, serial_of(&s, "a.test"));
		}
		clear(&s);
	}
}

/* The registry comes after the first answers. */
static void test_loaded_later(void **state)
{
	const struct kept before = run_once(two_zones);

	(void)state;
	for (unsigned same = 0; same < 2; same++) {
		struct stage s;

		arrange(&s, "zone b.test\nzone a.test\n");
		keep(&s, "a.test", before.serial, true, before.digest);
		begin(&s, -1);
		world_add(s.world, same ? two_zones : leased);
		catalog_loaded(s.world->catalog, 7);
		turn(&s);
		assert_int_equal(serial_of(&s, "a.test"), 101 - same);
		assert_int_equal(serial_of(&s, "b.test"), 7);
		/* another load of the same is no news */
		world_add(s.world, same ? two_zones : leased);
		catalog_loaded(s.world->catalog, 9000);
		pass(&s, 500);
		assert_int_equal(serial_of(&s, "a.test"), 101 - same);
		assert_int_equal(serial_of(&s, "b.test"), 7);
		clear(&s);
	}
	/* all that was kept is gone, and nobody enters to say so */
	struct stage s;
	arrange(&s, "zone b.test\nzone a.test\n");
	keep(&s, "a.test", before.serial, true, before.digest);
	begin(&s, -1);
	catalog_loaded(s.world->catalog, 7);
	turn(&s);
	assert_int_equal(serial_of(&s, "a.test"), 101);
	clear(&s);
}

static void put_soa(struct stage *s, uint32_t serial)
{
	struct world *w = s->world;
	char text[160];

	world_add(w, "zone a.test\n");
	zone_build_free(w->build);
	w->build = zone_build_new(&w->zone->name, catalog_seed(w->catalog));
	for (unsigned i = 0; i < w->zone_n; i++) {
		if (w->zones[i].zone == w->zone)
			w->zones[i].build = w->build;
	}
	(void)snprintf(text, sizeof(text),
	    "record @ 60 SOA ns1 h %u 3600 600 86400 2\n"
	    "record @ 60 NS ns1.elsewhere.\n",
	    serial);
	change(s, text);
}

/* A file's serial lifts it, and never makes it go back. */
static void test_files_lift(void **state)
{
	static const struct {
		uint32_t file, then;
	} cases[] = {
		{ 1000, 1000 },
		{ 900, 1001 },
		{ 1001, 1002 },
		{ 1500, 1500 },
		{ 2026113001, 2026113001 },
		{ 5, 2026113002 },
		{ 4000000000, 4000000000 },
		{ 6, 6 },
		{ 4000000000, 7 },
	};
	struct stage s;

	(void)state;
	arrange(&s, two_zones);
	begin(&s, 40);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		pass(&s, s.now_ms + PUBLICATION_STEP_MS);
		put_soa(&s, cases[i].file);
		assert_int_equal(serial_of(&s, "a.test"), cases[i].then);
	}
	clear(&s);
}

/* A zone that does not follow the registry has its file's serial. */
static void test_static_zones_have_their_own(void **state)
{
	struct stage s;

	(void)state;
	arrange(&s, two_zones);
	s.world->zone->has_services = false; /* a.test, as if from a file */
	begin(&s, 40);
	put_soa(&s, 77);
	char *soa = ask_text(s.world, "a.test SOA");
	assert_non_null(strstr(soa, " 77 3600 "));
	free(soa);
	put_soa(&s, 3);
	soa = ask_text(s.world, "a.test SOA");
	assert_non_null(strstr(soa, " 3 3600 "));
	free(soa);
	clear(&s);
}

static void test_order(void **state)
{
	(void)state;
	assert_true(serial_is_ahead(0, 1));
	assert_true(serial_is_ahead(UINT32_MAX, 0));
	assert_true(serial_is_ahead(0, 0x7fffffff));
	assert_false(serial_is_ahead(0, 0x80000000));
	assert_false(serial_is_ahead(1, 0));
	assert_false(serial_is_ahead(5, 5));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_moves_with_answers_alone),
		cmocka_unit_test(test_one_step_each_50_ms),
		cmocka_unit_test(test_answers_do_not_wait),
		cmocka_unit_test(test_time_moves_it),
		cmocka_unit_test(test_reverse_zones),
		cmocka_unit_test(test_runs_that_follow),
		cmocka_unit_test(test_loaded_later),
		cmocka_unit_test(test_files_lift),
		cmocka_unit_test(test_static_zones_have_their_own),
		cmocka_unit_test(test_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
