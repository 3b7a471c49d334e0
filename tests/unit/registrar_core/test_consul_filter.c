// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/http/consul/consul_impl.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char entry[] =
    "{\"Service\":{\"ID\":\"web-1\",\"Port\":80,\"Tags\":[\"v1\",\"in\"],"
    "\"Meta\":{\"env\":\"prod\",\"a.b\":\"x\"},\"Empty\":\"\"},"
    "\"Checks\":[{\"Status\":\"passing\"},{\"Status\":\"critical\"}],"
    "\"Node\":{\"Meta\":{}}}";

static const struct {
	const char *filter;
	int matches; /* -1: -EINVAL */
} cases[] = {
	{ "Service.ID == \"web-1\"", 1 },
	{ "Service.ID == web-1", 1 },
	{ "Service.ID==`web-1`", 1 },
	{ "Service.ID != \"web-1\"", 0 },
	{ "Service.Port == 80", 1 },
	{ "Service.Port == 81", 0 },
	{ "\"v1\" in Service.Tags", 1 },
	{ "v1 in Service.Tags", 1 },
	{ "in in Service.Tags", 1 },
	{ "\"v2\" not in Service.Tags", 1 },
	{ "Service.Tags contains \"v1\"", 1 },
	{ "Service.Tags not contains v1", 0 },
	{ "Service.Tags is empty", 0 },
	{ "Service.Tags is not empty", 1 },
	{ "Service.Empty is empty", 1 },
	{ "Node.Meta is empty", 1 },
	{ "Service.Meta.env == prod", 1 },
	{ "Service.Meta[\"a.b\"] == x", 1 },
	{ "Service.Meta.none == prod", 0 },
	{ "Service.Meta.none != prod", 1 },
	{ "env in Service.Meta", 1 },
	{ "Checks.Status == critical", 1 },
	{ "Checks.Status == warning", 0 },
	{ "Checks.Status != critical", 0 },
	{ "Checks.Status != warning", 1 },
	{ "not Service.Port == 81", 1 },
	{ "not (Service.Port == 80)", 0 },
	{ "Service.Port == 81 or Service.Port == 80", 1 },
	{ "Service.Port == 80 and Service.Port == 81 or v1 in Service.Tags",
	    1 },
	{ "Service.Port == 81 and (Service.Port == 80 or v1 in Service.Tags)",
	    0 },
	{ "", -1 },
	{ "Service", -1 },
	{ "Service.ID", -1 },
	{ "Service.ID ==", -1 },
	{ "Service.ID == \"web", -1 },
	{ "Service.Nope == 1", -1 },
	{ "Nope == 1", -1 },
	{ "(Service.Port == 80", -1 },
	{ "Service.Port == 80)", -1 },
	{ "Service.Port == 80 and", -1 },
	{ "Service.Port matches 8", -1 },
	{ "Service..ID == x", -1 },
	{ "Service[ID] == x", -1 },
	{ "a.b.c.d.e.f.g.h.i == 1", -1 },
};

static int match(const char *text, const json_t *o, bool *ret_matches)
{
	struct arena *a = arena_new();
	struct consul_filter *f;
	struct diag why;
	int error = consul_filter_parse(text, a, &f, &why);

	if (!error)
		error = consul_filter_match(f, o, ret_matches, &why);
	arena_free(a);
	return error;
}

static void test_matches(void **state)
{
	json_t *o = json_loads(entry, 0, NULL);

	(void)state;
	assert_non_null(o);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		bool matches = false;
		int error = match(cases[i].filter, o, &matches);

		if ((error ? -1 : matches) != cases[i].matches)
			fail_msg("%s: %d %d", cases[i].filter, error, matches);
	}
	json_decref(o);
}

static void test_bounds(void **state)
{
	char deep[8192];
	json_t *o = json_loads(entry, 0, NULL);
	bool matches;

	(void)state;
	memset(deep, '(', sizeof(deep));
	deep[100] = '\0';
	assert_int_equal(match(deep, o, &matches), -EINVAL);
	memset(deep, 'a', sizeof(deep));
	deep[5000] = '\0';
	assert_int_equal(match(deep, o, &matches), -EINVAL);
	json_decref(o);
}

static const struct {
	const char *text;
	int64_t ms; /* -1: it is none */
} durations[] = {
	{ "10s", 10000 },
	{ "120000ms", 120000 },
	{ "1m30s", 90000 },
	{ "1.5s", 1500 },
	{ "1h", 3600000 },
	{ "5us", 0 },
	{ "", -1 },
	{ "s", -1 },
	{ "10", -1 },
	{ "-1s", -1 },
	{ "1x", -1 },
	{ "1s 2s", -1 },
	{ "1e99s", -1 },
	{ "infs", -1 },
};

static void test_durations(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(durations) / sizeof(*durations); i++) {
		int64_t ms = -1;

		if (!consul_duration(durations[i].text, &ms))
			ms = -1;
		if (ms != durations[i].ms)
			fail_msg("%s", durations[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matches),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_durations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
