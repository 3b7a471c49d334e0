// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * recipe - options as libunbound reads them: a text of unbound.conf(5).
 *
 * Everything in it is made of what the table of options has checked, so that
 * no value can say more than its own line.
 */
/*
 * The TTL that records have which are over and given all the same, as nobody
 * else has them: beyond outside_max_ttl, so no others have it.
 */
enum { RECIPE_STALE_MARK_S = 1 << 30 };

struct conf_strings;
struct options;

/*
 * upstreams: checked, none of them `system`. The caller frees. Never NULL;
 * with neither upstreams nor o->recursion it has nobody to ask.
 */
char *recipe_text(
    const struct options *o, const struct conf_strings *upstreams);
