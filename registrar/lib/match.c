// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/lib/match.h"

#include <regex.h>
#include <stdlib.h>

bool match_regex(const char *pattern, const char *text, size_t len)
{
	regmatch_t all = { .rm_so = 0, .rm_eo = (regoff_t)len };
	regex_t re;

	if (regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB))
		abort(); /* the definition has compiled it: out of memory */
	int r = regexec(&re, text, 1, &all, REG_STARTEND);

	regfree(&re);
	return r == 0;
}
