// SPDX-License-Identifier: BSD-2-Clause
/*
 * The kernel answers for loopback. Whether we may ask depends on where the
 * test runs; the system tests have a network namespace of their own.
 */
#include "support.h"

static struct check_spec icmp_spec(const char *address)
{
	return (struct check_spec){ .name = "icmp-1",
		.kind = CHECK_ICMP,
		.interval_ms = 1000,
		.timeout_ms = 200,
		.rise = 1,
		.fall = 1,
		.icmp = { .address = address } };
}

static void the_kernel_answers(void **state)
{
	static const char *const addresses[] = { "127.0.0.1", "::1" };
	struct loop l;

	(void)state;
	loop_init(&l);
	for (size_t n = 0; n < 2; n++) {
		struct check_spec spec = icmp_spec(addresses[n]);
		struct outcome o = probe_once(&l, &spec, NULL);

		if (o.verdict == VERDICT_FAIL &&
		    strstr(o.detail, "not allowed: "))
			continue;
		if (strncmp(o.detail, "echo after ", 11) != 0)
			fail_msg("%s: '%s'", addresses[n], o.detail);
		assert_int_equal(o.verdict, VERDICT_PASS);
	}
	loop_release(&l);
}

/* No host may have 240.0.0.1: the kernel says so, or nothing comes back. */
static void nobody_answers(void **state)
{
	struct check_spec spec = icmp_spec("240.0.0.1");
	struct loop l;
	int64_t took_ms;

	(void)state;
	loop_init(&l);
	struct outcome o = probe_once(&l, &spec, &took_ms);

	assert_int_equal(o.verdict, VERDICT_FAIL);
	assert_true(took_ms < 5000);
	loop_release(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_kernel_answers),
		cmocka_unit_test(nobody_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
