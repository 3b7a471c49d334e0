// SPDX-License-Identifier: BSD-2-Clause
/*
 * ?filter and ?wait of Consul's API: an expression says yes, no, or that it is
 * none, and so does its opposite.
 */
#include "registrar/http/consul/consul_impl.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check(bool right)
{
	if (!right)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	json_t *o = json_loads(
	    "{\"Service\":{\"ID\":\"a\",\"Tags\":[\"b\"],\"Meta\":{\"c\":\"d\"}},"
	    "\"Checks\":[{\"Status\":\"passing\"}]}",
	    0, NULL);
	struct arena *a = arena_new();
	char *text = arena_memdup(a, (const char *)data, len);
	char *opposite = arena_printf(a, "not (%s)", text);
	struct consul_filter *f, *g;
	bool yes = false, no = false;
	int64_t ms = 0;
	struct diag why;

	check(o);
	if (consul_duration(text, &ms))
		check(ms >= 0);
	if (strlen(text) < 4000 &&
	    consul_filter_parse(text, a, &f, &why) == 0 &&
	    consul_filter_match(f, o, &yes, &why) == 0 &&
	    consul_filter_parse(opposite, a, &g, &why) == 0) {
		check(consul_filter_match(g, o, &no, &why) == 0);
		check(yes != no);
	}
	json_decref(o);
	arena_free(a);
	return 0;
}
