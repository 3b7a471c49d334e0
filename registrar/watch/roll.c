// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/watch/roll.h"

#include "schema/base/xalloc.h"
#include "schema/eligible.h"

#include <errno.h>
#include <stdlib.h>

struct entry {
	struct eligible eligible;
	json_t *instance;
};

struct reading {
	int64_t now_wall_ms;
	int port;
	enum on_empty on_empty;
	struct eligible_sum sum;
	struct entry *entries;
	size_t n, room;
};

static void on_service(void *arg, const struct service_row *row)
{
	struct reading *r = arg;

	r->port = row->port == ROW_DEFAULT ? 0 : row->port;
	r->on_empty = row->on_empty;
}

static json_t *describe(const struct reading *r, const struct instance_row *row)
{
	json_t *o = json_must(json_object());

	json_set(o, "name", json_text(row->name));
	json_set(o, "address", json_text(row->address));
	json_set(o, "port",
	    json_must(
	        json_integer(row->port == ROW_DEFAULT ? r->port : row->port)));
	json_set(o, "weight", json_must(json_integer(eligible_weight(row))));
	json_set(o, "priority", json_must(json_integer(row->priority)));
	json_set(o, "locality", json_text(row->locality ? row->locality : ""));
	json_set(o, "tags", json_nested(row->tags ? row->tags : "[]"));
	json_set(o, "meta", json_nested(row->meta ? row->meta : "{}"));
	return o;
}

static void on_instance(void *arg, const struct instance_row *row)
{
	struct reading *r = arg;
	struct eligible_facts facts = eligible_facts(row);

	if (r->n == r->room) {
		r->room = 2 * r->room + 16;
		r->entries =
		    xreallocarray(r->entries, r->room, sizeof(*r->entries));
	}
	struct entry *e = &r->entries[r->n++];
	e->eligible = eligible_judge(&facts, r->now_wall_ms);
	e->instance = describe(r, row);
	eligible_count(&r->sum, &e->eligible);
}

static void on_done(void *arg)
{
	(void)arg;
}

static void sooner(int64_t *until, int64_t at)
{
	if (at && (!*until || at < *until))
		*until = at;
}

/* Takes what is in answers over, and lets go of the rest. */
static json_t *settle(struct reading *r, int64_t *ret_until_wall_ms)
{
	json_t *list = json_must(json_array());

	*ret_until_wall_ms = 0;
	for (size_t i = 0; i < r->n; i++) {
		struct entry *e = &r->entries[i];

		sooner(ret_until_wall_ms, e->eligible.until_wall_ms);
		(void)eligible_settle(&e->eligible, &r->sum, r->on_empty);
		json_set(e->instance, "state",
		    json_text(eligible_why_name(e->eligible.why)));
		if (!eligible_is_in_addresses(&e->eligible)) {
			json_decref(e->instance);
		} else if (json_array_append_new(list, e->instance) < 0) {
			abort();
		}
	}
	free(r->entries);
	return list;
}

int roll_read(struct registry *r, const char *zone, const char *service,
    int64_t now_wall_ms, json_t **ret_roll, int64_t *ret_until_wall_ms,
    struct diag *reterr)
{
	struct reading reading = { .now_wall_ms = now_wall_ms };
	const struct registry_visitor v = { on_service, on_instance, on_done,
		&reading, registry_pass_over };
	int error = registry_read_service(r, zone, service, &v, reterr);
	json_t *list = settle(&reading, ret_until_wall_ms);

	if (error && error != -ENOENT) {
		json_decref(list);
		return error;
	}
	*ret_roll = json_must(json_object());
	json_set(*ret_roll, "service", json_text(service));
	json_set(*ret_roll, "zone", json_text(zone));
	json_set(*ret_roll, "instances", list);
	return 0;
}
