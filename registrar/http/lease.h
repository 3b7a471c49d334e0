// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * lease - leases that are extended: held here, written together.
 *
 * Private to registrar/http/. An entry is what its row says, as long as its
 * service has not changed since; then the row is read again.
 */
#include "registrar/http/register.h"

/* It was written so. */
void leases_keep(struct leases *l, const char *zone, const char *service,
    const char *instance, const char *source, int64_t lease_ms,
    int64_t until_wall_ms);
void leases_drop(struct leases *l, const char *zone, const char *service,
    const char *instance);
/* As register_renew(). */
int leases_renew(struct leases *l, const char *zone, const char *service,
    const char *instance, const char *source, int64_t lease_ms,
    int64_t *ret_until_wall_ms, struct diag *reterr);
