// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * mesh - what the mesh's certificate authority writes into a registry, and
 * whom operators have taken out of it.
 *
 * As registry.h, whose conventions hold. What a service says of the mesh is in
 * its row.
 */
#include "schema/registry.h"

struct mesh_certificate_row {
	const char *serial; /* lower case hex */
	const char *zone, *service, *instance;
	const char *asked_by; /* "uid 998, pid 12" */
	int64_t issued_wall_ms, until_wall_ms;
};

int registry_put_mesh_certificate(struct registry *r,
    const struct mesh_certificate_row *row, struct diag *reterr);
/* The newest first, at most limit. */
typedef void (*registry_mesh_certificate_fn)(
    void *arg, const struct mesh_certificate_row *row);
int registry_read_mesh_certificates(struct registry *r, unsigned limit,
    registry_mesh_certificate_fn fn, void *arg, struct diag *reterr);
/* Those that ended before that time go, at most limit. */
int registry_prune_mesh_certificates(struct registry *r, int64_t before_wall_ms,
    unsigned limit, struct diag *reterr);

/* A change of the service, so whoever follows it looks again. */
int registry_put_mesh_revoked(struct registry *r, const char *zone,
    const char *service, const char *who, const char *reason,
    int64_t now_wall_ms, struct diag *reterr);
/* -ENOENT: it was not revoked. */
int registry_withdraw_mesh_revoked(struct registry *r, const char *zone,
    const char *service, struct diag *reterr);
int registry_is_mesh_revoked(struct registry *r, const char *zone,
    const char *service, bool *ret_is, struct diag *reterr);
