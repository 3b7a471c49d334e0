// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/report/target.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

static int bad(const char *text, const char *expected, struct diag *reterr)
{
	return diag_set(
	    reterr, -EINVAL, "found '%s', expected %s", text, expected);
}

/* Ends the text at the first c; what is behind it, or NULL without a c. */
static const char *split(char *text, char c)
{
	char *at = strchr(text, c);

	if (!at)
		return NULL;
	*at = '\0';
	return at + 1;
}

int target_parse(const char *text, const char *zone, struct arena *a,
    struct target *ret_t, struct diag *reterr)
{
	char *service = arena_strdup(a, text);

	for (char *p = service; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	const char *instance = split(service, '/');
	size_t len = strlen(service);

	if (len && service[len - 1] == '.')
		service[len - 1] = '\0';
	const char *own = split(service, '.');

	if (!*service || (own && !*own) || (instance && !*instance))
		return bad(text, "SERVICE or SERVICE/INSTANCE", reterr);
	*ret_t = (struct target){
		.zone = own ? own : zone,
		.service = service,
		.instance = instance,
	};
	return 0;
}

int target_parse_instance(const char *text, const char *zone, struct arena *a,
    struct target *ret_t, struct diag *reterr)
{
	struct target t = { 0 };

	if (target_parse(text, zone, a, &t, NULL) < 0 || !t.instance)
		return bad(text, "SERVICE/INSTANCE", reterr);
	*ret_t = t;
	return 0;
}

bool target_is_on_node(
    const struct instance_row *row, const char *node, const char *host)
{
	static const char before[] = "registrar/";

	if (*row->node)
		return !strcmp(row->node, node);
	if (!strcmp(host, node))
		return true;

	return !strncmp(row->source, before, sizeof(before) - 1) &&
	       !strcmp(row->source + sizeof(before) - 1, node);
}
