// SPDX-License-Identifier: BSD-2-Clause
/*
 * Services stand in an array that is sorted by their names, each with its
 * instances in one block that is replaced when the service changes. What is
 * shown is an array of pointers into these blocks, made anew after each
 * change: a hundred thousand of them are filtered and sorted within some
 * hundredths of a second.
 */
#include "registrar/top/top_model.h"

#include "schema/base/xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_MS 1000 /* each refresh looks anyway */

static const char *const state_names[TOP_STATE_N] = {
	[TOP_DEAD] = "dead",
	[TOP_CRITICAL] = "critical",
	[TOP_EXPIRED] = "expired",
	[TOP_FAILED] = "failed",
	[TOP_WARNING] = "warning",
	[TOP_STARTING] = "starting",
	[TOP_DRAINING] = "draining",
	[TOP_DRAINED] = "drained",
	[TOP_MAINTENANCE] = "maintenance",
	[TOP_PASSING] = "passing",
};

const char *top_state_name(enum top_state s)
{
	return state_names[s];
}

static const char *const sort_names[TOP_SORT_N] = {
	[TOP_BY_STATE] = "worst first",
	[TOP_BY_NAME] = "name",
	[TOP_BY_SINCE] = "newest first",
	[TOP_BY_WEIGHT] = "weight",
};

const char *top_sort_name(enum top_sort s)
{
	return sort_names[s];
}

const char *top_entry_name(
    const struct top_model *m, const struct top_entry *e, char *buf, size_t len)
{
	bool home = strcmp(e->service->zone, m->home) == 0;

	(void)snprintf(buf, len, "%s%s%s/%s", e->service->name, home ? "" : ".",
	    home ? "" : e->service->zone, e->name);
	return buf;
}

/* ---- services --------------------------------------------------------- */

static int compare_key(
    const struct top_service *s, const char *zone, const char *name)
{
	int order = strcmp(s->zone, zone);

	return order ? order : strcmp(s->name, name);
}

