// SPDX-License-Identifier: BSD-2-Clause
#include "schema/base/exposition.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_samples(void **state)
{
	struct exposition e = { 0 };

	(void)state;
	exposition_family(&e, "a_total", "counter", "What A is");
	exposition_value(&e, NULL, 0);
	exposition_value(&e,
	    (const char *[]){ "x", "1", "y", "say \"a\\b\"\n", NULL },
	    UINT64_MAX);
	exposition_seconds(&e, NULL, 1000000001);
	exposition_seconds(&e, (const char *[]){ "z", "", NULL }, -1500000000);
	assert_string_equal(e.text,
	    "# HELP a_total What A is\n"
	    "# TYPE a_total counter\n"
	    "a_total 0\n"
	    "a_total{x=\"1\",y=\"say \\\"a\\\\b\\\"\\n\"} "
	    "18446744073709551615\n"
	    "a_total 1.000000001\n"
	    "a_total{z=\"\"} -1.500000000\n");
	assert_int_equal(e.len, strlen(e.text));
	exposition_release(&e);
	assert_null(e.text);
}

static const struct {
	const char *why;
	int64_t ns;
	unsigned bucket;
} durations[] = {
	{ "a clock that went back", -5, 0 },
	{ "nothing", 0, 0 },
	{ "a bound belongs to its bucket", 1000, 0 },
	{ "and what is above to the next", 1001, 1 },
	{ "2 us", 2000, 1 },
	{ "a millisecond", 1000000, 10 },
	{ "4.19 s", 4194304000, 22 },
	{ "more", 4194304001, 23 },
	{ "much more", INT64_MAX, 23 },
};

static void test_histogram(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(durations) / sizeof(*durations); i++) {
		struct histogram h = { 0 };

		histogram_add(&h, durations[i].ns, 3);
		for (unsigned b = 0; b < HISTOGRAM_BUCKETS; b++) {
			if (h.count[b] != (b == durations[i].bucket ? 3u : 0u))
				fail_msg("%s: bucket %u", durations[i].why, b);
		}
	}
}

/* Buckets are cumulative, and sums over all that are given. */
static void test_histograms(void **state)
{
	struct histogram a = { 0 }, b = { 0 };
	const struct histogram *const both[] = { &a, &b };
	struct exposition e = { 0 };

	(void)state;
	histogram_add(&a, 1500, 2);
	histogram_add(&b, 3000, 1);
	histogram_add(&b, 10000000000, 1);
	exposition_family(&e, "t_seconds", "histogram", "T");
	exposition_histogram(&e, (const char *[]){ "k", "v", NULL }, both, 2);
	assert_non_null(
	    strstr(e.text, "\nt_seconds_bucket{k=\"v\",le=\"0.000001\"} 0\n"
	                   "t_seconds_bucket{k=\"v\",le=\"0.000002\"} 2\n"
	                   "t_seconds_bucket{k=\"v\",le=\"0.000004\"} 3\n"));
	assert_non_null(
	    strstr(e.text, "t_seconds_bucket{k=\"v\",le=\"4.194304\"} 3\n"
	                   "t_seconds_bucket{k=\"v\",le=\"+Inf\"} 4\n"
	                   "t_seconds_sum{k=\"v\"} 10.000006000\n"
	                   "t_seconds_count{k=\"v\"} 4\n"));
	exposition_release(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_histogram),
		cmocka_unit_test(test_histograms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
