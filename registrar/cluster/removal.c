// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/cluster/removal.h"

#include <string.h>

static void forget_old(struct removal *g, int64_t now_ms)
{
	unsigned n = 0;

	for (unsigned k = 0; k < g->end_n; k++) {
		if (now_ms - g->ends[k].at_ms < g->within_ms)
			g->ends[n++] = g->ends[k];
	}
	g->end_n = n;
}

/* The oldest makes room; so many in a window are held long before. */
void removal_add(
    struct removal *g, int64_t now_ms, const void *who, unsigned instance_n)
{
	if (g->end_n == REMOVAL_ENDS_MAX) {
		memmove(
		    g->ends, g->ends + 1, sizeof(g->ends) - sizeof(g->ends[0]));
		g->end_n--;
	}
	g->ends[g->end_n].at_ms = now_ms;
	g->ends[g->end_n].who = who;
	g->ends[g->end_n++].instance_n = instance_n;
}

bool removal_is_believed(struct removal *g, int64_t now_ms, unsigned node_n,
    unsigned instance_n, unsigned known_n)
{
	uint64_t gone = instance_n, known = known_n;

	forget_old(g, now_ms);
	for (unsigned k = 0; k < g->end_n; k++) {
		gone += g->ends[k].instance_n;
		known += g->ends[k].instance_n;
	}
	return node_n + g->end_n <= 1 ||
	       gone * 100 <= known * (uint64_t)g->share_percent;
}

void removal_take_back(struct removal *g, const void *who)
{
	unsigned n = 0;

	for (unsigned k = 0; k < g->end_n; k++) {
		if (g->ends[k].who != who)
			g->ends[n++] = g->ends[k];
	}
	g->end_n = n;
}
