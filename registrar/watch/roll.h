// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * roll - what DNS says of a service, as JSON: its instances that are in answers
 * of addresses, with what is known of them, sorted by name.
 *
 *	{"service": "web", "zone": "svc.internal", "instances": [
 *		{"name": "one", "address": "10.0.0.1", "port": 8080,
 *		 "weight": 100, "priority": 0, "locality": "", "state":
 *"passing", "tags": ["v2"], "meta": {"version": "2"}}]}
 */
#include "registrar/lib/json.h"
#include "schema/base/diag.h"

#include <stdint.h>

struct registry;

/*
 * The caller's. A service that is not there has no instances. *ret_until: when
 * time alone may change it; 0: never.
 */
int roll_read(struct registry *r, const char *zone, const char *service,
    int64_t now_wall_ms, json_t **ret_roll, int64_t *ret_until_wall_ms,
    struct diag *reterr);
