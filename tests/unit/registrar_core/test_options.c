// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/options.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *given, *zone; /* NULL: refused */
} zones[] = {
	{ "svc.internal", "svc.internal" },
	{ "SVC.Internal.", "svc.internal" },
	{ "internal", "internal" },
	{ "svc..internal", NULL },
	{ ".", NULL },
	{ "", NULL },
	{ "svc internal", NULL },
	{ "-svc.internal", NULL },
};

static int parse(struct arena *a, const char *flag, const char *value,
    unsigned scope, struct registrar_options *ret_o)
{
	static const char *const usage[] = { "x", NULL };
	const struct options_spec spec = { .program = "registrar",
		.usage = usage,
		.table = &registrar_options_table,
		.scope = scope,
		.file = "/nonexistent" };
	char *argv[] = { arena_strdup(a, "registrar"), arena_strdup(a, flag),
		arena_strdup(a, value), NULL };
	struct options_result result;
	int r = options_parse(&spec, argv, a, ret_o, &result, NULL);

	return r < 0 ? r : registrar_options_finish(ret_o, a, NULL);
}

static void test_zones(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(zones) / sizeof(*zones); i++) {
		struct registrar_options o = { 0 };
		struct arena *a = arena_new();
		int r = parse(a, "--zone", zones[i].given, COMMAND_RUN, &o);

		print_message("'%s'\n", zones[i].given);
		assert_int_equal(r, zones[i].zone ? 0 : -EINVAL);
		if (zones[i].zone)
			assert_string_equal(o.run.zone, zones[i].zone);
		arena_free(a);
	}
}

static void test_defaults(void **state)
{
	struct registrar_options o = { 0 };
	struct arena *a = arena_new();

	(void)state;
	assert_int_equal(parse(a, "--address", "10.0.0.1", COMMAND_RUN, &o), 0);
	assert_string_equal(o.run.registry, "/var/lib/rollcall/registry.db");
	assert_string_equal(o.run.watch, "/etc/rollcall/services.d");
	assert_string_equal(o.run.zone, "svc.internal");
	assert_string_equal(o.run.address, "10.0.0.1");
	assert_true(strlen(o.run.name) > 0);
	assert_int_equal(o.run.log_level, LOG_LEVEL_INFO);
	assert_int_equal(o.run.log_format, LOG_FORMAT_TEXT);
	arena_free(a);
}

/* A command has its own flags only. */
static void test_scopes(void **state)
{
	struct registrar_options o = { 0 };
	struct arena *a = arena_new();

	(void)state;
	assert_int_equal(parse(a, "--watch", "x", COMMAND_STATUS, &o), -EINVAL);
	assert_int_equal(parse(a, "--watch", "x", COMMAND_CHECK, &o), 0);
	assert_int_equal(
	    parse(a, "--registry", "x", COMMAND_CHECK, &o), -EINVAL);
	assert_int_equal(parse(a, "--name", "a b", COMMAND_RUN, &o), -EINVAL);
	assert_int_equal(parse(a, "--address", "h", COMMAND_RUN, &o), -EINVAL);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_zones),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_scopes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
