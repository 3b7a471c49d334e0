// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/probe/tally.h"

#include <stdio.h>

#define EXACT 32 /* milliseconds that have a bin of their own */
#define STEPS 16

void tally_begin(struct tally *t, int64_t now_ms)
{
	*t = (struct tally){ .since_ms = now_ms, .running = t->running };
}

static unsigned bin_of(int64_t ms)
{
	if (ms < EXACT)
		return (unsigned)ms;
	/* the highest bit is that of EXACT or one above: 1, 2 ... */
	unsigned shift = 59 - (unsigned)__builtin_clzll((uint64_t)ms);
	unsigned bin =
	    EXACT + (shift - 1) * STEPS + (unsigned)((ms >> shift) - STEPS);

	return bin < TALLY_BINS ? bin : TALLY_BINS - 1;
}

/* The highest time that falls into it. */
static int64_t end_of(unsigned bin)
{
	if (bin < EXACT)
		return bin;
	if (bin == TALLY_BINS - 1)
		return INT64_MAX;
	unsigned shift = (bin - EXACT) / STEPS + 1;

	return ((int64_t)(STEPS + (bin - EXACT) % STEPS + 1) << shift) - 1;
}

void tally_time(struct tally_times *times, int64_t ms)
{
	if (ms < 0)
		ms = 0;
	times->n++;
	times->bin[bin_of(ms)]++;
	if (ms > times->max_ms)
		times->max_ms = ms;
}

int64_t tally_share(const struct tally_times *times, double share)
{
	double wanted = share * (double)times->n, seen = 0;

	for (unsigned bin = 0; bin < TALLY_BINS && times->n; bin++) {
		seen += times->bin[bin];
		if (!times->bin[bin] || seen < wanted)
			continue;
		return end_of(bin) < times->max_ms ? end_of(bin)
		                                   : times->max_ms;
	}
	return times->max_ms;
}

void tally_run(struct tally *t, int64_t late_ms)
{
	t->runs++;
	t->running++;
	tally_time(&t->late, late_ms);
}

void tally_verdict(struct tally *t, enum check_kind kind, enum verdict v,
    int64_t took_ms, bool timed_out)
{
	t->kinds[kind].passed += v == VERDICT_PASS;
	t->kinds[kind].warned += v == VERDICT_WARN;
	t->kinds[kind].failed += v == VERDICT_FAIL;
	t->kinds[kind].timed_out += timed_out;
	if (!timed_out)
		tally_time(&t->kinds[kind].took, took_ms);
}

static void tell_kind(
    const struct tally *t, enum check_kind kind, void (*line)(const char *text))
{
	const struct tally_times *took = &t->kinds[kind].took;
	char text[256];

	(void)snprintf(text, sizeof(text),
	    "%s checks: passed=%llu warned=%llu failed=%llu timed_out=%llu "
	    "took_p50_ms=%lld took_p99_ms=%lld took_max_ms=%lld",
	    check_kind_name(kind), (unsigned long long)t->kinds[kind].passed,
	    (unsigned long long)t->kinds[kind].warned,
	    (unsigned long long)t->kinds[kind].failed,
	    (unsigned long long)t->kinds[kind].timed_out,
	    (long long)tally_share(took, 0.5),
	    (long long)tally_share(took, 0.99), (long long)took->max_ms);
	line(text);
}

void tally_tell(
    const struct tally *t, int64_t now_ms, void (*line)(const char *text))
{
	char text[256];

	(void)snprintf(text, sizeof(text),
	    "checks: in_ms=%lld runs=%llu running=%u left_out=%llu unable=%llu "
	    "late_p50_ms=%lld late_p99_ms=%lld late_max_ms=%lld",
	    (long long)(now_ms - t->since_ms), (unsigned long long)t->runs,
	    t->running, (unsigned long long)t->left_out,
	    (unsigned long long)t->unable,
	    (long long)tally_share(&t->late, 0.5),
	    (long long)tally_share(&t->late, 0.99), (long long)t->late.max_ms);
	line(text);
	for (unsigned kind = 0; kind < CHECK_KIND_N; kind++) {
		if (t->kinds[kind].passed + t->kinds[kind].warned +
		    t->kinds[kind].failed)
			tell_kind(t, (enum check_kind)kind, line);
	}
}
