// SPDX-License-Identifier: BSD-2-Clause
/*
 * A snapshot in pages, all of one revision; then a watch from the next one on.
 * A watch that ends goes on from where it was, elsewhere; only where that was
 * compacted away, or the store is another one, comes a snapshot again.
 */
#include "registrar/cluster/cluster_impl.h"
#include "registrar/cluster/etcd_json.h"
#include "registrar/lib/json.h"
#include "schema/base/xalloc.h"

#include <stdlib.h>
#include <string.h>

#define PAGE_N 2000
#define PAGE_MS 3000
/* etcd says nothing for as long as nothing changes: our own key does */
#define SILENCE_MS 1200000
#define AGAIN_MS 100
#define AGAIN_MAX_MS 3000

static void ask_page(struct cluster *c);
static void begin_watch(struct cluster *c);

static int64_t now(const struct cluster *c)
{
	return timers_now(c->timers);
}

/* ---- keys -------------------------------------------------------------- */

static void on_own_key(struct cluster *c, const char *key, const char *value)
{
	if (strcmp(key + strlen(c->node_key), "host") != 0) {
		own_seen(c->own, key, value);
		lease_put_soon(c);
		return;
	}
	if (value)
		return;
	/* our own host is not gone: whoever says so is not to be believed */
	if (c->had_own_host)
		others_doubt(c->others, now(c));
	lease_name_gone(c);
}

/* When that was which was heard; -1: it is none. */
static int64_t acked_at(const char *text)
{
	json_error_t e;
	json_t *o = json_loads(text, 0, &e);
	const json_t *at = json_object_get(o, "acked");
	int64_t ms = json_is_integer(at) ? json_integer_value(at) : -1;

	json_decref(o);
	return ms;
}

static void on_wish(struct cluster *c, const char *key, const char *value)
{
	int64_t at_wall_ms = value ? acked_at(value) : -1;
	bool to_us = !strncmp(key, c->wish_key, strlen(c->wish_key));

	if (!value) {
		own_extra_gone(c->own, key);
		(void)json_object_del(c->inbox, key);
	} else if (to_us && at_wall_ms < 0) {
		json_set(c->inbox, key, json_text(value));
	} else if (!to_us && at_wall_ms >= 0 && own_wants(c->own, key)) {
		json_set(c->acked, key, json_must(json_integer(at_wall_ms)));
	}
	rows_apply_soon(c);
}

static void on_key(void *arg, const char *key, const char *value, int64_t lease)
{
	struct cluster *c = arg;
	struct record_key k;

	(void)lease;
	if (!strncmp(key, RECORD_WISHES, strlen(RECORD_WISHES))) {
		on_wish(c, key, value);
	} else if (!strncmp(key, c->node_key, strlen(c->node_key))) {
		on_own_key(c, key, value);
	} else if (record_key_parse(key, &k)) {
		others_key(c->others, &k, value, now(c));
	}
}

static void on_page_key(
    void *arg, const char *key, const char *value, int64_t lease)
{
	struct cluster *c = arg;

	free(c->after);
	c->after = xstrdup(key);
	on_key(c, key, value, lease);
}

/* ---- a snapshot -------------------------------------------------------- */

static void again(struct cluster *c, const char *what, const char *why)
{
	/* all hosts come back at once when etcd does: not all in one moment */
	int64_t most = AGAIN_MS << (c->failures < 5 ? c->failures : 5);

	if (most > AGAIN_MAX_MS)
		most = AGAIN_MAX_MS;
	c->failures++;
	if (log_limit_ok(&c->watch_told, 10, 60000, now(c)))
		log_warn("%s: %s", what, why);
	timer_set(c->timers, &c->watch_again,
	    now(c) + most / 2 + (now(c) * 7919 + c->lease) % (most / 2 + 1));
	rows_tell_soon(c);
}

static void end_snapshot(struct cluster *c)
{
	c->keep_snapshot = false;
	c->revision = c->snapshot_revision;
	others_snapshot_end(c->others, now(c));
	own_seen_all(c->own);
	begin_watch(c);
	rows_apply_soon(c);
}

