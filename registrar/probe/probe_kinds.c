// SPDX-License-Identifier: BSD-2-Clause
/*
 * A new kind of check is a file beside this one, and a row here.
 */
#include "registrar/probe/probe.h"

const struct probe_ops *const probe_kinds[CHECK_KIND_N] = {
	[CHECK_TCP] = &probe_tcp_ops,
	[CHECK_HTTP] = &probe_http_ops,
	[CHECK_EXEC] = &probe_exec_ops,
	[CHECK_TTL] = &probe_ttl_ops,
	[CHECK_UDP] = &probe_udp_ops,
	[CHECK_DNS] = &probe_dns_ops,
	[CHECK_FILE] = &probe_file_ops,
	[CHECK_ICMP] = &probe_icmp_ops,
	[CHECK_POSTGRES] = &probe_postgres_ops,
	[CHECK_REDIS] = &probe_redis_ops,
	[CHECK_ALIAS] = &probe_alias_ops,
	[CHECK_GRPC] = &probe_grpc_ops,
	[CHECK_H2PING] = &probe_h2ping_ops,
};
