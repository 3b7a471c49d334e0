// SPDX-License-Identifier: BSD-2-Clause
/*
 * What all kinds of checks have: they include these tables in theirs.
 */
#include "registrar/definition/definition_parts.h"

#define AT(member) .offset = offsetof(struct check_spec, member)

static const struct conf_field common_fields[] = {
	{ .key = "interval",
	    .kind = CONF_DURATION,
	    .low = 10,
	    .high = INT64_C(86400000),
	    .fallback = "10s",
	    AT(interval_ms) },
	{ .key = "timeout",
	    .kind = CONF_DURATION,
	    .low = 1,
	    .high = INT64_C(600000),
	    AT(timeout_ms) },
	{ .key = "grace",
	    .kind = CONF_DURATION,
	    .high = INT64_C(86400000),
	    AT(grace_ms) },
	{ .key = "jitter",
	    .kind = CONF_INT,
	    .high = 50,
	    .unit = "%",
	    .fallback = "10%",
	    .expects = "a share from 0% to 50%",
	    AT(jitter_percent) },
	{ .key = "rise",
	    .kind = CONF_INT,
	    .low = 1,
	    .high = 1000,
	    .fallback = "2",
	    AT(rise) },
	{ .key = "fall",
	    .kind = CONF_INT,
	    .low = 1,
	    .high = 1000,
	    .fallback = "3",
	    AT(fall) },
	{ 0 },
};
const struct conf_table check_common_table = { .what = "a check",
	.fields = common_fields };

/* Looking costs nothing, so it is done often, and cannot take long. */
static const struct conf_field look_fields[] = {
	{ .key = "interval",
	    .kind = CONF_DURATION,
	    .low = 10,
	    .high = INT64_C(86400000),
	    .fallback = "1s",
	    AT(interval_ms) },
	{ .key = "grace",
	    .kind = CONF_DURATION,
	    .high = INT64_C(86400000),
	    AT(grace_ms) },
	{ 0 },
};
const struct conf_table check_look_table = { .what = "a check",
	.fields = look_fields };
