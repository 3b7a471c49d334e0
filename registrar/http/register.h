// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * register - instances that register themselves: in, renewed, and out.
 *
 * What all APIs that take registrations share. The row is the source's of who
 * asks (http_source()); what another has described is left alone.
 */
#include "registrar/http/http.h"

/* Texts are borrowed; JSON columns as the registry has them. */
struct registration {
	const char *zone, *service, *instance;
	/* of the instance; its health only of one that is new */
	const char *address, *address6, *locality, *tags, *meta, *ports;
	int port, priority, weight, weight_warning;
	enum health health;
	const char *reason; /* of that health; NULL */
	int64_t lease_ms;   /* 0: none */
	/* as a definition has them, by register_set_checks(); NULL: none */
	json_t *checks;
	const char *text; /* of that definition */
	/* of the service, if there is none yet, or it is of the same source */
	struct service_row own;
};
/* Defaults of all but the names and the address. */
struct registration registration_of(const char *zone, const char *service,
    const char *instance, const char *address);

/*
 * checks: a list as in a definition file (registrar.d(5)); borrowed. Whoever
 * has not the right to exec may let check the instance's own address alone, by
 * kinds that name no file, program or socket. The instance begins as
 * starting. False: the request has failed.
 */
bool register_set_checks(
    struct http_request *q, struct registration *what, json_t *checks);

/*
 * In the transaction of an http_write(). ret_new: the instance was not there.
 * -EEXIST: another has described it; -EPERM: who has no token may not add to
 * what another has described.
 */
int register_put(struct http_request *q, struct registry *r,
    int64_t now_wall_ms, const struct registration *what, bool *ret_new,
    struct diag *reterr);
/*
 * The same for what goes; the service goes with its last instance if its source
 * is an API's. -ENOENT: it is not there.
 */
int register_withdraw(struct http_request *q, struct registry *r,
    int64_t now_wall_ms, const char *zone, const char *service,
    const char *instance, struct diag *reterr);

/*
 * Extends the lease of an instance by what was registered for it last, or by
 * lease_ms if that is not 0. Nothing is written yet: leases are written
 * together, some times a second, and at once where one would end before.
 * -ENOENT: there is no such instance, or it has no lease, or it has run out:
 * to be registered again; -EPERM: it is of another.
 */
int register_renew(struct http_request *q, const char *zone,
    const char *service, const char *instance, int64_t lease_ms,
    int64_t *ret_until_wall_ms, struct diag *reterr);

struct leases;
struct http;
struct leases *leases_new(struct http *h);
/* What is not written is tried once more. */
void leases_free(struct leases *l);
