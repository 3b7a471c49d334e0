// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * guard - makes the policy that workers screen requests by (policy.h) from
 * options and the file of secrets, and publishes it. Control thread.
 *
 * What is wrong is refused as a whole, and the last good policy stays in
 * force. Without a file the secret is drawn, and replaced once a day.
 */
#include "schema/base/diag.h"

struct event_base;
struct guard;
struct options;
struct policy_slot;
struct reclaim;
struct server;

/* -EINVAL: the file of secrets is wrong. Borrows rec. */
int guard_new(const struct options *o, struct reclaim *rec,
    struct guard **ret_g, struct diag *reterr);
/* Nobody reads the slot any more. NULL is ignored. */
void guard_free(struct guard *g);

/* As long as the guard lives. */
const struct policy_slot *guard_slot(const struct guard *g);

/* o: read anew; not needed afterwards. */
int guard_reload(struct guard *g, const struct options *o, struct diag *reterr);

/* Says, at most every ten seconds, what was limited or refused, from here on.
 */
void guard_watch(
    struct guard *g, struct event_base *base, const struct server *s);
