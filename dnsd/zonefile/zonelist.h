// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * zonelist - which zone files there are: NAME.zone, but not .NAME.zone.
 */
#define ZONE_SUFFIX ".zone"

struct zonelist {
	char **file; /* sorted */
	unsigned n;
};

/* -E..: the directory cannot be read. Release it otherwise. */
int zonelist_read(struct zonelist *ret_l, int dir_fd);
void zonelist_release(struct zonelist *l);
