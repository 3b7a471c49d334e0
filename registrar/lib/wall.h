// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * wall - times of the registry as people write and read them. UTC throughout,
 * so that two hosts, and two people, mean the same.
 */
#include "schema/base/arena.h"

#include <stdint.h>

/* "2026-11-23 07:12:03 UTC" */
const char *wall_text(struct arena *a, int64_t wall_ms);

/* In two units at most: "3m12s". */
const char *wall_age(struct arena *a, int64_t ms);

/* The same from then to now, however far apart a row may put them. */
const char *wall_since(
    struct arena *a, int64_t now_wall_ms, int64_t then_wall_ms);

/* What wall_parse takes, for messages. */
#define WALL_RULE                                                              \
	"a time such as 15m (ago), 07:30, 2026-11-23 or 2026-11-23T07:30:00Z"

/*
 * A duration (ago), a time of today, a date, or both joined by 'T' or a
 * blank; seconds and 'Z' may be left out. UTC. -EINVAL: none of these.
 */
int wall_parse(const char *text, int64_t now_wall_ms, int64_t *ret_wall_ms);
