// SPDX-License-Identifier: BSD-2-Clause
#include "schema/conf/fields.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct inner {
	int low, high;
};

struct sample {
	const char *name;
	int port, answers, share;
	int64_t wait_ms, lease_ms, ttl_ms;
	int pause_s;
	bool on;
	int colour;
	struct conf_strings tags, servers;
	struct conf_pairs meta;
	struct inner range;
	struct conf_array parts;
	unsigned custom_line;
};

static const char *const colours[] = { "red", "green", NULL };

static bool no_blank(const char *text)
{
	return !strchr(text, ' ');
}

static int take_line(struct conf_context *c, const struct conf_field *f,
    const struct conf_node *node, void *at)
{
	if (strcmp(node->text, "here") != 0) {
		return conf_bad(c, node, "found %s for '%s', expected 'here'",
		    conf_describe(c, node), f->key);
	}
	*(unsigned *)at = node->line;
	return 0;
}

static int finish_inner(
    struct conf_context *c, const struct conf_node *map, void *base)
{
	const struct inner *i = base;

	if (i->low > i->high)
		return conf_bad(c, map, "found low above high, expected order");
	return 0;
}

static const struct conf_field inner_fields[] = {
	{ .key = "low",
	    .kind = CONF_INT,
	    .high = 9,
	    .offset = offsetof(struct inner, low) },
	{ .key = "high",
	    .kind = CONF_INT,
	    .high = 9,
	    .absent = 9,
	    .offset = offsetof(struct inner, high) },
	{ 0 },
};
static const struct conf_table inner_table = {
	.what = "a range",
	.size = sizeof(struct inner),
	.fields = inner_fields,
	.finish = finish_inner,
};

#define AT(member) .offset = offsetof(struct sample, member)

static const struct conf_field more_fields[] = {
	{ .key = "range",
	    .kind = CONF_TABLE,
	    .table = &inner_table,
	    AT(range) },
	{ .key = "parts",
	    .kind = CONF_TABLES,
	    .table = &inner_table,
	    AT(parts) },
	{ .key = "line",
	    .kind = CONF_CUSTOM,
	    .custom = take_line,
	    AT(custom_line) },
	{ 0 },
};
static const struct conf_table more_table = {
	.what = "more",
	.fields = more_fields,
};
static const struct conf_field fields[] = {
	{ .key = "name",
	    .kind = CONF_STRING,
	    .required = true,
	    .valid = no_blank,
	    .expects = "a name without blanks",
	    AT(name) },
	{ .key = "port",
	    .kind = CONF_INT,
	    .low = 1,
	    .high = 65535,
	    .absent = -1,
	    AT(port) },
	{ .key = "max_answers",
	    .kind = CONF_INT,
	    .low = 1,
	    .high = 100,
	    .word = "all",
	    .fallback = "8",
	    AT(answers) },
	{ .key = "share",
	    .kind = CONF_INT,
	    .high = 100,
	    .unit = "%",
	    .expects = "a share from 0% to 100%",
	    AT(share) },
	{ .key = "wait",
	    .kind = CONF_DURATION,
	    .low = 10,
	    .high = 60000,
	    .fallback = "2s",
	    AT(wait_ms) },
	{ .key = "lease",
	    .kind = CONF_DURATION,
	    .low = 1000,
	    .high = 31536000000,
	    AT(lease_ms) },
	{ .key = "brief", .kind = CONF_DURATION, .high = 900, AT(lease_ms) },
	{ .key = "ttl",
	    .kind = CONF_DURATION,
	    .high = 86400000,
	    .whole = true,
	    AT(ttl_ms) },
	{ .key = "pause",
	    .kind = CONF_SECONDS,
	    .low = 60,
	    .high = 3600,
	    .absent = 60,
	    AT(pause_s) },
	{ .key = "on", .kind = CONF_BOOL, AT(on) },
	{ .key = "colour",
	    .kind = CONF_ENUM,
	    .names = colours,
	    .fallback = "green",
	    AT(colour) },
	{ .key = "tags",
	    .kind = CONF_STRINGS,
	    .valid = no_blank,
	    .expects = "a tag without blanks",
	    AT(tags) },
	{ .key = "servers",
	    .kind = CONF_STRINGS,
	    .valid = no_blank,
	    .expects = "a server",
	    .map = true,
	    AT(servers) },
	{ .key = "meta", .kind = CONF_PAIRS, AT(meta) },
	{ 0 },
};
static const struct conf_table table = {
	.what = "a sample",
	.size = sizeof(struct sample),
	.fields = fields,
	.also = &more_table,
};

static int fill(struct arena *a, const char *text, struct sample *ret_s,
    struct diags *reterr)
{
	struct conf_context c = { .file = "f", .arena = a, .diags = reterr };
	const struct conf_node *root;
	int r = conf_parse(&c, text, strlen(text), &root);

	if (r == 0)
		r = conf_fill(&c, &table, root, ret_s);
	return r;
}

