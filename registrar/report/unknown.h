// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * unknown - what to say of a name that the registry does not have.
 *
 * With the name that was probably meant, or the zone that it is in. Reads all
 * names of services, or those of a service's instances: for the way out only.
 */
#include "registrar/report/target.h"
#include "schema/registry.h"

/* Both return error, with the text in reterr. */
int unknown_service(struct registry *reg, const char *zone, const char *service,
    int error, struct diag *reterr);
int unknown_instance(struct registry *reg, const struct target *t, int error,
    struct diag *reterr);
/* The same for a registry that is not open any more; the service is there. */
int unknown_in(const char *registry, const struct target *t, int error,
    struct diag *reterr);
