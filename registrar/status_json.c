// SPDX-License-Identifier: BSD-2-Clause
/*
 * Services as they are, one JSON object: what a script reads must not change
 * its keys, so they are those of the columns.
 */
#include "registrar/status.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static json_t *must(json_t *j)
{
	if (!j)
		abort(); /* out of memory */
	return j;
}

static void set(json_t *o, const char *key, json_t *value)
{
	if (json_object_set_new(o, key, must(value)) < 0)
		abort(); /* out of memory */
}

/* A script in the sqlite3 shell may have written what is no UTF-8. */
static json_t *text(const char *s)
{
	json_t *j = s ? json_string(s) : json_null();

	if (!j) {
		struct arena *a = arena_new();
		char *ascii = arena_strdup(a, s);

		for (char *p = ascii; *p; p++) {
			if ((unsigned char)*p >= 0x80)
				*p = '?';
		}
		j = json_string(ascii);
		arena_free(a);
	}
	return must(j);
}

static json_t *number(int n)
{
	return n == ROW_DEFAULT ? json_null() : json_integer(n);
}

/* A column that holds JSON; the database has checked that it does. */
static json_t *nested(const char *s)
{
	json_t *j = json_loads(s, 0, NULL);

	return j ? j : json_null();
}

static json_t *check_json(const struct check_row *row)
{
	json_t *o = must(json_object());

	set(o, "name", text(row->name));
	set(o, "kind", text(row->kind));
	set(o, "status", text(health_name(row->status)));
	set(o, "output", text(row->output));
	set(o, "since_wall_ms", json_integer(row->since_wall_ms));
	set(o, "checked_wall_ms", json_integer(row->checked_wall_ms));
	return o;
}

static json_t *instance_json(
    const struct status_report *r, const struct status_instance *i)
{
	const struct instance_row *row = &i->row;
	json_t *o = must(json_object()), *checks = must(json_array());

	set(o, "name", text(row->name));
	set(o, "address", text(row->address));
	set(o, "address6", text(row->address6));
	set(o, "port", number(row->port));
	set(o, "priority", json_integer(row->priority));
	set(o, "weight", json_integer(row->weight));
	set(o, "weight_warning", number(row->weight_warning));
	set(o, "state", text(status_state(i)));
	set(o, "eligible", json_boolean(i->eligible));
	set(o, "health", text(health_name(row->health)));
	set(o, "mode", text(mode_name(row->mode)));
	set(o, "since_wall_ms", json_integer(row->since_wall_ms));
	set(o, "reason", text(row->reason));
	set(o, "lease_until_wall_ms",
	    row->lease_until_wall_ms ? json_integer(row->lease_until_wall_ms)
	                             : json_null());
	set(o, "locality", text(row->locality));
	set(o, "tags", nested(row->tags));
	set(o, "meta", nested(row->meta));
	set(o, "source", text(row->source));
	set(o, "definition", text(row->definition));
	for (unsigned k = 0; k < i->check_n; k++) {
		json_array_append_new(
		    checks, check_json(&r->checks[i->check_0 + k].row));
	}
	set(o, "checks", checks);
	return o;
}

static json_t *service_json(
    const struct status_report *r, const struct status_service *s)
{
	const struct service_row *row = &s->row;
	json_t *o = must(json_object()), *all = must(json_array());

	set(o, "zone", text(row->zone));
	set(o, "name", text(row->name));
	set(o, "protocol", text(row->protocol));
	set(o, "port", number(row->port));
	set(o, "ttl_s", number(row->ttl_s));
	set(o, "max_answers", number(row->max_answers));
	set(o, "on_empty", text(on_empty_name(row->on_empty)));
	set(o, "eligible_n", json_integer(s->eligible_n));
	set(o, "tags", nested(row->tags));
	set(o, "meta", nested(row->meta));
	set(o, "source", text(row->source));
	set(o, "definition", text(row->definition));
	for (unsigned k = 0; k < s->instance_n; k++) {
		json_array_append_new(
		    all, instance_json(r, &r->instances[s->instance_0 + k]));
	}
	set(o, "instances", all);
	return o;
}

/* One service at a time: there may be a hundred thousand. */
void status_print_json(FILE *f, const struct status_report *r)
{
	(void)fprintf(f,
	    "{\n\"now_wall_ms\": %lld,\n\"healthy\": %s,\n"
	    "\"services\": [",
	    (long long)r->now_wall_ms,
	    status_is_unhealthy(r) ? "false" : "true");
	for (unsigned k = 0; k < r->service_n; k++) {
		json_t *o = service_json(r, &r->services[k]);

		(void)fputs(k ? ",\n" : "\n", f);
		(void)json_dumpf(o, f, JSON_INDENT(2));
		json_decref(o);
	}
	(void)fputs("\n]\n}\n", f);
}
