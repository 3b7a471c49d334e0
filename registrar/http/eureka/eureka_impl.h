// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * eureka_impl - private to registrar/http/eureka/.
 *
 *	eureka.c           the table of routes
 *	eureka_read.c      applications and instances
 *	eureka_register.c  in, renewed, and out
 *	eureka_xml.c       the same objects as XML
 */
#include "registrar/http/eureka/eureka.h"
#include "registrar/lib/json.h"

struct evbuffer;

/* ---- eureka_xml.c ------------------------------------------------------ */

/*
 * An element of that name: members are elements, "@x" attributes, "$" the
 * text, and each item of a list an element.
 */
void eureka_xml(struct evbuffer *out, const char *name, const json_t *value);

/* ---- eureka_read.c ----------------------------------------------------- */

/* The service of an application or a VIP; in the request's arena. */
const char *eureka_service(struct http_request *q, const char *app);
/* Of metadata: an ID that is no label. */
#define EUREKA_ID_KEY "eureka-id"

void eureka_get_apps(struct http_request *q);
void eureka_get_app(struct http_request *q);
void eureka_get_vip(struct http_request *q);
void eureka_get_instance(struct http_request *q);

/* ---- eureka_register.c ------------------------------------------------- */

void eureka_post(struct http_request *q);
void eureka_put(struct http_request *q);
void eureka_delete(struct http_request *q);
void eureka_put_status(struct http_request *q);
void eureka_delete_status(struct http_request *q);
