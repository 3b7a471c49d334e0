// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * consul_impl - private to registrar/http/consul/.
 *
 *	consul.c          the table of routes, what has no meaning here
 *	consul_wait.c     blocking queries and their headers
 *	consul_view.c     a service as Consul shows it
 *	consul_walk.c     all services, piece by piece
 *	consul_names.c    when names and tags have changed
 *	consul_filter.c   ?filter
 *	consul_find.c     which instance has an ID
 *	consul_register.c in and out
 *	consul_report.c   reports on ttl checks, maintenance
 *	consul_read.c     what is asked about one service
 *	consul_all.c      what is asked about all of them
 */
#include "registrar/http/consul/consul.h"
#include "registrar/lib/json.h"

#define CONSUL_DATACENTER "dc1"

/* ---- consul_wait.c ----------------------------------------------------- */

/*
 * The headers of an answer about the service (NULL: all of them), and waiting,
 * if the index is the one that was asked with. True: it is held, or failed.
 */
bool consul_waits(struct http_request *q, const char *service);
/* The same of names and tags alone. */
bool consul_waits_for_names(struct http_request *q);
/* "1m30s", "500ms"; false: it is no duration of Go's. */
bool consul_duration(const char *text, int64_t *ret_ms);
/* Of another datacenter, or partition: failed, and true. */
bool consul_is_elsewhere(struct http_request *q);

/* ---- consul_names.c ---------------------------------------------------- */

/* When the last of them changed: at least 1. */
int64_t consul_names_revision(
    struct consul_names *n, struct registry *r, const char *zone);

/* ---- consul_view.c ----------------------------------------------------- */

/*
 * The instances of a service, a list of what /v1/health/service shows, each
 * with "_Mine", whether it is of this host, "_Name" of the instance, "_State"
 * as explain has it, and "_Reason". Empty if it is not there.
 */
int consul_view(struct http_request *q, struct registry *r, const char *service,
    json_t **ret_list, struct diag *reterr);
/* Of one of them, new objects: as the catalog, and the agent, show it. */
json_t *consul_catalog_entry(const json_t *entry);
json_t *consul_agent_entry(const json_t *entry);
/* The worst of its checks: "passing", "warning", "critical". */
const char *consul_status(const json_t *entry);
/* This host's name; in the request's arena. */
const char *consul_host(struct http_request *q, struct registry *r);
json_t *consul_node(const char *name, const char *address);
/* A text in one of its objects; "". */
const char *consul_text(
    const json_t *entry, const char *object, const char *key);

/* ---- consul_find.c ----------------------------------------------------- */

/* Of metadata: an ID that is none that we would make; not shown as such. */
#define CONSUL_ID_KEY "consul-id"
struct consul_found {
	const char *service, *instance; /* in the request's arena */
	json_t *entry;                  /* the caller's */
};
/* Of the zone; false: the request has failed. */
bool consul_find(
    struct http_request *q, const char *id, struct consul_found *ret_f);

/* ---- consul_register.c, consul_report.c -------------------------------- */

/* For http_write(): 200 without a body. */
void consul_was_written(
    struct http_request *q, int error, const struct diag *why, void *arg);
void consul_ignore_check(void *arg, const struct check_row *row);

/* ---- consul_filter.c --------------------------------------------------- */

struct consul_filter;
/* Lives in a. -EINVAL: it is none. */
int consul_filter_parse(const char *text, struct arena *a,
    struct consul_filter **ret_f, struct diag *reterr);
/* -EINVAL: it is about a field that o does not have. */
int consul_filter_match(const struct consul_filter *f, const json_t *o,
    bool *ret_matches, struct diag *reterr);
/* Takes what does not match ?filter out. False: the request has failed. */
bool consul_filter(struct http_request *q, json_t *list_or_map);

/* ---- consul_walk.c ----------------------------------------------------- */

/*
 * Calls add for each instance of all services that may be seen, in pieces;
 * what it puts into `into`, a list or a map, is written and emptied; end, if
 * not NULL, adds what is known in the end. Filters hold for what is written.
 */
struct consul_walker {
	bool map; /* else a list */
	void (*add)(void *state, const json_t *entry, json_t *into);
	/* of a service with all its instances; in place of add */
	void (*add_all)(void *state, const char *service, const json_t *entries,
	    json_t *into);
	void (*end)(void *state, json_t *into);
};
/* text: what the request asks about, for add; it is copied. */
void consul_walk(struct http_request *q, const struct consul_walker *walker,
    const char *text);
/* Of a state: that text, and a map for whatever add wants to remember. */
const char *consul_walk_text(const void *state);
json_t *consul_walk_memory(void *state);

/* ---- routes ------------------------------------------------------------ */

void consul_get_health_service(struct http_request *q);
void consul_get_health_checks(struct http_request *q);
void consul_get_catalog_service(struct http_request *q);
void consul_get_agent_health_name(struct http_request *q);

void consul_get_services(struct http_request *q);
void consul_get_nodes(struct http_request *q);
void consul_get_node(struct http_request *q);
void consul_get_node_services(struct http_request *q);
void consul_get_health_node(struct http_request *q);
void consul_get_health_state(struct http_request *q);
void consul_get_agent_services(struct http_request *q);
void consul_get_agent_checks(struct http_request *q);

void consul_get_agent_service(struct http_request *q);
void consul_get_agent_health_id(struct http_request *q);
void consul_put_register(struct http_request *q);
void consul_put_deregister(struct http_request *q);
void consul_put_maintenance(struct http_request *q);
void consul_put_pass(struct http_request *q);
void consul_put_warn(struct http_request *q);
void consul_put_fail(struct http_request *q);
void consul_put_update(struct http_request *q);
