// SPDX-License-Identifier: BSD-2-Clause
/* The schedule, with a clock set by hand and a kind of probe of our own. */
#include "probe_support.h"

#include <errno.h>

#define MANY 1000

/* ---- a kind whose runs end when the test says so ---------------------- */

static unsigned running, most_running, started, stopped;

static void manual_start(struct probe *p)
{
	(void)p;
	started++;
	if (++running > most_running)
		most_running = running;
}

static void manual_stop(struct probe *p)
{
	(void)p;
	stopped++;
	running--;
}

static const struct probe_ops manual_ops = { .start = manual_start,
	.stop = manual_stop };
static const struct probe_ops *const manual_kinds[CHECK_KIND_N] = {
	[CHECK_TCP] = &manual_ops,
	[CHECK_HTTP] = &manual_ops,
	[CHECK_EXEC] = &manual_ops,
	[CHECK_TTL] = &probe_ttl_ops,
};

/* Passes at once. */
static void quick_start(struct probe *p)
{
	probe_done(p, VERDICT_PASS, "");
}

static const struct probe_ops quick_ops = { .start = quick_start,
	.stop = quick_stop };
static const struct probe_ops *const quick_kinds[CHECK_KIND_N] = { &quick_ops,
	&quick_ops, &quick_ops, &quick_ops };

/* Each test counts anew. */
static int count_anew(void **state)
{
	(void)state;
	running = most_running = started = stopped = 0;
	return 0;
}

static void count_run(void *arg, enum verdict v, const char *detail)
{
	struct outcome *o = arg;

	(void)v;
	o->n++;
	o->last_ms = now_ms;
	if (o->n == 1)
		o->first_ms = now_ms;
	(void)snprintf(o->detail, sizeof(o->detail), "%s", detail);
	o->verdict = v;
}

static void first_runs_are_spread(void **state)
{
	static struct probe probes[MANY];
	static struct outcome outcomes[MANY];
	struct prober pr;
	unsigned at[1000] = { 0 }, most = 0;

	(void)state;
	begin(&pr, quick_kinds);
	for (size_t i = 0; i < MANY; i++) {
		probe_init(&probes[i], &pr, &each_second, &support_subject,
		    count_run, &outcomes[i]);
		probe_begin(&probes[i]);
	}
	advance(&pr, 2000);
	for (size_t i = 0; i < MANY; i++) {
		assert_true(outcomes[i].n >= 1);
		assert_in_range(outcomes[i].first_ms, 1000, 1999);
		unsigned n = ++at[outcomes[i].first_ms - 1000];

		most = n > most ? n : most;
	}
	assert_int_equal(most, 1);
	/* ten seconds: ten runs each, jitter or not */
	advance(&pr, 11000);
	for (size_t i = 0; i < MANY; i++) {
		assert_in_range(outcomes[i].n, 9, 12);
		probe_release(&probes[i]);
	}
	end(&pr);
}

static void a_few_start_at_once(void **state)
{
	struct prober pr;
	struct probe p;
	struct outcome o = { .n = 0 };

	(void)state;
	begin(&pr, quick_kinds);
	probe_init(&p, &pr, &each_second, &support_subject, count_run, &o);
	probe_begin(&p);
	advance(&pr, 1001);
	assert_int_equal(o.n, 1);
	probe_release(&p);
	end(&pr);
}

static void a_hanging_run_ends_on_time_and_alone(void **state)
{
	struct prober pr;
	struct probe hangs, works;
	struct outcome o = { .n = 0 }, w = { .n = 0 };
	const struct probe_ops *kinds[CHECK_KIND_N] = {
		[CHECK_TCP] = &manual_ops, [CHECK_HTTP] = &quick_ops
	};
	struct check_spec other = each_second;

	(void)state;
	other.kind = CHECK_HTTP;
	begin(&pr, kinds);
	probe_init(&hangs, &pr, &each_second, &support_subject, count_run, &o);
	probe_init(&works, &pr, &other, &support_subject, count_run, &w);
	probe_begin(&hangs);
	probe_begin(&works);
	advance(&pr, 1299);
	assert_int_equal(o.n, 0);
	advance(&pr, 1300);
	assert_int_equal(o.n, 1);
	assert_int_equal(o.verdict, VERDICT_FAIL);
	assert_string_equal(o.detail, "timed out after 300 ms");
	advance(&pr, 21000);
	assert_in_range(w.n, 18, 23);
	assert_in_range(o.n, 18, 23);
	assert_int_equal(most_running, 1);
	probe_release(&hangs);
	probe_release(&works);
	assert_int_equal(running, 0);
	end(&pr);
}

