// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * api_impl - private to registrar/http/api/.
 *
 *	api.c        the table of routes
 *	api_read.c   what there is
 *	api_watch.c  what changes
 *	api_overview.c  all of it in numbers, and what is wrong
 *	sums.c       each service in a few numbers, for that
 *	api_text.c   explain and history
 *	api_register.c  instances in, renewed, out
 *	api_operate.c   drain, resume, maintenance, weight; reports
 */
#include "registrar/http/api/api.h"
#include "registrar/report/status.h"
#include "registrar/report/target.h"

/* The first parts of the path: SERVICE[.ZONE], INSTANCE. False: failed. */
bool api_target(struct http_request *q, struct target *ret_t);

void api_put(struct evbuffer *out, const char *text);
void api_put_json(struct evbuffer *out, json_t *o); /* takes o over */

/* ?after=ZONE/SERVICE of a page. False: failed. */
bool api_after(struct http_request *q, struct registry_key *ret_key);

/* What a walk has shown, for told_judge(); all zero at first. */
struct api_scope {
	const char **sources, **zones;
	unsigned source_n, source_max, zone_n, zone_max;
};
void api_scope_zone(struct api_scope *s, struct arena *a, const char *zone);
void api_scope_source(struct api_scope *s, struct arena *a, const char *source);
void api_scope_sources(
    struct api_scope *s, struct arena *a, const struct status_report *report);
/* As status_told_json(). */
json_t *api_scope_told(const struct api_scope *s, struct arena *a,
    struct registry *r, const char *path);
void api_scope_release(struct api_scope *s);

void api_get_overview(struct http_request *q);
void api_get_programs(struct http_request *q);
void api_get_service(struct http_request *q);
void api_get_instance(struct http_request *q);
void api_get_services(struct http_request *q);
void api_get_status(struct http_request *q);
void api_get_watch(struct http_request *q);

void api_get_explain(struct http_request *q);
void api_get_history(struct http_request *q);
void api_put_instance(struct http_request *q);
void api_renew_instance(struct http_request *q);
void api_delete_instance(struct http_request *q);
void api_post_instance(struct http_request *q);
void api_post_service(struct http_request *q);
void api_put_check(struct http_request *q);
