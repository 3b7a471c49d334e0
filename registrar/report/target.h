// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * target - which instances a command is about: SERVICE[.ZONE][/INSTANCE].
 *
 * Plain data; texts live in the arena that they were parsed into.
 */
#include "schema/base/arena.h"
#include "schema/base/diag.h"

struct target {
	const char *zone, *service;
	const char *instance; /* NULL: all of the service */
};

/*
 * zone: of services that name none. Folds to lower case, drops a final dot.
 * -EINVAL: nothing on one side of the slash, or of the dot.
 */
int target_parse(const char *text, const char *zone, struct arena *a,
    struct target *ret_t, struct diag *reterr);

/* The same where one instance must be named. */
int target_parse_instance(const char *text, const char *zone, struct arena *a,
    struct target *ret_t, struct diag *reterr);
