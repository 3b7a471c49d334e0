// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/definition/definition_set.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Claims text for file; the first error goes to *reterr. */
static int claim(struct definition_set *set, const char *file, const char *text,
    struct diags *reterr)
{
	static const struct definition_defaults defaults = { "svc.test",
		"127.0.0.1", NULL };
	struct definition *d = NULL;

	*reterr = (struct diags){ 0 };
	assert_int_equal(
	    definition_parse(file, text, strlen(text), &defaults, &d, reterr),
	    0);
	int r = definition_set_claim(set, d, reterr);

	definition_free(d);
	return r;
}

#define A "service: a\ninstances: [{name: x}, {name: y}]"
#define A_X "service: a\ninstances: [{name: x}]"
#define A_YZ "service: a\ninstances:\n- name: y\n- name: z\n- name: x"
#define A_OTHER "service: a\nzone: other.test\ninstances: [{name: x}]"

static void test_claims(void **state)
{
	struct definition_set *set = definition_set_new();
	struct diags e;

	(void)state;
	assert_int_equal(claim(set, "1.yaml", A, &e), 0);
	/* the same file again, and the same names in another zone */
	assert_int_equal(claim(set, "1.yaml", A, &e), 0);
	assert_int_equal(claim(set, "2.yaml", A_OTHER, &e), 0);
	/* every clash is told */
	assert_int_equal(claim(set, "3.yaml", A_YZ, &e), -EEXIST);
	assert_int_equal(e.n, 2);
	assert_string_equal(e.items[0].text,
	    "3.yaml:3:3: found instance 'y' of service 'a', expected one that "
	    "'1.yaml' does not define already");
	assert_string_equal(e.items[1].text,
	    "3.yaml:5:3: found instance 'x' of service 'a', expected one that "
	    "'1.yaml' does not define already");
	/* a refused claim took nothing */
	assert_int_equal(
	    claim(set, "4.yaml", "service: a\ninstances: [{name: z}]", &e), 0);
	definition_set_release(set, "4.yaml");
	/* an edit that drops y frees it */
	assert_int_equal(claim(set, "1.yaml", A_X, &e), 0);
	assert_int_equal(
	    claim(set, "3.yaml", "service: a\ninstances: [{name: y}]", &e), 0);
	assert_int_equal(claim(set, "1.yaml", A, &e), -EEXIST);
	/* a refused edit keeps what it had */
	assert_int_equal(claim(set, "4.yaml", A_X, &e), -EEXIST);
	definition_set_release(set, "1.yaml");
	assert_int_equal(claim(set, "4.yaml", A_X, &e), 0);
	definition_set_release(set, "never-seen.yaml");
	/* a loop over files is a claim like any other */
	assert_int_equal(
	    claim(set, "5.yaml", "service: r\nport: 1\nrequires: s", &e), 0);
	assert_int_equal(
	    claim(set, "6.yaml", "service: s\nport: 1\nrequires: r", &e),
	    -EEXIST);
	assert_non_null(strstr(e.items[0].text, "6.yaml:3:11: found a loop"));
	definition_set_release(set, "5.yaml");
	assert_int_equal(
	    claim(set, "6.yaml", "service: s\nport: 1\nrequires: r", &e), 0);
	definition_set_free(set);
	definition_set_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_claims),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
