// SPDX-License-Identifier: BSD-2-Clause
/*
 * A new kind of check is a file beside this one, and a row here.
 */
#include "registrar/definition/definition_parts.h"

#include <string.h>

const struct check_type *const check_types[CHECK_KIND_N] = {
	[CHECK_TCP] = &check_type_tcp,
	[CHECK_HTTP] = &check_type_http,
	[CHECK_EXEC] = &check_type_exec,
	[CHECK_TTL] = &check_type_ttl,
	[CHECK_UDP] = &check_type_udp,
	[CHECK_DNS] = &check_type_dns,
	[CHECK_FILE] = &check_type_file,
	[CHECK_ICMP] = &check_type_icmp,
	[CHECK_POSTGRES] = &check_type_postgres,
	[CHECK_REDIS] = &check_type_redis,
	[CHECK_ALIAS] = &check_type_alias,
	[CHECK_GRPC] = &check_type_grpc,
	[CHECK_H2PING] = &check_type_h2ping,
};

const struct check_type *check_type_find(const char *name)
{
	for (unsigned i = 0; i < CHECK_KIND_N; i++) {
		if (strcmp(check_types[i]->name, name) == 0)
			return check_types[i];
	}
	return NULL;
}

const char *check_kind_name(enum check_kind k)
{
	return check_types[k]->name;
}