/* A result that is there when we wake up late counts as it is. */
static void standing_still_is_no_time_out(void **state)
{
	struct prober pr;
	struct probe p;
	struct outcome o = { .n = 0 };

	(void)state;
	begin(&pr, manual_kinds);
	probe_init(&p, &pr, &each_second, &support_subject, count_run, &o);
	probe_begin(&p);
	advance(&pr, 1100);
	assert_int_equal(running, 1);
	now_ms = 6000; /* nobody ran for five seconds */
	timers_run(pr.timers);
	assert_int_equal(o.n, 0);
	probe_done(&p, VERDICT_PASS, "well");
	assert_int_equal(o.n, 1);
	assert_int_equal(o.verdict, VERDICT_PASS);
	/* one that hangs has its time, and no more */
	while (!running)
		advance(&pr, now_ms + 1);
	unsigned before = o.n;

	assert_int_equal(running, 1);
	assert_true(now_ms < 9000);
	now_ms = 20000;
	timers_run(pr.timers);
	assert_int_equal(o.n, before);
	advance(&pr, 20299);
	assert_int_equal(o.n, before);
	advance(&pr, 20300);
	assert_int_equal(o.n, before + 1);
	assert_int_equal(o.verdict, VERDICT_FAIL);
	probe_release(&p);
	end(&pr);
}

/* A time-out above the interval: still one run at a time. */
static void runs_never_overlap(void **state)
{
	struct check_spec slow = each_second;
	struct prober pr;
	struct probe p;
	struct outcome o = { .n = 0 };

	(void)state;
	slow.timeout_ms = 2500;
	slow.jitter_percent = 0;
	begin(&pr, manual_kinds);
	probe_init(&p, &pr, &slow, &support_subject, count_run, &o);
	probe_begin(&p);
	advance(&pr, 11000);
	assert_int_equal(most_running, 1);
	assert_in_range(started, 4, 5);
	probe_release(&p);
	end(&pr);
}

static void a_paused_probe_rests(void **state)
{
	struct prober pr;
	struct probe p;
	struct outcome o = { .n = 0 };

	(void)state;
	begin(&pr, manual_kinds);
	probe_init(&p, &pr, &each_second, &support_subject, count_run, &o);
	probe_begin(&p);
	advance(&pr, 1100);
	assert_int_equal(running, 1);
	probe_pause(&p);
	assert_int_equal(running, 0);
	advance(&pr, 10000);
	assert_int_equal(started, 1);
	assert_int_equal(o.n, 0);
	probe_begin(&p);
	advance(&pr, 10001);
	assert_int_equal(started, 2);
	probe_done(&p, VERDICT_PASS, "ok");
	assert_int_equal(o.n, 1);
	probe_release(&p);
	assert_int_equal(running, 0);
	end(&pr);
}

/* Fails at once, and says when. */
static int64_t runs_at_ms[64];
static unsigned run_n;

static void failing_start(struct probe *p)
{
	runs_at_ms[run_n++ % 64] = now_ms;
	probe_done(p, VERDICT_FAIL, "refused");
}

static const struct probe_ops failing_ops = { .start = failing_start,
	.stop = quick_stop };
static const struct probe_ops *const failing_kinds[CHECK_KIND_N] = {
	[CHECK_TCP] = &failing_ops
};

