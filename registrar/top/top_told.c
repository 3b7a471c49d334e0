// SPDX-License-Identifier: BSD-2-Clause
/*
 * What registrars and dnsd tell, of the services that are in the model. Read
 * once a second: heartbeats are no change that the registry numbers.
 */
#include "registrar/top/top_model.h"

#include <string.h>

#define EVERY_MS 1000
#define SOURCES_MAX 64
#define ZONES_MAX 64

struct scope {
	const char *sources[SOURCES_MAX], *zones[ZONES_MAX];
	unsigned source_n, zone_n;
};

static void add(const char **list, unsigned *n, unsigned max, const char *text)
{
	for (unsigned k = 0; k < *n; k++) {
		if (!strcmp(list[k], text))
			return;
	}
	if (*n < max)
		list[(*n)++] = text;
}

/* Neighbours mostly have the same, often the same text. */
static void add_service(struct scope *c, const struct top_service *s)
{
	const char *last = NULL;

	add(c->zones, &c->zone_n, ZONES_MAX, s->zone);
	for (unsigned k = 0; k < s->n; k++) {
		if (s->entries[k].source == last)
			continue;
		last = s->entries[k].source;
		if (last)
			add(c->sources, &c->source_n, SOURCES_MAX, last);
	}
}

void top_model_tell(struct top_model *m, int64_t now_wall_ms)
{
	int64_t age_ms = now_wall_ms - m->told.now_wall_ms;
	struct scope c = { .source_n = 0 };

	if (!m->reg || (m->told_arena && age_ms >= 0 && age_ms < EVERY_MS))
		return;
	arena_free(m->told_arena);
	m->told_arena = arena_new();
	for (unsigned k = 0; k < m->service_n; k++)
		add_service(&c, m->services[k]);
	const struct told_scope scope = { .sources = c.sources,
		.source_n = c.source_n,
		.zones = c.zones,
		.zone_n = c.zone_n };

	told_read(&m->told, m->reg, m->path, now_wall_ms, m->told_arena);
	told_judge(&m->told, &scope);
}
