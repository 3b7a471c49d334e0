// SPDX-License-Identifier: BSD-2-Clause
#include "schema/conf/node.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* "{a:x b:[1 2]}": the tree in one line */
static void show(FILE *f, const struct conf_node *n)
{
	if (n->key)
		(void)fprintf(f, "%s:", n->key->text);
	if (n->type == CONF_SCALAR) {
		(void)fprintf(f, "%s%s", conf_is_null(n) ? "~" : "", n->text);
		return;
	}
	(void)fputc(n->type == CONF_MAP ? '{' : '[', f);
	for (const struct conf_node *k = n->first; k; k = k->next) {
		if (k != n->first)
			(void)fputc(' ', f);
		show(f, k);
	}
	(void)fputc(n->type == CONF_MAP ? '}' : ']', f);
}

static const struct {
	const char *text, *tree;
} good[] = {
	{ "a: 1\nb: [x, y]\n", "{a:1 b:[x y]}" },
	{ "{\"a\": {\"b\": null}, \"c\": \"null\"}", "{a:{b:~null} c:null}" },
	{ "- 1\n- {k: v}\n", "[1 {k:v}]" },
	{ "a:\nb: ~\nc: ''\n", "{a:~ b:~~ c:}" },
	{ "a: no\nb: 012\nc: 2.3.1\n", "{a:no b:012 c:2.3.1}" },
	{ "\xef\xbb\xbf"
	  "a: b",
	    "{a:b}" },
	{ "--- # start\na: b\n...\n", "{a:b}" },
	{ "a: |\n  x\n  y\n", "{a:x\ny\n}" },
};

static void test_trees(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		struct diags d = { 0 };
		struct conf_context c = {
			.file = "f", .arena = arena_new(), .diags = &d
		};
		const struct conf_node *root;
		char shown[256] = "";
		FILE *f = fmemopen(shown, sizeof(shown), "w");

		if (conf_parse(&c, good[i].text, strlen(good[i].text), &root))
			fail_msg("%s: %s", good[i].text, d.items[0].text);
		show(f, root);
		(void)fclose(f);
		assert_string_equal(shown, good[i].tree);
		arena_free(c.arena);
	}
}

#define TEN "[[[[[[[[[["

static const struct {
	const char *why, *text, *error;
} bad[] = {
	{ "nothing", "", "f:1:1: found an empty file, expected a map of keys" },
	{ "only a comment", "# x\n",
	    "f:1:1: found an empty file, expected a map of keys" },
	{ "a key twice", "a: 1\nb: 2\n  \na: 3\n",
	    "f:4:1: found key 'a' a second time, expected it once (first in "
	    "line 1)" },
	{ "an alias", "a: &x 1\nb: *x\n",
	    "f:1:4: found an anchor or alias ('&' or '*'), expected the value "
	    "itself, in quotes if it begins so" },
	{ "a glob that YAML takes for an alias", "a: *.example\n",
	    "f:1:5: found an anchor or alias ('&' or '*'), expected the value "
	    "itself, in quotes if it begins so" },
	{ "a tag", "a: !!int 3\n",
	    "f:1:4: found a tag ('!'), expected the value itself, in quotes "
	    "if it begins so" },
	{ "an alias to what there is not", "a: *x\n",
	    "f:1:4: found an anchor or alias ('&' or '*'), expected the value "
	    "itself, in quotes if it begins so" },
	{ "two documents", "a: 1\n---\nb: 2\n",
	    "f:2:1: found a second document, expected one in a file" },
	{ "a list as a key", "? [a]\n: b\n",
	    "f:1:3: found a list as a key, expected a word" },
	{ "too deep", TEN TEN TEN,
	    "f:1:25: found lists and maps 25 deep, expected fewer levels" },
	{ "two colons", "a: b: c\n",
	    "f:1:5: found ':' where no key can stand, expected the value in "
	    "quotes or the key on its own line" },
	{ "a tab", "a:\n\tb: 1\n",
	    "f:2:1: found a character that no value begins with (a tab, '%', "
	    "'@' or '`'), expected blanks for indentation, quotes around the "
	    "value" },
	{ "no colon", "a: 1\nb\nc: 2\n",
	    "f:3:1: found a line without ':', expected 'key: value'" },
	{ "an open list", "a: [1, 2\nb: 3\n",
	    "f:2:2: found the list not closed, expected ',' or ']'" },
	{ "a template without quotes in a map", "a: [{b: {address}:{port}}]\n",
	    "f:1:18: found {address} outside of quotes, expected the whole "
	    "value in quotes, since '{' begins a map" },
	{ "the same behind one in quotes", "{x: '{a}', \"y\": u://{b.c}/}\n",
	    "f:1:21: found {b.c} outside of quotes, expected the whole value "
	    "in quotes, since '{' begins a map" },
	{ "the same in a list", "a: [u://{\"b\"}/, c]\n",
	    "f:1:9: found the list not closed, expected ',' or ']'" },
	{ "an open quote", "a: \"x\n",
	    "f:2:1: found the end of the file, expected a closing quote" },
	{ "wrong indentation", "a: 1\n b: 2\n",
	    "f:2:3: found ':' where no key can stand, expected the value in "
	    "quotes or the key on its own line" },
	{ "a list that steps back", "a:\n  - 1\n b: 2\n",
	    "f:3:2: found something that is no key here, expected a key at the "
	    "indentation of those before it" },
	{ "a list that goes on as a map", "- 1\n- 2\nb: 3\n",
	    "f:3:1: found something that is no '-' here, expected '-' at the "
	    "indentation of those before it" },
	{ "no UTF-8", "a: 1\nb: \xff\n",
	    "f:2:4: found malformed YAML (invalid leading UTF-8 octet), "
	    "expected well-formed YAML" },
	{ "NUL in quotes", "a: \"x\\0y\"\n",
	    "f:1:4: found a NUL character, expected text without it" },
	{ "a binary",
	    "\x7f"
	    "ELF\x01\x02",
	    "f:1:1: found malformed YAML (control characters are not "
	    "allowed), expected well-formed YAML" },
};

