// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/http/access.h"

#include <string.h>

static const char *const right_names[ACCESS_RIGHT_N] = { "read", "write",
	"operate", "exec" };

const char *access_right_name(unsigned right)
{
	for (unsigned k = 0; k < ACCESS_RIGHT_N; k++) {
		if (right & 1u << k)
			return right_names[k];
	}
	return "none";
}

static unsigned word_rights(const char *word, size_t len)
{
	for (unsigned k = 0; k < ACCESS_RIGHT_N; k++) {
		if (strlen(right_names[k]) == len &&
		    memcmp(word, right_names[k], len) == 0)
			return 1u << k;
	}
	return 0;
}

bool access_parse_rights(const char *text, unsigned *ret_rights)
{
	*ret_rights = 0;
	if (!strcmp(text, "none"))
		return true;
	if (!strcmp(text, "all")) {
		*ret_rights = ACCESS_ALL;
		return true;
	}
	for (const char *at = text;;) {
		size_t len = strcspn(at, ",");
		unsigned right = word_rights(at, len);

		if (!right)
			return false;
		*ret_rights |= right;
		if (!at[len])
			return true;
		at += len + 1;
	}
}

bool access_may(
    const struct access_who *who, unsigned right, const char *service)
{
	const struct access_rule *best = NULL;
	size_t best_len = 0;

	for (unsigned k = 0; k < who->rule_n; k++) {
		const struct access_rule *r = &who->rules[k];
		size_t len = strlen(r->prefix);

		if (!service) {
			if (r->rights & right)
				return true;
			continue;
		}
		if (strncmp(service, r->prefix, len) != 0 ||
		    (best && len < best_len))
			continue;
		best = r;
		best_len = len;
	}
	return best && best->rights & right;
}
