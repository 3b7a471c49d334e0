// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * ui - the page at /ui/: files that ask the API, from the browser.
 */
#include "registrar/http/http.h"

extern const struct http_api ui_http;
