// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * supply - which upstreams there are: those of the options, or those of this
 * host as they were before it was pointed here; and when they change.
 *
 * `system` is the first of these files with a server that is not ourselves:
 * /etc/resolv.conf, what was kept of it below the state, and those of
 * NetworkManager, systemd-resolved and resolvconf.
 */
#include "schema/base/diag.h"

struct event_base;
struct forward;
struct options;
struct supply;

/* -EINVAL: the upstreams do not go together. */
int supply_check(const struct options *o, struct diag *reterr);

/* Control thread. Borrows o and f. Never NULL. */
struct supply *supply_new(
    struct event_base *base, const struct options *o, struct forward *f);
/* NULL is ignored. */
void supply_free(struct supply *s);
