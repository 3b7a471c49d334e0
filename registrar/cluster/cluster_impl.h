// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * Private to cluster*.c: the process, in five parts.
 *
 * cluster.c: its life. cluster_lease.c: the lease, whose name this host's is,
 * what is put. cluster_watch.c: what comes. cluster_rows.c: the registry.
 * cluster_tell.c: how it is.
 */
#include "registrar/cluster/cluster.h"
#include "registrar/cluster/etcd.h"
#include "registrar/cluster/others.h"
#include "registrar/cluster/own.h"
#include "registrar/lib/timer.h"
#include "registrar/net/net.h"
#include "schema/base/log.h"
#include "schema/follow.h"
#include "schema/member.h"

#define CALL_MS INT64_C(1000) /* of one request, then the next endpoint */

struct event;
struct event_base;

enum lease_step {
	LEASE_NONE,    /* to be granted */
	LEASE_OLD,     /* of an earlier run: is it still there? */
	LEASE_HAS,     /* it is there: is the name ours? */
	LEASE_NAMED,   /* it is: what hangs on it? */
	LEASE_READY,   /* what we say is put */
	LEASE_LEFT,    /* all of it was taken back */
	LEASE_REFUSED, /* another host has the name */
};

struct cluster {
	const struct cluster_options *options;
	struct event_base *base;
	struct event *tick, *look, *noticed;
	struct timers *timers;
	struct net net;
	char *password;
	struct etcd *etcd;
	struct own *own;
	struct others *others;
	const char *node_key; /* "/rollcall/v1/node/N/" */
	const char *wish_key; /* "/rollcall/v1/wish/N/" */
	struct arena *arena;
	int exit_code;
	/* cluster_lease.c */
	struct etcd_lane *alive, *puts;
	enum lease_step step;
	int64_t lease;
	int64_t alive_ms; /* when etcd last said that it holds */
	bool leaving;
	bool watched;   /* it was asked for where the watch is */
	bool whole;     /* all that we say was put under it */
	bool whole_put; /* and so it was said */
	struct timer beat, put_again;
	struct log_limit lease_told;
	/* cluster_watch.c */
	struct etcd_lane *pages, *watch;
	int64_t revision; /* all up to it is known */
	int64_t snapshot_revision;
	char *after; /* the last key of a page */
	bool synced; /* a snapshot is whole, and the watch goes on */
	bool keep_snapshot, had_own_host;
	int64_t heard_ms;
	struct log_limit watch_told;
	struct timer watch_again;
	unsigned failures;
	json_t *inbox; /* wishes for us: key -> text */
	json_t *acked; /* wishes of ours that were heard: key -> of when */
	/* cluster_rows.c */
	struct follow *follow;
	struct follow_place place;
	struct timer apply, tell, due;
	int64_t told_wall_ms, since_wall_ms;
	const char *state;
	char registry_id[64], trouble[DIAG_MAX];
	bool has_rows, cut_off, dropped;
	int64_t cut_off_ms;
};

/* ---- cluster_lease.c ---- */
void lease_start(struct cluster *c);
void lease_stop(struct cluster *c);
/* Something of ours may wait to be put. */
void lease_put_soon(struct cluster *c);
/* All of this host is to be taken back, until it is started again. */
void lease_leave(struct cluster *c);
/* Somebody has deleted the key of this host. */
void lease_name_gone(struct cluster *c);
/* "{...}" of this host; freed by the caller. */
char *lease_host_record(const struct cluster *c, bool left);

/* ---- cluster_watch.c ---- */
void watch_start(struct cluster *c);
void watch_stop(struct cluster *c);
/* Its member does not answer: elsewhere. */
void watch_move(struct cluster *c);

/* ---- cluster_rows.c ---- */
int rows_start(struct cluster *c, struct diag *reterr);
void rows_stop(struct cluster *c);
/* Something of others may wait to be written. */
void rows_apply_soon(struct cluster *c);

/* ---- cluster_tell.c ---- */
/* Reads what was told before, such as the lease. */
void rows_tell_start(struct cluster *c, struct registry *r);
/* The state of this host may have changed. */
void rows_tell_soon(struct cluster *c);
