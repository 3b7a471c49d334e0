// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * prometheus_impl - private to registrar/http/prometheus/.
 *
 *	prometheus.c          the table of routes
 *	prometheus_metrics.c  what is counted
 *	prometheus_sd.c       targets
 */
#include "registrar/http/prometheus/prometheus.h"

void prometheus_get_metrics(struct http_request *q);
void prometheus_get_targets(struct http_request *q);
