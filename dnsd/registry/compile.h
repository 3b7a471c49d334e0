// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * compile - rows of the registry to one service as it will be answered.
 *
 * Which instances are in an answer is for schema/eligible.h to say; here is
 * how it is laid out. Control thread.
 */
#include "schema/base/diag.h"
#include "schema/eligible.h"
#include "schema/registry.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct compiler;
struct service;
struct zone;

/* Never NULL. */
struct compiler *compiler_new(void);
void compiler_free(struct compiler *c);

/*
 * One service: begin, an add for each instance in the order of their names,
 * finish. Rows are borrowed for the call. zone: the one that row->zone names.
 * Metadata comes in pairs between begin and finish: of the service before the
 * first add, of an instance after its add.
 */
void compile_begin(struct compiler *c, const struct zone *zone,
    const struct service_row *row, int64_t now_wall_ms);
/* service_find_address() is wanted for it; between begin and finish. */
void compile_index_addresses(struct compiler *c);
/* False: left out, and so is its metadata. */
bool compile_add(struct compiler *c, const struct instance_row *row);
void compile_meta(struct compiler *c, const char *key, const char *value);
/* The same way; bad ones and those that nobody has are passed over. */
void compile_port(struct compiler *c, const struct port_row *row);
/*
 * The same way: a record of a type that is neither address nor SRV, as it is
 * sent; of S.Z or of I.S.Z.
 */
void compile_record(
    struct compiler *c, uint16_t type, const uint8_t *rdata, size_t len);
/* The same way; tags that are no labels (label.h) are passed over. */
void compile_tag(struct compiler *c, const char *tag);

/* What finish has to say about a service beside its answers. */
struct compile_result {
	struct service *service;        /* from malloc(); the caller's */
	int64_t next_expiry_wall_ms;    /* of a lease or a drain; 0: none */
	unsigned why_n[ELIGIBLE_WHY_N]; /* instances by enum eligible_why */
	int64_t changed_wall_ms; /* the last of them did; 0: there are none */
	/* Instances left out: more than SERVICE_INSTANCES_MAX, bad rows. */
	unsigned dropped_n;
	/* Pairs of metadata left out: TXT holds no more. */
	unsigned dropped_pair_n;
	/* Tags left out: more different ones than SUBTYPES_MAX. */
	unsigned dropped_tag_n;
};

/* -EINVAL: the rows cannot be answered at all (a name is too long). */
int compile_finish(
    struct compiler *c, struct compile_result *ret, struct diag *reterr);
