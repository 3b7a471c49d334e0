// SPDX-License-Identifier: BSD-2-Clause
/*
 * What is known of others, and what of it is believed; others_apply.c writes
 * it.
 */
#include "registrar/cluster/others_impl.h"
#include "registrar/lib/json.h"
#include "schema/base/log.h"
#include "schema/base/xalloc.h"

#include <stdlib.h>
#include <string.h>

/* ---- members ----------------------------------------------------------- */

static json_t *new_object(void)
{
	return json_must(json_object());
}

static struct member *find(const struct others *o, const char *node)
{
	if (o->last && !strcmp(o->last->node, node))
		return o->last;
	for (struct member *m = o->members; m; m = m->next) {
		if (!strcmp(m->node, node))
			return m;
	}
	return NULL;
}

static struct member *get(struct others *o, const char *node)
{
	struct member *m = find(o, node), **at = &o->members;

	if (!m) {
		m = xcalloc(1, sizeof(*m));
		m->node = xstrdup(node);
		m->verdict = MISSING;
		m->service = new_object();
		m->instance = new_object();
		m->rows = new_object();
		m->service_rows = new_object();
		m->dirty = new_object();
		while (*at)
			at = &(*at)->next;
		*at = m;
	}
	o->last = m;
	return m;
}

static void member_free(struct member *m)
{
	free(m->node);
	free(m->host);
	free(m->new_host);
	json_decref(m->service);
	json_decref(m->instance);
	json_decref(m->rows);
	json_decref(m->service_rows);
	json_decref(m->dirty);
	json_decref(m->new_service);
	json_decref(m->new_instance);
	free(m);
}

static void touch(struct member *m, char kind, const char *rest)
{
	char key[RECORD_PART_MAX + 2] = { kind, '/' };

	(void)strncat(key, rest, RECORD_PART_MAX - 1);
	json_set(m->dirty, key, json_true());
}

static void touch_all(struct member *m, char kind, json_t *keys)
{
	const char *rest;
	json_t *v;

	json_object_foreach(keys, rest, v)
	{
		touch(m, kind, rest);
	}
}

struct others *others_new(const struct others_config *c)
{
	struct others *o = xcalloc(1, sizeof(*o));

	o->config = *c;
	o->removal.share_percent = c->share_percent;
	o->removal.within_ms = c->within_ms;
	return o;
}

void others_free(struct others *o)
{
	if (!o)
		return;
	while (o->members) {
		struct member *m = o->members;

		o->members = m->next;
		member_free(m);
	}
	free(o);
}

/* ---- hosts ------------------------------------------------------------- */

static bool has_flag(const char *text, const char *flag)
{
	json_error_t e;
	json_t *o = json_loads(text, 0, &e);
	bool is = json_is_true(json_object_get(o, flag));

	json_decref(o);
	return is;
}

/* Fewer are gone than it seemed: it is judged again. */
static void judge_held(struct others *o, int64_t now_ms)
{
	for (struct member *m = o->members; m; m = m->next) {
		if (m->verdict == HELD) {
			m->verdict = MISSING;
			m->decide_ms = now_ms;
		}
	}
}

static void host_there(
    struct others *o, struct member *m, const char *text, int64_t now_ms)
{
	bool was_held = m->verdict == HELD;

	free(m->host);
	m->host = xstrdup(text);
	m->whole = has_flag(text, "whole");
	m->left = has_flag(text, "left");
	m->dropped = false;
	m->verdict = ALIVE;
	removal_take_back(&o->removal, m);
	if (was_held) {
		log_info("host '%s' is back: it is not held any more", m->node);
		judge_held(o, now_ms);
	}
}

/* wait: it is not there, but nobody has said that it ended. */
static void host_away(
    struct others *o, struct member *m, bool wait, int64_t now_ms)
{
	free(m->host);
	m->host = NULL;
	m->whole = false;
	if (m->verdict != ALIVE && m->verdict != MISSING)
		return;
	m->verdict = MISSING;
	m->decide_ms = now_ms;
	if (m->left)
		return;
	if (wait || now_ms < o->doubt_until_ms)
		m->decide_ms = now_ms + o->config.grace_ms;
}

/* ---- from etcd --------------------------------------------------------- */

