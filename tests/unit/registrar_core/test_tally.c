// SPDX-License-Identifier: BSD-2-Clause
/* What is counted of runs: figures by hand, and of a prober. */
#include "probe_support.h"

static char lines[4][256];
static unsigned line_n;

static void take_line(const char *text)
{
	assert_true(line_n < 4);
	(void)snprintf(lines[line_n++], sizeof(lines[0]), "%s", text);
}

/* A share is never below what it stands for, and at most a 16th above. */
static void shares_are_near(void **state)
{
	static const int64_t most[] = { 1, 31, 32, 33, 100, 5000, 3600000 };

	(void)state;
	for (size_t n = 0; n < sizeof(most) / sizeof(most[0]); n++) {
		struct tally_times times = { 0 };

		for (int64_t ms = 1; ms <= most[n]; ms++)
			tally_time(&times, ms);
		for (int percent = 1; percent <= 100; percent++) {
			int64_t at = (most[n] * percent + 99) / 100;
			int64_t got = tally_share(&times, percent / 100.0);

			assert_in_range(got, at, at + at / 16 + 1);
			assert_true(got <= most[n]);
		}
		assert_int_equal(times.max_ms, most[n]);
		assert_int_equal(times.n, most[n]);
	}
}

static void extremes_have_a_place(void **state)
{
	struct tally_times times = { 0 };

	(void)state;
	assert_int_equal(tally_share(&times, 0.5), 0);
	tally_time(&times, -5); /* a clock that is coarser than another */
	assert_int_equal(tally_share(&times, 1), 0);
	tally_time(&times, INT64_MAX);
	assert_int_equal(tally_share(&times, 0.5), 0);
	assert_int_equal(times.max_ms, INT64_MAX);
	assert_true(tally_share(&times, 1) > 3600000);
}

/* ---- of a prober ------------------------------------------------------ */

static void manual_start(struct probe *p)
{
	(void)p;
}

static const struct probe_ops manual_ops = { .start = manual_start,
	.stop = quick_stop };
static const struct probe_ops *const kinds[CHECK_KIND_N] = {
	[CHECK_TCP] = &manual_ops,
	[CHECK_HTTP] = &manual_ops,
};

static void forget(void *arg, enum verdict v, const char *detail)
{
	(void)arg;
	(void)v;
	(void)detail;
}

static void told_are(struct prober *pr, const char *first, const char *second)
{
	line_n = 0;
	tally_tell(&pr->counts, now_ms, take_line);
	tally_begin(&pr->counts, now_ms);
	assert_string_equal(lines[0], first);
	assert_int_equal(line_n, second ? 2 : 1);
	if (second)
		assert_string_equal(lines[1], second);
}

static void a_prober_counts_its_runs(void **state)
{
	struct check_spec spec = each_second;
	struct prober pr;
	struct probe p;

	(void)state;
	spec.jitter_percent = 0;
	begin(&pr, kinds);
	probe_init(&p, &pr, &spec, &support_subject, forget, NULL);
	probe_begin(&p); /* due at 1000 ms, 2000 ms ... */
	advance(&pr, 1040);
	told_are(&pr,
	    "checks: in_ms=40 runs=1 running=1 left_out=0 unable=0 "
	    "late_p50_ms=0 late_p99_ms=0 late_max_ms=0",
	    NULL);
	probe_done(&p, VERDICT_PASS, "");
	told_are(&pr,
	    "checks: in_ms=0 runs=0 running=0 left_out=0 unable=0 "
	    "late_p50_ms=0 late_p99_ms=0 late_max_ms=0",
	    "tcp checks: passed=1 warned=0 failed=0 timed_out=0 "
	    "took_p50_ms=40 took_p99_ms=40 took_max_ms=40");

	/* the loop is late; then the run gets no answer */
	now_ms = 2030;
	timers_run(pr.timers);
	assert_true(p.running);
	advance(&pr, 2330);
	assert_false(p.running);
	told_are(&pr,
	    "checks: in_ms=1290 runs=1 running=0 left_out=0 unable=0 "
	    "late_p50_ms=30 late_p99_ms=30 late_max_ms=30",
	    "tcp checks: passed=0 warned=0 failed=1 timed_out=1 "
	    "took_p50_ms=0 took_p99_ms=0 took_max_ms=0");

	/* it ends when two more were due; and one is given up */
	advance(&pr, 3000);
	now_ms = 5001;
	probe_done(&p, VERDICT_WARN, "");
	advance(&pr, 6000);
	probe_pause(&p);
	told_are(&pr,
	    "checks: in_ms=3670 runs=2 running=0 left_out=2 unable=0 "
	    "late_p50_ms=0 late_p99_ms=0 late_max_ms=0",
	    "tcp checks: passed=0 warned=1 failed=0 timed_out=0 "
	    "took_p50_ms=2001 took_p99_ms=2001 took_max_ms=2001");
	probe_release(&p);
	end(&pr);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shares_are_near),
		cmocka_unit_test(extremes_have_a_place),
		cmocka_unit_test(a_prober_counts_its_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
