// SPDX-License-Identifier: BSD-2-Clause
/*
 * The list of a zone's services: each once, whatever came and went; and while
 * it changes, readers see whole services of that zone and nothing else.
 */
#include "dnsd/message/data/roster.h"
#include "schema/base/rng.h"
#include "tests/support/ask.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { NAMES = 600, OPERATIONS = 5000 };

static void put(struct world *w, const char *zone, unsigned i)
{
	char text[128];

	(void)snprintf(text, sizeof(text),
	    "zone %s\nservice s%u\ninstance i 192.0.2.1\n", zone, i);
	world_add(w, text);
}

static bool drop(struct world *w, const char *zone, unsigned i)
{
	char text[128];

	(void)snprintf(text, sizeof(text), "zone %s\n", zone);
	world_add(w, text);
	(void)snprintf(text, sizeof(text), "s%u", i);
	return world_remove(w, text);
}

/* Number of a service "sN". */
static unsigned number_of(const struct service *s)
{
	char text[64] = "";

	assert_true(s->name[0] >= 2 && s->name[0] < sizeof(text));
	memcpy(text, s->name + 1, s->name[0]);
	assert_int_equal(text[0], 's');
	return (unsigned)strtoul(text + 1, NULL, 10);
}

static void check(const struct world *w, const bool *is_there, unsigned n)
{
	const struct roster *r = &w->zone->roster;
	bool seen[NAMES] = { false };

	assert_int_equal(roster_n(r), n);
	for (unsigned k = 0; k < n; k++) {
		const struct service *s = roster_at(r, k);
		unsigned i = number_of(s);

		assert_ptr_equal(s->zone, w->zone);
		assert_int_equal(s->place, k + 1);
		assert_true(i < NAMES && is_there[i] && !seen[i]);
		seen[i] = true;
	}
}

static void test_model(void **state)
{
	struct world *w = world_new("zone svc.test\nzone a.test\n");
	static bool is_there[NAMES];
	struct rng rng;
	unsigned n = 0;

	(void)state;
	rng_seed_fixed(&rng, 8);
	for (unsigned k = 0; k < OPERATIONS; k++) {
		unsigned i = rng_below(&rng, NAMES);
		bool add = rng_below(&rng, 10) < (k / 1000 % 2 ? 2u : 8u);

		/* what happens in another zone is no matter */
		put(w, "svc.test", i);
		if (add) {
			put(w, "a.test", i);
		} else {
			assert_int_equal(drop(w, "a.test", i), is_there[i]);
		}
		n = n + add - is_there[i];
		is_there[i] = add;
		if (k % 10 == 0)
			check(w, is_there, n);
	}
	check(w, is_there, n);
	world_free(w);
}

struct reader {
	struct world *world;
	struct reclaim_reader *in;
	atomic_bool *stop;
	unsigned rounds, wrong;
};

static void *read_on(void *arg)
{
	struct reader *r = arg;
	const struct zone *z = r->world->zones[0].zone;

	while (!atomic_load(r->stop)) {
		reclaim_in(r->in);
		unsigned n = roster_n(&z->roster);
		for (unsigned k = 0; k < n; k++) {
			const struct service *s = roster_at(&z->roster, k);

			r->wrong += s && (s->zone != z || s->name[1] != 's');
		}
		/* the first one never goes, and nothing moves it */
		r->wrong += !n || !roster_at(&z->roster, 0);
		reclaim_out(r->in);
		r->rounds++;
	}
	return NULL;
}

static void test_readers(void **state)
{
	enum { READERS = 2, ROUNDS = 3000, CROWD = 40 };
	struct world *w = world_new_readers("zone svc.test\n"
	                                    "service stays\n"
	                                    "instance i 192.0.2.1\n",
	    READERS + 1);
	struct reader readers[READERS];
	pthread_t threads[READERS];
	atomic_bool stop = false;
	struct rng rng;

	(void)state;
	rng_seed_fixed(&rng, 9);
	for (unsigned i = 0; i < READERS; i++) {
		readers[i] = (struct reader){ w,
			reclaim_reader(w->reclaim, i + 1), &stop, 0, 0 };
		assert_int_equal(
		    pthread_create(&threads[i], NULL, read_on, &readers[i]), 0);
	}
	for (unsigned k = 0; k < ROUNDS; k++) {
		put(w, "svc.test", rng_below(&rng, CROWD));
		(void)drop(w, "svc.test", rng_below(&rng, CROWD));
	}
	atomic_store(&stop, true);
	for (unsigned i = 0; i < READERS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(readers[i].wrong, 0);
		assert_true(readers[i].rounds > 0);
	}
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_readers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
