// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * lock - one registrar of a name on a registry.
 *
 * The lock of its pulse (schema/pulse.h), with the pid of its holder, until
 * that says that it beats. Taken after helpers were forked.
 */
#include "schema/base/diag.h"

#include <stdint.h>

/*
 * Waits for a predecessor; -EBUSY: it runs on, reterr says its pid. 0 and -1
 * in ret_fd: nobody could have one there, since the file cannot be made; the
 * log says why. Close it to let go.
 */
int lock_take(const char *registry, const char *name, int64_t wait_ms,
    int *ret_fd, struct diag *reterr);
