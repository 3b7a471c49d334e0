// SPDX-License-Identifier: BSD-2-Clause
/*
 * One lease, kept alive each second whatever else goes on, by a lane of its
 * own that takes another endpoint whenever one fails. What is put waits until
 * the lease is there, the name is ours, and what etcd has of us was read.
 */
#include "registrar/cluster/cluster_impl.h"
#include "registrar/cluster/etcd_json.h"
#include "registrar/lib/json.h"
#include "schema/base/version.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BEAT_MS 1000
#define AGAIN_MS 100 /* after a failure: the next endpoint */

static void step(struct cluster *c);

static int64_t now(const struct cluster *c)
{
	return timers_now(c->timers);
}

static char *host_key(const struct cluster *c)
{
	return xasprintf("%shost", c->node_key);
}

char *lease_host_record(const struct cluster *c, bool left)
{
	json_t *o = json_must(json_object());

	json_set(o, "id", json_text(c->registry_id));
	json_set(o, "version", json_text(ROLLCALL_VERSION));
	json_set(o, "lease_ms", json_must(json_integer(c->options->lease_ms)));
	if (c->options->address)
		json_set(o, "address", json_text(c->options->address));
	json_set(o, "whole", json_boolean(c->whole));
	if (left)
		json_set(o, "left", json_true());
	char *text = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);

	json_must(text ? o : NULL);
	json_decref(o);
	return text;
}

static void beat_in(struct cluster *c, int64_t ms)
{
	timer_set(c->timers, &c->beat, now(c) + ms);
}

static void tell_failure(struct cluster *c, const char *what, const char *why)
{
	if (log_limit_ok(&c->lease_told, 10, 60000, now(c)))
		log_warn("cannot %s: %s", what, why);
}

/* ---- the lease --------------------------------------------------------- */

static void on_granted(
    void *arg, int error, const char *why, const json_t *reply)
{
	struct cluster *c = arg;
	int64_t id = etcd_number(reply, "ID");

	if (error || !id) {
		tell_failure(c, "get a lease", error ? why : "it has no ID");
		beat_in(c, AGAIN_MS);
		return;
	}
	c->lease = id;
	c->alive_ms = now(c);
	c->step = LEASE_HAS;
	c->whole = c->whole_put = false;
	own_lost_all(c->own);
	rows_tell_soon(c);
	step(c);
}

static void grant(struct cluster *c)
{
	json_t *o = json_must(json_object());

	json_set(o, "TTL", etcd_int64((c->options->lease_ms + 999) / 1000));
	etcd_call(c->alive, "/v3/lease/grant", o, CALL_MS, on_granted, c);
}

static void lost(struct cluster *c)
{
	log_warn("the lease of this host is gone: a new one is taken, and all "
	         "that it has is put again");
	c->lease = 0;
	c->step = LEASE_NONE;
	step(c);
}

static void on_kept(void *arg, int error, const char *why, const json_t *reply)
{
	struct cluster *c = arg;

	if (error) {
		tell_failure(c, "keep the lease", why);
		if (c->watched)
			watch_move(c);
		beat_in(c, AGAIN_MS);
		rows_tell_soon(c);
		return;
	}
	if (etcd_number(json_object_get(reply, "result"), "TTL") <= 0) {
		lost(c);
		return;
	}
	c->alive_ms = now(c);
	if (c->step == LEASE_OLD)
		c->step = LEASE_HAS;
	rows_tell_soon(c);
	if (c->step == LEASE_READY) {
		beat_in(c, BEAT_MS);
		lease_put_soon(c);
	} else {
		step(c);
	}
}

static void keep(struct cluster *c)
{
	json_t *o = json_must(json_object());

	json_set(o, "ID", etcd_int64(c->lease));
	/* a member that hangs is seen by this, be the watch ever so silent */
	c->watched = c->synced;
	if (c->watched)
		etcd_lane_join(c->alive, c->watch);
	etcd_call(c->alive, "/v3/lease/keepalive", o, CALL_MS, on_kept, c);
}

/* ---- the name ---------------------------------------------------------- */

static json_t *list_of(json_t *one)
{
	json_t *list = json_must(json_array());

	json_array_append_new(list, one);
	return list;
}

static bool is_ours(const struct cluster *c, const char *text)
{
	json_error_t e;
	json_t *o = json_loads(text ? text : "", 0, &e);
	const char *id = json_string_value(json_object_get(o, "id"));
	bool ours = id && !strcmp(id, c->registry_id);

	json_decref(o);
	return ours;
}