static void extra_runs_leave_the_schedule(void **state)
{
	static const int64_t expected_ms[] = { 0, 50, 110, 182, 268, 371, 494,
		641, 817, 1028, 1281, 1584, 1947, 2382, 2904, 3530, 4281, 5182,
		6263, 7560, 9116, 10000, 11867, 14107, 16795, 20000, 23225,
		27095, 30000, 34644, 40000, 45572, 50000, 56686, 60000, 68023,
		70000, 79627, 80000, 90000, 100000 };
	struct check_spec spec = each_second;
	struct prober pr;
	struct probe p;
	struct outcome o = { .n = 0 };

	(void)state;
	spec.interval_ms = 10000;
	spec.jitter_percent = 0;
	run_n = 0;
	begin(&pr, failing_kinds);
	probe_init(&p, &pr, &spec, &support_subject, count_run, &o);
	probe_begin(&p);
	probe_quicken(&p);
	advance(&pr, 1000 + 100000);
	assert_int_equal(run_n, sizeof(expected_ms) / sizeof(*expected_ms));
	for (unsigned n = 0; n < run_n; n++)
		assert_int_equal(runs_at_ms[n], 1000 + expected_ms[n]);
	assert_int_equal(pr.quick_n, 0);
	/* far from the next one: soon again */
	run_n = 0;
	probe_quicken(&p);
	advance(&pr, now_ms + 400);
	assert_int_equal(run_n, 5);
	assert_true(p.extra);
	probe_settle(&p);
	advance(&pr, 1000 + 119999);
	assert_int_equal(run_n, 6);
	assert_false(p.extra);
	assert_int_equal(runs_at_ms[5], 1000 + 110000);
	probe_quicken(&p);
	assert_int_equal(pr.quick_n, 1);
	probe_release(&p);
	assert_int_equal(pr.quick_n, 0);
	end(&pr);
}

/* One can run at a time, for 300 ms; the others are told that there is none. */
#define CROWD 40

static struct probe *in_slot;
static int64_t slot_until_ms;
static unsigned passed[CROWD];

static void scarce_start(struct probe *p)
{
	if (in_slot) {
		probe_done_unable(p, "Too many open files");
		return;
	}
	in_slot = p;
	slot_until_ms = now_ms + 300;
}

static void scarce_stop(struct probe *p)
{
	if (in_slot == p)
		in_slot = NULL;
}

static const struct probe_ops scarce_ops = { .start = scarce_start,
	.stop = scarce_stop };
static const struct probe_ops *const scarce_kinds[CHECK_KIND_N] = {
	[CHECK_TCP] = &scarce_ops
};

static void count_passed(void *arg, enum verdict v, const char *detail)
{
	unsigned *n = arg;

	(void)detail;
	*n += v == VERDICT_PASS;
}

static void advance_scarce(struct prober *pr, int64_t until_ms)
{
	while (now_ms < until_ms) {
		advance(pr, now_ms + 1);
		if (in_slot && now_ms >= slot_until_ms)
			probe_done(in_slot, VERDICT_PASS, "");
	}
}

/* A crowd that is twelve times too much: nobody is left out for long. */
static void what_is_scarce_goes_round(void **state)
{
	struct probe probes[CROWD];
	struct check_spec spec = each_second;
	struct prober pr;

	(void)state;
	spec.timeout_ms = 5000;
	begin(&pr, scarce_kinds);
	memset(passed, 0, sizeof(passed));
	for (unsigned n = 0; n < CROWD; n++) {
		probe_init(&probes[n], &pr, &spec, &support_subject,
		    count_passed, &passed[n]);
		probe_begin(&probes[n]);
		probe_quicken(&probes[n]);
	}
	/* one round takes 12 s */
	advance_scarce(&pr, now_ms + 15000);
	for (unsigned n = 0; n < CROWD; n++)
		assert_in_range(passed[n], 1, 2);
	/* nobody waits on who is gone */
	for (unsigned n = 0; n < CROWD; n += 2)
		probe_release(&probes[n]);
	memset(passed, 0, sizeof(passed));
	advance_scarce(&pr, now_ms + 60000);
	for (unsigned n = 1; n < CROWD; n += 2)
		assert_in_range(passed[n], 8, 12);
	for (unsigned n = 1; n < CROWD; n += 2)
		probe_release(&probes[n]);
	end(&pr);
}

/* ---- reports ---------------------------------------------------------- */

static struct heartbeat beat;
static int beat_error;

