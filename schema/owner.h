// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * owner - whose a row of the registry is, and what others say of it.
 *
 * As registry.h, whose conventions hold; README.md says what owners may do.
 */
#include "schema/registry.h"

#define OWNER_MAX 256
struct row_owner {
	char node[OWNER_MAX]; /* "": this host */
	char source[OWNER_MAX];
	bool is_taken; /* somebody took it over */
};
/* instance NULL: of the service. -ENOENT: there is none. */
int registry_read_owner(struct registry *r, const char *zone,
    const char *service, const char *instance, struct row_owner *ret_owner,
    struct diag *reterr);
/*
 * The row is source's, of this host, from now on, whoever had it: its history
 * says by whom. instance NULL: the service and all its instances.
 */
int registry_take_over(struct registry *r, const char *zone,
    const char *service, const char *instance, const char *source,
    const char *who, int64_t now_wall_ms, struct diag *reterr);
/*
 * All that one source of this host has and says becomes another's. Reads all
 * instances. ret_n: instances that it had.
 */
int registry_adopt(struct registry *r, const char *from, const char *to,
    unsigned *ret_n, struct diag *reterr);

/* What becomes of a put_instance over the row of another owner. */
enum on_others {
	OTHERS_CLAIM,  /* it stands beside it: registry_put_instance() */
	OTHERS_REFUSE, /* -EINVAL */
	OTHERS_TAKE,   /* it is taken over, by who */
};
/* who is borrowed. */
void registry_on_others(
    struct registry *r, enum on_others what, const char *who);

/* What is said of a service (instance "") or instance, but is not the row. */
struct disagreement {
	const char *zone, *service, *instance;
	const char *node, *source;
	const char *definition; /* "": none */
	const char *says;       /* "protocol udp, port 53" */
};
typedef void (*registry_disagreement_fn)(
    void *arg, const struct disagreement *d);
/* service NULL: of all zones. In the order of their keys. */
int registry_read_disagreements(struct registry *r, const char *zone,
    const char *service, registry_disagreement_fn fn, void *arg,
    struct diag *reterr);

/* What a source of this host says of rows that are of others. instance "": of
 * the service, definition NULL: unknown. */
typedef void (*registry_claim_fn)(void *arg, const char *zone,
    const char *service, const char *instance, const char *definition);
int registry_read_claims_of(struct registry *r, const char *source,
    registry_claim_fn fn, void *arg, struct diag *reterr);

/* The host that node "" means; "" until a registrar has said it. */
struct host_row {
	char name[OWNER_MAX];
	/* names of instances on its loopback begin as they did before */
	bool plain_names;
};
int registry_read_host(
    struct registry *r, struct host_row *ret_host, struct diag *reterr);
int registry_put_host(
    struct registry *r, const char *name, struct diag *reterr);
