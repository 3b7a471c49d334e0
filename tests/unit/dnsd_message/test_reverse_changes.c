// SPDX-License-Identifier: BSD-2-Clause
/*
 * The index of names of addresses, kept by change, is what one built afresh
 * would be, and what a plain search says, whatever came before and whoever
 * reads.
 */
#include "dnsd/message/data/reverse.h"
#include "schema/base/rng.h"
#include "schema/base/scoped.h"
#include "tests/support/ask.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum {
	CHANGES = 4000,
	NAMES = 24,  /* services in each of two zones */
	SHARED = 40, /* addresses that they have in common */
	COMPARE_EACH = 100,
};

static void put_service(struct world *w, struct rng *rng, unsigned most)
{
	static char text[80 * 128];
	size_t len;
	unsigned n = rng_below(rng, most) + (most > 1);

	len = (size_t)snprintf(text, sizeof(text), "zone %s\nservice s%u\n",
	    rng_below(rng, 2) ? "svc.test" : "a.test", rng_below(rng, NAMES));
	for (unsigned i = 0; i < n; i++) {
		unsigned a = rng_below(rng, SHARED), b = rng_below(rng, SHARED);

		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    rng_below(rng, 2) ? "instance i%u 10.%u.%u.1 health %s"
		                      : "instance i%u fd00::%u:%u health %s",
		    i * 7 % 80, a % 7, a,
		    rng_below(rng, 4) ? "passing" : "dead");
		if (!strstr(text + len - 30, "fd00") && rng_below(rng, 2)) {
			len += (size_t)snprintf(text + len, sizeof(text) - len,
			    " six fd00::%u:%u", b % 7, b);
		}
		text[len++] = '\n';
	}
	text[len] = '\0';
	world_add(w, text);
}

static void remove_service(struct world *w, struct rng *rng)
{
	char name[16];

	world_add(w, rng_below(rng, 2) ? "zone svc.test\n" : "zone a.test\n");
	(void)snprintf(name, sizeof(name), "s%u", rng_below(rng, NAMES));
	(void)world_remove(w, name);
}

static void enter(void *arg, const struct service *s)
{
	reverse_entered(arg, NULL, (struct service *)(uintptr_t)s);
}

struct same {
	const struct reverse *kept, *fresh;
	uint8_t len;
	unsigned found_n;
};

/* Who has an address, by looking at everybody. */
struct search {
	const uint8_t *address;
	uint8_t len;
	const struct service *first;
	char zone[DNAME_TEXT_MAX];
};

/* Of two zones, a.test and svc.test, and names without further dots. */
static void look(void *arg, const struct service *s)
{
	struct search *x = arg;
	char text[DNAME_TEXT_MAX];

	if (service_find_address(s, x->address, x->len) < 0)
		return;
	dname_to_text(s->zone->name.lower, text);
	int order = x->first ? strcmp(text, x->zone) : -1;
	if (!order)
		order = label_order(s->name, x->first->name);
	if (order > 0)
		return;
	x->first = s;
	memcpy(x->zone, text, sizeof(text));
}

static const struct service *search(
    const struct world *w, const uint8_t *address, uint8_t len)
{
	struct search x = { .address = address, .len = len };
	unsigned at = 0;

	while (catalog_each_service(w->catalog, &at, look, &x))
		;
	return x.first;
}

/* All that can be asked about an address: it, and each part of it. */
static void compare(
    const struct world *w, struct same *s, const uint8_t *address)
{
	const struct service *first = search(w, address, s->len);
	struct reverse_name n;
	struct dname name;

	reverse_name_of(&name, address, s->len);
	reverse_parse(&n, &name, s->len);
	for (uint8_t parts = n.part_n; parts > 0; parts--) {
		struct reverse_found a, b;

		n.part_n = n.label_n = parts;
		reverse_find(s->kept, &n, &a);
		reverse_find(s->fresh, &n, &b);
		assert_int_equal(a.exists, b.exists);
		assert_ptr_equal(a.service, b.service);
		assert_int_equal(a.instance, b.instance);
		assert_int_equal(a.encloser_n, b.encloser_n);
		s->found_n += a.service != NULL;
		if (parts == (s->len == 4 ? 4 : 32))
			assert_ptr_equal(a.service, first);
	}
}

static unsigned compare_all(struct world *w)
{
	struct reverse *fresh = reverse_new(w->catalog, w->reclaim);
	struct same s = { catalog_reverse(w->catalog), fresh, 0, 0 };
	unsigned at = 0;

	while (catalog_each_service(w->catalog, &at, enter, fresh))
		;
	for (unsigned k = 0; k < SHARED; k++) {
		uint8_t four[4] = { 10, (uint8_t)(k % 7), (uint8_t)k, 1 };
		uint8_t six[16] = { 0xfd };

		/* ::%u:%u writes decimal digits, which are read as hex */
		six[13] = (uint8_t)(k % 7);
		six[15] = (uint8_t)(k / 10 * 16 + k % 10);
		s.len = 4;
		compare(w, &s, four);
		s.len = 16;
		compare(w, &s, six);
	}
	assert_int_equal(reverse_n(s.kept, 4), reverse_n(fresh, 4));
	assert_int_equal(reverse_n(s.kept, 16), reverse_n(fresh, 16));
	reverse_free(fresh);
	return s.found_n;
}

