// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * match - what others said against the pattern of a definition.
 *
 * POSIX extended regular expressions (ere.h) in PCRE2's hands. A match reads
 * the text once, octet by octet, with all ways to match at the same time: so
 * it takes time in proportion to the text, and what it takes for each octet is
 * counted. A text that asks for more than MATCH_COST_MAX, some 30 ms, is given
 * up: whoever sends the text chooses it, and the loop waits meanwhile.
 */
#include "schema/base/diag.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MATCH_COST_MAX 10000000 /* of one text; some 3 ns each */
#define MATCH_GROUPS 10         /* with the whole match, as [0] */

struct match;

struct match_span {
	size_t at, len; /* 0, 0: this group has no part in the match */
};

/*
 * -EINVAL: it is no pattern, or asks for too much memory; reterr says why.
 * `groups`: match_groups() will be asked, and patterns of which it is not sure
 * what POSIX would give to each group are refused.
 */
int match_new(const char *pattern, bool groups, struct match **ret_m,
    struct diag *reterr);
void match_free(struct match *m);
unsigned match_group_n(const struct match *m);

/*
 * 1: the len octets match, 0: they do not, -E2BIG: it would cost too much to
 * know. They may hold NUL, and need none at their end.
 */
int match_run(struct match *m, const char *text, size_t len);

/* As match_run(), with the leftmost and of these the longest match. */
int match_groups(struct match *m, const char *text, size_t len,
    struct match_span ret_at[MATCH_GROUPS]);

/* For messages: "do not match", "cost too much to compare with". */
const char *match_word(int result);

/* match_run() of a pattern that is known to be one. */
int match_regex(const char *pattern, const char *text, size_t len);
