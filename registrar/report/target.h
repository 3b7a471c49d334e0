// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * target - which instances a command is about: SERVICE[.ZONE][/INSTANCE].
 *
 * Plain data; texts live in the arena that they were parsed into.
 */
#include "schema/base/arena.h"
#include "schema/base/diag.h"
#include "schema/registry.h"

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

/*
 * Is it of that node: of the host of that name, or described by the registrar
 * of that name? host: the name of this one, of registry_read_host().
 */
bool target_is_on_node(
    const struct instance_row *row, const char *node, const char *host);

/* The same where one instance must be named. */
int target_parse_instance(const char *text, const char *zone, struct arena *a,
    struct target *ret_t, struct diag *reterr);
