// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * removal - is it believed that so many hosts are gone?
 *
 * One host's end is believed whatever its size. Where several end within
 * a window, and with them more than a share of all instances of others, it is
 * more likely that who tells of it is wrong, and all of them are held. Pure.
 */
#include <stdbool.h>
#include <stdint.h>

#define REMOVAL_ENDS_MAX 64

struct removal {
	int share_percent; /* 100: everything is believed */
	int64_t within_ms;
	/* private: ends that were believed */
	struct {
		int64_t at_ms;
		unsigned instance_n;
	} ends[REMOVAL_ENDS_MAX];
	unsigned end_n;
};

/*
 * node_n hosts with instance_n of known_n instances (of other hosts, what
 * ends included) end now. True: so be it, and they count from now on.
 */
bool removal_is_believed(struct removal *g, int64_t now_ms, unsigned node_n,
    unsigned instance_n, unsigned known_n);
