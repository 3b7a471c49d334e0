// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/cluster/etcd_json.h"
#include "registrar/cluster/record.h"
#include "tests/unit/registrar_core/support.h"

#include <stdlib.h>
#include <string.h>

static void keys_are_read(void **state)
{
	static const struct {
		const char *why, *key, *node, *kind, *rest; /* NULL: none */
	} cases[] = {
		{ "a host", "/rollcall/v1/node/a/host", "a", "host", "" },
		{ "an instance", "/rollcall/v1/node/a/instance/z/s/i", "a",
		    "instance", "z/s/i" },
		{ "a name with what a key has", "/rollcall/v1/node/a%2Fb/host",
		    "a/b", "host", "" },
		{ "no node", "/rollcall/v1/node//host", NULL, NULL, NULL },
		{ "no kind", "/rollcall/v1/node/a", NULL, NULL, NULL },
		{ "half an escape", "/rollcall/v1/node/a%2/host", NULL, NULL,
		    NULL },
		{ "of another version", "/rollcall/v2/node/a/host", NULL, NULL,
		    NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct record_key k;
		bool is = record_key_parse(cases[i].key, &k);

		print_message("%s\n", cases[i].why);
		assert_int_equal(is, cases[i].node != NULL);
		if (!is)
			continue;
		assert_string_equal(k.node, cases[i].node);
		assert_string_equal(k.kind, cases[i].kind);
		assert_string_equal(k.rest, cases[i].rest);
	}
}

static void names_have_their_parts(void **state)
{
	struct record_name n;

	(void)state;
	assert_int_equal(record_name_parse("z/s/i", true, &n), 0);
	assert_string_equal(n.name, "i");
	assert_int_equal(record_name_parse("z/s", false, &n), 0);
	assert_true(record_name_parse("z/s", true, &n) < 0);
	assert_true(record_name_parse("z/s/i/x", true, &n) < 0);
	assert_true(record_name_parse("z//i", true, &n) < 0);
	assert_true(record_name_parse("", false, &n) < 0);
}

static void rows_come_back(void **state)
{
	const struct instance_row row = { .zone = "z",
		.service = "s",
		.name = "i",
		.address = "10.0.0.1",
		.address6 = "2001:db8::1",
		.port = 8080,
		.priority = 3,
		.weight = 70,
		.weight_warning = 5,
		.health = HEALTH_WARNING,
		.mode = MODE_DRAINING,
		.drain = { .step = DRAIN_WAITING, .until_wall_ms = 105500 },
		.lease_until_wall_ms = 999999,
		.tags = "[\"v2\"]",
		.meta = "{\"k\":\"v\"}",
		.locality = "eu-1",
		.source = "registrar/a",
		.definition = "/d/web.yaml",
		.reason = "slow",
		.is_overridden = true,
		.weight_override = 0,
		.ramp_percent = 40 };
	struct arena *a = arena_new();
	struct instance_row back;
	char *text = record_of_instance(&row, 100000);

	(void)state;
	assert_null(strstr(text, "lease"));
	/* another clock: what is left counts, in whole seconds */
	assert_int_equal(record_to_instance(text, a, 7000000, &back), 0);
	assert_string_equal(back.address6, row.address6);
	assert_int_equal(back.port, 8080);
	assert_int_equal(back.priority, 3);
	assert_int_equal(back.weight_warning, 5);
	assert_int_equal(back.health, HEALTH_WARNING);
	assert_int_equal(back.drain.until_wall_ms, 7006000);
	assert_int_equal(back.lease_until_wall_ms, 0);
	assert_string_equal(back.tags, row.tags);
	assert_string_equal(back.meta, row.meta);
	assert_string_equal(back.locality, "eu-1");
	assert_string_equal(back.reason, "slow");
	assert_true(back.is_overridden);
	assert_int_equal(back.weight_override, 0);
	assert_int_equal(back.ramp_percent, 40);
	free(text);
	arena_free(a);
}

static void what_is_no_record_is_refused(void **state)
{
	static const char *const texts[] = { "", "[]", "{", "{}",
		"{\"address\":1,\"health\":\"passing\",\"mode\":\"active\","
		"\"source\":\"s\"}",
		"{\"address\":\"10.0.0.1\",\"health\":\"well\","
		"\"mode\":\"active\",\"source\":\"s\"}",
		"{\"address\":\"10.0.0.1\",\"health\":\"passing\","
		"\"mode\":\"active\",\"source\":\"s\",\"port\":70000}",
		"{\"address\":\"10.0.0.1\",\"health\":\"passing\","
		"\"mode\":\"active\",\"source\":\"s\",\"tags\":{}}",
		"{\"address\":\"10.0.0.1\",\"health\":\"passing\","
		"\"mode\":\"draining\",\"source\":\"s\"}" };
	struct arena *a = arena_new();
	struct instance_row row;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_true(record_to_instance(texts[i], a, 1, &row) < 0);
	arena_free(a);
}

static void base64_is_read_with_bounds(void **state)
{
	static const struct {
		const char *text, *is; /* NULL: refused */
	} cases[] = {
		{ "", "" }, { "YQ==", "a" }, { "YWI=", "ab" },
		{ "YWJj", "abc" }, { "YW!j", NULL },
		{ "YQBi", NULL },     /* holds a NUL */
		{ "YWJjZGVm", NULL }, /* longer than 4 */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		json_t *j = json_string(cases[i].text);
		char *text = etcd_text(j, 4);

		if (cases[i].is) {
			assert_non_null(text);
			assert_string_equal(text, cases[i].is);
		} else {
			assert_null(text);
		}
		free(text);
		json_decref(j);
	}
	json_t *end = etcd_bytes_end("/a/");

	assert_string_equal(json_string_value(end), "L2Ew"); /* "/a0" */
	json_decref(end);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_read),
		cmocka_unit_test(names_have_their_parts),
		cmocka_unit_test(rows_come_back),
		cmocka_unit_test(what_is_no_record_is_refused),
		cmocka_unit_test(base64_is_read_with_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
