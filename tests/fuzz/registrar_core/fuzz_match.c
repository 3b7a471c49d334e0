// SPDX-License-Identifier: BSD-2-Clause
/*
 * A pattern, a NUL, and the text that it is compared with. What is found lies
 * in the text, and both ways to ask agree; how long it takes is the fuzzer's
 * to measure (-timeout).
 */
#include "registrar/lib/match.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool what)
{
	if (!what)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = memchr(data, 0, size);
	struct match_span at[MATCH_GROUPS];
	struct match *m;

	if (!end)
		return 0;
	const char *text = (const char *)end + 1;
	size_t len = size - (size_t)(end + 1 - data);

	if (match_new((const char *)data, true, &m, NULL) < 0)
		return 0;
	int r = match_run(m, text, len);
	int with_groups = match_groups(m, text, len, at);

	must(with_groups == r || with_groups < 0);
	for (unsigned n = 0; with_groups == 1 && n < MATCH_GROUPS; n++)
		must(at[n].at <= len && at[n].len <= len - at[n].at);
	match_free(m);
	return 0;
}
