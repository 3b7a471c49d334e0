// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/lib/timer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static int64_t now_ms;

static int64_t read_clock(void *arg)
{
	(void)arg;
	return now_ms;
}

struct fired {
	struct timer timer;
	struct timers *ts;
	int64_t expected_ms; /* -1: never */
	unsigned n;
	int64_t again_ms; /* set again after so long; 0: not */
};

static void on_fire(void *arg)
{
	struct fired *f = arg;

	assert_int_equal(f->expected_ms, now_ms);
	f->n++;
	if (!f->again_ms)
		return;
	f->expected_ms = now_ms + f->again_ms;
	timer_set(f->ts, &f->timer, f->expected_ms);
}

static void advance(struct timers *ts, int64_t to_ms)
{
	while (timers_next(ts) >= 0 && timers_next(ts) <= to_ms) {
		now_ms = timers_next(ts);
		timers_run(ts);
	}
	now_ms = to_ms;
}

/* Thousands in random order, moved and cancelled: each at its time. */
static void each_fires_once_at_its_time(void **state)
{
	enum { N = 3000 };
	struct timers *ts = timers_new(read_clock, NULL);
	struct fired *f = calloc(N, sizeof(*f));
	uint32_t seed = 7;

	(void)state;
	assert_non_null(f);
	now_ms = 1000;
	for (unsigned round = 0; round < 3; round++) {
		for (size_t i = 0; i < N; i++) {
			seed = seed * 1664525 + 1013904223;
			f[i].ts = ts;
			f[i].expected_ms = 1001 + (seed >> 8) % 5000;
			if (!round)
				timer_init(&f[i].timer, on_fire, &f[i]);
			timer_set(ts, &f[i].timer, f[i].expected_ms);
		}
	}
	for (size_t i = 0; i < N; i += 3) {
		timer_cancel(ts, &f[i].timer);
		f[i].expected_ms = -1;
	}
	advance(ts, 10000);
	for (size_t i = 0; i < N; i++)
		assert_int_equal(f[i].n, i % 3 != 0);
	assert_int_equal(timers_next(ts), -1);
	free(f);
	timers_free(ts);
}

static void a_timer_may_set_itself_again(void **state)
{
	struct timers *ts = timers_new(read_clock, NULL);
	struct fired f = { .ts = ts, .expected_ms = 10, .again_ms = 10 };

	(void)state;
	now_ms = 0;
	timer_init(&f.timer, on_fire, &f);
	timer_set(ts, &f.timer, 10);
	advance(ts, 105);
	assert_int_equal(f.n, 10);
	timers_free(ts);
	assert_false(timer_is_set(&f.timer));
}

static void on_spin(void *arg)
{
	struct fired *f = arg;

	f->n++;
	timer_set(f->ts, &f->timer, now_ms); /* now, again and again */
}

static void a_run_always_returns(void **state)
{
	struct timers *ts = timers_new(read_clock, NULL);
	struct fired f = { .ts = ts };

	(void)state;
	now_ms = 50;
	timer_init(&f.timer, on_spin, &f);
	timer_set(ts, &f.timer, 50);
	timers_run(ts);
	assert_int_equal(f.n, 1);
	assert_int_equal(timers_next(ts), 51);
	timers_free(ts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_fires_once_at_its_time),
		cmocka_unit_test(a_timer_may_set_itself_again),
		cmocka_unit_test(a_run_always_returns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
