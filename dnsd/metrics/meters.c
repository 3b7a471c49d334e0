// SPDX-License-Identifier: BSD-2-Clause
/*
 * A counter only grows, so that of a number that another service gets does not
 * begin at 0: what it was then is taken off. Numbers wait in a queue, for
 * workers may count for one some moments after its service went.
 */
#include "dnsd/metrics/meters.h"

#include "dnsd/message/data/catalog.h"
#include "dnsd/message/tally.h"
#include "dnsd/registry/compile.h"
#include "schema/base/clock.h"
#include "schema/base/xalloc.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct slot {
	bool used;
	uint8_t zone; /* its number */
	char service[METERS_LABEL_MAX];
	uint32_t next; /* in the queue of those that are free; 0: none */
	unsigned why_n[ELIGIBLE_WHY_N];
	uint64_t change_n, base[OUTCOMES];
	int64_t changed_wall_ms;
};

struct meters {
	const struct tallies *tallies;
	pthread_mutex_t lock;
	struct slot *slot; /* 1 .. slot_n */
	uint32_t slot_n, first_free, last_free;
	uint64_t without_n;
	unsigned zone_n; /* the next number */
	char zone[TALLY_ZONES][METERS_ZONE_MAX];
};

static void give_back(struct meters *m, uint32_t i)
{
	m->slot[i] = (struct slot){ 0 };
	if (m->last_free) {
		m->slot[m->last_free].next = i;
	} else {
		m->first_free = i;
	}
	m->last_free = i;
}

struct meters *meters_new(const struct tallies *t)
{
	struct meters *m = xcalloc(1, sizeof(*m));

	m->tallies = t;
	(void)pthread_mutex_init(&m->lock, NULL);
	m->slot_n = tallies_services(t);
	m->slot = xcalloc((size_t)m->slot_n + 1, sizeof(*m->slot));
	for (uint32_t i = 1; i <= m->slot_n; i++)
		give_back(m, i);
	m->zone_n = TALLY_ZONE_FIRST;
	return m;
}

void meters_free(struct meters *m)
{
	if (!m)
		return;
	(void)pthread_mutex_destroy(&m->lock);
	free(m->slot);
	free(m);
}

/* ---- zones ------------------------------------------------------------- */

/* A zone that comes again has the number that it had. */
static void on_zone(void *arg, struct zone *z)
{
	struct meters *m = arg;
	char text[DNAME_TEXT_MAX];

	dname_to_text(z->name.lower, text);
	size_t len = strlen(text);
	if (len > 1)
		text[--len] = '\0'; /* rows have no final dot */
	if (len >= METERS_ZONE_MAX)
		return;
	pthread_mutex_lock(&m->lock);
	unsigned i = TALLY_ZONE_FIRST;
	while (i < m->zone_n && strcmp(m->zone[i], text) != 0)
		i++;
	if (i < TALLY_ZONES) {
		memcpy(m->zone[i], text, len + 1);
		z->number = (uint8_t)i;
		if (i == m->zone_n)
			m->zone_n++;
	}
	pthread_mutex_unlock(&m->lock);
}

/* ---- services ---------------------------------------------------------- */

/* Before a worker can find it. */
static void give(struct meters *m, struct service *s)
{
	uint32_t i = s->zone->number >= TALLY_ZONE_FIRST ? m->first_free : 0;

	if (!i) {
		m->without_n++;
		return;
	}
	struct slot *slot = &m->slot[i];
	m->first_free = slot->next;
	if (!m->first_free)
		m->last_free = 0;
	*slot = (struct slot){ .used = true, .zone = s->zone->number };
	memcpy(slot->service, s->name + 1, s->name[0]);
	for (enum tally_outcome o = 0; o < OUTCOMES; o++)
		slot->base[o] = tallies_service(m->tallies, i, o);
	s->meter = i;
}

static void on_leaving(
    void *arg, const struct service *old, struct service *next)
{
	struct meters *m = arg;

	if (!next)
		return;
	if (old) {
		next->meter = old->meter;
		return;
	}
	pthread_mutex_lock(&m->lock);
	give(m, next);
	pthread_mutex_unlock(&m->lock);
}

static bool answers_alike(const struct service *a, const struct service *b)
{
	size_t a_len, b_len;
	const uint8_t *a_at = service_content(a, &a_len);
	const uint8_t *b_at = service_content(b, &b_len);

	return a_len == b_len && !memcmp(a_at, b_at, a_len);
}

static void on_entered(
    void *arg, const struct service *old, struct service *next)
{
	struct meters *m = arg;

	if (!old || (next && (!next->meter || answers_alike(old, next))))
		return;
	pthread_mutex_lock(&m->lock);
	if (next) {
		m->slot[next->meter].change_n++;
		m->slot[next->meter].changed_wall_ms = clock_wall_ms();
	} else if (old->meter) {
		give_back(m, old->meter);
	} else {
		m->without_n--;
	}
	pthread_mutex_unlock(&m->lock);
}

void meters_listen(struct meters *m, struct catalog *c)
{
	catalog_listen(c, &(struct catalog_listener){ .leaving = on_leaving,
	                      .entered = on_entered,
	                      .zone_added = on_zone,
	                      .arg = m });
}

void meters_put(void *arg, const struct compile_result *r)
{
	struct meters *m = arg;
	uint32_t i = r->service->meter;

	if (!i)
		return;
	pthread_mutex_lock(&m->lock);
	struct slot *s = &m->slot[i];
	memcpy(s->why_n, r->why_n, sizeof(s->why_n));
	if (r->changed_wall_ms > s->changed_wall_ms)
		s->changed_wall_ms = r->changed_wall_ms;
	pthread_mutex_unlock(&m->lock);
}

/* ---- readers ----------------------------------------------------------- */

void meters_zone(
    struct meters *m, unsigned number, char ret_name[METERS_ZONE_MAX])
{
	pthread_mutex_lock(&m->lock);
	memcpy(ret_name, m->zone[number], METERS_ZONE_MAX);
	pthread_mutex_unlock(&m->lock);
}

static void read_slot(
    const struct meters *m, uint32_t i, struct meter *ret_meter)
{
	const struct slot *s = &m->slot[i];

	memcpy(ret_meter->zone, m->zone[s->zone], METERS_ZONE_MAX);
	memcpy(ret_meter->service, s->service, METERS_LABEL_MAX);
	memcpy(ret_meter->why_n, s->why_n, sizeof(s->why_n));
	ret_meter->change_n = s->change_n;
	ret_meter->changed_wall_ms = s->changed_wall_ms;
	for (enum tally_outcome o = 0; o < OUTCOMES; o++) {
		ret_meter->outcome[o] =
		    tallies_service(m->tallies, i, o) - s->base[o];
	}
}

unsigned meters_read(
    struct meters *m, uint32_t *at, struct meter ret_meters[METERS_PAGE])
{
	unsigned n = 0;

	while (!n && *at <= m->slot_n) {
		uint32_t end = *at + METERS_PAGE;

		pthread_mutex_lock(&m->lock);
		for (; *at < end && *at <= m->slot_n; ++*at) {
			if (m->slot[*at].used)
				read_slot(m, *at, &ret_meters[n++]);
		}
		pthread_mutex_unlock(&m->lock);
	}
	return n;
}

uint64_t meters_without(struct meters *m)
{
	pthread_mutex_lock(&m->lock);
	uint64_t n = m->without_n;
	pthread_mutex_unlock(&m->lock);
	return n;
}
