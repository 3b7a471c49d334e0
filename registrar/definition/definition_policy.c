// SPDX-License-Identifier: BSD-2-Clause
/*
 * What a service says about the course of its health: `slow_start`,
 * `deregister_after`, `damping`, `requires`.
 */
#include "registrar/definition/definition_parts.h"
#include "schema/label.h"

#include <errno.h>
#include <string.h>

#define DAY_MS INT64_C(86400000)
#define FLAPS_MAX 1000
/* of half-lives: 2^30 flaps still fit where penalties are kept */
#define HALF_LIVES_MAX 20
#define HALF_LIVES_DEFAULT 4

/* ---- damping ---------------------------------------------------------- */

/* The penalty that decays to `reuse` within max_ms, in flaps. */
static double ceiling(const struct damping_spec *d)
{
	double flaps = d->reuse;
	int64_t left_ms = d->max_ms;

	for (; left_ms >= d->half_life_ms; left_ms -= d->half_life_ms)
		flaps *= 2;
	return flaps;
}

static int finish_damping(
    struct conf_context *c, const struct conf_node *map, void *base)
{
	struct damping_spec *d = base;

	if (d->reuse >= d->suppress) {
		const struct conf_node *at = conf_get(map, "reuse");

		return conf_bad(c, at ? at : map,
		    "found 'reuse' %d beside 'suppress' %d, expected fewer",
		    d->reuse, d->suppress);
	}
	if (!d->max_ms)
		d->max_ms = HALF_LIVES_DEFAULT * d->half_life_ms;
	if (d->max_ms / d->half_life_ms > HALF_LIVES_MAX) {
		return conf_bad(c, conf_get(map, "max"),
		    "found more than %d half-lives for 'max', expected fewer",
		    HALF_LIVES_MAX);
	}
	if (ceiling(d) <= d->suppress) {
		const struct conf_node *at = conf_get(map, "max");

		return conf_bad(c, at ? at : map,
		    "found 'max' too short for 'suppress' %d, expected more "
		    "half-lives: nothing would ever be held back",
		    d->suppress);
	}
	return 0;
}

#define AT(member) .offset = offsetof(struct damping_spec, member)

static const struct conf_field damping_fields[] = {
	{ .key = "half_life",
	    .kind = CONF_DURATION,
	    .low = 1000,
	    .high = DAY_MS,
	    .required = true,
	    AT(half_life_ms) },
	{ .key = "suppress",
	    .kind = CONF_INT,
	    .low = 1,
	    .high = FLAPS_MAX,
	    .fallback = "3",
	    AT(suppress) },
	{ .key = "reuse",
	    .kind = CONF_INT,
	    .low = 1,
	    .high = FLAPS_MAX,
	    .fallback = "1",
	    AT(reuse) },
	{ .key = "max",
	    .kind = CONF_DURATION,
	    .low = 1000,
	    .high = 20 * DAY_MS,
	    AT(max_ms) },
	{ 0 },
};
static const struct conf_table damping_table = { .what = "damping",
	.size = sizeof(struct damping_spec),
	.fields = damping_fields,
	.finish = finish_damping };
#undef AT

/* ---- all of it -------------------------------------------------------- */

bool service_ref_is_valid(const char *text)
{
	const char *dot = strchr(text, '.');
	char service[64];
	size_t len = dot ? (size_t)(dot - text) : strlen(text);

	if (len >= sizeof(service) || (dot && !label_is_zone(dot + 1)))
		return false;
	memcpy(service, text, len);
	service[len] = '\0';
	return label_is_service(service);
}

#define AT(member) .offset = offsetof(struct raw_policy, member)

static const struct conf_field fields[] = {
	{ .key = "slow_start",
	    .kind = CONF_DURATION,
	    .high = DAY_MS,
	    AT(slow_start_ms) },
	{ .key = "deregister_after",
	    .kind = CONF_DURATION,
	    .high = 365 * DAY_MS,
	    AT(deregister_after_ms) },
	{ .key = "damping",
	    .kind = CONF_TABLE,
	    .table = &damping_table,
	    AT(damping) },
	{ .key = "requires",
	    .kind = CONF_STRINGS,
	    .valid = service_ref_is_valid,
	    .expects = "the name of a service, or SERVICE.ZONE",
	    AT(requires) },
	{ 0 },
};
const struct conf_table raw_policy_table = { .what = "a service",
	.fields = fields };

struct required_service service_ref_split(
    struct arena *a, const char *text, const char *zone)
{
	const char *dot = strchr(text, '.');

	if (!dot) {
		return (
		    struct required_service){ .zone = zone, .service = text };
	}
	return (struct required_service){ .zone = dot + 1,
		.service = arena_memdup(a, text, (size_t)(dot - text)) };
}

int resolve_policy(struct conf_context *c, const struct raw_policy *raw,
    const struct conf_node *map, const char *zone, struct health_policy *ret_p)
{
	const struct conf_node *at = conf_get(map, "requires");
	unsigned n = raw->requires.n;

	if (n > DEFINITION_MAX_REQUIRES) {
		return conf_bad(c, at,
		    "found %u services for 'requires', expected at most %d", n,
		    DEFINITION_MAX_REQUIRES);
	}
	struct required_service *all = arena_alloc(c->arena, n, sizeof(*all));

	for (unsigned i = 0; i < n; i++) {
		all[i] =
		    service_ref_split(c->arena, raw->requires.items[i], zone);
	}
	*ret_p = (struct health_policy){
		.slow_start_ms = raw->slow_start_ms,
		.deregister_after_ms = raw->deregister_after_ms,
		.damping = raw->damping,
		.requires = all,
		.require_n = n,
		.require_line = at ? at->line : 0,
		.require_column = at ? at->column : 0,
	};
	return 0;
}
