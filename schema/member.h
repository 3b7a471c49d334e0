// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * member - other hosts in the registry: what is known of them, and their rows.
 *
 * As registry.h, whose conventions hold.
 */
#include "schema/registry.h"

struct member_row {
	const char *node; /* "": this host */
	/* this host: joining, member, cut-off, refused, left; another: alive,
	 * held, dropped (by an operator), gone */
	const char *state;
	const char *text; /* what is wrong; "": nothing */
	int64_t since_wall_ms, heard_wall_ms;
	int64_t lease;
	int instance_n;
};
int registry_put_member(
    struct registry *r, const struct member_row *row, struct diag *reterr);
int registry_withdraw_member(
    struct registry *r, const char *node, struct diag *reterr);
/* In the order of their names. */
typedef void (*registry_member_fn)(void *arg, const struct member_row *row);
int registry_read_members(
    struct registry *r, registry_member_fn fn, void *arg, struct diag *reterr);

/*
 * What all sources of a host say is taken back: the next one's is the row, or
 * it goes. 0 also if there was none.
 */
int registry_withdraw_instance_at(struct registry *r, const char *zone,
    const char *service, const char *instance, const char *node,
    struct diag *reterr);
int registry_withdraw_service_at(struct registry *r, const char *zone,
    const char *name, const char *node, struct diag *reterr);

/* What this host says of a service, be it the row or not; -ENOENT: nothing. */
int registry_read_own_service(struct registry *r, const char *zone,
    const char *name, registry_service_fn fn, void *arg, struct diag *reterr);

/* Instances of other hosts that operators here did something to. */
typedef void (*registry_wish_fn)(void *arg, const char *zone,
    const char *service, const char *instance, int64_t at_wall_ms);
int registry_read_wishes(
    struct registry *r, registry_wish_fn fn, void *arg, struct diag *reterr);
/* 1: there is one. */
int registry_has_wish(struct registry *r, const char *zone, const char *service,
    const char *instance, struct diag *reterr);
/* at_wall_ms: only that of then; 0: any. 0 also if there was none. */
int registry_withdraw_wish(struct registry *r, const char *zone,
    const char *service, const char *instance, int64_t at_wall_ms,
    struct diag *reterr);
