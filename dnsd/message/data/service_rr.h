// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * service_rr - every record that a zone has because of one service.
 *
 * What somebody who holds a copy of the zone would have of it: all eligible
 * instances in no order, weights as they are. Answers give the same, or a part
 * of it that was drawn. Addresses' own names lie in other zones (reverse.h).
 */
#include "dnsd/message/data/service.h"

/* Names are whole and in lower case. */
struct service_rr {
	const uint8_t *owner;
	uint16_t owner_len;
	uint16_t type, rdata_len;
	uint32_t ttl_s;
	const uint8_t *rdata;
};

/* A record is borrowed for the call. */
typedef void (*service_rr_fn)(void *arg, const struct service_rr *rr);

/*
 * Records of one owner and type need not come together; each comes once. The
 * last are the service's in `_services._dns-sd._udp.Z`, where they are some of
 * many: one for each protocol.
 */
void service_each_rr(const struct service *s, service_rr_fn fn, void *arg);
