// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * ere - POSIX extended regular expressions as PCRE2 writes them.
 *
 * Definitions have always been matched as the C library matches (regcomp(3)
 * with REG_EXTENDED, in the C locale): octets, "." is all but NUL, "^" and "$"
 * are the ends of the text, `\w \W \s \S \b \B \< \> \` \'` are known. What
 * comes out means the same. What POSIX leaves undefined is refused, so that
 * nobody takes `\d` for a digit.
 *
 * Pure: text in, text out.
 */
#include <stdbool.h>

#define ERE_MAX 512         /* octets of a pattern */
#define ERE_MAX_REPEAT 1000 /* product of all counts of one pattern */
#define ERE_MAX_DEPTH 20

struct ere {
	char *perl;       /* on the heap */
	unsigned group_n; /* of "(" */
	/*
	 * Two branches of one alternation may begin with the same octet, or
	 * one that is not the last may be empty: which of them a group gets is
	 * not the same in both grammars.
	 */
	bool doubtful;
};

/* NULL, or why it is none: a static text. */
const char *ere_read(const char *pattern, struct ere *ret_e);
