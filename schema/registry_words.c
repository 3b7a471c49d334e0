// SPDX-License-Identifier: BSD-2-Clause
/*
 * The words of the registry's enumerations, as they stand in the tables, and
 * what follows from the columns of one row.
 */
#include "schema/registry.h"

#include <errno.h>
#include <string.h>

static const char *const health_names[HEALTH_N] = {
	[HEALTH_STARTING] = "starting",
	[HEALTH_PASSING] = "passing",
	[HEALTH_WARNING] = "warning",
	[HEALTH_CRITICAL] = "critical",
	[HEALTH_DEAD] = "dead",
};

static const char *const mode_names[MODE_N] = {
	[MODE_ACTIVE] = "active",
	[MODE_DRAINING] = "draining",
	[MODE_MAINTENANCE] = "maintenance",
};

static const char *const on_empty_names[ON_EMPTY_N] = {
	[ON_EMPTY_NODATA] = "nodata",
	[ON_EMPTY_NXDOMAIN] = "nxdomain",
	[ON_EMPTY_ALL] = "all",
};

static const char *const drain_step_names[DRAIN_STEP_N] = {
	[DRAIN_NONE] = "none",
	[DRAIN_WAITING] = "waiting",
	[DRAIN_HOOK] = "hook",
	[DRAIN_DONE] = "done",
	[DRAIN_FAILED] = "failed",
};

static int find_word(const char *const *words, int n, const char *word)
{
	for (int i = 0; i < n; i++) {
		if (!strcmp(words[i], word))
			return i;
	}
	return -EINVAL;
}

const char *health_name(enum health h)
{
	return health_names[h];
}

int health_parse(const char *word, enum health *ret_h)
{
	int i = find_word(health_names, HEALTH_N, word);

	if (i < 0)
		return i;
	*ret_h = (enum health)i;
	return 0;
}

const char *mode_name(enum mode m)
{
	return mode_names[m];
}

int mode_parse(const char *word, enum mode *ret_m)
{
	int i = find_word(mode_names, MODE_N, word);

	if (i < 0)
		return i;
	*ret_m = (enum mode)i;
	return 0;
}

const char *on_empty_name(enum on_empty e)
{
	return on_empty_names[e];
}

int on_empty_parse(const char *word, enum on_empty *ret_e)
{
	int i = find_word(on_empty_names, ON_EMPTY_N, word);

	if (i < 0)
		return i;
	*ret_e = (enum on_empty)i;
	return 0;
}

const char *drain_step_name(enum drain_step s)
{
	return drain_step_names[s];
}

int drain_step_parse(const char *word, enum drain_step *ret_s)
{
	int i = find_word(drain_step_names, DRAIN_STEP_N, word);

	if (i < 0)
		return i;
	*ret_s = (enum drain_step)i;
	return 0;
}

int instance_row_passing_weight(const struct instance_row *row)
{
	return row->is_overridden ? row->weight_override : row->weight;
}
