// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/target.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

static int bad(const char *text, const char *expected, struct diag *reterr)
{
	return diag_set(
	    reterr, -EINVAL, "found '%s', expected %s", text, expected);
}

int target_parse(const char *text, const char *zone, struct arena *a,
    struct target *ret_t, struct diag *reterr)
{
	static const char expected[] = "SERVICE or SERVICE/INSTANCE";
	char *service = arena_strdup(a, text);

	for (char *p = service; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	char *slash = strchr(service, '/');
	if (slash)
		*slash = '\0';
	size_t len = strlen(service);
	if (len > 1 && service[len - 1] == '.')
		service[len - 1] = '\0';
	char *dot = strchr(service, '.');
	if (dot)
		*dot = '\0';
	if (!*service || (dot && !dot[1]) || (slash && !slash[1]))
		return bad(text, expected, reterr);
	*ret_t = (struct target){
		.zone = dot ? dot + 1 : zone,
		.service = service,
		.instance = slash ? slash + 1 : NULL,
	};
	return 0;
}

int target_parse_instance(const char *text, const char *zone, struct arena *a,
    struct target *ret_t, struct diag *reterr)
{
	struct target t;

	if (target_parse(text, zone, a, &t, NULL) < 0 || !t.instance)
		return bad(text, "SERVICE/INSTANCE", reterr);
	*ret_t = t;
	return 0;
}