static const char empty_world[] = "zone svc.test\n"
                                  "zone a.test\n"
                                  "zone 10.in-addr.arpa\n"
                                  "zone d.f.ip6.arpa\n";

/* Most services are small, some have an index of their addresses. */
static void test_as_if_built_afresh(void **state)
{
	struct world *w = world_new(empty_world);
	struct rng rng;
	unsigned found_n = 0;

	(void)state;
	rng_seed_fixed(&rng, 12);
	for (unsigned k = 1; k <= CHANGES; k++) {
		if (rng_below(&rng, 3)) {
			put_service(w, &rng, k % 16 ? 6 : 75);
		} else {
			remove_service(w, &rng);
		}
		if (k % COMPARE_EACH == 0)
			found_n += compare_all(w);
	}
	assert_true(found_n > CHANGES / COMPARE_EACH * SHARED);
	world_free(w);
}

/*
 * Many services at one address: each takes the name over from those after it,
 * and gives it back.
 */
static void test_crowd(void **state)
{
	enum { CROWD = 300 };
	struct world *w = world_new(empty_world);
	char text[128];

	(void)state;
	for (unsigned k = CROWD; k-- > 0;) {
		(void)snprintf(text, sizeof(text),
		    "zone svc.test\nservice s%03u\ninstance i 10.0.0.1\n",
		    k * 7 % CROWD);
		world_add(w, text);
	}
	for (unsigned k = 0; k < CROWD; k++) {
		scoped_free char *got =
		    ask_text(w, "1.0.0.10.in-addr.arpa PTR");

		(void)snprintf(text, sizeof(text), "i.s%03u.svc.test.\n", k);
		assert_non_null(strstr(got, text));
		(void)snprintf(text, sizeof(text), "s%03u", k);
		assert_true(world_remove(w, text));
	}
	assert_int_equal(reverse_n(catalog_reverse(w->catalog), 4), 0);
	scoped_free char *got = ask_text(w, "1.0.0.10.in-addr.arpa PTR");
	assert_non_null(strstr(got, "NXDOMAIN"));
	world_free(w);
}

/* ---- while others read ------------------------------------------------ */

struct reader {
	struct world *world;
	struct reclaim_reader *in;
	atomic_bool *stop;
	unsigned seen, missed;
};

/* 10.0.0.1 has an owner at every moment, now this one, now that one. */
static void *read_on(void *arg)
{
	struct reader *r = arg;
	struct reverse_name n = { { 10, 0, 0, 1 }, 4, 4, 4 };

	while (!atomic_load(r->stop)) {
		struct reverse_found f;

		reclaim_in(r->in);
		reverse_find(catalog_reverse(r->world->catalog), &n, &f);
		if (!f.service || service_find_address(f.service, n.address,
		                      4) != (int)f.instance)
			r->missed++;
		reclaim_out(r->in);
		r->seen++;
	}
	return NULL;
}

static void test_readers(void **state)
{
	enum { READERS = 2, ROUNDS = 3000 };
	struct world *w = world_new_readers("zone svc.test\n"
	                                    "zone 10.in-addr.arpa\n"
	                                    "zone svc.test\n"
	                                    "service stays\n"
	                                    "instance i1 10.0.0.1\n",
	    READERS + 1);
	struct reader readers[READERS];
	pthread_t threads[READERS];
	atomic_bool stop = false;

	(void)state;
	for (unsigned i = 0; i < READERS; i++) {
		readers[i] = (struct reader){ w,
			reclaim_reader(w->reclaim, i + 1), &stop, 0, 0 };
		assert_int_equal(
		    pthread_create(&threads[i], NULL, read_on, &readers[i]), 0);
	}
	for (unsigned k = 0; k < ROUNDS; k++) {
		world_add(w, k % 3 ? "service aa\ninstance a 10.0.0.1\n"
		                     "instance b 10.0.0.2\n"
		                   : "service aa\ninstance b 10.0.0.3\n");
		world_add(w, k % 2 ? "service ab\ninstance a 10.0.0.1\n"
		                   : "service ab\ninstance c 10.0.1.1\n");
		if (k % 5 == 0)
			(void)world_remove(w, "aa");
	}
	atomic_store(&stop, true);
	for (unsigned i = 0; i < READERS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(readers[i].missed, 0);
		assert_true(readers[i].seen > 0);
	}
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_if_built_afresh),
		cmocka_unit_test(test_crowd),
		cmocka_unit_test(test_readers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
