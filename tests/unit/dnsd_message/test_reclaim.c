// SPDX-License-Identifier: BSD-2-Clause
/*
 * Nothing is freed while a reader may hold it, and everything is in the end.
 * The threaded test is worth most under ThreadSanitizer and ASan.
 */
#include "dnsd/message/data/reclaim.h"
#include "schema/base/rng.h"
#include "tests/support/ask.h"
#include "tests/support/batch.h"
#include "tests/support/reply.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void mark_freed(void *p)
{
	++*(unsigned *)p;
}

static void test_no_reader(void **state)
{
	struct reclaim *r = reclaim_new(2);
	unsigned freed = 0;

	(void)state;
	assert_int_equal(reclaim_run(r), 0);
	reclaim_retire(r, &freed, mark_freed);
	reclaim_retire(r, NULL, mark_freed); /* is ignored */
	assert_int_equal(freed, 0);
	assert_int_equal(reclaim_run(r), 0);
	assert_int_equal(freed, 1);
	assert_int_equal(reclaim_run(r), 0);
	assert_int_equal(freed, 1);
	reclaim_free(r);
	assert_int_equal(freed, 1);
}

static void test_reader_holds(void **state)
{
	struct reclaim *r = reclaim_new(2);
	struct reclaim_reader *a = reclaim_reader(r, 0);
	struct reclaim_reader *b = reclaim_reader(r, 1);
	unsigned first = 0, second = 0;

	(void)state;
	reclaim_in(a);
	reclaim_retire(r, &first, mark_freed);
	assert_int_equal(reclaim_run(r), 1);
	assert_int_equal(reclaim_run(r), 1);
	assert_int_equal(first, 0);

	/* one that comes in now cannot have seen the first */
	reclaim_in(b);
	reclaim_retire(r, &second, mark_freed);
	reclaim_out(a);
	assert_int_equal(reclaim_run(r), 1);
	assert_int_equal(first, 1);
	assert_int_equal(second, 0);

	/* out and in again: it holds nothing from before */
	reclaim_out(b);
	reclaim_in(b);
	assert_int_equal(reclaim_run(r), 0);
	assert_int_equal(second, 1);
	reclaim_out(b);
	reclaim_free(r);
}

/* A reader that stays in holds what came later too, but nothing earlier. */
static void test_order(void **state)
{
	enum { N = 200 };
	struct reclaim *r = reclaim_new(1);
	struct reclaim_reader *a = reclaim_reader(r, 0);
	unsigned freed[N] = { 0 };

	(void)state;
	for (unsigned i = 0; i < N / 2; i++)
		reclaim_retire(r, &freed[i], mark_freed);
	assert_int_equal(reclaim_run(r), 0);
	reclaim_in(a);
	for (unsigned i = N / 2; i < N; i++) {
		reclaim_retire(r, &freed[i], mark_freed);
		assert_int_equal(reclaim_run(r), i + 1 - N / 2);
	}
	for (unsigned i = 0; i < N; i++)
		assert_int_equal(freed[i], i < N / 2);
	reclaim_out(a);
	assert_int_equal(reclaim_run(r), 0);
	for (unsigned i = 0; i < N; i++)
		assert_int_equal(freed[i], 1);
	reclaim_free(r);
}

/* What still waits is freed at the end. */
static void test_freed_at_the_end(void **state)
{
	struct reclaim *r = reclaim_new(1);
	unsigned freed = 0;

	(void)state;
	reclaim_in(reclaim_reader(r, 0));
	reclaim_retire(r, &freed, mark_freed);
	assert_int_equal(reclaim_run(r), 1);
	reclaim_out(reclaim_reader(r, 0));
	reclaim_free(r);
	assert_int_equal(freed, 1);
	reclaim_free(NULL);
}

/* ---- readers and a writer --------------------------------------------- */

enum {
	READERS = 2,
	SERVICES = 64,
	CHANGES = 20000,
	BATCH = 8,
};

struct reader {
	struct world *world;
	struct reclaim_reader *in;
	atomic_bool *stop;
	uint64_t answered, seen[2]; /* answers: without and with records */
	const char *wrong;
};

/*
 * Each service always has instances whose addresses end in its own number,
 * so that an answer mixed from two generations or services shows.
 */
