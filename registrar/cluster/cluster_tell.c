// SPDX-License-Identifier: BSD-2-Clause
/*
 * What this process says of itself and of others, in rows of member; and what
 * operators say in them.
 */
#include "registrar/cluster/cluster_impl.h"
#include "schema/base/clock.h"

#include <errno.h>
#include <string.h>

#define TELL_MS 2000
#define BUSY_MS 3
#define CUT_OFF_MS 3000 /* without a word of etcd */

static int64_t now(const struct cluster *c)
{
	return timers_now(c->timers);
}

static void on_member(void *arg, const struct member_row *row)
{
	struct cluster *c = arg;

	if (!*row->node && !c->has_rows)
		c->lease = row->lease;
	if (*row->node && !strcmp(row->state, "dropped"))
		others_drop(c->others, row->node);
	/* of this run: whoever is started again is there again */
	if (!*row->node && c->state && !strcmp(row->state, "left"))
		lease_leave(c);
}

static const char *state_of(struct cluster *c)
{
	if (c->step == LEASE_REFUSED)
		return "refused";
	if (c->leaving)
		return "left";
	if (c->cut_off)
		return "cut-off";
	return c->step == LEASE_READY && c->synced ? "member" : "joining";
}

static void judge(struct cluster *c)
{
	bool cut_off = !c->alive_ms ? now(c) > c->cut_off_ms + CUT_OFF_MS
	                            : now(c) - c->alive_ms > CUT_OFF_MS;
	int64_t drop_ms = c->options->drop_after_ms;

	if (cut_off && !c->cut_off) {
		log_error("cut off from etcd: what other hosts said stays as "
		          "it is, and they do not hear of this one");
		c->cut_off_ms = c->alive_ms ? c->alive_ms : c->cut_off_ms;
		c->dropped = false;
	} else if (!cut_off && c->cut_off) {
		log_info("etcd is back");
		c->dropped = false;
	}
	c->cut_off = cut_off;
	if (cut_off && drop_ms && !c->dropped &&
	    now(c) - c->cut_off_ms > drop_ms) {
		log_error("cut off for too long: what other hosts said is "
		          "dropped (on_partition)");
		c->dropped = true;
		c->revision = 0; /* all of it is news when it is back */
		others_drop_all(c->others);
		rows_apply_soon(c);
	}
}

static const char *alarm_of(struct cluster *c, struct arena *a)
{
	unsigned held = others_held_n(c->others), kept = own_kept_n(c->own);

	if (c->step == LEASE_REFUSED) {
		return arena_printf(a,
		    "another registrar is host '%s' in this cluster",
		    c->options->node);
	}
	if (held) {
		return arena_printf(a,
		    "%u hosts are gone from etcd at about the same time: "
		    "their instances stay",
		    held);
	}
	if (kept) {
		return arena_printf(a,
		    "%u instances are on loopback addresses: other hosts do "
		    "not hear of them without cluster_address",
		    kept);
	}
	return "";
}

static int put_told(struct cluster *c, struct registry *r, struct diag *why)
{
	struct arena *a = arena_new();
	int64_t wall = clock_wall_ms();
	const char *state = state_of(c);

	if (state != c->state)
		c->since_wall_ms = wall;
	const struct member_row row = { .node = "",
		.state = state,
		.text = alarm_of(c, a),
		.since_wall_ms = c->since_wall_ms,
		.heard_wall_ms =
		    c->alive_ms ? wall - (now(c) - c->alive_ms) : 0,
		.lease = c->lease,
		/* -1: it has been taken back */
		.instance_n =
		    c->step == LEASE_LEFT ? -1 : (int)own_instance_n(c->own) };
	int error = registry_begin(r, 0, why);

	c->state = state;
	if (error == 0) {
		error = registry_put_member(r, &row, why);
		if (error == 0) {
			error = others_put_members(
			    c->others, r, c->synced && !c->cut_off, wall, why);
		}
		if (error == 0)
			error = registry_commit(r, why);
		registry_rollback(r);
	}
	arena_free(a);
	return error;
}

static void on_tell(void *arg)
{
	struct cluster *c = arg;
	struct registry *r = follow_registry(c->follow);
	struct diag why;
	int error = -EAGAIN;

	judge(c);
	if (r && c->has_rows) {
		(void)registry_read_members(r, on_member, c, NULL);
		error = put_told(c, r, &why);
		rows_apply_soon(c);
	}
	timer_set(c->timers, &c->tell,
	    now(c) + (error == -EBUSY ? BUSY_MS : TELL_MS));
}

void rows_tell_soon(struct cluster *c)
{
	if (state_of(c) != c->state)
		timer_set(c->timers, &c->tell, now(c));
}

void rows_tell_start(struct cluster *c, struct registry *r)
{
	(void)registry_read_members(r, on_member, c, NULL);
	timer_init(&c->tell, on_tell, c);
	c->cut_off_ms = now(c);
	timer_set(c->timers, &c->tell, now(c) + 50);
}
