// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/registry/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define MB ((size_t)1 << 20)

static size_t mapped(void)
{
	size_t pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	assert_non_null(f);
	// NOLINTNEXTLINE(cert-err34-c): the kernel's number is in range
	assert_int_equal(fscanf(f, "%zu", &pages), 1);
	assert_int_equal(fclose(f), 0);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void put_limit(rlim_t octets)
{
	struct rlimit now;

	assert_int_equal(getrlimit(RLIMIT_AS, &now), 0);
	now.rlim_cur = octets;
	assert_int_equal(setrlimit(RLIMIT_AS, &now), 0);
}

static void pause_a_while(void)
{
	const struct timespec pause = { .tv_nsec = 150000000 };

	nanosleep(&pause, NULL);
}

static void test_a_limit_of_the_process(void **state)
{
	struct memory *m = memory_new();

	(void)state;
	assert_true(memory_allows(m, MB));
	put_limit(mapped() + MB);
	pause_a_while();
	assert_false(memory_allows(m, MB));
	put_limit(RLIM_INFINITY);
	pause_a_while();
	assert_true(memory_allows(m, MB));
	memory_free(m);
}

static void test_what_is_allowed_counts(void **state)
{
	struct memory *m = memory_new();
	unsigned n = 0;

	(void)state;
	put_limit(2 * mapped() + 200 * MB);
	pause_a_while();
	while (n < 10000000 && memory_allows(m, MB))
		n++;
	put_limit(RLIM_INFINITY);
	/* all but an eighth of what is used, and 16 MiB; twice, for after free
	   pages went back it is looked at again, and nothing was taken */
	assert_in_range(n, 100, 2 * (200 + 2 * mapped() / MB));
	memory_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_limit_of_the_process),
		cmocka_unit_test(test_what_is_allowed_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
