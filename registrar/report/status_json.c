// SPDX-License-Identifier: BSD-2-Clause
/*
 * Services as they are, one JSON object: what a script reads must not change
 * its keys, so they are those of the columns.
 */
#include "registrar/lib/json.h"
#include "registrar/report/status.h"

#include <string.h>

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

/* 0 is no time. */
static json_t *wall(int64_t wall_ms)
{
	return wall_ms ? json_integer(wall_ms) : json_null();
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

json_t *status_instance_json(
    const struct status_report *r, const struct status_instance *i)
{
	const struct instance_row *row = &i->row;
	json_t *o = json_must(json_object()), *checks = json_must(json_array());

	json_set(o, "name", json_text(row->name));
	json_set(o, "address", json_text(row->address));
	json_set(o, "address6", json_text(row->address6));
	json_set(o, "port", json_number(row->port));
	json_set(
	    o, "ports", row->ports ? json_nested(row->ports) : json_null());
	json_set(o, "priority", json_integer(row->priority));
	json_set(o, "weight", json_integer(row->weight));
	json_set(o, "weight_override",
	    row->is_overridden ? json_integer(row->weight_override)
	                       : json_null());
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
	json_set(o, "node", json_text(row->node));
	json_set(o, "source", json_text(row->source));
	json_set(o, "definition", json_text(row->definition));
	for (unsigned k = 0; k < i->check_n; k++) {
		json_array_append_new(
		    checks, check_json(&r->checks[i->check_0 + k].row));
	}
	json_set(o, "checks", checks);
	return o;
}

/* Its own, and those of its instances. */
static json_t *others_json(
    const struct status_report *r, const struct status_service *s)
{
	json_t *all = json_must(json_array());

	for (unsigned k = 0; k < r->other_n; k++) {
		const struct disagreement *d = &r->others[k].said;
		json_t *o;

		if (strcmp(d->service, s->row.name) != 0 ||
		    strcmp(d->zone, s->row.zone) != 0)
			continue;
		o = json_must(json_object());
		json_set(o, "instance",
		    *d->instance ? json_text(d->instance) : json_null());
		json_set(o, "node", json_text(d->node));
		json_set(o, "source", json_text(d->source));
		json_set(o, "definition",
		    *d->definition ? json_text(d->definition) : json_null());
		json_set(o, "says", json_text(d->says));
		json_array_append_new(all, o);
	}
	return all;
}

json_t *status_service_json(
    const struct status_report *r, const struct status_service *s)
{
	const struct service_row *row = &s->row;
	json_t *o = json_must(json_object()), *all = json_must(json_array());

	json_set(o, "zone", json_text(row->zone));
	json_set(o, "name", json_text(row->name));
	json_set(o, "protocol", json_text(row->protocol));
	json_set(o, "port", json_number(row->port));
	json_set(o, "port_name", json_text(row->port_name));
	json_set(
	    o, "ports", row->ports ? json_nested(row->ports) : json_null());
	json_set(o, "ttl_s", json_number(row->ttl_s));
	json_set(o, "max_answers", json_number(row->max_answers));
	json_set(o, "on_empty", json_text(on_empty_name(row->on_empty)));
	json_set(o, "eligible_n", json_integer(s->eligible_n));
	json_set(o, "instances_n", json_integer(s->all_n));
	json_set(o, "served", status_served_json(&r->told, row->zone));
	json_set(o, "tags", json_nested(row->tags));
	json_set(o, "meta", json_nested(row->meta));
	json_set(o, "node", json_text(row->node));
	json_set(o, "source", json_text(row->source));
	json_set(o, "definition", json_text(row->definition));
	for (unsigned k = 0; k < s->instance_n; k++) {
		json_array_append_new(all,
		    status_instance_json(r, &r->instances[s->instance_0 + k]));
	}
	json_set(o, "instances", all);
	json_set(o, "disagreements", others_json(r, s));
	return o;
}

static json_t *registrar_json(const struct told *t, unsigned k)
{
	const struct registrar_row *r = &t->registrars[k];
	const char *trouble = t->pulses ? t->pulses[k].trouble : "";
	json_t *o = json_must(json_object());

	json_set(o, "name", json_text(r->name));
	json_set(o, "pid", json_integer(r->pid));
	json_set(o, "version", json_text(r->version));
	json_set(o, "started_wall_ms", json_integer(r->started_wall_ms));
	json_set(o, "heartbeat_wall_ms", json_integer(r->heartbeat_wall_ms));
	json_set(o, "heard_wall_ms", json_integer(told_registrar_heard(t, k)));
	json_set(o, "heard",
	    json_boolean(!strcmp(told_registrar_state(t, k), "heard")));
	json_set(o, "state", json_text(told_registrar_state(t, k)));
	json_set(o, "trouble", *trouble ? json_text(trouble) : json_null());
	json_set(o, "last_error",
	    *r->last_error ? json_text(r->last_error) : json_null());
	json_set(o, "last_error_wall_ms", wall(r->last_error_wall_ms));
	return o;
}

static json_t *refused_json(const struct refused_row *r)
{
	json_t *o = json_must(json_object());

	json_set(o, "source", json_text(r->source));
	json_set(o, "file", json_text(r->file));
	json_set(o, "message", json_text(r->message));
	json_set(o, "services", json_nested(r->services));
	json_set(o, "since_wall_ms", json_integer(r->since_wall_ms));
	return o;
}

static json_t *dnsd_json(const struct told *t, const struct dnsd_status *s)
{
	json_t *o = json_must(json_object());
	json_t *addresses = json_must(json_array());
	json_t *zones = json_must(json_array());

	json_set(
	    o, "alive", json_boolean(dnsd_status_is_alive(s, t->now_wall_ms)));
	json_set(o, "state", json_text(told_dnsd_state(t, s)));
	json_set(o, "heard_wall_ms", json_integer(told_dnsd_heard(s)));
	json_set(o, "pid", json_integer(s->pid));
	json_set(o, "version", json_text(s->version));
	json_set(o, "started_wall_ms", json_integer(s->started_wall_ms));
	json_set(o, "written_wall_ms", json_integer(s->written_wall_ms));
	json_set(o, "ended_wall_ms", wall(s->ended_wall_ms));
	for (unsigned k = 0; k < s->address_n; k++)
		json_array_append_new(addresses, json_text(s->addresses[k]));
	json_set(o, "addresses", addresses);
	json_set(o, "registry_id", json_text(s->registry_id));
	json_set(o, "revision",
	    s->revision < 0 ? json_null() : json_integer(s->revision));
	json_set(
	    o, "trouble", *s->trouble ? json_text(s->trouble) : json_null());
	json_set(o, "last_error",
	    *s->last_error ? json_text(s->last_error) : json_null());
	json_set(o, "last_error_wall_ms", wall(s->last_error_wall_ms));
	for (unsigned k = 0; k < s->zone_n; k++) {
		json_t *z = json_must(json_object());

		json_set(z, "name", json_text(s->zones[k].name));
		json_set(z, "publication", wall(s->zones[k].publication));
		json_array_append_new(zones, z);
	}
	json_set(o, "zones", zones);
	json_set(o, "other_zones_n", json_integer(s->other_n));
	return o;
}

json_t *status_served_json(const struct told *t, const char *zone)
{
	switch (told_served(t, zone)) {
	case TOLD_SERVED:
		return json_true();
	case TOLD_NOT_SERVED:
		return json_false();
	case TOLD_NOT_KNOWN:
	default:
		return json_null();
	}
}

json_t *status_told_json(const struct told *t)
{
	json_t *o = json_must(json_object()), *doubts = json_must(json_array());
	json_t *registrars = json_must(json_array());
	json_t *refused = json_must(json_array());
	json_t *dnsd = json_must(json_array());

	for (unsigned k = 0; k < t->line_n; k++) {
		json_t *line = json_must(json_object());

		json_set(
		    line, "code", json_text(told_code_name(t->lines[k].code)));
		json_set(line, "text", json_text(t->lines[k].text));
		json_array_append_new(doubts, line);
	}
	for (unsigned k = 0; k < t->registrar_n; k++) {
		json_array_append_new(registrars, registrar_json(t, k));
	}
	for (unsigned k = 0; k < t->refused_n; k++)
		json_array_append_new(refused, refused_json(&t->refused[k]));
	for (unsigned k = 0; k < t->dnsd_n; k++)
		json_array_append_new(dnsd, dnsd_json(t, &t->dnsd[k]));
	json_set(o, "doubtful", json_boolean(t->doubtful));
	json_set(o, "doubts", doubts);
	json_set(o, "registrars", registrars);
	json_set(o, "refused_definitions", refused);
	json_set(o, "dnsd", dnsd);
	return o;
}

/* The fields of an object that was begun. */
static void print_told(FILE *f, const struct told *t)
{
	json_t *o = status_told_json(t), *value;
	const char *key;

	json_object_foreach(o, key, value)
	{
		(void)fprintf(f, "\"%s\": ", key);
		(void)json_dumpf(value, f, JSON_INDENT(2) | JSON_ENCODE_ANY);
		(void)fputs(",\n", f);
	}
	json_decref(o);
}

json_t *status_json(const struct status_report *r)
{
	json_t *o = json_must(json_object());
	json_t *services = json_must(json_array());
	json_t *broken = json_must(json_array());

	json_set(o, "now_wall_ms", json_integer(r->now_wall_ms));
	json_set(o, "healthy", json_boolean(!status_is_unhealthy(r)));
	json_t *told = status_told_json(&r->told);

	(void)json_object_update(o, told);
	json_decref(told);
	for (unsigned k = 0; k < r->service_n; k++) {
		json_array_append_new(
		    services, status_service_json(r, &r->services[k]));
	}
	for (unsigned k = 0; k < r->broken_n; k++)
		json_array_append_new(broken, json_text(r->broken[k]));
	json_set(o, "services", services);
	json_set(o, "broken", broken);
	return o;
}

/* One service at a time: there may be a hundred thousand. */
void status_print_json(FILE *f, const struct status_report *r)
{
	(void)fprintf(f, "{\n\"now_wall_ms\": %lld,\n\"healthy\": %s,\n",
	    (long long)r->now_wall_ms,
	    status_is_unhealthy(r) ? "false" : "true");
	print_told(f, &r->told);
	(void)fputs("\"services\": [", f);
	for (unsigned k = 0; k < r->service_n; k++) {
		json_t *o = status_service_json(r, &r->services[k]);

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
