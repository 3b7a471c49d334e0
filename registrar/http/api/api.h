// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * api - our own API, /api/v1, as openapi.yaml describes it.
 */
#include "registrar/http/http.h"

extern const struct http_api api_http;
