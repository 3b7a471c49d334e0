// SPDX-License-Identifier: BSD-2-Clause
/*
 * $GENERATE: what a line expands to (as BIND 9.18 has it), and what is said
 * of wrong ones.
 */
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"
#include "schema/zone/zonegenerate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* clang-format off */
static const struct {
	const char *why, *line;
	unsigned data; /* first word of DATA */
	const char *want; /* records end in `|`; an error is its text */
} cases[] = {
	{ "the number", "$GENERATE 1-3 h$ A 10.0.0.$", 4,
	    "h1 A 10.0.0.1 |h2 A 10.0.0.2 |h3 A 10.0.0.3 |" },
	{ "steps need not meet the end", "$GENERATE 0-5/3 $ A 1.2.3.4", 4,
	    "0 A 1.2.3.4 |3 A 1.2.3.4 |" },
	{ "TTL and class go along", "$GENERATE 7-7 $ 60 IN A 1.2.3.4", 6,
	    "7 60 IN A 1.2.3.4 |" },
	{ "offset", "$GENERATE 1-2 h${10} A 1.2.3.${-1}", 4,
	    "h11 A 1.2.3.0 |h12 A 1.2.3.1 |" },
	{ "width", "$GENERATE 9-10 h${0,3} A 1.2.3.4", 4,
	    "h009 A 1.2.3.4 |h010 A 1.2.3.4 |" },
	{ "octal", "$GENERATE 30-30 h${1,6,o}h A 1.2.3.4", 4,
	    "h000037h A 1.2.3.4 |" },
	{ "hexadecimal", "$GENERATE 30-30 ${0,0,x}-${0,3,X} A 1.2.3.4", 4,
	    "1e-01E A 1.2.3.4 |" },
	{ "decimal", "$GENERATE 30-30 ${0,3,d} A 1.2.3.4", 4,
	    "030 A 1.2.3.4 |" },
	{ "nibbles", "$GENERATE 30-30 a${0,0,n} A 1.2.3.4", 4,
	    "ae.1 A 1.2.3.4 |" },
	{ "nibbles of zero", "$GENERATE 0-0 a${0,0,n} A 1.2.3.4", 4,
	    "a0 A 1.2.3.4 |" },
	{ "nibbles: a width that is too small",
	    "$GENERATE 30-30 b${0,1,n}b A 1.2.3.4", 4, "be.1b A 1.2.3.4 |" },
	{ "its width counts the dots", "$GENERATE 30-30 d${0,3,n}d A 1.2.3.4",
	    4, "de.1d A 1.2.3.4 |" },
	{ "and may end in one", "$GENERATE 30-30 e${0,4,n}e A 1.2.3.4", 4,
	    "ee.1.e A 1.2.3.4 |" },
	{ "upper case", "$GENERATE 30-30 g${0,6,N}g A 1.2.3.4", 4,
	    "gE.1.0.g A 1.2.3.4 |" },
	{ "a dollar", "$GENERATE 1-1 m$$x A 1.2.3.4", 4,
	    "m$x A 1.2.3.4 |" },
	{ "what is escaped stays", "$GENERATE 1-1 n\\$$ A 1.2.3.4", 4,
	    "n\\$1 A 1.2.3.4 |" },
	{ "data in quotes is taken out of them",
	    "$GENERATE 1-1 $ MX \"10 m$\"", 4, "1 MX 10 m1|" },
	{ "with quotes in it", "$GENERATE 1-1 $ TXT \"a \\\"b $\\\"\"", 4,
	    "1 TXT a \"b 1\"|" },
	{ "several words of data", "$GENERATE 1-1 $ TXT \"a $\" b$", 4,
	    "1 TXT \"a 1\" b1 |" },
	{ "the largest number", "$GENERATE 2147483647-2147483647 $ A 1.2.3.4",
	    4, "2147483647 A 1.2.3.4 |" },
	/* wrong */
	{ "no range", "$GENERATE x $ A 1.2.3.4", 4,
	    "found 'x', expected a range such as 1-254 or 0-100/2" },
	{ "one number", "$GENERATE 5 $ A 1.2.3.4", 4, "found '5'" },
	{ "backwards", "$GENERATE 5-4 $ A 1.2.3.4", 4, "found '5-4'" },
	{ "step 0", "$GENERATE 1-4/0 $ A 1.2.3.4", 4, "found '1-4/0'" },
	{ "no step", "$GENERATE 1-4/ $ A 1.2.3.4", 4, "found '1-4/'" },
	{ "more behind it", "$GENERATE 1-4x $ A 1.2.3.4", 4, "found '1-4x'" },
	{ "beyond 31 bits", "$GENERATE 1-2147483648 $ A 1.2.3.4", 4,
	    "found '1-2147483648'" },
	{ "too many", "$GENERATE 0-65536 $ A 1.2.3.4", 4,
	    "found a range of 65537 numbers, expected at most 65536" },
	{ "all numbers there are", "$GENERATE 0-2147483647 $ A 1.2.3.4", 4,
	    "found a range of 2147483648 numbers" },
	{ "below 0", "$GENERATE 1-2 ${-2} A 1.2.3.4", 4,
	    "found number -1 by '${-2}'" },
	{ "above 31 bits", "$GENERATE 1-2 ${2147483647} A 1.2.3.4", 4,
	    "found number 2147483648 by" },
	{ "no offset", "$GENERATE 1-2 ${} A 1.2.3.4", 4,
	    "found '${}', expected ${OFFSET,WIDTH,BASE}" },
	{ "brace left open", "$GENERATE 1-2 ${1 A 1.2.3.4", 4,
	    "found '${1'" },
	{ "no width", "$GENERATE 1-2 ${1,} A 1.2.3.4", 4, "found '${1,}'" },
	{ "a width that nothing has", "$GENERATE 1-2 ${1,256} A 1.2.3.4", 4,
	    "found '${1,256}'" },
	{ "base", "$GENERATE 1-2 ${1,2,q} A 1.2.3.4", 4,
	    "found '${1,2,q}'" },
	{ "no base", "$GENERATE 1-2 ${1,2,", 2, "found '${1,2,'" },
	{ "in the data", "$GENERATE 1-2 $ A ${x}", 4, "found '${x}'" },
	{ "in one of several words", "$GENERATE 1-2 $ MX 10 ${x}", 4,
	    "found '${x}'" },
};
/* clang-format on */

/* All records, or the text of the error. */
static char *expand(const char *line, unsigned data)
{
	scoped_free char *text = xstrdup(line);
	struct zoneentry e = { 0 };
	struct zonegenerate g = { 0 };
	struct zonescan scan;
	struct diag diag = { "" };
	char *out = xstrdup("");
	int error;

	zonescan_init(&scan, text, strlen(text));
	assert_int_equal(zonescan_next(&scan, &e, &diag), 1);
	error = zonegenerate_begin(&g, &e, data, &diag);
	while (!error && (error = zonegenerate_next(&g, &diag)) > 0) {
		char *more = xasprintf("%s%.*s|", out, (int)g.len, g.text);

		free(out);
		out = more;
		error = 0;
	}
	zonegenerate_release(&g);
	zoneentry_release(&e);
	if (!error)
		return out;
	free(out);
	return xstrdup(diag.text);
}

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		scoped_free char *got = expand(cases[i].line, cases[i].data);

		if (strncmp(got, cases[i].want, strlen(cases[i].want)) != 0) {
			fail_msg("%s: '%s', expected '%s'", cases[i].why, got,
			    cases[i].want);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
