// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/message/stats.h"

static const char *const names[STAT_N] = {
	[STAT_UDP_REQUESTS] = "udp_requests",
	[STAT_TCP_REQUESTS] = "tcp_requests",
	[STAT_TLS_REQUESTS] = "tls_requests",
	[STAT_DROPPED] = "dropped",
	[STAT_NOERROR] = "noerror",
	[STAT_NODATA] = "nodata",
	[STAT_NXDOMAIN] = "nxdomain",
	[STAT_REFUSED] = "refused",
	[STAT_FORMERR] = "formerr",
	[STAT_NOTIMP] = "notimp",
	[STAT_SERVFAIL] = "servfail",
	[STAT_BADVERS] = "badvers",
	[STAT_BADCOOKIE] = "badcookie",
	[STAT_COOKIES] = "cookies",
	[STAT_DENIED] = "denied",
	[STAT_QUERIES_LIMITED] = "queries_limited",
	[STAT_RRL_DROPPED] = "rrl_dropped",
	[STAT_RRL_TRUNCATED] = "rrl_truncated",
	[STAT_RRL_LEAKED] = "rrl_leaked",
	[STAT_TRUNCATED] = "truncated",
	[STAT_SAMPLED] = "sampled",
	[STAT_DEFERRED] = "deferred",
	[STAT_LATER_FULL] = "later_full",
	[STAT_LATER_OVERDUE] = "later_overdue",
	[STAT_LATER_GONE] = "later_gone",
	[STAT_OUTSIDE_KEPT] = "outside_kept",
	[STAT_TCP_CONNECTIONS] = "tcp_connections",
	[STAT_TCP_REJECTED] = "tcp_rejected",
	[STAT_TCP_EXPIRED] = "tcp_expired",
	[STAT_TLS_CONNECTIONS] = "tls_connections",
	[STAT_TLS_RESUMED] = "tls_resumed",
	[STAT_TLS_FAILED] = "tls_failed",
	[STAT_ACCEPT_ERRORS] = "accept_errors",
	[STAT_SEND_ERRORS] = "send_errors",
};

const char *stat_name(enum stat s)
{
	return names[s];
}
