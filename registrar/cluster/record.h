// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * record - rows of the registry as the texts that travel between hosts, and
 * the keys that they stand under.
 *
 *	/rollcall/v1/node/NODE/host                        who it is
 *	/rollcall/v1/node/NODE/service/ZONE/SERVICE
 *	/rollcall/v1/node/NODE/instance/ZONE/SERVICE/NAME
 *	/rollcall/v1/wish/NODE/ZONE/SERVICE/NAME           what operators want
 *	/skydns/internal/svc/SERVICE/NAME                  what is eligible
 *
 * '/', '%' and what does not print in NODE is %XX. No time of a clock travels:
 * of a drain it is what is left. Pure; what is read comes from others: its
 * form is judged here, the rules of its words are the registry's.
 */
#include "schema/base/arena.h"
#include "schema/registry.h"

#include <jansson.h>

#define RECORD_ROOT "/rollcall/v1/"
#define RECORD_NODES RECORD_ROOT "node/"
#define RECORD_WISHES RECORD_ROOT "wish/"
#define RECORD_PART_MAX 640 /* octets of a part of a key, with its NUL */

/* Of a key below RECORD_NODES. */
struct record_key {
	char node[256];
	char kind[16];              /* "host", "service", "instance" */
	char rest[RECORD_PART_MAX]; /* "ZONE/SERVICE/NAME"; "" of a host */
};
/* false: it is none of ours. */
bool record_key_parse(const char *key, struct record_key *ret_k);
/* Of a rest; name NULL: of a service. -EINVAL: it is none. */
struct record_name {
	char zone[256], service[128], name[128];
};
int record_name_parse(
    const char *rest, bool is_instance, struct record_name *ret_n);
/* "NODE/" as it stands in keys; in a. */
const char *record_node(struct arena *a, const char *node);

/* Texts on the heap. now_wall_ms: of the clock of the row. */
char *record_of_service(const struct service_row *row);
char *record_of_instance(const struct instance_row *row, int64_t now_wall_ms);

/*
 * Rows of another host, with texts in a. -EINVAL: it is no record. zone,
 * names and node are the caller's to set.
 */
int record_to_service(
    const char *text, struct arena *a, struct service_row *ret_row);
int record_to_instance(const char *text, struct arena *a, int64_t now_wall_ms,
    struct instance_row *ret_row);

/* What an operator of another host wants of an instance. */
struct record_wish {
	enum mode mode;
	bool is_overridden;
	int weight_override;
	int64_t at_wall_ms; /* of the clock there; to be acknowledged with */
	int64_t drain_left_ms, deadline_left_ms; /* 0: none */
	const char *from, *by, *why;             /* in a */
};
char *record_of_wish(const struct record_wish *w);
int record_to_wish(
    const char *text, struct arena *a, struct record_wish *ret_w);

/*
 * The keys of an instance in SkyDNS' layout, with their values, put into o:
 * one at its name, or one for each of two addresses; and one below
 * _PROTOCOL/_SERVICE for SRV.
 */
void record_skydns(
    json_t *o, const struct service_row *s, const struct instance_row *i);