static int read_beat(void *arg, const struct probe_subject *s,
    const char *check, struct heartbeat *ret_beat)
{
	(void)arg;
	assert_string_equal(s->instance, "i-1");
	assert_string_equal(check, "ttl-1");
	if (!beat_error)
		*ret_beat = beat;
	return beat_error;
}

static void report(enum health status, const char *note)
{
	beat.status = status;
	beat.at_wall_ms = wall_at_ms(NULL);
	(void)snprintf(beat.note, sizeof(beat.note), "%s", note);
}

static const struct check_spec within_a_second = { .name = "ttl-1",
	.kind = CHECK_TTL,
	.ttl = { .ttl_ms = 1000 },
	.rise = 1,
	.fall = 1 };

static void reports_are_counted_once(void **state)
{
	struct prober pr;
	struct probe p;
	struct outcome o = { .n = 0 };

	(void)state;
	begin(&pr, manual_kinds);
	pr.heartbeat = read_beat;
	beat = (struct heartbeat){ .status = HEALTH_STARTING };
	beat_error = 0;
	probe_init(&p, &pr, &within_a_second, &support_subject, count_run, &o);
	probe_begin(&p);
	advance(&pr, 1900);
	assert_int_equal(o.n, 0); /* nobody has spoken, nor is it late */
	report(HEALTH_PASSING, "fine");
	advance(&pr, 2800);
	assert_int_equal(o.n, 1);
	assert_int_equal(o.verdict, VERDICT_PASS);
	assert_string_equal(o.detail, "fine");
	report(HEALTH_WARNING, "slow");
	advance(&pr, 3100);
	assert_int_equal(o.n, 2);
	assert_int_equal(o.verdict, VERDICT_WARN);
	report(HEALTH_CRITICAL, "broken");
	advance(&pr, 3400);
	assert_int_equal(o.n, 3);
	assert_int_equal(o.verdict, VERDICT_FAIL);
	/* then silence: one failure for each ttl */
	advance(&pr, 4800);
	assert_int_equal(o.n, 4);
	assert_string_equal(o.detail, "no report for 1000 ms");
	advance(&pr, 6000);
	assert_int_equal(o.n, 5);
	/* the registry's trouble is no verdict */
	report(HEALTH_PASSING, "again");
	beat_error = -EIO;
	advance(&pr, 60000);
	assert_int_equal(o.n, 5);
	beat_error = 0;
	advance(&pr, 60500);
	assert_int_equal(o.verdict, VERDICT_PASS);
	probe_release(&p);
	end(&pr);
}

static void a_restart_counts_no_report_again(void **state)
{
	struct prober pr;
	struct probe p;
	struct outcome o = { .n = 0 };

	(void)state;
	begin(&pr, manual_kinds);
	pr.heartbeat = read_beat;
	beat_error = 0;
	report(HEALTH_PASSING, "fine"); /* before this program began */
	now_ms += 400;
	probe_init(&p, &pr, &within_a_second, &support_subject, count_run, &o);
	p.beat_counted = true;
	probe_begin(&p);
	advance(&pr, now_ms + 500);
	assert_int_equal(o.n, 0);
	/* its time goes on from the report, not from the start */
	advance(&pr, now_ms + 500);
	assert_int_equal(o.n, 1);
	assert_int_equal(o.verdict, VERDICT_FAIL);
	probe_release(&p);
	end(&pr);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(first_runs_are_spread, count_anew),
		cmocka_unit_test_setup(a_few_start_at_once, count_anew),
		cmocka_unit_test_setup(
		    a_hanging_run_ends_on_time_and_alone, count_anew),
		cmocka_unit_test_setup(
		    standing_still_is_no_time_out, count_anew),
		cmocka_unit_test_setup(runs_never_overlap, count_anew),
		cmocka_unit_test_setup(a_paused_probe_rests, count_anew),
		cmocka_unit_test_setup(
		    extra_runs_leave_the_schedule, count_anew),
		cmocka_unit_test(what_is_scarce_goes_round),
		cmocka_unit_test_setup(reports_are_counted_once, count_anew),
		cmocka_unit_test_setup(
		    a_restart_counts_no_report_again, count_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
