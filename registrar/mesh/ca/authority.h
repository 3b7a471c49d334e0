// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * authority - the key of the mesh, and what it signs; keys and requests of
 * those who ask. ECDSA on P-256 throughout, by OpenSSL.
 *
 * An identity is spiffe://ZONE/service/SERVICE, a URI in the certificate; its
 * DNS name is SERVICE.ZONE, its common name the instance.
 */
#include "schema/base/arena.h"
#include "schema/base/diag.h"

#include <stdint.h>

#define CA_TEXT_MAX 16384 /* octets of a request or an answer */

struct authority;

/*
 * dir holds ca.key and ca.pem, a root or an intermediate with those above it;
 * what is not there is made, a root of its own. roots.pem, if it is there,
 * is what others are to trust, else ca.pem.
 */
int authority_open(
    const char *dir, struct authority **ret_a, struct diag *reterr);
void authority_free(struct authority *a);

/* PEM, in a. */
const char *authority_roots(const struct authority *a);

struct identity {
	const char *zone, *service, *instance;
};

struct issued {
	const char *pem; /* the certificate, and an intermediate's */
	const char *serial;
	int64_t until_wall_ms;
};
/* -EINVAL: the request is none, or not signed by its key. */
int authority_sign(struct authority *a, const char *request_pem,
    const struct identity *who, int64_t now_wall_ms, int64_t life_ms,
    struct arena *arena, struct issued *ret_i, struct diag *reterr);

/* A fresh key and a request for it, both PEM. */
int authority_request(struct arena *a, const char **ret_key_pem,
    const char **ret_request_pem, struct diag *reterr);

/* Of the first certificate in a PEM text. -EINVAL: there is none. */
int authority_read_times(
    const char *pem, int64_t *ret_from_wall_ms, int64_t *ret_until_wall_ms);
