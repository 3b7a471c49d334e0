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
		const void *who;
		unsigned instance_n;
	} ends[REMOVAL_ENDS_MAX];
	unsigned end_n;
};

/*
 * node_n hosts with instance_n of known_n instances (of other hosts, those that
 * end included) end now: so be it? Each that does is added then.
 */
bool removal_is_believed(struct removal *g, int64_t now_ms, unsigned node_n,
    unsigned instance_n, unsigned known_n);
/* who is compared, never looked at. */
void removal_add(
    struct removal *g, int64_t now_ms, const void *who, unsigned instance_n);
/* It is back: its end counts no more. */
void removal_take_back(struct removal *g, const void *who);
