// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * api - our own API, /api/v1, as openapi.yaml describes it.
 */
#include "registrar/http/http.h"

extern const struct http_api api_http;

/*
 * /api/v1/overview, put into out as another type by one who has the route. o
 * is borrowed; search: "" for all.
 */
typedef void (*api_put_fn)(struct evbuffer *out, json_t *o, const char *search);
void api_overview_as(struct http_request *q, const char *type, api_put_fn put);
