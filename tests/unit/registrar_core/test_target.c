// SPDX-License-Identifier: BSD-2-Clause
/*
 * Paths and query strings of strangers.
 */
#include "registrar/http/http_impl.h"

#include <errno.h>
#include <string.h>

/* cmocka.h needs these before it */
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

static void test_paths(void **state)
{
	static const struct {
		const char *pattern, *path;
		int error;
		bool matches;
		const char *parts[3]; /* NULL: no more */
	} cases[] = {
		{ "/a/b", "/a/b", 0, true, { NULL } },
		{ "/a/b", "/a/b/", 0, false, { NULL } },
		{ "/a/b", "/a", 0, false, { NULL } },
		{ "/a/b", "/a/bb", 0, false, { NULL } },
		{ "/a/{}", "/a/x", 0, true, { "x" } },
		{ "/a/{}", "/a/", 0, false, { NULL } },
		{ "/a/{}/c", "/a/x%2Fy/c", 0, true, { "x/y" } },
		{ "/a/{}/{}", "/a/x/%C3%a4", 0, true, { "x", "\xc3\xa4" } },
		{ "/a/{*}", "/a/x/y%20z", 0, true, { "x/y z" } },
		{ "/a/{*}", "/a/", 0, true, { "" } },
		{ "/a/{}", "/a/x%00y", -EINVAL, false, { NULL } },
		{ "/a/{}", "/a/%ff", -EINVAL, false, { NULL } },
		{ "/a/{}", "/a/%4", -EINVAL, false, { NULL } },
		{ "/a/{}", "/a/+", 0, true, { "+" } },
	};

	(void)state;
	for (size_t k = 0; k < sizeof(cases) / sizeof(*cases); k++) {
		struct arena *a = arena_new();
		const char *parts[HTTP_PARTS_MAX];
		bool matches;
		unsigned n;

		assert_int_equal(http_match(cases[k].pattern, cases[k].path, a,
		                     parts, &n, &matches),
		    cases[k].error);
		assert_int_equal(matches, cases[k].matches);
		for (unsigned i = 0; i < 3 && cases[k].parts[i]; i++)
			assert_string_equal(parts[i], cases[k].parts[i]);
		arena_free(a);
	}
}

static void test_queries(void **state)
{
	struct arena *a = arena_new();
	struct http_param *p;
	char many[HTTP_PARAMS_MAX * 2 + 3];
	unsigned n;

	(void)state;
	assert_int_equal(http_parse_query(NULL, a, &p, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(
	    http_parse_query("a=1&&b&c=x+y%3D&a=2&=v", a, &p, &n), 0);
	assert_int_equal(n, 5);
	assert_string_equal(p[0].value, "1");
	assert_string_equal(p[1].name, "b");
	assert_string_equal(p[1].value, "");
	assert_string_equal(p[2].value, "x y=");
	assert_string_equal(p[3].value, "2");
	assert_string_equal(p[4].name, "");
	assert_int_equal(http_parse_query("a=%zz", a, &p, &n), -EINVAL);
	assert_int_equal(http_parse_query("%00", a, &p, &n), -EINVAL);
	for (size_t k = 0; k + 1 < sizeof(many); k++)
		many[k] = k % 2 ? '&' : 'a';
	many[sizeof(many) - 1] = '\0';
	assert_int_equal(http_parse_query(many, a, &p, &n), -E2BIG);
	many[(size_t)HTTP_PARAMS_MAX * 2] = '\0';
	assert_int_equal(http_parse_query(many, a, &p, &n), 0);
	assert_int_equal(n, HTTP_PARAMS_MAX);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_queries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
