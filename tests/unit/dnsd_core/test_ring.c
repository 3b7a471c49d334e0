// SPDX-License-Identifier: BSD-2-Clause
/*
 * The ring between threads: what is put is taken, once, in order.
 */
#include "dnsd/later/ring.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { ROOM = 8, THREADS = 3, EACH = 20000 };

static void test_alone(void **state)
{
	struct ring *r = ring_new(ROOM);
	uint32_t got;

	(void)state;
	for (uint32_t round = 0; round < 5; round++) {
		assert_false(ring_take(r, &got));
		for (uint32_t i = 0; i < ROOM; i++)
			assert_true(ring_put(r, 100 * round + i));
		assert_false(ring_put(r, 1));
		for (uint32_t i = 0; i < ROOM; i++) {
			assert_true(ring_take(r, &got));
			assert_int_equal(got, 100 * round + i);
		}
	}
	ring_free(r);
}

struct crowd {
	struct ring *ring;
	_Atomic uint32_t taken_n;
	_Atomic uint8_t seen[THREADS * EACH];
	unsigned notes[THREADS * EACH]; /* plain memory: the ring orders it */
	_Atomic unsigned wrong;
};

struct putter {
	struct crowd *crowd;
	uint32_t first;
};

static void *put_all(void *arg)
{
	const struct putter *p = arg;

	for (uint32_t i = p->first; i < p->first + EACH; i++) {
		p->crowd->notes[i] = ~i;
		while (!ring_put(p->crowd->ring, i))
			sched_yield();
	}
	return NULL;
}

static void *take_all(void *arg)
{
	struct crowd *c = arg;
	uint32_t last[THREADS] = { 0 }, got;

	while (atomic_load(&c->taken_n) < THREADS * EACH) {
		if (!ring_take(c->ring, &got)) {
			sched_yield();
			continue;
		}
		atomic_fetch_add(&c->taken_n, 1);
		/* each number once, those of one putter in their order */
		if (atomic_fetch_add(&c->seen[got], 1) ||
		    c->notes[got] != ~got || got < last[got / EACH])
			atomic_fetch_add(&c->wrong, 1);
		last[got / EACH] = got;
	}
	return NULL;
}

static void test_crowd(void **state)
{
	static struct crowd c;
	struct putter putters[THREADS];
	pthread_t thread[2 * THREADS];

	(void)state;
	c.ring = ring_new(ROOM);
	for (uint32_t i = 0; i < THREADS; i++) {
		putters[i] = (struct putter){ &c, i * EACH };
		pthread_create(&thread[i], NULL, put_all, &putters[i]);
		pthread_create(&thread[THREADS + i], NULL, take_all, &c);
	}
	for (unsigned i = 0; i < 2 * THREADS; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(c.wrong, 0);
	assert_int_equal(c.taken_n, THREADS * EACH);
	ring_free(c.ring);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alone),
		cmocka_unit_test(test_crowd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
