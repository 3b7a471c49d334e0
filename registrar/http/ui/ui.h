// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * ui - the page at /ui/: files that ask the API, from the browser; and below
 * /ui/plain what a browser without JavaScript can show.
 */
#include "registrar/http/http.h"

extern const struct http_api ui_http;

/* Headers of whatever it sends. */
void ui_set_headers(struct http_request *q);

/* ui_plain.c: tables without JavaScript. */
void ui_get_plain(struct http_request *q);
void ui_get_plain_service(struct http_request *q);
