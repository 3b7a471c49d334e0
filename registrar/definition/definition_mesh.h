// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * definition_mesh - `mesh:` of a service: as whom it runs, whom it calls, who
 * may call it, and how calls are made.
 *
 * The same keys are in the column `mesh` of the registry, as JSON, whoever
 * wrote them there; both are read by one table. Plain data in an arena.
 */
#include "registrar/definition/definition.h"

enum mesh_protocol { MESH_HTTP, MESH_TCP, MESH_GRPC };
const char *mesh_protocol_name(enum mesh_protocol p); /* "http" ... */

/* Who may call: all of what is given has to fit. */
struct mesh_caller {
	const char *zone, *service;
	struct conf_strings methods; /* "GET"; none: all */
	/* "/metrics", or "/api/" and a star for all below it; none: all */
	struct conf_strings paths;
};

struct mesh_retry {
	int attempts; /* beyond the first */
	/* of HAProxy's retry-on: "conn-failure", "503" ... */
	struct conf_strings on;
};

struct mesh_timeout {
	int64_t connect_ms, idle_ms, queue_ms;
};

struct mesh_limit {
	int connections; /* at a time, to one instance; 0: any number */
	int pending;     /* that wait for one of these; 0: any number */
	int rate;        /* requests a second of one caller; 0: any number */
};

struct mesh_eject {
	int errors; /* in a row; 0: never */
	int64_t retry_ms;
};

#define MESH_BASE_PORT 15000 /* of a sidecar whose service names none */

struct mesh_policy {
	const char
	    *user; /* that the service runs as; NULL: it has no identity */
	const char *proxy_user; /* that its sidecar runs as */
	int port;               /* of the application; ROW_DEFAULT: its own */
	enum mesh_protocol protocol;
	int base_port; /* the ports of its sidecar: mesh_port() */
	const struct required_service *calls;
	unsigned call_n;
	bool is_closed; /* `allow` is there: nobody else may call */
	const struct mesh_caller *allow;
	unsigned allow_n;
	struct mesh_retry retry;
	struct mesh_timeout timeout;
	struct mesh_limit limit;
	struct mesh_eject eject;
};

/* Ports of a sidecar, beyond base_port. */
enum mesh_port { MESH_OUTBOUND = 1, MESH_INBOUND = 6, MESH_METRICS = 9 };

/*
 * text: the column. -EINVAL: reterr says what is wrong with it. zone: of the
 * services that are named without one.
 */
int mesh_policy_parse(struct arena *a, const char *text, const char *zone,
    struct mesh_policy *ret_p, struct diag *reterr);
