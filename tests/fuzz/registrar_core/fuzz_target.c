// SPDX-License-Identifier: BSD-2-Clause
/*
 * Whatever a stranger asks for: what is variable in a path, and every name and
 * value of a query string, is text without NUL, within the bounds.
 */
#include "registrar/http/http_impl.h"
#include "schema/base/utf8.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_text(const char *s, size_t most)
{
	size_t left = strlen(s);

	assert(left <= most);
	while (left) {
		size_t n = utf8_len(s, left);

		assert(n);
		s += n;
		left -= n;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char *const patterns[] = { "/api/v1/services",
		"/api/v1/instances/{}/{}", "/v1/{}/x/{*}", "{*}" };
	struct arena *a = arena_new();
	const char *text = arena_memdup(a, (const char *)data, len);
	const char *parts[HTTP_PARTS_MAX];
	struct http_param *params;
	unsigned n;

	for (size_t k = 0; k < sizeof(patterns) / sizeof(*patterns); k++) {
		bool matches;

		if (http_match(patterns[k], text, a, parts, &n, &matches) < 0)
			continue;
		assert(n <= HTTP_PARTS_MAX);
		for (unsigned i = 0; i < n && matches; i++)
			check_text(parts[i], len);
	}
	if (http_parse_query(text, a, &params, &n) == 0) {
		assert(n <= HTTP_PARAMS_MAX);
		for (unsigned i = 0; i < n; i++) {
			check_text(params[i].name, len);
			check_text(params[i].value, len);
		}
	}
	arena_free(a);
	return 0;
}
