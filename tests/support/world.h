// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * world - a catalog to ask questions of, built from a few lines of text.
 *
 * Services go through compile_begin(), _add(), _meta() and _finish(), as in
 * the daemon. One item a line, words between blanks; a line that is wrong
 * ends the program and is shown.
 *
 *	zone svc.test [ttl 5] [negative 2] [max N] [hostmaster NAME]
 *	record OWNER TTL TYPE RDATA...
 *	service web [protocol tcp] [port 8080] [ttl N] [max N] [empty nodata]
 *	    [name N]
 *	port 9090 [name N] [protocol tcp]
 *	meta KEY VALUE
 *	data TYPE RDATA...
 *	tag WORD
 *	instance i1 192.0.2.1 [six 2001:db8::1] [port N] [priority N]
 *	    [weight N] [warning N] [health passing] [mode active] [lease MS]
 *
 * (an instance stands in one line). A zone has SOA, NS ns1 and the addresses
 * of ns1; `record` adds to the zone that was named last, names without final
 * dot are below it, `service` is in it: not in one below in-addr.arpa or
 * ip6.arpa. `meta`, `data`, `tag` and `port` belong to the service or instance
 *before; `data` is a record of it, as an owner of its own would have it. A
 *service that is there already is replaced.
 */
#include "dnsd/message/data/zone_build.h"
#include "dnsd/message/handle.h"
#include "dnsd/registry/compile.h"
#include "dnsd/transport/address.h"

enum { WORLD_ZONES_MAX = 16 };

struct world {
	struct reclaim *reclaim;
	struct reclaim_reader *reader;
	struct catalog *catalog;
	struct compiler *compiler;
	struct handler *handler; /* its draws are reproducible */
	struct identity identity;
	struct policy policy; /* of slot; open to all, without cookies */
	struct policy_slot slot;
	union peer peer; /* who asks: 192.0.2.200 */
	int64_t now_wall_ms;
	struct zone *zone;        /* named last */
	struct zone_build *build; /* its static records */
	struct {
		struct zone *zone;
		struct zone_build *build;
	} zones[WORLD_ZONES_MAX];
	unsigned zone_n;
	char zone_name[256];
	bool in_service;
	bool left_out;              /* the instance added last */
	struct compile_result last; /* of the service finished last */
	uint8_t response[WIRE_MESSAGE_MAX + RESPOND_SLACK];
	size_t response_len;
};

enum { WORLD_NOW_WALL_MS = 1000000, WORLD_UDP_MAX = 1232 };

/* Never NULL. With one reader, or for tests of threads with several. */
struct world *world_new(const char *text);
struct world *world_new_readers(const char *text, unsigned reader_n);
void world_add(struct world *w, const char *text);
void world_free(struct world *w);

/* The service named so in the zone named last; NULL: there is none. */
const struct service *world_find(const struct world *w, const char *name);
bool world_remove(struct world *w, const char *name);

/* One request through handle_batch(); the response is in w. */
void world_handle(
    struct world *w, const uint8_t *msg, size_t len, enum transport via);
