// SPDX-License-Identifier: BSD-2-Clause
/* Ten thousand checks of one interval never run together. */
#include "probe_support.h"

#define CROWD 10000
#define BUCKET_MS 10

static unsigned buckets[100000 / BUCKET_MS];

static void crowd_start(struct probe *p)
{
	buckets[now_ms / BUCKET_MS]++;
	probe_done(p, VERDICT_PASS, "");
}

static const struct probe_ops crowd_ops = { .start = crowd_start,
	.stop = quick_stop };
static const struct probe_ops *const crowd_kinds[CHECK_KIND_N] = {
	[CHECK_TCP] = &crowd_ops
};

static void forget(void *arg, enum verdict v, const char *detail)
{
	(void)arg;
	(void)v;
	(void)detail;
}

/* The fullest bucket from then until now; all runs together in *ret_sum. */
static unsigned fullest(int64_t from_ms, unsigned *ret_sum)
{
	unsigned most = 0;

	*ret_sum = 0;
	for (int64_t b = from_ms / BUCKET_MS; b < now_ms / BUCKET_MS; b++) {
		most = buckets[b] > most ? buckets[b] : most;
		*ret_sum += buckets[b];
	}
	return most;
}

static void crowd_rests(struct prober *pr, struct probe *probes)
{
	(void)pr;
	for (size_t i = 0; i < CROWD; i++)
		probe_pause(&probes[i]);
	for (size_t i = 0; i < CROWD; i++)
		probe_begin(&probes[i]);
}

static void crowd_stands_still(struct prober *pr, struct probe *probes)
{
	(void)probes;
	now_ms += 7003;
	timers_run(pr->timers);
}

static void crowd_sleeps(struct prober *pr, struct probe *probes)
{
	(void)probes;
	now_ms += 33333;
	timers_run(pr->timers);
}

/*
 * Ten in each bucket is the mean. With jitter it is a Poisson process, of
 * which a thousand buckets hold 24 or so at most.
 */
static const struct {
	const char *why;
	int jitter_percent;
	void (*event)(struct prober *pr, struct probe *probes);
	unsigned at_once, later;
} crowds[] = {
	{ "as they begin", 0, NULL, 10, 10 },
	{ "with jitter", 10, NULL, 32, 32 },
	{ "all at rest, and begun again", 0, crowd_rests, 11, 10 },
	{ "the same with jitter", 10, crowd_rests, 32, 32 },
	{ "the loop stood still: twice as many for a while", 0,
	    crowd_stands_still, 21, 11 },
	{ "the same with jitter", 10, crowd_stands_still, 50, 32 },
	{ "for longer than the interval", 0, crowd_sleeps, 21, 11 },
	{ "the same with jitter", 10, crowd_sleeps, 50, 32 },
};

static void a_crowd_stays_spread(void **state)
{
	static struct probe probes[CROWD];
	struct check_spec spec = each_second;

	(void)state;
	spec.interval_ms = 10000;
	for (size_t n = 0; n < sizeof(crowds) / sizeof(crowds[0]); n++) {
		struct prober pr;
		unsigned sum;

		memset(buckets, 0, sizeof(buckets));
		begin(&pr, crowd_kinds);
		spec.jitter_percent = crowds[n].jitter_percent;
		for (size_t i = 0; i < CROWD; i++) {
			probe_init(&probes[i], &pr, &spec, &support_subject,
			    forget, NULL);
			probe_begin(&probes[i]);
		}
		advance(&pr, 15000);
		if (crowds[n].event)
			crowds[n].event(&pr, probes);
		int64_t from_ms = now_ms;

		advance(&pr, from_ms + 20000);
		unsigned at_once = fullest(0, &sum);

		advance(&pr, from_ms + 40000);
		unsigned later = fullest(from_ms + 20000, &sum);

		print_message(
		    "%s: %u, later %u\n", crowds[n].why, at_once, later);
		if (at_once > crowds[n].at_once || later > crowds[n].later) {
			fail_msg(
			    "%s: %u, later %u", crowds[n].why, at_once, later);
		}
		assert_in_range(sum, 19000, 21000);
		for (size_t i = 0; i < CROWD; i++)
			probe_release(&probes[i]);
		end(&pr);
	}
}

static void failing_start(struct probe *p)
{
	buckets[now_ms / BUCKET_MS]++;
	probe_done(p, VERDICT_FAIL, "");
}

static const struct probe_ops failing_ops = { .start = failing_start,
	.stop = quick_stop };
static const struct probe_ops *const failing_kinds[CHECK_KIND_N] = {
	[CHECK_TCP] = &failing_ops
};

/* Started together, and none of them comes in. */
static void a_crowd_that_starts_is_bounded(void **state)
{
	static struct probe probes[CROWD];
	struct check_spec spec = each_second;
	struct prober pr;
	unsigned sum;

	(void)state;
	for (unsigned n = 10; n <= CROWD; n *= 10) {
		memset(buckets, 0, sizeof(buckets));
		spec.interval_ms = 10000;
		begin(&pr, failing_kinds);
		for (size_t i = 0; i < n; i++) {
			probe_init(&probes[i], &pr, &spec, &support_subject,
			    forget, NULL);
			probe_begin(&probes[i]);
			probe_quicken(&probes[i]);
		}
		advance(&pr, 31000);
		unsigned most = fullest(0, &sum);

		print_message(
		    "%u: %u in %d ms, %u in 30 s\n", n, most, BUCKET_MS, sum);
		assert_in_range(most, 1, 50);
		/* three of the schedule, and what is extra */
		assert_in_range(sum, 3 * n, 3 * n + 30 * n);
		assert_true(n < 10000 || sum < 5 * n);
		for (size_t i = 0; i < n; i++)
			probe_release(&probes[i]);
		end(&pr);
	}
}

static int64_t ready_ms, passed_ms;

static void starting_start(struct probe *p)
{
	if (now_ms >= ready_ms && !passed_ms)
		passed_ms = now_ms;
	probe_done(p, now_ms >= ready_ms ? VERDICT_PASS : VERDICT_FAIL, "");
}

static const struct probe_ops starting_ops = { .start = starting_start,
	.stop = quick_stop };
static const struct probe_ops *const starting_kinds[CHECK_KIND_N] = {
	[CHECK_TCP] = &starting_ops
};

/* Whenever it is ready, it is asked soon. */
static void what_starts_is_back_soon(void **state)
{
	struct check_spec spec = each_second;
	struct prober pr;
	struct probe probe;

	(void)state;
	spec.interval_ms = 10000;
	for (int64_t after_ms = 0; after_ms < 8000; after_ms += 13) {
		begin(&pr, starting_kinds);
		probe_init(&probe, &pr, &spec, &support_subject, forget, NULL);
		passed_ms = 0;
		ready_ms = now_ms + after_ms;
		probe_begin(&probe);
		probe_quicken(&probe);
		advance(&pr, now_ms + 10000);
		assert_true(passed_ms >= ready_ms);
		int64_t late_ms = passed_ms - ready_ms;

		assert_true(late_ms <= 305 || after_ms > 1200);
		assert_true(late_ms <= 60 + after_ms / 4);
		probe_release(&probe);
		end(&pr);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_crowd_stays_spread),
		cmocka_unit_test(a_crowd_that_starts_is_bounded),
		cmocka_unit_test(what_starts_is_back_soon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
