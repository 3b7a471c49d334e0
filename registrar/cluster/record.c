// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/cluster/record.h"

#include "registrar/lib/json.h"
#include "schema/base/xalloc.h"
#include "schema/eligible.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEFT_MAX_MS INT64_C(31536000000) /* a year */
#define TTL_MAX 604800
#define SKYDNS_PRIORITY 10 /* what its readers take 0 for */

/* ---- keys -------------------------------------------------------------- */

static bool is_plain(char c)
{
	return c > 0x20 && c < 0x7f && c != '/' && c != '%';
}

const char *record_node(struct arena *a, const char *node)
{
	const char *out = "";

	for (const char *c = node; *c; c++) {
		out = is_plain(*c) ? arena_printf(a, "%s%c", out, *c)
		                   : arena_printf(a, "%s%%%02X", out,
		                         (unsigned)(unsigned char)*c);
	}
	return out;
}

static int hex(char c)
{
	static const char digits[] = "0123456789ABCDEF";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* Up to a '/', or the end. */
static const char *take_node(const char *key, char *out, size_t room)
{
	size_t n = 0;

	while (*key && *key != '/' && n + 1 < room) {
		if (*key == '%') {
			int high = hex(key[1]);
			int low = high < 0 ? -1 : hex(key[2]);

			if (low < 0)
				return NULL;
			out[n++] = (char)(high * 16 + low);
			key += 3;
		} else {
			out[n++] = *key++;
		}
	}
	out[n] = '\0';
	return n && *key == '/' ? key + 1 : NULL;
}

bool record_key_parse(const char *key, struct record_key *ret_k)
{
	const char *at;
	size_t len;

	if (strncmp(key, RECORD_NODES, strlen(RECORD_NODES)) != 0)
		return false;
	at = take_node(
	    key + strlen(RECORD_NODES), ret_k->node, sizeof(ret_k->node));
	if (!at)
		return false;
	len = strcspn(at, "/");
	if (!len || len >= sizeof(ret_k->kind))
		return false;
	(void)snprintf(ret_k->kind, sizeof(ret_k->kind), "%.*s", (int)len, at);
	at += len + (at[len] == '/');
	if (strlen(at) >= sizeof(ret_k->rest))
		return false;
	(void)snprintf(ret_k->rest, sizeof(ret_k->rest), "%s", at);
	return true;
}

static const char *take_part(const char *at, char *out, size_t room)
{
	size_t len = at ? strcspn(at, "/") : 0;

	if (!len || len >= room)
		return NULL;
	memcpy(out, at, len);
	out[len] = '\0';
	return at + len + (at[len] == '/');
}

int record_name_parse(
    const char *rest, bool is_instance, struct record_name *ret_n)
{
	const char *at = take_part(rest, ret_n->zone, sizeof(ret_n->zone));

	at = take_part(at, ret_n->service, sizeof(ret_n->service));
	*ret_n->name = '\0';
	if (at && is_instance)
		at = take_part(at, ret_n->name, sizeof(ret_n->name));
	return at && !*at ? 0 : -EINVAL;
}

/* ---- writing ----------------------------------------------------------- */

static void set_text(json_t *o, const char *key, const char *text)
{
	if (text && *text)
		json_set(o, key, json_text(text));
}

static void set_number(json_t *o, const char *key, int64_t n, int64_t absent)
{
	if (n != absent)
		json_set(o, key, json_must(json_integer(n)));
}

/* But for what is empty. */
static void set_nested(json_t *o, const char *key, const char *text)
{
	if (text && strlen(text) > 2)
		json_set(o, key, json_nested(text));
}

static char *finish(json_t *o)
{
	char *text = json_dumps(o, JSON_COMPACT);

	json_must(text ? o : NULL);
	json_decref(o);
	return text;
}

char *record_of_service(const struct service_row *row)
{
	json_t *o = json_must(json_object());

	json_set(o, "protocol", json_text(row->protocol));
	set_number(o, "port", row->port, ROW_DEFAULT);
	set_text(o, "port_name", row->port_name);
	set_nested(o, "ports", row->ports);
	set_number(o, "ttl", row->ttl_s, ROW_DEFAULT);
	set_number(o, "max_answers", row->max_answers, ROW_DEFAULT);
	json_set(o, "on_empty", json_text(on_empty_name(row->on_empty)));
	set_nested(o, "tags", row->tags);
	set_nested(o, "meta", row->meta);
	set_text(o, "source", row->source);
	set_text(o, "definition", row->definition);
	return finish(o);
}

static int64_t left(int64_t until_wall_ms, int64_t now_wall_ms)
{
	if (!until_wall_ms)
		return 0;
	return until_wall_ms > now_wall_ms ? until_wall_ms - now_wall_ms : -1;
}

static void set_drain(
    json_t *o, const struct instance_row *row, int64_t now_wall_ms)
{
	const struct drain_row *d = &row->drain;
	int64_t left_ms = left(d->until_wall_ms, now_wall_ms);

	if (row->mode != MODE_DRAINING)
		return;
	json_set(o, "drain", json_text(drain_step_name(d->step)));
	/* whole seconds: what is written anew is then mostly the same */
	set_number(o, "drain_left_ms",
	    left_ms > 0 ? (left_ms + 999) / 1000 * 1000 : left_ms, 0);
	set_text(o, "drain_text", d->text);
}

char *record_of_instance(const struct instance_row *row, int64_t now_wall_ms)
{
	json_t *o = json_must(json_object());

	json_set(o, "address", json_text(row->address));
	set_text(o, "address6", row->address6);
	set_number(o, "port", row->port, ROW_DEFAULT);
	set_nested(o, "ports", row->ports);
	set_number(o, "priority", row->priority, 0);
	json_set(o, "weight", json_must(json_integer(row->weight)));
	set_number(o, "weight_warning", row->weight_warning, ROW_DEFAULT);
	if (row->is_overridden)
		set_number(o, "weight_override", row->weight_override, -1);
	set_number(o, "ramp_percent", row->ramp_percent, 0);
	json_set(o, "health", json_text(health_name(row->health)));
	set_text(o, "reason", row->reason);
	json_set(o, "mode", json_text(mode_name(row->mode)));
	set_drain(o, row, now_wall_ms);
	set_nested(o, "tags", row->tags);
	set_nested(o, "meta", row->meta);
	set_text(o, "locality", row->locality);
	set_text(o, "source", row->source);
	set_text(o, "definition", row->definition);
	return finish(o);
}

char *record_of_wish(const struct record_wish *w)
{
	json_t *o = json_must(json_object());

	json_set(o, "mode", json_text(mode_name(w->mode)));
	if (w->is_overridden)
		set_number(o, "weight_override", w->weight_override, -1);
	set_number(o, "at", w->at_wall_ms, 0);
	set_number(o, "drain_left_ms", w->drain_left_ms, 0);
	set_number(o, "deadline_left_ms", w->deadline_left_ms, 0);
	set_text(o, "from", w->from);
	set_text(o, "by", w->by);
	set_text(o, "why", w->why);
	return finish(o);
}

/* ---- reading ----------------------------------------------------------- */

struct reader {
	json_t *o;
	struct arena *arena;
	bool bad;
};

static const char *get_text(struct reader *r, const char *key)
{
	const json_t *v = json_object_get(r->o, key);

	if (!v || json_is_null(v))
		return NULL;
	if (!json_is_string(v)) {
		r->bad = true;
		return NULL;
	}
	return arena_strdup(r->arena, json_string_value(v));
}

static int64_t get_number(
    struct reader *r, const char *key, int64_t absent, int64_t max)
{
	const json_t *v = json_object_get(r->o, key);
	int64_t n = json_integer_value(v);

	if (!v || json_is_null(v))
		return absent;
	if (json_is_integer(v) && n >= -1 && n <= max)
		return n;
	r->bad = true;
	return absent;
}

static const char *get_nested(
    struct reader *r, const char *key, json_type type, const char *absent)
{
	const json_t *v = json_object_get(r->o, key);

	if (!v || json_is_null(v))
		return absent;
	if (json_typeof(v) != type) {
		r->bad = true;
		return absent;
	}
	char *text = json_dumps(v, JSON_COMPACT);
	const char *copy = text ? arena_strdup(r->arena, text) : absent;

	free(text);
	return copy;
}

static int begin(struct reader *r, const char *text, struct arena *a)
{
	json_error_t e;

	*r = (struct reader){ .arena = a,
		.o = json_loads(text, JSON_REJECT_DUPLICATES, &e) };
	if (json_is_object(r->o))
		return 0;
	json_decref(r->o);
	return -EINVAL;
}

static int end(struct reader *r)
{
	json_decref(r->o);
	return r->bad ? -EINVAL : 0;
}

int record_to_service(
    const char *text, struct arena *a, struct service_row *ret_row)
{
	struct reader r;
	const char *on_empty;

	if (begin(&r, text, a) < 0)
		return -EINVAL;
	*ret_row = (struct service_row){
		.protocol = get_text(&r, "protocol"),
		.port = (int)get_number(&r, "port", ROW_DEFAULT, 65535),
		.port_name = get_text(&r, "port_name"),
		.ports = get_nested(&r, "ports", JSON_ARRAY, NULL),
		.ttl_s = (int)get_number(&r, "ttl", ROW_DEFAULT, TTL_MAX),
		.max_answers =
		    (int)get_number(&r, "max_answers", ROW_DEFAULT, 65535),
		.tags = get_nested(&r, "tags", JSON_ARRAY, "[]"),
		.meta = get_nested(&r, "meta", JSON_OBJECT, "{}"),
		.source = get_text(&r, "source"),
		.definition = get_text(&r, "definition"),
	};
	on_empty = get_text(&r, "on_empty");
	if (!ret_row->protocol || !ret_row->source ||
	    (on_empty && on_empty_parse(on_empty, &ret_row->on_empty) < 0))
		r.bad = true;
	return end(&r);
}

static void get_drain(
    struct reader *r, int64_t now_wall_ms, struct instance_row *row)
{
	const char *step = get_text(r, "drain");
	int64_t left_ms = get_number(r, "drain_left_ms", 0, LEFT_MAX_MS);

	if (row->mode != MODE_DRAINING)
		return;
	row->drain.text = get_text(r, "drain_text");
	if (!step || drain_step_parse(step, &row->drain.step) < 0 ||
	    row->drain.step == DRAIN_NONE)
		r->bad = true;
	/* it has an end: one that is over, if nothing is left */
	row->drain.until_wall_ms = now_wall_ms + (left_ms > 0 ? left_ms : -1);
}

static void get_words(struct reader *r, struct instance_row *row)
{
	const char *health = get_text(r, "health");
	const char *mode = get_text(r, "mode");

	if (!health || health_parse(health, &row->health) < 0 || !mode ||
	    mode_parse(mode, &row->mode) < 0)
		r->bad = true;
}

int record_to_instance(const char *text, struct arena *a, int64_t now_wall_ms,
    struct instance_row *ret_row)
{
	struct reader r;
	int64_t weight;

	if (begin(&r, text, a) < 0)
		return -EINVAL;
	*ret_row = (struct instance_row){
		.address = get_text(&r, "address"),
		.address6 = get_text(&r, "address6"),
		.port = (int)get_number(&r, "port", ROW_DEFAULT, 65535),
		.ports = get_nested(&r, "ports", JSON_ARRAY, NULL),
		.priority = (int)get_number(&r, "priority", 0, 65535),
		.weight = (int)get_number(&r, "weight", 100, 65535),
		.weight_warning =
		    (int)get_number(&r, "weight_warning", ROW_DEFAULT, 65535),
		.ramp_percent = (int)get_number(&r, "ramp_percent", 0, 99),
		.reason = get_text(&r, "reason"),
		.tags = get_nested(&r, "tags", JSON_ARRAY, "[]"),
		.meta = get_nested(&r, "meta", JSON_OBJECT, "{}"),
		.locality = get_text(&r, "locality"),
		.source = get_text(&r, "source"),
		.definition = get_text(&r, "definition"),
		.since_wall_ms = now_wall_ms,
	};
	weight = get_number(&r, "weight_override", -1, 65535);
	ret_row->is_overridden = weight >= 0;
	ret_row->weight_override = weight >= 0 ? (int)weight : 0;
	get_words(&r, ret_row);
	get_drain(&r, now_wall_ms, ret_row);
	if (!ret_row->address || !ret_row->source)
		r.bad = true;
	return end(&r);
}

int record_to_wish(const char *text, struct arena *a, struct record_wish *ret_w)
{
	struct reader r;
	const char *mode;
	int64_t weight;

	if (begin(&r, text, a) < 0)
		return -EINVAL;
	mode = get_text(&r, "mode");
	weight = get_number(&r, "weight_override", -1, 65535);
	*ret_w = (struct record_wish){
		.is_overridden = weight >= 0,
		.weight_override = weight >= 0 ? (int)weight : 0,
		.at_wall_ms = get_number(&r, "at", 0, INT64_MAX),
		.drain_left_ms =
		    get_number(&r, "drain_left_ms", 0, LEFT_MAX_MS),
		.deadline_left_ms =
		    get_number(&r, "deadline_left_ms", 0, LEFT_MAX_MS),
		.from = get_text(&r, "from"),
		.by = get_text(&r, "by"),
		.why = get_text(&r, "why"),
	};
	if (!mode || mode_parse(mode, &ret_w->mode) < 0)
		r.bad = true;
	return end(&r);
}

/* ---- SkyDNS ------------------------------------------------------------ */

/* "/internal/svc" of "svc.internal"; in a. */
static const char *path_of(struct arena *a, const char *zone)
{
	size_t stop = strlen(zone);
	const char *out = "";

	while (stop) {
		size_t start = stop;

		while (start && zone[start - 1] != '.')
			start--;
		out = arena_printf(
		    a, "%s/%.*s", out, (int)(stop - start), zone + start);
		stop = start ? start - 1 : 0;
	}
	return out;
}

/* Its readers take 0 of these for other numbers. */
static char *skydns_value(
    const struct service_row *s, const struct instance_row *i, const char *host)
{
	json_t *o = json_must(json_object());
	json_t *meta = json_nested(i->meta);
	const char *key = json_object_iter_key(json_object_iter(meta));
	int port = i->port == ROW_DEFAULT ? s->port : i->port;
	int weight = eligible_weight(i);
	int priority = i->priority + SKYDNS_PRIORITY;

	json_set(o, "host", json_text(host));
	set_number(o, "port", port, ROW_DEFAULT);
	set_number(o, "priority", priority > 65535 ? 65535 : priority, -1);
	set_number(o, "weight", weight ? weight : 1, -1);
	set_number(o, "ttl", s->ttl_s, ROW_DEFAULT);
	if (key) { /* it has room for one TXT record */
		const char *value =
		    json_string_value(json_object_get(meta, key));

		json_set(o, "text",
		    json_must(json_sprintf("%s=%s", key, value ? value : "")));
	}
	json_decref(meta);
	return finish(o);
}

static void add(json_t *o, const char *key, char *value)
{
	json_set(o, key, json_text(value));
	free(value);
}

void record_skydns(
    json_t *o, const struct service_row *s, const struct instance_row *i)
{
	struct arena *a = arena_new();
	const char *zone = path_of(a, s->zone);
	const char *key =
	    arena_printf(a, "/skydns%s/%s/%s", zone, s->name, i->name);

	if (i->address6) {
		add(o, arena_printf(a, "%s/v4", key),
		    skydns_value(s, i, i->address));
		add(o, arena_printf(a, "%s/v6", key),
		    skydns_value(s, i, i->address6));
	} else {
		add(o, key, skydns_value(s, i, i->address));
	}
	add(o,
	    arena_printf(
	        a, "/skydns%s/_%s/_%s/%s", zone, s->protocol, s->name, i->name),
	    skydns_value(
	        s, i, arena_printf(a, "%s.%s.%s", i->name, s->name, s->zone)));
	arena_free(a);
}
