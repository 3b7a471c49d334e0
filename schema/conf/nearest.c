// SPDX-License-Identifier: BSD-2-Clause
/*
 * The key or flag that a misspelt one was meant to be.
 */
#include "schema/conf/fields.h"

#include <string.h>

#define WORD_MAX 32 /* of words that are compared */

static unsigned min(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Letters to insert, delete, replace or swap with their neighbour. */
static unsigned distance(const char *a, const char *b)
{
	unsigned d[WORD_MAX + 1][WORD_MAX + 1];
	size_t m = strlen(a), n = strlen(b);

	if (m > WORD_MAX || n > WORD_MAX)
		return UINT32_MAX;
	for (unsigned i = 0; i <= m; i++)
		d[i][0] = i;
	for (unsigned j = 0; j <= n; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= m; i++) {
		for (size_t j = 1; j <= n; j++) {
			unsigned best = min(d[i - 1][j], d[i][j - 1]) + 1;

			best =
			    min(best, d[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				best = min(best, d[i - 2][j - 2] + 1);
			d[i][j] = best;
		}
	}
	return d[m][n];
}

const char *conf_nearest(const char *word, const char *const *candidates)
{
	/* a third of the letters may be wrong, at least one */
	unsigned best = (unsigned)strlen(word) / 3;
	const char *found = NULL;

	best = best ? best : 1;
	for (; *word && *candidates; candidates++) {
		unsigned d = distance(word, *candidates);

		if (d < best || (d == best && !found)) {
			best = d;
			found = *candidates;
		}
	}
	return found;
}
