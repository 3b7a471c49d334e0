// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/forward/looping.h"

#include "schema/base/rng.h"

#include <string.h>

enum {
	EVERY_MS = 60000,
	WHILE_FOUND_MS = 5000,
	DRAWN = 16, /* octets of the name's first label */
};

bool looping_is(struct looping *l, const struct subject *s)
{
	bool is = l->name_len && s->len == l->name_len &&
	          !memcmp(s->name, l->name, s->len);

	l->has_come |= is;
	l->is_found |= is;
	return is;
}

static void draw_name(struct looping *l)
{
	static const uint8_t rest[] = "\15rollcall-loop";
	struct rng rng;

	rng_seed(&rng);
	l->name[0] = DRAWN;
	for (unsigned i = 1; i <= DRAWN; i++)
		l->name[i] = (uint8_t)('a' + rng_u32(&rng) % 26);
	memcpy(l->name + 1 + DRAWN, rest, sizeof(rest));
	l->name_len = 1 + DRAWN + sizeof(rest);
}

bool looping_step(struct looping *l, struct pending *p, int64_t now_mono_ms,
    struct subject *ret_s)
{
	if (l->id && !pending_by_id(p, l->id)) { /* it had its time */
		l->id = 0;
		l->is_found = l->has_come;
	}
	/* it may have come late, too */
	if (l->is_found && l->due_ms > now_mono_ms + WHILE_FOUND_MS)
		l->due_ms = now_mono_ms + WHILE_FOUND_MS;
	if (l->id || !l->is_possible || now_mono_ms < l->due_ms ||
	    !(l->is_wanted || l->is_found))
		return false;
	draw_name(l);
	l->is_wanted = l->has_come = false;
	l->due_ms = now_mono_ms + EVERY_MS;
	*ret_s = (struct subject){ l->name, l->name_len, TYPE_TXT };
	return true;
}
