// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/watch/template.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char web[] =
    "{'service':'web','zone':'z','instances':["
    "{'name':'a','address':'10.0.0.1','port':80,'weight':3,'priority':1,"
    "'locality':'eu','state':'passing','tags':['x','y'],"
    "'meta':{'v':'1.2','evil':'1; }','line':'a\\nb'}},"
    "{'name':'b','address':'fd00::1','port':81,'weight':0,'priority':0,"
    "'locality':'','state':'warning','tags':[],'meta':{}}]}";
static const char none[] = "{'service':'none','zone':'z','instances':[]}";

static json_t *load(const char *text)
{
	char plain[1024];

	(void)snprintf(plain, sizeof(plain), "%s", text);
	for (char *p = plain; *p; p++) {
		if (*p == '\'')
			*p = '"';
	}
	json_t *o = json_loads(plain, 0, NULL);
	assert_non_null(o);
	return o;
}

struct known {
	json_t *web, *none;
	unsigned left_out;
};

static const json_t *roll_of(void *arg, const char *service)
{
	const struct known *k = arg;

	return !strcmp(service, "none") ? k->none : k->web;
}

static void on_left_out(void *arg, const json_t *instance, const char *word)
{
	struct known *k = arg;

	assert_non_null(instance);
	assert_true(!strncmp(word, "meta.", 5));
	k->left_out++;
}

static const struct {
	const char *why, *template, *text; /* NULL: -ENODATA */
	unsigned left_out;
} cases[] = {
	{ "nothing to fill in", "a {b} } {\n", "a {b} } {\n", 0 },
	{ "nothing at all", "", "", 0 },
	{ "all words",
	    "{{range web}}{{name}} {{service}} {{zone}} {{address}} "
	    "{{port}} {{endpoint}} {{weight}} {{priority}} "
	    "{{locality}} {{state}} {{tags}} {{meta.v}};{{end}}",
	    "a web z 10.0.0.1 80 10.0.0.1:80 3 1 eu passing x,y 1.2;"
	    "b web z fd00::1 81 [fd00::1]:81 0 0  warning  ;",
	    0 },
	{ "tags alone in their lines take the lines with them",
	    "x {\n  {{range}}\n  s {{ name }};\n\t{{ end }} \n}\n",
	    "x {\n  s a;\n  s b;\n}\n", 0 },
	{ "but not words", "{{range}}\n{{name}}\n{{end}}\n", "a\nb\n", 0 },
	{ "at the end of the text", "{{range}}\n{{name}}\n{{end}}", "a\nb\n",
	    0 },
	{ "in the middle of a line all stays",
	    "[ {{range}}{{name}} {{end}} ]\n", "[ a b  ]\n", 0 },
	{ "somebody is there: no else",
	    "{{range}}{{name}}{{else}}nobody{{end}}", "ab", 0 },
	{ "nobody is there", "{{range none}}{{name}}{{else}}nobody{{end}}",
	    "nobody", 0 },
	{ "nor an else", "x{{range none}}{{name}}{{end}}", NULL, 0 },
	{ "several", "{{range}}{{name}}{{end}}-{{range none}}x{{else}}y{{end}}",
	    "ab-y", 0 },
	{ "what would be configuration is left out with its instance",
	    "{{range}}s {{name}} {{meta.evil}};\n{{end}}", "s b ;\n", 1 },
	{ "and nothing of it is there", "{{range}}{{name}}{{meta.evil}}{{end}}",
	    "b", 1 },
	{ "so are lines", "{{range}}s {{name}} {{meta.line}};\n{{end}}",
	    "s b ;\n", 1 },
};

static void test_rendered(void **state)
{
	struct known k = { load(web), load(none), 0 };
	const struct template_source source = { roll_of, &k, on_left_out };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct arena *a = arena_new();
		struct template *t;
		struct diag why;
		char *text = NULL;
		size_t len = 0;

		k.left_out = 0;
		if (template_parse(cases[i].template, strlen(cases[i].template),
		        a, &t, &why) < 0)
			fail_msg("%s: %s", cases[i].why, why.text);
		int error = template_render(t, &source, &text, &len, &why);
		if (error != (cases[i].text ? 0 : -ENODATA) ||
		    (!error && (strcmp(text, cases[i].text) != 0 ||
		                   len != strlen(text))) ||
		    k.left_out != cases[i].left_out)
			fail_msg("%s: '%s'", cases[i].why, text ? text : "");
		free(text);
		arena_free(a);
	}
	json_decref(k.web);
	json_decref(k.none);
}

static const struct {
	const char *template, *why;
} wrong[] = {
	{ "a\n{{range", "line 2: found {{, expected }} behind it in its line" },
	{ "{{range\n}}",
	    "line 1: found {{, expected }} behind it in its line" },
	{ "{{range}}\n", "line 2: found range, expected end behind it" },
	{ "{{range}}{{range}}",
	    "line 1: found range in a range, expected end before it" },
	{ "{{end}}", "line 1: found end, expected range before it" },
	{ "\n\n{{else}}",
	    "line 3: found else, expected it once between range and end" },
	{ "{{range}}{{else}}{{else}}{{end}}",
	    "line 1: found else, expected it once between range and end" },
	{ "{{name}}",
	    "line 1: found a word, expected it between range and else" },
	{ "{{range}}{{else}}{{name}}{{end}}",
	    "line 1: found a word, expected it between range and else" },
	{ "{{range}}{{nmae}}{{end}}",
	    "line 1: found a word that is not known" },
	{ "{{range}}{{meta.}}{{end}}",
	    "line 1: found a word that is not known" },
	{ "{{}}", "line 1: found a word that is not known" },
	{ "{{ranges}}", "line 1: found a word that is not known" },
};

static void test_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct arena *a = arena_new();
		struct template *t;
		struct diag why = { 0 };

		if (template_parse(wrong[i].template, strlen(wrong[i].template),
		        a, &t, &why) != -EINVAL ||
		    strncmp(why.text, wrong[i].why, strlen(wrong[i].why)) != 0)
			fail_msg("%s: %s", wrong[i].template, why.text);
		arena_free(a);
	}
}

static void test_bounds(void **state)
{
	size_t len = (size_t)9 * (TEMPLATE_PARTS_MAX + 8);
	char *text = calloc(1, len + 1);
	struct arena *a = arena_new();
	struct template *t;
	struct diag why;

	(void)state;
	assert_non_null(text);
	assert_int_equal(template_parse(text, 1, a, &t, &why), -EINVAL);
	assert_int_equal(
	    template_parse(text, (size_t)TEMPLATE_MAX + 1, a, &t, &why),
	    -EINVAL);
	memcpy(text, "{{range}}", 9);
	for (size_t i = 9; i < len; i += 9)
		memcpy(text + i, "x{{name}}", 9);
	assert_int_equal(template_parse(text, len, a, &t, &why), -EINVAL);
	arena_free(a);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rendered),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
