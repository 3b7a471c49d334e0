// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/* Definitions that are wrong, and all that is said of them. */
#include "registrar/definition/definition.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* {text, errors}: all of them, each without the "f:" it begins with. */
struct bad_definition {
	const char *text, *errors;
};

static inline void expect_errors(const struct bad_definition *bad)
{
	static const struct definition_defaults defaults = { .zone = "svc.test",
		.address = "127.0.0.1" };
	struct definition *d = NULL;
	struct diags e = { 0 };
	char all[4096] = "";
	FILE *f = fmemopen(all, sizeof(all), "w");

	assert_int_equal(definition_parse("f", bad->text, strlen(bad->text),
	                     &defaults, &d, &e),
	    -EINVAL);
	assert_null(d);
	for (unsigned k = 0; k < e.n; k++)
		(void)fprintf(f, "%s\n", e.items[k].text + 2);
	(void)fclose(f);
	assert_string_equal(all, bad->errors);
}