static const char *tag(const struct sample *s, unsigned i)
{
	return s->tags.items && i <= s->tags.n ? s->tags.items[i] : "none";
}

static void test_defaults(void **state)
{
	struct arena *a = arena_new();
	struct sample s = { 0 };

	(void)state;
	assert_int_equal(fill(a, "name: x", &s, NULL), 0);
	assert_string_equal(s.name, "x");
	assert_int_equal(s.port, -1);
	assert_int_equal(s.answers, 8);
	assert_int_equal(s.wait_ms, 2000);
	assert_int_equal(s.colour, 1);
	assert_int_equal(s.tags.n, 0);
	assert_int_equal(s.range.high, 9);
	arena_free(a);
}

static void test_map_of_strings(void **state)
{
	struct arena *a = arena_new();
	struct sample s = { 0 };
	struct diags d = { 0 };

	(void)state;
	assert_int_equal(
	    fill(a, "name: x\nservers: {k: [a, b], l: c, m: []}", &s, &d), 0);
	assert_string_equal(
	    conf_strings_json(a, &s.servers), "[\"k=a\",\"k=b\",\"l=c\"]");
	assert_true(
	    fill(a, "name: x\nservers: {k: [a], l: [b, c d]}", &s, &d) < 0);
	assert_string_equal(d.items[0].text,
	    "f:2:26: found 'c d' for 'servers', expected a server");
	assert_true(fill(a, "name: x\nservers: {k: {l: m}}", &s, NULL) < 0);
	arena_free(a);
}

static void test_everything(void **state)
{
	static const char text[] =
	    "name: true\nport: 80\nmax_answers: all\nshare: 30%\n"
	    "wait: 500ms\non: true\ncolour: red\ntags: [a, 1.20, \"q\"]\n"
	    "meta: {version: 2.30, \"k\\\"\": \"a\\nb\"}\n"
	    "range: {low: 2}\nparts: [{low: 1}, {high: 3}]\nline: here\n";
	struct arena *a = arena_new();
	struct sample s = { 0 };
	struct diags d = { 0 };

	(void)state;
	if (fill(a, text, &s, &d))
		fail_msg("%s", d.items[0].text);
	assert_string_equal(s.name, "true"); /* a name, whatever YAML says */
	assert_int_equal(s.port, 80);
	assert_int_equal(s.answers, 0);
	assert_int_equal(s.share, 30);
	assert_int_equal(s.wait_ms, 500);
	assert_true(s.on);
	assert_int_equal(s.colour, 0);
	assert_string_equal(
	    conf_strings_json(a, &s.tags), "[\"a\",\"1.20\",\"q\"]");
	assert_null(tag(&s, 3));
	assert_string_equal(conf_pairs_json(a, &s.meta),
	    "{\"version\":\"2.30\",\"k\\\"\":\"a\\u000ab\"}");
	assert_int_equal(s.range.low, 2);
	assert_int_equal(s.range.high, 9);
	const struct inner *parts = s.parts.items;
	unsigned expected_low[] = { 1, 0 };

	assert_int_equal(s.parts.n, 2);
	for (unsigned i = 0; parts && i < 2; i++)
		assert_int_equal(parts[i].low, expected_low[i]);
	assert_int_equal(s.custom_line, 12);
	arena_free(a);
}

static void test_one_string_is_a_list(void **state)
{
	struct arena *a = arena_new();
	struct sample s = { 0 };

	(void)state;
	assert_int_equal(fill(a, "name: x\ntags: v2", &s, NULL), 0);
	assert_int_equal(s.tags.n, 1);
	assert_string_equal(tag(&s, 0), "v2");
	assert_null(tag(&s, 1));
	arena_free(a);
}