static void on_page(void *arg, int error, const char *why, const json_t *reply)
{
	struct cluster *c = arg;
	unsigned bad;

	if (error) {
		c->keep_snapshot = false;
		again(c, "cannot read what other hosts have", why);
		return;
	}
	if (!c->keep_snapshot) {
		c->keep_snapshot = true;
		c->snapshot_revision =
		    etcd_number(json_object_get(reply, "header"), "revision");
		others_snapshot_begin(c->others);
	}
	bad = etcd_each_kv(reply, on_page_key, c);
	if (bad) {
		log_warn(
		    "passed over %u keys that are too long, or no text", bad);
	}
	if (json_is_true(json_object_get(reply, "more")) && c->after) {
		ask_page(c);
	} else {
		end_snapshot(c);
	}
}

static void ask_page(struct cluster *c)
{
	etcd_call(c->pages, "/v3/kv/range",
	    etcd_range(RECORD_ROOT, c->keep_snapshot ? c->after : NULL, PAGE_N,
	        c->keep_snapshot ? c->snapshot_revision : 0),
	    PAGE_MS, on_page, c);
}

/* ---- the watch --------------------------------------------------------- */

static void on_line(void *arg, const json_t *result)
{
	struct cluster *c = arg;
	int64_t revision =
	    etcd_number(json_object_get(result, "header"), "revision");

	c->heard_ms = now(c);
	if (json_is_true(json_object_get(result, "created"))) {
		/* one whose numbers are behind ours is another store */
		if (revision && revision < c->revision)
			c->revision = 0;
		if (!c->synced) {
			log_info("watching etcd at %s from revision %lld",
			    etcd_lane_endpoint(c->watch),
			    (long long)c->revision);
		}
		c->synced = c->revision > 0;
		c->failures = 0;
		if (!c->revision)
			timer_set(c->timers, &c->watch_again, now(c));
		rows_tell_soon(c);
		return;
	}
	if (json_is_true(json_object_get(result, "canceled"))) {
		c->revision = 0; /* compacted: all of it again */
		timer_set(c->timers, &c->watch_again, now(c));
		return;
	}
	(void)etcd_each_event(result, on_key, c);
	if (revision > c->revision &&
	    !json_is_true(json_object_get(result, "fragment")))
		c->revision = revision;
	rows_apply_soon(c);
}

static void on_watch_end(
    void *arg, int error, const char *why, const json_t *reply)
{
	struct cluster *c = arg;

	(void)error;
	(void)reply;
	c->synced = false;
	again(c, "the watch has ended", why);
}

static void begin_watch(struct cluster *c)
{
	etcd_stream(c->watch, "/v3/watch",
	    etcd_watch(RECORD_ROOT, c->revision + 1), SILENCE_MS, on_line,
	    on_watch_end, c);
}

static void on_watch_again(void *arg)
{
	struct cluster *c = arg;

	if (!c->revision) {
		c->synced = false;
		etcd_lane_drop(c->watch);
	}
	if (etcd_lane_is_busy(c->watch) || etcd_lane_is_busy(c->pages))
		return;
	if (c->revision) {
		begin_watch(c);
	} else {
		c->keep_snapshot = false;
		ask_page(c);
	}
}

void watch_move(struct cluster *c)
{
	if (!c->synced)
		return;
	log_warn("etcd at %s does not answer: watching elsewhere",
	    etcd_lane_endpoint(c->watch));
	c->synced = false;
	etcd_lane_drop(c->watch);
	etcd_lane_join(c->watch, c->alive); /* which has moved on */
	timer_set(c->timers, &c->watch_again, now(c));
	rows_tell_soon(c);
}

void watch_start(struct cluster *c)
{
	c->pages = etcd_lane_new(c->etcd);
	c->watch = etcd_lane_new(c->etcd);
	c->inbox = json_must(json_object());
	c->acked = json_must(json_object());
	timer_init(&c->watch_again, on_watch_again, c);
	ask_page(c);
}

void watch_stop(struct cluster *c)
{
	if (!c->pages)
		return;
	timer_cancel(c->timers, &c->watch_again);
	etcd_lane_free(c->pages);
	etcd_lane_free(c->watch);
	json_decref(c->inbox);
	json_decref(c->acked);
	free(c->after);
}
