// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * options - what the command line and rollcall.yaml say to dnsd.
 *
 * Plain data, filled by options.c from its table. Strings live in the arena
 * that main owns, to the end of the process.
 */
#include "schema/base/log.h"
#include "schema/conf/options.h"
#include "schema/sandbox/sandbox.h"

enum denied { DENIED_REFUSE, DENIED_DROP };

struct options {
	const char *registry;       /* path of registry.db */
	struct conf_strings zones;  /* "svc.internal" */
	const char *state;          /* directory; NULL: the registry's */
	const char *zone_directory; /* of master files; NULL: none */
	struct conf_strings listen; /* ADDRESS:PORT */
	struct conf_strings ns;     /* names of name servers; first: MNAME */
	struct conf_strings ns_addresses; /* of those inside a zone */
	const char *hostmaster;           /* RNAME; NULL: hostmaster.ZONE */
	const char *identity;            /* of NSID and id.server; NULL: none */
	const char *version;             /* to version.bind; "": refused */
	int64_t ttl_ms, negative_ttl_ms; /* of whole seconds */
	int max_answers; /* 0: all, or TC; 65535: all that fit */
	int workers;     /* 0: one for each core */
	int udp_size;
	struct conf_strings listen_tls; /* ADDRESS:PORT */
	const char *tls_cert, *tls_key; /* paths of PEM files, or NULL */
	int tcp_connections;
	int64_t tcp_idle_ms;
	const char *http;    /* ADDRESS:PORT of /metrics; NULL: none */
	int metric_services; /* that have metrics of their own */
	int outside;         /* enum outside */
	struct conf_strings allow_recursion; /* networks; none: own ones */
	/* where names of others are asked: forward/ */
	struct conf_strings upstreams;      /* "system", or all of one kind */
	struct conf_strings upstream_zones; /* NAME=UPSTREAM each */
	const char *resolv_conf;            /* that `system` begins with */
	const char *upstream_ca;            /* of those over TLS; PEM */
	bool recursion;      /* from the root, without upstreams */
	int outside_cache;   /* MiB */
	int recursion_limit; /* questions of one network under way */
	int validation;      /* DNSSEC: 0 or 1 */
	const char *trust_anchor, *root_hints; /* files; or NULL: built in */
	struct conf_strings negative_trust_anchors; /* names */
	struct conf_strings special_names_out;      /* asked of others */
	int64_t serve_stale_ms;                     /* 0: never */
	int64_t outside_min_ttl_ms, outside_max_ttl_ms;
	/* whom to answer, and how often: policy.h */
	int cookies;                      /* enum cookie_mode */
	const char *cookie_secrets;       /* path; NULL: drawn */
	struct conf_strings allow_query;  /* networks; none: everybody */
	int denied;                       /* enum denied */
	struct conf_strings limit_exempt; /* networks */
	int limit_ipv4_bits, limit_ipv6_bits;
	int query_limit, query_burst; /* a second, at once; 0: none, as limit */
	int rrl;                      /* a second; -1: not set */
	int rrl_negative, rrl_errors; /* -1: as rrl */
	int rrl_window_s, rrl_slip, rrl_leak;
	bool check;     /* say whether the options are right, and end */
	int sandbox;    /* enum sandbox_mode */
	int log_level;  /* enum log_level */
	int log_format; /* enum log_format */
};

/* The table; for options_parse(). */
extern const struct options_spec dnsd_options;