/* Each text gives exactly these errors; all begin with "f:". */
static const struct {
	const char *text, *errors;
} bad[] = {
	{ "[]", "1:1: found a list, expected a sample as a map\n" },
	{ "port: 80", "1:1: found a sample without 'name', expected a name "
	              "without blanks\n" },
	{ "name: [x]", "1:7: found a list for 'name', expected a name without "
	               "blanks\n" },
	{ "name: a b", "1:7: found 'a b' for 'name', expected a name without "
	               "blanks\n" },
	{ "name:", "1:6: found nothing for 'name', expected a name without "
	           "blanks\n" },
	{ "name: x\nport: 0", "2:7: found '0' for 'port', expected a number "
	                      "from 1 to 65535\n" },
	{ "name: x\nport: 80a", "2:7: found '80a' for 'port', expected a "
	                        "number from 1 to 65535\n" },
	{ "name: x\nport: {}", "2:7: found a map for 'port', expected a number "
	                       "from 1 to 65535\n" },
	{ "name: x\nport: 99999999999999999999",
	    "2:7: found '99999999999999999999' for 'port', expected a number "
	    "from 1 to 65535\n" },
	{ "name: x\nmax_answers: some",
	    "2:14: found 'some' for 'max_answers', expected a number from 1 to "
	    "100 or 'all'\n" },
	{ "name: x\nwait: 5", "2:7: found '5' for 'wait', expected a duration "
	                      "from 10ms to 1m such as '500ms' or '2s'\n" },
	{ "name: x\nwait: 2m", "2:7: found '2m' for 'wait', expected a "
	                       "duration from 10ms to 1m such as '500ms' or "
	                       "'2s'\n" },
	{ "name: x\nlease: 5",
	    "2:8: found '5' for 'lease', expected a duration from 1s to 365d "
	    "such as '2s' or '1m'\n" },
	{ "name: x\nbrief: 1s",
	    "2:8: found '1s' for 'brief', expected a duration from 0s to 900ms "
	    "such as '500ms'\n" },
	{ "name: x\nttl: 500ms",
	    "2:6: found '500ms' for 'ttl', expected whole seconds from 0s to "
	    "1d such as '5s'\n" },
	{ "name: x\nttl: 1.5s",
	    "2:6: found '1.5s' for 'ttl', expected whole seconds from 0s to "
	    "1d such as '5s'\n" },
	{ "name: x\npause: 5",
	    "2:8: found '5' for 'pause', expected whole seconds from 1m to "
	    "1h\n" },
	{ "name: x\nport: {port}",
	    "2:7: found {port} outside of quotes for 'port', expected a number "
	    "from 1 to 65535\n" },
	{ "name: x\non: yes",
	    "2:5: found 'yes' for 'on', expected 'true' or 'false'\n" },
	{ "name: x\ncolour: blue", "2:9: found 'blue' for 'colour', expected "
	                           "one of 'red', 'green'\n" },
	{ "name: x\ntags: {a: b}", "2:7: found a map for 'tags', expected a "
	                           "tag without blanks\n" },
	{ "name: x\ntags: [a, [b], c d]",
	    "2:11: found a list for 'tags', expected a tag without blanks\n"
	    "2:16: found 'c d' for 'tags', expected a tag without blanks\n" },
	{ "name: x\nmeta: [a]", "2:7: found a list for 'meta', expected a map "
	                        "of words to words\n" },
	{ "name: x\nmeta: {a: [1]}", "2:11: found a list for 'meta', expected "
	                             "a map of words to words\n" },
	{ "name: x\nprot: 80",
	    "2:1: found key 'prot' in a sample, expected 'port'\n" },
	{ "name: x\nquestion: 80",
	    "2:1: found key 'question' in a sample, expected one of name, "
	    "port, max_answers, share, wait, lease, brief, ttl, pause, on, "
	    "colour, tags, servers, meta, range, "
	    "parts, line\n" },
	{ "name: x\nrange: 3", "2:8: found '3', expected a range as a map\n" },
	{ "name: x\nrange: {low: 5, high: 4}",
	    "2:8: found low above high, expected order\n" },
	{ "name: x\nparts: {}",
	    "2:8: found a map for 'parts', expected a list of maps\n" },
	{ "name: x\nparts: [{low: 1}, {lwo: 1}, 3]",
	    "2:20: found key 'lwo' in a range, expected 'low'\n"
	    "2:29: found '3', expected a range as a map\n" },
	{ "name: x\nline: there",
	    "2:7: found 'there' for 'line', expected 'here'\n" },
	{ "prot: 1\nport: 0\nwait: x",
	    "1:1: found key 'prot' in a sample, expected 'port'\n"
	    "2:7: found '0' for 'port', expected a number from 1 to 65535\n"
	    "3:7: found 'x' for 'wait', expected a duration from 10ms to 1m "
	    "such as '500ms' or '2s'\n"
	    "1:1: found a sample without 'name', expected a name without "
	    "blanks\n" },
};

static void test_errors(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct arena *a = arena_new();
		struct sample s = { 0 };
		struct diags d = { 0 };
		char all[2048] = "";
		FILE *f = fmemopen(all, sizeof(all), "w");

		assert_int_equal(fill(a, bad[i].text, &s, &d), -EINVAL);
		for (unsigned k = 0; k < d.n; k++) {
			assert_memory_equal(d.items[k].text, "f:", 2);
			(void)fprintf(f, "%s\n", d.items[k].text + 2);
		}
		(void)fclose(f);
		assert_string_equal(all, bad[i].errors);
		arena_free(a);
	}
}

static void test_nearest(void **state)
{
	static const char *const keys[] = { "interval", "timeout", "tcp", "ttl",
		"instances", NULL };

	(void)state;
	assert_string_equal(conf_nearest("intervall", keys), "interval");
	assert_string_equal(conf_nearest("instnaces", keys), "instances");
	assert_string_equal(conf_nearest("tpc", keys), "tcp");
	assert_string_equal(conf_nearest("tt", keys), "ttl");
	assert_null(conf_nearest("http", keys));
	assert_null(conf_nearest("", keys));
	assert_null(
	    conf_nearest("a-word-that-is-longer-than-any-key-can-be", keys));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_everything),
		cmocka_unit_test(test_map_of_strings),
		cmocka_unit_test(test_one_string_is_a_list),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