void others_snapshot_begin(struct others *o)
{
	o->in_snapshot = true;
	for (struct member *m = o->members; m; m = m->next) {
		free(m->new_host);
		m->new_host = NULL;
		json_decref(m->new_service);
		json_decref(m->new_instance);
		m->new_service = m->new_instance = NULL;
	}
}

/* Takes fresh over; what differs is to be written. */
static void take(struct member *m, char kind, json_t **at, json_t *fresh)
{
	const char *rest;
	json_t *v;

	if (!fresh)
		fresh = new_object();
	json_object_foreach(fresh, rest, v)
	{
		if (!json_equal(v, json_object_get(*at, rest)))
			touch(m, kind, rest);
	}
	json_object_foreach(*at, rest, v)
	{
		if (!json_object_get(fresh, rest))
			touch(m, kind, rest);
	}
	json_decref(*at);
	*at = fresh;
}

void others_snapshot_end(struct others *o, int64_t now_ms)
{
	o->in_snapshot = false;
	o->had_snapshot = true;
	for (struct member *m = o->members; m; m = m->next) {
		take(m, 's', &m->service, m->new_service);
		take(m, 'i', &m->instance, m->new_instance);
		m->new_service = m->new_instance = NULL;
		if (m->new_host) {
			host_there(o, m, m->new_host, now_ms);
		} else {
			host_away(o, m, true, now_ms);
		}
		free(m->new_host);
		m->new_host = NULL;
	}
}

static void snapshot_key(
    struct member *m, const struct record_key *k, const char *value)
{
	json_t **at = NULL;

	if (!strcmp(k->kind, "host")) {
		free(m->new_host);
		m->new_host = xstrdup(value);
	} else if (!strcmp(k->kind, "service")) {
		at = &m->new_service;
	} else if (!strcmp(k->kind, "instance")) {
		at = &m->new_instance;
	}
	if (!at)
		return;
	if (!*at)
		*at = new_object();
	json_set(*at, k->rest, json_text(value));
}

static void event_key(
    struct member *m, char kind, const char *rest, const char *value)
{
	json_t *o = kind == 's' ? m->service : m->instance;
	const char *was = json_string_value(json_object_get(o, rest));

	if (value && was && !strcmp(was, value))
		return;
	if (value) {
		json_set(o, rest, json_text(value));
	} else {
		(void)json_object_del(o, rest);
	}
	touch(m, kind, rest);
}

void others_key(struct others *o, const struct record_key *k, const char *value,
    int64_t now_ms)
{
	if (!strcmp(k->node, o->config.node))
		return;
	struct member *m = get(o, k->node);

	if (o->in_snapshot && value) {
		snapshot_key(m, k, value);
	} else if (!strcmp(k->kind, "host")) {
		if (value) {
			host_there(o, m, value, now_ms);
		} else {
			host_away(o, m, false, now_ms);
		}
	} else if (!strcmp(k->kind, "service")) {
		event_key(m, 's', k->rest, value);
	} else if (!strcmp(k->kind, "instance")) {
		event_key(m, 'i', k->rest, value);
	}
}

void others_doubt(struct others *o, int64_t now_ms)
{
	o->doubt_until_ms = now_ms + o->config.grace_ms;
	for (struct member *m = o->members; m; m = m->next) {
		if (m->verdict == MISSING && !m->left)
			m->decide_ms = o->doubt_until_ms;
	}
}

/* ---- from the registry ------------------------------------------------- */

void others_rows_begin(struct others *o)
{
	for (struct member *m = o->members; m; m = m->next) {
		(void)json_object_clear(m->rows);
		(void)json_object_clear(m->service_rows);
	}
	o->rows_known = false;
}

static void set_row(
    json_t *rows, const char *zone, const char *service, const char *name)
{
	char *rest = xasprintf(
	    "%s/%s%s%s", zone, service, name ? "/" : "", name ? name : "");

	if (strlen(rest) < RECORD_PART_MAX)
		json_set(rows, rest, json_true());
	free(rest);
}

void others_row(struct others *o, const struct instance_row *row)
{
	set_row(get(o, row->node)->rows, row->zone, row->service, row->name);
}

void others_service_row(struct others *o, const struct service_row *row)
{
	set_row(get(o, row->node)->service_rows, row->zone, row->name, NULL);
}

void others_rows_end(struct others *o)
{
	o->rows_known = true;
	for (struct member *m = o->members; m; m = m->next) {
		touch_all(m, 's', m->service);
		touch_all(m, 's', m->service_rows);
		touch_all(m, 'i', m->instance);
		touch_all(m, 'i', m->rows);
	}
}

