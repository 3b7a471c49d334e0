// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * consul - Consul's HTTP API, as far as it is about discovery.
 *
 * A service is a service of the zone, a node is a host, the datacenter is
 * dc1. What an instance's checks say together is what DNS goes by: critical is
 * who is in no answer. An index is the revision of the last change of what is
 * shown.
 */
#include "registrar/http/http.h"

extern const struct http_api consul_http;

/* What is kept beside the registry: names and tags that have changed. */
struct consul_names;
struct consul_names *consul_names_new(struct feed *f);
/* NULL is ignored. */
void consul_names_free(struct consul_names *n);
