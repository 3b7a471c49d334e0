// SPDX-License-Identifier: BSD-2-Clause
/* Metadata and tags are taken apart as SQLite's json_each() does it, whoever
 * does it. */
#include "tests/unit/schema/support.h"

static const struct {
	const char *why;
	const char *meta;
	const char *pairs; /* NULL: not JSON, an error */
} cases[] = {
	{ "one pair", "{\"a\":\"b\"}", "a=b;" },
	{ "order is kept", "{\"b\":\"1\",\"a\":\"2\",\"c\":\"\"}",
	    "b=1;a=2;c=;" },
	{ "nothing", "{}", "" },
	{ "nothing, spaced", "{ }", "" },
	{ "spaces wherever JSON allows them",
	    " { \"a\" :\t\"b\" ,\n\"c\":\r\"d\" } ", "a=b;c=d;" },
	{ "spaces and signs of JSON within strings stay",
	    "{\" a,\":\"{b} : [c]\"}", " a,={b} : [c];" },
	{ "UTF-8 stays", "{\"k\":\"\xc3\xa4\"}", "k=\xc3\xa4;" },
	{ "escapes in a value", "{\"a\":\"x\\\"y\\u00e4\\\\\",\"b\":\"c\"}",
	    "a=x\"y\xc3\xa4\\;b=c;" },
	{ "an escape in a key", "{\"\\u0061\":\"b\"}", "a=b;" },
	{ "a number is text all the same", "{\"a\":1,\"b\":\"c\"}",
	    "a=1;b=c;" },
	{ "cut off", "{\"a\":\"b\"", NULL },
	{ "a comma too many", "{\"a\":\"b\",}", NULL },
	{ "something behind it", "{\"a\":\"b\"}}", NULL },
	{ "a colon for a comma", "{\"a\":\"b\":\"c\"}", NULL },
	{ "a key alone", "{\"a\"}", NULL },
	{ "nothing at all", "", NULL },
};

static void add(void *arg, const char *key, const char *value)
{
	size_t len = strlen(arg);

	(void)snprintf((char *)arg + len, 256 - len, "%s=%s;", key, value);
}

static void as_json_each_does(void **state)
{
	struct fx *f = *state;

	f->r = fx_open(f, REGISTRY_WRITE);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[256] = "";
		int error = registry_meta_each(f->r, cases[i].meta, add, text);

		if ((error < 0) != !cases[i].pairs ||
		    (cases[i].pairs && strcmp(text, cases[i].pairs) != 0))
			fail_msg("%s: %d, '%s'", cases[i].why, error, text);
	}
}

static const struct {
	const char *why;
	const char *tags;
	const char *list; /* NULL: not JSON, an error */
} tag_cases[] = {
	{ "one tag", "[\"a\"]", "a;" },
	{ "order is kept", "[\"v2\",\"v1\",\"\"]", "v2;v1;;" },
	{ "nothing", "[]", "" },
	{ "nothing, spaced", "[ ]", "" },
	{ "spaces wherever JSON allows them", " [ \"a\" ,\n\"b\"\t] ", "a;b;" },
	{ "signs of JSON within strings stay", "[\"a,[b]\",\"c:d\"]",
	    "a,[b];c:d;" },
	{ "escapes", "[\"x\\\"y\\u00e4\",\"b\"]", "x\"y\xc3\xa4;b;" },
	{ "cut off", "[\"a\"", NULL },
	{ "a comma too many", "[\"a\",]", NULL },
	{ "something behind it", "[\"a\"]]", NULL },
};

static void add_tag(void *arg, const char *tag)
{
	size_t len = strlen(arg);

	(void)snprintf((char *)arg + len, 256 - len, "%s;", tag);
}

static void tags_too(void **state)
{
	struct fx *f = *state;

	f->r = fx_open(f, REGISTRY_WRITE);
	for (size_t i = 0; i < sizeof(tag_cases) / sizeof(tag_cases[0]); i++) {
		const char *want = tag_cases[i].list;
		char text[256] = "";
		int error =
		    registry_tags_each(f->r, tag_cases[i].tags, add_tag, text);

		if ((error < 0) != !want || (want && strcmp(text, want) != 0)) {
			fail_msg("%s: %d, '%s'", tag_cases[i].why, error, text);
		}
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    tags_too, fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(
		    as_json_each_does, fx_setup, fx_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
