// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * server - sockets, connections, and what bounds them.
 *
 * At most so many connections, and so many of a peer: where there are more,
 * the one that was idle for longest makes room. A request has HEADER_MS to
 * arrive from its first octet on; a reply goes on as long as some of it is
 * read each STALL_MS.
 */
#include "schema/base/diag.h"

struct event_base;
struct http;
struct http_api;
struct serve_options;

/* Borrows all. */
struct http *http_new(struct event_base *base, const struct serve_options *o);
/* Listens on text, where apis are shown; those are borrowed, with NULL. */
int http_listen(struct http *h, const char *text,
    const struct http_api *const *apis, struct diag *reterr);
/* No more connections; what is held is answered with 503. */
void http_stop(struct http *h);
void http_free(struct http *h);
