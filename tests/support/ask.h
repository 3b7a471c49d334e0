// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * ask - requests for tests, made with ldns and not with our own code.
 */
#include "tests/support/reply.h"
#include "tests/support/world.h"

enum { ASK_COOKIE_MAX = 64 };

struct ask {
	const char *name; /* presentation format; its case is kept */
	uint16_t id, type, class;
	bool rd, cd, ad;
	bool edns, dnssec_ok, nsid, keepalive, padding;
	uint8_t version;
	uint16_t udp_len;
	uint8_t cookie[ASK_COOKIE_MAX]; /* data of a COOKIE option */
	size_t cookie_len;              /* 0: none */
	enum transport via;
};

enum { ASK_MAX = 512, ASK_NAME_MAX = 1024 };

/*
 * "web.svc.test A", then any of: rd cd ad do nsid keepalive padding tcp tls
 * edns=1232 version=1 class=CH cookie=HEX. The name is kept in ret_name. Ends
 * the program if it is wrong.
 */
void ask_parse(
    struct ask *ret_a, char ret_name[ASK_NAME_MAX], const char *text);
size_t ask_build(const struct ask *a, uint8_t ret_msg[ASK_MAX]);

/* Both, and world_handle(). The request is kept in ret_msg. */
size_t ask_world(struct world *w, const char *text, uint8_t ret_msg[ASK_MAX]);

/* The same, and the response as reply_text() tells it; the caller frees. */
char *ask_text(struct world *w, const char *text);

/*
 * The same with EDNS of that size, decoded; release ret_r. Ends the program
 * when OPT is missing or not asked for.
 */
enum { ASK_NO_EDNS = 0 };
void ask_reply(struct world *w, struct reply *ret_r, const char *question,
    unsigned size, enum transport via);