static void refuse(struct cluster *c)
{
	if (c->step != LEASE_REFUSED) {
		log_error("another registrar is host '%s' in this cluster "
		          "already, with a registry of its own: nothing of "
		          "this host is put until it is gone, or this one has "
		          "another --host",
		    c->options->node);
	}
	c->step = LEASE_REFUSED;
	rows_tell_soon(c);
	beat_in(c, BEAT_MS);
}

static void claim(struct cluster *c, bool overwrite);

struct found {
	char *text;
};

static void on_host_kv(
    void *arg, const char *key, const char *value, int64_t lease)
{
	struct found *f = arg;

	(void)key;
	(void)lease;
	free(f->text);
	f->text = xstrdup(value);
}

/* The other branch of the transaction has read who has the name. */
static void on_claimed(
    void *arg, int error, const char *why, const json_t *reply)
{
	struct cluster *c = arg;
	struct found f = { 0 };
	const json_t *first =
	    json_array_get(json_object_get(reply, "responses"), 0);

	if (error) {
		tell_failure(c, "put the name of this host", why);
		beat_in(c, AGAIN_MS);
		return;
	}
	if (json_is_true(json_object_get(reply, "succeeded"))) {
		if (c->step == LEASE_REFUSED)
			log_info("the name '%s' is ours", c->options->node);
		c->step = LEASE_NAMED;
		c->had_own_host = true;
		step(c);
		return;
	}
	(void)etcd_each_kv(
	    json_object_get(first, "response_range"), on_host_kv, &f);
	if (is_ours(c, f.text)) {
		claim(c, true); /* of an earlier run, under another lease */
	} else {
		refuse(c);
	}
	free(f.text);
}

static void claim(struct cluster *c, bool overwrite)
{
	char *key = host_key(c), *text = lease_host_record(c, false);
	json_t *then = list_of(etcd_put_op(key, text, c->lease));
	json_t *read = json_must(json_object());

	json_set(read, "request_range", etcd_range(key, NULL, 1, 0));
	json_t *absent = list_of(etcd_is_absent(key));

	if (overwrite) {
		json_decref(absent);
		absent = NULL;
	}
	etcd_call(c->alive, "/v3/kv/txn", etcd_txn(absent, then, list_of(read)),
	    CALL_MS, on_claimed, c);
	free(text);
	free(key);
}

void lease_name_gone(struct cluster *c)
{
	if (c->step < LEASE_NAMED || c->step == LEASE_REFUSED || c->leaving)
		return;
	/* with the lease, or by somebody's hand: the next beat shows it */
	c->step = LEASE_HAS;
	c->whole_put = false;
	if (!etcd_lane_is_busy(c->alive))
		beat_in(c, 0);
}

/* ---- what hangs on it -------------------------------------------------- */

static void on_hanging(
    void *arg, int error, const char *why, const json_t *reply)
{
	struct cluster *c = arg;
	const json_t *key;
	size_t i;

	if (error) {
		tell_failure(c, "see what hangs on the lease", why);
		beat_in(c, AGAIN_MS);
		return;
	}
	json_array_foreach(json_object_get(reply, "keys"), i, key)
	{
		char *text = etcd_text(key, ETCD_KEY_MAX);

		if (text)
			own_hangs(c->own, text);
		free(text);
	}
	c->step = LEASE_READY;
	rows_tell_soon(c);
	lease_put_soon(c);
	beat_in(c, BEAT_MS);
}

static void see_hanging(struct cluster *c)
{
	json_t *o = json_must(json_object());

	json_set(o, "ID", etcd_int64(c->lease));
	json_set(o, "keys", json_true());
	etcd_call(
	    c->alive, "/v3/lease/timetolive", o, 3 * CALL_MS, on_hanging, c);
}

/* ---- leaving ----------------------------------------------------------- */

static void on_revoked(
    void *arg, int error, const char *why, const json_t *reply)
{
	struct cluster *c = arg;

	(void)reply;
	if (error && error != -EREMOTEIO) { /* it is gone already */
		tell_failure(c, "take the lease back", why);
		beat_in(c, AGAIN_MS);
		return;
	}
	log_info("left the cluster: nothing of this host is in it until it is "
	         "started again");
	c->step = LEASE_LEFT;
	c->lease = 0;
	c->state = NULL; /* told, whatever it was */
	rows_tell_soon(c);
}

static void on_said_left(
    void *arg, int error, const char *why, const json_t *reply)
{
	struct cluster *c = arg;
	json_t *o;

	(void)reply;
	if (error) {
		tell_failure(c, "say that this host leaves", why);
		beat_in(c, AGAIN_MS);
		return;
	}
	o = json_must(json_object());
	json_set(o, "ID", etcd_int64(c->lease));
	etcd_call(c->alive, "/v3/lease/revoke", o, 2 * CALL_MS, on_revoked, c);
}