static void test_errors(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct diags d = { 0 };
		struct conf_context c = {
			.file = "f", .arena = arena_new(), .diags = &d
		};
		const struct conf_node *root = NULL;

		print_message("%s\n", bad[i].why);
		assert_int_not_equal(
		    conf_parse(&c, bad[i].text, strlen(bad[i].text), &root), 0);
		assert_null(root);
		assert_int_equal(d.n, 1);
		assert_string_equal(d.items[0].text, bad[i].error);
		arena_free(c.arena);
	}
}

/* Texts of a size that hurts when reading is not linear. */
static void test_limits(void **state)
{
	static const char *const unit[] = { "[", "{", "? ", "- ", "a: {", "\"",
		"#\n", "a: [1]\n", "!", "&a ", "\n" };
	size_t len = CONF_MAX_LEN;
	char *text = malloc(len + 1);

	(void)state;
	for (size_t i = 0; i < sizeof(unit) / sizeof(*unit); i++) {
		struct conf_context c = { .file = "f", .arena = arena_new() };
		const struct conf_node *root;
		size_t n = strlen(unit[i]);

		for (size_t at = 0; at < len; at++)
			text[at] = unit[i][at % n];
		assert_int_not_equal(conf_parse(&c, text, len, &root), 0);
		arena_free(c.arena);
	}
	struct conf_context c = { .file = "f", .arena = arena_new() };
	const struct conf_node *root;

	assert_int_not_equal(conf_parse(&c, text, len + 1, &root), 0);
	arena_free(c.arena);
	free(text);
}

static void test_describe_is_cut_and_printable(void **state)
{
	struct conf_context c = { .file = "f", .arena = arena_new() };
	struct conf_node n = { .type = CONF_SCALAR, .text = "a\n\x1b[2J" };

	(void)state;
	assert_string_equal(conf_describe(&c, &n), "'a??[2J'");
	n.text = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\xc3\xa4yy";
	assert_string_equal(conf_describe(&c, &n),
	    "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...'");
	arena_free(c.arena);
}

static void test_diags_are_bounded(void **state)
{
	struct diags d = { 0 };

	(void)state;
	for (int i = 0; i < DIAGS_MAX + 5; i++)
		assert_int_equal(diags_add(&d, -22, "error %d", i), -22);
	assert_int_equal(d.n, DIAGS_MAX);
	assert_int_equal(d.more, 5);
	assert_string_equal(d.items[DIAGS_MAX - 1].text, "error 19");
	assert_int_equal(diags_add(NULL, -5, "x"), -5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trees),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_describe_is_cut_and_printable),
		cmocka_unit_test(test_diags_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