void others_look_again(struct others *o, const char *rest)
{
	for (struct member *m = o->members; m; m = m->next) {
		if (json_object_get(m->instance, rest))
			touch(m, 'i', rest);
	}
}

const char *others_say(
    const struct others *o, const char *node, const char *rest)
{
	const struct member *m = find(o, node);

	return m ? json_string_value(json_object_get(m->instance, rest)) : NULL;
}

/* ---- ends -------------------------------------------------------------- */

unsigned others_known_n(const struct others *o)
{
	size_t n = 0;

	for (const struct member *m = o->members; m; m = m->next)
		n += json_object_size(m->rows);
	return (unsigned)n;
}

unsigned others_held_n(const struct others *o)
{
	unsigned n = 0;

	for (const struct member *m = o->members; m; m = m->next)
		n += m->verdict == HELD;
	return n;
}

static bool is_due(const struct member *m, int64_t now_ms)
{
	return m->verdict == MISSING && now_ms >= m->decide_ms;
}

static void decide(struct others *o, int64_t now_ms)
{
	unsigned node_n = 0, n = 0;
	bool due = false;

	for (const struct member *m = o->members; m; m = m->next) {
		size_t rows = json_object_size(m->rows);

		if (!is_due(m, now_ms))
			continue;
		due = true;
		if (rows && !m->left && !m->dropped) {
			node_n++;
			n += (unsigned)rows;
		}
	}
	if (!due)
		return;
	bool believed = !node_n || removal_is_believed(&o->removal, now_ms,
	                               node_n, n, others_known_n(o));

	if (!believed) {
		log_error("%u hosts with %u instances are gone from etcd at "
		          "about the same time, more than max_removal: they "
		          "stay in answers until they are back, or `registrar "
		          "cluster drop HOST`",
		    node_n, n);
	}
	for (struct member *m = o->members; m; m = m->next) {
		bool counts =
		    json_object_size(m->rows) && !m->left && !m->dropped;

		if (!is_due(m, now_ms))
			continue;
		m->verdict = believed || !counts ? GONE : HELD;
		if (counts && believed) {
			removal_add(&o->removal, now_ms, m,
			    (unsigned)json_object_size(m->rows));
		}
		if (counts && believed) {
			log_warn("host '%s' is gone, with %zu instances",
			    m->node, json_object_size(m->rows));
		}
	}
}

void others_drop(struct others *o, const char *node)
{
	struct member *m = find(o, node);

	if (!m || m->host)
		return;
	log_warn("host '%s' is dropped by an operator", node);
	m->dropped = true;
	m->verdict = GONE;
}

void others_drop_all(struct others *o)
{
	for (struct member *m = o->members; m; m = m->next) {
		free(m->host);
		m->host = NULL;
		(void)json_object_clear(m->service);
		(void)json_object_clear(m->instance);
		touch_all(m, 'i', m->rows);
		touch_all(m, 's', m->service_rows);
		m->verdict = GONE;
	}
}

/* ---- to the registry --------------------------------------------------- */

bool others_may_delete(const struct member *m)
{
	return m->host ? m->whole : m->verdict == GONE;
}

/* What it waits for is not to be had yet. */
static bool is_stuck(const struct member *m)
{
	const char *key;
	json_t *v;

	if (others_may_delete(m))
		return false;
	json_object_foreach(m->dirty, key, v)
	{
		if (json_object_get(
		        *key == 's' ? m->service : m->instance, key + 2))
			return false;
	}
	return true;
}

bool others_has_work(const struct member *m)
{
	return json_object_size(m->dirty) && !is_stuck(m);
}

bool others_wait(struct others *o, int64_t now_ms)
{
	if (!o->had_snapshot || !o->rows_known || o->in_snapshot)
		return false;
	decide(o, now_ms);
	for (const struct member *m = o->members; m; m = m->next) {
		if (others_has_work(m))
			return true;
	}
	return false;
}

int64_t others_due_ms(const struct others *o)
{
	int64_t due_ms = -1;

	for (const struct member *m = o->members; m; m = m->next) {
		if (m->verdict == MISSING && json_object_size(m->rows) &&
		    (due_ms < 0 || m->decide_ms < due_ms))
			due_ms = m->decide_ms;
	}
	return due_ms;
}