/* So that nobody takes it for an end that others caused. */
static void say_left(struct cluster *c)
{
	char *key = host_key(c), *text = lease_host_record(c, true);
	json_t *then = list_of(etcd_put_op(key, text, c->lease));

	etcd_call(c->alive, "/v3/kv/txn",
	    etcd_txn(list_of(etcd_hangs_on(key, c->lease)), then, NULL),
	    CALL_MS, on_said_left, c);
	free(text);
	free(key);
}

void lease_leave(struct cluster *c)
{
	if (c->leaving)
		return;
	c->leaving = true;
	if (!etcd_lane_is_busy(c->alive))
		beat_in(c, 0);
}

static void step(struct cluster *c)
{
	if (etcd_lane_is_busy(c->alive) || c->step == LEASE_LEFT)
		return;
	if (c->leaving && c->lease) {
		say_left(c);
		return;
	}
	switch (c->step) {
	case LEASE_NONE:
		grant(c);
		break;
	case LEASE_HAS:
		if (c->has_rows && c->synced) {
			claim(c, false);
		} else {
			beat_in(c, 50);
		}
		break;
	case LEASE_NAMED:
		see_hanging(c);
		break;
	case LEASE_LEFT:
	case LEASE_OLD:
	case LEASE_READY:
	case LEASE_REFUSED:
	default:
		keep(c);
		break;
	}
}

static void on_beat(void *arg)
{
	struct cluster *c = arg;

	if (etcd_lane_is_busy(c->alive))
		return;
	if (!c->leaving && c->step == LEASE_HAS &&
	    now(c) - c->alive_ms >= BEAT_MS) {
		keep(c);
	} else if (!c->leaving && c->step == LEASE_REFUSED &&
	           now(c) - c->alive_ms < BEAT_MS) {
		claim(c, false);
	} else {
		step(c);
	}
}

/* ---- what is put ------------------------------------------------------- */

static void on_put(void *arg, int error, const char *why, const json_t *reply)
{
	struct cluster *c = arg;

	(void)reply;
	own_batch_done(c->own, !error);
	if (error) {
		tell_failure(c, "put what this host has", why);
		timer_set(c->timers, &c->put_again, now(c) + AGAIN_MS);
		return;
	}
	lease_put_soon(c);
}

static void on_whole(void *arg, int error, const char *why, const json_t *reply)
{
	struct cluster *c = arg;

	(void)why;
	(void)reply;
	c->whole_put = !error;
	timer_set(c->timers, &c->put_again, now(c) + (error ? AGAIN_MS : 0));
}

static void say_whole(struct cluster *c)
{
	char *key = host_key(c);

	c->whole = true;
	char *text = lease_host_record(c, false);
	json_t *then = list_of(etcd_put_op(key, text, c->lease));

	etcd_call(c->puts, "/v3/kv/txn",
	    etcd_txn(list_of(etcd_hangs_on(key, c->lease)), then, NULL),
	    CALL_MS, on_whole, c);
	free(text);
	free(key);
}

static void on_put_again(void *arg)
{
	struct cluster *c = arg;

	if (c->step != LEASE_READY || etcd_lane_is_busy(c->puts) ||
	    !c->has_rows || c->leaving)
		return;
	while (own_has_more(c->own)) {
		json_t *ops = own_batch(c->own, c->lease);

		if (!json_array_size(ops)) {
			json_decref(ops);
			continue;
		}
		etcd_call(c->puts, "/v3/kv/txn", etcd_txn(NULL, ops, NULL),
		    2 * CALL_MS, on_put, c);
		return;
	}
	if (!c->whole_put)
		say_whole(c);
}

void lease_put_soon(struct cluster *c)
{
	if (c->step == LEASE_READY && !timer_is_set(&c->put_again))
		timer_set(c->timers, &c->put_again, now(c));
}

/* ---- life -------------------------------------------------------------- */

void lease_start(struct cluster *c)
{
	c->alive = etcd_lane_new(c->etcd);
	c->puts = etcd_lane_new(c->etcd);
	timer_init(&c->beat, on_beat, c);
	timer_init(&c->put_again, on_put_again, c);
	c->step = c->lease ? LEASE_OLD : LEASE_NONE;
	beat_in(c, 0);
}

void lease_stop(struct cluster *c)
{
	if (!c->alive)
		return;
	timer_cancel(c->timers, &c->beat);
	timer_cancel(c->timers, &c->put_again);
	etcd_lane_free(c->alive);
	etcd_lane_free(c->puts);
}
