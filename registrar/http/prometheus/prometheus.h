// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * prometheus - what Prometheus asks for: /metrics of the registry, targets by
 * http_sd (/api/v1/prometheus), and for balancers /health and /ready.
 */
#include "registrar/http/http.h"

extern const struct http_api prometheus_http;
