// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * registration - definitions of services that register themselves.
 *
 * As registry.h, whose conventions hold. A registration is of an instance,
 * whose row its source writes beside it, and ends with that. Registrars take
 * up what is above the last number that they have seen.
 */
#include "schema/registry.h"

struct registration_row {
	int64_t number; /* not in a put */
	const char *zone, *service, *instance, *source;
	const char *text; /* of a definition; NULL: it has ended */
	int64_t updated_wall_ms;
};
#define REGISTRATION_TEXT_MAX 65536

/* The same text again is no change. */
int registry_put_registration(struct registry *r,
    const struct registration_row *row, struct diag *reterr);

/* In the order of their numbers, at most limit behind since. */
typedef void (*registry_registration_fn)(
    void *arg, const struct registration_row *row);
int registry_read_registrations(struct registry *r, int64_t since,
    unsigned limit, registry_registration_fn fn, void *arg,
    struct diag *reterr);

/*
 * Instances of APIs whose lease has ended between both times, and that are not
 * critical yet.
 */
typedef void (*registry_ended_fn)(
    void *arg, const char *zone, const char *service, const char *instance);
int registry_read_ended(struct registry *r, int64_t after_wall_ms,
    int64_t until_wall_ms, unsigned limit, registry_ended_fn fn, void *arg,
    struct diag *reterr);

/* Forget at most limit that ended before that time. */
int registry_prune_registrations(struct registry *r, int64_t before_wall_ms,
    unsigned limit, struct diag *reterr);
