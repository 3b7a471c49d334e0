// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * looping - do those who are asked ask us, be it through others?
 *
 * Now and then a name is asked for that nobody else can know. Who asks us for
 * it has it from us, so everything would come back: then nothing is passed
 * on, until such a name stays away.
 */
#include "dnsd/forward/pending.h"

struct looping {
	bool is_possible; /* there are upstreams for everything */
	bool is_wanted;   /* something was asked since the last one */
	bool has_come;    /* the name that is under way, to us */
	bool is_found;
	uint64_t id; /* of the question; 0: none is under way */
	int64_t due_ms;
	uint8_t name[33];
	size_t name_len;
};

/* Is it that name? Then it is noted. */
bool looping_is(struct looping *l, const struct subject *s);

/*
 * Now and then, with the lock of p. True: *ret_s is to be asked, and its
 * question's id to be put into l->id.
 */
bool looping_step(struct looping *l, struct pending *p, int64_t now_mono_ms,
    struct subject *ret_s);
