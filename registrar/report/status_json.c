// SPDX-License-Identifier: BSD-2-Clause
/*
 * Services as they are, one JSON object: what a script reads must not change
 * its keys, so they are those of the columns.
 */
#include "registrar/lib/json.h"
#include "registrar/report/status.h"

json_t *status_types_json(unsigned types)
{
	static const struct {
		enum eligible_type bit;
		const char *name;
	} names[] = { { ELIGIBLE_SRV, "SRV" }, { ELIGIBLE_A, "A" },
		{ ELIGIBLE_AAAA, "AAAA" } };
	json_t *all = json_must(json_array());

	for (size_t k = 0; k < sizeof(names) / sizeof(*names); k++) {
		if (types & names[k].bit)
			json_array_append_new(all, json_text(names[k].name));
	}
	return all;
}

static json_t *check_json(const struct check_row *row)
{
	json_t *o = json_must(json_object());

	json_set(o, "name", json_text(row->name));
	json_set(o, "kind", json_text(row->kind));
	json_set(o, "status", json_text(health_name(row->status)));
	json_set(o, "output", json_text(row->output));
	json_set(o, "since_wall_ms", json_integer(row->since_wall_ms));
	json_set(o, "checked_wall_ms", json_integer(row->checked_wall_ms));
	return o;
}

/* 0 is no time. */
static json_t *wall(int64_t wall_ms)
{
	return wall_ms ? json_integer(wall_ms) : json_null();
}

static json_t *instance_json(
    const struct status_report *r, const struct status_instance *i)
{
	const struct instance_row *row = &i->row;
	json_t *o = json_must(json_object()), *checks = json_must(json_array());

	json_set(o, "name", json_text(row->name));
	json_set(o, "address", json_text(row->address));
	json_set(o, "address6", json_text(row->address6));
	json_set(o, "port", json_number(row->port));
	json_set(o, "priority", json_integer(row->priority));
	json_set(o, "weight", json_integer(row->weight));
	json_set(o, "weight_now", json_integer(eligible_weight(row)));
	json_set(o, "weight_warning", json_number(row->weight_warning));
	json_set(o, "ramp_percent", json_integer(row->ramp_percent));
	json_set(o, "state", json_text(status_state(i)));
	json_set(o, "eligible",
	    json_boolean(eligible_is_in_addresses(&i->eligible)));
	json_set(o, "in", status_types_json(i->eligible.types));
	json_set(o, "why", json_text(eligible_why_name(i->eligible.why)));
	json_set(o, "health", json_text(health_name(row->health)));
	json_set(o, "mode", json_text(mode_name(row->mode)));
	json_set(o, "since_wall_ms", json_integer(row->since_wall_ms));
	json_set(o, "reason", json_text(row->reason));
	json_set(o, "lease_until_wall_ms", wall(row->lease_until_wall_ms));
	json_set(o, "flap_penalty", json_integer(row->damping.penalty));
	json_set(o, "flap_wall_ms", json_integer(row->damping.at_wall_ms));
	json_set(o, "damped_until_wall_ms", wall(row->damping.until_wall_ms));
	json_set(o, "drain_step", json_text(drain_step_name(row->drain.step)));
	json_set(o, "drain_until_wall_ms", wall(row->drain.until_wall_ms));
	json_set(
	    o, "drain_deadline_wall_ms", wall(row->drain.deadline_wall_ms));
	json_set(o, "drain_text", json_text(row->drain.text));
	json_set(o, "locality", json_text(row->locality));
	json_set(o, "tags", json_nested(row->tags));
	json_set(o, "meta", json_nested(row->meta));
	json_set(o, "source", json_text(row->source));
	json_set(o, "definition", json_text(row->definition));
	for (unsigned k = 0; k < i->check_n; k++) {
		json_array_append_new(
		    checks, check_json(&r->checks[i->check_0 + k].row));
	}
	json_set(o, "checks", checks);
	return o;
}

static json_t *service_json(
    const struct status_report *r, const struct status_service *s)
{
	const struct service_row *row = &s->row;
	json_t *o = json_must(json_object()), *all = json_must(json_array());

	json_set(o, "zone", json_text(row->zone));
	json_set(o, "name", json_text(row->name));
	json_set(o, "protocol", json_text(row->protocol));
	json_set(o, "port", json_number(row->port));
	json_set(o, "ttl_s", json_number(row->ttl_s));
	json_set(o, "max_answers", json_number(row->max_answers));
	json_set(o, "on_empty", json_text(on_empty_name(row->on_empty)));
	json_set(o, "eligible_n", json_integer(s->eligible_n));
	json_set(o, "tags", json_nested(row->tags));
	json_set(o, "meta", json_nested(row->meta));
	json_set(o, "source", json_text(row->source));
	json_set(o, "definition", json_text(row->definition));
	for (unsigned k = 0; k < s->instance_n; k++) {
		json_array_append_new(
		    all, instance_json(r, &r->instances[s->instance_0 + k]));
	}
	json_set(o, "instances", all);
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
	(void)fputs("\n],\n\"broken\": [", f);
	for (unsigned k = 0; k < r->broken_n; k++) {
		json_t *text = json_string(r->broken[k]);

		(void)fputs(k ? ",\n" : "\n", f);
		(void)json_dumpf(text, f, JSON_ENCODE_ANY);
		json_decref(text);
	}
	(void)fputs("]\n}\n", f);
}