static bool answer_is_whole(const struct message *m, unsigned service)
{
	const uint8_t *p = m->response;
	unsigned n = wire_get16(p + 6);
	size_t at = WIRE_HEADER_LEN;

	while (p[at])
		at += 1u + p[at];
	at += 5;
	for (unsigned i = 0; i < n; i++, at += 16) {
		if (at + 16 > m->response_len || p[at + 15] != service)
			return false;
	}
	return n > 0 ? (p[3] & WIRE_RCODE) == RCODE_NOERROR
	             : (p[3] & WIRE_RCODE) == RCODE_NXDOMAIN;
}

static void *read_on(void *arg)
{
	struct reader *r = arg;
	struct handler *h = handler_new(
	    &(struct handler_source){ r->world->catalog, &r->world->identity,
	        NULL, WORLD_UDP_MAX, NULL, NULL, NULL, NULL });
	uint8_t request[SERVICES][ASK_MAX];
	static _Thread_local uint8_t response[BATCH]
	                                     [WORLD_UDP_MAX + RESPOND_SLACK];
	size_t len[SERVICES];

	for (unsigned i = 0; i < SERVICES; i++) {
		char name[32];
		struct ask a = {
			.name = name, .type = TYPE_A, .class = CLASS_IN
		};

		(void)snprintf(name, sizeof(name), "s%u.svc.test", i);
		len[i] = ask_build(&a, request[i]);
	}
	for (unsigned k = 0; !atomic_load(r->stop) || k < SERVICES;
	     k += BATCH) {
		struct message m[BATCH];

		for (unsigned i = 0; i < BATCH; i++) {
			unsigned s = (k + i) % SERVICES;

			m[i] = (struct message){ request[s], len[s],
				response[i], 0, NULL };
		}
		reclaim_in(r->in);
		handle_batch(h, m, BATCH, VIA_UDP);
		reclaim_out(r->in);
		for (unsigned i = 0; i < BATCH; i++) {
			if (!answer_is_whole(&m[i], (k + i) % SERVICES))
				r->wrong = "mixed or broken";
			r->seen[wire_get16(m[i].response + 6) > 0]++;
		}
		r->answered += BATCH;
	}
	handler_free(h);
	return NULL;
}

static void change(struct world *w, struct rng *rng)
{
	unsigned s = rng_below(rng, SERVICES);
	char text[1024];

	if (rng_below(rng, 4) == 0) {
		(void)snprintf(text, sizeof(text), "s%u", s);
		(void)world_remove(w, text);
		return;
	}
	int len = snprintf(text, sizeof(text), "service s%u\n", s);
	for (unsigned i = 0, n = 1 + rng_below(rng, 6); i < n; i++) {
		len += snprintf(text + len, sizeof(text) - (size_t)len,
		    "instance i%u 192.0.%u.%u weight %u\n", i,
		    rng_below(rng, 256), s, rng_below(rng, 100));
	}
	world_add(w, text); /* puts and frees what it can */
}

static void test_threads(void **state)
{
	struct world *w = world_new_readers("zone svc.test\n", READERS);
	struct reader reader[READERS] = { 0 };
	pthread_t thread[READERS];
	atomic_bool stop = false;
	struct rng rng;

	(void)state;
	rng_seed_fixed(&rng, 3);
	for (unsigned i = 0; i < READERS; i++) {
		reader[i].world = w;
		reader[i].in = reclaim_reader(w->reclaim, i);
		reader[i].stop = &stop;
		assert_int_equal(
		    pthread_create(&thread[i], NULL, read_on, &reader[i]), 0);
	}
	for (unsigned k = 0; k < CHANGES; k++)
		change(w, &rng);
	atomic_store(&stop, true);
	for (unsigned i = 0; i < READERS; i++) {
		assert_int_equal(pthread_join(thread[i], NULL), 0);
		if (reader[i].wrong)
			fail_msg("reader %u: %s", i, reader[i].wrong);
		assert_true(reader[i].answered > 0);
		assert_true(reader[i].seen[1] > 0);
	}
	assert_int_equal(reclaim_run(w->reclaim), 0);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_reader),
		cmocka_unit_test(test_reader_holds),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_freed_at_the_end),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