/* Where it is, or would be. */
static unsigned find(const struct top_model *m, const char *zone,
    const char *name, bool *ret_found)
{
	unsigned low = 0, high = m->service_n;

	*ret_found = false;
	while (low < high) {
		unsigned middle = (low + high) / 2;
		int order = compare_key(m->services[middle], zone, name);

		if (order == 0) {
			*ret_found = true;
			return middle;
		}
		if (order < 0) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}

void top_service_free(struct top_service *s)
{
	if (!s)
		return;
	arena_free(s->arena);
	free(s->entries);
	free(s);
}

void top_model_remove(struct top_model *m, const char *zone, const char *name)
{
	bool found;
	unsigned at = find(m, zone, name, &found);

	if (!found)
		return;
	m->n -= m->services[at]->n;
	top_service_free(m->services[at]);
	m->service_n--;
	memmove(&m->services[at], &m->services[at + 1],
	    (m->service_n - at) * sizeof(struct top_service *));
}

void top_model_put(struct top_model *m, struct top_service *s)
{
	bool found;
	unsigned at = find(m, s->zone, s->name, &found);

	m->n += s->n;
	if (found) {
		m->n -= m->services[at]->n;
		top_service_free(m->services[at]);
		m->services[at] = s;
		return;
	}
	if (m->service_n == m->service_max) {
		m->service_max = m->service_max ? 2 * m->service_max : 64;
		m->services = xreallocarray(
		    m->services, m->service_max, sizeof(struct top_service *));
	}
	memmove(&m->services[at + 1], &m->services[at],
	    (m->service_n - at) * sizeof(struct top_service *));
	m->services[at] = s;
	m->service_n++;
}

void top_model_clear(struct top_model *m)
{
	for (unsigned k = 0; k < m->service_n; k++)
		top_service_free(m->services[k]);
	m->service_n = m->n = m->shown_n = 0;
}

/* ---- states ----------------------------------------------------------- */

static enum top_state state_of(const struct top_entry *e)
{
	static const enum top_state by_health[HEALTH_N] = {
		[HEALTH_STARTING] = TOP_STARTING,
		[HEALTH_PASSING] = TOP_PASSING,
		[HEALTH_WARNING] = TOP_WARNING,
		[HEALTH_CRITICAL] = TOP_CRITICAL,
		[HEALTH_DEAD] = TOP_DEAD,
	};

	if (e->eligible.why == ELIGIBLE_EXPIRED)
		return TOP_EXPIRED;
	if (e->facts.mode == MODE_MAINTENANCE)
		return TOP_MAINTENANCE;
	if (e->facts.mode == MODE_ACTIVE)
		return by_health[e->facts.health];
	if (e->drain_step == DRAIN_FAILED)
		return TOP_FAILED;
	return e->eligible.why == ELIGIBLE_DRAINED ? TOP_DRAINED : TOP_DRAINING;
}

static bool judge_service(
    struct top_model *m, struct top_service *s, int64_t now_wall_ms)
{
	struct eligible_sum sum = { 0 };
	bool changed = false, answered = false;

	for (unsigned k = 0; k < s->n; k++) {
		struct top_entry *e = &s->entries[k];

		e->eligible = eligible_judge(&e->facts, now_wall_ms);
		eligible_count(&sum, &e->eligible);
		enum top_state state = state_of(e);

		changed |= state != e->state;
		e->state = state;
		m->state_n[state]++;
	}
	for (unsigned k = 0; k < s->n; k++) {
		struct eligible *e = &s->entries[k].eligible;

		(void)eligible_settle(e, &sum, s->on_empty);
		answered |= eligible_is_in_addresses(e);
	}
	m->unanswered_n += !answered;
	return changed;
}

bool top_model_judge(struct top_model *m, int64_t now_wall_ms)
{
	bool changed = false;

	memset(m->state_n, 0, sizeof(m->state_n));
	m->unanswered_n = 0;
	for (unsigned k = 0; k < m->service_n; k++)
		changed |= judge_service(m, m->services[k], now_wall_ms);
	return changed;
}

/* ---- what is shown ---------------------------------------------------- */

static bool is_shown(const struct top_model *m, const struct top_entry *e)
{
	char name[256];

	return !*m->filter ||
	       strcasestr(
	           top_entry_name(m, e, name, sizeof(name)), m->filter) ||
	       strcasestr(top_state_name(e->state), m->filter);
}

static int by_name(const struct top_entry *a, const struct top_entry *b)
{
	int order = compare_key(a->service, b->service->zone, b->service->name);

	return order ? order : strcmp(a->name, b->name);
}

static int by_since(const struct top_entry *a, const struct top_entry *b)
{
	if (a->since_wall_ms != b->since_wall_ms)
		return a->since_wall_ms > b->since_wall_ms ? -1 : 1;
	return by_name(a, b);
}

static int sort_since(const void *a, const void *b)
{
	const struct top_entry *const *x = a, *const *y = b;

	return by_since(*x, *y);
}

static int sort_weight(const void *a, const void *b)
{
	const struct top_entry *const *x = a, *const *y = b;

	if ((*x)->weight != (*y)->weight)
		return (*x)->weight > (*y)->weight ? -1 : 1;
	return by_name(*x, *y);
}

/*
 * A bucket for each state; those that are well are in the order of their
 * names already, and of them nobody asks since when.
 */
static void sort_state(struct top_model *m)
{
	struct top_entry **out =
	    xcalloc(m->shown_n, sizeof(struct top_entry *));
	unsigned at[TOP_STATE_N + 1] = { 0 };

	for (unsigned k = 0; k < m->shown_n; k++)
		at[m->shown[k]->state + 1]++;
	for (unsigned s = 1; s <= TOP_STATE_N; s++)
		at[s] += at[s - 1];
	for (unsigned k = 0; k < m->shown_n; k++)
		out[at[m->shown[k]->state]++] = m->shown[k];
	for (unsigned s = 0, first = 0; s < TOP_PASSING; s++) {
		qsort(out + first, at[s] - first, sizeof(struct top_entry *),
		    sort_since);
		first = at[s];
	}
	memcpy(m->shown, out, m->shown_n * sizeof(struct top_entry *));
	free(out);
}

static void sort(struct top_model *m)
{
	if (!m->shown_n)
		return;
	switch (m->sort) {
	case TOP_BY_STATE:
		sort_state(m);
		return;
	case TOP_BY_SINCE:
		qsort(m->shown, m->shown_n, sizeof(struct top_entry *),
		    sort_since);
		return;
	case TOP_BY_WEIGHT:
		qsort(m->shown, m->shown_n, sizeof(struct top_entry *),
		    sort_weight);
		return;
	case TOP_BY_NAME: /* as they lie */
	default:
		return;
	}
}

void top_model_arrange(struct top_model *m)
{
	if (m->n > m->shown_max) {
		m->shown_max = m->n + m->n / 4;
		m->shown = xreallocarray(
		    m->shown, m->shown_max, sizeof(struct top_entry *));
	}
	m->shown_n = 0;
	for (unsigned k = 0; k < m->service_n; k++) {
		struct top_service *s = m->services[k];

		for (unsigned i = 0; i < s->n; i++) {
			if (is_shown(m, &s->entries[i]))
				m->shown[m->shown_n++] = &s->entries[i];
		}
	}
	sort(m);
}

/* ---- lifetime --------------------------------------------------------- */

void top_model_init(struct top_model *m, const char *path, const char *home)
{
	*m = (struct top_model){ .path = path,
		.home = home,
		.follow = follow_new(path, REGISTRY_READ, LOOK_MS) };
}

void top_model_release(struct top_model *m)
{
	top_model_clear(m);
	follow_free(m->follow);
	arena_free(m->recent_arena);
	arena_free(m->told_arena);
	free(m->services);
	free(m->shown);
}
